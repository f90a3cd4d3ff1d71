"""The binary format of word2vec: `<vocab> <dim>`, then a word, a blank and float32 bytes each."""

import mmap
import os
from pathlib import Path

import numpy as np

from jw2v.errors import DataError
from jw2v.files import replacing
from jw2v.vectors.rows import check_room, check_word, writable_rows
from jw2v.vectors.table import Vectors
from jw2v.vectors.word2vec_format import header_sizes

_LONGEST_HEADER = 64


def write_word2vec_binary(vectors: Vectors, path: str | os.PathLike[str]) -> None:
    r"""Write the centre table in the binary format, byte for byte as gensim does.

    Args:
      vectors: the words and their table; `vectors.table("outside")` for the outside table.
      path: the file to write; an old one is replaced only once the new one is whole.

    Raises:
      DataError: a word holds a blank, a row holds NaN or Inf, or the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vectors = Vectors(("king",), np.ones((1, 2), np.float32))
    ...     write_word2vec_binary(vectors, f"{folder}/vectors.bin")
    ...     Path(folder, "vectors.bin").read_bytes()
    b'1 2\nking \x00\x00\x80?\x00\x00\x80?'
    """
    rows = writable_rows(vectors).astype("<f4", copy=False)
    with replacing(Path(path)) as temporary, temporary.open("wb") as file:
        file.write(f"{rows.shape[0]} {rows.shape[1]}\n".encode())
        for word, row in zip(vectors.words, rows, strict=True):
            file.write(f"{word} ".encode() + row.tobytes())


def read_word2vec_binary(path: str | os.PathLike[str]) -> Vectors:
    """Read a table in the binary format, as centre vectors without counts.

    Line ends between rows, as word2vec.c writes them, are let pass. The header is held against
    the size of the file before memory is taken for it.

    Raises:
      DataError: the file cannot be read, its header lies, a word is not UTF-8, doubled, empty or
        holds a blank, a row is cut off or not finite, or bytes are left over; each with its byte.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vectors = Vectors(("king",), np.ones((1, 2), np.float32))
    ...     write_word2vec_binary(vectors, f"{folder}/vectors.bin")
    ...     read_word2vec_binary(f"{folder}/vectors.bin")["king"].tolist()
    [1.0, 1.0]
    """
    try:
        with open(path, "rb") as file:
            header = file.readline(_LONGEST_HEADER)
            vocab, dim = header_sizes(header.decode("ascii", "replace"), path)
            check_room(path, vocab=vocab, dim=dim, row=2 + 4 * dim, says="the header says")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _read_rows(data, len(header), path, vocab=vocab, dim=dim)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; give a readable file") from error


def _read_rows(
    data: mmap.mmap, start: int, path: str | os.PathLike[str], *, vocab: int, dim: int
) -> Vectors:
    table = np.empty((vocab, dim), np.float32)
    starts: dict[str, int] = {}  # of each word's row
    for row in range(vocab):
        place = _place(path, start)
        blank = data.find(b" ", start)
        if blank < 0 or blank + 1 + 4 * dim > len(data):
            raise DataError(f"row {row + 1} of {vocab} is cut off {place}; get the file again")
        word = _word(data[start:blank], place)
        check_word(word, starts, place)
        starts[word] = start
        start = blank + 1 + 4 * dim
        table[row] = np.frombuffer(data[blank + 1 : start], "<f4")
    if data[start : start + 2] not in (b"", b"\n"):
        raise DataError(
            f"{len(data) - start} bytes after the {vocab} rows of the header "
            f"{_place(path, start)}; get the file again"
        )
    _check_finite(table, starts, path)
    return Vectors(tuple(starts), table)


def _word(raw: bytes, place: str) -> str:
    try:
        return raw.lstrip(b"\n").decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"a word that is not UTF-8 {place}; write the words as UTF-8, none cut off"
        ) from error


def _check_finite(table: np.ndarray, starts: dict[str, int], path: str | os.PathLike[str]) -> None:
    finite = np.isfinite(table).all(axis=1)
    if not finite.all():
        word, start = list(starts.items())[int(np.argmin(finite))]
        raise DataError(
            f"the row of {word!r} holds NaN or Inf {_place(path, start)}; leave the word out"
        )


def _place(path: str | os.PathLike[str], byte: int) -> str:
    return f"({os.fspath(path)}, byte {byte})"
