"""Identities that hold at every point, for losses and gradients alike."""

from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from comparisons import assert_bitwise_zero, assert_same
from hypothesis import given
from hypothesis import strategies as st
from strategies import DIM, VOCAB, Sizes, few, normal, seeds, sizes, uniform

from jw2v.losses import naive_softmax, negative_sampling, over_windows, skipgram

pytestmark = pytest.mark.usefixtures("x64")


def pair(seed: int, size: Sizes) -> tuple[jax.Array, jax.Array, jax.Array]:
    return (
        normal(seed, size.dim),
        normal(seed + 1, size.dim),
        normal(seed + 2, size.neg, size.dim),
    )


def window(seed: int, size: Sizes) -> tuple[jax.Array, jax.Array, jax.Array]:
    return (
        normal(seed, size.dim),
        normal(seed + 1, size.ctx, size.dim),
        normal(seed + 2, size.neg, size.dim),
    )


def rounding(v_c: jax.Array, u: jax.Array) -> float:
    """Float64 rounding of a sum of the rows u, each times an error term below 1.

    A reordered sum rounds elsewhere, by a few eps of what it sums; some seeds cancel.
    """
    return 8 * 2.0**-53 * float(1 + jnp.abs(u).sum() + jnp.abs(v_c).sum())


@few
@given(seed=seeds, size=sizes)
def test_permuting_negatives_permutes_their_gradients_and_keeps_the_rest(seed: int, size: Sizes):
    v_c, u_o, u_neg = pair(seed, size)
    order = np.random.default_rng(seed).permutation(size.neg)
    J, (d_v_c, d_u_o, d_u_neg) = negative_sampling.loss_and_grads(v_c, u_o, u_neg)
    moved, (v_moved, o_moved, neg_moved) = negative_sampling.loss_and_grads(v_c, u_o, u_neg[order])
    assert_same(neg_moved, d_u_neg[order])
    assert_same(o_moved, d_u_o)
    assert_same(moved, J)
    assert_same(v_moved, d_v_c, atol=rounding(v_c, u_neg) + rounding(v_c, u_o))


@few
@given(seed=seeds, o=st.integers(0, VOCAB - 1))
def test_error_terms_of_the_softmax_sum_to_zero(seed: int, o: int):
    v_c, U = normal(seed, DIM), normal(seed + 1, VOCAB, DIM)
    _, (_, d_U) = naive_softmax.loss_and_grads(v_c, jnp.asarray(o), U)
    err = d_U @ v_c / (v_c @ v_c)
    # |err| sums to at most 2; each of the vocab terms is right to a few eps.
    np.testing.assert_allclose(err.sum(), 0, atol=2 * VOCAB * 2.0**-52)
    np.testing.assert_allclose(err[o], -np.delete(np.asarray(err), o).sum(), rtol=1e-12)


@few
@given(seed=seeds, size=sizes)
def test_a_masked_context_has_gradient_zero_and_no_influence(seed: int, size: Sizes):
    v_c, u_ctx, u_neg = window(seed, size)
    weight = uniform(seed, size.ctx).at[0].set(0.0)
    J, (d_v_c, d_u_ctx, d_u_neg) = skipgram.loss_and_grads(v_c, u_ctx, u_neg, weight)
    # A product with a weight of 0 may be −0.0: a zero in every sum.
    assert_bitwise_zero(jnp.abs(d_u_ctx[0]))
    elsewhere = skipgram.loss_and_grads(v_c, u_ctx.at[0].set(9.0), u_neg, weight)
    chex.assert_trees_all_equal((J, (d_v_c, d_u_ctx, d_u_neg)), elsewhere)


@few
@given(seed=seeds, size=sizes)
def test_masking_all_contexts_leaves_nothing(seed: int, size: Sizes):
    out = skipgram.loss_and_grads(*window(seed, size), jnp.zeros(size.ctx))
    for leaf in jax.tree.leaves(out):
        assert_bitwise_zero(jnp.abs(leaf))


@few
@given(seed=seeds, size=sizes)
def test_vmap_over_windows_is_a_python_loop(seed: int, size: Sizes):
    windows = [(*window(seed + 10 * i, size), uniform(seed + i, size.ctx)) for i in range(3)]
    stacked: Any = jax.tree.map(lambda *x: jnp.stack(x), *windows)
    batched = over_windows(skipgram.loss_and_grads)(*stacked)
    looped = [skipgram.loss_and_grads(*w) for w in windows]
    atol = max(rounding(w[0], jnp.concatenate([w[1], size.ctx * w[2]])) for w in windows)
    assert_same(batched, jax.tree.map(lambda *x: jnp.stack(x), *looped), atol=atol)


@few
@given(seed=seeds, size=sizes, neg_weight=st.sampled_from([0.0, 0.3, 5 / 32, 4.0]))
def test_gradients_are_linear_in_neg_weight(seed: int, size: Sizes, neg_weight: float):
    rows = pair(seed, size)

    def at(weight: float) -> Any:
        return negative_sampling.loss_and_grads(*rows, neg_weight=jnp.asarray(weight))

    line = jax.tree.map(lambda x, y: x + neg_weight * (y - x), at(0.0), at(1.0))
    slack = 5 * rounding(rows[0], rows[2]) + 5 * rounding(rows[0], rows[1])
    assert_same(at(neg_weight), line, atol=slack)
    J, (_, d_u_o, d_u_neg) = at(0.0)
    assert_bitwise_zero(jnp.abs(d_u_neg))
    assert_same(d_u_o, at(1.0)[1][1])
    assert at(1.0)[0] > J


@few
@given(seed=seeds, size=sizes)
def test_a_window_of_equal_pairs_is_that_pair_times_their_weight(seed: int, size: Sizes):
    v_c, u_o, u_neg = pair(seed, size)
    weight = uniform(seed, size.ctx)
    u_ctx = jnp.broadcast_to(u_o, (size.ctx, size.dim))
    J, (d_v_c, _, d_u_neg) = skipgram.loss_and_grads(v_c, u_ctx, u_neg, weight)
    one, (v_one, _, neg_one) = negative_sampling.loss_and_grads(v_c, u_o, u_neg)
    total = weight.sum()
    assert_same((J, d_v_c, d_u_neg), (total * one, total * v_one, total * neg_one))


@few
@given(seed=seeds, size=sizes)
def test_a_small_step_against_the_gradient_lowers_the_loss(seed: int, size: Sizes):
    rows = pair(seed, size)
    J, grads = negative_sampling.loss_and_grads(*rows)
    stepped = [x - 1e-4 * d for x, d in zip(rows, grads, strict=True)]
    assert negative_sampling.loss(*stepped) < J
