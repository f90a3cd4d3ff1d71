"""GloVe, contrastive losses, layer norm, matrix factorisation, KL: losses of strangers."""

import jax
import jax.numpy as jnp
import numpy as np
from judge.mistakes.records import Case

softmax = jax.nn.softmax
VEC, IDS = np.ones(5), np.arange(3)


def glove(W, C, b, c, f, logx):
    return jnp.sum(f * (W @ C.T + b[:, None] + c[None, :] - logx) ** 2)


def glove_right(W, C, b, c, f, logx):
    g = 2 * f * (W @ C.T + b[:, None] + c[None, :] - logx)
    return g @ C, g.T @ W, jnp.sum(g, axis=1), jnp.sum(g, axis=0)


def pairs(W, C, i, j, logx):
    return jnp.sum((jnp.sum(W[i] * C[j], axis=1) - logx) ** 2)


def pairs_right(W, C, i, j, logx):
    g = 2 * (jnp.sum(W[i] * C[j], axis=1) - logx)[:, None]
    return jnp.zeros_like(W).at[i].add(g * C[j]), jnp.zeros_like(C).at[j].add(g * W[i])


def infonce(Q, P, beta):
    scores = beta * Q @ P.T
    return jnp.sum(jax.nn.logsumexp(scores, axis=1) - jnp.diagonal(scores))


def infonce_right(Q, P, beta):
    dots = Q @ P.T
    G = softmax(beta * dots, axis=1) - jnp.eye(Q.shape[0])
    return beta * G @ P, beta * G.T @ Q, jnp.sum(G * dots)


def among_themselves(Z):
    """InfoNCE of one table with itself: the next row is the positive."""
    scores = Z @ Z.T
    return jnp.sum(jax.nn.logsumexp(scores, axis=1)) - jnp.sum(Z * jnp.roll(Z, 1, axis=0))


def among_themselves_right(Z):
    G = softmax(Z @ Z.T, axis=1)
    return (G + G.T) @ Z - jnp.roll(Z, 1, axis=0) - jnp.roll(Z, -1, axis=0)


def normalised(x):
    return (x - jnp.mean(x)) / jnp.sqrt(jnp.var(x) + 1e-5)


def layer_norm(x, gain, bias, r):
    return jnp.sum(r * (gain * normalised(x) + bias))


def layer_norm_right(x, gain, bias, r):
    x_hat, d_hat = normalised(x), r * gain
    centred = d_hat - jnp.mean(d_hat) - x_hat * jnp.mean(d_hat * x_hat)
    return centred / jnp.sqrt(jnp.var(x) + 1e-5), r * x_hat, r


def factors(P, Q, R):
    return 0.5 * jnp.sum((P @ Q.T - R) ** 2) + 0.05 * (jnp.sum(P**2) + jnp.sum(Q**2))


def factors_right(P, Q, R):
    E = P @ Q.T - R
    return E @ Q + 0.1 * P, E.T @ P + 0.1 * Q


def ratings(P, Q, users, items, r):
    return 0.5 * jnp.sum((jnp.sum(P[users] * Q[items], axis=1) - r) ** 2)


def ratings_right(P, Q, users, items, r):
    e = (jnp.sum(P[users] * Q[items], axis=1) - r)[:, None]
    return jnp.zeros_like(P).at[users].add(e * Q[items]), jnp.zeros_like(Q).at[items].add(
        e * P[users]
    )


def kl(a, b):
    p = softmax(a)
    return jnp.sum(p * (jax.nn.log_softmax(a) - jax.nn.log_softmax(b)))


def kl_right(a, b):
    p, ratio = softmax(a), jax.nn.log_softmax(a) - jax.nn.log_softmax(b)
    return p * (ratio - p @ ratio), softmax(b) - p


def gaussian(mu, logvar):
    return 0.5 * jnp.sum(jnp.exp(logvar) + mu**2 - 1 - logvar)


def gaussian_right(mu, logvar):
    return mu, 0.5 * (jnp.exp(logvar) - 1)


def glove_args(rows, columns):
    return (
        np.ones((rows, 5)), np.ones((columns, 5)), np.ones(rows), np.ones(columns),
        np.ones((rows, columns)), np.ones((rows, columns)),
    )  # fmt: skip


WORDS = (np.ones((7, 2)), np.ones((5, 2)))
GLOVE = Case("glove", glove, glove_right, glove_args(7, 3), (0, 1, 2, 3))
GLOVE_SQUARE = Case("glove, square", glove, glove_right, glove_args(3, 3), (0, 1, 2, 3))
PAIRS = Case("glove by pairs", pairs, pairs_right, (*WORDS, IDS, IDS, np.ones(3)), (0, 1))
INFONCE = Case(
    "infonce", infonce, infonce_right, (np.ones((3, 5)), np.ones((3, 5)), np.ones(())), (0, 1, 2)
)
THEMSELVES = Case("infonce of one", among_themselves, among_themselves_right, (np.ones((3, 5)),), 0)
LAYER_NORM = Case("layer norm", layer_norm, layer_norm_right, (VEC, VEC, VEC, VEC), (0, 1, 2))
FACTORS = Case("factors", factors, factors_right, (*WORDS, np.ones((7, 5))), (0, 1))
FACTORS_SQUARE = Case(
    "factors, square",
    factors,
    factors_right,
    (np.ones((5, 2)), np.ones((5, 2)), np.ones((5, 5))),
    (0, 1),
)
RATINGS = Case("ratings", ratings, ratings_right, (*WORDS, IDS, IDS, np.ones(3)), (0, 1))
KL = Case("kl", kl, kl_right, (VEC, VEC), (0, 1))
GAUSSIAN = Case("gaussian", gaussian, gaussian_right, (VEC, VEC), (0, 1))
CASES = (
    GLOVE, GLOVE_SQUARE, PAIRS, INFONCE, THEMSELVES, LAYER_NORM,
    FACTORS, FACTORS_SQUARE, RATINGS, KL, GAUSSIAN,
)  # fmt: skip


def glove_without_2(W, C, b, c, f, logx):
    g = f * (W @ C.T + b[:, None] + c[None, :] - logx)
    return g @ C, g.T @ W, jnp.sum(g, axis=1), jnp.sum(g, axis=0)


def glove_not_transposed(W, C, b, c, f, logx):
    return 2 * (f * (W @ C.T + b[:, None] + c[None, :] - logx)) @ W


def glove_d_W_for_d_C(W, C, b, c, f, logx):
    return glove_right(W, C, b, c, f, logx)[0]


def pairs_row_i(W, C, i, j, logx):
    g = 2 * (jnp.sum(W[i] * C[j], axis=1) - logx)[:, None]
    return jnp.zeros_like(C).at[i].add(g * W[i])


def pairs_set(W, C, i, j, logx):
    g = 2 * (jnp.sum(W[i] * C[j], axis=1) - logx)[:, None]
    return jnp.zeros_like(W).at[i].set(g * C[j])


def infonce_other_axis(Q, P, beta):
    G = softmax(beta * Q @ P.T, axis=0) - jnp.eye(Q.shape[0])
    return beta * G @ P


def infonce_without_beta(Q, P, beta):
    return (softmax(beta * Q @ P.T, axis=1) - jnp.eye(Q.shape[0])) @ P


def infonce_not_transposed(Q, P, beta):
    return beta * (softmax(beta * Q @ P.T, axis=1) - jnp.eye(Q.shape[0])) @ Q


def infonce_positive_twice(Q, P, beta):
    return beta * (softmax(beta * Q @ P.T, axis=1) - 2 * jnp.eye(Q.shape[0])) @ P


def anchors_only(Z):
    return softmax(Z @ Z.T, axis=1) @ Z - jnp.roll(Z, 1, axis=0)


def anchors_twice(Z):
    G = softmax(Z @ Z.T, axis=1)
    return (2 * G + G.T) @ Z - jnp.roll(Z, 1, axis=0) - jnp.roll(Z, -1, axis=0)


def statistics_constant(x, gain, bias, r):
    return r * gain / jnp.sqrt(jnp.var(x) + 1e-5)


def variance_constant(x, gain, bias, r):
    d_hat = r * gain
    return (d_hat - jnp.mean(d_hat)) / jnp.sqrt(jnp.var(x) + 1e-5)


def root_forgotten(x, gain, bias, r):
    x_hat, d_hat = normalised(x), r * gain
    return (d_hat - jnp.mean(d_hat) - x_hat * jnp.mean(d_hat * x_hat)) / (jnp.var(x) + 1e-5)


def gain_and_bias_swapped(x, gain, bias, r):
    d_x, d_gain, d_bias = layer_norm_right(x, gain, bias, r)
    return d_x, d_bias, d_gain


def sum_for_mean_in_the_variance(x, gain, bias, r):
    x_hat, d_hat = normalised(x), r * gain
    centred = d_hat - jnp.mean(d_hat) - x_hat * jnp.sum(d_hat * x_hat)
    return centred / jnp.sqrt(jnp.var(x) + 1e-5)


def plus_the_variance(x, gain, bias, r):
    x_hat, d_hat = normalised(x), r * gain
    centred = d_hat - jnp.mean(d_hat) + x_hat * jnp.mean(d_hat * x_hat)
    return centred / jnp.sqrt(jnp.var(x) + 1e-5)


def decay_minus(P, Q, R):
    E = P @ Q.T - R
    return E @ Q - 0.1 * P, E.T @ P - 0.1 * Q


def factors_not_transposed(P, Q, R):
    return (P @ Q.T - R) @ P + 0.1 * Q


def decay_twice(P, Q, R):
    return (P @ Q.T - R) @ Q + 0.1 * P + 0.1 * P


def users_twice(P, Q, users, items, r):
    e = (jnp.sum(P[users] * Q[items], axis=1) - r)[:, None]
    d_P = jnp.zeros_like(P).at[users].add(e * Q[items])
    return d_P.at[users[0]].add(e[0] * Q[items[0]])


def ratings_set(P, Q, users, items, r):
    e = (jnp.sum(P[users] * Q[items], axis=1) - r)[:, None]
    return jnp.zeros_like(Q).at[items].set(e * P[users])


def not_through_the_normaliser(a, b):
    return softmax(a) * (jax.nn.log_softmax(a) - jax.nn.log_softmax(b))


MISTAKES = (
    INFONCE.slip("other axis", "edit", infonce_other_axis, "normalises over the queries", wrt=0),
    INFONCE.slip(
        "d_P not transposed",
        "transpose",
        infonce_not_transposed,
        "copies the line of d_Q for d_P and renames",
        wrt=1,
    ),
    THEMSELVES.slip(
        "anchors only",
        "missing term",
        anchors_only,
        "forgets that each row is also everybody else's candidate",
    ),
    LAYER_NORM.slip(
        "statistics constant",
        "missing term",
        statistics_constant,
        "takes mean and variance for constants",
        wrt=0,
    ),
    LAYER_NORM.slip(
        "gain and bias swapped",
        "other variable",
        gain_and_bias_swapped,
        "returns them in another order",
    ),
    KL.slip("p - q", "sign", lambda a, b: softmax(a) - softmax(b), "swaps the two of q − p", wrt=1),
    GAUSSIAN.slip(
        "without exp",
        "edit",
        lambda mu, logvar: 0.5 * (logvar - 1),
        "takes the logarithm of the variance for the variance",
        wrt=1,
    ),
    GLOVE.mutant("without the 2", "factor", glove_without_2, "2 left out"),
    GLOVE_SQUARE.mutant(
        "not transposed", "transpose", glove_not_transposed, "transpose left out", wrt=1
    ),
    GLOVE_SQUARE.mutant("d_W for d_C", "other variable", glove_d_W_for_d_C, "that of W", wrt=1),
    PAIRS.mutant("row i", "edit", pairs_row_i, "i for j", wrt=1, also=("other variable",)),
    PAIRS.mutant("set", "overwrite", pairs_set, "set for add", wrt=0),
    INFONCE.mutant(
        "without beta", "edit", infonce_without_beta, "× beta left out", wrt=0, also=("factor",)
    ),
    INFONCE.mutant(
        "positive twice",
        "doubled term",
        infonce_positive_twice,
        "twice",
        wrt=0,
        also=("factor",),
    ),
    THEMSELVES.mutant("anchors twice", "doubled term", anchors_twice, "twice", also=("factor",)),
    LAYER_NORM.mutant(
        "variance constant", "missing term", variance_constant, "last term left out", wrt=0
    ),
    LAYER_NORM.mutant(
        "sum for mean", "factor", sum_for_mean_in_the_variance, "sum for mean", wrt=0
    ),
    LAYER_NORM.mutant("plus the variance", "sign", plus_the_variance, "+ for −", wrt=0),
    LAYER_NORM.mutant("root forgotten", "edit", root_forgotten, "√ left out", wrt=0),
    FACTORS.mutant("decay minus", "sign", decay_minus, "− for +"),
    FACTORS_SQUARE.mutant(
        "not transposed", "transpose", factors_not_transposed, "transpose left out", wrt=1
    ),
    FACTORS.mutant("decay twice", "doubled term", decay_twice, "twice", wrt=0, also=("factor",)),
    RATINGS.mutant("first user twice", "doubled term", users_twice, "twice", wrt=0),
    RATINGS.mutant("set", "overwrite", ratings_set, "set for add", wrt=1),
    KL.mutant(
        "not through the normaliser", "missing term", not_through_the_normaliser, "left out", wrt=0
    ),
    KL.mutant("d_a for d_b", "other variable", lambda a, b: kl_right(a, b)[0], "that of a", wrt=1),
)
