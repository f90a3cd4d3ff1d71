"""Comparisons of several keys: the rest of the queries of gensim's KeyedVectors."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jw2v.compat.gensim.queries import LOG, Queries, cosine, cosines
from jw2v.compat.gensim.store import is_key


class Comparisons(Queries):
    """Sets of keys, ranks and distances.

    >>> words = Comparisons(2)
    >>> words.add_vectors(["a", "b", "c"], np.array([[1, 0], [4, 3], [0, 1]]))
    >>> words.doesnt_match(["a", "b", "c"]), words.rank("a", "c"), words.closer_than("a", "c")
    ('c', 2, ['b'])
    """

    @staticmethod
    def cosine_similarities(vector_1: np.ndarray, vectors_all: np.ndarray) -> np.ndarray:
        """The cosines of a vector with each of several."""
        length = np.linalg.norm(vector_1)
        unit = vector_1 / (length if length > 0 else 1)
        return cosines(vectors_all, np.linalg.norm(vectors_all, axis=1), unit)

    def n_similarity(self, ws1: Sequence[Any], ws2: Sequence[Any]) -> float:
        """The cosine of the means of two sets of keys.

        Raises:
          ZeroDivisionError: a set is empty.
        """
        if not (len(ws1) and len(ws2)):
            raise ZeroDivisionError("At least one of the passed list is empty.")
        first, second = (self.get_mean_vector(keys, pre_normalize=False) for keys in (ws1, ws2))
        return cosine(first, second)

    def distances(self, word_or_vector: Any, other_words: Iterable[Any] = ()) -> np.ndarray:
        """1 - the cosines of a key or vector with some keys, or with all."""
        key = is_key(word_or_vector)
        vector = self.get_vector(word_or_vector) if key else word_or_vector
        others = [self.get_index(word) for word in other_words]
        return 1 - self.cosine_similarities(vector, self.vectors[others or slice(None)])

    def closer_than(self, key1: Any, key2: Any) -> list[Any]:
        """The keys that are closer to the first than the second is."""
        away, asked = self.distances(key1), self.get_index(key1)
        closer = np.flatnonzero(away < away[self.get_index(key2)])
        return [self.index_to_key[row] for row in closer if row != asked]

    def rank(self, key1: Any, key2: Any) -> int:
        """The place of the second key among all, by distance from the first."""
        return len(self.closer_than(key1, key2)) + 1

    def most_similar_to_given(self, key1: Any, keys_list: Sequence[Any]) -> Any:
        """Of some keys the one nearest to the first."""
        return max(keys_list, key=lambda key: self.similarity(key1, key))

    def rank_by_centrality(
        self, words: Sequence[Any], use_norm: bool = True
    ) -> list[tuple[float, Any]]:
        """Keys by the cosine with their mean, nearest first.

        Raises:
          ValueError: none of them is known.
        """
        known = [word for word in words if word in self]
        if len(known) < len(words):
            LOG.warning("not present, left out: %s", sorted(set(words) - set(known)))
        if not known:
            raise ValueError("cannot select a word from an empty list")
        rows = np.vstack([self.get_vector(word, norm=use_norm) for word in known])
        scores = rows @ self.get_mean_vector(rows, post_normalize=True)
        return sorted(zip(scores.tolist(), known, strict=True), reverse=True)

    def doesnt_match(self, words: Sequence[Any]) -> Any:
        """The key that is furthest from the mean of all."""
        return self.rank_by_centrality(words)[-1][1]

    def relative_cosine_similarity(self, wa: Any, wb: Any, topn: int = 10) -> float:
        """The cosine of two words by the sum of those of the nearest to the first.

        Raises:
          ValueError: no word is near.
        """
        near = self.similar_by_word(wa, topn)
        if not near:
            raise ValueError(
                "Cannot calculate relative cosine similarity without any similar words."
            )
        return self.similarity(wa, wb) / sum(score for _, score in near)
