"""Pages and pictures in a real browser without a screen."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SETTINGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--hide-scrollbars",
)
browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def chromium(page: Path, *options: str) -> str:
    """Open a page in the browser and give what it prints; its profile stays beside the page."""
    assert CHROMIUM is not None
    own = (f"--user-data-dir={page.parent / 'profile'}", page.as_uri())
    done = subprocess.run(
        [CHROMIUM, *SETTINGS, *options, *own], capture_output=True, timeout=120, check=True
    )
    return done.stdout.decode()
