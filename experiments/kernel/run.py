"""What a training step costs on this backend, and of what it could cost.

run.py           measures; on an accelerator, too
run.py --write   the tables of results.json, matrix_units.json and gpu.json, and what the ledgers
                 came to on that GPU (`jw2v verify --json gpu_ledgers.json`), into README.md
softmax.py       naive softmax beside PyTorch, on all cores; into the same results
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jw2v import Config
from jw2v.display import verdict_counts
from jw2v.errors import DataError, Jw2vError
from jw2v.judge import Entry
from jw2v.training import backend
from jw2v.training.backend import Platform, Units
from jw2v.training.fitted import fitted

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from costs import spread
from results import machine, read, tables_of, versions, write, write_table
from timing import Timed, alternating, ceilings, corpus, step

VOCAB = 71_000
LONG = 16_384_000  # words of an epoch


def taken(backend: Platform, *, units: Units = "matrix", **options: Any) -> Config:
    """What `jw2v train` takes of a long text on a backend."""
    return fitted(Config(**options), LONG, backend=backend, units=units)


STEPS: dict[str, Config] = {
    "default": Config(),
    "autodiff": Config(gradient="autodiff"),
    "exact sigmoid": Config(sigmoid="exact"),
    "bfloat16 operands": Config(precision="bfloat16"),
    "bfloat16 in vectors": taken("cpu", units="vector", negatives_from="noise"),
    "in-batch": taken("cpu", units="none"),
    "in-batch, autodiff": taken("cpu", units="none", gradient="autodiff"),
    "in-batch, bfloat16 in vectors": taken("cpu", units="vector"),
    "in-batch, autodiff, bfloat16 in vectors": taken("cpu", units="vector", gradient="autodiff"),
    "matrix units": taken("cpu"),
    "large block": taken("gpu"),
    "large block, dim 128": taken("gpu", dim=128),
    "large block, dim 300": taken("gpu", dim=300),
    "autodiff, exact, bfloat16": Config(gradient="autodiff", sigmoid="exact", precision="bfloat16"),
    "no damping": Config(damping="none"),
    "dim 300": Config(dim=300),
    "dim 300, bfloat16 in vectors": taken("cpu", units="vector", dim=300, negatives_from="noise"),
    "dim 300, in-batch, bfloat16 in vectors": taken("cpu", units="vector", dim=300),
    "dim 300, matrix units": taken("cpu", dim=300),
    "block 4,096, tiles of 64": Config(block=4096, group=64, tile=64, shared_negatives=64),
    "windows": Config(kernel="windows"),
}
BLOCKS: dict[str, Config] = {
    f"block {block:,}, tiles of {group}, {negatives} negatives": Config(
        block=block, group=group, tile=group, shared_negatives=negatives
    )
    for group, negatives in ((16, 24), (64, 64))
    for block in (512, 2048, 8192, 32_768)
}
VOCABULARIES = (50_000, 200_000, 1_000_000)
GROUPS = ("step", "block", "vocabulary, Zipf", "vocabulary, uniform")


def main() -> None:
    """Measure, or write the tables; a fault is one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--results", type=Path, default=FOLDER / "results.json")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=GROUPS)
    args = parser.parse_args()
    try:
        if args.write:
            show(FOLDER / "README.md", tables_of(FOLDER, args.results))
        else:
            backend.one_thread()
            measure(args.results, args.groups)
    except Jw2vError as error:
        raise SystemExit(str(error)) from None


def measure(path: Path, wanted: Sequence[str] = GROUPS) -> None:
    """Time everything, one configuration after the other in each of the repeats."""
    results = read(path) | {"machine": machine(), "versions": versions()}
    results |= {"backend": backend.describe(), "runs": [], "ceilings": ceilings()}
    print(results["backend"], results["ceilings"], flush=True)
    for title, cases in groups():
        if title not in wanted:
            continue
        for name, nanoseconds in alternating(dict(cases)).items():
            run = {"group": title, "name": name, "ns": nanoseconds}
            results["runs"].append(run)
            print(f"{title}, {name}: {statistics.median(nanoseconds):.0f} ns a word", flush=True)
        write(path, results)


def groups() -> Iterator[tuple[str, Iterator[tuple[str, Timed]]]]:
    """What is timed side by side."""
    zipf = corpus(VOCAB)
    yield "step", ((name, step(zipf, config)) for name, config in STEPS.items())
    yield "block", ((name, step(zipf, config)) for name, config in BLOCKS.items())
    yield (
        "vocabulary, Zipf",
        ((f"{n:,}", step(corpus(n), Config())) for n in VOCABULARIES),
    )
    yield (
        "vocabulary, uniform",
        ((f"{n:,}", step(corpus(n, uniform=True), Config())) for n in VOCABULARIES),
    )


def show(readme: Path, files: dict[str, Path]) -> None:
    """The tables of results into a README, each where it has the marker."""
    for name, path in files.items():
        write_table(readme, table(read(path)), name)
    write_table(readme, ledgers(FOLDER / "gpu_ledgers.json"), "gpu_ledgers")


def ledgers(verdicts: Path) -> str:
    """What `jw2v verify` came to, in a sentence."""
    found = json.loads(verdicts.read_text(encoding="utf-8"))
    entries = [Entry(**entry) for entry in found["entries"]]
    return f"`jw2v verify` on {found['env']['backend']}: {verdict_counts(entries)}."


def table(results: dict[str, Any]) -> str:
    """Times, and what they are of the ceilings that were measured, in markdown."""
    if not results["runs"]:
        raise DataError("no runs yet; run the program first")
    limits = results["ceilings"]
    rows = [
        "| group | step | ns a word | words/s | products, GFLOP/s (of the ceiling) | "
        "rows moved, GB/s (of a copy) |",
        "| --- | --- | --: | --: | --: | --: |",
    ]
    for run in results["runs"]:
        ns = statistics.median(run["ns"])
        config = (STEPS | BLOCKS).get(run["name"], Config())
        operands = "bfloat16" if config.precision == "bfloat16" else "float32"
        product = _of(flops(config) / ns, limits.get(f"{operands} product, GFLOP/s"))
        moved = _of(traffic(config) / ns, limits.get("copy, GB/s"))
        shares = f"{product} | {moved}" if config.kernel == "block" else "– | –"
        times = spread(run["ns"], ".0f" if ns >= 100 else ".2f")
        rows.append(f"| {run['group']} | {run['name']} | {times} | {1e9 / ns:,.0f} | {shares} |")
    if "softmax" in results:
        rows += ["", softmax(results["softmax"])]
    ceiling = ", ".join(f"{name} {value:.0f}" for name, value in limits.items())
    packages, cpu = results["versions"], results["machine"]["cpu"]
    told = f"Ceilings: {ceiling}. " if limits else ""
    rows += ["", f"{told}{results['backend']}; {cpu}; jw2v {packages['jw2v']}."]
    return "\n".join(rows)


def _of(rate: float, limit: float | None) -> str:
    """A rate, and its share of a limit that is known."""
    return f"{rate:,.1f}" if limit is None else f"{rate:,.1f} ({rate / limit:.0%})"


def softmax(found: dict[str, Any]) -> str:
    """Naive softmax beside PyTorch, in a sentence."""
    ours, theirs = found["ns"]["jw2v"], found["ns"]["torch"]
    ratios = [t / o for o, t in zip(ours, theirs, strict=True)]
    shape = f"{found['vocab']:,} words, dim {found['dim']}, {found['block']} centres a step"
    return (
        f"Naive softmax, {shape}, on {found['threads']} threads: "
        f"jw2v {statistics.median(ours):,.0f} ns a centre, "
        f"PyTorch {found['torch']} {statistics.median(theirs):,.0f}; "
        f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})."
    )


def columns(config: Config) -> int:
    """Of a tile: the words around its rows, and what they are told from."""
    if config.in_batch:
        return 2 * config.passage_words
    return config.tile_size + 2 * config.window + config.group_negatives


def flops(config: Config) -> float:
    """Of a centre word: three products of its tile's columns."""
    return 3 * 2 * config.dim * columns(config)


def traffic(config: Config) -> float:
    """Bytes of a centre word's rows: read to gather, read and written to scatter."""
    return 3 * 4 * config.dim * (1 + columns(config) / config.tile_size)


if __name__ == "__main__":
    main()
