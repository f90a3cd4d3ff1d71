"""The final answers of the written solutions of CS224n assignment 2, as claims, to the letter.

The document keeps words in the columns of U; here they are rows, so its U(ŷ − y) is Uᵀ(ŷ − y).
A line that is known to be wrong says so in `expected`; the machine has to agree. Each claim is
checked against autodiff of the loss the document states, with the ids its part assumes.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.judge.claims import Claim
from jw2v.losses.naive_softmax import loss as naive_softmax
from jw2v.losses.naive_softmax import probabilities
from jw2v.losses.negative_sampling import loss as neg_sample
from jw2v.losses.sigmoid import loss as sigmoid

sigma = jax.nn.sigmoid  # of scores of any shape
VOCAB, DIM, K, CTX = 7, 5, 3, 2
V_C, U, O_ID, NEG = np.ones(DIM), np.ones((VOCAB, DIM)), np.array(VOCAB - 1), np.arange(K)


def distinct(v_c: Any, U: Any, o: Any, neg: Any) -> bool:
    """The domain of (f): distinct negatives, o not among them."""
    return len({int(o), *map(int, neg)}) == 1 + len(neg)


def not_among(v_c: Any, U: Any, o: Any, neg: Any) -> bool:
    """The domain of (g): o not among the negatives, which may repeat."""
    return int(o) not in map(int, neg)


def j_softmax(v_c: Any, U: Any, o: Any) -> Any:
    """J_naive-softmax(v_c, o, U)."""
    return naive_softmax(v_c, o, U)


def j_neg(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    """J_neg-sample(v_c, o, U), by the ids of the words."""
    return neg_sample(v_c, U[o], U[neg])


def error(v_c: Any, U: Any, o: Any) -> Any:
    """ŷ − y."""
    return probabilities(v_c, U) - jax.nn.one_hot(o, U.shape[0], dtype=U.dtype)


def c_cases(v_c: Any, U: Any, o: Any) -> Any:
    """(c): (ŷ_o − 1) v_c for w = o, ŷ_w v_c otherwise, every w."""
    y_hat = probabilities(v_c, U)
    is_o = jnp.arange(U.shape[0]) == o
    return jnp.where(is_o[:, None], (y_hat[o] - 1) * v_c[None, :], jnp.outer(y_hat, v_c))


def one_u_k(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    """The loss as a function of the row of the first negative word, wherever it stands."""
    return j_neg(v_c, U.at[neg[0]].set(u_k), o, neg)


def f1_unfolded(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    """(f) 1, the line before the box: −u_o (1 − σ(u_o·v_c)) − Σ u_k (1 − σ(−u_k·v_c))."""
    positive = -U[o] * (1 - sigma(U[o] @ v_c))
    return positive - jnp.sum(U[neg] * (1 - sigma(-(U[neg] @ v_c)))[:, None], axis=0)


def f1_boxed(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    """(f) 1, the box: u_o (σ(u_o·v_c) − 1) − Σ u_k (σ(−u_k·v_c) − 1)."""
    positive = U[o] * (sigma(U[o] @ v_c) - 1)
    return positive - jnp.sum(U[neg] * (sigma(-(U[neg] @ v_c)) - 1)[:, None], axis=0)


def f3_boxed(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    """(f) 3, the box: v_c (σ(−u_k·v_c) − 1)."""
    return v_c * (sigma(-(u_k @ v_c)) - 1)


def g_boxed(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    """(g), the box: Σ_{i: w_i = w_k} −v_c (σ(−u_k·v_c) − 1)."""
    return -jnp.sum(neg == neg[0]) * v_c * (sigma(-(u_k @ v_c)) - 1)


def j_window(V: Any, U: Any, c: Any, outside: Any) -> Any:
    """J_skip-gram by whole tables: Σ_j J_naive-softmax(v_c, w_{t+j}, U)."""
    return sum((naive_softmax(V[c], outside[j], U) for j in range(CTX)), jnp.zeros((), U.dtype))


def h_d_U(V: Any, U: Any, c: Any, outside: Any) -> Any:
    """(h) i: Σ_j ∂J(v_c, w_{t+j}, U)/∂U, each by (d)."""
    return sum((c_cases(V[c], U, outside[j]) for j in range(CTX)), jnp.zeros_like(U))


def h_d_V(V: Any, U: Any, c: Any, outside: Any) -> Any:
    """(h) ii and iii: Σ_j ∂J/∂v_c by (b) in row c, exactly zero in every other row."""
    rows = (error(V[c], U, outside[j]) @ U for j in range(CTX))
    return jnp.zeros_like(V).at[c].set(sum(rows, jnp.zeros_like(V[0])))


_F = (V_C, U, O_ID, NEG)
_F_K = (V_C, V_C, U, O_ID, NEG)
_H = (U, U, O_ID, np.array([2, VOCAB - 1]))

CLAIMS = (
    Claim(
        "b", r"U(\hat{y} - y)", j_softmax, lambda v_c, U, o: error(v_c, U, o) @ U, (V_C, U, O_ID)
    ),
    Claim(
        "c",
        r"(\hat{y}_o - 1)v_c \text{ if } w = o,\ \hat{y}_w v_c \text{ otherwise}",
        j_softmax,
        c_cases,
        (V_C, U, O_ID),
        wrt=1,
    ),
    Claim(
        "d",
        r"[\partial J/\partial u_1, \dots, \partial J/\partial u_{|Vocab|}]",
        j_softmax,
        lambda v_c, U, o: jnp.outer(error(v_c, U, o), v_c),
        (V_C, U, O_ID),
        wrt=1,
    ),
    Claim(
        "e", r"\sigma(x)(1 - \sigma(x))", sigmoid, lambda x: sigma(x) * (1 - sigma(x)), (V_C[0],)
    ),
    Claim(
        "f1 line before the box",
        r"-u_o(1 - \sigma(u_o^T v_c)) - \sum_k u_k(1 - \sigma(-u_k^T v_c))",
        j_neg,
        f1_unfolded,
        _F,
        domain=distinct,
        expected="refuted",
        correct=r"-u_o(1 - \sigma(u_o^T v_c)) + \sum_k u_k(1 - \sigma(-u_k^T v_c))",
    ),
    Claim(
        "f1",
        r"u_o(\sigma(u_o^T v_c) - 1) - \sum_k u_k(\sigma(-u_k^T v_c) - 1)",
        j_neg,
        f1_boxed,
        _F,
        domain=distinct,
    ),
    Claim(
        "f2",
        r"v_c(\sigma(u_o^T v_c) - 1)",
        lambda v_c, u_o, U, o, neg: j_neg(v_c, U.at[o].set(u_o), o, neg),
        lambda v_c, u_o, U, o, neg: v_c * (sigma(u_o @ v_c) - 1),
        _F_K,
        wrt=1,
        domain=lambda v_c, u, *rest: distinct(v_c, *rest),
    ),
    Claim(
        "f3",
        r"v_c(\sigma(-u_k^T v_c) - 1)",
        one_u_k,
        f3_boxed,
        _F_K,
        wrt=1,
        domain=lambda v_c, u, *rest: distinct(v_c, *rest),
        expected="refuted",
        correct=r"v_c(1 - \sigma(-u_k^T v_c))",
    ),
    Claim(
        "g",
        r"\sum_{i: w_i = w_k} -v_c(\sigma(-u_k^T v_c) - 1)",
        one_u_k,
        g_boxed,
        _F_K,
        wrt=1,
        domain=lambda v_c, u, *rest: not_among(v_c, *rest),
    ),
    Claim("h i", r"\sum_j \partial J/\partial U", j_window, h_d_U, _H, wrt=1),
    Claim("h ii, iii", r"\sum_j \partial J/\partial v_c;\ 0", j_window, h_d_V, _H, wrt=0),
)
