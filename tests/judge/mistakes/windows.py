"""Windows of negative sampling: skip-gram and CBOW."""

import jax
import jax.numpy as jnp
import numpy as np
from judge.mistakes import negative_sampling as ns
from judge.mistakes.records import Case, Scale

sigma = jax.nn.sigmoid
VEC, TABLE, CENTRES = np.ones(5), np.ones((7, 5)), np.ones((11, 5))
TARGET, CTX, NEG_IDS = np.array(3), np.arange(2), np.arange(3)


def window(V, U, c, outside, neg):
    """Negative sampling over the window: neg[j] are the negatives of outside[j]."""
    return sum(ns.loss(V[c], U[outside[j]], U[neg[j]]) for j in range(outside.shape[0]))


def window_right(V, U, c, outside, neg):
    d_V, d_U = jnp.zeros_like(V), jnp.zeros_like(U)
    for j in range(outside.shape[0]):
        d_v_c, d_u_o, d_u_neg = ns.right(V[c], U[outside[j]], U[neg[j]])
        d_V = d_V.at[c].add(d_v_c)
        d_U = d_U.at[outside[j]].add(d_u_o).at[neg[j]].add(d_u_neg)
    return d_V, d_U


def cbow(V, U, ctx, o, neg):
    return ns.loss(jnp.mean(V[ctx], axis=0), U[o], U[neg])


def cbow_right(V, U, ctx, o, neg):
    d_h, d_u_o, d_u_neg = ns.right(jnp.mean(V[ctx], axis=0), U[o], U[neg])
    return (
        jnp.zeros_like(V).at[ctx].add(d_h[None, :] / ctx.shape[0]),
        jnp.zeros_like(U).at[o].add(d_u_o).at[neg].add(d_u_neg),
    )


def cbow_sum(v_ctx, u_o, u_neg):
    return ns.loss(jnp.sum(v_ctx, axis=0), u_o, u_neg)


def cbow_sum_right(v_ctx, u_o, u_neg):
    d_h, d_u_o, d_u_neg = ns.right(jnp.sum(v_ctx, axis=0), u_o, u_neg)
    return jnp.broadcast_to(d_h, v_ctx.shape), d_u_o, d_u_neg


WINDOW = Case(
    "window",
    window,
    window_right,
    (CENTRES, TABLE, np.array(0), CTX, np.arange(6).reshape(2, 3) % 5),
    (0, 1),
)
CBOW = Case("cbow", cbow, cbow_right, (CENTRES, TABLE, CTX, TARGET, NEG_IDS), (0, 1))
CBOW_SUM = Case(
    "cbow sum", cbow_sum, cbow_sum_right, (np.ones((2, 5)), VEC, np.ones((3, 5))), (0, 1, 2)
)
CASES = (
    WINDOW,
    CBOW,
    CBOW_SUM,
)


def row_of_the_outside_word(V, U, c, outside, neg):
    d_V = jnp.zeros_like(V)
    for j in range(outside.shape[0]):
        d_V = d_V.at[outside[j]].add(ns.right(V[c], U[outside[j]], U[neg[j]])[0])
    return d_V


def hits_skipped(V, U, c, outside, neg):
    d_U = jnp.zeros_like(U)
    for j in range(outside.shape[0]):
        _, d_u_o, d_u_neg = ns.right(V[c], U[outside[j]], U[neg[j]])
        kept = (neg[j] != outside[j])[:, None]
        d_U = d_U.at[outside[j]].add(d_u_o).at[neg[j]].add(d_u_neg * kept)
    return d_U


def rows_set(V, U, c, outside, neg):
    d_U = jnp.zeros_like(U)
    for j in range(outside.shape[0]):
        _, d_u_o, d_u_neg = ns.right(V[c], U[outside[j]], U[neg[j]])
        d_U = d_U.at[outside[j]].set(d_u_o).at[neg[j]].set(d_u_neg)
    return d_U


def negatives_mirrored(V, U, c, outside, neg):
    d_U = jnp.zeros_like(U)
    for j in range(outside.shape[0]):
        _, d_u_o, _ = ns.right(V[c], U[outside[j]], U[neg[j]])
        e_neg = sigma(-(U[neg[j]] @ V[c]))
        d_U = d_U.at[outside[j]].add(d_u_o).at[neg[j]].add(jnp.outer(e_neg, V[c]))
    return d_U


def not_divided(V, U, ctx, o, neg):
    d_h, _, _ = ns.right(jnp.mean(V[ctx], axis=0), U[o], U[neg])
    return jnp.zeros_like(V).at[ctx].add(d_h[None, :])


def context_set(V, U, ctx, o, neg):
    d_h, _, _ = ns.right(jnp.mean(V[ctx], axis=0), U[o], U[neg])
    return jnp.zeros_like(V).at[ctx].set(d_h[None, :] / ctx.shape[0])


def first_context_word_only(V, U, ctx, o, neg):
    d_h, _, _ = ns.right(jnp.mean(V[ctx], axis=0), U[o], U[neg])
    return jnp.zeros_like(V).at[ctx[0]].add(d_h / ctx.shape[0])


def row_of_o(V, U, ctx, o, neg):
    d_h, _, _ = ns.right(jnp.mean(V[ctx], axis=0), U[o], U[neg])
    return jnp.zeros_like(V).at[o].add(d_h)


def divided(v_ctx, u_o, u_neg):
    d_ctx, _, _ = cbow_sum_right(v_ctx, u_o, u_neg)
    return d_ctx / v_ctx.shape[0]


def mirrored(v_ctx, u_o, u_neg):
    h = jnp.sum(v_ctx, axis=0)
    d_h = -sigma(u_o @ h) * u_o + sigma(u_neg @ h) @ u_neg
    return jnp.broadcast_to(d_h, v_ctx.shape)


MISTAKES = (
    WINDOW.slip(
        "row of the outside word",
        "edit",
        row_of_the_outside_word,
        "puts the centre's gradient on the outside word's row",
        wrt=0,
        also=("other variable",),
    ),
    CBOW.slip(
        "not divided",
        "factor",
        not_divided,
        "gives the whole error to each context word, as word2vec.c does",
        wrt=0,
        scale=Scale(2, 0, 1),
    ),
    CBOW.slip(
        "context set", "overwrite", context_set, "a word twice in the context counts once", wrt=0
    ),
    CBOW.slip(
        "first context word only",
        "missing term",
        first_context_word_only,
        "updates one word, as in skip-gram",
        wrt=0,
    ),
    CBOW_SUM.slip(
        "divided",
        "factor",
        divided,
        "divides as for the mean, while the hidden vector is a sum",
        wrt=0,
        scale=Scale(0, 0, -1),
    ),
    WINDOW.mutant(
        "hits skipped",
        "o among the negatives",
        hits_skipped,
        "masked on a hit",
        wrt=1,
        also=("missing term",),
    ),
    WINDOW.mutant("negatives mirrored", "sigma(-x)", negatives_mirrored, "σ(−x) for σ(x)", wrt=1),
    WINDOW.mutant("rows set", "overwrite", rows_set, "set for add", wrt=1),
    CBOW.mutant("row of o", "edit", row_of_o, "o for ctx", wrt=0, also=("other variable",)),
    CBOW_SUM.mutant("mirrored", "sigma(-x)", mirrored, "σ(x) for σ(−x)", wrt=0),
)
