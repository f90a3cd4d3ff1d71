"""What encoding writes: numbers between its passes, and arrays that grow."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from jaxtyping import Int


class Piece(NamedTuple):
    """The sentences of one chunk, by the numbers of their word types."""

    ids: Int[np.ndarray, " tokens"]  # int32
    lengths: Int[np.ndarray, " sentences"]  # int32
    lines: Int[np.ndarray, " sentences"]  # number of each over the whole source, from 0


class Spool:
    """Pieces in a temporary file, written in the first pass and read in the second.

    Attributes:
      tokens: tokens written.
      sentences: sentences written, empty ones too.

    >>> import tempfile
    >>> with tempfile.TemporaryFile() as file:
    ...     spool = Spool(file)
    ...     spool.append(np.array([4, 2], np.int32), np.array([2, 0], np.int32))
    ...     spool.append(np.array([3], np.int32), np.array([1], np.int32))
    ...     [(piece.ids.tolist(), piece.lines.tolist()) for piece in spool.pieces()]
    [([4, 2], [0, 1]), ([3], [2])]
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.tokens = self.sentences = 0
        self._file = file
        self._sizes: list[tuple[int, int]] = []

    def append(
        self, ids: Int[np.ndarray, " tokens"], lengths: Int[np.ndarray, " sentences"]
    ) -> None:
        """Writes the next piece, both arrays int32."""
        ids.tofile(self._file)
        lengths.tofile(self._file)
        self._sizes.append((len(ids), len(lengths)))
        self.tokens += len(ids)
        self.sentences += len(lengths)

    def pieces(self) -> Iterator[Piece]:
        """Reads the pieces back."""
        self._file.seek(0)
        line = 0
        for tokens, sentences in self._sizes:
            ids = np.fromfile(self._file, np.int32, tokens)
            lengths = np.fromfile(self._file, np.int32, sentences)
            yield Piece(ids, lengths, np.arange(line, line + sentences))
            line += sentences


class SentenceWriter:
    """Appends sentences to the two arrays of a part; made by `writing`.

    Attributes:
      longest: words of the longest sentence written.
    """

    def __init__(self, ids: "_Array", offsets: "_Array") -> None:
        self.longest = 0
        self._ids, self._offsets = ids, offsets
        self._offsets.append(np.zeros(1, np.int64))

    def append(
        self, ids: Int[np.ndarray, " tokens"], lengths: Int[np.ndarray, " sentences"]
    ) -> None:
        """Adds sentences of these lengths, the empty ones left out."""
        lengths = lengths[lengths > 0]
        self.longest = max(self.longest, int(lengths.max(initial=0)))
        self._offsets.append(self._ids.length + np.cumsum(lengths, dtype=np.int64))
        self._ids.append(ids)


@contextlib.contextmanager
def writing(directory: Path, part: str) -> Iterator[SentenceWriter]:
    """Opens `PART.ids.npy` (int32) and `PART.offsets.npy` (int64); they are whole at the end."""
    ids_path, offsets_path = directory / f"{part}.ids.npy", directory / f"{part}.offsets.npy"
    with open(ids_path, "wb") as ids_file, open(offsets_path, "wb") as offsets_file:
        ids, offsets = _Array(ids_file, np.int32), _Array(offsets_file, np.int64)
        yield SentenceWriter(ids, offsets)
        ids.finish()
        offsets.finish()


class _Array:
    """An .npy file of one axis that grows."""

    def __init__(self, file: IO[bytes], dtype: type[np.generic]) -> None:
        self.length = 0
        self._file, self._dtype = file, np.dtype(dtype)
        self._write_header()

    def append(self, values: np.ndarray) -> None:
        values.astype(self._dtype, copy=False).tofile(self._file)
        self.length += len(values)

    def finish(self) -> None:
        self._file.seek(0)
        self._write_header()

    def _write_header(self) -> None:  # NumPy leaves room in it for the first axis to grow
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self._file, header)
