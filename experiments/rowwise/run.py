"""What does a step of an optimizer cost as a table grows, when it names only some rows?

run.py           measures, and writes results.json; goes on where it was stopped; needs torch
run.py --quick   a small form in a minute, into --results; its results answer nothing
run.py --write   table and answer into README.md, and figure.svg
"""

import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from jw2v.errors import UsageError
from jw2v.training import backend

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from agreement import agreement
from cost import cost
from costs import spread
from figures import COLOURS, Figure, panels
from question import Question, Results, Run, main
from row_steps import OPTIMIZERS

SIDES = dict(zip(("rowwise", "linear", "dense", "torch"), COLOURS, strict=False))
VOCABULARIES = [50_000, 100_000, 200_000, 500_000, 1_000_000]
QUICK = [2_000, 5_000]
APART = {
    "float32": "apart, float32",
    "x64": "apart, float32 with x64 on",
    "float64": "apart, float64",
    "rowwise": "rowwise, float32 from float64",
    "torch's": "torch, float32 from float64",
}


def cells(quick: bool) -> Iterator[Run]:
    """Costs of each optimizer, for ids of the first words and of all; agreement with torch.

    Raises:
      UsageError: torch is missing, and it is not the quick form.
    """
    torch = version("torch") if find_spec("torch") else None
    if torch is None:
        if not quick:
            raise UsageError("torch is not installed; pip install torch")
        print("torch is not installed: its side and the agreement with it are left out")
    vocabularies = QUICK if quick else VOCABULARIES
    sizes = {"rows": 2048, "dim": 100, "steps": 8 if quick else 32}
    for optimizer in OPTIMIZERS:
        for words in (vocabularies[0], None):
            cell = {"of": "cost", "optimizer": optimizer, "words": words, "torch": torch}
            yield cell | sizes | {"vocabularies": vocabularies, "repeats": 2 if quick else 5}
    for optimizer in OPTIMIZERS if torch else ():
        cell = {"of": "agreement", "optimizer": optimizer, "torch": torch}
        yield cell | {"vocab": 1000, "rows": 512, "dim": 100, "steps": 10 if quick else 100}


def measure(*, of: str, **cell: Any) -> Run:
    return {"cost": cost, "agreement": agreement}[of](**cell)


def table(results: Results) -> str:
    """Costs by optimizer, ids and vocabulary; then how far the tables are from torch's."""
    costs = [_row(run, found) for run in _of("cost", results) for found in run["costs"]]
    agreements = [
        _line(run["optimizer"], run["steps"], *(f"{run[name]:.1f}" for name in APART))
        for run in _of("agreement", results)
    ]
    times = "rowwise, µs", "÷ smallest V", "linear, µs"
    times += "dense, µs", "÷ rowwise", "torch, µs", "÷ rowwise"
    sizes = "arguments, MB", "temporaries, MB: rowwise", "dense"
    return "\n".join(
        [
            _line("optimizer", "ids of", "V", "distinct", *times, *sizes),
            _line("---", "---", *["--:"] * 12),
            *costs,
            "",
            "Times are of a step; they and their ratios are median (range).",
            "",
            _line("optimizer", "steps", *APART.values()),
            _line("---", *["--:"] * (1 + len(APART))),
            *agreements,
        ]
    )


def figure(results: Results) -> Figure:
    """Time by vocabulary, a panel an optimizer; and the memory beyond tables and states."""
    runs = _of("cost", results)
    made, axes = panels(len(OPTIMIZERS) + 1, width=3.2)
    *times, memory = axes
    for axis, optimizer in zip(times, OPTIMIZERS, strict=True):
        for run in runs:
            if run["optimizer"] == optimizer:
                _draw_times(axis, run)
        axis.set(title=optimizer, xlabel="thousand rows (dashed: ids of all)")
    _draw_memory(memory, runs[0])
    for axis in axes:
        axis.set(xscale="log", yscale="log")
        axis.set_xticks(
            runs[0]["vocabularies"], [f"{V / 1000:,.0f}" for V in runs[0]["vocabularies"]]
        )
        axis.minorticks_off()
    times[0].set_ylabel("time a step, µs")
    made.legend(*times[-1].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return made


def _of(kind: str, results: Results) -> list[Run]:
    return [run for run in results["runs"] if run["of"] == kind]


def _line(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _row(run: Run, found: Run) -> str:
    rowwise, dense = found["rowwise"], found["dense"]
    return _line(
        run["optimizer"],
        f"{run['words']:,} words" if run["words"] else "all",
        f"{found['vocab']:,}",
        f"{found['distinct']:,.0f}",
        _time(found, "rowwise"),
        _ratio(found, "rowwise", run["costs"][0]),
        _time(found, "linear"),
        _time(found, "dense"),
        _ratio(found, "dense", found),
        _time(found, "torch"),
        _ratio(found, "torch", found),
        f"{rowwise['arguments'] / 1e6:,.0f}",
        f"{rowwise['temporaries'] / 1e6:.1f}",
        f"{dense['temporaries'] / 1e6:.1f}",
    )


def _time(found: Run, side: str) -> str:
    return spread(found[side]["time"], ",.0f") if side in found else "–"


def _ratio(found: Run, side: str, beside: Run) -> str:
    """Of a side's times to those of rowwise, repeat by repeat."""
    if side not in found:
        return "–"
    return spread(list(np.divide(found[side]["time"], beside["rowwise"]["time"])), ",.2f")


def _draw_times(axis: Any, run: Run) -> None:
    """A line a side, and the range of its repeats."""
    vocab, found = run["vocabularies"], run["costs"]
    for side, colour in SIDES.items():
        if side in found[0]:
            times = np.array([each[side]["time"] for each in found])
            form, label = ("o-", side) if run["words"] else ("o--", None)
            axis.plot(vocab, np.median(times, axis=1), form, ms=3, color=colour, label=label)
            axis.vlines(vocab, times.min(axis=1), times.max(axis=1), color=colour)


def _draw_memory(axis: Any, run: Run) -> None:
    """Temporaries of a run, beside the table's own size."""
    vocab = run["vocabularies"]
    for side in ("rowwise", "dense"):
        planned = [each[side]["temporaries"] / 1e6 for each in run["costs"]]
        axis.plot(vocab, planned, "o-", ms=3, color=SIDES[side])
    table = 4 * run["dim"] * np.array(vocab) / 1e6
    axis.plot(vocab, table, ":", color=COLOURS[5], label="the table itself")
    axis.set(title=run["optimizer"], xlabel="thousand rows", ylabel="temporaries, MB")
    axis.legend(frameon=False)


def answer(results: Results) -> str:
    """What adam costs at the largest table, beside the smallest, dense optax and torch."""
    run = next(run for run in _of("cost", results) if run["words"])
    first, last = run["costs"][0], run["costs"][-1]
    says = (
        f"With {run['optimizer']} and the same ids a step by rows takes "
        f"{_time(last, 'rowwise')} µs at V = {last['vocab']:,}, "
        f"{_ratio(last, 'rowwise', first)} times that at {first['vocab']:,}; on whole tables it "
        f"takes {_ratio(last, 'dense', last)} times as long"
    )
    if "torch" in last:
        says += f", torch's {_ratio(last, 'torch', last)} times"
    beyond = last["rowwise"]["temporaries"] / 1e6
    return f"{says}. Beyond table and states it needs {beyond:.1f} MB at any V."


QUESTION = Question(FOLDER, cells, measure, table, figure, answer)

if __name__ == "__main__":
    backend.one_thread()
    main(QUESTION, __doc__)
