"""What the judge assumes of elementary functions is what this backend's are, in float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from jw2v.judge.arithmetic.bounds import UNIT_ROUNDOFF
from jw2v.judge.arithmetic.rules import ULPS

COUNT = 200_000
TINY, HUGE = np.finfo(np.float32).tiny, np.finfo(np.float32).max

FUNCTIONS = {  # on the backend, in NumPy, and whether its arguments are above 0 alone
    "exp": (jnp.exp, np.exp, False),
    "exp2": (jnp.exp2, np.exp2, False),
    "expm1": (jnp.expm1, np.expm1, False),
    "log": (jnp.log, np.log, True),
    "log1p": (jnp.log1p, np.log1p, True),
    "logistic": (jax.nn.sigmoid, lambda x: 1 / (1 + np.exp(-x)), False),
    "tanh": (jnp.tanh, np.tanh, False),
    "erf": (jax.lax.erf, erf, False),
    "sin": (jnp.sin, np.sin, False),
    "cos": (jnp.cos, np.cos, False),
    "pow": (lambda x: x ** jnp.float32(1.5), lambda x: x**1.5, True),
    "sqrt": (jnp.sqrt, np.sqrt, True),
    "rsqrt": (jax.lax.rsqrt, lambda x: 1 / np.sqrt(x), True),
    "div": (lambda x: x / jnp.flip(x), lambda x: x / np.flip(x), True),
}


def arguments(*, positive):
    """Large, usual and small ones; and, above 0, many near 1, where logarithms vanish."""
    rng = np.random.default_rng(0)
    if positive:
        drawn = np.exp(rng.uniform(-50, 50, COUNT)), 1 + rng.normal(0, 1e-3, COUNT)
    else:
        drawn = rng.uniform(-88, 88, COUNT), rng.normal(size=COUNT), 1e-4 * rng.normal(size=COUNT)
    return np.concatenate(drawn).astype(np.float32)


@pytest.mark.parametrize("name", ULPS)
def test_a_function_is_as_accurate_as_assumed(name):
    fn, exact, positive = FUNCTIONS[name]
    x = arguments(positive=positive)
    with np.errstate(all="ignore"):
        true = exact(x.astype(np.float64))
    normal = (np.abs(true) > TINY) & (np.abs(true) < HUGE)
    found = np.asarray(jax.jit(fn)(x), np.float64)
    off = np.abs(found - true)[normal] / np.abs(true)[normal]
    assert normal.sum() > COUNT
    assert 0 < off.max() < ULPS[name] * UNIT_ROUNDOFF["float32"]
