"""The state of a run: the tables, the optimizer's state, and how far it is."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import DTypeLike
from jaxtyping import Array, Int

from jw2v.blocks.tables import Tables


class TrainState(NamedTuple):
    """What the next step needs."""

    tables: Tables
    opt_state: Any
    blocks: Int[Array, ""]  # blocks seen so far


def initial_tables(
    key: Array, vocab: int, dim: int, dtype: DTypeLike = jnp.float32, *, ngrams: int = 0
) -> Tables:
    """word2vec's start: V uniform in ±1/(2 dim), U zero.

    Args:
      key: random key.
      vocab: number of words.
      dim: length of a vector.
      dtype: of the tables.
      ngrams: rows of V below those of the words.

    >>> tables = initial_tables(jax.random.key(0), 7, 5)
    >>> bool(abs(tables.V).max() <= 0.1), bool(abs(tables.U).max() == 0)
    (True, True)
    """
    limit = 0.5 / dim
    V = jax.random.uniform(key, (vocab + ngrams, dim), dtype, -limit, limit)
    return Tables(V, jnp.zeros((vocab, dim), dtype))


def widened(state: TrainState, width: int) -> TrainState:
    """The state with zero columns beside those of its tables, up to `width`.

    A product of rows is the same with them, and so they stay zero: the gradient of either row is
    made of the other's columns.

    >>> start = init(initial_tables(jax.random.key(0), 7, 5), optax.sgd(0.1))
    >>> widened(start, 16).tables.U.shape
    (7, 16)
    """
    if width == state.tables.V.shape[1]:
        return state
    beside = (0, 0), (0, width - state.tables.V.shape[1])
    return state._replace(tables=jax.tree.map(lambda x: jnp.pad(x, beside), state.tables))


def narrowed(state: TrainState, dim: int) -> TrainState:
    """The state with the first `dim` columns of its tables.

    >>> start = init(initial_tables(jax.random.key(0), 7, 5), optax.sgd(0.1))
    >>> narrowed(widened(start, 16), 5).tables.U.shape
    (7, 5)
    """
    if dim == state.tables.V.shape[1]:
        return state
    return state._replace(tables=jax.tree.map(lambda x: x[:, :dim], state.tables))


def init(tables: Tables, optimizer: optax.GradientTransformation) -> TrainState:
    """The state at the start of a run."""
    return TrainState(tables, optimizer.init(tables), jnp.zeros((), jnp.int32))
