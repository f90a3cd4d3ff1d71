"""Float32 stays within bounds derived from its arithmetic, not guessed.

Running error analysis, first order in u = 2⁻²⁴. A score is s = Σ_i u_i v_i; whatever the order of
the sum and with or without fused products, |fl(s) − s| ≤ dim u A, A = Σ_i |u_i v_i|. As
|d log σ(s)/ds| ≤ 1, the relative error of σ(s) is at most dim u A plus that of its evaluation.
Each gradient entry is a sum of n terms, each term a product of such factors:

    |fl(entry) − entry| ≤ u Σ_terms (relative roundings of the term + n + 1) |term|

The bound carries no factor that was fitted, and `test_the_bounds_have_power` shows that it is
small beside the gradients.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from strategies import CTX, DIM, NEG, VOCAB, ids, normal, uniform

from jw2v.losses import naive_softmax, negative_sampling, sigmoid, skipgram
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX

U32 = 2.0**-24
# exp, log1p, the division and the product with λ or ω are right to 2 ulp (4u) each at most; the
# autodiff side forms σ(s) as exp(−|s| − log1p(exp(−|s|))), whose argument has an error of 2u|s|.
EVALUATION = 4 * 4
BATCH = 2
SIDES = ("hand", "autodiff")
Bounds = tuple[Any, tuple[Any, ...]]


def bound(roundings: Any, terms: Any, axis: int = 0) -> np.ndarray:
    """u Σ (roundings + n + 1)|term|, for n terms along `axis`."""
    n = np.shape(terms)[axis]
    return U32 * np.sum((roundings + n + 1) * np.abs(terms), axis=axis)


def logistic(s: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-s))


def scores(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """s, and the relative roundings of a function f of it with |d log f/ds| ≤ 1."""
    s = u @ v
    return s, len(v) * (np.abs(u) @ np.abs(v)) + 2 * np.abs(s) + EVALUATION


def sigmoid_bounds(x: np.ndarray) -> Bounds:
    slope = logistic(x) * logistic(-x)
    roundings = 2 * (EVALUATION + 2 * np.abs(x))
    return bound(roundings, [logistic(x)]), (bound(roundings, [slope]),)


def negative_sampling_bounds(v_c: np.ndarray, u_o: np.ndarray, u_neg: np.ndarray) -> Bounds:
    u = np.concatenate([u_o[None], u_neg])
    s, roundings = scores(u, v_c)
    s[0] *= -1  # the error terms are −σ(−s_o) and σ(s_k), the loss terms −log σ of the mirror
    err, softplus = logistic(s), np.logaddexp(0, s)
    rows = bound(roundings[:, None], (err[:, None] * v_c)[None])
    loss = U32 * np.sum(roundings) + bound(EVALUATION, softplus)
    return loss, (bound(roundings[:, None], err[:, None] * u), rows[0], rows[1:])


def naive_softmax_bounds(v_c: np.ndarray, o: int, U: np.ndarray) -> Bounds:
    s, roundings = scores(U, v_c)
    shifted = s - s.max()
    log_z = np.log(np.sum(np.exp(shifted)))
    # log ŷ_w = (s_w − max) − log Z: two scores' roundings, vocab additions, the shift's own.
    log_y = 2 * roundings.max() + len(s) + EVALUATION + np.abs(shifted) + np.abs(log_z)
    y_hat, y = np.exp(shifted - log_z), np.arange(len(s)) == o
    err = np.stack([y_hat, -1.0 * y])
    roundings = np.stack([log_y, 0 * log_y])
    terms = (err[:, :, None] * U).reshape(2 * len(s), -1)
    d_v_c = bound(roundings.reshape(-1, 1), terms)
    d_U = bound(roundings[:, :, None], err[:, :, None] * v_c)
    return U32 * log_y[o], (d_v_c, d_U)


def skipgram_bounds(
    v_c: np.ndarray,
    outside: np.ndarray,
    rest: np.ndarray,
    weight: np.ndarray,
    *,
    pair: Callable[..., Bounds],
    loss_and_grads: Callable[..., Any],
) -> Bounds:
    """Σ_j ω_j of the pair's bounds, and of the ctx products with ω and additions."""
    bounds = [pair(v_c, o, rest) for o in outside]
    terms = [loss_and_grads(v_c, jnp.asarray(o), rest) for o in outside]
    ctx = len(weight)

    def entry(bound_j: Any, term_j: Any) -> np.ndarray:
        terms = np.abs(np.asarray(term_j)) + np.asarray(bound_j)
        weighed = np.asarray(bound_j) + U32 * (ctx + 1) * terms
        return weight.reshape(-1, *(1,) * (weighed.ndim - 1)) * weighed

    per_pair = jax.tree.map(
        lambda *leaves: entry(leaves[:ctx], leaves[ctx:]), *bounds, *terms, is_leaf=is_array
    )
    loss, (d_v_c, *d_outside, d_rest) = per_pair
    return loss.sum(0), (d_v_c.sum(0), *d_outside, d_rest.sum(0))


def is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic | jax.Array)


def window_of_negatives(*args: np.ndarray) -> Bounds:
    return skipgram_bounds(
        *args, pair=negative_sampling_bounds, loss_and_grads=negative_sampling.loss_and_grads
    )


def window_of_softmax(*args: np.ndarray) -> Bounds:
    return skipgram_bounds(
        *args, pair=naive_softmax_bounds, loss_and_grads=naive_softmax.loss_and_grads
    )


vector, rows, table = (DIM,), (NEG, DIM), (VOCAB, DIM)
CASES: dict[str, tuple[Any, Callable[..., Bounds], tuple[Any, ...]]] = {
    "sigmoid": (sigmoid, sigmoid_bounds, ((),)),
    "naive_softmax": (naive_softmax, naive_softmax_bounds, (vector, ids, table)),
    "negative_sampling": (negative_sampling, negative_sampling_bounds, (vector, vector, rows)),
    "skipgram of negative_sampling": (
        skipgram,
        window_of_negatives,
        (vector, (CTX, DIM), rows, uniform),
    ),
    "skipgram of naive_softmax": (
        skipgram,
        window_of_softmax,
        (vector, ids, table, uniform),
    ),
}


def arguments(case: str) -> list[jax.Array]:
    """Generic float32 points, a batch of them; integers and weights by their generators."""
    of_window = (CTX,) if case.startswith("skipgram") else ()
    return [
        normal(seed, BATCH, *what, dtype="float32")
        if isinstance(what, tuple)
        else what(seed, BATCH, *of_window)
        if what is ids
        else what(seed, BATCH, *of_window, dtype="float32")
        for seed, what in enumerate(CASES[case][2], start=1)
    ]


def side(case: str, name: str) -> Callable[..., Any]:
    functions = CASES[case][0]
    fn = functions.loss_and_grads if name == "hand" else functions.loss_and_grads_autodiff
    options = {"pair": NAIVE_SOFTMAX} if case == "skipgram of naive_softmax" else {}
    return lambda *args: fn.__wrapped__(*args, **options)


@cache
def in_float64(case: str) -> list[tuple[Any, Any]]:
    """The gradients by hand in float64 at the rounded inputs, with their bounds, by window."""
    args = arguments(case)
    with jax.enable_x64(True):
        wide = [np.asarray(x, np.float64 if x.dtype == np.float32 else x.dtype) for x in args]
        windows = [[x[i] for x in wide] for i in range(BATCH)]
        hand = jax.jit(side(case, "hand"))
        exact = [jax.tree.map(np.asarray, hand(*map(jnp.asarray, w))) for w in windows]
        return list(zip(exact, (CASES[case][1](*w) for w in windows), strict=True))


@pytest.mark.parametrize("transform", ["eager", "jit", "vmap"])
@pytest.mark.parametrize("case", CASES)
def test_float32_is_within_its_bound(case: str, transform: str):
    args, sides = arguments(case), [side(case, name) for name in SIDES]

    def fn(*args: jax.Array) -> list[Any]:
        return [side(*args) for side in sides]

    if transform == "vmap":
        batched = jax.jit(jax.vmap(fn))(*args)
        got = [jax.tree.map(lambda x, i=i: x[i], batched) for i in range(BATCH)]
    else:
        run = jax.jit(fn) if transform == "jit" else fn
        got = [run(*(x[i] for x in args)) for i in range(BATCH)]
    for both, (exact, limit) in zip(got, in_float64(case), strict=True):
        for value in both:
            leaves = zip(*map(jax.tree.leaves, (value, exact, limit)), strict=True)
            for single, double, most in leaves:
                assert single.dtype == np.float32
                assert np.all(np.abs(np.asarray(single, np.float64) - double) <= most)


@pytest.mark.parametrize("case", CASES)
def test_the_bounds_have_power(case: str):
    for exact, limit in in_float64(case):
        pairs = list(zip(jax.tree.leaves(exact), jax.tree.leaves(limit), strict=True))
        relative = np.concatenate([np.ravel(most / np.abs(double)) for double, most in pairs])
        assert np.median(relative) < 1e-4
