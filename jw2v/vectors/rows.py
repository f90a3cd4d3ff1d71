"""What the formats share: rows of a word and its numbers, and what no row may hold."""

import os
import re
from collections.abc import Iterable, Iterator
from typing import NoReturn

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from jw2v.errors import DataError
from jw2v.files import check_finite, check_words
from jw2v.vectors.questions import number_or_none
from jw2v.vectors.table import Vectors

Path = str | os.PathLike[str]
_NUMBERS_AT_ONCE = 1 << 20
_BLANK = re.compile(r"[ \t\n\r\v\f]")


def writable_rows(vectors: Vectors) -> Float[np.ndarray, "vocab dim"]:
    """The centre table in float32, once words and numbers can be read again from every format.

    Raises:
      DataError: there is no word or number, a word holds a blank, or a row NaN or Inf in float32.

    >>> writable_rows(Vectors(("king",), np.array([[0.5]]))).tolist()
    [[0.5]]
    """
    if not vectors.vectors.size:
        raise DataError(f"there is nothing to write in {vectors!r}; train on a text with words")
    check_words(vectors.words)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes Inf, which is refused
        rows = vectors.vectors.astype(np.float32)
    check_finite("the table", vectors.words, rows)
    return rows


def spelt_rows(rows: Float[np.ndarray, "vocab dim"], separator: str) -> Iterator[str]:
    """Each row's numbers, the shortest decimals that read back as the same float32.

    >>> list(spelt_rows(np.array([[0.1, -2.0], [1e30, 0.0]], np.float32), " "))
    ['0.1 -2', '1e+30 0']
    """
    dim = rows.shape[1]
    step = max(1, _NUMBERS_AT_ONCE // dim)
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        numbers = pa.array(block.ravel()).cast(pa.string()).to_pylist()
        yield from (
            separator.join(numbers[row * dim : (row + 1) * dim]) for row in range(len(block))
        )


def text_rows(
    lines: Iterable[tuple[int, str]], path: Path, *, vocab: int, dim: int, says: str
) -> Vectors:
    r"""The vectors of lines `word number number ...`, with one blank between.

    Empty lines may come after the last of them.

    Args:
      lines: `(number from 1, line)`.
      path: for what is told.
      vocab: rows that there may be.
      dim: numbers that each row has to have.
      says: where `vocab` and `dim` are from, as "the header says".

    Raises:
      DataError: a row too many, an empty line before one, or one that is short, long, doubled or
        holds anything but finite numbers; with file and line.

    >>> text_rows([(1, "king 0.5 2\n")], "vectors.txt", vocab=1, dim=2, says="line 1 has")
    Vectors(1 words, dim 2)
    """
    words: dict[str, None] = {}
    table = np.empty((vocab, dim), np.float32)
    empty = 0  # the number of the last empty line
    for number, line in lines:
        if line.isspace():
            empty = number
            continue
        if empty:
            raise DataError(f"an empty line before a row ({os.fspath(path)}:{empty}); take it out")
        place = f"({os.fspath(path)}:{number})"
        word, *numbers = line.rstrip(" \r\n").split(" ")
        if len(words) == vocab:
            raise DataError(f"more rows than the {vocab} of the header {place}; correct line 1")
        if len(numbers) != dim:
            _refuse_columns(word, numbers, dim, f"{says} {dim} {place}", place)
        check_word(word, words, place)
        table[len(words)] = numbers_of(numbers, f"the row of {word!r}", place)
        words[word] = None
    return Vectors(tuple(words), table[: len(words)])


def check_word(word: str, seen: Iterable[str], place: str) -> None:
    r"""Refuse a word that is empty, holds a blank or has been seen.

    >>> check_word("new\tyork", {}, "(vectors.txt:2)")
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: the word 'new\tyork' holds a blank (vectors.txt:2); join its parts ...
    """
    if not word:
        raise DataError(f"a row without a word {place}; write one word a row")
    if _BLANK.search(word):
        raise DataError(f"the word {word!r} holds a blank {place}; join its parts with '_'")
    if word in seen:
        raise DataError(f"{word!r} is there twice {place}; keep one row per word")


def numbers_of(texts: list[str], what: str, place: str) -> Float[np.ndarray, " dim"]:
    """The numbers that texts spell.

    Raises:
      DataError: a text is no number, or one that is not finite in float32.

    >>> numbers_of(["0.5", "1e3"], "the row of 'king'", "(vectors.txt:2)").tolist()
    [0.5, 1000.0]
    """
    try:
        row = pa.array(texts).cast(pa.float32()).to_numpy()
    except pa.ArrowInvalid as error:
        raise DataError(f"{error} {place}; write plain numbers") from error
    if not np.isfinite(row).all():
        raise DataError(f"{what} holds NaN or Inf {place}; leave the word out")
    return row


def check_room(path: Path, *, vocab: int, dim: int, row: int, says: str) -> None:
    """Refuse sizes that a file cannot hold, before memory is taken for them.

    Args:
      path: the file.
      vocab: rows that are told of.
      dim: numbers a row that are told of.
      row: bytes of the shortest row; the last one may lack its line end.
      says: what tells of them, as "the header says".

    >>> check_room(__file__, vocab=10**12, dim=300, row=602, says="the header says")
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: the header says 1000000000000 words of 300 numbers, more than the ...
    """
    size = os.path.getsize(path)
    if vocab * row > size + 1:
        raise DataError(
            f"{says} {vocab} words of {dim} numbers, more than the {size} bytes of the file can "
            f"hold ({os.fspath(path)}:1); write the file again"
        )


def _refuse_columns(word: str, numbers: list[str], dim: int, expected: str, place: str) -> NoReturn:
    spare = numbers[:-dim]
    if None in map(number_or_none, spare):
        check_word(" ".join([word, *spare]), (), place)
    raise DataError(
        f"{len(numbers)} numbers after {word!r} where {expected}; "
        "write a word and its numbers, one blank between"
    )
