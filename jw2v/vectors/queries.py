"""What is asked of a table of words: similarity, neighbours, analogies, the odd word out."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jw2v.errors import DataError, UsageError
from jw2v.vectors.neighbors import Method, cosines, nearest, unit_table
from jw2v.vectors.ngrams import NgramRows

# difflib compares spelling word by word; the most frequent words answer within a second.
_SPELLING_WORDS = 50_000


class Queries:
    """Queries of `words` and `vectors`, which the heir holds.

    Where there are `ngrams`, a word that is not in the vocabulary may be asked about if it has one
    of them; `word in vectors`, all answers and `row` are of the vocabulary alone.

    >>> class Table(Queries):
    ...     words = ("king", "queen", "apple")
    ...     vectors = np.array([[1, 0], [1, 1], [0, 1]], np.float32)
    >>> Table().most_similar("king", topn=1)[0][0]
    'queen'
    """

    words: tuple[str, ...]
    vectors: Float[np.ndarray, "vocab dim"]
    ngrams: NgramRows | None = None

    @cached_property
    def index(self) -> dict[str, int]:
        """Row number of each word."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def unit(self) -> Float[Array, "vocab dim"]:
        """The table on the device, every row scaled to length 1."""
        return unit_table(self.vectors)

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __getitem__(self, word: str) -> Float[np.ndarray, " dim"]:
        """The vector of `word`, a copy, or one made of its n-grams; DataError if it is unknown."""
        if word not in self.index and self.ngrams is not None:
            made = self.ngrams.vector(word)
            if made is not None:
                return made
        return self.vectors[self.row(word)].copy()

    def with_unseen(self, words: Sequence[str]) -> tuple[Float[Array, "rows dim"], list[int]]:
        """The unit table, unseen words among those given at its end, and the row of each word.

        Raises:
          DataError: a word is unknown.
        """
        unseen = [word for word in dict.fromkeys(words) if word not in self.index]
        at_end = {word: len(self) + i for i, word in enumerate(unseen)}
        unit = self.unit
        if unseen:
            made = np.stack([self[word] for word in unseen])
            unit = jnp.concatenate([unit, unit_table(made)])
        return unit, [at_end[word] if word in at_end else self.index[word] for word in words]

    def row(self, word: str) -> int:
        """Row number of `word`.

        Raises:
          DataError: the word is unknown; words of like spelling are named.

        >>> from jw2v import Vectors
        >>> Vectors(("king",), np.ones((1, 2), np.float32)).row("kign")
        Traceback (most recent call last):
        ...
        jw2v.errors.DataError: 'kign' is not in the vocabulary; did you mean king?
        """
        if (row := self.index.get(word)) is not None:
            return row
        close = get_close_matches(word, self.words[:_SPELLING_WORDS])
        advice = f"did you mean {', '.join(close)}?" if close else "give a word of the corpus"
        none = "" if self.ngrams is None else ", nor any of its n-grams"
        raise DataError(f"{word!r} is not in the vocabulary{none}; {advice}")

    def similarity(self, a: str, b: str) -> float:
        """Cosine of the vectors of two words; 0 where one of them is all zeros.

        Raises:
          DataError: a word is unknown.

        >>> from jw2v import Vectors
        >>> table = np.array([[1, 0], [3, 4]], np.float32)
        >>> round(Vectors(("a", "b"), table).similarity("a", "b"), 6)
        0.6
        """
        unit, rows = self.with_unseen([a, b])
        left, right = np.array(rows).reshape(2, 1)
        return float(cosines(unit, left, right)[0])

    def most_similar(
        self,
        words: str | Sequence[str] = (),
        *,
        positive: str | Sequence[str] = (),
        negative: str | Sequence[str] = (),
        topn: int = 10,
        method: Method = "3cosadd",
    ) -> list[tuple[str, float]]:
        """The words nearest to one word, or to what several are made into.

        Args:
          words: a word or several, added; the same as `positive`.
          positive: words that are added.
          negative: words that are taken away.
          topn: how many words to return.
          method: "3cosadd", by cosine with the sum of the words' unit vectors, or "3cosmul", by a
            quotient of products of cosines (`nearest`); gensim calls that most_similar_cosmul.

        Returns:
          `(word, score)`, best first, without the words that were asked about; at most `topn`.

        Raises:
          DataError: a word is unknown.
          UsageError: no word was given, none is positive for "3cosmul", `topn` is below 1, or
            there is no such method.

        >>> from jw2v import Vectors
        >>> vectors = Vectors(("a", "b", "c"), np.array([[1, 0], [4, 3], [0, 1]], np.float32))
        >>> [(word, round(score, 4)) for word, score in vectors.most_similar("a")]
        [('b', 0.8), ('c', 0.0)]
        """
        added, removed = [*_listed(words), *_listed(positive)], _listed(negative)
        unit, rows = self.with_unseen([*added, *removed])
        if not rows:
            raise UsageError("no word to find neighbours of; give at least one")
        if method == "3cosmul" and not added:
            raise UsageError("3cosmul has only words to take away; give one to add (positive)")
        if topn < 1:
            raise UsageError(f"topn is {topn}; give 1 or more (--topn)")
        signs = np.array([1] * len(added) + [-1] * len(removed), np.float32)
        ids, most = np.array([rows]), min(topn, len(self))
        found = nearest(unit, ids, signs, topn=most, method=method)
        pairs = zip(found.ids[0].tolist(), found.scores[0].tolist(), strict=True)
        return [(self.words[row], score) for row, score in pairs if score > -np.inf]

    def analogy(
        self, a: str, b: str, c: str, *, topn: int = 10, method: Method = "3cosadd"
    ) -> list[tuple[str, float]]:
        """What `c` is to, as `a` is to `b`: the words nearest to b - a + c.

        Args:
          a: a word, as "man".
          b: what `a` is to, as "king".
          c: the word asked about, as "woman".
          topn: how many answers to return.
          method: "3cosadd" or "3cosmul", as in `most_similar`.

        Returns:
          `(word, score)`, best first, never `a`, `b` or `c`.

        Raises:
          DataError: a word is unknown.
          UsageError: `topn` is below 1, or there is no such method.

        >>> from jw2v import Vectors
        >>> words = ("man", "king", "woman", "queen", "apple")
        >>> table = np.array([[1, 0], [1, 1], [-1, 0], [-1, 1], [0, -1]], np.float32)
        >>> Vectors(words, table).analogy("man", "king", "woman", topn=1)[0][0]
        'queen'
        """
        return self.most_similar(positive=(b, c), negative=a, topn=topn, method=method)

    def doesnt_match(self, words: Sequence[str]) -> str:
        """The word that is farthest by cosine from the mean of the unit vectors of all.

        Raises:
          DataError: a word is unknown.
          UsageError: no word was given.

        >>> from jw2v import Vectors
        >>> vectors = Vectors(("tea", "milk", "car"), np.array([[3, 1], [2, 1], [-1, 2]], float))
        >>> vectors.doesnt_match(["tea", "car", "milk"])
        'car'
        """
        if not words:
            raise UsageError("no word to choose from; give at least one")
        unit, rows = self.with_unseen(words)
        asked = np.asarray(unit)[rows]
        return min(zip((asked @ asked.sum(axis=0)).tolist(), words, strict=True))[1]


def _listed(words: str | Sequence[str]) -> list[str]:
    return [words] if isinstance(words, str) else list(words)
