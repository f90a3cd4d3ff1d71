"""GloVe and matrix factorisation, dense and by ids."""

import jax.numpy as jnp
import numpy as np
from judge.mistakes.records import Case

IDS = np.arange(3)
WORDS = (np.ones((7, 2)), np.ones((5, 2)))


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


def glove_args(rows, columns):
    return (
        np.ones((rows, 5)), np.ones((columns, 5)), np.ones(rows), np.ones(columns),
        np.ones((rows, columns)), np.ones((rows, columns)),
    )  # fmt: skip


GLOVE = Case("glove", glove, glove_right, glove_args(7, 3), (0, 1, 2, 3))
GLOVE_SQUARE = Case("glove, square", glove, glove_right, glove_args(3, 3), (0, 1, 2, 3))
PAIRS = Case("glove by pairs", pairs, pairs_right, (*WORDS, IDS, IDS, np.ones(3)), (0, 1))
FACTORS = Case("factors", factors, factors_right, (*WORDS, np.ones((7, 5))), (0, 1))
FACTORS_SQUARE = Case(
    "factors, square",
    factors,
    factors_right,
    (np.ones((5, 2)), np.ones((5, 2)), np.ones((5, 5))),
    (0, 1),
)
RATINGS = Case("ratings", ratings, ratings_right, (*WORDS, IDS, IDS, np.ones(3)), (0, 1))
CASES = (
    GLOVE,
    GLOVE_SQUARE,
    PAIRS,
    FACTORS,
    FACTORS_SQUARE,
    RATINGS,
)


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


MISTAKES = (
    GLOVE.mutant("without the 2", "factor", glove_without_2, "2 left out"),
    GLOVE_SQUARE.mutant(
        "not transposed", "transpose", glove_not_transposed, "transpose left out", wrt=1
    ),
    GLOVE_SQUARE.mutant("d_W for d_C", "other variable", glove_d_W_for_d_C, "that of W", wrt=1),
    PAIRS.mutant("row i", "edit", pairs_row_i, "i for j", wrt=1, also=("other variable",)),
    PAIRS.mutant("set", "overwrite", pairs_set, "set for add", wrt=0),
    FACTORS.mutant("decay minus", "sign", decay_minus, "− for +"),
    FACTORS_SQUARE.mutant(
        "not transposed", "transpose", factors_not_transposed, "transpose left out", wrt=1
    ),
    FACTORS.mutant("decay twice", "doubled term", decay_twice, "twice", wrt=0, also=("factor",)),
    RATINGS.mutant("first user twice", "doubled term", users_twice, "twice", wrt=0),
    RATINGS.mutant("set", "overwrite", ratings_set, "set for add", wrt=1),
)
