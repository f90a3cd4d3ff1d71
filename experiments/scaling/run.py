"""From one core to a pod: what is measured here, and what a model of it says of larger machines.

run.py TEXT     one process on one core and two on two, which merge as usual or more often, seed by
                seed, then more, which share the cores, for their quality; goes on where it was
                stopped
run.py --write  the tables of results.json and matrix_units.json into README.md
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent), str(FOLDER.parent / "gensim_comparison")]

from model import MACHINES, Machine, merged_bytes, predicted
from quality import Judge, draw_pairs, usual_files
from results import check_machine, machine, markdown, read, versions, write, write_table
from runs import Cell, System, facts, measure
from text import prepare

from jw2v import Config
from jw2v.errors import DataError, Jw2vError, UsageError
from jw2v.training.backend import core_numbers
from jw2v.training.config import fields_of

SEEDS, REPEATS = (1, 2, 3), 2
ONE, TWO, FOUR, EIGHT = (f"{n} processes" for n in (1, 2, 4, 8))
OFTEN = "2 processes, calls a quarter as long"
TIMED: dict[str, tuple[int, dict[str, int]]] = {
    ONE: (1, {}),
    TWO: (2, {}),
    OFTEN: (2, {"blocks_per_call": 128}),  # and merges after each
}
UNTIMED: dict[str, tuple[int, dict[str, int]]] = {FOUR: (4, {}), EIGHT: (8, {})}
"""Processes of a core each, and those that share the cores there are."""
QUICK_LINES = 20_000


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, or write the tables; a fault is one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("text", nargs="?", metavar="TEXT")
    parser.add_argument("--quick", action="store_true", help="few lines and one repeat")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--results", type=Path, default=FOLDER / "results.json")
    args = parser.parse_args(argv)
    if not (args.text or args.write):
        parser.error("no text; give a file")
    try:
        if args.write:
            show(read(args.results), read(FOLDER / "matrix_units.json"), FOLDER / "README.md")
        else:
            compare(args.text, args.results, quick=args.quick)
    except Jw2vError as error:
        raise SystemExit(str(error)) from None


def compare(source: str, path: Path, *, quick: bool) -> None:
    """Make the runs that the results file lacks."""
    results = read(path)
    check_machine(results, path)
    config = Config(epochs=1, heldout_every=0, workers=1)
    lines = QUICK_LINES if quick else None
    with tempfile.TemporaryDirectory() as scratch:
        text = prepare(source, Path(scratch), min_count=config.min_count, lines=lines)
        law = {"negatives": config.negatives, "ns_exponent": config.ns_exponent}
        heldout = draw_pairs(text.corpus, window=config.window, **law)
        judge = Judge(text.corpus.vocab.words, heldout, *usual_files())
        for cell, cores in _cells(config, quick=quick):
            known = facts(cell, text, cores=cores, quick=quick)
            if any(known.items() <= run.items() for run in results["runs"]):
                continue
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                made = measure(cell, text, _cpus(cores), judge, Path(folder) / "out")
            results["runs"].append(known | made)
            results["merged_bytes"] = {
                str(n): merged_bytes(text.corpus.vocab, config, n)
                for n in (2, *(each.replicas for each in MACHINES))
            }
            results |= {"machine": machine(), "versions": versions()}
            write(path, results)
            print(f"{cell}: {made['raw_words_per_s']:,.0f} words/s", flush=True)


def _cells(config: Config, *, quick: bool) -> Iterator[tuple[Cell, int]]:
    """The runs, and the processes of each: seed by seed, those of `TIMED` in turn."""
    seeds, repeats = (SEEDS[:1], 1) if quick else (SEEDS, REPEATS)
    options = {name: value for name, value in fields_of(config).items() if name != "seed"}
    timed = product(seeds, range(1, repeats + 1), TIMED.items())
    untimed = product(seeds, (1,), () if quick else UNTIMED.items())
    for seed, repeat, (label, (n, own)) in (*timed, *untimed):
        yield Cell(System("jw2v", label, options | {"workers": n, **own}), seed, repeat), n


def _cpus(cores: int) -> list[int]:
    """The cores that the processes are pinned to.

    Raises:
      UsageError: there are fewer.
    """
    here = core_numbers()
    if len(here) < cores <= max(n for n, _ in TIMED.values()):
        raise UsageError(f"{cores} processes want a core each, and {len(here)} can be pinned to")
    return here[:cores]


def show(results: dict[str, Any], on_units: dict[str, Any], readme: Path) -> None:
    """The tables into a README: what was measured on either machine, and the model by the first."""
    write_table(readme, measured(results))
    write_table(readme, measured(on_units), "matrix_units")
    write_table(readme, on_paper(results), "model")


def by_label(results: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The runs of each kind, in the order of seeds and repeats; `OFTEN` only where there are some.

    Raises:
      DataError: there are none of another kind, or they are quick ones.
    """
    found = {label: _runs(results, label) for label in (*TIMED, *UNTIMED)}
    missing = [label for label, some in found.items() if not some]
    if missing not in ([], [OFTEN]) or any(run["quick"] for run in results["runs"]):
        raise DataError("no full runs of each number of processes; run the program first")
    return {label: some for label, some in found.items() if some}


def _runs(results: dict[str, Any], label: str) -> list[dict[str, Any]]:
    return [run for run in results["runs"] if run["label"] == label]


def ratios(results: dict[str, Any], label: str = TWO) -> list[float]:
    """How much faster than one process those of a kind are, run by run."""
    pairs = zip(_runs(results, ONE), _runs(results, label), strict=True)
    return [some["raw_words_per_s"] / one["raw_words_per_s"] for one, some in pairs]


def measured(results: dict[str, Any]) -> str:
    """Each kind's speed, where it has a core for each process, and quality."""
    runs = by_label(results)
    scores = list(runs[ONE][0]["scores"])
    head = ["processes", "words/s", *scores, "held-out loss"]
    rows = []
    for label, some in runs.items():
        speeds = [run["raw_words_per_s"] for run in some]
        quality = [[_score(run["scores"][name]) for run in some] for name in scores]
        losses = [run["heldout_loss"] for run in some]
        shown = [_mean(values) for values in (*quality, losses)]
        speed = f"{statistics.fmean(speeds):,.0f}" if label in TIMED else "–"
        rows.append([label.replace(" processes", ""), speed, *shown])
    found = ratios(results)
    told = f"Two processes are {_spread(found)} times as fast as one"
    if OFTEN in runs:
        told += f", with calls a quarter as long {_spread(ratios(results, OFTEN))}"
    cpu = results["machine"]["cpu"]
    with_what = ", ".join(f"{name} {v}" for name, v in results["versions"].items() if v)
    return (
        f"{markdown(head, rows)}\n\n{told}: median (least–most) of {len(found)} pairs of runs, "
        f"{len(SEEDS)} seeds, in turn. {cpu}; {with_what}."
    )


def _spread(found: list[float]) -> str:
    return f"{statistics.median(found):.2f} ({min(found):.2f}–{max(found):.2f})"


def _score(score: dict[str, Any]) -> float:
    return score.get("spearman", score.get("accuracy", 0.0))


def _mean(values: list[float]) -> str:
    return f"{statistics.fmean(values):.3f} ± {statistics.stdev(values):.3f}"


def on_paper(results: dict[str, Any]) -> str:
    """What the model says of the machines."""
    one, two = (
        statistics.median(run["effective_words_per_s"] for run in some)
        for some in (by_label(results)[label] for label in (ONE, TWO))
    )
    told = results["merged_bytes"]
    link = told["2"] / (2e9 / two - 1e9 / one)
    here = Machine("measured: two cores", 2, 1e9 / one, link)
    rows = []
    for each in (here, *MACHINES):
        p = predicted(each, told[str(each.replicas)])
        rows.append(
            [
                each.name,
                str(each.replicas),
                f"{each.compute_ns:.1f}",
                f"{p.merge_ns:.2f}",
                f"{p.words_per_s / 1e6:,.1f}M",
                f"{p.hours:,.2f}",
            ]
        )
    head = [
        "machine", "replicas", "compute, ns a word", "merging, ns a word", "words/s",
        "100B words, hours",
    ]  # fmt: skip
    return markdown(head, rows)


if __name__ == "__main__":
    main()
