"""How well vectors agree with people: similarity of word pairs, and analogies."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, Shaped

from jw2v.errors import UsageError
from jw2v.vectors.intervals import spearman_interval, wilson_interval
from jw2v.vectors.neighbors import Method, cosines, nearest
from jw2v.vectors.questions import Source, read_pairs, read_questions, source_name
from jw2v.vectors.table import Vectors

Interval = tuple[float, float]
_CANDIDATES = 5  # as many as gensim looks at, in case the nearest are other spellings of the query


class PairScore(NamedTuple):
    """Spearman's rho of cosines against the scores of a file of word pairs."""

    name: str
    spearman: float | None  # None where fewer than two pairs are covered, or all rank alike
    pairs: int  # in the file
    covered: int  # with both words known, or made of n-grams where that is asked for
    interval: Interval | None  # 95 % (`spearman_interval`)


class SectionScore(NamedTuple):
    """One section of a file of analogies."""

    name: str
    correct: int
    total: int  # questions with all four words known


class AnalogyScore(NamedTuple):
    """Share of the covered analogies that were answered right."""

    name: str
    accuracy: float | None  # None where no question is covered
    questions: int  # in the file
    covered: int  # with all four words known
    sections: tuple[SectionScore, ...]
    interval: Interval | None  # 95 % (`wilson_interval`)


def word_pairs(
    vectors: Vectors, source: Source, *, restrict: int = 300_000, unseen: bool = False
) -> PairScore:
    r"""Spearman's rank correlation of cosines with people's scores of word pairs.

    Args:
      vectors: the words and their vectors, most frequent first. Case is ignored: of several
        spellings the first counts, as in gensim. A pair with an unknown word is left out.
      source: path, open file or lines, `word1 word2 score` each, between tabs, commas or blanks;
        lines that start with # are comments, and a first line without a score is a header.
      restrict: only the first so many words are known.
      unseen: make vectors of unknown words of their n-grams. They are spelt as in the source, in
        small letters where the vocabulary has no others.

    Returns:
      `PairScore(name, spearman, pairs, covered, interval)`, named as the file without its ending.

    Raises:
      DataError: the file cannot be read, or a line is not a pair with its score.
      UsageError: `restrict` is below 1, or `unseen` words have no n-grams to be made of.

    >>> import io
    >>> table = np.array([[4, 0], [4, 1], [2, 4], [0, 4]], np.float32)
    >>> vectors = Vectors(("tiger", "cat", "car", "train"), table)
    >>> word_pairs(vectors, io.StringIO("tiger cat 7.4\ntiger car 2.1\nTrain car 6.3\n"))
    PairScore(name='text', spearman=1.0, pairs=3, covered=3, interval=None)
    """
    _check_positive(restrict=restrict)
    pairs = list(read_pairs(source))
    known, _ = spellings(vectors.words[:restrict])
    unit = vectors.unit
    if unseen:
        unit, more = _made_of_ngrams(vectors, [w for a, b, _ in pairs for w in (a, b)], known)
        known |= more
    ids, covered = _ids([(a, b) for a, b, _ in pairs], known, width=2)
    scores = np.array([score for _, _, score in pairs], np.float64)[covered]
    rho = spearman(np.asarray(cosines(unit, *ids.T)), scores)
    interval = spearman_interval(rho, len(scores))
    return PairScore(source_name(source), rho, len(pairs), len(scores), interval)


def spearman(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float | None:
    """Spearman's rho, ties at their average rank; None for under two values or values all alike.

    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    0.5
    """
    ranks = np.stack([average_ranks(x), average_ranks(y)])
    if not len(x) or (ranks == ranks[:, :1]).all(axis=1).any():
        return None
    return float(np.corrcoef(ranks)[0, 1])


def average_ranks(values: Shaped[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Ranks from 1; equal values share the mean of the ranks that they take up.

    >>> average_ranks(np.array([20, 10, 20])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, ties = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(ties) - (ties - 1) / 2)[place]


def analogies(
    vectors: Vectors,
    source: Source,
    *,
    restrict: int = 300_000,
    batch: int = 64,
    method: Method = "3cosadd",
) -> AnalogyScore:
    r"""Accuracy on questions "a is to b as c is to d": is d the word nearest to b - a + c?

    No spelling of a, b or c is an answer. A question with an unknown word is left out; case is
    ignored as in `word_pairs`.

    Args:
      vectors: the words and their vectors, most frequent first.
      source: path, open file or lines in the format of questions-words.txt: `: section`, then
        four words a line.
      restrict: only the first so many words are known and searched.
      batch: questions answered at once, at most (`nearest`).
      method: "3cosadd" over unit vectors, or "3cosmul" (`nearest`).

    Returns:
      `AnalogyScore(name, accuracy, questions, covered, sections, interval)`.

    Raises:
      DataError: the file cannot be read, a line is not four words, or stands before any section.
      UsageError: `restrict` or `batch` is below 1, or there is no such method.

    >>> import io
    >>> words = ("man", "king", "woman", "queen", "apple")
    >>> table = np.array([[1, 0], [1, 1], [-1, 0], [-1, 1], [0, -1]], np.float32)
    >>> analogies(Vectors(words, table), io.StringIO(": royals\nman king woman queen\n")).sections
    (SectionScore(name='royals', correct=1, total=1),)
    """
    _check_positive(restrict=restrict, batch=batch)
    names, questions = read_questions(source)
    known, first = spellings(vectors.words[:restrict])
    ids, covered = _ids([words for _, words in questions], known, width=4)
    section = np.array([number for number, _ in questions], np.int32)[covered]
    signs, unit = np.array([-1, 1, 1], np.float32), vectors.unit[:restrict]
    topn = min(_CANDIDATES, max(1, len(unit)))
    found = nearest(unit, ids[:, :3], signs, topn=topn, batch=batch, method=method)
    answers = np.where(found.scores > -np.inf, found.ids, -1)
    right = answered(answers, ids, first=first)
    total = np.bincount(section, minlength=len(names)).tolist()
    correct = np.bincount(section[right], minlength=len(names)).tolist()
    return AnalogyScore(
        name=source_name(source),
        accuracy=sum(correct) / len(ids) if len(ids) else None,
        questions=len(questions),
        covered=len(ids),
        sections=tuple(map(SectionScore, names, correct, total)),
        interval=wilson_interval(sum(correct), len(ids)),
    )


def answered(
    answers: Int[np.ndarray, "question candidate"],
    ids: Int[np.ndarray, "question 4"],
    *,
    first: Int[np.ndarray, " vocab"],
) -> Bool[np.ndarray, " question"]:
    """Is d the first answer, best first, that is no spelling of a, b or c? Row -1 is no answer."""
    answers = np.where(answers < 0, -1, first[answers])
    new = (answers[:, :, None] != ids[:, None, :3]).all(axis=2) & (answers >= 0)
    best = np.take_along_axis(answers, np.argmax(new, axis=1)[:, None], axis=1)
    return (best == ids[:, 3:])[:, 0] & new.any(axis=1)


def _check_positive(**options: int) -> None:
    for option, value in options.items():
        if value < 1:
            raise UsageError(f"{option} is {value}; give 1 or more (--{option})")


def spellings(
    words: Sequence[str], *, ignore_case: bool = True
) -> tuple[dict[str, int], Int[np.ndarray, " vocab"]]:
    """The first row of each word, and for each row the first of the same word.

    Where case is ignored, words are those in capitals, and words that differ in it alone are one.

    >>> known, first = spellings(["a", "b", "A"])
    >>> known, first.tolist()
    ({'A': 0, 'B': 1}, [0, 1, 0])
    """
    known: dict[str, int] = {}
    spelt = (word.upper() if ignore_case else word for word in words)
    first = [known.setdefault(word, row) for row, word in enumerate(spelt)]
    return known, np.array(first, np.int32)


def _ids(
    asked: Sequence[Sequence[str]], known: dict[str, int], *, width: int
) -> tuple[Int[np.ndarray, "covered width"], Bool[np.ndarray, " line"]]:
    """Rows of the lines whose words are all known, and which lines these are."""
    rows = [[known.get(word.upper()) for word in words] for words in asked]
    covered = np.array([None not in row for row in rows], bool)
    return np.array([r for r in rows if None not in r], np.int32).reshape(-1, width), covered


def _made_of_ngrams(
    vectors: Vectors, words: Sequence[str], known: dict[str, int]
) -> tuple[Float[Array, "rows dim"], dict[str, int]]:
    """The unit table with unknown words at its end, and their rows."""
    if vectors.ngrams is None:
        raise UsageError(
            "these vectors have no n-grams to make unseen words of; leave unseen out (--unseen), "
            "or train with n-grams (--minn, --maxn)"
        )
    small = all(word == word.lower() for word in vectors.words)
    spelt = [word.lower() if small else word for word in words if word.upper() not in known]
    there = [word for word in spelt if vectors.ngrams.vector(word) is not None]
    unit, rows = vectors.with_unseen(there)
    return unit, {word.upper(): row for word, row in zip(there, rows, strict=True)}
