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
from jw2v.training.exchange import Exchange

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


def first_rows(tables: Tables, rows: int) -> Tables:
    """The first rows of both tables."""
    return Tables(*(table[:rows] for table in tables))


def with_first_rows(tables: Tables, V: Array, U: Array) -> Tables:
    """The tables with their first rows replaced."""
    put = jax.lax.dynamic_update_slice
    return Tables(put(tables.V, V, (0, 0)), put(tables.U, U, (0, 0)))


class Programs(NamedTuple):
    """`first_rows` and `with_first_rows`, compiled for one number of rows."""

    read: Callable[[Tables], Tables]
    write: Callable[..., Tables]


class Replica:
    """This process's tables among those of the others."""

    def __init__(
        self, exchange: Exchange, tables: Tables, programs: Mapping[int, Programs]
    ) -> None:
        """Start from tables that are the same in every process; programs go by number of rows."""
        self._exchange, self._programs = exchange, programs
        alone = exchange.size == 1
        self._base = None if alone else [np.array(table) for table in tables]

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
        mine = [np.asarray(x) for x in self._programs[rows].read(tables)]
        self._exchange.merge([*base, sums], [*mine, np.array(numbers, np.float64)])
        return self._programs[rows].write(tables, *base), sums.tolist()
