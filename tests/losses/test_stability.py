"""Scores of ±1, ±100 and ±1e4 in float32: finite, and equal to the exact value's rounding."""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from strategies import DIM

from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.sigmoid import loss as sigmoid
from jw2v.losses.sigmoid import loss_and_grads as sigmoid_and_grads
from jw2v.losses.sigmoid import loss_and_grads_autodiff as sigmoid_and_grads_autodiff
from jw2v.losses.skipgram import loss_and_grads, loss_and_grads_autodiff

# A sum of four terms, each with an exp, a log and a sum of its own: a dozen roundings.
RTOL = 12 * 2.0**-24
# What float32 flushes to zero, such as exp(−100), is not lost precision.
ATOL = float(np.finfo(np.float32).tiny)

SIGNS = np.array(list(itertools.product([-1.0, 1.0], repeat=4)))  # of o and three others
SCORES = np.concatenate([scale * SIGNS for scale in (1.0, 1e2, 1e4)])
WEIGHT = np.array([1.0, 0.5])


def softplus(x: float) -> float:
    """−log σ(−x), without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def negative_sampling_exact(s: np.ndarray) -> float:
    return softplus(-s[0]) + sum(softplus(x) for x in s[1:])


def naive_softmax_exact(s: np.ndarray) -> float:
    top = max(s)
    return math.log(sum(math.exp(x - top) for x in s)) + (top - s[0])


def in_windows(exact: Callable[..., float], pairs: Sequence[Any]) -> list[float]:
    """The weighted sum of the two pairs of each window."""
    return [sum(w * exact(s) for w, s in zip(WEIGHT, both, strict=True)) for both in pairs]


def rows_of(scores: np.ndarray) -> tuple[jax.Array, jax.Array]:
    """v_c and rows whose products with it are these scores, to the last bit."""
    v_c = np.zeros(DIM)
    v_c[1] = 8
    return jnp.asarray(v_c, "float32"), jnp.asarray(scores[..., None] / 64 * v_c, "float32")


def finite_and_close(got: Any, exact: Sequence[float]) -> None:
    chex.assert_tree_all_finite(got)
    np.testing.assert_allclose(got[0], exact, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("side", ["loss_and_grads", "loss_and_grads_autodiff"])
def test_negative_sampling_is_exact_at_small_and_extreme_scores(side: str):
    v_c, u = rows_of(SCORES)
    got = jax.jit(jax.vmap(getattr(NEGATIVE_SAMPLING, side), (None, 0, 0)))(v_c, u[:, 0], u[:, 1:])
    finite_and_close(got, [negative_sampling_exact(s) for s in SCORES])


@pytest.mark.parametrize("side", ["loss_and_grads", "loss_and_grads_autodiff"])
def test_naive_softmax_is_exact_at_small_and_extreme_scores(side: str):
    v_c, U = rows_of(SCORES)
    fn: Callable[..., Any] = getattr(NAIVE_SOFTMAX, side)
    got = jax.jit(jax.vmap(fn, (None, None, 0)))(v_c, jnp.asarray(0), U)
    finite_and_close(got, [naive_softmax_exact(s) for s in SCORES])


@pytest.mark.parametrize("fn", [loss_and_grads, loss_and_grads_autodiff])
def test_skipgram_of_negative_sampling_is_exact_at_small_and_extreme_scores(fn: Any):
    v_c, u = rows_of(SCORES)
    weight = jnp.asarray(WEIGHT, "float32")
    got = jax.jit(jax.vmap(fn, (None, 0, 0, None)))(v_c, u[:, :2], u[:, 2:], weight)
    pairs = [(s[[0, 2, 3]], s[[1, 2, 3]]) for s in SCORES]
    finite_and_close(got, in_windows(negative_sampling_exact, pairs))


@pytest.mark.parametrize("fn", [loss_and_grads, loss_and_grads_autodiff])
def test_skipgram_of_naive_softmax_is_exact_at_small_and_extreme_scores(fn: Any):
    v_c, U = rows_of(SCORES)
    weight, o = jnp.asarray(WEIGHT, "float32"), jnp.array([0, 1])
    of_ids = partial(fn, pair=NAIVE_SOFTMAX)
    got = jax.jit(jax.vmap(of_ids, (None, None, 0, None)))(v_c, o, U, weight)
    pairs = [(s, s[[1, 0, 2, 3]]) for s in SCORES]
    finite_and_close(got, in_windows(naive_softmax_exact, pairs))


def test_sigmoid_and_its_slope_are_exact_in_both_tails():
    """By hand: autodiff takes σ (1 − σ), wrong in the fourth digit at x = 10 in float32."""
    x = np.array([sign * scale for sign in (-1, 1) for scale in (1.0, 10.0, 80.0, 1e4)])
    single = jnp.asarray(x, "float32")
    value, (slope,) = jax.vmap(sigmoid_and_grads)(single)
    exact = [math.exp(-softplus(-y)) for y in x]
    np.testing.assert_allclose(value, exact, rtol=RTOL, atol=ATOL)
    exact = [math.exp(-softplus(-y) - softplus(y)) for y in x]
    np.testing.assert_allclose(slope, exact, rtol=RTOL, atol=ATOL)
    np.testing.assert_array_equal(jax.vmap(sigmoid)(single), value)
    chex.assert_tree_all_finite(jax.vmap(sigmoid_and_grads_autodiff)(single))


def test_error_terms_keep_their_digits_where_sigmoid_rounds_to_one():
    """At u_o·v_c = 20, σ − 1 is −2.06e-9; 1 − σ in float32 would be 0."""
    v_c, u = rows_of(np.array([20.0, -20.0]))
    assert NEGATIVE_SAMPLING.loss_and_grads is not None
    _, (_, d_u_o, d_u_neg) = NEGATIVE_SAMPLING.loss_and_grads(v_c, u[0], u[1:])
    err = math.exp(-softplus(20.0))
    np.testing.assert_allclose(d_u_o[1], -8 * err, rtol=RTOL)
    np.testing.assert_allclose(d_u_neg[0, 1], 8 * err, rtol=RTOL)


def test_the_rank_promotion_switch_stays_on():
    assert jax.config.values["jax_numpy_rank_promotion"] == "raise"
    with pytest.raises(ValueError, match="rank"):
        jnp.add(jnp.ones(3), jnp.ones((2, 3)))
