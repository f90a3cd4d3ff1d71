"""The text format of word2vec: `<vocab> <dim>`, then a word and its numbers on every line."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from jw2v.errors import DataError, UsageError
from jw2v.files import check_finite, check_words, numbered_lines, replacing
from jw2v.vectors.table import Vectors

_HEADER = re.compile(r"([0-9]{1,18}) ([0-9]{1,18})[ \r\n]*")
_NUMBERS_AT_ONCE = 1 << 20


def write_word2vec(
    vectors: Vectors, path: str | os.PathLike[str], *, table: str = "centre"
) -> None:
    """Write a table in the text format that gensim, fastText and word2vec tools read.

    Every number is the shortest decimal that reads back as the same float32.

    Args:
      vectors: the words and tables.
      path: the file to write; an old one is replaced only once the new one is whole.
      table: "centre" for V, "outside" for U.

    Raises:
      UsageError: `table` is neither.
      DataError: there is no outside table, a word holds a blank, a row holds NaN or Inf, or the
        file cannot be written.

    >>> import tempfile
    >>> table = np.array([[0.1, -2.0]], np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_word2vec(Vectors(("king",), table), f"{folder}/vectors.txt")
    ...     print(Path(folder, "vectors.txt").read_text())
    1 2
    king 0.1 -2
    """
    if table not in ("centre", "outside"):
        raise UsageError(f"there is no table {table!r}; give 'centre' or 'outside' (--table)")
    rows = vectors.vectors if table == "centre" else vectors.outside
    if rows is None:
        raise DataError("these vectors have no outside table; write 'centre' (--table)")
    check_words(vectors.words)
    check_finite("V" if table == "centre" else "U", vectors.words, rows)
    with (
        replacing(Path(path)) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.write(f"{rows.shape[0]} {rows.shape[1]}\n")
        file.writelines(_lines(vectors.words, rows))


def _lines(words: tuple[str, ...], rows: Float[np.ndarray, "vocab dim"]) -> Iterator[str]:
    """The lines, their numbers spelt a block of rows at a time."""
    dim = rows.shape[1]
    step = max(1, _NUMBERS_AT_ONCE // max(1, dim))
    for start in range(0, len(words), step):
        block = rows[start : start + step].astype(np.float32)
        numbers = pa.array(block.ravel()).cast(pa.string()).to_pylist()  # shortest round trip
        for row, word in enumerate(words[start : start + step]):
            yield " ".join([word, *numbers[row * dim : (row + 1) * dim]]) + "\n"


def read_word2vec(path: str | os.PathLike[str]) -> Vectors:
    r"""Read a table in the text format of word2vec, as centre vectors without counts.

    The header is held against the size of the file before memory is taken for it.

    Raises:
      DataError: the file cannot be read, its header lies, or a row is short, long, doubled or
        holds anything but finite numbers; each with file and line.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "vectors.txt").write_text("1 2\nking 0.1 -2")
    ...     read_word2vec(f"{folder}/vectors.txt")["king"].tolist()
    [0.10000000149011612, -2.0]
    """
    lines = numbered_lines(path)
    vocab, dim = _read_header(path, next(lines, (1, ""))[1])
    words: dict[str, None] = {}
    table = np.empty((vocab, dim), np.float32)
    for number, line in lines:
        place = f"({os.fspath(path)}:{number})"
        word, *numbers = line.rstrip(" \r\n").split(" ")
        if len(words) == vocab:
            raise DataError(f"more rows than the {vocab} of the header {place}; correct line 1")
        if not word or len(numbers) != dim:
            raise DataError(
                f"{len(numbers)} numbers after {word!r} where the header says {dim} {place}; "
                "write a word and its numbers, one blank between"
            )
        if word in words:
            raise DataError(f"{word!r} is there twice {place}; keep one row per word")
        table[len(words)] = _read_row(word, numbers, place)
        words[word] = None
    if len(words) != vocab:
        raise DataError(
            f"{len(words)} rows where the header says {vocab} ({os.fspath(path)}:1); "
            "write the file again"
        )
    return Vectors(tuple(words), table)


def _read_header(path: str | os.PathLike[str], line: str) -> tuple[int, int]:
    match = _HEADER.fullmatch(line)
    if not match or not all(map(int, match.groups())):
        raise DataError(
            f"the first line is not '<vocab> <dim>' ({os.fspath(path)}:1); "
            "put the number of words and of numbers per word there"
        )
    vocab, dim = map(int, match.groups())
    size = os.path.getsize(path)
    # The shortest row is a letter, then a blank and a digit per number, and a line end.
    if vocab * (2 + 2 * dim) > size - len(line) + 1:
        raise DataError(
            f"the header says {vocab} words of {dim} numbers, more than the {size} bytes of the "
            f"file can hold ({os.fspath(path)}:1); write the file again"
        )
    return vocab, dim


def _read_row(word: str, numbers: list[str], place: str) -> Float[np.ndarray, " dim"]:
    try:
        row = pa.array(numbers).cast(pa.float32()).to_numpy()
    except pa.ArrowInvalid as error:
        raise DataError(f"{error} {place}; write plain numbers") from error
    if not np.isfinite(row).all():
        raise DataError(f"the row of {word!r} holds NaN or Inf {place}; leave the word out")
    return row
