"""Where compiled programs are kept."""

import jax
import pytest

from jw2v.training.backend import keep_compiled_programs

OPTION = "jax_compilation_cache_dir"


@pytest.fixture
def folder():
    """JAX without a folder for compiled programs; as it was, afterwards."""
    kept = {
        name: jax.config.values[name]
        for name in (
            OPTION,
            "jax_persistent_cache_min_compile_time_secs",
            "jax_persistent_cache_min_entry_size_bytes",
        )
    }
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
