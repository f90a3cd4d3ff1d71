"""The locked development environment: all that is asked for, by version and hash, from anywhere."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCK = ROOT / ".ci" / "requirements.txt"
HASH = r"--hash=sha256:[0-9a-f]{64}"
ENTRY = re.compile(rf"([a-z0-9-]+)==([^ ;]+)(?: ; [^\\]+)? \\\n(?:    {HASH} \\\n)*    {HASH}\n")


def locked() -> list[tuple[str, str]]:
    """Name and version of each entry."""
    return ENTRY.findall(LOCK.read_text(encoding="utf-8"))


def plain(requirement: str) -> str:
    """The name of a requirement, as indices write it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """What pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = project["project"]
    groups = needed["dependencies"], needed["optional-dependencies"]["test"]
    return [*groups[0], *groups[1], *project["dependency-groups"]["dev"]]


def test_every_line_belongs_to_a_version_with_a_hash():
    text = LOCK.read_text(encoding="utf-8")
    assert ENTRY.sub("", text) == ""
    assert len(locked()) > 40


def test_a_line_without_a_hash_would_be_seen():
    assert ENTRY.sub("", "numpy==2.4.6\n") != ""
    assert ENTRY.sub("", f"numpy @ file:///numpy.whl \\\n    --hash=sha256:{'0' * 64}\n") != ""


def test_all_that_is_asked_for_is_locked(asked):
    assert {plain(requirement) for requirement in asked} <= {name for name, _ in locked()}


def test_the_tools_are_those_of_the_project_file(asked):
    pinned = {tuple(requirement.split("==")) for requirement in asked if "==" in requirement}
    assert pinned <= set(locked())
