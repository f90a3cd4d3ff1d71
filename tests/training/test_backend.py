"""Where compiled programs are kept, and how many threads compute."""

import os
import subprocess
import sys

import jax
import pytest

from jw2v.judge.ledgers import CACHING
from jw2v.training.backend import enough_threads, keep_compiled_programs, one_thread

OPTION = "jax_compilation_cache_dir"


@pytest.fixture
def folder():
    """JAX without a folder for compiled programs; as it was, afterwards."""
    kept = {name: jax.config.values[name] for name in CACHING}
    jax.config.update(OPTION, None)
    yield lambda: jax.config.values[OPTION]
    for name, value in kept.items():
        jax.config.update(name, value)


def test_compiled_programs_are_kept_in_the_users_cache(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keep_compiled_programs()
    assert folder().startswith(str(tmp_path / "jw2v" / "xla-"))


def test_a_folder_that_jax_was_told_stays(folder, tmp_path):
    jax.config.update(OPTION, str(tmp_path))
    keep_compiled_programs()
    assert folder() == str(tmp_path)


def test_without_a_place_to_write_nothing_is_kept(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    keep_compiled_programs()
    assert folder() is None


@pytest.fixture
def threads(monkeypatch):
    """What NPROC is, unset at first; as it was, afterwards."""
    monkeypatch.setenv("NPROC", "")
    del os.environ["NPROC"]
    return lambda: os.environ.get("NPROC")


def test_one_thread_computes_where_there_is_the_processor_alone(threads):
    one_thread()
    assert threads() == "1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("XLA_FLAGS", "--a=1 --xla_force_host_platform_device_count=8 --b"),
        ("JAX_NUM_CPU_DEVICES", "8"),
    ],
)
def test_devices_of_a_processor_have_threads_enough(threads, name, value):
    enough_threads()
    assert threads() is None
    told = (
        "import os; from jw2v.training.backend import enough_threads, one_thread; "
        "enough_threads(); one_thread(); print(os.environ['NPROC'])"
    )
    command, env = [sys.executable, "-c", told], {**os.environ, name: value}
    assert subprocess.run(command, env=env, check=True, capture_output=True).stdout == b"32\n"


def test_threads_that_were_chosen_stay(threads, monkeypatch):
    monkeypatch.setenv("NPROC", "4")
    one_thread()
    assert threads() == "4"


@pytest.mark.parametrize("finder", ["entry_points", "find_spec"])
def test_beside_an_accelerator_threads_stay(threads, monkeypatch, finder):
    monkeypatch.setattr(f"jw2v.training.backend.{finder}", lambda *a, **k: ["found"])
    one_thread()
    assert threads() is None


def test_the_processor_may_be_chosen_beside_an_accelerator(threads, monkeypatch):
    monkeypatch.setattr("jw2v.training.backend.entry_points", lambda *a, **k: ["found"])
    platforms = jax.config.values["jax_platforms"]
    jax.config.update("jax_platforms", "cpu")
    one_thread()
    jax.config.update("jax_platforms", platforms)
    assert threads() == "1"
