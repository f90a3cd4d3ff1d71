"""The strict switches: they hold for every test of the suite."""

import jax
import jaxtyping
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "standard")


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
