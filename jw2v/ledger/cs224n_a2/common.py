"""What the parts share: example arguments, domains, the document's quantities, δ/δx.

The callables say each line with these and plain `jnp`. A derivative the document writes stays one:
δ/δx of an expression is `d` of that expression, taken by autodiff.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.losses.naive_softmax import loss as naive_softmax
from jw2v.losses.negative_sampling import loss as neg_sample

VOCAB, DIM, K, CTX = 7, 5, 3, 2  # pairwise distinct primes, so that a transpose cannot pass
V_C, U = np.ones(DIM), np.ones((VOCAB, DIM))
O_ID, NEG, NEG_REPEATED = np.array(5), np.array([1, 6, 3]), np.array([2, 6, 2])

sigma = jax.nn.sigmoid  # of scores of any shape


def distinct(*args: Any) -> bool:
    """The domain of (f): distinct negatives, o not among them; `args` end in o, neg."""
    ids = [int(args[-2]), *map(int, args[-1])]
    return len(set(ids)) == len(ids)


def not_among(*args: Any) -> bool:
    """The domain of (g): o not among the negatives, which may repeat; `args` end in o, neg."""
    return int(args[-2]) not in map(int, args[-1])


def j_softmax(v_c: Any, U: Any, o: Any) -> Any:
    """J_naive-softmax(v_c, o, U)."""
    return naive_softmax(v_c, o, U)


def j_neg(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    """J_neg-sample(v_c, o, U); u_k is the row of the k-th sampled word."""
    return neg_sample(v_c, U[o], U[neg])


def partition(v_c: Any, U: Any) -> Any:
    """Σ_{w ∈ Vocab} exp(u_w·v_c)."""
    return jnp.sum(jnp.exp(U @ v_c))


def prob(v_c: Any, U: Any) -> Any:
    """ŷ: ŷ_w = P(O = w | C = c) = exp(u_w·v_c) / Σ_k exp(u_k·v_c), every w."""
    return jnp.exp(U @ v_c) / partition(v_c, U)


def one_hot(o: Any, U: Any) -> Any:
    """y, one entry a word."""
    return jax.nn.one_hot(o, U.shape[0], dtype=U.dtype)


def y_by_cases(v_c: Any, U: Any, o: Any) -> Any:
    """1 if w = o, 0 if w ≠ o, every w."""
    return jnp.where(jnp.arange(U.shape[0]) == o, jnp.ones_like(U[:, 0]), jnp.zeros_like(U[:, 0]))


def y_of_o(v_c: Any, U: Any, o: Any) -> Any:
    """y_o."""
    return one_hot(o, U)[o]


def y_of_others(v_c: Any, U: Any, o: Any) -> Any:
    """y_w of every w ≠ o."""
    return one_hot(o, U)[others(o, U)]


def log_sigma(score: Any) -> Any:
    """log(σ(score)), as written."""
    return jnp.log(sigma(score))


def d(expression: Callable[[Any], Any], x: Any) -> Any:
    """δ/δx of a scalar expression in x."""
    return jax.grad(expression)(x)


def row(U: Any, w: Any, u_w: Any) -> Any:
    """U with u_w for its row w: the table as a function of that one vector, wherever it is used.

    >>> print(row(jnp.zeros((3, 2)), 1, jnp.ones(2)))
    [[0. 0.]
     [1. 1.]
     [0. 0.]]
    """
    return jnp.where((jnp.arange(U.shape[0]) == w)[:, None], u_w[None, :], U)


def d_row(expression: Callable[[Any], Any], U: Any, w: Any, u_w: Any) -> Any:
    """δ/δu_w of a scalar expression in U, at u_w."""
    return d(lambda u: expression(row(U, w, u)), u_w)


def others(w: Any, U: Any) -> Any:
    """Ids of the words other than w.

    >>> print(others(1, jnp.zeros((4, 2))))
    [0 2 3]
    """
    ids = jnp.arange(U.shape[0] - 1)
    return ids + (ids >= w)
