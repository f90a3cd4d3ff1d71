"""The two files of TensorFlow's Embedding Projector: `vectors.tsv` and `metadata.tsv`."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jw2v.errors import DataError
from jw2v.files import numbered_lines, place_of, replacing_together
from jw2v.vectors.disk import make_folder
from jw2v.vectors.rows import check_room, check_word, numbers_of, spelt_rows, writable_rows
from jw2v.vectors.table import Vectors

VECTORS, METADATA = "vectors.tsv", "metadata.tsv"


def write_projector(vectors: Vectors, directory: str | os.PathLike[str]) -> None:
    r"""Write the centre table for https://projector.tensorflow.org: "Load", then the two files.

    `vectors.tsv` has a row of numbers a word; `metadata.tsv` the words or, where counts are known,
    the columns "word" and "count" (the Projector wants a first line of names only for several).

    Args:
      vectors: the words and their table; `vectors.table("outside")` for the outside table.
      directory: the folder to write to, which is made where it is missing.

    Raises:
      DataError: a word holds a blank, a row holds NaN or Inf, or the folder cannot be written.

    >>> import tempfile
    >>> vectors = Vectors(("king",), np.ones((1, 2), np.float32), counts=np.array([7]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_projector(vectors, folder)
    ...     [Path(folder, name).read_text() for name in ("vectors.tsv", "metadata.tsv")]
    ['1\t1\n', 'word\tcount\nking\t7\n']
    """
    rows = writable_rows(vectors)
    folder = make_folder(directory)
    parts = {
        METADATA: _metadata(vectors),
        VECTORS: (f"{numbers}\n" for numbers in spelt_rows(rows, "\t")),
    }
    with replacing_together(folder, list(parts)) as paths:
        for path, lines in zip(paths, parts.values(), strict=True):
            with path.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(lines)


def _metadata(vectors: Vectors) -> Iterator[str]:
    if vectors.counts is None:
        yield from (f"{word}\n" for word in vectors.words)
        return
    yield "word\tcount\n"
    counts = vectors.counts.tolist()
    yield from (f"{word}\t{count}\n" for word, count in zip(vectors.words, counts, strict=True))


def read_projector(directory: str | os.PathLike[str]) -> Vectors:
    """Read the two files as centre vectors, with counts where the second column is "count".

    Words are the first column of `metadata.tsv`.

    Raises:
      DataError: a file cannot be read, the two do not fit, or a row is short, long, doubled or
        holds anything but finite numbers; with file and line.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_projector(Vectors(("king",), np.ones((1, 2), np.float32)), folder)
    ...     read_projector(folder)["king"].tolist()
    [1.0, 1.0]
    """
    folder = Path(directory)
    words, counts = _read_metadata(place_of(folder, METADATA))
    path = place_of(folder, VECTORS)
    dim = next(numbered_lines(path), (1, ""))[1].count("\t") + 1
    # The shortest row is a digit, then a tab and a digit a number, and a line end.
    check_room(path, vocab=len(words), dim=dim, row=2 * dim, says=f"{METADATA} and line 1 have")
    table = np.empty((len(words), dim), np.float32)
    number = 0
    for number, line in numbered_lines(path):
        place = f"({path}:{number})"
        numbers = line.rstrip("\r\n").split("\t")
        if number > len(words):
            raise DataError(f"more rows than the {len(words)} words of {METADATA} {place}; {_FIT}")
        if len(numbers) != dim:
            raise DataError(
                f"{len(numbers)} numbers where line 1 has {dim} {place}; put a tab between numbers"
            )
        table[number - 1] = numbers_of(numbers, f"the row of {words[number - 1]!r}", place)
    if number < len(words):
        raise DataError(f"{number} rows for the {len(words)} words of {METADATA} ({path}); {_FIT}")
    return Vectors(words, table, counts=counts)


_FIT = "take both files from one export"


def _read_metadata(path: Path) -> tuple[tuple[str, ...], np.ndarray | None]:
    words: dict[str, str] = {}  # to the text of the count
    counted = False
    for number, line in numbered_lines(path):
        place = f"({path}:{number})"
        word, tab, rest = line.rstrip("\r\n").partition("\t")
        count = rest.partition("\t")[0]
        if number == 1 and tab:
            counted = count == "count"
            continue
        check_word(word, words, place)
        if counted and not (count.isascii() and count.isdigit() and len(count) < 19):
            raise DataError(f"{count!r} is no count {place}; write a whole number")
        words[word] = count
    if not words:
        raise DataError(f"no words ({path}:1); write one word a line")
    return tuple(words), np.array(list(words.values()), np.int64) if counted else None
