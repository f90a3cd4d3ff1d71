"""What one asks of vectors: the queries of gensim's KeyedVectors, by its names and defaults."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jw2v.compat.gensim.store import Store, is_key

LOG = logging.getLogger("jw2v")


def listed(value: Any) -> list[Any]:
    """One key or vector, or several, as a list.

    >>> listed("king"), listed(None), listed(["king"])
    (['king'], [], ['king'])
    """
    if value is None:
        return []
    one = is_key(value) or (isinstance(value, np.ndarray) and value.ndim == 1)
    return [value] if one else list(value)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of two vectors, exactly 1 of a vector with itself; 0 where one is all zeros.

    >>> cosine(np.array([0.1, 0.7]), np.array([0.1, 0.7]))
    1.0
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    lengths = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / lengths) if lengths > 0 else 0.0


def cosines(vectors: np.ndarray, norms: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """`vectors @ vector`, by the lengths of the rows; 0 for a row of zeros."""
    return vectors @ vector / np.where(norms > 0, norms, 1)


class Queries(Store):
    """The questions.

    >>> words = Queries(2)
    >>> words.add_vectors(["a", "b", "c"], np.array([[1, 0], [4, 3], [0, 1]]))
    >>> [(word, round(score, 4)) for word, score in words.most_similar("a")]
    [('b', 0.8), ('c', 0.0)]
    """

    def get_mean_vector(
        self,
        keys: Sequence[Any] | np.ndarray,
        weights: Any = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> np.ndarray:
        """The weighted mean of keys' vectors, and of vectors as they are.

        Raises:
          ValueError: there is no key, or not one weight for each.
          KeyError: a key is not there, and is not to be ignored.
        """
        if len(keys) == 0:
            raise ValueError("cannot compute mean with no input")
        dtype = self.vectors.dtype
        factors = np.ones(len(keys), dtype) if weights is None else np.asarray(weights, dtype)
        if len(factors) != len(keys):
            raise ValueError("keys and weights array must have same number of elements")
        found = [self._vector_of(key, pre_normalize, ignore_missing) for key in keys]
        kept = [i for i, vector in enumerate(found) if vector is not None]
        rows = np.array([found[i] for i in kept], dtype).reshape(-1, self.vector_size)
        total = float(np.abs(factors[kept]).sum())
        mean = (factors[kept] @ rows / (total if total > 0 else 1)).astype(dtype)
        length = float(np.linalg.norm(mean))
        return (mean / length).astype(dtype) if post_normalize and length > 0 else mean

    def _vector_of(self, key: Any, norm: bool, ignore_missing: bool) -> np.ndarray | None:
        if isinstance(key, np.ndarray):
            return key
        if ignore_missing and key not in self:
            return None
        return self.get_vector(key, norm=norm)

    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Any = None,
    ) -> Any:
        """The keys nearest to a mean of keys and vectors; each may be a pair with its weight."""
        if topn is not None and topn < 1:
            return []
        signed = [(item, 1.0) for item in listed(positive)]
        signed += [(item, -1.0) for item in listed(negative)]
        pairs = [item if isinstance(item, tuple) else (item, sign) for item, sign in signed]
        keys = [key for key, _ in pairs]
        mean = self.get_mean_vector(
            keys, [weight for _, weight in pairs], post_normalize=True, ignore_missing=False
        )
        if indexer is not None and topn is not None:
            return indexer.most_similar(mean, topn)
        if restrict_vocab:
            clip_start, clip_end = 0, restrict_vocab
        part = slice(clip_start, clip_end or len(self.vectors))
        scores = cosines(self.vectors[part], self.lengths()[part], mean)
        return scores if topn is None else self._best(scores, topn, keys, clip_start)

    def most_similar_cosmul(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
    ) -> Any:
        """The keys nearest to the positive ones and far from the negative ones, by products.

        3CosMul of Levy and Goldberg (2014), cosines shifted to [0, 1].

        Raises:
          ValueError: nothing is positive.
        """
        if topn is not None and topn < 1:
            return []
        near, far = listed(positive), listed(negative)
        if not near:
            raise ValueError("cannot compute similarity with no input")
        end = restrict_vocab or len(self.vectors)
        scores = self._product(near, end) / (self._product(far, end) + 1e-6)
        return scores if topn is None else self._best(scores, topn, [*near, *far], 0)

    def _product(self, keys: Iterable[Any], end: int) -> Any:
        terms = [key if isinstance(key, np.ndarray) else self.get_vector(key, True) for key in keys]
        lengths = self.lengths()[:end]
        shifted = [(1 + cosines(self.vectors[:end], lengths, term)) / 2 for term in terms]
        return np.prod(shifted, axis=0)

    def _best(
        self, scores: np.ndarray, topn: int, asked: Iterable[Any], first: int
    ) -> list[tuple[Any, float]]:
        """The best keys but for those asked about; `first` is the row of the first score."""
        but = {self.get_index(key) for key in asked if is_key(key)}
        wanted = min(int(topn) + len(but), len(scores))
        best = np.argpartition(-scores, wanted - 1)[:wanted] if wanted else np.zeros(0, np.intp)
        best = best[np.lexsort((best, -scores[best]))]
        rows = [row for row in (best + first).tolist() if row not in but][:topn]
        return [(self.index_to_key[row], float(scores[row - first])) for row in rows]

    def similar_by_key(
        self, key: Any, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """`most_similar` of one key."""
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_word(
        self, word: Any, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """`most_similar` of one word."""
        return self.similar_by_key(word, topn, restrict_vocab)

    def similar_by_vector(
        self, vector: np.ndarray, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """`most_similar` of one vector."""
        return self.most_similar([vector], topn=topn, restrict_vocab=restrict_vocab)

    def similarity(self, w1: Any, w2: Any) -> float:
        """The cosine of two keys."""
        return cosine(self[w1], self[w2])

    def distance(self, w1: Any, w2: Any) -> float:
        """1 - `similarity`."""
        return 1 - self.similarity(w1, w2)
