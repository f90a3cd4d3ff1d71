"""Negative sampling by whole tables, with ids that may repeat."""

import jax
import jax.numpy as jnp
import numpy as np
from judge.mistakes.negative_sampling import loss, right
from judge.mistakes.records import Case

sigma = jax.nn.sigmoid
VEC, TABLE = np.ones(5), np.ones((7, 5))
TARGET, NEG_IDS = np.array(3), np.arange(3)


def loss_tables(v_c, U, o, neg):
    return loss(v_c, U[o], U[neg])


def right_tables(v_c, U, o, neg):
    d_v_c, d_u_o, d_u_neg = right(v_c, U[o], U[neg])
    return d_v_c, jnp.zeros_like(U).at[o].add(d_u_o).at[neg].add(d_u_neg)


TABLES = Case("tables", loss_tables, right_tables, (VEC, TABLE, TARGET, NEG_IDS), (0, 1))
CASES = (TABLES,)


def apart(v_c, U, o, neg):
    """The domain of the written line: o is not among the negatives."""
    return bool(np.all(np.asarray(neg) != np.asarray(o)))


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
