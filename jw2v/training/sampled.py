"""A block of a run, small enough to be looked at: its words, numbered anew, and their rows."""

from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from jw2v.blocks.tables import Tables
from jw2v.blocks.windows import Block, Paths, Pieces
from jw2v.files import replacing
from jw2v.training.config import Config


class Sample(NamedTuple):
    """A block, and tables of the rows that it names, as they were before it trained."""

    tables: Tables
    block: Block


@runtime_checkable
class Watcher(Protocol):
    """Who looks at blocks of a run now and then."""

    def wants(self) -> bool:
        """Whether the next call's first block is to be looked at."""
        ...

    def look(self, sample: Sample) -> None:
        """Look at it; an exception ends the run."""
        ...


class Asked(NamedTuple):
    """Leaves samples in a file for a process that asks for them by a flag.

    Attributes:
      flags: bytes that both processes see.
      number: of the flag; it is taken down when a sample is there.
      path: of the file.
    """

    flags: np.ndarray
    number: int
    path: Path

    def wants(self) -> bool:
        """Whether the flag is up."""
        return bool(self.flags[self.number])

    def look(self, sample: Sample) -> None:
        """Write the sample, then take the flag down."""
        write(sample, self.path)
        self.flags[self.number] = 0


def sampled(tables: Tables, block: Block, config: Config) -> Sample:
    """A block of NumPy arrays with the rows that it names; of naive softmax with all rows of U.

    >>> words = np.array([7, 9, 7, 9], np.int32)
    >>> block = Block(words, 0 * words, np.array([1, 1]), np.array([[3]]))
    >>> sample = sampled(Tables(np.eye(10), np.eye(10)), block, Config())
    >>> sample.block.ids.tolist(), sample.tables.U.argmax(axis=1).tolist()
    ([1, 2, 1, 2], [3, 7, 9])
    """
    V, U = (np.asarray(table) for table in tables)
    words = np.unique(np.concatenate([np.ravel(block.ids), np.ravel(block.neg_ids)]))
    if config.loss == "naive_softmax":
        words = np.arange(len(U))
    of_V = of_U = words
    block = block._replace(ids=_at(words, block.ids), neg_ids=_at(words, block.neg_ids))
    if block.paths is not None:
        of_U = np.unique(block.paths.nodes)
        block = block._replace(paths=block.paths._replace(nodes=_at(of_U, block.paths.nodes)))
    if block.pieces is not None:
        of_V = np.unique(block.pieces.rows)
        block = block._replace(pieces=block.pieces._replace(rows=_at(of_V, block.pieces.rows)))
    return Sample(Tables(V[of_V, : config.dim], U[of_U, : config.dim]), block)


def write(sample: Sample, path: Path) -> None:
    """Write a sample as a file of arrays, whole or not at all."""
    block = sample.block
    parts = sample.tables, block, block.paths, block.pieces
    named = {name: x for part in parts if part is not None for name, x in part._asdict().items()}
    arrays: dict[str, Any] = {k: x for k, x in named.items() if isinstance(x, np.ndarray)}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def read(path: Path) -> Sample:
    """What `write` wrote.

    >>> import tempfile
    >>> ids = np.array([0, 1, 0], np.int32)
    >>> block = Block(ids, ids, ids[:1], ids[None])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Sample(Tables(np.eye(2), np.eye(2)), block), Path(folder) / "sample")
    ...     read(Path(folder) / "sample").block.ids.tolist()
    [0, 1, 0]
    """
    with np.load(path) as arrays:

        def part(kind: Any) -> Any:
            there = {name: arrays[name] for name in kind._fields if name in arrays}
            return kind(**there) if there else None

        block = part(Block)._replace(paths=part(Paths), pieces=part(Pieces))
        return Sample(part(Tables), block)


def _at(rows: np.ndarray, ids: Any) -> Any:
    return np.searchsorted(rows, ids).astype(np.int32)
