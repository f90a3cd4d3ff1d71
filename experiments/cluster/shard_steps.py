"""Making a corpus in shards, as steps that any engine can run: each on one shard, by its number.

A step reads what the steps before it have left, and leaves files. Done again it leaves the same
ones, so that an engine may repeat what failed.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from jw2v.corpus import Counts, count, count_lines, encode_shard, find, plan_shards
from jw2v.errors import Jw2vError
from jw2v.files import write_lines


class Job(NamedTuple):
    """What all steps are given."""

    shards: tuple[str, ...]  # paths that every machine can read
    work: Path  # folder for what is between the steps
    corpus: Path  # folder for the result


Step: TypeAlias = Callable[[Job, int], None]


def lines(job: Job, number: int) -> None:
    """How many lines the shard has."""
    write_lines(job.work / f"{number}.lines", [str(count_lines(job.shards[number]))])


def counts(job: Job, number: int) -> None:
    """The shard's words, which need to know how many lines are before it."""
    before = [int((job.work / f"{i}.lines").read_text()) for i in range(number)]
    count(job.shards[number], first_line=sum(before)).save(job.work / f"{number}.parquet")


def merge(job: Job) -> None:
    """The vocabulary of all shards: the one step that is not of a shard."""
    files = [job.work / f"{number}.parquet" for number in range(len(job.shards))]
    plan_shards(map(Counts.load, files), directory=job.corpus)


def ids(job: Job, number: int) -> None:
    """The shard's words as ids."""
    encode_shard(job.shards[number], vocab=job.corpus)


def main(
    on_each: Callable[[Step, Job], None], doc: str | None, argv: Sequence[str] | None = None
) -> None:
    """Make a corpus of a folder of shards; a fault is one line.

    Args:
      on_each: runs a step on every shard, and returns when it is done on all.
      doc: of the program.
      argv: arguments; by default those of the process.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shards", help="folder of text files, in order of their names")
    parser.add_argument("--work", type=Path, required=True, help="folder for counts and logs")
    parser.add_argument("--out", type=Path, required=True, help="folder for the corpus")
    args = parser.parse_args(argv)
    args.work.mkdir(parents=True, exist_ok=True)
    try:
        job = Job(find(args.shards), args.work, args.out)
        on_each(lines, job)
        on_each(counts, job)
        merge(job)
        on_each(ids, job)
    except Jw2vError as error:
        raise SystemExit(str(error)) from None
