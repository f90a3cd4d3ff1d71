"""Of other losses."""

import jax
import jax.numpy as jnp
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
from judge.mistakes.factorisations import FACTORS, GLOVE, PAIRS, RATINGS, factors_right
from judge.mistakes.records import Scale
from judge.mistakes.strangers import GAUSSIAN, INFONCE, KL, LAYER_NORM, THEMSELVES, normalised

sigma, softmax = jax.nn.sigmoid, jax.nn.softmax


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
