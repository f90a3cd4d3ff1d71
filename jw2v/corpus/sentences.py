"""Sentences as ids in two arrays, mapped from a folder's files or joined from those of several."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from jw2v.corpus.columns import Joined, Stored, release
from jw2v.errors import DataError
from jw2v.files import place_of

PARTS = ("train", "heldout")
ARRAYS = tuple(f"{part}.{kind}.npy" for part in PARTS for kind in ("ids", "offsets"))

_SLICE = 1 << 22  # numbers checked at once
_HEADER = re.compile(
    rb"\x93NUMPY\x01\0.{2}\{'descr': '([<>|][iu][1248])', 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,18}(?:,|(?:, [0-9]{1,18})+))\), \} *\n",
    re.DOTALL,
)


class Sentences(NamedTuple):
    """Sentence i is `ids[offsets[i]:offsets[i + 1]]`; none is empty.

    Of a corpus in shards both are `Joined`, of which `np.asarray` reads a slice.
    """

    ids: Int[np.ndarray, " tokens"] | Joined  # int32, memory-mapped
    offsets: Int[np.ndarray, " bounds"] | Joined  # int64, memory-mapped, one more than sentences


def mapped(directory: Path, part: str) -> Sentences:
    """The sentences of a part that `writing` wrote.

    Raises:
      DataError: an array is missing, cut short or of another kind.
    """
    return Sentences(*(_map(path, dtype) for path, dtype in _files(directory, part)))


def joined(directories: Sequence[Path], part: str) -> Sentences:
    """The sentences of several folders, one after the other; raises as `mapped`."""
    ids, offsets = zip(*(_stored(directory, part) for directory in directories), strict=True)
    before = np.cumsum([0, *map(len, ids)]).tolist()
    bounds = [np.zeros(1, np.int64), *(some[1:] for some in offsets)]
    return Sentences(
        Joined(ids, raised=[0] * len(ids)),
        Joined(bounds, raised=[0, *before[:-1]]),
    )


def check(sentences: Sentences, directory: Path, part: str, *, vocab: int) -> None:
    """Read all of a part's numbers.

    Raises:
      DataError: its offsets do not divide its ids, or an id is not in the vocabulary.
    """
    _check_offsets(sentences, directory / f"{part}.offsets.npy")
    _check_ids(sentences, vocab, directory / f"{part}.ids.npy")


def damaged(path: Path, what: str) -> DataError:
    """The fault of a file that is not what was written."""
    return DataError(f"{path} is damaged: {what}; encode the text anew")


def _files(directory: Path, part: str) -> list[tuple[Path, type[np.generic]]]:
    dtypes = {"ids": np.int32, "offsets": np.int64}
    return [(place_of(directory, f"{part}.{kind}.npy"), dtype) for kind, dtype in dtypes.items()]


def _stored(directory: Path, part: str) -> list[Stored]:
    arrays = [(path, _map(path, dtype)) for path, dtype in _files(directory, part)]
    return [Stored(path, array.dtype, array.offset, len(array)) for path, array in arrays]


def _map(path: Path, dtype: type[np.generic]) -> np.memmap:
    """An array of one axis; its header is held against one form, never evaluated."""
    try:
        with path.open("rb") as file:
            header = _HEADER.match(file.read(256))
        if header is None:
            raise damaged(path, "it is not a whole array")
        found, shape = np.dtype(header[1].decode()), header[2].decode().removesuffix(",")
        if found != dtype or "," in shape:
            raise damaged(path, f"it holds {found} [{shape}]")
        array = np.memmap(path, dtype, "r", header.end(), (int(shape),))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; encode the text anew") from None
    except (ValueError, OverflowError):  # there is less than the header says
        raise damaged(path, "it is not a whole array") from None
    if array.offset + array.nbytes != path.stat().st_size:
        raise damaged(path, "it is longer than its array")
    return array


def _check_offsets(sentences: Sentences, path: Path) -> None:
    offsets = sentences.offsets
    right = len(offsets) > 0 and offsets[0] == 0 and offsets[-1] == len(sentences.ids)
    for start in range(0, len(offsets), _SLICE):
        some = np.asarray(offsets[start : start + _SLICE + 1])
        right = right and bool((some[1:] > some[:-1]).all())
        release(some)
    if not right:
        raise damaged(path, "its offsets do not divide the ids into sentences")


def _check_ids(sentences: Sentences, vocab: int, path: Path) -> None:
    for start in range(0, len(sentences.ids), _SLICE):
        ids = np.asarray(sentences.ids[start : start + _SLICE])
        if ids.min() < 0 or ids.max() >= vocab:
            raise damaged(path, f"an id is not in [0, {vocab})")
        release(ids)
