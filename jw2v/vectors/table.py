"""What comes out of training: the tables with their words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from jw2v.errors import DataError, UsageError
from jw2v.vectors.neighbors import cosines, nearest, unit_rows

# difflib compares spelling word by word; the most frequent words answer within a second.
_SPELLING_WORDS = 50_000


@dataclass(frozen=True, eq=False, repr=False)
class Vectors:
    """Words, their vectors, and how they came about.

    Attributes:
      words: the vocabulary, most frequent first where training made it.
      vectors: centre table V, float32 or float64 `[vocab, dim]`; row i belongs to `words[i]`.
      outside: outside table U of the same shape, or None where it was not kept.
      counts: how often each word was seen, or None where it is not known.
      run: history, config, backend and the like, as plain data that JSON can hold.

    Raises:
      DataError: the tables or counts do not fit the words, or a table is of another dtype.

    >>> table = np.array([[1, 0], [1, 1], [0, 1]], np.float32)
    >>> vectors = Vectors(("king", "queen", "apple"), table)
    >>> vectors
    Vectors(3 words, dim 2)
    >>> vectors["queen"].tolist(), "pear" in vectors, len(vectors)
    ([1.0, 1.0], False, 3)
    >>> [word for word, score in vectors.most_similar("king", topn=2)]
    ['queen', 'apple']
    """

    words: tuple[str, ...]
    vectors: Float[np.ndarray, "vocab dim"]
    outside: Float[np.ndarray, "vocab dim"] | None = None
    counts: Int[np.ndarray, " vocab"] | None = None
    run: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.words), *self.vectors.shape[1:2])
        for name, table in (("vectors", self.vectors), ("outside", self.outside)):
            if table is None:
                continue
            if (
                table.dtype not in (np.float32, np.float64)
                or table.ndim != 2
                or table.shape != shape
            ):
                raise DataError(
                    f"{name} is {table.dtype} {list(table.shape)} for {len(self.words)} words; "
                    "give float32 or float64 [vocab, dim], one row per word, one shape for both"
                )
        if self.counts is not None and self.counts.shape != shape[:1]:
            raise DataError(
                f"{self.counts.size} counts for {len(self.words)} words; give one count per word"
            )

    @cached_property
    def index(self) -> dict[str, int]:
        """Row number of each word."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def unit(self) -> Float[Array, "vocab dim"]:
        """The centre table on the device, every row scaled to length 1."""
        return unit_rows(jnp.asarray(self.vectors))

    def __repr__(self) -> str:
        return f"Vectors({len(self.words):,} words, dim {self.vectors.shape[1]})"

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __getitem__(self, word: str) -> Float[np.ndarray, " dim"]:
        """A copy of the centre vector of `word`; DataError where the word is unknown."""
        return self.vectors[self.row(word)].copy()

    def row(self, word: str) -> int:
        """Row number of `word`.

        Raises:
          DataError: the word is unknown; words of like spelling are named.

        >>> Vectors(("king",), np.ones((1, 2), np.float32)).row("kign")
        Traceback (most recent call last):
        ...
        jw2v.errors.DataError: 'kign' is not in the vocabulary; did you mean king?
        """
        if (row := self.index.get(word)) is not None:
            return row
        close = get_close_matches(word, self.words[:_SPELLING_WORDS])
        advice = f"did you mean {', '.join(close)}?" if close else "give a word of the corpus"
        raise DataError(f"{word!r} is not in the vocabulary; {advice}")

    def similarity(self, a: str, b: str) -> float:
        """Cosine of the centre vectors of two words; 0 where one of them is all zeros.

        >>> table = np.array([[1, 0], [3, 4]], np.float32)
        >>> round(Vectors(("a", "b"), table).similarity("a", "b"), 6)
        0.6
        """
        left, right = np.array([self.row(a)]), np.array([self.row(b)])
        return float(cosines(self.unit, left, right)[0])

    def most_similar(
        self,
        words: str | Sequence[str] = (),
        *,
        positive: str | Sequence[str] = (),
        negative: str | Sequence[str] = (),
        topn: int = 10,
    ) -> list[tuple[str, float]]:
        """The words nearest by cosine to one word, or to a sum of unit vectors of words.

        Args:
          words: a word or several, added; the same as `positive`.
          positive: words that are added.
          negative: words that are taken away.
          topn: how many words to return.

        Returns:
          `(word, cosine)`, best first, without the words that were asked about; at most `topn`.

        Raises:
          DataError: a word is unknown.
          UsageError: no word was given, or `topn` is below 1.

        >>> table = np.array([[1, 0], [4, 3], [0, 1]], np.float32)
        >>> vectors = Vectors(("a", "b", "c"), table)
        >>> [(word, round(score, 4)) for word, score in vectors.most_similar("a")]
        [('b', 0.8), ('c', 0.0)]
        """
        added, removed = [*_listed(words), *_listed(positive)], _listed(negative)
        rows = [self.row(word) for word in [*added, *removed]]
        if not rows:
            raise UsageError("no word to find neighbours of; give at least one")
        if topn < 1:
            raise UsageError(f"topn is {topn}; give 1 or more (--topn)")
        signs = np.array([1] * len(added) + [-1] * len(removed), np.float32)
        found = nearest(self.unit, np.array([rows]), signs, topn=min(topn, len(self)))
        pairs = zip(found.ids[0].tolist(), found.scores[0].tolist(), strict=True)
        return [(self.words[row], score) for row, score in pairs if score > -np.inf]

    def analogy(self, a: str, b: str, c: str, *, topn: int = 10) -> list[tuple[str, float]]:
        """What `c` is to, as `a` is to `b`: the words nearest to b - a + c (3CosAdd, unit vectors).

        Args:
          a: a word, as "man".
          b: what `a` is to, as "king".
          c: the word asked about, as "woman".
          topn: how many answers to return.

        Returns:
          `(word, cosine)`, best first, never `a`, `b` or `c`.

        Raises:
          DataError: a word is unknown.
          UsageError: `topn` is below 1.

        >>> words = ("man", "king", "woman", "queen", "apple")
        >>> table = np.array([[1, 0], [1, 1], [-1, 0], [-1, 1], [0, -1]], np.float32)
        >>> Vectors(words, table).analogy("man", "king", "woman", topn=1)[0][0]
        'queen'
        """
        return self.most_similar(positive=(b, c), negative=a, topn=topn)


def _listed(words: str | Sequence[str]) -> list[str]:
    return [words] if isinstance(words, str) else list(words)
