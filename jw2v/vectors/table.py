"""What comes out of training: the tables with their words."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from jw2v.errors import DataError, unknown
from jw2v.vectors.ngrams import NgramRows
from jw2v.vectors.queries import Queries

Table = Literal["centre", "outside"]


@dataclass(frozen=True, eq=False, repr=False)
class Vectors(Queries):
    """Words, their vectors, and how they came about.

    Attributes:
      words: the vocabulary, most frequent first where training made it.
      vectors: centre table V, float32 or float64 `[vocab, dim]`; row i belongs to `words[i]`.
      outside: outside table U of the same shape, or None where it was not kept.
      counts: how often each word was seen, or None where it is not known.
      run: history, config, backend and the like, as plain data that JSON can hold.
      ngrams: of centre words made of n-grams, the rows that unseen words are made of; else None.

    Raises:
      DataError: the tables, counts or n-grams do not fit the words, a table is of another dtype, or
        a count is no whole number from 0 to below 10¹⁸.

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
    ngrams: NgramRows | None = None

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
        if self.counts is not None:
            _check_counts(self.counts, self.words)
        rows = None if self.ngrams is None else self.ngrams.rows
        if rows is not None and (rows.dtype, *rows.shape[1:]) != (self.vectors.dtype, *shape[1:]):
            raise DataError(
                f"n-grams are {rows.dtype} {list(rows.shape)} beside vectors that are "
                f"{self.vectors.dtype} {list(self.vectors.shape)}; give one dtype and dim"
            )

    def __repr__(self) -> str:
        return f"Vectors({len(self.words):,} words, dim {self.vectors.shape[1]})"

    @property
    def has_tree(self) -> bool:
        """Whether rows of `outside` are a tree's inner nodes, not words: hierarchical softmax."""
        config = self.run.get("config")
        return isinstance(config, Mapping) and config.get("loss") == "hierarchical_softmax"

    def table(self, name: Table) -> "Vectors":
        """These words with one table alone: "centre" for V, "outside" for U.

        What is asked of the result is asked of that table, and writing it writes that table.

        Raises:
          UsageError: `name` is neither.
          DataError: the outside table was not kept, or its rows are no words'.

        >>> U = np.array([[1, 0], [0, 1]], np.float32)
        >>> vectors = Vectors(("new", "york"), np.ones((2, 2), np.float32), outside=U)
        >>> round(vectors.similarity("new", "york"), 4)
        1.0
        >>> vectors.table("outside").similarity("new", "york")
        0.0
        """
        if name not in get_args(Table):
            raise unknown("table", name, get_args(Table))
        chosen = self.vectors if name == "centre" else self.outside
        if chosen is None:
            raise DataError("these vectors have no outside table; take 'centre' (--table)")
        if name == "outside" and self.has_tree:
            raise DataError(
                "the outside table is of a tree's inner nodes, not words; take 'centre' (--table)"
            )
        ngrams = self.ngrams if name == "centre" else None
        return replace(self, vectors=chosen, outside=None, ngrams=ngrams)


def _check_counts(counts: object, words: tuple[str, ...]) -> None:
    """Refuse what no file of words and counts could give back."""
    if not isinstance(counts, np.ndarray) or counts.dtype.kind not in "iu":
        kind = counts.dtype if isinstance(counts, np.ndarray) else type(counts).__name__
        raise DataError(f"counts are {kind}; give an array of whole numbers, one count per word")
    if counts.shape != (len(words),):
        raise DataError(f"{counts.size} counts for {len(words)} words; give one count per word")
    wrong = (counts < 0) | (counts >= 10**18)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"the count of {words[row]!r} is {counts[row]}; give 0 to below 10**18")
