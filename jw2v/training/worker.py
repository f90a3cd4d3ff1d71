"""A process of a run of several: `python -m jw2v --worker RANK`, one of the `children`.

Its job, a line of JSON, comes from standard input; what it comes to goes to standard output.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import jax
import numpy as np

from jw2v.blocks.tables import Tables
from jw2v.corpus import store
from jw2v.errors import Jw2vError
from jw2v.precision import precision
from jw2v.training import checkpoint, loop
from jw2v.training.checkpoint import Saver, Saving
from jw2v.training.config import Config
from jw2v.training.exchange import SharedMemory
from jw2v.training.meter import Progress
from jw2v.training.sampled import Asked
from jw2v.training.setting import prepare
from jw2v.training.state import TrainState

REPORT = 0.25  # seconds between two reports
GO, STOP, SHOW = 0, 1, 2  # flags of the exchange
EXCHANGE, PROGRESS, INITIAL = "exchange", "progress.json", "initial.npz"
SAMPLE = "sample.npz"


class Job(NamedTuple):
    """What the processes of a run are given, as JSON can hold it."""

    config: dict[str, Any]
    corpus: str  # folder of the encoded text
    folder: str  # for what the processes tell
    workers: int
    cores: list[int]  # one each, in turn; none where a process cannot be pinned
    resumed: str | None  # the checkpoint to go on from
    saving: list[Any] | None  # where and when the first of them saves the state
    parent: int  # process that started them


def main(arguments: Sequence[str] | None = None) -> int:
    """Wait for a job, and do it; a fault is one line on standard error."""
    (rank,) = sys.argv[2:] if arguments is None else arguments
    given = sys.stdin.readline()
    if not given:  # there is none, or nobody to give it any more
        return 0
    with os.fdopen(os.dup(1), "wb") as told:
        os.dup2(2, 1)  # what others print is not taken for the result
        try:
            work(Job(**json.loads(given)), int(rank), told)
        except Jw2vError as error:
            print(error, file=sys.stderr)
            return error.exit_code
    return 0


def work(job: Job, rank: int, told: IO[bytes]) -> None:
    """Prepare, wait for the word to go, train, and tell the result if this is the first."""
    if job.cores:
        os.sched_setaffinity(0, {job.cores[rank % len(job.cores)]})
    folder, config = Path(job.folder), Config(**job.config)

    def alive() -> bool:
        return os.getppid() == job.parent

    exchange = SharedMemory(folder / EXCHANGE, rank, job.workers, alive=alive)
    corpus = store.load(Path(job.corpus))
    with precision(config.precision):
        setting = prepare(corpus, config, initial=_initial(folder / INITIAL), replicas=job.workers)
        resumed = None
        if job.resumed is not None:
            saved = checkpoint.load(Path(job.resumed), setting.start)
            resumed = saved.state, saved.calls
        while not exchange.flags[GO]:
            time.sleep(1e-3)
            if not alive():
                return
        result = loop.run(
            corpus,
            config,
            setting,
            exchange=exchange,
            resumed=resumed,
            callback=_reports(folder / PROGRESS) if rank == 0 else None,
            report_every=REPORT,
            stop=lambda: bool(exchange.flags[STOP]),
            save=Saver(Saving(*job.saving)) if job.saving and rank == 0 else None,
            watcher=Asked(exchange.flags, SHOW, folder / SAMPLE) if rank == 0 else None,
        )
    if rank == 0:
        write_result(result, told)


def write_result(result: loop.Result, file: IO[bytes]) -> None:
    """Write what `read_result` reads: a line of JSON, then the numbers of the state."""
    line = json.dumps(result._replace(state=None)._asdict())
    file.write(f"{line}\n".encode())
    for leaf in jax.tree.leaves(result.state):
        file.write(np.ascontiguousarray(leaf).data)


def read_result(file: IO[bytes], like: TrainState) -> loop.Result:
    """Read what `write_result` wrote, its arrays as NumPy's.

    Args:
      file: where it is written to, by now or meanwhile.
      like: shapes and dtypes of the state.

    Raises:
      ValueError: it ends too soon.
    """
    told = json.loads(file.readline())
    leaves, structure = jax.tree.flatten(like)
    arrays = [
        np.frombuffer(file.read(leaf.size * leaf.dtype.itemsize), leaf.dtype).reshape(leaf.shape)
        for leaf in leaves
    ]
    return loop.Result(**{**told, "state": jax.tree.unflatten(structure, arrays)})


def _initial(path: Path) -> Tables | None:
    if not path.exists():
        return None
    with np.load(path) as arrays:
        return Tables(*(jax.numpy.asarray(arrays[name]) for name in Tables._fields))


def _reports(path: Path) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        temporary = path.with_suffix(".tmp")  # not synced to disk, which the others would wait for
        temporary.write_text(json.dumps(progress._asdict()), encoding="utf-8")
        temporary.replace(path)

    return report
