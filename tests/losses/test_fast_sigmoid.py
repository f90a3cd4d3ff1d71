"""The polynomial sigmoid beside `math`: its ends, its bounds, its derivative."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v.losses import fast_sigmoid

pytestmark = pytest.mark.usefixtures("x64")

X = np.linspace(-30, 30, 60_001)


def test_it_keeps_to_its_bounds():
    exact = np.array([1 / (1 + math.exp(-x)) for x in X])
    off = np.abs(np.asarray(fast_sigmoid.sigmoid(jnp.asarray(X))) - exact)
    assert 0.006 < off.max() < 0.0067
    assert off[np.abs(X) <= 4].max() < 0.0048


def test_it_never_falls_and_ends_in_0_and_1():
    got = np.asarray(fast_sigmoid.sigmoid(jnp.asarray(X)))
    assert (np.diff(got) >= -1e-15).all()
    np.testing.assert_allclose(got[[0, -1]], [0, 1], atol=1e-15)


def test_the_softplus_is_its_integral_and_near_the_exact_one():
    x = jnp.asarray(X)
    derivative = jax.vmap(jax.grad(fast_sigmoid.softplus))(x)
    np.testing.assert_allclose(derivative, fast_sigmoid.sigmoid(x), atol=1e-14)
    exact = np.array([max(x, 0) + math.log1p(math.exp(-abs(x))) for x in X])
    assert np.abs(np.asarray(fast_sigmoid.softplus(x)) - exact).max() < 0.0051


def test_float32_keeps_its_digits():
    x = jnp.asarray(X, jnp.float32)
    exact = fast_sigmoid.sigmoid(jnp.asarray(x, jnp.float64))
    np.testing.assert_allclose(fast_sigmoid.sigmoid(x), exact, atol=8 * 2.0**-24)
