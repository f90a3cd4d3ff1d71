"""A run of several processes on one machine: started, watched, and told when to stop.

Each is a fresh `python -m jw2v` whose environment gives XLA one thread, on a core of its own: a
step is made of products too small to share among threads. How they merge is in `merge`.
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import jax
import numpy as np

from jw2v.blocks.tables import Tables
from jw2v.corpus import Corpus
from jw2v.errors import DataError
from jw2v.training import backend, checkpoint, loop, worker
from jw2v.training.checkpoint import Found, Saving
from jw2v.training.config import Config, fields_of
from jw2v.training.exchange import SharedMemory
from jw2v.training.meter import Progress
from jw2v.training.sampled import Watcher, read
from jw2v.training.setting import state_like

LOG = logging.getLogger("jw2v")
WORTH = 10_000_000  # words of all epochs: with fewer, one process is done before others have begun
MOST = 4  # processes that are started unasked: more learn less (experiments/scaling)
POLL = 0.1  # seconds between two looks at the processes, whose cores a look takes time of
PATIENCE = 60.0  # seconds that a process may do nothing (not: be slow) while the others wait


def workers_of(config: Config, words: int, *, portable: bool, devices: int = 1) -> int:
    """The processes of a run.

    Args:
      config: options; `workers` is obeyed where it can be.
      words: of the text, in the vocabulary.
      portable: whether all that is needed can be told to another process: no optimizer or loss of
        the user's own, and a corpus that has a folder.
      devices: of the run's mesh.
    """
    wanted = config.workers
    if wanted is None:
        wanted = min(backend.cores(), MOST) if words * config.epochs >= WORTH else 1
    why = _why_alone(config, portable=portable, devices=devices)
    if wanted > 1 and why is not None:
        LOG.info("one process: %s", why)
        return 1
    return wanted


def _why_alone(config: Config, *, portable: bool, devices: int) -> str | None:
    if not portable:
        return "an optimizer or loss given as an object, or a corpus without files, stays in it"
    if devices > 1 or jax.process_count() > 1:
        return "the devices of a mesh are shared out already"
    if jax.default_backend() != "cpu":
        return "the accelerator is shared by all"
    if config.outer == "nesterov":
        return "nesterov is for the replicas of a mesh"
    if not config.has_small_products:
        return "sgd on blocks of negative sampling alone trains in several"
    return None


class Crew:
    """The processes of a run."""

    def __init__(self, job: worker.Job, processes: list[subprocess.Popen[bytes]]) -> None:
        """Look after the processes of a job."""
        self._job, self._processes, self._folder = job, processes, Path(job.folder)
        self._spent: list[int | None] = [None] * len(processes)
        self._idle = [0.0] * len(processes)
        self._flags = SharedMemory(self._folder / worker.EXCHANGE, 0, job.workers).flags

    def run(
        self,
        corpus: Corpus,
        *,
        callback: Callable[[Progress], None],
        stop: Callable[[], bool],
        watcher: Watcher | None = None,
    ) -> loop.Result:
        """Let them train, and wait.

        Args:
          corpus: the text they train on.
          callback: given the progress now and then.
          stop: asked now and then; True stops them at their next rest.
          watcher: looks at blocks of the first of them, here, while all go on.

        Raises:
          DataError: one of them failed, or was stopped or hangs, and does not go on.
        """
        self._flags[worker.GO] = 1
        last = ""
        while going := self._running():
            with suppress(subprocess.TimeoutExpired):
                going[0].wait(POLL)
            self._look_for_idle()
            if stop():
                self._flags[worker.STOP] = 1
            last = self._tell(last, callback)
            if watcher is not None:
                self._show(watcher)
        self._tell(last, callback)
        told = json.loads((self._folder / worker.RESULT).read_text(encoding="utf-8"))
        like = state_like(corpus, Config(**self._job.config))
        (path,) = checkpoint.saved(self._folder)
        state = checkpoint.load(path, like).state
        return loop.Result(**{**told, "state": state})

    def _tell(self, last: str, callback: Callable[[Progress], None]) -> str:
        try:
            now = (self._folder / worker.PROGRESS).read_text(encoding="utf-8")
        except FileNotFoundError:
            return last
        if now != last:
            callback(Progress(**json.loads(now)))
        return now

    def _show(self, watcher: Watcher) -> None:
        """Ask for a sample where one is wanted, and hand on the one that was asked for."""
        path = self._folder / worker.SAMPLE
        if self._flags[worker.SHOW]:
            return
        if path.exists():
            sample = read(path)
            path.unlink()
            watcher.look(sample)
        elif watcher.wants():
            self._flags[worker.SHOW] = 1

    def _look_for_idle(self) -> None:
        """One that waits for the others looks for them, which takes time of its processor."""
        for rank, process in enumerate(self._processes):
            spent, before = _processor_time(process.pid), self._spent[rank]
            self._spent[rank] = spent
            # Looks are counted, not the clock read: while this process was stopped, too, none was.
            idle = spent is not None and spent == before
            self._idle[rank] = self._idle[rank] + POLL if idle else 0.0
            if self._idle[rank] > PATIENCE:
                raise DataError(
                    f"process {rank} of {len(self._processes)} (pid {process.pid}) is stopped or "
                    f"hangs: it did nothing for {PATIENCE:.0f} s; run it again, with --resume if "
                    "it saved"
                )

    def _running(self) -> list[subprocess.Popen[bytes]]:
        """Those that have not ended."""
        codes = [process.poll() for process in self._processes]
        for rank, code in enumerate(codes):
            if code:
                lines = _errors(self._folder, rank).read_text(encoding="utf-8").splitlines()
                why = lines[-1] if lines else f"exit code {code}"
                raise DataError(f"{why} (process {rank} of {len(codes)})")
        return [p for p, code in zip(self._processes, codes, strict=True) if code is None]


@contextmanager
def started(
    corpus: Corpus,
    config: Config,
    folder: Path,
    *,
    initial: Tables | None,
    resumed: Found | None,
    saving: Saving | None,
) -> Iterator[Crew]:
    """Start the processes of a run; they make ready and wait. None outlives the block.

    Args:
      corpus: the encoded text, in a folder.
      config: options; `workers` is how many.
      folder: for what they tell; empty.
      initial: tables to start from.
      resumed: the checkpoint to go on from.
      saving: where and when the state is saved.
    """
    workers = config.workers or 1
    SharedMemory.create(folder / worker.EXCHANGE, workers)
    if initial is not None:
        np.savez(folder / worker.INITIAL, **initial._asdict())
    cores = backend.core_numbers()
    job = worker.Job(
        {**fields_of(config), "mesh": "data=1"},
        str(corpus.directory),
        str(folder),
        workers,
        cores if len(cores) >= workers else [],
        None if resumed is None else str(resumed.path),
        None if saving is None else list(saving),
        os.getpid(),
    )
    path = folder / "job.json"
    path.write_text(json.dumps(job._asdict()), encoding="utf-8")
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for rank in range(workers):
            command = [sys.executable, "-m", "jw2v", "--worker", str(path), str(rank)]
            with _errors(folder, rank).open("wb") as errors:
                process = subprocess.Popen(
                    command, env=_environment(), stdout=errors, stderr=errors
                )
            processes.append(process)
        yield Crew(job, processes)
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def _environment() -> dict[str, str]:
    """One thread for XLA, and the same folder for its programs as here."""
    kept = jax.config.values["jax_compilation_cache_dir"]
    cache = backend.keeping_programs(kept) if kept else {}
    return {**os.environ, "NPROC": "1", "JAX_PLATFORMS": "cpu", **cache}


def _processor_time(pid: int) -> int | None:
    """What a process has spent, in ticks; None where it has ended, or the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else int(fields[10]) + int(fields[11])


def _errors(folder: Path, rank: int) -> Path:
    return folder / f"{rank}.err"
