"""The strict switches: they hold for every test of the suite."""

import gc
import os

import jax
import jaxtyping
import pytest
from compiling import quickly

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "standard")


os.environ.setdefault("NPROC", "1")  # XLA's threads; pytest-xdist has a process for each core


def pytest_configure(config: pytest.Config) -> None:
    """Compile quickly, and a program once for all tests that run it: most of the time is XLA's.

    Slow tests run programs as users do, with all that LLVM makes of them, but for some children,
    and without the shape and type checks, which take a sixth of the time.
    """
    if config.option.markexpr == "not slow":
        os.environ |= quickly()
    elif config.option.markexpr == "slow":
        jaxtyping.config.update("jaxtyping_disable", True)
    jax.config.update("jax_compilation_cache_dir", str(config.cache.mkdir("jax")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for cycles seldom, and not in what is collected, which stays: an eighth of the time."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000)


@pytest.fixture
def x64():
    """Float64 for one test: where gradients are checked, they are checked in double precision."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def untyped():
    """Without the shape and type checks of the suite, as users run the code."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
