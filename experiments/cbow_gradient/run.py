"""Does CBOW learn better by its gradient than by word2vec.c's update?

run.py                           measures, and writes results.json; goes on where it was stopped
run.py --quick --results FILE    one rate of each, two epochs of a small text; answers nothing
run.py --write                   table and answer into README.md, and figure.svg
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from demo_text import SIZES, TITLES, demo_text, mean_deviation, scores, spread
from figures import Figure, panels
from question import Question, Results, Run, groups, main
from results import markdown

import jw2v
from jw2v.demo import CONFIG
from jw2v.vectors import Vectors

WAYS: dict[str, tuple[float, ...]] = {
    "gradient": (0.05, 0.1, 0.2, 0.4),
    "word2vec.c's update": (0.025, 0.05, 0.1, 0.2),
    "gradient, sum": (0.0125, 0.025, 0.05, 0.1),
    "gensim": (0.025, 0.05, 0.1),
}
SEEDS = (1, 2, 3)
ALIKE: dict[str, Any] = {"shared_negatives": 24, "precision": "float32", **SIZES}
"""Of every run of jw2v, on any processor."""


def cells(quick: bool) -> Iterator[Run]:
    budget = {"epochs": 2, "lines": 4000} if quick else {"epochs": CONFIG.epochs, "lines": None}
    for way, rates in WAYS.items():
        for lr in rates[:1] if quick else rates:
            for seed in SEEDS[:1] if quick else SEEDS:
                yield {"way": way, "lr": lr, "seed": seed, **budget}


def measure(way: str, lr: float, seed: int, epochs: int, lines: int | None) -> Run:
    """Scores of the vectors that one way trains."""
    train = by_gensim if way == "gensim" else by_jw2v
    with demo_text(lines) as text:
        return {"scores": scores(train(text, way=way, lr=lr, seed=seed, epochs=epochs))}


def by_jw2v(text: Path, *, way: str, **options: Any) -> Vectors:
    config = replace(CONFIG, model="cbow", heldout_every=0, workers=1, **ALIKE, **options)
    config = replace(
        config,
        cbow_mean=way != "gradient, sum",
        cbow_update="word2vec" if way.startswith("word2vec") else "gradient",
    )
    return jw2v.train(text, config, check=False)


def by_gensim(text: Path, *, way: str, lr: float, seed: int, epochs: int) -> Vectors:
    """With jw2v's options, as far as gensim has them; one thread, so that a seed decides."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        corpus_file=str(text),
        sg=0,
        vector_size=CONFIG.dim,
        window=CONFIG.window,
        negative=CONFIG.negatives,
        sample=CONFIG.sample,
        min_count=CONFIG.min_count,
        alpha=lr,
        seed=seed,
        epochs=epochs,
        workers=1,
    )
    words = tuple(str(word) for word in model.wv.index_to_key)
    return Vectors(words, np.asarray(model.wv.vectors, np.float32))


def table(results: Results) -> str:
    """A line a way and rate: mean ± standard deviation over the seeds."""
    rows = []
    for (way, lr), runs in groups(results["runs"], "way", "lr").items():
        marks = [spread([run["scores"][name] for run in runs]) for name in TITLES]
        rows.append([str(way), f"{lr:g}", *marks])
    return markdown(["trained by", "lr", *TITLES.values()], rows)


def best(results: Results, way: str) -> dict[str, tuple[float, float, float]]:
    """By task the best mean of a way over its rates: mean, deviation and rate."""
    found = groups((run for run in results["runs"] if run["way"] == way), "lr")
    return {
        name: max(
            (*mean_deviation([run["scores"][name] for run in runs]), runs[0]["lr"])
            for runs in found.values()
        )
        for name in TITLES
    }


def answer(results: Results) -> str:
    """Each way at the best of its rates, by task."""
    says = []
    for name, title in TITLES.items():
        marks = [
            f"{way} {mean:.3f} ± {deviation:.3f}"
            for way in WAYS
            for mean, deviation, _ in [best(results, way)[name]]
        ]
        says.append(f"{title}: {', '.join(marks)}")
    return f"Each at the best of its learning rates. {'; '.join(says)}."


def figure(results: Results) -> Figure:
    """Scores by learning rate, a panel a task, a line a way."""
    drawn, axes = panels(len(TITLES))
    for axis, (name, title) in zip(axes, TITLES.items(), strict=True):
        for way in WAYS:
            found = groups((run for run in results["runs"] if run["way"] == way), "lr").values()
            spreads = [mean_deviation([run["scores"][name] for run in runs]) for runs in found]
            rates = [runs[0]["lr"] for runs in found]
            means, deviations = zip(*spreads, strict=True)
            axis.errorbar(rates, means, deviations, marker="o", markersize=4, capsize=3, label=way)
        measure = "share answered right" if title == "analogies" else "Spearman's ρ"
        axis.set(title=title, xlabel="learning rate", ylabel=measure, xscale="log")
        axis.xaxis.set_minor_formatter("")
    axes[0].legend(frameon=False)
    return drawn


QUESTION = Question(FOLDER, cells, measure, table, figure, answer)

if __name__ == "__main__":
    main(QUESTION, __doc__)
