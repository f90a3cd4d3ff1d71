"""A chunk of text to word types and local ids, ahead of the one who reads them, in two threads."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int

from jw2v.corpus.ahead import in_order
from jw2v.corpus.sources import Chunk

MAX_SENTENCE = 10_000
"""Words of a sentence at most: a longer line is cut, as gensim cuts it at the same number."""

_THREADS = 2


class Tokens(NamedTuple):
    """A chunk, split."""

    words: list[str]  # its word types; one of them may be "", which no id names
    ids: Int[np.ndarray, " tokens"]  # int32, the place of each token's type in `words`
    lengths: Int[np.ndarray, " sentences"]  # int32, tokens of each sentence


def split(text: bytes) -> Tokens:
    r"""Tokens between the six ASCII blanks (space, \t \n \r \v \f), one sentence a line.

    No other character separates: not U+00A0, U+2028 or \x1c, which `str.split` takes for blanks.

    >>> words, ids, lengths = split(b"to be\tor\n\nnot  to be\r\n")
    >>> [words[i] for i in ids], lengths.tolist()
    (['to', 'be', 'or', 'not', 'to', 'be'], [3, 0, 3])
    """
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    starts = pa.py_buffer(np.append(0, ends).astype(np.int32))
    lines = pa.StringArray.from_buffers(len(ends), starts, pa.py_buffer(text))
    tokens = pc.call_function("ascii_split_whitespace", [lines])
    coded = tokens.values.dictionary_encode()
    # Blanks at either end of a line leave empty strings; every line has its newline there.
    ids = coded.indices.to_numpy()
    empty = np.flatnonzero(ids == pc.index(coded.dictionary, "").as_py())
    ends = tokens.offsets.to_numpy()
    lengths = np.diff(ends - np.searchsorted(empty, ends)).astype(np.int32)
    return Tokens(coded.dictionary.to_pylist(), np.delete(ids, empty), cut(lengths))


def cut(
    lengths: Int[np.ndarray, " lines"], *, most: int = MAX_SENTENCE
) -> Int[np.ndarray, " sentences"]:
    """Lengths of lines to lengths of sentences of at most `most` words.

    >>> cut(np.array([3, 0, 25]), most=10).tolist()
    [3, 0, 10, 10, 5]
    """
    pieces = np.maximum(-(-lengths // most), 1)
    sentences = np.full(pieces.sum(), most, lengths.dtype)
    sentences[np.cumsum(pieces) - 1] = lengths - (pieces - 1) * most
    return sentences


def kept_lengths(
    kept: Bool[np.ndarray, " tokens"], lengths: Int[np.ndarray, " sentences"]
) -> Int[np.ndarray, " sentences"]:
    """Lengths of sentences of which some tokens are kept.

    >>> kept_lengths(np.array([True, False, True, False]), np.array([3, 0, 1])).tolist()
    [2, 0, 0]
    """
    before, ends = np.append(0, np.cumsum(kept)), np.cumsum(lengths)
    return (before[ends] - before[ends - lengths]).astype(lengths.dtype)


def split_ahead(chunks: Iterable[Chunk]) -> Iterator[Tokens]:
    """`split` of each chunk, in order, a few chunks ahead (pyarrow works outside Python's lock)."""
    return in_order(lambda chunk: split(chunk.data), chunks, threads=_THREADS)
