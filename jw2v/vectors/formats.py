"""Opening vectors by what is in the file, and writing them in a format by its name."""

import codecs
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from jw2v.errors import DataError, unknown
from jw2v.files import place_of
from jw2v.vectors import model2vec, projector, store
from jw2v.vectors.model2vec import read_model2vec, write_model2vec
from jw2v.vectors.projector import read_projector, write_projector
from jw2v.vectors.questions import number_or_none
from jw2v.vectors.store import read_folder
from jw2v.vectors.table import Vectors
from jw2v.vectors.word2vec_binary import read_word2vec_binary, write_word2vec_binary
from jw2v.vectors.word2vec_format import read_glove, read_word2vec, write_glove, write_word2vec

Format = Literal["word2vec", "word2vec-bin", "glove", "fasttext", "projector", "model2vec"]
Reader = Callable[[str | os.PathLike[str]], Vectors]

WRITERS: dict[str, Callable[[Vectors, str | os.PathLike[str]], None]] = {
    "word2vec": write_word2vec,
    "word2vec-bin": write_word2vec_binary,
    "glove": write_glove,
    "fasttext": write_word2vec,  # fastText's .vec is word2vec's text
    "projector": write_projector,
    "model2vec": write_model2vec,
}
_FOLDERS: dict[str, Reader] = {  # a folder of jw2v stays one, whatever is written beside
    store.TABLES: read_folder,
    model2vec.TENSORS: read_model2vec,
    projector.VECTORS: read_projector,
}
_FOREIGN = {
    b"\x80": "a pickle, which jw2v never opens; load it in gensim, then save_word2vec_format",
    b"\x1f\x8b": "compressed; unpack it first (gunzip)",
    b"BZh": "compressed; unpack it first (bunzip2)",
    b"\xfd7zXZ\0": "compressed; unpack it first (unxz)",
    b"PK\x03\x04": "compressed; unpack it first (unzip)",
    b"\xba\x16\x4f\x2f": "a model of fastText; give the .vec file beside it",
    b"\x93NUMPY": "a NumPy array, without its words; give a file with words",
    b"\xef\xbb\xbf": "text after a byte order mark; save it as UTF-8 without one",
}
_HEADER = re.compile(rb"[0-9]{1,18} ([0-9]{1,18})[ \r]*")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_GLANCE = 16
_LONGEST_ROW = 1 << 24  # of one that is longer its beginning tells enough


def export(vectors: Vectors, path: str | os.PathLike[str], *, format: Format = "word2vec") -> None:
    """Write the centre table in a format that other programs read.

    Args:
      vectors: the words and their table; `vectors.table("outside")` for the outside table.
      path: file to write; a folder for "projector" and "model2vec".
      format: "word2vec", "word2vec-bin", "glove", "fasttext" (.vec), "projector" or "model2vec".

    Raises:
      UsageError: there is no such format.
      DataError: a word holds a blank, a row NaN or Inf, or the place cannot be written.

    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export(Vectors(("a",), np.ones((1, 1), np.float32)), f"{folder}/v", format="glove")
    ...     load(f"{folder}/v")
    Vectors(1 words, dim 1)
    """
    if format not in WRITERS:
        raise unknown("format", format, WRITERS)
    WRITERS[format](vectors, path)


def load(path: str | os.PathLike[str]) -> Vectors:
    """Open vectors: a folder of jw2v, model2vec or the Projector, or a file of word2vec or GloVe.

    What a file is, its bytes say: word2vec's text (fastText's .vec is that, too) and binary format
    begin with a line of two numbers, GloVe's with a word and its numbers.

    Raises:
      DataError: there is nothing, it is in another format, damaged, or cannot be read.

    >>> load("no/such/folder")
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: there is no file or folder no/such/folder; give one with vectors ...
    """
    place = Path(path)
    if not place.exists():
        raise DataError(f"there is no file or folder {place}; give one with vectors (--out)")
    if not place.is_dir():
        return _reader(place)(place)
    readers = (read for name, read in _FOLDERS.items() if place_of(place, name).is_file())
    return next(readers, read_folder)(place)


def _reader(path: Path) -> Reader:
    try:
        with path.open("rb") as file:
            start = file.read(_GLANCE)
            file.seek(0)
            first = file.readline(_LONGEST_ROW).rstrip(b"\n")
            lines = filter(bytes.strip, iter(partial(file.readline, _LONGEST_ROW), b""))
            rows = next(lines, b""), next(lines, b"")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; give a readable file") from error
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise DataError(f"{path} is {what}")
    if start[8:10] == b'{"':
        raise DataError(f"{path} is a safetensors file, without its words; give its folder")
    if header := _HEADER.fullmatch(first):
        return read_word2vec if _rows_are_text(*rows, dim=int(header[1])) else read_word2vec_binary
    if not _is_text(first) or not any(map(_is_number, first.split()[1:])):
        raise DataError(
            f"{path} is in none of the formats known: its first line is neither '<vocab> <dim>' "
            f"nor a word and its numbers; give {', '.join(WRITERS)} or a folder of jw2v"
        )
    return read_glove


def _rows_are_text(first: bytes, second: bytes, *, dim: int) -> bool:
    """Whether two lines spell rows; of a binary file one may, as its bytes fall, but not both."""
    return _spells(first, dim) and (_is_text(second) or _spells(second, dim))


def _spells(row: bytes, dim: int) -> bool:
    numbers = [_is_number(field) for field in row.split()[1:]]
    return any(numbers) and (_is_text(row) or (all(numbers) and len(numbers) == dim))


def _is_number(field: bytes) -> bool:
    return number_or_none(field.decode("ascii", "replace")) is not None


def _is_text(data: bytes) -> bool:
    try:  # the last letter may be cut off
        text = codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text)
