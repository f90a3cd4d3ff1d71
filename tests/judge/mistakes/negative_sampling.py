"""Negative sampling, by rows and by whole tables."""

import jax
import jax.numpy as jnp
import numpy as np
from judge.mistakes.records import Case, Scale

sigma = jax.nn.sigmoid
VEC, NEG, TABLE = np.ones(5), np.ones((3, 5)), np.ones((7, 5))
TARGET, NEG_IDS = np.array(3), np.arange(3)


def loss(v_c, u_o, u_neg):
    return -jnp.log(sigma(u_o @ v_c)) - jnp.sum(jnp.log(sigma(-(u_neg @ v_c))))


def right(v_c, u_o, u_neg):
    e_o, e_neg = -sigma(-(u_o @ v_c)), sigma(u_neg @ v_c)
    return e_o * u_o + e_neg @ u_neg, e_o * v_c, jnp.outer(e_neg, v_c)


def loss_tables(v_c, U, o, neg):
    return loss(v_c, U[o], U[neg])


def right_tables(v_c, U, o, neg):
    d_v_c, d_u_o, d_u_neg = right(v_c, U[o], U[neg])
    return d_v_c, jnp.zeros_like(U).at[o].add(d_u_o).at[neg].add(d_u_neg)


ROWS = Case("negative sampling", loss, right, (VEC, VEC, NEG), (0, 1, 2))
TABLES = Case("tables", loss_tables, right_tables, (VEC, TABLE, TARGET, NEG_IDS), (0, 1))
CASES = (ROWS, TABLES)


def apart(v_c, U, o, neg):
    """The domain of the written line: o is not among the negatives."""
    return bool(np.all(np.asarray(neg) != np.asarray(o)))


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


def errors(v_c, U, o, neg):
    return sigma(U[o] @ v_c) - 1, sigma(U[neg] @ v_c)


def d_U_set(v_c, U, o, neg):
    e_o, e_neg = errors(v_c, U, o, neg)
    return jnp.zeros_like(U).at[o].set(e_o * v_c).at[neg].set(jnp.outer(e_neg, v_c))


def d_U_fancy_index(v_c, U, o, neg):
    e_o, e_neg = errors(v_c, U, o, neg)
    d_U = jnp.zeros_like(U).at[o].add(e_o * v_c)
    return d_U.at[neg].set(d_U[neg] + jnp.outer(e_neg, v_c))


def d_U_target_last(v_c, U, o, neg):
    e_o, e_neg = errors(v_c, U, o, neg)
    return jnp.zeros_like(U).at[neg].add(jnp.outer(e_neg, v_c)).at[o].set(e_o * v_c)


def hits_skipped(v_c, U, o, neg):
    e_o, e_neg = errors(v_c, U, o, neg)
    e_neg = jnp.where(neg == o, 0.0, e_neg)
    d_U = jnp.zeros_like(U).at[o].add(e_o * v_c).at[neg].add(jnp.outer(e_neg, v_c))
    return e_o * U[o] + e_neg @ U[neg], d_U


def repeats_counted_and_scattered(v_c, U, o, neg):
    e_o, e_neg = errors(v_c, U, o, neg)
    times = jnp.sum(neg[:, None] == neg[None, :], axis=1)
    d_U = jnp.zeros_like(U).at[o].add(e_o * v_c)
    return d_U.at[neg].add(jnp.outer(times * e_neg, v_c))


def hits_negated(v_c, U, o, neg):
    e_o, e_neg = errors(v_c, U, o, neg)
    e_neg = jnp.where(neg == o, -e_neg, e_neg)
    return jnp.zeros_like(U).at[o].add(e_o * v_c).at[neg].add(jnp.outer(e_neg, v_c))


def d_U_target_only_if_apart(v_c, U, o, neg):
    e_o, e_neg = errors(v_c, U, o, neg)
    e_o = jnp.where(jnp.any(neg == o), 0.0, e_o)
    return jnp.zeros_like(U).at[o].add(e_o * v_c).at[neg].add(jnp.outer(e_neg, v_c))


def hits_as_targets(v_c, U, o, neg):
    e_o, e_neg = errors(v_c, U, o, neg)
    e_neg = jnp.where(neg == o, e_neg - 1, e_neg)
    return jnp.zeros_like(U).at[o].add(e_o * v_c).at[neg].add(jnp.outer(e_neg, v_c))


def d_v_c_hits_skipped(v_c, U, o, neg):
    e_o, e_neg = errors(v_c, U, o, neg)
    return e_o * U[o] + (e_neg * (neg != o)) @ U[neg]


def d_U_of_the_first_negative(v_c, U, o, neg):
    e_o, e_neg = errors(v_c, U, o, neg)
    return jnp.zeros_like(U).at[neg[0]].add(e_o * v_c).at[neg].add(jnp.outer(e_neg, v_c))


def d_U_target_only(v_c, U, o, neg):
    return jnp.zeros_like(U).at[o].add((sigma(U[o] @ v_c) - 1) * v_c)


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
    TABLES.slip(
        "set for add",
        "overwrite",
        d_U_set,
        "assigns the rows: a negative drawn twice counts once",
        wrt=1,
        domain=apart,
    ),
    TABLES.slip(
        "fancy index",
        "overwrite",
        d_U_fancy_index,
        "expects d_U[neg] += … of NumPy to add up repeated ids",
        wrt=1,
    ),
    TABLES.slip(
        "target last",
        "o among the negatives",
        d_U_target_last,
        "assigns the target's row after the negatives'",
        wrt=1,
        also=("overwrite",),
    ),
    TABLES.slip(
        "hits skipped",
        "o among the negatives",
        hits_skipped,
        "skips a negative that is the target as word2vec.c does, while the loss counts it",
        also=("missing term",),
    ),
    TABLES.slip(
        "repeats counted and scattered",
        "doubled term",
        repeats_counted_and_scattered,
        "multiplies by the number of repeats, and then adds at each of them",
        wrt=1,
        also=("factor",),
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
    TABLES.mutant(
        "hits negated",
        "o among the negatives",
        hits_negated,
        "negated on a hit",
        wrt=1,
        also=("sign",),
    ),
    TABLES.mutant(
        "target only if apart",
        "o among the negatives",
        d_U_target_only_if_apart,
        "the positive term masked on a hit",
        wrt=1,
        also=("missing term",),
    ),
    TABLES.mutant(
        "hits as targets",
        "o among the negatives",
        hits_as_targets,
        "a negative that hits is given the target's label",
        wrt=1,
    ),
    TABLES.mutant(
        "hits skipped in d_v_c",
        "o among the negatives",
        d_v_c_hits_skipped,
        "masked on a hit",
        wrt=0,
        also=("missing term",),
    ),
    TABLES.mutant(
        "row of the first negative",
        "edit",
        d_U_of_the_first_negative,
        "neg[0] for o",
        wrt=1,
        also=("other variable",),
    ),
    TABLES.mutant("target only", "missing term", d_U_target_only, "the negatives left out", wrt=1),
)
