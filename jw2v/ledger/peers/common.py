"""What the three programs share: one visit to the output rows, and the loss they descend."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.losses.negative_sampling import loss as negative_sampling

VOCAB, DIM, NEG = 13, 5, 3
TABLES = (np.ones((VOCAB, DIM)), np.ones((VOCAB, DIM)))
BOTH = ("float64", "float32")
sigma = jax.nn.sigmoid


def loss(hidden: Any, U: Any, o: Any, neg: Any) -> Any:
    """J of a hidden vector, its target and all its negatives, hits included."""
    return negative_sampling(hidden, U[o], U[neg])


def visit(hidden: Any, U: Any, o: Any, neg: Any, *, alpha: float) -> tuple[Any, Any]:
    """The target, then each negative in turn: what it adds to the hidden vector's error, its step.

    A row adds to the error as it stands when it is visited, and is moved at once. A negative that
    is the target is passed over.

    Returns:
      The error, which is added to the vectors behind the hidden one, and the new U.
    """

    def step(word: Any, label: float, U: Any) -> tuple[Any, Any]:
        g = alpha * (label - sigma(hidden @ U[word]))
        return g * U[word], g * hidden

    error, move = step(o, 1.0, U)
    U = U.at[o].add(move)
    for word in neg:
        more, move = (jnp.where(word == o, 0, x) for x in step(word, 0.0, U))
        error, U = error + more, U.at[word].add(move)
    return error, U


def among(o: Any, neg: Any) -> bool:
    """Whether a negative is the target."""
    return int(o) in map(int, neg)


def repeated(o: Any, neg: Any) -> bool:
    """Whether a negative that is not the target stands twice."""
    others = [int(word) for word in neg if int(word) != int(o)]
    return len(set(others)) < len(others)
