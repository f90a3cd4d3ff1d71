"""Vectors of words that training has not seen, by the n-grams that they share with those it has."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from jw2v.corpus.subwords import Ngrams
from jw2v.errors import DataError

TENSORS = ("ngram_buckets", "ngram_kind", "ngrams")
"""Names of the three arrays in a file, sorted."""


@dataclass(frozen=True, eq=False)
class NgramRows:
    """The n-grams of a vocabulary, a row for each bucket that its words have.

    Attributes:
      kind: which n-grams, and how many buckets there might be.
      buckets: those that have a row, int64 `[used]`, rising.
      rows: float32 or float64 `[used, dim]`.

    Raises:
      DataError: they do not fit each other, or are no n-grams.

    >>> kind = Ngrams(3, 3, 1000)
    >>> buckets = np.unique(kind.of(["is"]).ids)  # <is, is>
    >>> known = NgramRows(kind, buckets, np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> known.vector("is").tolist(), known.vector("as")
    ([0.5, 0.5], None)
    """

    kind: Ngrams
    buckets: Int[np.ndarray, " used"]
    rows: Float[np.ndarray, "used dim"]

    def __post_init__(self) -> None:
        minn, maxn, most = self.kind
        if not (1 <= minn <= maxn and most >= 1):
            raise DataError(
                f"n-grams of {minn} to {maxn} characters in {most} buckets are none; save the "
                "vectors again"
            )
        bounds = np.concatenate([[-1], self.buckets.ravel(), [most]])
        rising = (bounds[1:] > bounds[:-1]).all()
        if self.rows.ndim != 2 or self.buckets.shape != self.rows.shape[:1] or not rising:
            raise DataError(
                f"{list(self.rows.shape)} rows of n-grams do not belong to rising numbers of "
                f"{list(self.buckets.shape)} buckets below {most}; save the vectors again"
            )

    def vector(self, word: str) -> Float[np.ndarray, " dim"] | None:
        """The mean of the rows of a word's n-grams, of those that have one; None if none has."""
        ids = self.kind.of([word]).ids
        first, last = (np.searchsorted(self.buckets, ids, side) for side in ("left", "right"))
        there = first[first < last]
        return self.rows[there].mean(axis=0) if len(there) else None

    def tensors(self) -> dict[str, np.ndarray]:
        """What a file holds of it, by name."""
        arrays = self.buckets, np.array(self.kind, np.int64), np.ascontiguousarray(self.rows)
        return dict(zip(TENSORS, arrays, strict=True))


def check_finite_rows(ngrams: NgramRows, place: str) -> None:
    """Refuse rows with NaN or Inf.

    Raises:
      DataError: a row holds a number that is not finite.

    >>> check_finite_rows(NgramRows(Ngrams(3, 3, 9), np.array([7]), np.array([[np.inf]])), "v")
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: the n-grams of bucket 7 in v hold NaN or Inf; train again ... (--lr)
    """
    finite = np.isfinite(ngrams.rows).all(axis=1)
    if not finite.all():
        bucket = ngrams.buckets[int(np.argmin(finite))]
        raise DataError(
            f"the n-grams of bucket {bucket} in {place} hold NaN or Inf; train again with a lower "
            "rate (--lr)"
        )
