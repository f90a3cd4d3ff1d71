"""What several questions share: the demo's text, the scores of vectors, and their spread."""

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from jw2v.corpus import PAIRS, demo_sentences, pairs_file
from jw2v.errors import DataError, UsageError
from jw2v.vectors import Vectors, analogies, word_pairs

SIZES: dict[str, Any] = {"block": 512, "group": 16, "blocks_per_call": 32}
"""Of every run, so that optimizers and precisions are alike but for what is asked."""
TITLES = {"wordsim353": "WS353", "simlex999": "SimLex-999", "questions-words": "analogies"}


@contextmanager
def demo_text(lines: int | None = None) -> Iterator[Path]:
    """The demo's text, or its first lines, in a file that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.txt"
        sentences = itertools.islice(demo_sentences(), lines)
        path.write_text("".join(f"{one}\n" for one in sentences), encoding="utf-8", newline="\n")
        yield path


def evaluation_files() -> tuple[list[Path], Path]:
    """The files of word pairs and the file of analogies that gensim brings.

    Raises:
      UsageError: gensim is not installed.
    """
    found = [path for name in PAIRS if (path := pairs_file(name)) is not None]
    if len(found) < len(PAIRS):
        raise UsageError('no word pairs and analogies; run: pip install "jw2v[demo]"')
    *pairs, questions = found
    return pairs, questions


def scores(vectors: Vectors) -> dict[str, float]:
    """By the names of `TITLES`: Spearman's rho on word pairs, accuracy on analogies.

    Raises:
      DataError: the vectors know too few of the words.
    """
    pairs, questions = evaluation_files()
    found: dict[str, float | None] = {}
    for path in pairs:
        score = word_pairs(vectors, path)
        found[score.name] = score.spearman
    answered = analogies(vectors, questions)
    found[answered.name] = answered.accuracy
    return {name: known(name, score) for name, score in found.items()}


def known(name: str, score: float | None) -> float:
    """A score that there is.

    Raises:
      DataError: there is none.
    """
    if score is None:
        raise DataError(f"the text knows too few words of {name}; train on more lines")
    return score


def mean_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation over seeds; of one value the deviation is 0."""
    return fmean(values), stdev(values) if len(values) > 1 else 0.0


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Mean ± standard deviation, for a table."""
    mean, deviation = mean_deviation(values)
    return f"{mean:,.{digits}f} ± {deviation:,.{digits}f}"
