"""The same wrong gradients given to jw2v, chex, jax and torch; and right ones to jw2v.

run.py --wrong          checks the wrong gradients; goes on where it was stopped
run.py --right          checks the right ones; goes on where it was stopped
run.py --table          prints the tables of the results (--write: into README.md, and figure.svg)
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import right
import shootout
from results import check_machine, read, versions, write, write_table
from subjects import subjects
from tables import tables

from jw2v.errors import Jw2vError, UsageError

FOLDER = Path(__file__).parent
ONES, TWOS = 60, 50  # edits of one gradient: at most so many of one, so many of two
LONG, SHARE = ("window", "cbow"), 3  # gradients of hundreds of operations: a third
SHAPES, SEEDS = 4, 28  # of a right gradient at a precision
PACKAGES = ("chex", "torch")


def main(argv: Sequence[str] | None = None) -> None:
    """Check, or print the tables; a fault is one line."""
    args = _parse(argv)
    try:
        if args.table or args.write:
            show(args.results, write_files=args.write)
        else:
            measure(args)
    except Jw2vError as error:
        raise SystemExit(str(error)) from None


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--wrong", action="store_true", help="check the wrong gradients, all checkers")
    add("--right", action="store_true", help="check the right gradients, jw2v")
    add("--only", nargs="+", metavar="SUBJECT", help="these subjects; default: all")
    add("--quick", action="store_true", help="a few of each, to see that all works")
    add("--workers", type=int, default=2, help="processes")
    add("--results", type=Path, default=FOLDER / "results.json")
    add("--table", action="store_true", help="print the tables of the results")
    add("--write", action="store_true", help="write README.md's and figure.svg, too")
    args = parser.parse_args(argv)
    if not (args.wrong or args.right or args.table or args.write):
        parser.error("nothing to do; give --wrong, --right or --table")
    return args


def show(results: Path, *, write_files: bool) -> None:
    """Print the tables; put them into the README, and draw the figure."""
    made = tables(read(results))
    print(made)
    if write_files:
        from figure import figure

        write_table(FOLDER / "README.md", made)
        (FOLDER / "figure.svg").write_text(figure(read(results)), encoding="utf-8")


def measure(args: argparse.Namespace) -> None:
    """Make the records that the results file lacks."""
    if args.wrong and find_spec("torch") is None:
        raise UsageError("torch is not installed; pip install torch==2.13.0")
    results = read(args.results)
    check_machine(results, args.results)
    known = {name: version(name) for name in PACKAGES if find_spec(name)}
    pending = [
        fact
        for fact in _planned(args)
        if not any(fact.items() <= run.items() for run in results["runs"])
    ]
    with ProcessPoolExecutor(args.workers, mp_context=get_context("spawn")) as pool:
        for future in as_completed(pool.submit(_record, fact) for fact in pending):
            done = future.result() | {"versions": versions() | known}
            results["runs"].append(done)
            write(args.results, results)
            print(_line(done), flush=True)


def _planned(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    names = [subject.name for subject in subjects()]
    if unknown := set(args.only or ()) - set(names):
        raise UsageError(f"no subject {', '.join(sorted(unknown))}; give some of {names}")
    names = args.only or (names[::8] if args.quick else names)
    if args.wrong:
        ones, twos = (3, 2) if args.quick else (ONES, TWOS)
        for name in sorted(names, key=lambda name: name not in LONG):
            part = SHARE if name in LONG and not args.quick else 1
            choice = {"ones": ones // part, "twos": twos // part}
            yield shootout.facts(name, **choice, quick=args.quick)
    if args.right:
        shapes, seeds = (2, 2) if args.quick else (SHAPES, SEEDS)
        for name in names:
            for dtype in right.DTYPES:
                yield right.facts(name, dtype, shapes=shapes, seeds=seeds, quick=args.quick)


def _record(fact: dict[str, Any]) -> dict[str, Any]:
    return shootout.record(fact) if fact["part"] == "wrong" else right.record(fact)


def _line(done: dict[str, Any]) -> str:
    seconds = f"{done['seconds']:.0f} s"
    if done["part"] == "right":
        held = done["runs"] - len(done["others"])
        return f"{done['subject']}, {done['dtype']}: {held} of {done['runs']} hold, {seconds}"
    count = sum(done["wrong"].values())
    return f"{done['subject']}: {count} wrong, jw2v misses {len(done['survivors'])}, {seconds}"


if __name__ == "__main__":
    main()
