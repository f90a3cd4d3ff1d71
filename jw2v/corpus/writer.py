"""What encoding writes: numbers between its passes, and arrays that grow."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from jaxtyping import Int

from jw2v.errors import DataError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

_PREFIX = ".encoding-"
_PIECE = 1 << 13  # sentences: what is made of so many stays in memory that was used before
_YOUNG = 60.0  # seconds in which a new folder comes to be held, many times over


@contextlib.contextmanager
def workplace(directory: Path) -> Iterator[Path]:
    """A hidden folder in `directory` to work in; after an error nothing of either is left.

    Raises:
      DataError: the folder, or what is written in it, cannot be written.
    """
    new = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _clear(directory)
        with tempfile.TemporaryDirectory(dir=directory, prefix=_PREFIX) as made, _held(Path(made)):
            yield Path(made)
    except BaseException as error:
        for folder in new:
            with contextlib.suppress(OSError):  # not there, or no longer ours alone
                folder.rmdir()
        if isinstance(error, OSError):
            raise DataError(
                f"cannot write to {directory}: {error.strerror or error}; "
                "free space, or choose another folder (--out)"
            ) from None
        raise


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder that no other process holds; the system frees it when this one ends, however.

    Raises:
      BlockingIOError: another process holds it.
    """
    if fcntl is None:
        yield
        return
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _clear(directory: Path) -> None:
    """Remove the folders of encodings that were killed; those that work hold theirs."""
    if fcntl is None:
        return
    for folder in directory.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _YOUNG:
                with _held(folder):
                    shutil.rmtree(folder)


class Piece(NamedTuple):
    """Some sentences, by the numbers of their word types."""

    ids: Int[np.ndarray, " tokens"]  # int32
    lengths: Int[np.ndarray, " sentences"]  # int32
    lines: Int[np.ndarray, " sentences"]  # number of each over the whole text, from 0


class Spool:
    """Sentences in a temporary file, written in the first pass and read in the second, in pieces.

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
        """Writes the next sentences, both arrays int32."""
        bounds = np.append(0, np.cumsum(lengths))
        for first in range(0, len(lengths), _PIECE):
            some = lengths[first : first + _PIECE]
            start, stop = bounds[first], bounds[first + len(some)]
            ids[start:stop].tofile(self._file)
            some.tofile(self._file)
            self._sizes.append((int(stop - start), len(some)))
        self.tokens += len(ids)
        self.sentences += len(lengths)

    def pieces(self, *, line: int = 0) -> Iterator[Piece]:
        """Reads the pieces back; the first sentence has the number `line`."""
        self._file.seek(0)
        for tokens, sentences in self._sizes:
            ids = np.fromfile(self._file, np.int32, tokens)
            lengths = np.fromfile(self._file, np.int32, sentences)
            yield Piece(ids, lengths, np.arange(line, line + sentences))
            line += sentences


def spool_in(directory: Path, stack: contextlib.ExitStack) -> Spool:
    """A spool on a file without a name, so that nothing is left of it."""
    return Spool(stack.enter_context(tempfile.TemporaryFile(dir=directory)))


class SentenceWriter:
    """Appends sentences to the two arrays of a part; made by `writing`.

    Attributes:
      longest: words of the longest sentence written.
      alone: sentences of one word.
    """

    def __init__(self, ids: "_Array", offsets: "_Array") -> None:
        self.longest = self.alone = 0
        self._ids, self._offsets = ids, offsets
        self._offsets.append(np.zeros(1, np.int64))

    @property
    def words(self) -> int:
        """Words written."""
        return self._ids.length

    def append(
        self, ids: Int[np.ndarray, " tokens"], lengths: Int[np.ndarray, " sentences"]
    ) -> None:
        """Adds sentences of these lengths, the empty ones left out."""
        lengths = lengths[lengths > 0]
        self.longest = max(self.longest, int(lengths.max(initial=0)))
        self.alone += int(np.count_nonzero(lengths == 1))
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
