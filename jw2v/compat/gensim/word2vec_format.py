"""The formats of word2vec, text and binary, with gensim's options and errors.

`jw2v.vectors` reads both strictly, with file and line; here a file is taken as gensim
takes it, with words of broken UTF-8, without a header, or up to a limit.
"""

import bz2
import gzip
import itertools
import lzma
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from jw2v.compat.gensim.store import Store

S = TypeVar("S", bound=Store)
Row = tuple[str, Any]
OPENERS: Mapping[str, Callable[..., Any]] = {
    ".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open
}  # fmt: skip
TOO_SHORT = "unexpected end of input; is count incorrect or file otherwise damaged?"


def open_file(path: Any, mode: str = "rb") -> Any:
    """A file of bytes, through a compressor where its name ends so."""
    return OPENERS.get(Path(path).suffix, open)(path, mode)


def read_word2vec_format(
    cls: type[S],
    fname: Any,
    fvocab: Any = None,
    binary: bool = False,
    encoding: str = "utf8",
    unicode_errors: str = "strict",
    limit: int | None = None,
    datatype: Any = np.float32,
    no_header: bool = False,
    binary_chunk_size: int = 100 * 1024,
) -> S:
    """Vectors of a file; a word that is there twice keeps its first row.

    Without `fvocab` the attribute "count" only falls from row to row.

    Raises:
      EOFError: the file ends before the number of vectors that its header tells.
      ValueError: there is no header, or a row is of another length.
      NotImplementedError: a binary file without a header.
    """
    if binary and no_header:
        raise NotImplementedError("no_header only available for text-format files")
    counts = None if fvocab is None else _read_counts(fvocab, unicode_errors)

    def decoded(word: bytes) -> str:
        return word.decode(encoding, errors=unicode_errors)

    with open_file(fname) as file:
        count, dim = (None, None) if no_header else map(int, file.readline().split())
        wanted = min((n for n in (limit or None, count) if n is not None), default=None)
        if binary:
            rows = _binary_rows(file, cast(int, dim), decoded, binary_chunk_size)
        else:
            rows = (_text_row(decoded(line.rstrip()), datatype) for line in file)
        found = list(itertools.islice(rows, wanted))
    if wanted is not None and len(found) < wanted and not no_header:
        raise EOFError(TOO_SHORT)
    return _stored(cls, found, dim or len(found[0][1]), counts, datatype)


def _stored(
    cls: type[S], found: list[Row], dim: int, counts: Mapping[str, int] | None, datatype: Any
) -> S:
    vectors = dict(reversed(found))
    words = list(dict.fromkeys(word for word, _ in found))
    store = cls(dim, dtype=datatype)
    store.add_vectors(words, np.array([vectors[word] for word in words], datatype))
    told = np.arange(len(found), len(found) - len(words), -1)
    known = told if counts is None else np.array([counts.get(word, 0) for word in words])
    store.allocate_vecattrs(["count"], [np.int64])
    store.expandos["count"][:] = known
    return store


def _read_counts(path: Any, unicode_errors: str) -> dict[str, int]:
    with open_file(path) as file:
        lines = [line.decode(errors=unicode_errors).split() for line in file]
    return {word: int(count) for word, count in lines}


def _text_row(line: str, datatype: Any) -> Row:
    word, *numbers = line.split(" ")
    return word, np.array(numbers, datatype)


def _binary_rows(
    file: Any, dim: int, decoded: Callable[[bytes], str], chunk_size: int
) -> Iterator[Row]:
    size = dim * np.dtype(np.float32).itemsize
    data = b""
    while chunk := file.read(chunk_size):
        data, start = data + chunk, 0
        while (blank := data.find(b" ", start)) >= 0 and len(data) > blank + size:
            word = decoded(data[start:blank]).lstrip("\n")
            yield word, np.frombuffer(data, np.float32, dim, blank + 1)
            start = blank + 1 + size
        data = data[start:]


def write_word2vec_format(
    store: Store,
    fname: Any,
    fvocab: Any = None,
    binary: bool = False,
    total_vec: int | None = None,
    write_header: bool = True,
    prefix: str = "",
    append: bool = False,
    sort_attr: str = "count",
) -> None:
    """Write vectors, those of the highest `sort_attr` first.

    Raises:
      ValueError: `fvocab` asks for an attribute that is not there.
    """
    ranks = store.expandos.get(sort_attr)
    if ranks is None and fvocab is not None:
        raise ValueError(f"Cannot store vocabulary with '{sort_attr}', an attribute that is absent")
    order = np.arange(len(store)) if ranks is None else np.argsort(-ranks, kind="stable")
    mode = "ab" if append else "wb"
    if fvocab is not None and ranks is not None:
        with open_file(fvocab, mode) as file:
            file.writelines(
                f"{prefix}{store.index_to_key[row]} {ranks[row]}\n".encode() for row in order
            )
    with open_file(fname, mode) as file:
        if write_header:
            total = len(store) if total_vec is None else total_vec
            file.write(f"{total} {store.vector_size}\n".encode())
        for row in order:
            file.write(f"{prefix}{store.index_to_key[row]} ".encode())
            vector = store.vectors[row]
            text = " ".join(map(str, vector)).encode() + b"\n"
            file.write(vector.astype(np.float32).tobytes() if binary else text)
