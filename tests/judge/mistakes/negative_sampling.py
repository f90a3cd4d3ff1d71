"""Negative sampling by rows."""

import jax
import jax.numpy as jnp
import numpy as np
from judge.mistakes.records import Case, Scale

sigma = jax.nn.sigmoid
VEC, NEG = np.ones(5), np.ones((3, 5))


def loss(v_c, u_o, u_neg):
    return -jnp.log(sigma(u_o @ v_c)) - jnp.sum(jnp.log(sigma(-(u_neg @ v_c))))


def right(v_c, u_o, u_neg):
    e_o, e_neg = -sigma(-(u_o @ v_c)), sigma(u_neg @ v_c)
    return e_o * u_o + e_neg @ u_neg, e_o * v_c, jnp.outer(e_neg, v_c)


ROWS = Case("negative sampling", loss, right, (VEC, VEC, NEG), (0, 1, 2))
CASES = (ROWS,)


def d_v_c_minus_the_sum(v_c, u_o, u_neg):
    positive = (sigma(u_o @ v_c) - 1) * u_o
    return positive - (1 - sigma(-(u_neg @ v_c))) @ u_neg


def all_negated(v_c, u_o, u_neg):
    e_o, e_neg = sigma(-(u_o @ v_c)), -sigma(u_neg @ v_c)
    return e_o * u_o + e_neg @ u_neg, e_o * v_c, jnp.outer(e_neg, v_c)


def mean_of_the_negatives(v_c, u_o, u_neg):
    e_neg = sigma(u_neg @ v_c)
    return (sigma(u_o @ v_c) - 1) * u_o + jnp.mean(e_neg[:, None] * u_neg, axis=0)


def positive_within_the_loop(v_c, u_o, u_neg):
    d_v_c = jnp.zeros_like(v_c)
    for k in range(u_neg.shape[0]):
        d_v_c += (sigma(u_o @ v_c) - 1) * u_o
        d_v_c += sigma(u_neg[k] @ v_c) * u_neg[k]
    return d_v_c


def assigned_in_the_loop(v_c, u_o, u_neg):
    d_neg = jnp.zeros_like(v_c)
    for k in range(u_neg.shape[0]):
        d_neg = sigma(u_neg[k] @ v_c) * u_neg[k]
    return (sigma(u_o @ v_c) - 1) * u_o + d_neg


def returned_in_another_order(v_c, u_o, u_neg):
    d_v_c, d_u_o, d_u_neg = right(v_c, u_o, u_neg)
    return d_u_o, d_v_c, d_u_neg


def largest_of_the_negatives(v_c, u_o, u_neg):
    terms = sigma(u_neg @ v_c)[:, None] * u_neg
    return (sigma(u_o @ v_c) - 1) * u_o + jnp.max(terms, axis=0)


def without_the_last(v_c, u_o, u_neg):
    return (sigma(u_o @ v_c) - 1) * u_o + sigma(u_neg @ v_c)[:-1] @ u_neg[:-1]


def positive_twice(v_c, u_o, u_neg):
    return 2 * (sigma(u_o @ v_c) - 1) * u_o + sigma(u_neg @ v_c) @ u_neg


def sigma_of_minus_the_score(v_c, u_o, u_neg):
    return (sigma(u_o @ v_c) - 1) * u_o + sigma(-(u_neg @ v_c)) @ u_neg


MISTAKES = (
    ROWS.slip(
        "boxed u_k",
        "sign",
        lambda v_c, u_o, u_neg: jnp.outer(sigma(-(u_neg @ v_c)) - 1, v_c),
        "forgets the minus of the inner derivative of −u_kᵀv_c",
        wrt=2,
    ),
    ROWS.slip(
        "d_v_c minus the sum",
        "sign",
        d_v_c_minus_the_sum,
        "carries the minus of −Σ log through, and forgets the one within σ(−x)",
        wrt=0,
    ),
    ROWS.slip(
        "d_u_neg of sigma(-x)",
        "sigma(-x)",
        lambda v_c, u_o, u_neg: jnp.outer(1 - sigma(u_neg @ v_c), v_c),
        "copies 1 − σ(·) from the positive term and forgets that the score is negated",
        wrt=2,
    ),
    ROWS.slip(
        "d_u_o of sigma(x)",
        "sigma(-x)",
        lambda v_c, u_o, u_neg: -sigma(u_o @ v_c) * v_c,
        "takes (log σ)′ to be σ(x), which is its mirror image",
        wrt=1,
    ),
    ROWS.slip(
        "d_v_c of the positive only",
        "missing term",
        lambda v_c, u_o, u_neg: (sigma(u_o @ v_c) - 1) * u_o,
        "thinks that the negatives do not depend on the centre",
        wrt=0,
    ),
    ROWS.slip(
        "d_v_c with the mean of the negatives",
        "factor",
        mean_of_the_negatives,
        "remembers an expectation over the noise where the loss has a sum",
        wrt=0,
    ),
    ROWS.slip(
        "d_u_neg over K",
        "factor",
        lambda v_c, u_o, u_neg: jnp.outer(sigma(u_neg @ v_c), v_c) / u_neg.shape[0],
        "averages over the negatives out of habit",
        wrt=2,
        scale=Scale(2, 0, -1),
    ),
    ROWS.slip(
        "d_u_o without the -1",
        "edit",
        lambda v_c, u_o, u_neg: sigma(u_o @ v_c) * v_c,
        "forgets the label: σ(x) for σ(x) − 1",
        wrt=1,
        also=("missing term",),
    ),
    ROWS.slip(
        "d_u_o along u_o",
        "other variable",
        lambda v_c, u_o, u_neg: (sigma(u_o @ v_c) - 1) * u_o,
        "keeps u_o from the line of d_v_c above",
        wrt=1,
        also=("edit",),
    ),
    ROWS.slip(
        "returned in another order",
        "other variable",
        returned_in_another_order,
        "returns the outside word's gradient first",
    ),
    ROWS.slip(
        "positive within the loop",
        "doubled term",
        positive_within_the_loop,
        "adds the positive term once for each negative",
        wrt=0,
        also=("factor",),
    ),
    ROWS.slip(
        "assigned in the loop",
        "overwrite",
        assigned_in_the_loop,
        "writes = for += in the loop over negatives",
        wrt=0,
        also=("missing term",),
    ),
    ROWS.mutant("all negated", "sign", all_negated, "the whole negated"),
    ROWS.mutant(
        "half d_u_neg",
        "factor",
        lambda v_c, u_o, u_neg: 0.5 * jnp.outer(sigma(u_neg @ v_c), v_c),
        "times one half",
        wrt=2,
    ),
    ROWS.mutant("without the last", "missing term", without_the_last, "last one left out", wrt=0),
    ROWS.mutant("positive twice", "doubled term", positive_twice, "twice", wrt=0, also=("factor",)),
    ROWS.mutant(
        "sigma of minus the score", "sigma(-x)", sigma_of_minus_the_score, "negated", wrt=0
    ),
    ROWS.mutant(
        "d_u_neg along u_o",
        "other variable",
        lambda v_c, u_o, u_neg: jnp.outer(sigma(u_neg @ v_c), u_o),
        "u_o for v_c",
        wrt=2,
        also=("edit",),
    ),
    ROWS.mutant(
        "plus for times",
        "edit",
        lambda v_c, u_o, u_neg: (sigma(u_o @ v_c) - 1) + v_c,
        "+ for ×",
        wrt=1,
    ),
    ROWS.mutant("max for sum", "edit", largest_of_the_negatives, "max for sum", wrt=0),
)
