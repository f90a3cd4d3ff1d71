"""Does the course's word2vec, on this text, train the same by hand and by autodiff?

run.py                           measures, and writes results.json; goes on where it was stopped
run.py --quick --results FILE    a few hundred iterations on a small text; answers nothing
run.py --write                   table and answer into README.md, and figure.svg
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from course import CHUNK, GRADIENTS, WINDOWS, text_of, train
from demo_text import demo_text, spread
from figures import Figure, panels
from question import Question, Results, Run, main
from results import markdown

from jw2v.blocks.tables import Tables
from jw2v.corpus import Vocabulary, encode

SEEDS = (1, 2, 3)
LAST = 1000  # iterations that the final loss is the mean of
NAMED = (
    "great", "cool", "brilliant", "wonderful", "well", "amazing", "worth", "sweet", "enjoyable",
    "boring", "bad", "dumb", "annoying", "female", "male", "queen", "king", "man", "woman", "rain",
    "snow", "hail", "coffee", "tea",
)  # fmt: skip


def cells(quick: bool) -> Iterator[Run]:
    size = {"iterations": 600, "lines": 2000} if quick else {"iterations": 40_000, "lines": None}
    for seed in SEEDS[:1] if quick else SEEDS:
        yield {"seed": seed, **size}


def measure(seed: int, iterations: int, lines: int | None) -> Run:
    """The losses of both gradients, how far their tables are apart, and the named words."""
    with demo_text(lines) as path, tempfile.TemporaryDirectory() as folder:
        corpus = encode(path, directory=folder, heldout_every=0)
        text = text_of(corpus, seed)
    runs = {
        name: train(text, gradient, seed=seed, iterations=iterations)
        for name, gradient in GRADIENTS.items()
    }
    tables, _ = runs["by hand"]
    apart = jax.tree.map(lambda a, b: float(abs(a - b).max()), *(t for t, _ in runs.values()))
    return {
        "vocab": len(corpus.vocab),
        "curves": {name: curve(np.asarray(losses)) for name, (_, losses) in runs.items()},
        "final": {name: float(losses[-LAST:].mean()) for name, (_, losses) in runs.items()},
        "apart": max(apart),
        "largest": max(float(abs(table).max()) for table in tables),
        **picture(tables, corpus.vocab),
    }


def curve(losses: np.ndarray) -> list[float]:
    """The mean loss of each `CHUNK` iterations."""
    return losses.astype(np.float64).reshape(-1, CHUNK).mean(axis=1).round(4).tolist()


def picture(tables: Tables, vocab: Vocabulary) -> Run:
    """The named words along the first two singular directions of their centred vectors."""
    words = [word for word in NAMED if word in vocab.index]
    rows = np.concatenate(tables, axis=1)[[vocab.index[word] for word in words]]
    u, s, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    places = (u * s)[:, :2].astype(np.float64).round(4).tolist()
    return {
        "absent": [word for word in NAMED if word not in words],
        "variance": float((s[:2] ** 2).sum() / (s**2).sum()),
        "places": dict(zip(words, places, strict=True)),
    }


def table(results: Results) -> str:
    """A line a seed, and the spread of the losses."""
    runs = results["runs"]
    heads = ["seed", *(f"loss, {name}" for name in GRADIENTS), "largest difference of the tables"]
    heads += ["their largest entry", "variance in the picture"]
    rows = []
    for run in runs:
        losses = [f"{run['final'][name]:.4f}" for name in GRADIENTS]
        sizes = [f"{run['apart']:.1e}", f"{run['largest']:.2f}", f"{run['variance']:.0%}"]
        rows.append([str(run["seed"]), *losses, *sizes])
    spreads = [spread([run["final"][name] for run in runs], 4) for name in GRADIENTS]
    rows.append(["all", *spreads, *[""] * 3])
    absent = ", ".join(runs[0]["absent"])
    made = markdown(heads, rows, first="--:")
    return "\n".join([made, "", f"{runs[0]['vocab']:,} words; not among them: {absent}."])


def figure(results: Results) -> Figure:
    """The losses of the first seed by both gradients, and its named words."""
    run = results["runs"][0]
    drawn, (loss, words) = panels(2, width=5.2, height=4.4)
    for (name, losses), style in zip(run["curves"].items(), ("-", "--"), strict=True):
        at = CHUNK * np.arange(1, len(losses) + 1)
        loss.plot(at, losses, style, linewidth=3 if style == "-" else 1, label=name)
    loss.set(
        xlabel=f"iterations of {WINDOWS} windows",
        ylabel=f"loss, nats a window, mean of {CHUNK} iterations",
        ylim=(0, None),
    )
    loss.legend(frameon=False)
    words.scatter(*zip(*run["places"].values(), strict=True), s=8)
    for word, place in run["places"].items():
        words.annotate(word, place, xytext=(3, 3), textcoords="offset points")
    words.set(xlabel="first singular direction of (v, u)", ylabel="second singular direction")
    words.margins(0.12)
    return drawn


def answer(results: Results) -> str:
    """The final losses, and how far apart the two ways' tables end."""
    runs = results["runs"]
    by_hand, autodiff = (spread([run["final"][name] for run in runs], 2) for name in GRADIENTS)
    apart, largest = max(run["apart"] for run in runs), max(run["largest"] for run in runs)
    return (
        f"Yes: the losses end at {by_hand} by hand and {autodiff} by autodiff, and no entry of the "
        f"tables differs by more than {apart:.1e} where the largest is {largest:.1f}."
    )


QUESTION = Question(FOLDER, cells, measure, table, figure, answer)

if __name__ == "__main__":
    main(QUESTION, __doc__)
