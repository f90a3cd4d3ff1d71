"""Contrastive losses, layer norm and KL."""

import jax
import jax.numpy as jnp
import numpy as np
from judge.mistakes.records import Case

softmax = jax.nn.softmax
VEC = np.ones(5)


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


INFONCE = Case(
    "infonce", infonce, infonce_right, (np.ones((3, 5)), np.ones((3, 5)), np.ones(())), (0, 1, 2)
)
THEMSELVES = Case("infonce of one", among_themselves, among_themselves_right, (np.ones((3, 5)),), 0)
LAYER_NORM = Case("layer norm", layer_norm, layer_norm_right, (VEC, VEC, VEC, VEC), (0, 1, 2))
KL = Case("kl", kl, kl_right, (VEC, VEC), (0, 1))
GAUSSIAN = Case("gaussian", gaussian, gaussian_right, (VEC, VEC), (0, 1))
CASES = (
    INFONCE,
    THEMSELVES,
    LAYER_NORM,
    KL,
    GAUSSIAN,
)


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
    KL.mutant(
        "not through the normaliser", "missing term", not_through_the_normaliser, "left out", wrt=0
    ),
    KL.mutant("d_a for d_b", "other variable", lambda a, b: kl_right(a, b)[0], "that of a", wrt=1),
)
