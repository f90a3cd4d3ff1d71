"""The frame of a question's program: what it is asked to do, its results, its table and figure.

run.py           measures, and writes results.json; goes on where it was stopped
run.py --quick   a small form in a minute, into --results; its results answer nothing
run.py --write   table and answer into README.md, and figure.svg
"""

import argparse
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import Figure, save
from results import check_machine, machine, read, versions, write, write_table

from jw2v.errors import DataError, Jw2vError, UsageError

Results = dict[str, Any]
Run = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What sets one program apart from another.

    Attributes:
      folder: where its README.md stands.
      cells: what is measured, a dict of plain values each, in order; given whether it is quick.
      measure: of a cell what is found, plain values that are put beside it.
      table: of results, in markdown.
      figure: of results.
      answer: what the results say, in a sentence or two.
    """

    folder: Path
    cells: Callable[[bool], Iterable[Run]]
    measure: Callable[..., Run]
    table: Callable[[Results], str]
    figure: Callable[[Results], Figure]
    answer: Callable[[Results], str]


def main(question: Question, doc: str | None, argv: Sequence[str] | None = None) -> None:
    """Do what the command line says; a fault is one line."""
    args = _parse(doc, argv)
    path = args.results or question.folder / "results.json"
    try:
        if args.write:
            show(question, path)
        else:
            if args.quick and args.results is None:
                raise UsageError("a quick run keeps its results apart; give a file (--results)")
            ask(question, path, quick=args.quick)
    except Jw2vError as error:
        raise SystemExit(str(error)) from None


def ask(question: Question, path: Path, *, quick: bool) -> None:
    """Measure every cell that the results lack.

    Raises:
      DataError: the results are another machine's, or quick ones are mixed with others.
    """
    results = read(path)
    check_machine(results, path)
    if results["runs"] and results["quick"] != quick:
        raise DataError(f"{path} holds {_kind(not quick)} runs; give another file (--results)")
    results |= {"quick": quick, "machine": machine(), "versions": versions()}
    for cell in question.cells(quick):
        if not any(cell.items() <= run.items() for run in results["runs"]):
            run = cell | question.measure(**cell)
            results["runs"].append(run)
            write(path, results)
            print(run, flush=True)


def full(path: Path) -> Results:
    """Results that answer the question.

    Raises:
      DataError: there are none, or they are of a quick run.
    """
    results = read(path)
    if not results["runs"]:
        raise DataError(f"{path} holds no runs yet; run the program first")
    if results["quick"]:
        raise DataError(f"{path} is of a quick run, which answers nothing; run it without --quick")
    return results


def show(question: Question, path: Path) -> None:
    """Table and answer into README.md, and the figure beside it."""
    results = full(path)
    readme = question.folder / "README.md"
    write_table(readme, with_source(question.table(results), results))
    write_table(readme, f"**Answer.** {question.answer(results)}", name="answer")
    save(question.figure(results), question.folder / "figure.svg")


def with_source(table: str, results: Results) -> str:
    """A table, and what it was measured with."""
    packages = results["versions"]
    return (
        f"{table}\n\n{results['machine']['cpu']}, {results['machine']['cores']} cores; "
        f"jax {packages['jax']}, optax {packages['optax']}, jw2v {packages['jw2v']}."
    )


def groups(runs: Iterable[Run], *names: str) -> dict[tuple[Hashable, ...], list[Run]]:
    """Runs by the values of some of their entries, in the order met."""
    found: dict[tuple[Hashable, ...], list[Run]] = {}
    for run in runs:
        found.setdefault(tuple(run[name] for name in names), []).append(run)
    return found


def _parse(doc: str | None, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a small form, into --results")
    parser.add_argument("--write", action="store_true", help="README.md and figure.svg")
    parser.add_argument("--results", type=Path, help="default: results.json beside the program")
    return parser.parse_args(argv)


def _kind(quick: bool) -> str:
    return "quick" if quick else "full"
