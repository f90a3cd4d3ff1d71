"""The words of shards with what decides their rank, in a file, and how such counts are merged.

Merging adds counts and takes the earlier of two first places, so that it does not matter which
counts are merged first.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int

from jw2v.corpus.plan import Shard
from jw2v.errors import DataError, UsageError
from jw2v.files import replacing

VERSION = 1

SCHEMA = pa.schema([("word", pa.large_string()), ("count", pa.int64()), ("first", pa.int64())])
_RECORD, _SUM = b"jw2v", b"sha256"


@dataclass(frozen=True, eq=False)
class Counts:
    """The words of the training text of some shards.

    Attributes:
      table: `word`, `count` and `first`, rising by `first`: the place of the word's first
        occurrence, larger than the places of all shards before.
      shards: those that were counted, in the order of the text.
      heldout_every: see `jw2v.corpus.is_heldout`.
      seed: of the held-out split.
    """

    table: pa.Table
    shards: tuple[Shard, ...]
    heldout_every: int
    seed: int

    @property
    def counts(self) -> Int[np.ndarray, " types"]:
        """How often each word occurs."""
        return self.table["count"].to_numpy()

    def save(self, path: str | Path) -> None:
        """Writes a Parquet file, the same bytes for the same counts, whole or not at all.

        Raises:
          DataError: it cannot be written.
        """
        record = {
            "version": VERSION,
            "heldout_every": self.heldout_every,
            "seed": self.seed,
            "shards": [shard._asdict() for shard in self.shards],
        }
        told = json.dumps(record).encode()
        metadata = {_RECORD: told, _SUM: _checksum(self.table, told)}
        with replacing(Path(path)) as temporary, temporary.open("wb") as file:
            pq.write_table(self.table.replace_schema_metadata(metadata), file)

    @classmethod
    def load(cls, path: str | Path) -> "Counts":
        """Reads what `save` wrote.

        Raises:
          DataError: it is unreadable, damaged, or of another version.
        """
        try:
            with Path(path).open("rb") as file:
                table = pq.read_table(file)
            return _counts_of(table, path)
        except (pa.ArrowException, KeyError, ValueError, TypeError, RecursionError):
            raise _damaged(path) from None
        except OSError as error:
            if error.errno is None:  # how Parquet's reader tells of bad data
                raise _damaged(path) from None
            raise DataError(f"cannot read {path}: {error.strerror}; count the shard anew") from None


def merge(counts: Iterable[Counts]) -> Counts:
    """The counts of all these shards, in whatever order they come; a few are held at once.

    Raises:
      UsageError: there are none.
      DataError: they were counted with different options, or a shard is there twice.

    >>> columns = {"word": ["to", "be"], "count": [2, 1], "first": [0, 1]}
    >>> one = Counts(pa.table(columns, SCHEMA), (Shard("1", "", 0, 1, 3),), 0, 1)
    >>> columns = {"word": ["not", "to"], "count": [1, 1], "first": [10_000, 10_001]}
    >>> other = Counts(pa.table(columns, SCHEMA), (Shard("2", "", 1, 1, 2),), 0, 1)
    >>> merge([other, one]).table.to_pydict()
    {'word': ['to', 'be', 'not'], 'count': [3, 1, 1], 'first': [0, 1, 10000]}
    """
    waiting: list[Counts] = []
    for more in counts:
        waiting.append(more)
        # Large ones wait for others as large, else their words would be gone through every time.
        while len(waiting) > 1 and len(waiting[-1].table) >= len(waiting[-2].table):
            waiting[-2:] = [_merged(*waiting[-2:])]
    if not waiting:
        raise UsageError("no counts given; name at least one file that jw2v count wrote")
    return reduce(_merged, waiting)


def _counts_of(table: pa.Table, path: str | Path) -> Counts:
    told = (table.schema.metadata or {})[_RECORD]
    if table.schema != SCHEMA or table.schema.metadata[_SUM] != _checksum(table, told):
        raise _damaged(path)
    record = json.loads(told)
    if record["version"] != VERSION:
        raise DataError(
            f"{path} is of format {record['version']}, this jw2v reads {VERSION}; "
            "count the shard anew"
        )
    shards = tuple(Shard(**shard) for shard in record["shards"])
    table = table.replace_schema_metadata(None)
    return Counts(table, shards, record["heldout_every"], record["seed"])


def _merged(a: Counts, b: Counts) -> Counts:
    for name in ("heldout_every", "seed"):
        if getattr(a, name) != getattr(b, name):
            raise DataError(
                f"{a.shards[0].name} was counted with {name} {getattr(a, name)} and "
                f"{b.shards[0].name} with {getattr(b, name)}; count them with the same "
                f"(--{name.replace('_', '-')})"
            )
    shards = tuple(sorted((*a.shards, *b.shards), key=_place))
    _check_apart(shards)
    table = pa.concat_tables([a.table, b.table]).group_by("word")
    table = table.aggregate([("count", "sum"), ("first", "min")]).sort_by("first_min")
    columns = zip(("word", "count_sum", "first_min"), SCHEMA, strict=True)
    arrays = [table[name].combine_chunks().cast(field.type) for name, field in columns]
    return Counts(pa.table(arrays, SCHEMA), shards, a.heldout_every, a.seed)


def _place(shard: Shard) -> tuple[int, int, str]:
    return shard.first_line, shard.lines, shard.name


def _check_apart(shards: Sequence[Shard]) -> None:
    seen: set[tuple[str, str]] = set()
    for shard in shards:
        if (shard.name, shard.sha256) in seen:
            raise DataError(
                f"{shard.name} is there twice; give the counts of each shard once, and shards of "
                "the same text names of their own"
            )
        seen.add((shard.name, shard.sha256))
    for before, shard in pairwise(shards):
        if shard.first_line < before.first_line + before.lines:
            raise DataError(
                f"{shard.name} begins at line {shard.first_line}, within {before.name}; "
                f"count it anew (--first-line {before.first_line + before.lines})"
            )


def _checksum(table: pa.Table, told: bytes) -> bytes:
    digest = hashlib.sha256(told)
    for name in ("count", "first"):
        digest.update(table[name].to_numpy().data)
    digest.update("\n".join(table["word"].to_pylist()).encode())
    return digest.hexdigest().encode()


def _damaged(path: str | Path) -> DataError:
    return DataError(f"{path} is damaged, or no file of counts; count the shard anew")
