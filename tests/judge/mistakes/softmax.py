"""Naive softmax, of a pair and of a window."""

import jax
import jax.numpy as jnp
import numpy as np
from judge.mistakes import negative_sampling as ns
from judge.mistakes.records import Case, Scale

softmax = jax.nn.softmax
VEC, TABLE = np.ones(5), np.ones((7, 5))
TARGET, CTX = np.array(3), np.arange(2)


def loss(v_c, o, U):
    return jax.nn.logsumexp(U @ v_c) - U[o] @ v_c


def right(v_c, o, U):
    err = softmax(U @ v_c).at[o].add(-1)
    return err @ U, jnp.outer(err, v_c)


def skipgram(v_c, U, outside):
    return jnp.sum(jax.nn.logsumexp(U @ v_c) - U[outside] @ v_c)


def skipgram_right(v_c, U, outside):
    err = (outside.shape[0] * softmax(U @ v_c)).at[outside].add(-1)
    return err @ U, jnp.outer(err, v_c)


SOFTMAX = Case("softmax", loss, right, (VEC, TARGET, TABLE), (0, 2))
SKIPGRAM = Case("skip-gram", skipgram, skipgram_right, (VEC, TABLE, CTX), (0, 1))
CASES = (
    SOFTMAX,
    SKIPGRAM,
)


def window(V, U, c, outside, neg):
    """Negative sampling over the window: neg[j] are the negatives of outside[j]."""
    return sum(ns.loss(V[c], U[outside[j]], U[neg[j]]) for j in range(outside.shape[0]))


def cbow_sum_right(v_ctx, u_o, u_neg):
    d_h, d_u_o, d_u_neg = ns.right(jnp.sum(v_ctx, axis=0), u_o, u_neg)
    return jnp.broadcast_to(d_h, v_ctx.shape), d_u_o, d_u_neg


def y_minus_y_hat(v_c, o, U):
    err = -softmax(U @ v_c).at[o].add(-1)
    return err @ U, jnp.outer(err, v_c)


def target_row_only(v_c, o, U):
    y_hat = softmax(U @ v_c)
    return jnp.zeros_like(U).at[o].set((y_hat[o] - 1) * v_c)


def columns(v_c, o, U):
    err = softmax(U @ v_c).at[o].add(-1)
    return jnp.outer(v_c, err)


def not_normalised(v_c, o, U):
    return jnp.exp(U @ v_c) @ U - U[o]


def set_to_minus_one(v_c, o, U):
    return softmax(U @ v_c).at[o].set(-1) @ U


def plus_one(v_c, o, U):
    return jnp.outer(softmax(U @ v_c).at[o].add(1), v_c)


def over_the_vocabulary(v_c, o, U):
    return (softmax(U @ v_c).at[o].add(-1) @ U) / U.shape[0]


def likeliest_for_o(v_c, o, U):
    y_hat = softmax(U @ v_c)
    return y_hat @ U - U[jnp.argmax(y_hat)]


def window_mean(v_c, U, outside):
    d_v_c, d_U = skipgram_right(v_c, U, outside)
    return d_v_c / outside.shape[0], d_U / outside.shape[0]


def last_of_the_window(v_c, U, outside):
    d_v_c = jnp.zeros_like(v_c)
    for j in range(outside.shape[0]):
        d_v_c = softmax(U @ v_c).at[outside[j]].add(-1) @ U
    return d_v_c


def y_hat_once(v_c, U, outside):
    return jnp.outer(softmax(U @ v_c).at[outside].add(-1), v_c)


def last_of_the_window_left_out(v_c, U, outside):
    err = ((outside.shape[0] - 1) * softmax(U @ v_c)).at[outside[:-1]].add(-1)
    return err @ U


def times_the_window(v_c, U, outside):
    return outside.shape[0] * skipgram_right(v_c, U, outside)[0]


def divided(v_ctx, u_o, u_neg):
    d_ctx, _, _ = cbow_sum_right(v_ctx, u_o, u_neg)
    return d_ctx / v_ctx.shape[0]


MISTAKES = (
    SOFTMAX.slip("y - y_hat", "sign", y_minus_y_hat, "swaps the two of ŷ − y"),
    SOFTMAX.slip(
        "d_v_c without the target",
        "missing term",
        lambda v_c, o, U: softmax(U @ v_c) @ U,
        "differentiates the log-sum-exp and forgets −u_o",
        wrt=0,
    ),
    SOFTMAX.slip(
        "target row only",
        "missing term",
        target_row_only,
        "thinks that only the outside word's row is in the loss",
        wrt=2,
    ),
    SOFTMAX.slip("columns", "transpose", columns, "has words as columns, as on paper", wrt=2),
    SOFTMAX.slip(
        "not normalised",
        "edit",
        not_normalised,
        "forgets the 1 / Σ exp of the logarithm's derivative",
        wrt=0,
    ),
    SOFTMAX.slip(
        "set to -1",
        "overwrite",
        set_to_minus_one,
        "assigns −1 at o where it is to be subtracted",
        wrt=0,
        also=("missing term",),
    ),
    SKIPGRAM.slip(
        "mean over the window",
        "factor",
        window_mean,
        "averages over the window where the loss sums",
        scale=Scale(2, 0, -1),
    ),
    SKIPGRAM.slip(
        "last of the window",
        "overwrite",
        last_of_the_window,
        "writes = for += in the loop over the window",
        wrt=0,
        also=("missing term",),
    ),
    SKIPGRAM.slip(
        "y_hat once",
        "factor",
        y_hat_once,
        "subtracts every outside word from one ŷ, which is to be counted for each",
        wrt=1,
        also=("missing term",),
    ),
    SOFTMAX.mutant("plus one", "sign", plus_one, "+1 for −1", wrt=2),
    SOFTMAX.mutant(
        "over the vocabulary",
        "factor",
        over_the_vocabulary,
        "divided by the vocabulary's size",
        wrt=0,
        scale=Scale(2, 0, -1),
    ),
    SOFTMAX.mutant("likeliest for o", "edit", likeliest_for_o, "argmax for o", wrt=0),
    SKIPGRAM.mutant(
        "last left out", "missing term", last_of_the_window_left_out, "left out", wrt=0
    ),
    SKIPGRAM.mutant(
        "times the window",
        "factor",
        times_the_window,
        "counted again for each",
        wrt=0,
        scale=Scale(2, 0, 1),
    ),
)
