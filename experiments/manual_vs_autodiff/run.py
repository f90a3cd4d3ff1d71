"""Is a gradient derived by hand faster, smaller or more exact than jax.grad's?

run.py           measures, and writes results.json; goes on where it was stopped
run.py --quick   a small form in a minute, into --results; its results answer nothing
run.py --write   table and answer into README.md, and figure.svg
"""

import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jw2v.training import backend

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from costs import alternating, memory, operations, spread
from figures import COLOURS, Figure, panels
from gradients import AUTODIFF, BY_HAND, CASES, WAYS, Draws
from question import Question, Results, Run, main
from rounding import rounding

SCORES = [1, 8]  # standard deviations: where the sigmoid bends, and mostly where it is flat
PANELS: dict[str, Callable[[Run], list[float]]] = {
    "time each, ns (hollow: gradient alone)": lambda found: [
        statistics.median(found[time]) for time in ("time", "time alone")
    ],
    "temporaries each, bytes": lambda found: [found["memory"]],
    f"RMS rounding, eps (hollow: scores of ±{SCORES[1]})": lambda found: [
        error["rms"] for error in found["rounding"]
    ],
}


def cells(quick: bool) -> Iterator[Run]:
    """The gradients, with the sizes of their arguments."""
    part = 8 if quick else 1
    for name, case in CASES.items():
        sizes = {"windows": case.windows // part, "vocab": case.vocab // part}
        yield {"case": name, **sizes, "scores": SCORES, "repeats": 3 if quick else 11}


def measure(*, case: str, windows: int, vocab: int, scores: list[float], repeats: int) -> Run:
    """Time, operations and temporaries of a window, and rounding by scores, either way."""
    drawn = [CASES[case].gradient(Draws(windows, vocab, each)) for each in scores]
    rounded = [rounding(gradient) for gradient in drawn]
    ways, arguments = drawn[0]
    programs = {way: jax.jit(f).lower(*arguments).compile() for way, f in ways.items()}
    alone = {way: jax.jit(_gradient_alone(f)) for way, f in ways.items()}

    def nanoseconds(timed: Mapping[str, Callable[..., Any]]) -> dict[str, list[float]]:
        seconds = alternating({way: partial(f, *arguments) for way, f in timed.items()}, repeats)
        return {way: [1e9 * each / windows for each in seconds[way]] for way in timed}

    time, time_alone = nanoseconds(programs), nanoseconds(alone)
    return {
        way: {
            "time": time[way],
            "time alone": time_alone[way],
            "operations": operations(program) / windows,
            "memory": memory(program).temp_size_in_bytes / windows,
            "rounding": [errors[way] for errors in rounded],
        }
        for way, program in programs.items()
    }


def table(results: Results) -> str:
    """A row a gradient, each entry from by hand to autodiff."""
    rounded = " | ".join(f"rounding, scores of ±{each}" for each in SCORES)
    return "\n".join(
        [
            "| gradient | ns each | ratio | ns, gradient alone | ratio | operations each "
            f"| temporaries each, B | {rounded} |",
            "| --- " + "| --: " * (6 + len(SCORES)) + "|",
            *map(_row, results["runs"]),
            "",
            f"Cells are {BY_HAND} → {AUTODIFF}, medians; a ratio is {AUTODIFF} / {BY_HAND}, median "
            "(range). Rounding is the RMS (largest) error, in the units above.",
        ]
    )


def figure(results: Results) -> Figure:
    """A panel a quantity, a line a gradient, from by hand to autodiff."""
    runs = results["runs"]
    made, axes = panels(len(PANELS), height=3.8)
    for axis, (words, values) in zip(axes, PANELS.items(), strict=True):
        ends = [np.array([values(run[way]) for run in runs]) for way in WAYS]
        for i in range(ends[0].shape[1]):
            y = np.arange(len(runs)) + 0.3 * i
            axis.hlines(y, *(end[:, i] for end in ends), color=COLOURS[5], lw=1)
            for end, way, colour in zip(ends, WAYS, COLOURS, strict=False):
                fill = "white" if i else colour
                label = None if i else way
                axis.scatter(end[:, i], y, color=colour, facecolor=fill, label=label, zorder=2)
        axis.set(xscale="log", xlabel=words, yticks=range(len(runs)), yticklabels=[])
        axis.xaxis.set_minor_formatter("")
        axis.invert_yaxis()
    axes[0].set_yticklabels([run["case"].replace(", ", "\n", 1) for run in runs])
    made.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return made


def _gradient_alone(way: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: way(*arguments)[1]


def _row(run: Run) -> str:
    sides = [run[way] for way in WAYS]
    size = f"{run['windows']:,}" + f", V = {run['vocab']:,}" * ("softmax" in run["case"])
    times = " | ".join(_times(*(side[time] for side in sides)) for time in ("time", "time alone"))
    sizes = " | ".join(
        " → ".join(f"{side[name]:,.0f}" for side in sides) for name in ("operations", "memory")
    )
    rounded = " | ".join(
        " → ".join(f"{error['rms']:.2f} ({error['max']:.1f})" for error in errors)
        for errors in zip(*(side["rounding"] for side in sides), strict=True)
    )
    return f"| {run['case']} ({size}) | {times} | {sizes} | {rounded} |"


def _times(by_hand: list[float], autodiff: list[float]) -> str:
    medians = (f"{statistics.median(times):,.0f}" for times in (by_hand, autodiff))
    ratios = [a / b for a, b in zip(autodiff, by_hand, strict=True)]
    return f"{' → '.join(medians)} | {spread(ratios, '.2f')}"


def answer(results: Results) -> str:
    """How much longer autodiff takes than the gradient by hand, gradient by gradient."""
    ratios = {
        run["case"]: statistics.median(
            a / b
            for a, b in zip(run[AUTODIFF]["time alone"], run[BY_HAND]["time alone"], strict=True)
        )
        for run in results["runs"]
    }
    slower = [f"{case} ({ratio:.2f})" for case, ratio in ratios.items() if ratio > 1.1]
    faster = [f"{case} ({ratio:.2f})" for case, ratio in ratios.items() if ratio < 0.9]
    return (
        "For the gradient alone, without its loss; in brackets, how many times as long as by hand "
        f"autodiff takes. By hand is faster for {'; '.join(slower) or 'none'}. Autodiff is faster "
        f"for {'; '.join(faster) or 'none'}, where by hand every pair's whole gradient is written "
        "down before they are summed, as in part (h). The others differ by a tenth at most."
    )


QUESTION = Question(FOLDER, cells, measure, table, figure, answer)

if __name__ == "__main__":
    backend.one_thread()
    main(QUESTION, __doc__)
