"""The text format of word2vec: `<vocab> <dim>`, then a word and its numbers on every line.

fastText's `.vec` is the same format. GloVe's is, too, without the first line.
"""

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jw2v.errors import DataError
from jw2v.files import numbered_lines, write_lines
from jw2v.vectors.rows import check_room, spelt_rows, text_rows, writable_rows
from jw2v.vectors.table import Vectors

_HEADER = re.compile(r"([0-9]{1,18}) ([0-9]{1,18})[ \r\n]*")


def write_word2vec(vectors: Vectors, path: str | os.PathLike[str]) -> None:
    """Write the centre table as text that gensim, fastText and word2vec tools read.

    Every number is the shortest decimal that reads back as the same float32.

    Args:
      vectors: the words and their table; `vectors.table("outside")` for the outside table.
      path: the file to write; an old one is replaced only once the new one is whole.

    Raises:
      DataError: a word holds a blank, a row holds NaN or Inf, or the file cannot be written.

    >>> import tempfile
    >>> table = np.array([[0.1, -2.0]], np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_word2vec(Vectors(("king",), table), f"{folder}/vectors.txt")
    ...     print(Path(folder, "vectors.txt").read_text())
    1 2
    king 0.1 -2
    """
    rows = writable_rows(vectors)
    header = f"{rows.shape[0]} {rows.shape[1]}\n"
    write_lines(Path(path), itertools.chain([header], _lines(vectors.words, rows)))


def write_glove(vectors: Vectors, path: str | os.PathLike[str]) -> None:
    """Write the centre table as GloVe does: as `write_word2vec`, without the first line.

    Raises:
      DataError: a word holds a blank, a row holds NaN or Inf, or the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_glove(Vectors(("king",), np.ones((1, 2), np.float32)), f"{folder}/glove.txt")
    ...     print(Path(folder, "glove.txt").read_text())
    king 1 1
    """
    write_lines(Path(path), _lines(vectors.words, writable_rows(vectors)))


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
    vocab, dim = header_sizes(next(lines, (1, ""))[1], path)
    # The shortest row is a letter, then a blank and a digit per number, and a line end.
    check_room(path, vocab=vocab, dim=dim, row=2 + 2 * dim, says="the header says")
    vectors = text_rows(lines, path, vocab=vocab, dim=dim, says="the header says")
    if len(vectors) != vocab:
        raise DataError(
            f"{len(vectors)} rows where the header says {vocab} ({os.fspath(path)}:1); "
            "write the file again"
        )
    return vectors


def read_glove(path: str | os.PathLike[str]) -> Vectors:
    r"""Read a table in the text format of GloVe, as centre vectors without counts.

    The lines are counted first; each has to have as many numbers as the first.

    Raises:
      DataError: as `read_word2vec`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "glove.txt").write_text("king 1 2\nqueen 3 4\n")
    ...     read_glove(f"{folder}/glove.txt")
    Vectors(2 words, dim 2)
    """
    first = next(numbered_lines(path), (1, ""))[1]
    dim = first.rstrip(" \r\n").count(" ")
    if not dim:
        raise DataError(
            f"the first line is not a word and its numbers ({os.fspath(path)}:1); "
            "write them with one blank between"
        )
    vocab = sum(not line.isspace() for _, line in numbered_lines(path))
    check_room(path, vocab=vocab, dim=dim, row=2 + 2 * dim, says="by its first line it has")
    return text_rows(numbered_lines(path), path, vocab=vocab, dim=dim, says="line 1 has")


def header_sizes(line: str, path: str | os.PathLike[str]) -> tuple[int, int]:
    """The numbers of words and of numbers a word that the first line promises.

    Raises:
      DataError: the line is no header, or one of them is 0.

    >>> header_sizes("71291 100", "vectors.txt")
    (71291, 100)
    """
    match = _HEADER.fullmatch(line)
    if not match or not all(map(int, match.groups())):
        raise DataError(
            f"the first line is not '<vocab> <dim>' ({os.fspath(path)}:1); "
            "put the number of words and of numbers per word there"
        )
    vocab, dim = map(int, match.groups())
    return vocab, dim


def _lines(words: tuple[str, ...], rows: np.ndarray) -> Iterator[str]:
    spelt = spelt_rows(rows, " ")
    return (f"{word} {numbers}\n" for word, numbers in zip(words, spelt, strict=True))
