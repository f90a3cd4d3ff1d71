"""Replicas: processes that train tables of their own, each on a part of the text, and merge them.

    merged = base + Σ_r (rows of r − base),        base: the rows as they were last merged

Rows are words, the most frequent first. What a replica learns of a word is unknown to the others
until it is merged, so a word is merged the more often the more often it is met: after so many calls
that a replica meets it about `MOST` times in between. Deltas are added, not averaged: each is what
a part of the text has to say, and a single process would have taken them all.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from jw2v.blocks.tables import Tables
from jw2v.training.exchange import LINE, Exchange

MOST = 8
INTERVALS = (1, 4, 16, 64, 256)
REST = INTERVALS[-1]  # after so many calls all rows are merged: a run can rest there


class Tier(NamedTuple):
    """The `rows` most frequent words are merged after every `every`-th call."""

    rows: int
    every: int


def tiers(uses: Float[np.ndarray, " vocab"]) -> tuple[Tier, ...]:
    """The tiers of a vocabulary; each holds the rows of those before it, the last all.

    Args:
      uses: how often a replica is expected to meet each word in a call, falling, `[vocab]`.

    >>> [tuple(tier) for tier in tiers(np.array([100.0, 1, 0.4, 0.1, 0.01]))]
    [(1, 1), (2, 4), (3, 16), (4, 64), (5, 256)]
    """
    rows = [int(np.count_nonzero(uses * after > MOST)) for after in INTERVALS[1:]]
    return tuple(
        Tier(n, every) for n, every in zip([*rows, len(uses)], INTERVALS, strict=True) if n
    )


def due(tiers: tuple[Tier, ...], call: int) -> int:
    """How many rows are merged after a call, counted from 1.

    >>> [due((Tier(2, 1), Tier(5, 8)), call) for call in (1, 7, 8)]
    [2, 2, 5]
    """
    return max((tier.rows for tier in tiers if call % tier.every == 0), default=0)


def with_first_rows(tables: Tables, V: Array, U: Array) -> Tables:
    """The tables with their first rows replaced.

    >>> import jax.numpy as jnp
    >>> tables = Tables(jnp.zeros((3, 1)), jnp.zeros((3, 1)))
    >>> print(with_first_rows(tables, jnp.ones((2, 1)), jnp.ones((1, 1))).V[:, 0])
    [1. 1. 0.]
    """
    put = jax.lax.dynamic_update_slice
    return Tables(put(tables.V, V, (0, 0)), put(tables.U, U, (0, 0)))


Write = Callable[[Tables, np.ndarray, np.ndarray], Tables]
"""`with_first_rows`, compiled for one number of rows, in place."""


class Replica:
    """This process's tables among those of the others."""

    def __init__(self, exchange: Exchange, tables: Tables, writes: Mapping[int, Write]) -> None:
        """Start from tables that are the same in every process; writes go by number of rows."""
        self._exchange, self._writes = exchange, writes
        alone = exchange.size == 1
        self._base = None if alone else [_aligned(np.asarray(table)) for table in tables]

    def rests(self, calls: int) -> bool:
        """Whether all rows are merged after so many calls, so that one state tells everything."""
        return self._base is None or calls % REST == 0

    def total(self, *numbers: Any) -> Sequence[Any]:
        """Each number summed over the processes; in a run of one, the numbers as they are."""
        if self._base is None:
            return numbers
        sums = np.zeros(len(numbers))
        self._exchange.merge([sums], [np.array(numbers, np.float64)])
        return sums.tolist()

    def merge(self, tables: Tables, rows: int, *numbers: Any) -> tuple[Tables, Sequence[Any]]:
        """Merge the first `rows` rows, and sum numbers on the way.

        Returns:
          The tables, which are equal in all processes in those rows, and the sums.
        """
        if self._base is None or rows == 0:
            return tables, self.total(*numbers)
        base, sums = [whole[:rows] for whole in self._base], np.zeros(len(numbers))
        mine = [np.asarray(table)[:rows] for table in tables]  # where they are, on a CPU
        self._exchange.merge([*base, sums], [*mine, np.array(numbers, np.float64)])
        del mine  # what is looked at cannot be written in place
        return self._writes[rows](tables, *base), sums.tolist()


def _aligned(array: np.ndarray) -> np.ndarray:
    """A copy that starts where XLA takes an array as it lies, instead of copying it once more."""
    raw = np.empty(array.nbytes + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    copy = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
