"""Which exponent of the noise law gives the best vectors at equal budget?

run.py                           measures, and writes results.json; goes on where it was stopped
run.py --quick --results FILE    two exponents, two epochs of a small text; answers nothing
run.py --write                   table and answer into README.md, and figure.svg
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from demo_text import (
    SIZES,
    TITLES,
    demo_text,
    evaluation_files,
    known,
    mean_deviation,
    scores,
    spread,
)
from figures import Figure, panels
from question import Question, Results, Run, groups, main
from results import markdown

import jw2v
from jw2v.demo import CONFIG
from jw2v.vectors import word_pairs
from jw2v.vectors.questions import read_pairs

EXPONENTS = (-0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
SEEDS = (1, 2, 3)


def cells(quick: bool) -> Iterator[Run]:
    exponents, seeds = ((0.0, 0.75), SEEDS[:1]) if quick else (EXPONENTS, SEEDS)
    budget = {"epochs": 2, "lines": 4000} if quick else {"epochs": CONFIG.epochs, "lines": None}
    for seed in seeds:
        for exponent in exponents:
            yield {"exponent": exponent, "seed": seed, **budget}


def measure(exponent: float, seed: int, epochs: int, lines: int | None) -> Run:
    """Scores of the vectors that one law trains: on all pairs and on some of them."""
    config = replace(
        CONFIG, ns_exponent=exponent, seed=seed, epochs=epochs, heldout_every=0, workers=1, **SIZES
    )
    with demo_text(lines) as text:
        vectors = jw2v.train(text, config, check=False)
    return {"scores": scores(vectors), "halves": halves(vectors)}


def halves(vectors: jw2v.Vectors) -> dict[str, dict[str, Any]]:
    """By file, pairs whose words both occur more often than the median of its words, or neither."""
    assert vectors.counts is not None
    count = dict(zip(vectors.words, vectors.counts.tolist(), strict=True))
    found = {}
    for path in evaluation_files()[0]:
        pairs = [
            (f"{a}\t{b}\t{score}", (count[a.lower()], count[b.lower()]))
            for a, b, score in read_pairs(path)
            if a.lower() in count and b.lower() in count
        ]
        median = np.median([counts for _, counts in pairs])
        frequent = [line for line, counts in pairs if min(counts) > median]
        rare = [line for line, counts in pairs if max(counts) <= median]
        found[path.stem] = {
            name: {
                "pairs": len(some),
                "score": known(path.stem, word_pairs(vectors, some).spearman),
            }
            for name, some in (("frequent", frequent), ("rare", rare))
        }
    return found


def series(runs: Sequence[Run]) -> dict[tuple[str, str], list[float]]:
    """The scores of a law's runs, by task and by which of its questions."""
    found = {}
    for name, title in TITLES.items():
        found[title, "all"] = [run["scores"][name] for run in runs]
        for half, first in runs[0]["halves"].get(name, {}).items():
            some = f"{first['pairs']} of {half} words"
            found[title, some] = [run["halves"][name][half]["score"] for run in runs]
    return found


def by_exponent(results: Results) -> dict[float, dict[tuple[str, str], list[float]]]:
    """The series of each law, by rising exponent."""
    laws = groups(sorted(results["runs"], key=itemgetter("exponent")), "exponent")
    return {runs[0]["exponent"]: series(runs) for runs in laws.values()}


def table(results: Results) -> str:
    """A line a law: mean ± standard deviation over the seeds."""
    laws = by_exponent(results)
    heads = [", ".join(key) for key in next(iter(laws.values()))]
    rows = [[f"{law:g}", *map(spread, found.values())] for law, found in laws.items()]
    return markdown(["exponent", *heads], rows, first="--:")


def figure(results: Results) -> Figure:
    """Scores by exponent, a panel a task."""
    laws = by_exponent(results)
    drawn, axes = panels(len(TITLES))
    panel = dict(zip(TITLES.values(), axes, strict=True))
    for title, some in next(iter(laws.values())):
        spreads = [mean_deviation(found[title, some]) for found in laws.values()]
        means, deviations = zip(*spreads, strict=True)
        panel[title].errorbar(
            list(laws), means, deviations, marker="o", markersize=4, capsize=3, label=some
        )
    for title, ax in panel.items():
        measure = "share answered right" if title == "analogies" else "Spearman's ρ"
        ax.set(title=title, xlabel="exponent of the noise law", ylabel=measure, xticks=list(laws))
        ax.legend(frameon=False)
    return drawn


def answer(results: Results) -> str:
    """The law with the best mean on each task."""
    laws = by_exponent(results)
    best = [
        (title, *max((mean_deviation(found[title, "all"]), law) for law, found in laws.items()))
        for title in TITLES.values()
    ]
    says = [f"{title} {mean:.3f} ± {dev:.3f} with {law:g}" for title, (mean, dev), law in best]
    usual = laws[0.75]
    there = [f"{mean_deviation(usual[title, 'all'])[0]:.3f}" for title in TITLES.values()]
    return f"Best are {', '.join(says)}; the usual 0.75 has {', '.join(there)}."


QUESTION = Question(FOLDER, cells, measure, table, figure, answer)

if __name__ == "__main__":
    main(QUESTION, __doc__)
