"""Is a gradient derived by hand faster, smaller or more exact than jax.grad's?

run.py           measures, and writes results.json; goes on where it was stopped
run.py --quick   a small form in a minute, into --results; its results answer nothing
run.py --write   the table into README.md, and figure.svg
"""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jw2v.training import backend

FOLDER = Path(__file__).parent
HELPERS = FOLDER.parent / "softmax_vs_negative_sampling"
sys.path[:0] = [str(FOLDER), str(FOLDER.parent), str(HELPERS)]

from costs import alternating, operations, spread
from figures import COLOURS, Figure, panels
from gradients import AUTODIFF, BY_HAND, CASES, WAYS, Draws
from question import Question, Results, Run, main
from rounding import rounding

SCORES = [1, 8]  # standard deviations: where the sigmoid bends, and mostly where it is flat
PANELS = {
    "time": "time each, ns",
    "memory": "temporaries each, bytes",
    "rounding": "RMS rounding, eps",
}


def cells(quick: bool) -> Iterator[Run]:
    """The gradients, with the sizes of their arguments."""
    part = 8 if quick else 1
    for name, case in CASES.items():
        sizes = {"windows": case.windows // part, "vocab": case.vocab // part}
        yield {"case": name, **sizes, "scores": SCORES, "repeats": 5 if quick else 11}


def measure(*, case: str, windows: int, vocab: int, scores: list[float], repeats: int) -> Run:
    """Time, operations and temporaries of a window, and rounding by scores, either way."""
    drawn = [CASES[case].gradient(Draws(windows, vocab, each)) for each in scores]
    rounded = [rounding(gradient) for gradient in drawn]
    ways, arguments = drawn[0]
    programs = {way: jax.jit(ways[way]).lower(*arguments).compile() for way in WAYS}
    calls = {way: partial(program, *arguments) for way, program in programs.items()}
    seconds = alternating(calls, repeats)
    return {
        way: {
            "time": [1e9 * each / windows for each in seconds[way]],
            "operations": operations(program) / windows,
            "memory": program.memory_analysis().temp_size_in_bytes / windows,
            "rounding": [errors[way] for errors in rounded],
        }
        for way, program in programs.items()
    }


def table(results: Results) -> str:
    """A row a gradient."""
    rounded = " | ".join(f"rounding, scores of ±{scores}" for scores in SCORES)
    return "\n".join([
        f"| gradient | ns each | autodiff / by hand | operations each | temporaries each, kB | {rounded} |",
        "| --- | --: | --: | --: | --: " + "| --: " * len(SCORES) + "|",
        *map(_row, results["runs"]),
        "",
        f"{BY_HAND} → {AUTODIFF}. Times are median (range). Rounding is the RMS (largest) error in float32 eps of the RMS "
        "(largest) entry of the gradient, for the argument where it is worst.",
    ])


def figure(results: Results) -> Figure:
    """A panel a quantity, a line a gradient, from by hand to autodiff."""
    runs = results["runs"]
    made, axes = panels(len(PANELS), width=4.4)
    for axis, (quantity, words) in zip(axes, PANELS.items(), strict=True):
        ...
    return made
