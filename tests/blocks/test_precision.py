"""Kernels in low precision: extreme scores in float32, and operands in bfloat16."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from strategies import DIM, VOCAB, block, normal

from jw2v.blocks import naive_softmax, negative_sampling, windowed
from jw2v.blocks.kernel import Kernel
from jw2v.blocks.rounding import to_bfloat16
from jw2v.blocks.tables import RowGrads, Tables, whole_table
from jw2v.blocks.windows import Block
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss

U32, UB16 = 2.0**-24, 2.0**-8
NEG = NEGATIVES = 3  # λ = 1
SIZE = 20


def text() -> Block:
    return block(3, size=SIZE, window=2, groups=2, neg=NEG)


def gradients(kernel: Kernel, side: str, tables: Tables) -> tuple[jax.Array, Tables]:
    got = text()
    ids = kernel.ids(got)
    u = tables.U if ids.outside is None else tables.U[ids.outside]
    loss, (d_v, d_u) = getattr(kernel, side)(tables.V[ids.centre], u, got)
    d_U = d_u if ids.outside is None else RowGrads(ids.outside, d_u)
    d_V = whole_table(RowGrads(ids.centre, d_v), tables.V)
    return loss, Tables(d_V, whole_table(d_U, tables.U))


def interactions() -> Iterator[tuple[int, int, float, int]]:
    """(centre word, outside word or negative, weight, sign) of every score a block uses."""
    got = text()
    words, neg_ids = np.asarray(got.ids), np.asarray(got.neg_ids)
    for r, position, weight in oracles.window_pairs(got, weights="linear"):
        centre = int(words[r + got.window])
        yield centre, int(words[position]), weight, 1
        for negative in neg_ids[r // (SIZE // len(neg_ids))]:
            yield centre, int(negative), weight, -1


def softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def exact_negative_sampling(scores: np.ndarray) -> float:
    return sum(w * softplus(-sign * scores[c, o]) for c, o, w, sign in interactions())


def exact_naive_softmax(scores: np.ndarray) -> float:
    top = scores.max(1)
    log_z = np.log(np.sum(np.exp(scores - top[:, None]), axis=1))
    pairs = ((c, o, w) for c, o, w, sign in interactions() if sign > 0)
    return sum(w * (log_z[c] + (top[c] - scores[c, o])) for c, o, w in pairs)


def own_loss(v_c: jax.Array, u_ctx: jax.Array, u_neg: jax.Array, weight: jax.Array) -> jax.Array:
    positive = weight @ jax.nn.softplus(-(u_ctx @ v_c))
    return positive + jnp.sum(weight) * jnp.sum(jax.nn.softplus(u_neg @ v_c))


KERNELS: dict[str, tuple[Kernel, Any]] = {
    "negative_sampling": (
        negative_sampling.kernel(negatives=NEGATIVES),
        exact_negative_sampling,
    ),
    "naive_softmax": (naive_softmax.kernel(chunk=4), exact_naive_softmax),
    "windowed negative_sampling": (windowed.kernel(NEGATIVE_SAMPLING), exact_negative_sampling),
    "windowed naive_softmax": (windowed.kernel(NAIVE_SOFTMAX), exact_naive_softmax),
    "windowed window loss": (
        windowed.kernel(Loss(own_loss, over="window")),
        exact_negative_sampling,
    ),
}
SIDES = [
    (name, side)
    for name, (kernel, _) in KERNELS.items()
    for side in ("loss_and_grads", "loss_and_grads_autodiff")
    if getattr(kernel, side) is not None
]


@pytest.mark.parametrize(("name", "side"), SIDES)
def test_extreme_scores_give_the_exact_loss_and_finite_gradients(name: str, side: str):
    """Scores of exactly ±1, ±100 and ±1e4, each against every word."""
    kernel, exact = KERNELS[name]
    rng = np.random.default_rng(0)
    axis = np.eye(DIM)[1]
    run = jax.jit(partial(gradients, kernel, side))
    for scale in (1.0, 1e2, 1e4):
        v, u = 8 * rng.choice([-1, 1], VOCAB), scale / 8 * rng.choice([-1, 1], VOCAB)
        tables = Tables(*(jnp.asarray(x[:, None] * axis, "float32") for x in (v, u)))
        loss, whole = run(tables)
        chex.assert_tree_all_finite((loss, whole))
        # every term is positive, so the sum is right to one rounding for each and a dozen within
        terms = len(list(interactions())) + 12
        np.testing.assert_allclose(loss, exact(np.outer(v, u)), rtol=terms * U32)


def bfloat16_bounds(tables: Tables) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """How far operands rounded to bfloat16 may move the loss and each gradient entry.

    A product of two rounded operands is off by at most 2u + u² of its size, u = 2⁻⁸, and the sums
    are float32. A score s = v·u is off by δ = (2u + u²) Σ_i |v_i u_i|; the loss of a score by δ,
    for |d log σ/ds| ≤ 1; its error term e = ω σ by ω δ/4, for σ' ≤ 1/4. The gradient is e times a
    row, rounded again. Float32's own roundings, one a term on either side, come on top.
    """
    V, U = (np.asarray(table, np.float64) for table in tables)
    on_V, on_U = np.zeros_like(V), np.zeros_like(U)
    every = list(interactions())
    single = 2 * (len(every) + DIM + 16) * U32
    rounded = 2 * UB16 + UB16**2 + single
    loss = 0.0
    for c, o, weight, sign in every:
        s = V[c] @ U[o]
        moved = rounded * (np.abs(V[c]) @ np.abs(U[o]))
        err, d_err = weight * oracles.sigmoid(-sign * s), weight * moved / 4
        loss += weight * (moved + single * softplus(-sign * s))
        on_V[c] += (d_err + rounded * (err + d_err)) * np.abs(U[o])
        on_U[o] += (d_err + rounded * (err + d_err)) * np.abs(V[c])
    return loss, (on_V, on_U)


def kernel_with(operands: str | None) -> Kernel:
    return negative_sampling.kernel(negatives=NEGATIVES, operands=operands)


@pytest.mark.parametrize("side", ["loss_and_grads", "loss_and_grads_autodiff"])
def test_bfloat16_operands_stay_within_their_bound(side: str):
    tables = Tables(*(0.5 * normal(i, VOCAB, DIM, dtype="float32") for i in (1, 2)))
    wide, narrow = (
        jax.jit(partial(gradients, kernel_with(operands), side))(tables)
        for operands in (None, "bfloat16")
    )
    leaves = zip(*map(jax.tree.leaves, (wide, narrow, bfloat16_bounds(tables))), strict=True)
    for single, half, most in leaves:
        assert half.dtype == jnp.float32
        difference = np.abs(np.asarray(half, np.float64) - np.asarray(single, np.float64))
        assert np.all(difference <= most)
        assert np.any(difference > 0)
        # the bound has power: it is a small part of what it bounds
        assert np.sum(most) < 0.1 * np.sum(np.abs(single))


def test_every_sign_exponent_and_upper_digit_is_rounded_to_the_nearest():
    """All 2¹⁶ upper halves beside lower halves on either side of a tie."""
    upper = np.arange(1 << 16, dtype=np.uint32)[:, None] << 16
    lower = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
    x = (upper + lower).view(np.float32)
    got = np.asarray(to_bfloat16(jnp.asarray(x)).astype("float32"))
    want = np.asarray(jnp.asarray(x).astype("bfloat16").astype("float32"))
    finite, tie = np.isfinite(x), lower == 0x8000
    normal = finite & (np.abs(x) >= np.finfo(np.float32).tiny)  # XLA may take others for 0
    chex.assert_trees_all_equal(got[normal & ~tie], want[normal & ~tie])
    away = (upper + 0x10000).astype(np.uint32).view(np.float32)  # of a tie, the one farther from 0
    chex.assert_trees_all_equal(got[normal & tie], np.broadcast_to(away, x.shape)[normal & tie])
    infinite = np.isinf(x)
    chex.assert_trees_all_equal(got[infinite], x[infinite])
    usual = jnp.array([np.nan, -np.nan], "float32")
    assert np.all(np.isnan(to_bfloat16(usual).astype("float32")))


def test_a_rounded_number_has_the_derivative_of_the_number():
    x, t = (normal(i, 3, 4, dtype="float32") for i in (1, 2))

    def rounded(x: jax.Array) -> jax.Array:
        return to_bfloat16(x).astype("float32")

    _, tangent = jax.jvp(rounded, (x,), (t,))
    chex.assert_trees_all_equal(tangent, rounded(t))
    (cotangent,) = jax.vjp(rounded, x)[1](rounded(t))
    chex.assert_trees_all_equal(cotangent, rounded(t))
    chex.assert_trees_all_equal(jax.vmap(rounded)(x), rounded(x))
    assert jax.eval_shape(to_bfloat16, x).dtype == jnp.bfloat16
