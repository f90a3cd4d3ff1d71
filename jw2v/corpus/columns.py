"""Arrays larger than memory, or in many files: a stretch is read at a time, in flat memory."""

import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np
from numpy.lib.array_utils import byte_bounds

from jw2v.errors import DataError


@dataclass(frozen=True)
class Stored:
    """A stretch of an array in a file that is opened to read it, and only then.

    A thousand mapped files would be a thousand open ones, which the system forbids. A slice costs
    nothing and is `Stored` again; `np.asarray` reads it.

    Attributes:
      path: the file.
      dtype: of the array.
      start: bytes of the file before the stretch.
      length: numbers of the stretch.
    """

    path: Path
    dtype: np.dtype
    start: int
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, at: slice) -> "Stored":
        first, last = _bounds(at, self.length)
        start = self.start + first * self.dtype.itemsize
        return replace(self, start=start, length=last - first)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        read = np.fromfile(self.path, self.dtype, self.length, offset=self.start)
        if len(read) < self.length:
            raise DataError(f"{self.path} was cut short since it was opened; encode the text anew")
        return read


class Joined:
    """Arrays end to end, each raised by a number of its own.

    A slice costs nothing and is `Joined` again; `np.asarray` and `tolist` read it.

    >>> joined = Joined([np.array([0, 2]), np.array([1]), np.array([3, 4])], raised=[0, 2, 3])
    >>> len(joined), joined[2], joined[1:4].tolist()
    (5, 3, [2, 3, 6])
    """

    def __init__(self, arrays: Sequence[np.ndarray | Stored], *, raised: Sequence[int]) -> None:
        """Join at least one array."""
        self._arrays, self._raised = arrays, raised
        self._ends = np.cumsum([0, *map(len, arrays)]).tolist()

    def __len__(self) -> int:
        return self._ends[-1]

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> "Joined": ...
    def __getitem__(self, at: int | slice) -> "int | Joined":
        if isinstance(at, slice):
            return self._part(*_bounds(at, len(self)))
        at = range(len(self))[at]
        return int(np.asarray(self._part(at, at + 1))[0])

    @property
    def dtype(self) -> np.dtype:
        """Of all arrays."""
        return self._arrays[0].dtype

    @property
    def shape(self) -> tuple[int]:
        """As of an array of one axis."""
        return (len(self),)

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def tolist(self) -> list[int]:
        """All numbers; of a long array take a slice first."""
        return np.asarray(self).tolist()

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        read = map(np.asarray, self._arrays)
        return np.concatenate(
            [a + a.dtype.type(n) for a, n in zip(read, self._raised, strict=True)]
        )

    def _part(self, start: int, stop: int) -> "Joined":
        first = min(bisect_right(self._ends, start), len(self._arrays)) - 1
        last = max(bisect_left(self._ends, stop), first + 1)
        cut = zip(self._arrays[first:last], self._ends[first:last], strict=True)
        arrays = [array[max(start - a, 0) : max(stop - a, 0)] for array, a in cut]
        return Joined(arrays, raised=self._raised[first:last])


def _bounds(at: slice, length: int) -> tuple[int, int]:
    start, stop, step = at.indices(length)
    if step != 1:
        raise IndexError("a stretch is read without a step")
    return start, max(start, stop)


Column: TypeAlias = np.ndarray | Joined


def release(read: np.ndarray) -> None:
    """Let go of the pages of a mapped file that an array lies in; read again, they come back.

    They are the system's and cost nothing to drop, but count as this process's memory: without
    this, a pass over a corpus seems to need all of it. Pages that other threads read are left.
    """
    base: object = read
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and read.size:
        mapping = np.frombuffer(base, np.uint8).ctypes.data
        first, stop = (address - mapping for address in byte_bounds(read))
        first -= first % mmap.PAGESIZE
        base.madvise(mmap.MADV_DONTNEED, first, stop - first)
