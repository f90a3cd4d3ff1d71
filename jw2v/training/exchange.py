"""What the processes of a run add up; all of them get the same bits.

What trains never sees how the numbers travel: `Alone` is a run of one process, `SharedMemory` are
processes of one machine, and whatever else adds arrays over processes may stand in their place.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from jw2v.errors import DataError

SLOT = 1 << 20  # bytes a process posts at once: a core caches them
SLOTS = 8
"""Slots of a process, used in turn. With fewer, the cores that read one last still cache it when it
is written again, and each line waits until they have let go of it."""
LINE = 64  # bytes of a cache line: no two processes write to one
LOOKS = 5000  # a waiting process looks so often before it begins to sleep in between
SLEEP = 1e-4  # seconds


Arrays = Sequence[np.ndarray]
Weights = Sequence[np.ndarray | float]


@runtime_checkable
class Exchange(Protocol):
    """What the processes of a run have in common."""

    @property
    def rank(self) -> int:
        """This process's number, from 0."""
        ...

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def merge(self, base: Arrays, mine: Arrays, weights: Weights) -> None:
        """Add to `base`, in place, what every process's arrays have beyond it.

            base ← base + Σ_r w (arrays of r − base),        in the order of the ranks r

        Every process calls it with arrays of the same shapes and dtypes, the same `base` and the
        same weights: of each array a number, or one for each row.
        """
        ...


class Alone(NamedTuple):
    """A run of one process.

    >>> base = np.zeros(2)
    >>> Alone().merge([base], [np.ones(2)], [1.0])
    >>> base
    array([1., 1.])
    """

    rank: int = 0
    size: int = 1

    def merge(self, base: Arrays, mine: Arrays, weights: Weights) -> None:
        """Move `base` to the arrays."""
        for b, x, w in zip(base, mine, weights, strict=True):
            b += _over_rows(w, b) * (x - b)


ALONE = Alone()


class SharedMemory:
    """Processes of one machine that map one file.

    Each has a counter and slots that it uses in turn. It writes to a slot, raises its counter and
    waits for the others' counters; then all read that slot of each. It is written to again `SLOTS`
    rounds later, when every process has passed the rounds between and so has read it.
    """

    def __init__(
        self, path: Path, rank: int, size: int, *, alive: Callable[[], bool] = lambda: True
    ) -> None:
        """Join the processes that map `path`, made by `create`; `alive` is asked in long waits."""
        self.rank, self.size = rank, size
        self._alive = alive
        self._round = 0
        whole = np.asarray(np.memmap(path, np.uint8, "r+"))
        self.flags = whole[:LINE]
        """Bytes that any process may set for all to see."""
        self._counters = whole[LINE : LINE * (1 + size)].view(np.int64)[:: LINE // 8]
        self._slots = whole[LINE * (1 + size) :].reshape(SLOTS, size, SLOT)

    @staticmethod
    def create(path: Path, size: int) -> None:
        """Make the file for so many processes.

        Raises:
          DataError: it cannot be written.
        """
        try:
            path.write_bytes(bytes(LINE * (1 + size) + SLOTS * size * SLOT))
        except OSError as error:
            raise DataError(f"cannot write {path}: {error.strerror}; free space there") from error

    def merge(self, base: Arrays, mine: Arrays, weights: Weights) -> None:
        """Add to `base` what every process's arrays have beyond it (see `Exchange`).

        Raises:
          DataError: another process is gone.
        """
        for pieces in _rounds(mine):
            slots = self._slots[self._round % SLOTS]
            for piece in pieces:
                b, learnt = piece.of(base), piece.within(slots[self.rank], base)
                np.subtract(piece.of(mine), b, out=learnt)
                weight = piece.of(weights)
                if np.any(weight != 1):
                    learnt *= _over_rows(weight, b)
            self._meet()
            for piece in pieces:
                merged = piece.of(base)
                for slot in slots:
                    merged += piece.within(slot, base)

    def _meet(self) -> None:
        """Wait for all; what each wrote before is seen after."""
        self._round += 1
        _yield()  # a call into the kernel orders what is written before and after it
        self._counters[self.rank] = self._round
        looks = 0
        while self._counters.min() < self._round:
            looks += 1
            if looks < LOOKS:
                _yield()
                continue
            time.sleep(SLEEP)
            if not self._alive():
                raise DataError("another process of the run is gone; run it again")


class _Piece(NamedTuple):
    """Rows of one of the arrays, and where they stand in a slot."""

    array: int
    start: int
    stop: int
    offset: int  # bytes

    def of(self, arrays: Arrays | Weights) -> Any:
        """These rows of an array, or the number that stands for all of them."""
        array = arrays[self.array]
        return array[self.start : self.stop] if isinstance(array, np.ndarray) else array

    def within(self, slot: np.ndarray, like: Arrays) -> np.ndarray:
        """Their place in a slot, as an array."""
        rows = self.of(like)
        return slot[self.offset : self.offset + rows.nbytes].view(rows.dtype).reshape(rows.shape)


def _rounds(arrays: Arrays) -> Iterator[list[_Piece]]:
    """The arrays cut into pieces, as many a round as a slot holds."""
    pieces: list[_Piece] = []
    used = 0
    for i, array in enumerate(arrays):
        start, row = 0, array[:1].nbytes
        while start < len(array):
            room = (SLOT - used) // row
            if room == 0:
                yield pieces
                pieces, used = [], 0
                continue
            stop = min(len(array), start + room)
            pieces.append(_Piece(i, start, stop, used))
            used += -(-(stop - start) * row // LINE) * LINE
            start = stop
    if pieces:
        yield pieces


def _over_rows(weights: np.ndarray | float, rows: np.ndarray) -> np.ndarray | float:
    """Weights, one for each row, as they multiply rows."""
    if isinstance(weights, np.ndarray):
        return weights.reshape(len(rows), *[1] * (rows.ndim - 1))
    return weights


def _yield() -> None:
    if hasattr(os, "sched_yield"):  # not on Windows
        os.sched_yield()
    else:
        time.sleep(0)
