"""What does a step cost as the vocabulary grows, with naive softmax and with negative sampling?

run.py           measures, and writes results.json; goes on where it was stopped
run.py --quick   a small form in a minute, into --results; its results answer nothing
run.py --write   table and answer into README.md, and figure.svg
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from jw2v.errors import DataError
from jw2v.training import backend

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent), str(FOLDER.parent / "kernel")]

from costs import alternating, operations, spread
from figures import COLOURS, Figure, panels
from question import Question, Results, Run, main
from steps import Sizes, beyond_tables, steps

SOFTMAX, SAMPLING = LOSSES = ("naive softmax", "negative sampling")
COSTS = {
    "operations": "operations a centre word",
    "time": "time a centre word, µs",
    "memory": "memory beyond the tables, bytes",
}
VOCABULARIES = (30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
QUICK = (30, 1_000, 3_000)
LARGE = 10_000  # words, from which on growth is fitted


def cells(quick: bool) -> Iterator[Run]:
    """The vocabularies, with what else a step is of."""
    for vocab in QUICK if quick else VOCABULARIES:
        sizes = Sizes(vocab, block=256, dim=100, window=5)
        yield sizes._asdict() | {"repeats": 3 if quick else 11}


def measure(*, repeats: int, **sizes: int) -> Run:
    """What a step of either loss costs."""
    found = steps(Sizes(**sizes))
    seconds = alternating({loss: step.call for loss, step in found.items()}, repeats)
    return {
        loss: {
            "operations": operations(step.program) / sizes["block"],
            "time": [1e6 * each / sizes["block"] for each in seconds[loss]],
            "memory": beyond_tables(step.program),
        }
        for loss, step in found.items()
    }


def table(results: Results) -> str:
    """Costs by vocabulary; how they grow, and where the losses cost the same."""
    runs = results["runs"]
    large = [run for run in runs if run["vocab"] >= LARGE] or runs
    grown = "; ".join(
        f"{loss} as " + ", ".join(f"V^{growth(large, loss, cost):z.2f} in {cost}" for cost in COSTS)
        for loss in LOSSES
    )
    equal = ", ".join(f"V = {break_even(runs, cost):,.0f} in {cost}" for cost in COSTS)
    return "\n".join(
        [
            "| vocabulary | operations a centre, k | ratio | µs a centre | ratio "
            "| MB beyond the tables | ratio |",
            "| --: " * 7 + "|",
            *map(_row, runs),
            "",
            f"Cells are {SOFTMAX} / {SAMPLING}; times and their ratio are median (range).",
            "",
            f"From V = {large[0]['vocab']:,} to {large[-1]['vocab']:,} costs grow: {grown}. "
            f"The losses cost the same at {equal}.",
        ]
    )


def medians(runs: Sequence[Run], loss: str, cost: str) -> np.ndarray:
    """A cost by vocabulary."""
    return np.array([np.median(run[loss][cost]) for run in runs])


def growth(runs: Sequence[Run], loss: str, cost: str) -> float:
    """The power of the vocabulary as which a cost grows, by least squares."""
    vocab = [run["vocab"] for run in runs]
    return float(np.polyfit(np.log(vocab), np.log(medians(runs, loss, cost)), 1)[0])


def break_even(runs: Sequence[Run], cost: str) -> float:
    """The vocabulary at which both losses cost the same, in logarithms between measured ones.

    Raises:
      DataError: it is not between measured ones.
    """
    log_ratio = np.log(medians(runs, SOFTMAX, cost) / medians(runs, SAMPLING, cost))
    last = int(np.argmax(log_ratio > 0))  # the first vocabulary at which naive softmax is dearer
    if last == 0:
        raise DataError(f"the losses' {cost} is equal at no vocabulary between measured ones")
    around = slice(last - 1, last + 1)
    log_vocab = np.log([run["vocab"] for run in runs[around]])
    return float(np.exp(np.interp(0, log_ratio[around], log_vocab)))


def figure(results: Results) -> Figure:
    """A panel a cost, a line a loss, and where the lines cross."""
    runs = results["runs"]
    vocab = [run["vocab"] for run in runs]
    made, axes = panels(len(COSTS))
    for axis, (cost, words) in zip(axes, COSTS.items(), strict=True):
        for loss, colour in zip(LOSSES, COLOURS, strict=False):
            ends = [(np.min(run[loss][cost]), np.max(run[loss][cost])) for run in runs]
            axis.plot(vocab, medians(runs, loss, cost), "o-", ms=4, color=colour, label=loss)
            axis.vlines(vocab, *zip(*ends, strict=True), color=colour)
        equal = break_even(runs, cost)
        axis.axvline(equal, color=COLOURS[5], lw=0.8, ls=":")
        top = axis.get_xaxis_transform()
        axis.text(equal, 1, f" equal at {equal:,.0f}", transform=top, va="top", color=COLOURS[5])
        axis.set(xscale="log", yscale="log", xlabel="vocabulary V, words", ylabel=words)
    axes[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.2))
    return made


def _row(run: Run) -> str:
    softmax, sampling = (run[loss] for loss in LOSSES)
    ratio = {cost: np.divide(softmax[cost], sampling[cost]) for cost in COSTS}  # repeat by repeat
    operations, memory = (
        f"{softmax[cost] / unit:,.{digits}f} / {sampling[cost] / unit:,.{digits}f}"
        for cost, unit, digits in (("operations", 1e3, 0), ("memory", 1e6, 2))
    )
    time = " / ".join(spread(loss["time"], ",.1f") for loss in (softmax, sampling))
    return (
        f"| {run['vocab']:,} | {operations} | {ratio['operations']:,.1f} "
        f"| {time} | {spread(ratio['time'], ',.1f')} | {memory} | {ratio['memory']:,.1f} |"
    )


def answer(results: Results) -> str:
    """Where the losses cost the same, and how far apart they are at the largest vocabulary."""
    runs = results["runs"]
    largest = runs[-1]
    apart = {
        cost: float(np.median(np.divide(largest[SOFTMAX][cost], largest[SAMPLING][cost])))
        for cost in COSTS
    }
    times = ", ".join(f"{ratio:,.0f} times the {cost}" for cost, ratio in apart.items())
    equal = ", ".join(f"{break_even(runs, cost):,.0f} words in {cost}" for cost in COSTS)
    return (
        "The document's sentence holds from some hundred words on (the losses cost the same at "
        f"{equal}). At V = {largest['vocab']:,} a step of naive softmax takes {times} of one of "
        "negative sampling."
    )


QUESTION = Question(FOLDER, cells, measure, table, figure, answer)

if __name__ == "__main__":
    backend.one_thread()
    main(QUESTION, __doc__)
