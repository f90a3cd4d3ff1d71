"""Do the tests notice when a line is wrong? Mutants of our files, and the tests of seconds.

run.py [ROOM ...]  tries mutants, and writes results.json; goes on where it was stopped
run.py --again     tries those anew that no test noticed and no reason explains
run.py --write     the table of results.json into README.md

A mutant counts as noticed where a test fails or hangs. One that cannot be imported counts as none.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

import trial
from order import best_first, statement
from reasons import REASONS
from results import check_machine, machine, markdown, read, versions, write, write_table
from rooms import ROOMS, ROOT

from jw2v.errors import DataError, Jw2vError, UsageError, unknown
from jw2v.vectors.intervals import wilson_interval

MOST = 300
SEED = 1
TOLD_EVERY = 10  # mutants
NOTICED = ("killed", "hangs")


def main(argv: Sequence[str] | None = None) -> None:
    """Do what the command line says; a fault is one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rooms", nargs="*", help=f"of {', '.join(ROOMS)}; by default all")
    parser.add_argument("--most", type=int, default=MOST, help="mutants a room")
    parser.add_argument("--again", action="store_true", help="those not noticed are tried anew")
    parser.add_argument("--write", action="store_true", help="the table into README.md")
    parser.add_argument("--results", type=Path, default=FOLDER / "results.json")
    args = parser.parse_args(argv)
    try:
        if args.write:
            write_table(FOLDER / "README.md", table(read(args.results)))
            return
        for room in args.rooms or ROOMS:
            if room not in ROOMS:
                raise unknown("room", room, ROOMS)
            try_room(room, args.results, most=args.most, again=args.again)
    except Jw2vError as error:
        raise SystemExit(str(error)) from None


def try_room(room: str, path: Path, *, most: int, again: bool) -> None:
    """Try the mutants of a room's sample that the results lack; forget those of other code.

    Args:
      room: of which files.
      path: the results, saved as they come.
      most: mutants.
      again: try those anew that were not noticed and have no reason.

    Raises:
      UsageError: cosmic-ray or coverage is not installed.
      DataError: the tests fail where nothing is wrong.
    """
    for module in ("cosmic_ray", "coverage"):
        if find_spec(module) is None:
            raise UsageError(f"{module} is not installed; pip install cosmic-ray coverage")
    from lines import watched
    from variants import sample, source_of

    results = read(path)
    check_machine(results, path)
    results |= {"machine": machine(), "versions": versions()}
    modules, tests = ROOMS[room]
    with tempfile.TemporaryDirectory() as scratch:
        copy = trial.copied(Path(scratch))
        drawn = sample(copy, modules, most, seed=SEED)
        keys = {key(mutant._asdict()) for mutant in drawn}
        others = [run for run in results["runs"] if run["room"] != room]
        done = [run for run in results["runs"] if run["room"] == room and key(run) in keys]
        if again:
            done = [run for run in done if run["outcome"] != "alive" or reason_of(run)]
        tried = {key(run) for run in done}
        left = [mutant for mutant in drawn if key(mutant._asdict()) not in tried]
        seen = watched(copy, modules, tests) if left else {}
        for mutant in left:
            right = (copy / mutant.module).read_text(encoding="utf-8")
            order = best_first(seen, mutant.module, statement(right, mutant.line))
            found = trial.outcome(copy, mutant.module, source_of(copy, mutant), tests, order)
            done.append({"room": room, **mutant._asdict(), "outcome": found})
            if found == "alive":
                done[-1]["text"] = right.splitlines()[mutant.line - 1].strip()
            write(path, results | {"runs": [*others, *done]})
            if len(done) % TOLD_EVERY == 0 or found == "alive":
                print(room, len(done), done[-1], flush=True)
        os.chdir(ROOT)
    write(path, results | {"runs": [*others, *done]})


def key(run: dict[str, Any]) -> tuple[Any, ...]:
    """What makes a mutant one of its kind."""
    return tuple(run[name] for name in ("module", "code", "operator", "occurrence"))


def table(results: dict[str, Any]) -> str:
    """What became of the mutants of each room, and those that no test noticed.

    Raises:
      DataError: there are none.
    """
    if not results["runs"]:
        raise DataError("no mutants yet; run the program first")
    rows = []
    for room in ROOMS:
        runs = [run for run in results["runs"] if run["room"] == room]
        found = Counter("the same" if reason_of(run) else run["outcome"] for run in runs)
        noticed = sum(found[name] for name in NOTICED)
        counted = noticed + found["alive"]
        if counted:
            low, high = wilson_interval(noticed, counted) or (0.0, 1.0)
            score = f"{noticed / counted:.1%} ({low:.1%}–{high:.1%})"
            none = found["no import"], found["the same"]
            rows.append([room, *(f"{count:,}" for count in (counted, noticed, *none)), score])
    head = ["room", "mutants", "noticed", "no module", "the same", "score (95 %)"]
    alive = [told(run) for run in results["runs"] if run["outcome"] == "alive"]
    return "\n".join([markdown(head, rows), "", "Not noticed:", "", *(alive or ["none"])])


def reason_of(run: dict[str, Any]) -> str | None:
    """Why a mutant that is alive is none; None of one that counts."""
    return REASONS.get((run["module"], run["operator"], run.get("text", "")))


def told(run: dict[str, Any]) -> str:
    """A mutant's place, line and edit, and why it is not noticed."""
    place = f"{run['module']}:{run['line']}"
    return f"- `{place}` `{run['text']}`, {run['operator']}: {reason_of(run) or 'no test yet'}"


if __name__ == "__main__":
    os.environ["NPROC"] = "1"  # XLA's threads, in the children
    main()
