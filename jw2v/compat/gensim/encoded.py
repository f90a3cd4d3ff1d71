"""A text of gensim's as a corpus of jw2v's, whose words and counts are a model's own."""

import hashlib
import itertools
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jw2v.compat.gensim.store import Store
from jw2v.compat.gensim.tree import counts_of
from jw2v.corpus import Corpus, Options, Stats, Vocabulary
from jw2v.corpus.store import load, write_record
from jw2v.corpus.writer import writing

SENTENCES = 10_000  # that are written at once


class Text(NamedTuple):
    """The text of a model.

    Attributes:
      corpus: its sentences, without the words that the model does not know.
      rows: the model's row of each id; ids are by falling count.
      counts: how often each id is in the text.
      has_pairs: whether a sentence has two words, and the model can tell two apart.
    """

    corpus: Corpus
    rows: Int[np.ndarray, " vocab"]
    counts: Int[np.ndarray, " vocab"]
    has_pairs: bool


@contextmanager
def encoded(sentences: Iterable[Any], words: Store) -> Iterator[Text]:
    """The sentences as ids, in files that are gone afterwards.

    >>> words = Store(1)
    >>> words.add_vectors(["a", "new york"], np.ones((2, 1)), {"count": np.array([2, 3])})
    >>> with encoded([["new york", "b", "a"], []], words) as text:
    ...     print(text.corpus.train.ids, text.corpus.vocab.counts, text.rows, text.counts)
    [0 1] [3 2] [1 0] [1 1]
    """
    known = counts_of(words)
    rows = np.argsort(-known, kind="stable")
    ids = {words.index_to_key[row]: id for id, row in enumerate(rows.tolist())}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Vocabulary(tuple(map(str, range(len(rows)))), known[rows]).save(folder / "vocab.txt")
        counts, longest = _write(sentences, ids, folder)
        yield Text(load(folder), rows, counts, longest > 1 and len(rows) > 1)


def _write(
    sentences: Iterable[Any], ids: dict[Any, int], folder: Path
) -> tuple[Int[np.ndarray, " vocab"], int]:
    """Write what the vocabulary is not; gives each id's count and the longest sentence's length."""
    began = time.perf_counter()
    counts, digest = np.zeros(len(ids), np.int64), hashlib.sha256()
    lines = read = 0
    with writing(folder, "train") as train, writing(folder, "heldout"):
        for some in _groups(sentences):
            lines, read = lines + len(some), read + sum(map(len, some))
            found, lengths = _numbered(some, ids)
            train.append(found, lengths)
            counts += np.bincount(found, minlength=len(counts))
            digest.update(found.data)
            digest.update(lengths.data)
    seconds = time.perf_counter() - began
    stats = Stats(1, lines, read, int(counts.sum()), seconds, read / seconds)
    write_record(folder, stats, Options(1, None, 0, 0), digest.hexdigest())
    return counts, train.longest


def _groups(sentences: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(sentences)
    while some := list(itertools.islice(rest, SENTENCES)):
        yield some


def _numbered(
    sentences: list[Any], ids: dict[Any, int]
) -> tuple[Int[np.ndarray, " words"], Int[np.ndarray, " sentences"]]:
    """The ids of all words that have one, and how many each sentence has."""
    found = [[ids[word] for word in sentence if word in ids] for sentence in sentences]
    lengths = np.fromiter(map(len, found), np.int32, len(found))
    return np.fromiter(itertools.chain.from_iterable(found), np.int32, lengths.sum()), lengths
