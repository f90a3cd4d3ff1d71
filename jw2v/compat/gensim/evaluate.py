"""gensim's evaluations of vectors on files of word pairs and of analogies."""

from typing import Any, NamedTuple

import jax
import numpy as np

from jw2v.compat.gensim.queries import LOG, Queries, cosine
from jw2v.compat.gensim.word2vec_format import open_file
from jw2v.vectors.evaluate import answered, average_ranks, spellings
from jw2v.vectors.neighbors import nearest, unit_table

Section = dict[str, Any]
NEAR = 8  # answers looked at: a, b and c may be among them in other cases
B_MINUS_A_PLUS_C = np.array([-1, 1, 1], np.float32)


class Correlation(NamedTuple):
    """A correlation and the probability of one as far from 0 by chance, two-tailed."""

    statistic: float
    pvalue: float


def correlation(x: np.ndarray, y: np.ndarray) -> Correlation:
    """Pearson's r; its p-value is that of t with n - 2 degrees of freedom, and 1 of two pairs.

    Both are NaN where all numbers of one side are equal.

    Raises:
      ValueError: there are fewer than two numbers, as SciPy tells it.

    >>> correlation(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 5.0]))
    Correlation(statistic=0.83..., pvalue=0.16...)
    """
    if len(x) < 2:
        raise ValueError("`x` and `y` must have length at least 2.")
    with np.errstate(divide="ignore", invalid="ignore"):
        r = float(np.corrcoef(x, y)[0, 1])
    freedom = len(x) - 2
    if not freedom:
        return Correlation(r, 1.0 if np.isfinite(r) else np.nan)
    with jax.enable_x64(True):
        tail = jax.scipy.special.betainc(freedom / 2, 0.5, np.maximum(0.0, 1 - r * r))
    return Correlation(r, float(tail))


def word_pairs(
    words: Queries,
    pairs: Any,
    delimiter: str = "\t",
    encoding: str = "utf8",
    restrict_vocab: int = 300000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> tuple[Correlation, Correlation, float]:
    """Pearson's and Spearman's correlation with people's scores, and the percentage left out.

    Raises:
      ValueError: no pair is covered, or one alone.
    """
    known, _ = spellings(words.index_to_key[:restrict_vocab], ignore_case=case_insensitive)
    with open_file(pairs) as file:
        lines = [line.decode(encoding) for line in file]
    told = [_pair(line, delimiter, case_insensitive) for line in lines if not line.startswith("#")]
    judged = [pair for pair in told if pair is not None]
    covered = [pair for pair in judged if pair[0] in known and pair[1] in known]
    missing = len(judged) - len(covered)
    model = [cosine(words.vectors[known[a]], words.vectors[known[b]]) for a, b, _ in covered]
    gold = [score for *_, score in covered]
    if dummy4unknown:
        gold += [score for a, b, score in judged if not (a in known and b in known)]
        model += [0.0] * missing
    if not gold:
        raise ValueError(f"No valid similarity judgements found in {pairs}: all are unknown")
    x, y = np.array(gold), np.array(model)
    pearson, spearman = correlation(x, y), correlation(average_ranks(x), average_ranks(y))
    if len(x) == 2:  # of ranks t has no degree of freedom left
        spearman = spearman._replace(pvalue=np.nan)
    return pearson, spearman, 100 * missing / len(judged)


def _pair(line: str, delimiter: str, case_insensitive: bool) -> tuple[str, str, float] | None:
    try:
        a, b, score = (line.upper() if case_insensitive else line).split(delimiter)
        return a, b, float(score)
    except ValueError:
        LOG.info("left out, not a pair with its score: %s", line.strip())
        return None


def word_analogies(
    words: Queries,
    analogies: Any,
    restrict_vocab: int = 300000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    similarity_function: str = "most_similar",
) -> tuple[float, list[Section]]:
    """The share of analogies answered right (3CosAdd), and the questions of each section.

    As in gensim, `similarity_function` is not looked at.

    Raises:
      ValueError: a question stands before any section.
    """
    known, first = spellings(words.index_to_key[:restrict_vocab], ignore_case=case_insensitive)
    names, questions = _read_questions(analogies, case_insensitive)
    covered = [all(word in known for word in asked) for _, asked in questions]
    ids = [[known[w] for w in asked] for (_, asked), c in zip(questions, covered, strict=True) if c]
    right = iter(_answered(words, first, np.array(ids, np.int32).reshape(-1, 4)))
    sections = [Section(section=name, correct=[], incorrect=[]) for name in names]
    for (number, asked), here in zip(questions, covered, strict=True):
        if here or dummy4unknown:
            kind = "correct" if here and next(right) else "incorrect"
            sections[number][kind].append(tuple(asked))
    total = Section(section="Total accuracy")
    for kind in ("correct", "incorrect"):
        total[kind] = [asked for section in sections for asked in section[kind]]
    asked = len(total["correct"]) + len(total["incorrect"])
    return len(total["correct"]) / max(1, asked), [*sections, total]


def _read_questions(
    path: Any, case_insensitive: bool
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    names: list[str] = []
    questions: list[tuple[int, list[str]]] = []
    with open_file(path) as file:
        for number, line in enumerate(file, start=1):
            text = line.decode()
            asked = (text.upper() if case_insensitive else text).split()
            if text.startswith(": "):
                names.append(text.lstrip(": ").strip())
            elif not names:
                raise ValueError(f"Missing section header before line #{number} in {path}")
            elif len(asked) == 4:
                questions.append((len(names) - 1, asked))
            else:
                LOG.info("left out, not four words: %s:%d", path, number)
    return names, questions


def _answered(words: Queries, first: np.ndarray, ids: np.ndarray) -> list[bool]:
    """For rows a, b, c, d: is d the first near b - a + c that is none of them, in any case?

    `first` is the row that stands for each row: the first that is spelt so.
    """
    if not len(ids):
        return []
    unit = unit_table(words.vectors[: len(first)])
    found = nearest(unit, ids[:, :3], B_MINUS_A_PLUS_C, topn=min(NEAR, len(first)))
    answers = np.where(found.scores > -np.inf, found.ids, -1)
    return answered(answers, ids, first=first).tolist()
