"""Words as fastText spells them: the character n-grams of `<word>`, hashed into buckets.

The brackets stand for a word's two ends. An n-gram is of `minn` to `maxn` Unicode characters; its
bucket is the 32-bit FNV-1a hash of its UTF-8 bytes, modulo `buckets`:

    h ← (h ⊕ byte) · 16777619 mod 2³²,          from h = 2166136261

in which a byte of 128 or more has all the higher bits set, too: fastText takes it as a signed
number, and its files would be lost by a correction. A bracket alone is none, a whole word is one;
what stands twice in a word counts twice.

Source: Bojanowski, Grave, Joulin and Mikolov 2017, arXiv 1607.04606; fastText, dictionary.cc.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt32

BASIS, PRIME = np.uint32(2166136261), np.uint32(16777619)
_BYTES = 4  # of a character in UTF-8, at most
_WORDS = 1 << 16  # words taken at once


class Lists(NamedTuple):
    """A list for each word; that of word i is `ids[offsets[i]:offsets[i + 1]]`."""

    offsets: Int[np.ndarray, " bounds"]  # int64, one more than there are words
    ids: Int[np.ndarray, " ids"]  # int64


class Ngrams(NamedTuple):
    """Which n-grams are taken, and in how many buckets they are.

    >>> Ngrams(3, 6, 2_000_000).of(["is", "<"]).offsets.tolist()  # <is, <is>, is>; <<>
    [0, 3, 4]
    """

    minn: int  # characters of an n-gram, at least
    maxn: int
    buckets: int

    def of(self, words: Sequence[str]) -> Lists:
        """The buckets of each word's n-grams, by where they begin and then by length."""
        starts = range(0, len(words), _WORDS)
        found = [self._of(words[start : start + _WORDS]) for start in starts]
        sizes, ids = zip(*found, strict=True) if found else ([], [])
        none = np.zeros(1, np.int64)
        return Lists(np.concatenate([none, *sizes]).cumsum(), np.concatenate([none[1:], *ids]))

    def _of(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """How many n-grams each word has, and their buckets."""
        lengths = np.array([len(word) + 2 for word in words])
        ends, longest = lengths.cumsum(), min(self.maxn, int(lengths.max()))
        begin, end = np.repeat(ends - lengths, lengths), np.repeat(ends, lengths)
        at = np.arange(len(begin))[:, None]
        after = at + np.arange(self.minn, longest + 1)  # of the n-gram's last character
        bracket = (after == at + 1) & ((at == begin[:, None]) | (after == end[:, None]))
        kept = (after <= end[:, None]) & ~bracket
        hashed = _hashed("".join(f"<{word}>" for word in words), self.minn, longest)
        sizes = np.add.reduceat(kept.sum(axis=1), ends - lengths)
        return sizes, hashed[kept].astype(np.int64) % self.buckets


def _hashed(text: str, minn: int, maxn: int) -> UInt32[np.ndarray, "characters lengths"]:
    """The hash of every n-gram of a text: of each length, from each character on.

    Those that the text is too short for hash what there is of them.
    """
    signed = _signed_bytes(text)
    hashes = np.empty((len(text), max(0, maxn - minn + 1)), np.uint32)
    h = np.full(len(text), BASIS)
    for n in range(1, maxn + 1):
        here = h[: max(0, len(text) - n + 1)]  # with a character left for them
        for byte, is_there in signed:
            more = slice(n - 1, n - 1 + len(here))
            here[:] = np.where(is_there[more], (here ^ byte[more]) * PRIME, here)
        if n >= minn:
            hashes[:, n - minn] = h
    return hashes


def _signed_bytes(text: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first byte of every character, the second, and so on; and which characters have it."""
    coded = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    first = np.flatnonzero((coded & 0xC0) != 0x80)
    size = np.diff(first, append=len(coded))
    signed = np.pad(coded, (0, _BYTES)).view(np.int8).astype(np.int32).view(np.uint32)
    return [(signed[first + i], size > i) for i in range(size.max(initial=0))]


class Subwords(NamedTuple):
    """The rows of the input table that each word is made of, its pieces.

    Word w is made of `rows[offsets[w]:offsets[w + 1]]`: w itself, then a row for each of its
    n-grams. The table has the words first, then the buckets that they have, the most used first.
    """

    offsets: Int[np.ndarray, " bounds"]  # int64, one more than there are words
    rows: Int[np.ndarray, " pieces"]  # int32
    buckets: Int[np.ndarray, " used"]  # int64; that of row vocab + i

    @property
    def sizes(self) -> Int[np.ndarray, " vocab"]:
        """How many pieces each word has, at least 1."""
        return np.diff(self.offsets)

    @property
    def height(self) -> int:
        """Rows of the input table."""
        return len(self.sizes) + len(self.buckets)

    def met(self, text: Float[np.ndarray, " vocab"]) -> Float[np.ndarray, " rows"]:
        """How often each row is met, for how often each word is."""
        return np.bincount(self.rows, weights=np.repeat(text, self.sizes), minlength=self.height)

    def means(self, table: Float[np.ndarray, "rows dim"]) -> Float[np.ndarray, "vocab dim"]:
        """The vector of each word, the mean of its pieces.

        >>> of = Subwords(np.array([0, 1, 4]), np.array([0, 1, 2, 2], np.int32), np.array([7]))
        >>> of.means(np.array([[1.0], [2.0], [5.0]])).tolist()
        [[1.0], [4.0]]
        """
        means = np.empty((len(self.sizes), table.shape[1]), table.dtype)
        for start in range(0, len(means), _WORDS):
            bounds = self.offsets[start : start + _WORDS + 1]
            pieces = table[self.rows[bounds[0] : bounds[-1]]]
            means[start : start + _WORDS] = np.add.reduceat(pieces, bounds[:-1] - bounds[0])
        return means / self.sizes[:, None].astype(table.dtype)

    def with_means(
        self,
        table: Float[np.ndarray, "rows dim"],
        words: Int[np.ndarray, " some"],
        vectors: Float[np.ndarray, "some dim"],
    ) -> Float[np.ndarray, "rows dim"]:
        """The table in which these words have these vectors.

        What changes is the words' own rows, which no other word is made of.
        """
        missing = vectors - self.means(table)[words]
        moved = table.copy()
        moved[words] += self.sizes[words, None] * missing
        return moved


def subwords(words: Sequence[str], counts: Int[np.ndarray, " vocab"], ngrams: Ngrams) -> Subwords:
    """The pieces of a vocabulary.

    A bucket has a row where a word of the vocabulary has an n-gram in it, and no row else.

    Args:
      words: the vocabulary.
      counts: how often each word occurs.
      ngrams: those that are taken.

    >>> made = subwords(("is", "was"), np.array([3, 2]), Ngrams(3, 3, 1000))
    >>> made.sizes.tolist(), len(made.buckets)  # is: <is, is>; was: <wa, was, as>
    ([3, 4], 5)
    """
    offsets, ids = ngrams.of(words)
    used, of = np.unique(ids, return_inverse=True)
    uses = np.bincount(of, weights=np.repeat(counts, np.diff(offsets)), minlength=len(used))
    order = np.argsort(-uses, kind="stable")
    row = np.empty_like(order)
    row[order] = np.arange(len(words), len(words) + len(used))
    own = np.arange(len(words))
    rows = np.insert(row[of], offsets[:-1], own)
    return Subwords(offsets + np.arange(len(words) + 1), rows.astype(np.int32), used[order])
