"""Replicas: processes that train tables of their own, each on a part of the text, and merge them.

    merged = base + w Σ_r (rows of r − base),        base: the rows as they were last merged

Rows are words and, below them, the n-grams that they are made of, each the most used first. What a
replica learns of a row is unknown to the others until it is merged, so a row is merged the more
often the more often it is met: after so many calls that the replicas meet it about `MOST` times in
between. Deltas are added: each is what a part of the text has to say, and a single process would
have taken them all. Of rows that have come near to where they are drawn it would have taken less
(`weights`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from jw2v.blocks.tables import Tables
from jw2v.optim.damping import STABLE
from jw2v.training.exchange import LINE, Exchange
from jw2v.training.expected import CURVATURE
from jw2v.training.state import TrainState, widened
from jw2v.training.step import StepInfo

MOST = 8
STEEPEST = 2 / STABLE / CURVATURE
"""The strongest pull at a row by its mean over directions: |x|² σ(s) σ(−s) is up to 2 / STABLE."""
INTERVALS = tuple(2**i for i in range(8))
NO_NGRAMS = np.zeros(0)
REST = INTERVALS[-1]  # after so many calls all rows are merged: a run can rest there


class Rows(NamedTuple):
    """The first rows of words, in both tables, and of the n-grams below those of words in V."""

    words: int
    ngrams: int = 0

    def slices(self, vocab: int) -> tuple[slice, slice]:
        """Those of words, in either table, and those of n-grams, in V.

        >>> [(rows.start, rows.stop) for rows in Rows(2, 1).slices(5)]
        [(0, 2), (5, 6)]
        """
        return slice(0, self.words), slice(vocab, vocab + self.ngrams)

    def spans(self, vocab: int) -> tuple[tuple[int, slice], ...]:
        """Where they stand: a table by its place in `Tables`, and rows of it.

        >>> [(table, rows.start, rows.stop) for table, rows in Rows(2, 1).spans(5)]
        [(0, 0, 2), (1, 0, 2), (0, 5, 6)]
        """
        words, ngrams = self.slices(vocab)
        return (0, words), (1, words), (0, ngrams)


NONE = Rows(0)


def all_of(tables: Tables) -> Rows:
    """All rows of tables."""
    return Rows(len(tables.U), len(tables.V) - len(tables.U))


class Tier(NamedTuple):
    """The most frequent rows, so many, are merged after every `every`-th call."""

    rows: Rows
    every: int


def tiers(
    words: Float[np.ndarray, " vocab"],
    replicas: int,
    *,
    ngrams: Float[np.ndarray, " ngrams"] = NO_NGRAMS,
) -> tuple[Tier, ...]:
    """The tiers of a vocabulary; each holds the rows of those before it, the last all.

    Args:
      words: how often a replica is expected to meet each word in a call, falling, `[vocab]`.
      replicas: how many there are.
      ngrams: how often it is expected to meet each n-gram, falling but for words left out.

    >>> [(tier.rows.words, tier.every) for tier in tiers(np.array([9.0, 0.9, 0.4, 0.03]), 2)]
    [(1, 1), (1, 2), (2, 4), (3, 8), (3, 16), (3, 32), (3, 64), (4, 128)]
    """

    def often(uses: np.ndarray, after: int) -> int:
        return int(np.count_nonzero(uses * after * replicas > MOST))

    rows = [Rows(often(words, after), often(ngrams, after)) for after in INTERVALS[1:]]
    every = zip([*rows, Rows(len(words), len(ngrams))], INTERVALS, strict=True)
    return tuple(Tier(some, after) for some, after in every if some != NONE)


def due(tiers: tuple[Tier, ...], call: int) -> Rows:
    """The rows that are merged after a call, counted from 1.

    >>> [due((Tier(Rows(2), 1), Tier(Rows(5), 8)), call).words for call in (1, 7, 8)]
    [2, 2, 5]
    """
    return max((tier.rows for tier in tiers if call % tier.every == 0), default=NONE)


def intervals(tiers: tuple[Tier, ...]) -> Tables:
    """Calls between two merges of each row of V and of U.

    >>> found = intervals((Tier(Rows(1, 2), 4), Tier(Rows(2, 3), 8)))
    >>> found.V.tolist(), found.U.tolist()
    ([4, 8, 4, 4, 8], [4, 8])
    """
    every = [tier.every for tier in tiers]
    words, ngrams = (
        np.repeat(every, np.diff([0, *first]))
        for first in zip(*(t.rows for t in tiers), strict=True)
    )
    return Tables(np.concatenate([words, ngrams]), words)


def weights(
    pull: Float[np.ndarray, " rows"], every: Int[np.ndarray, " rows"], replicas: int
) -> Float[np.ndarray, " rows"]:
    """How much of what replicas learnt of each row, summed, a single process would have learnt.

        w = (1 − q^R) / (R (1 − q)),        q = exp(−pull · calls between merges)

    A row is drawn to where what pulls at it is in balance. Between merges each of R replicas leaves
    q of the way to there, all of them one after another would leave q^R, and their sum goes R
    (1 − q) of the way, beyond its end where q is small. w is 1 of rows met seldom, and 1/R, the
    mean, of those that have arrived.

    In the direction where a row is drawn the most, the sum may lead at most as far beyond its end
    as the row was before it, else merges diverge: there w is at most 2 / (R (1 − q)). It matters
    for more than two replicas.

    Args:
      pull: the share of its way that a row goes in a call, in the mean over directions, `[rows]`.
      every: calls between two merges of each row.
      replicas: R.

    >>> print(weights(np.array([100.0, 1.0, 0.0]), np.array([1, 1, 8]), 2).round(3))
    [0.5   0.684 1.   ]
    """
    gone = np.maximum(pull * every, 1e-9)
    as_one = np.expm1(-replicas * gone) / (replicas * np.expm1(-gone))
    stable = 2 / (replicas * -np.expm1(-STEEPEST * gone))
    return np.minimum(as_one, stable)


def with_rows(tables: Tables, *merged: Array, rows: Rows) -> Tables:
    """The tables with these rows replaced, given for each of their spans.

    >>> import jax.numpy as jnp
    >>> tables = Tables(jnp.zeros((3, 1)), jnp.zeros((2, 1)))
    >>> V, U, ngrams = jnp.ones((1, 1)), jnp.ones((1, 1)), jnp.full((1, 1), 9.0)
    >>> print(with_rows(tables, V, U, ngrams, rows=Rows(1, 1)).V[:, 0])
    [1. 0. 9.]
    """
    new = list(tables)
    for (table, span), given in zip(rows.spans(len(tables.U)), merged, strict=True):
        new[table] = jax.lax.dynamic_update_slice(new[table], given, (span.start, 0))
    return Tables(*new)


Write = Callable[..., Tables]
"""`with_rows`, compiled for some rows, in place."""


@runtime_checkable
class Replicas(Protocol):
    """The replicas of a run, of which this process trains some."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    @property
    def parts(self) -> Sequence[int]:
        """The numbers of those that are trained here."""
        ...

    @property
    def share(self) -> tuple[int, int]:
        """This process's number, and how many processes there are."""
        ...

    def start(self, state: TrainState) -> TrainState:
        """A state as it is saved."""
        ...

    def spread(self, state: TrainState) -> TrainState:
        """A state as it was saved, as each replica begins with it."""
        ...

    def one(self, state: TrainState) -> TrainState:
        """The state of the first replica that is trained here, its rows as they train."""
        ...

    def shared(self, tree: Any) -> Any:
        """What all replicas read, where they read it."""
        ...

    def text(self, texts: Sequence[Any]) -> Any:
        """The texts of the replicas that are trained here, as a call takes them."""
        ...

    def rests(self, calls: int) -> bool:
        """Whether all rows are merged after so many calls, so that one state tells everything."""
        ...

    def total(self, *numbers: Any) -> Sequence[Any]:
        """Each number summed over the processes; in a run of one, the numbers as they are."""
        ...

    def largest(self, number: int) -> int:
        """The largest that any process has of those that train by one program."""
        ...

    def merge(
        self, state: TrainState, rows: Rows, info: StepInfo, *numbers: Any
    ) -> tuple[TrainState, StepInfo, Sequence[Any]]:
        """Merge these rows; and the loss and other numbers summed on the way."""
        ...


class Replica:
    """One replica a process; they meet in an exchange."""

    def __init__(
        self,
        exchange: Exchange,
        writes: Mapping[Rows, Write],
        weights: Tables,
        *,
        width: int,
    ) -> None:
        """Of the processes of an exchange.

        Args:
          exchange: where they meet.
          writes: by rows.
          weights: by table.
          width: of rows as they train.
        """
        self._exchange, self._writes, self._weights = exchange, writes, weights
        self._width = width
        self._base: list[np.ndarray] | None = None  # of each span of all rows
        self.size, self.parts = exchange.size, (exchange.rank,)
        self.share = exchange.rank, exchange.size

    def start(self, state: TrainState) -> TrainState:
        """The state."""
        return state

    def spread(self, state: TrainState) -> TrainState:
        """The state, which is the same in every process, its rows as they train."""
        wide = widened(state, self._width)
        if wide is not state:
            for table in state.tables:  # `wide` takes their place
                table.delete()
            state = wide
        if self.size > 1:
            self._base = [_aligned(part) for part in _parts(state.tables, all_of(state.tables))]
        return state

    def one(self, state: TrainState) -> TrainState:
        """The state."""
        return state

    def shared(self, tree: Any) -> Any:
        """The tree."""
        return tree

    def text(self, texts: Sequence[Any]) -> Any:
        """The text of this process."""
        (text,) = texts
        return text

    def rests(self, calls: int) -> bool:
        """Whether all rows are merged after so many calls, so that one state tells everything."""
        return self._base is None or calls % REST == 0

    def total(self, *numbers: Any) -> Sequence[Any]:
        """Each number summed over the processes; in a run of one, the numbers as they are."""
        if self._base is None:
            return numbers
        sums = np.zeros(len(numbers))
        self._exchange.merge([sums], [np.array(numbers, np.float64)], [1.0])
        return sums.tolist()

    def largest(self, number: int) -> int:
        """The number: every process has programs of its own."""
        return number

    def merge(
        self, state: TrainState, rows: Rows, info: StepInfo, *numbers: Any
    ) -> tuple[TrainState, StepInfo, Sequence[Any]]:
        """Merge these rows, and sum the loss and other numbers on the way.

        Returns:
          The state, whose tables are equal in all processes in those rows, and the sums.
        """
        if self._base is None or rows == NONE:
            loss, pairs, *sums = self.total(*info, *numbers)
            return state, StepInfo(loss, pairs), sums
        mine, weights = _parts(state.tables, rows), _parts(self._weights, rows)
        base = [whole[: len(part)] for whole, part in zip(self._base, mine, strict=True)]
        told, sums = np.array([*info, *numbers], np.float64), np.zeros(2 + len(numbers))
        self._exchange.merge([*base, sums], [*mine, told], [*weights, 1.0])
        del mine  # what is looked at cannot be written in place
        loss, pairs, *rest = sums.tolist()
        tables = self._writes[rows](state.tables, *base)
        return state._replace(tables=tables), StepInfo(loss, pairs), rest


def _parts(tables: Tables, rows: Rows) -> list[np.ndarray]:
    """Each span of these rows of tables, or of numbers by row, where they are on a processor."""
    return [np.asarray(tables[table])[span] for table, span in rows.spans(len(tables.U))]


def _aligned(array: np.ndarray) -> np.ndarray:
    """A copy that starts where XLA takes an array as it lies, instead of copying it once more."""
    raw = np.empty(array.nbytes + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    copy = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
