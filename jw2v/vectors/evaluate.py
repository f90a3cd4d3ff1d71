"""How well vectors agree with people: similarity of word pairs, and analogies."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from jw2v.errors import UsageError
from jw2v.vectors.neighbors import cosines, nearest
from jw2v.vectors.questions import Source, read_pairs, read_questions, source_name
from jw2v.vectors.table import Vectors


class PairScore(NamedTuple):
    """Spearman's rho of cosines against the scores of a file of word pairs."""

    name: str
    spearman: float | None  # None where fewer than two pairs are covered, or all rank alike
    pairs: int  # in the file
    covered: int  # with both words known


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


def word_pairs(vectors: Vectors, source: Source) -> PairScore:
    r"""Spearman's rank correlation of cosines with people's scores of word pairs.

    Args:
      vectors: the words and their vectors. A word that is missing as written is looked up in
        lower case; a pair with an unknown word is left out.
      source: path, open file or lines, `word1 word2 score` each, between tabs, commas or blanks;
        lines that start with # are comments, and a first line without a score is a header.

    Returns:
      `PairScore(name, spearman, pairs, covered)`, named as the file without its ending.

    Raises:
      DataError: the file cannot be read, or a line is not a pair with its score.

    >>> import io
    >>> table = np.array([[4, 0], [4, 1], [2, 4], [0, 4]], np.float32)
    >>> vectors = Vectors(("tiger", "cat", "car", "train"), table)
    >>> word_pairs(vectors, io.StringIO("tiger cat 7.4\ntiger car 2.1\nTrain car 6.3\n"))
    PairScore(name='text', spearman=1.0, pairs=3, covered=3)
    """
    pairs = list(read_pairs(source))
    rows = [(_find(vectors, a), _find(vectors, b)) for a, b, _ in pairs]
    covered = np.array([None not in row for row in rows], bool)
    left, right = np.array([row for row in rows if None not in row], np.int32).reshape(-1, 2).T
    scores = np.array([score for _, _, score in pairs], np.float64)[covered]
    rho = spearman(np.asarray(cosines(vectors.unit, left, right)), scores)
    return PairScore(source_name(source), rho, len(pairs), len(scores))


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
    vectors: Vectors, source: Source, *, restrict: int = 300_000, batch: int = 64
) -> AnalogyScore:
    r"""Accuracy on questions "a is to b as c is to d": is d the word nearest to b - a + c?

    3CosAdd over unit vectors; a, b and c are no answers. A question with an unknown word is left
    out; a word that is missing as written is looked up in lower case.

    Args:
      vectors: the words and their vectors, most frequent first.
      source: path, open file or lines in the format of questions-words.txt: `: section`, then
        four words a line.
      restrict: only the first so many words are known and searched.
      batch: questions answered at once; the device holds `batch * vocab` scores.

    Returns:
      `AnalogyScore(name, accuracy, questions, covered, sections)`.

    Raises:
      DataError: the file cannot be read, a line is not four words, or stands before any section.
      UsageError: `restrict` or `batch` is below 1.

    >>> import io
    >>> words = ("man", "king", "woman", "queen", "apple")
    >>> table = np.array([[1, 0], [1, 1], [-1, 0], [-1, 1], [0, -1]], np.float32)
    >>> analogies(Vectors(words, table), io.StringIO(": royals\nman king woman queen\n")).sections
    (SectionScore(name='royals', correct=1, total=1),)
    """
    for option, value in (("restrict", restrict), ("batch", batch)):
        if value < 1:
            raise UsageError(f"{option} is {value}; give 1 or more (--{option})")
    names, questions = read_questions(source)
    rows = [[_find(vectors, word, restrict) for word in words] for _, words in questions]
    covered = [None not in row for row in rows]
    section = np.array([number for number, _ in questions], np.int32)[covered]
    ids = np.array([row for row in rows if None not in row], np.int32).reshape(-1, 4)
    right = _answered(vectors, ids, restrict=restrict, batch=batch)
    total = np.bincount(section, minlength=len(names)).tolist()
    correct = np.bincount(section[right], minlength=len(names)).tolist()
    return AnalogyScore(
        name=source_name(source),
        accuracy=sum(correct) / len(ids) if len(ids) else None,
        questions=len(questions),
        covered=len(ids),
        sections=tuple(map(SectionScore, names, correct, total)),
    )


def _answered(vectors: Vectors, ids: np.ndarray, *, restrict: int, batch: int) -> np.ndarray:
    """For rows a, b, c, d: is d the nearest to b - a + c?"""
    signs = np.array([-1, 1, 1], np.float32)
    unit = vectors.unit[:restrict]
    found = nearest(unit, ids[:, :3], signs, topn=1, batch=batch)
    return (found.ids[:, 0] == ids[:, 3]) & (found.scores[:, 0] > -np.inf)


def _find(vectors: Vectors, word: str, restrict: int | None = None) -> int | None:
    row = vectors.index.get(word, vectors.index.get(word.lower()))
    return None if row is None or (restrict is not None and row >= restrict) else row
