"""What memory does a text need that is larger than memory: the peaks of encoding and of training.

run.py [TEXT]   measures what results.json lacks, on TEXT or the demo's, repeated with new words
run.py --write  the table into README.md
"""

import argparse
import itertools
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

from results import check_machine, machine, markdown, read, versions, write, write_table

from jw2v.corpus import demo_sentences, open_corpus
from jw2v.errors import DataError, Jw2vError

NAMES = ["", *string.ascii_uppercase[:12]]  # each gives the words of a copy new names
GIGABYTES = (1.0, 10.0)
VOCAB, MIN_COUNT = 1_000_000, 4
TRAINING = ("--dim", "100", "--epochs", "1", "--workers", "1", "--optimizer", "sgd", "--no-check")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, or write the table; a fault is one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("text", nargs="?", type=Path, help="default: the demo's text")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--results", type=Path, default=FOLDER / "results.json")
    parser.add_argument("--gigabytes", type=float, nargs="+", default=GIGABYTES)
    parser.add_argument("--vocab", type=int, default=VOCAB)
    parser.add_argument("--scratch", type=Path, help="folder with room for the encoded text")
    args = parser.parse_args(argv)
    try:
        if args.write:
            write_table(FOLDER / "README.md", table(read(args.results)))
        else:
            with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
                measure(args, Path(scratch))
    except Jw2vError as error:
        raise SystemExit(str(error)) from None


def measure(args: argparse.Namespace, scratch: Path) -> None:
    """Encode a text of each size, which is never on disk, and train on the first of them."""
    results = read(args.results)
    check_machine(results, args.results)
    results |= {"machine": machine(), "versions": versions()}
    text = normal(args.text)
    for gigabytes in args.gigabytes:
        if any(run["gigabytes"] == gigabytes for run in results["runs"]):
            continue
        folder = scratch / "encoded"
        options = "--min-count", str(MIN_COUNT), "--max-vocab", str(args.vocab)
        encode = "encode", "-", "--out", str(folder), *options
        run = {"gigabytes": gigabytes, "encode_bytes": peak(encode, repeated(text, gigabytes))}
        corpus = open_corpus(folder)
        run |= {"words": corpus.stats.words, "vocab": len(corpus.vocab)}
        if gigabytes == min(args.gigabytes):
            train = "train", str(folder), "--out", str(scratch / "vectors"), *TRAINING
            run["train_bytes"] = peak(train)
        results["runs"].append(run)
        write(args.results, results)
        print(run, flush=True)


def normal(path: Path | None) -> bytes:
    """The text with one blank between words, as `repeated` takes it."""
    lines = demo_sentences() if path is None else path.read_text(encoding="utf-8").splitlines()
    return "".join(" ".join(line.split()) + "\n" for line in lines).encode()


def repeated(text: bytes, gigabytes: float) -> Iterator[bytes]:
    """The text again and again, its words renamed in each copy of a dozen, cut at a line's end."""
    left = round(gigabytes * 1e9)
    for name in itertools.cycle(NAMES):
        end = name.encode()
        copy = text.replace(b" ", end + b" ").replace(b"\n", end + b"\n")
        if len(copy) > left:
            yield copy[: copy.rfind(b"\n", 0, left) + 1]
            return
        yield copy
        left -= len(copy)


WATCH = """
import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, *sys.argv[2:]])
_, status, usage = os.wait4(pid, 0)
with open(sys.argv[1], "w") as told:
    print(usage.ru_maxrss, file=told)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Starts a program and tells the most memory it had. A process is charged with the memory of the
one that made it, so a small one has to."""


def peak(arguments: Sequence[str], text: Iterable[bytes] = ()) -> int:
    """The most memory, in bytes, that a command of jw2v had, which was piped a text.

    Raises:
      DataError: it failed.
    """
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as told:
        command = [sys.executable, "-c", WATCH, told.name, "-m", "jw2v", *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin as pipe:  # how it ended is told below
            for part in text:
                pipe.write(part)
        if process.wait():
            raise DataError(f"jw2v {arguments[0]} ended with {process.returncode}; see above")
        return int(told.read()) * (1 if sys.platform == "darwin" else 1024)


def table(results: dict[str, Any]) -> str:
    """The peaks, a line a size, in markdown."""
    head = ("text, GB", "words", "vocabulary", "peak of encoding, GB", "peak of training, GB")
    rows = [
        (
            f"{run['gigabytes']:g}",
            f"{run['words']:,}",
            f"{run['vocab']:,}",
            f"{run['encode_bytes'] / 1e9:.2f}",
            f"{run['train_bytes'] / 1e9:.2f}" if "train_bytes" in run else "",
        )
        for run in results["runs"]
    ]
    cpu, packages = results["machine"]["cpu"], results["versions"]
    made = markdown(head, rows, first="--:")
    return f"{made}\n\n{cpu}; jax {packages['jax']}, jw2v {packages['jw2v']}."


if __name__ == "__main__":
    main()
