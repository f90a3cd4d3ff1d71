"""jw2v and gensim on the same text, cores and settings.

run.py TEXT     measures, one run after the other; goes on where it was stopped
run.py --table  prints the tables of the results, of matrix_units.json, of gpu.json and of
                gpu_alone.json (--write: into README.md, too)
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

from quality import Judge, draw_pairs, usual_files
from results import check_machine, read, tables_of, write, write_table
from runs import Cell, System, facts, measure
from systems import GENSIM, SHARED, SYSTEMS
from table import alone, table
from text import prepare

from jw2v import Config
from jw2v.errors import Jw2vError, UsageError, unknown
from jw2v.training.config import fields_of

QUICK_LINES = 20_000


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, or print the table; a fault is one line."""
    args = _parse(argv)
    try:
        if args.table or args.write:
            readme = FOLDER / "README.md" if args.write else None
            for name, path in tables_of(FOLDER, args.results).items():
                show(path, name, readme=readme)
            show(FOLDER / "gpu_alone.json", "gpu_alone", of=alone, readme=readme)
        else:
            compare(args)
    except Jw2vError as error:
        raise SystemExit(str(error)) from None


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("text", nargs="?", metavar="TEXT", help="file of text, one sentence a line; or: demo")
    add("--pairs", nargs="+", type=Path, default=[], help="word pairs; default: gensim's own")
    add("--analogies", nargs="+", type=Path, default=[], help="questions; default: gensim's own")
    add("--seeds", nargs="+", type=int, default=[1, 2, 3])
    add("--repeats", type=int, default=2, help="runs of each seed")
    add("--epochs", type=int, default=1)
    add("--dim", type=int, default=100)
    add("--cores", type=int, help="for both systems; default: all that this process may use")
    add("--workers", type=int, help="threads of gensim; default: as many as cores")
    add("--only", choices=SYSTEMS, help="run one system")
    add("--config", nargs="+", default=[], metavar="KEY=VALUE", help="other options of jw2v.Config")
    add("--alpha", type=float, help=f"learning rate of gensim; default: {GENSIM['alpha']}")
    add("--cached", action="store_true", help="jw2v with the programs of an earlier run, too")
    add("--quick", action="store_true", help=f"use only the first {QUICK_LINES:,} lines")
    add("--results", type=Path, default=FOLDER / "results.json")
    add("--table", action="store_true", help="print the table of the results")
    add("--write", action="store_true", help="write it into README.md, too")
    args = parser.parse_args(argv)
    if not (args.text or args.table or args.write):
        parser.error("no text; give a file, or demo")
    return args


def show(
    results: Path,
    name: str = "table",
    *,
    of: Callable[[dict[str, Any]], str] = table,
    readme: Path | None,
) -> None:
    """Print the table of results, and put it into the README where one is given."""
    made = of(read(results))
    print(made)
    if readme is not None:
        write_table(readme, made, name)


def compare(args: argparse.Namespace) -> None:
    """Make the runs that the results file lacks."""
    config = config_of(args.config, dim=args.dim, epochs=args.epochs)
    cpus, cores = _cpus(args.cores)
    cells = list(_cells(args, config, args.workers or cores))
    results = read(args.results)
    check_machine(results, args.results)
    with tempfile.TemporaryDirectory() as scratch:
        lines = QUICK_LINES if args.quick else None
        text = prepare(args.text, Path(scratch), min_count=config.min_count, lines=lines)
        heldout = draw_pairs(
            text.corpus,
            window=config.window,
            negatives=config.negatives,
            ns_exponent=config.ns_exponent,
        )
        judge = Judge(text.corpus.vocab.words, heldout, *_evaluation_files(args))
        for cell in cells:
            known = facts(cell, text, cores=cores, quick=args.quick)
            if any(known.items() <= run.items() for run in results["runs"]):
                print(f"{cell}: done before")
                continue
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                out, programs = Path(folder) / "out", Path(scratch) / "programs"
                run = known | measure(cell, text, cpus, judge, out, programs=programs)
            results["runs"].append(run)
            write(args.results, results)
            rate, seconds = run["raw_words_per_s"], run["seconds"]["total"]
            print(f"{cell}: {rate:,.0f} words/s, {seconds:.1f} s in all", flush=True)


def config_of(options: Sequence[str], *, dim: int, epochs: int) -> Config:
    """jw2v's options: the defaults, but for dim, epochs and KEY=VALUE; nothing is held out.

    Raises:
      UsageError: an option is none of `Config`, or has a flag of its own.
    """
    given: dict[str, Any] = {}
    known = [field.name for field in dataclasses.fields(Config)]
    for option in options:
        name, equals, value = option.partition("=")
        if name in ("dim", "epochs", "seed", "heldout_every") or not equals:
            raise UsageError(
                f"--config {option} is not KEY=VALUE with an option that has no flag here; "
                "use --dim, --epochs, --seeds"
            )
        if name not in known:
            raise unknown("option", name, known)
        given[name] = _value(value)
    return Config(**given, dim=dim, epochs=epochs, heldout_every=0)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text  # a name


def _cpus(cores: int | None) -> tuple[list[int] | None, int]:
    """The cores to pin to (None where that cannot be done), and their number."""
    if not hasattr(os, "sched_setaffinity"):
        if cores is not None:
            raise UsageError("a process cannot be pinned to cores here; leave --cores out")
        return None, os.cpu_count() or 1
    free = sorted(os.sched_getaffinity(0))
    count = len(free) if cores is None else cores
    if not 1 <= count <= len(free):
        raise UsageError(f"--cores is {count}; give 1 to {len(free)}")
    return free[:count], count


def _cells(args: argparse.Namespace, config: Config, workers: int) -> Iterator[Cell]:
    """The runs: seed by seed, the systems in turn."""
    options = fields_of(config)
    del options["seed"]
    shared = {name: options[name] for name in SHARED}
    theirs = {**shared, **GENSIM, "workers": workers}
    named = f"gensim, workers={workers}"
    if args.alpha is not None:
        theirs["alpha"], named = args.alpha, f"{named}, alpha={args.alpha}"
    systems = [
        System("gensim", named, theirs),
        System("jw2v", ", ".join(["jw2v", *_own(args.config)]), options),
    ]
    if args.cached:
        name, label, settings, _ = systems[1]
        systems.append(System(name, f"{label}, programs kept", settings, cached=True))
    for seed in args.seeds:
        for repeat in range(1, args.repeats + 1):
            for system in systems:
                if args.only in (None, system.name):
                    yield Cell(system, seed, repeat)


def _own(options: Sequence[str]) -> list[str]:
    """The options that are jw2v's alone; the others name the comparison."""
    return [option for option in options if option.split("=")[0] not in SHARED]


def _evaluation_files(args: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """Word pairs and analogies: those given, else those that gensim brings."""
    pairs, questions = args.pairs, args.analogies
    if not pairs and not questions:
        pairs, questions = usual_files()
    if len({path.stem for path in (*pairs, *questions)}) < len(pairs) + len(questions):
        raise UsageError("two evaluation files have one name; rename one (--pairs, --analogies)")
    return pairs, questions


if __name__ == "__main__":
    main()
