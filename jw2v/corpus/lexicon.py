"""Every word type of a source, numbered as it appears, with what decides its rank."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int

from jw2v.corpus.tokens import Tokens
from jw2v.corpus.vocabulary import Vocabulary


class Lexicon:
    """Grows by `add`, chunk after chunk; `rank` then picks the vocabulary.

    Attributes:
      training: tokens of training text read.

    >>> from jw2v.corpus.tokens import split
    >>> lexicon = Lexicon()
    >>> lexicon.add(split(b"b a a c"), np.zeros(1, bool)).tolist()
    [0, 1, 1, 2]
    >>> vocab, rank = lexicon.rank(min_count=1, max_vocab=2)
    >>> vocab.words, rank.tolist()
    (('a', 'b'), [1, 0, -1])
    """

    def __init__(self) -> None:
        self._ids: defaultdict[str, int] = defaultdict()
        self._ids.default_factory = self._ids.__len__
        self._first = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)
        self.training = 0

    @property
    def counts(self) -> Int[np.ndarray, " types"]:
        """Occurrences of each in the training text, int64; 0 for those only held out."""
        return self._counts[: len(self._ids)]

    @property
    def first(self) -> Int[np.ndarray, " types"]:
        """Training tokens before the first occurrence of each, int64."""
        return self._first[: len(self._ids)]

    @property
    def words(self) -> list[str]:
        """The word types read, in the order of their numbers."""
        return list(self._ids)

    def number(self, words: Sequence[str]) -> Int[np.ndarray, " words"]:
        """The numbers of words, int32; new ones have the next."""
        # A dict: the cost is that of these words, however many are known already.
        return np.fromiter(map(self._ids.__getitem__, words), np.int32, len(words))

    def add(
        self, tokens: Tokens, heldout: Bool[np.ndarray, " sentences"]
    ) -> Int[np.ndarray, " tokens"]:
        """Counts a chunk's training tokens and numbers all its tokens, int32 `[tokens]`."""
        known = self.number(tokens.words)
        if (grown := len(self._ids) - len(self._counts)) > 0:
            room = (0, max(grown, len(self._counts)))  # at least twice as much as there was
            self._counts, self._first = np.pad(self._counts, room), np.pad(self._first, room)

        ids = tokens.ids[~np.repeat(heldout, tokens.lengths)] if heldout.any() else tokens.ids
        new = np.flatnonzero((self._counts[known] == 0)[ids])[::-1]
        # New ones in reverse: of a repeated index the last value stays, the first occurrence.
        self._first[known[ids[new]]] = self.training + new
        self._counts[known] += np.bincount(ids, minlength=len(known))
        self.training += len(ids)
        return known[tokens.ids]

    def rank(
        self, *, min_count: int, max_vocab: int | None
    ) -> tuple[Vocabulary, Int[np.ndarray, " types"]]:
        """The vocabulary, and the id of each type in it, int32, -1 where it has none."""
        order = ranked(self.counts, self.first, min_count=min_count, max_vocab=max_vocab)
        ids = np.full(len(self.counts), -1, np.int32)
        ids[order] = np.arange(len(order), dtype=np.int32)
        words = tuple(map(self.words.__getitem__, order.tolist()))
        return Vocabulary(words, self.counts[order]), ids


def ranked(
    counts: Int[np.ndarray, " types"],
    first: Int[np.ndarray, " types"],
    *,
    min_count: int,
    max_vocab: int | None,
) -> Int[np.ndarray, " vocab"]:
    """The types that are in the vocabulary, by falling count, ties by first appearance.

    >>> ranked(np.array([1, 3, 3]), np.array([0, 9, 5]), min_count=2, max_vocab=None).tolist()
    [2, 1]
    """
    order = np.lexsort((first, -counts))
    return order[: np.count_nonzero(counts >= min_count)][:max_vocab]
