"""Fifty further mistakes the way people make them, for the shoot-out of gradient checkers."""

import jax
import jax.numpy as jnp
from judge.mistakes import negative_sampling as ns
from judge.mistakes.classic import (
    HINGE,
    LAYER,
    LOGISTIC,
    MEAN_SQUARES,
    NETWORK,
    SIGMOID,
    SQUARES,
    TRIPLET,
)
from judge.mistakes.negative_sampling import ROWS, TABLES
from judge.mistakes.records import Scale
from judge.mistakes.strangers import (
    FACTORS,
    GAUSSIAN,
    GLOVE,
    INFONCE,
    KL,
    LAYER_NORM,
    PAIRS,
    RATINGS,
    THEMSELVES,
    among_themselves_right,
    factors_right,
    normalised,
)
from judge.mistakes.windows import CBOW, CBOW_SUM, SKIPGRAM, SOFTMAX, WINDOW

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


def delta_of_squares(w, b, X, y):
    p = sigma(X @ w + b)
    return X.T @ ((p - y) * p * (1 - p))


def over_the_examples(w, b, X, y):
    r = sigma(X @ w + b) - y
    return X.T @ r / X.shape[0], jnp.sum(r) / X.shape[0]


def perceptron(w, b, X, y):
    return X.T @ (1.0 * (X @ w + b > 0) - y)


def layer_square_forgotten(A, x, y):
    return jnp.outer(y * (1 - jnp.tanh(A @ x)), x)


def layer_at_the_input(A, x, y):
    return A.T @ (y * (1 - jnp.tanh(x) ** 2))


def tanh_prime_left_out(W1, b1, w2, x, y):
    return (w2 @ jnp.tanh(W1 @ x + b1) - y) * w2


def tanh_twice(W1, b1, w2, x, y):
    h = jnp.tanh(W1 @ x + b1)
    return (w2 @ h - y) * w2 * (1 - jnp.tanh(h) ** 2)


def hidden_for_the_input(W1, b1, w2, x, y):
    h = jnp.tanh(W1 @ x + b1)
    return jnp.broadcast_to(((w2 @ h - y) * w2 * (1 - h**2))[:, None], W1.shape)


def anchor_without_the_negative(a, p, n):
    return -1.0 * (1 + a @ n - a @ p > 0) * p


def hinge_true_row_once(W, x, y):
    scores = W @ x
    over = (1.0 * (1 + scores - scores[y] > 0)).at[y].set(0.0)
    return jnp.outer(over.at[y].set(-1.0), x)


def bias_unweighted(W, C, b, c, f, logx):
    return jnp.sum(2 * (W @ C.T + b[:, None] + c[None, :] - logx), axis=1)


def biases_forgotten(W, C, b, c, f, logx):
    return 2 * (f * (W @ C.T - logx)) @ C


def pairs_words_swapped(W, C, i, j, logx):
    g = 2 * (jnp.sum(W[i] * C[j], axis=1) - logx)[:, None]
    return jnp.zeros_like(W).at[j].add(g * C[j])


def positives_only(Q, P, beta):
    y_hat = softmax(beta * Q @ P.T, axis=1)
    return jnp.sum(jnp.diagonal((y_hat - jnp.eye(Q.shape[0])) * (Q @ P.T)))


def symmetric_scores(Z):
    return 2 * (softmax(Z @ Z.T, axis=1) @ Z - jnp.roll(Z, 1, axis=0))


def pushed_one_way(Z):
    return among_themselves_right(Z) + jnp.roll(Z, -1, axis=0)


def sample_deviation(x, gain, bias, r):
    return r * (x - jnp.mean(x)) / jnp.sqrt(jnp.var(x, ddof=1) + 1e-5)


def mean_forgotten(x, gain, bias, r):
    x_hat, d_hat = normalised(x), r * gain
    return (d_hat - x_hat * jnp.mean(d_hat * x_hat)) / jnp.sqrt(jnp.var(x) + 1e-5)


def after_the_step(P, Q, R):
    P = P - 0.1 * factors_right(P, Q, R)[0]
    return (P @ Q.T - R).T @ P + 0.1 * Q


def ratings_fancy_index(P, Q, users, items, r):
    d_P = jnp.zeros_like(P)
    e = (jnp.sum(P[users] * Q[items], axis=1) - r)[:, None]
    return d_P.at[users].set(d_P[users] + e * Q[items])


def ratio_only(a, b):
    ratio = jax.nn.log_softmax(a) - jax.nn.log_softmax(b)
    return ratio - softmax(a) @ ratio


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
    SIGMOID.slip(
        "quotient rule without the square",
        "edit",
        lambda x: jnp.exp(-x) / (1 + jnp.exp(-x)),
        "forgets to square the denominator",
    ),
    LOGISTIC.slip(
        "delta of squares",
        "edit",
        delta_of_squares,
        "carries σ′ over from the squared error",
        wrt=0,
    ),
    LOGISTIC.slip(
        "over the examples",
        "factor",
        over_the_examples,
        "averages over the examples where the loss sums",
        scale=Scale(2, 0, -1),
    ),
    LOGISTIC.slip("perceptron", "edit", perceptron, "compares the decision with the label", wrt=0),
    SQUARES.slip(
        "Y - XW",
        "sign",
        lambda W, X, Y: X.T @ (Y - X @ W),
        "swaps prediction and target",
    ),
    MEAN_SQUARES.slip(
        "without the 2",
        "factor",
        lambda W, X, Y: X.T @ (X @ W - Y) / Y.size,
        "forgets the exponent",
    ),
    MEAN_SQUARES.slip(
        "over the rows",
        "factor",
        lambda W, X, Y: 2 * X.T @ (X @ W - Y) / Y.shape[0],
        "divides by the number of rows where the mean is over all entries",
        scale=Scale(2, 1, 1),
    ),
    LAYER.slip("square forgotten", "edit", layer_square_forgotten, "1 − tanh for 1 − tanh²", wrt=0),
    LAYER.slip(
        "at the input",
        "edit",
        layer_at_the_input,
        "takes tanh′ at the layer's input and not at Ax",
        wrt=1,
    ),
    NETWORK.slip(
        "tanh' left out", "edit", tanh_prime_left_out, "forgets the activation's derivative", wrt=1
    ),
    NETWORK.slip("tanh twice", "edit", tanh_twice, "applies tanh to what is a tanh already", wrt=1),
    NETWORK.slip(
        "input forgotten", "edit", hidden_for_the_input, "gives W1 the gradient of b1", wrt=0
    ),
    TRIPLET.slip(
        "anchor without the negative",
        "missing term",
        anchor_without_the_negative,
        "forgets that the anchor is in both products",
        wrt=0,
    ),
    HINGE.slip(
        "true row once",
        "factor",
        hinge_true_row_once,
        "subtracts x once, and not once for each violated margin",
        also=("missing term",),
    ),
    GLOVE.slip("bias unweighted", "edit", bias_unweighted, "forgets the weight in the bias", wrt=2),
    GLOVE.slip(
        "biases forgotten", "missing term", biases_forgotten, "leaves the biases out", wrt=0
    ),
    PAIRS.slip(
        "words swapped", "edit", pairs_words_swapped, "adds at the context word's id", wrt=0
    ),
    INFONCE.slip(
        "positives only",
        "missing term",
        positives_only,
        "sums d_beta over the diagonal only",
        wrt=2,
    ),
    THEMSELVES.slip(
        "symmetric",
        "transpose",
        symmetric_scores,
        "takes the softmax of symmetric scores to be symmetric",
        also=("edit",),
    ),
    LAYER_NORM.slip(
        "sample deviation", "edit", sample_deviation, "n − 1 for n", wrt=1, also=("factor",)
    ),
    LAYER_NORM.slip(
        "mean forgotten", "missing term", mean_forgotten, "takes the mean for a constant", wrt=0
    ),
    FACTORS.slip(
        "after the step",
        "edit",
        after_the_step,
        "updates P before the gradient of Q is taken",
        wrt=1,
    ),
    FACTORS.slip(
        "without the decay",
        "missing term",
        lambda P, Q, R: (P @ Q.T - R) @ Q,
        "forgets the regulariser",
        wrt=0,
    ),
    RATINGS.slip(
        "fancy index",
        "overwrite",
        ratings_fancy_index,
        "expects d_P[users] += … to add up repeated users",
        wrt=0,
    ),
    KL.slip("ratio only", "edit", ratio_only, "forgets the probability in front", wrt=0),
    GAUSSIAN.slip(
        "deviation for variance",
        "edit",
        lambda mu, logvar: 0.5 * (jnp.exp(0.5 * logvar) - 1),
        "takes log σ² for log σ",
        wrt=1,
    ),
)
