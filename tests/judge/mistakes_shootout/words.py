"""Of the losses of word2vec."""

import jax
import jax.numpy as jnp
from judge.mistakes import negative_sampling as ns
from judge.mistakes.negative_sampling import ROWS
from judge.mistakes.negative_sampling_tables import TABLES
from judge.mistakes.records import Scale
from judge.mistakes.softmax import SKIPGRAM, SOFTMAX
from judge.mistakes.windows import CBOW, CBOW_SUM, WINDOW

sigma, softmax = jax.nn.sigmoid, jax.nn.softmax


def product_of_sums(v_c, u_o, u_neg):
    e_neg = sigma(u_neg @ v_c)
    return (sigma(u_o @ v_c) - 1) * u_o + jnp.sum(e_neg) * jnp.sum(u_neg, axis=0)


def one_error_for_all(v_c, u_o, u_neg):
    return jnp.broadcast_to(jnp.sum(sigma(u_neg @ v_c)) * v_c, u_neg.shape)


def logarithm_forgotten(v_c, u_o, u_neg):
    s = sigma(u_o @ v_c)
    return -s * (1 - s) * v_c


def word2vec_step(v_c, u_o, u_neg):
    g_o, g_neg = 1 - sigma(u_o @ v_c), 0 - sigma(u_neg @ v_c)
    return -g_o * u_o - g_neg @ u_neg, g_o * v_c, jnp.outer(g_neg, v_c)


def first_rows(v_c, U, o, neg):
    _, d_u_o, d_u_neg = ns.right(v_c, U[o], U[neg])
    return jnp.zeros_like(U).at[o].add(d_u_o).at[: neg.shape[0]].add(d_u_neg)


def counted_from_one(v_c, U, o, neg):
    return ns.right(v_c, U[o - 1], U[neg - 1])[0]


def one_taken_from_all(v_c, o, U):
    return jnp.outer(softmax(U @ v_c) - 1, v_c)


def shifted_above_only(v_c, o, U):
    scores = U @ v_c
    y_hat = jnp.exp(scores - jnp.max(scores)) / jnp.sum(jnp.exp(scores))
    return y_hat @ U - U[o]


def through_softmax_prime(v_c, o, U):
    y_hat = softmax(U @ v_c)
    return (y_hat.at[o].add(-1) * y_hat * (1 - y_hat)) @ U


def outside_set(v_c, U, outside):
    err = (outside.shape[0] * softmax(U @ v_c)).at[outside].set(-1)
    return err @ U


def negatives_of_the_first(V, U, c, outside, neg):
    d_V = jnp.zeros_like(V)
    for j in range(outside.shape[0]):
        d_V = d_V.at[c].add(ns.right(V[c], U[outside[j]], U[neg[0]])[0])
    return d_V


def centre_set(V, U, c, outside, neg):
    d_V = jnp.zeros_like(V)
    for j in range(outside.shape[0]):
        d_V = d_V.at[c].set(ns.right(V[c], U[outside[j]], U[neg[j]])[0])
    return d_V


def outside_words_only(V, U, c, outside, neg):
    d_U = jnp.zeros_like(U)
    for j in range(outside.shape[0]):
        d_U = d_U.at[outside[j]].add(ns.right(V[c], U[outside[j]], U[neg[j]])[1])
    return d_U


def hidden_of_the_first(V, U, ctx, o, neg):
    _, d_u_o, d_u_neg = ns.right(V[ctx[0]], U[o], U[neg])
    return jnp.zeros_like(U).at[o].add(d_u_o).at[neg].add(d_u_neg)


def divided_twice(V, U, ctx, o, neg):
    d_h, _, _ = ns.right(jnp.mean(V[ctx], axis=0), U[o], U[neg])
    return jnp.zeros_like(V).at[ctx].add(d_h[None, :] / ctx.shape[0] ** 2)


def hidden_of_the_mean(v_ctx, u_o, u_neg):
    h = jnp.mean(v_ctx, axis=0)
    d_h, d_u_o, d_u_neg = ns.right(h, u_o, u_neg)
    return jnp.broadcast_to(d_h, v_ctx.shape), d_u_o, d_u_neg


def times_its_own_row(v_ctx, u_o, u_neg):
    d_h, _, _ = ns.right(jnp.sum(v_ctx, axis=0), u_o, u_neg)
    return d_h[None, :] * v_ctx


SHOOTOUT = (
    ROWS.slip(
        "d_u_o positive",
        "sign",
        lambda v_c, u_o, u_neg: (1 - sigma(u_o @ v_c)) * v_c,
        "drops the minus in front of the logarithm",
        wrt=1,
    ),
    ROWS.slip(
        "product of sums",
        "edit",
        product_of_sums,
        "sums the errors and the rows, and then multiplies",
        wrt=0,
    ),
    ROWS.slip(
        "one error for all",
        "edit",
        one_error_for_all,
        "keeps the sum over k although only one term depends on u_k",
        wrt=2,
    ),
    ROWS.slip(
        "logarithm forgotten",
        "edit",
        logarithm_forgotten,
        "differentiates −σ and not −log σ",
        wrt=1,
    ),
    ROWS.slip(
        "d_v_c of the negatives only",
        "missing term",
        lambda v_c, u_o, u_neg: sigma(u_neg @ v_c) @ u_neg,
        "forgets the pair itself",
        wrt=0,
    ),
    ROWS.slip(
        "negatives labelled one",
        "edit",
        lambda v_c, u_o, u_neg: jnp.outer(sigma(u_neg @ v_c) - 1, v_c),
        "gives the negatives the label of the pair",
        wrt=2,
        also=("sigma(-x)", "sign"),
    ),
    ROWS.slip(
        "scores with u_o",
        "other variable",
        lambda v_c, u_o, u_neg: jnp.outer(sigma(u_neg @ u_o), v_c),
        "scores the negatives against the outside word",
        wrt=2,
        also=("edit",),
    ),
    ROWS.slip(
        "word2vec's step",
        "sign",
        word2vec_step,
        "copies g = label − f of word2vec.c for the rows: a step of descent, not a gradient",
    ),
    TABLES.slip(
        "first rows", "edit", first_rows, "adds to rows 0 … K − 1 and not to rows w_k", wrt=1
    ),
    TABLES.slip(
        "counted from one",
        "edit",
        counted_from_one,
        "counts words from one, as on paper",
        wrt=0,
    ),
    SOFTMAX.slip(
        "d_U without the target",
        "missing term",
        lambda v_c, o, U: jnp.outer(softmax(U @ v_c), v_c),
        "gives the case w ≠ o for all rows",
        wrt=2,
    ),
    SOFTMAX.slip(
        "one taken from all",
        "edit",
        one_taken_from_all,
        "reads ŷ − y with a 1 for the one-hot y",
        wrt=2,
    ),
    SOFTMAX.slip(
        "shifted above only",
        "edit",
        shifted_above_only,
        "subtracts the maximum in the numerator only",
        wrt=0,
    ),
    SOFTMAX.slip(
        "sigmoid for softmax",
        "edit",
        lambda v_c, o, U: sigma(U @ v_c).at[o].add(-1) @ U,
        "takes the other loss's probabilities",
        wrt=0,
    ),
    SOFTMAX.slip(
        "through softmax'",
        "edit",
        through_softmax_prime,
        "multiplies by ŷ(1 − ŷ) although ŷ − y has it already",
        wrt=0,
    ),
    SKIPGRAM.slip(
        "outside words set", "overwrite", outside_set, "assigns −1 at the outside words", wrt=0
    ),
    SKIPGRAM.slip(
        "without the outside words",
        "missing term",
        lambda v_c, U, outside: outside.shape[0] * softmax(U @ v_c) @ U,
        "forgets the linear part of the loss",
        wrt=0,
    ),
    WINDOW.slip(
        "negatives of the first",
        "edit",
        negatives_of_the_first,
        "draws the negatives once for the window",
        wrt=0,
    ),
    WINDOW.slip(
        "centre set",
        "overwrite",
        centre_set,
        "assigns the centre's row in the loop over the window",
        wrt=0,
        also=("missing term",),
    ),
    WINDOW.slip(
        "outside words only", "missing term", outside_words_only, "leaves the noise alone", wrt=1
    ),
    CBOW.slip(
        "hidden of the first",
        "edit",
        hidden_of_the_first,
        "takes a context word for the mean of them",
        wrt=1,
        also=("missing term",),
    ),
    CBOW.slip(
        "divided twice",
        "factor",
        divided_twice,
        "divides for the mean, and once more for the window",
        wrt=0,
        scale=Scale(2, 0, -1),
    ),
    CBOW_SUM.slip(
        "hidden of the mean",
        "edit",
        hidden_of_the_mean,
        "goes forwards with the mean, while the loss sums",
    ),
    CBOW_SUM.slip(
        "times its own row",
        "edit",
        times_its_own_row,
        "multiplies by the context word's own vector",
        wrt=0,
    ),
)
