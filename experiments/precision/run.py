"""What do float32, operands in bfloat16, float64 and the polynomial sigmoid do to training?

run.py                           measures, and writes results.json; goes on where it was stopped
run.py --quick --results FILE    two epochs of a small text; answers nothing
run.py --write                   table and answer into README.md, and figure.svg
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from demo_text import SIZES, TITLES, demo_text, mean_deviation, scores, spread
from figures import Figure, panels
from question import Question, Results, Run, groups, main
from results import markdown

import jw2v
from jw2v.blocks import negative_sampling, noise
from jw2v.blocks.tables import RowGrads, whole_table
from jw2v.blocks.windows import Block
from jw2v.corpus import Corpus, Vocabulary, encode, keep_probability, segments
from jw2v.demo import CONFIG
from jw2v.losses.negative_sampling import EXACT, POLYNOMIAL

WAYS = {
    ("float64", "polynomial"): "float64",
    ("float32", "polynomial"): "float32",
    ("float32", "exact"): "float32, exact sigmoid",
    ("bfloat16", "polynomial"): "bfloat16 operands",
}
ERRORS = {"rounding": "rounding", "in_all": "rounding and σ̃"}
SEEDS = (1, 2, 3)
TIGHT = {"frameon": False, "columnspacing": 0.8, "handletextpad": 0.1}  # for legends


def cells(quick: bool) -> Iterator[Run]:
    budget = {"epochs": 2, "lines": 4000} if quick else {"epochs": CONFIG.epochs, "lines": None}
    for seed in SEEDS[:1] if quick else SEEDS:
        for precision, sigmoid in WAYS:
            yield {"precision": precision, "sigmoid": sigmoid, "seed": seed, **budget}


def measure(precision: str, sigmoid: str, seed: int, epochs: int, lines: int | None) -> Run:
    """How a run ends, and how far the gradient of a block is off at its end."""
    way = {"precision": precision, "sigmoid": sigmoid, "shared_negatives": CONFIG.group_negatives}
    config = replace(CONFIG, **way, seed=seed, epochs=epochs, workers=1, **SIZES)
    with demo_text(lines) as text, tempfile.TemporaryDirectory() as folder:
        corpus = encode(text, directory=folder, min_count=config.min_count, seed=seed)
        vectors = jw2v.train(text, config, init=start(corpus.vocab, config), check=False)
        block = block_of(corpus, config)
    found = gradient(vectors, block, config)
    wide = gradient(vectors, block, replace(config, precision="float64"))
    written = gradient(vectors, block, replace(config, precision="float64", sigmoid="exact"))
    return {
        "heldout_loss": vectors.run["heldout_loss"],
        "words_per_s": vectors.run["words_per_s"],
        "scores": scores(vectors),
        "rounding": off(found, wide),
        "in_all": off(found, written),
    }


def start(vocab: Vocabulary, config: jw2v.Config) -> jw2v.Vectors:
    """The vectors that every way starts from: drawn once, in float32, since JAX's draws differ."""
    limit, shape = 0.5 / config.dim, (len(vocab), config.dim)
    V = np.random.default_rng(config.seed).uniform(-limit, limit, shape).astype(np.float32)
    return jw2v.Vectors(vocab.words, V, np.zeros_like(V))


def block_of(corpus: Corpus, config: jw2v.Config) -> Block:
    """The first block of a text, subsampled as for training, with negatives for its groups."""
    counts = corpus.vocab.counts
    keep = keep_probability(counts, config.sample)
    ids, sentence = next(segments(corpus.train, keep, seed=config.seed, epoch=0))
    size = config.block_size
    halo = size + 2 * config.window
    law = noise.table(counts, exponent=config.ns_exponent)
    shape = size // config.group_size, config.group_negatives
    return Block(
        jnp.asarray(ids[:halo]),
        jnp.asarray(sentence[:halo]),
        jnp.full(size, config.window, jnp.int32),
        noise.draw(jax.random.key(config.seed), law, shape),
    )


def gradient(vectors: jw2v.Vectors, block: Block, config: jw2v.Config) -> np.ndarray:
    """The gradient of a block by both tables, one after the other, computed as a config says."""
    kernel = negative_sampling.kernel(
        negatives=config.negatives,
        weights=config.weights,
        tile=config.tile_size,
        operands="bfloat16" if config.precision == "bfloat16" else None,
        by=POLYNOMIAL if config.sigmoid == "polynomial" else EXACT,
    )
    assert kernel.loss_and_grads is not None
    wide = config.precision == "float64"
    with jax.enable_x64(wide):
        dtype = jnp.float64 if wide else jnp.float32
        V, U = (jnp.asarray(table, dtype) for table in (vectors.vectors, vectors.outside))
        centre, outside = kernel.ids(block)
        assert outside is not None
        _, (d_v, d_u) = jax.jit(kernel.loss_and_grads)(V[centre], U[outside], block)
        d_V = whole_table(RowGrads(centre, d_v), V)
        d_U = whole_table(RowGrads(outside, d_u), U)
        return np.stack([d_V, d_U]).astype(np.float64)


def off(found: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """The largest error by the largest entry, and the RMS of errors by that of entries."""
    error = found - true
    return {
        "largest": float(np.abs(error).max() / np.abs(true).max()),
        "rms": float(np.linalg.norm(error) / np.linalg.norm(true)),
    }


def by_way(results: Results) -> dict[str, list[Run]]:
    """The runs of each way, with what the held-out loss is above float64's from the same start."""
    of_seed = {
        run["seed"]: run["heldout_loss"] for run in results["runs"] if run["precision"] == "float64"
    }
    runs = [run | {"above": run["heldout_loss"] - of_seed[run["seed"]]} for run in results["runs"]]
    found = groups(runs, "precision", "sigmoid")
    return {title: found[way] for way, title in WAYS.items()}


def table(results: Results) -> str:
    """A line a way: mean ± standard deviation over the seeds, and the mean of errors."""
    heads = ["", "held-out loss", "above float64's, 10⁻³", *TITLES.values(), "words/s"]
    heads += [f"{error}, {size}" for error in ERRORS.values() for size in ("largest", "RMS")]
    rows = []
    for title, runs in by_way(results).items():
        row = [title, spread([run["heldout_loss"] for run in runs], 4)]
        row += [spread([1e3 * run["above"] for run in runs])]
        row += [spread([run["scores"][name] for run in runs]) for name in TITLES]
        row += [spread([run["words_per_s"] for run in runs], 0)]
        row += [
            f"{fmean(run[error][size] for run in runs):.2g}"
            for error in ERRORS
            for size in ("largest", "rms")
        ]
        rows.append(row)
    return markdown(heads, rows)


def figure(results: Results) -> Figure:
    """What training ends with, how fast it is and how far its gradient is off, a line a way."""
    ways = by_way(results)
    drawn, (loss, score, speed, error) = panels(4, width=3.4, height=2.8)
    _draw(loss, ways, lambda run: 1e3 * run["above"])
    for name, title in TITLES.items():
        _draw(score, ways, lambda run, name=name: run["scores"][name], title)
    _draw(speed, ways, lambda run: run["words_per_s"] / 1e6)
    for name, title in ERRORS.items():
        _draw(error, ways, lambda run, name=name: run[name]["rms"], title)
    loss.set(xlabel="held-out loss above float64's, 10⁻³ nats")
    score.set(xlabel="Spearman's ρ, or share right")
    speed.set(xlabel="training, million words/s", xlim=(0, None))
    error.set(xlabel="RMS error of a gradient, relative", xscale="log")
    loss.invert_yaxis()
    for ax in (score, speed, error):
        ax.sharey(loss)
        ax.tick_params(labelleft=False)
    for ax in (score, error):
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, **TIGHT)
    return drawn


def _draw(
    ax: Any, ways: dict[str, list[Run]], of: Callable[[Run], float], label: str | None = None
) -> None:
    spreads = [mean_deviation([of(run) for run in runs]) for runs in ways.values()]
    means, deviations = zip(*spreads, strict=True)
    ax.errorbar(means, list(ways), xerr=deviations, fmt="o", capsize=3, label=label)


def answer(results: Results) -> str:
    """How far each way's loss is from float64's, and how far its gradient is off."""
    ways = by_way(results)
    above = [
        f"by {fmean(1e3 * run['above'] for run in runs):z.3f}·10⁻³ nats with {title}"
        for title, runs in ways.items()
        if title != "float64"
    ]
    off = [
        f"by {fmean(run['in_all']['rms'] for run in runs):.1g} with {title}"
        for title, runs in ways.items()
    ]
    deviation = max(mean_deviation([r["heldout_loss"] for r in runs])[1] for runs in ways.values())
    return (
        "All have the polynomial sigmoid, float64 too, but where the exact one is named. The "
        f"held-out loss is above float64's {'; '.join(above)}; seeds differ by "
        f"{1e3 * deviation:.1f}·10⁻³. A block's gradient is off from that in float64 with the "
        f"exact sigmoid {'; '.join(off)} (RMS of errors by that of entries): what float64 is off "
        "by is the polynomial alone."
    )


QUESTION = Question(FOLDER, cells, measure, table, figure, answer)

if __name__ == "__main__":
    main(QUESTION, __doc__)
