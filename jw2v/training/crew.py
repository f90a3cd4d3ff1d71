"""A run of several processes on one machine: how many, given their work, and told when to stop.

Each has a core of its own: a step is made of products too small to share among threads. How they
are started and watched is in `children`, how they merge in `merge`.
"""

import json
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import jax
import numpy as np

from jw2v.blocks.tables import Tables
from jw2v.corpus import Corpus
from jw2v.corpus.opening import STDIN
from jw2v.corpus.sources import Source, find
from jw2v.training import backend, loop, worker
from jw2v.training.checkpoint import Found, Saving
from jw2v.training.children import Children
from jw2v.training.config import Config, fields_of
from jw2v.training.exchange import SharedMemory
from jw2v.training.meter import Progress
from jw2v.training.sampled import Watcher, read
from jw2v.training.setting import state_like

LOG = logging.getLogger("jw2v")
WORTH = 10_000_000  # words of all epochs: with fewer, one process is done before others have begun
WORD_BYTES = 6  # of a text, with its blank
MOST = 4  # processes that are started unasked: more learn less (experiments/scaling)
POLL = 0.1  # seconds between two looks at the processes, whose cores a look takes time of


def workers_of(config: Config, words: int, *, portable: bool, devices: int = 1) -> int:
    """The processes of a run.

    Args:
      config: options; `workers` is obeyed where it can be.
      words: of the text, in the vocabulary.
      portable: whether all that is needed can be told to another process: no optimizer or loss of
        the user's own, and a corpus that has a folder.
      devices: of the run's mesh.
    """
    wanted = _wanted(config, words)
    why = _why_alone(config, portable=portable, devices=devices)
    if wanted > 1 and why is not None:
        LOG.info("one process: %s", why)
        return 1
    return wanted


def foreseen(source: Source, config: Config, *, portable: bool) -> int:
    """The processes of a run as far as can be told before its text is read, 0 where it has one.

    Args:
      source: of the text; what is packed counts as it is, and standard input not at all.
      config: options.
      portable: as of `workers_of`.
    """
    if _why_alone(config, portable=portable, devices=jax.device_count()):
        return 0
    paths = [Path(path) for path in find(source) if path != STDIN]
    words = sum(path.stat().st_size for path in paths) // WORD_BYTES
    wanted = _wanted(config, words)
    return wanted if wanted > 1 else 0


def _wanted(config: Config, words: int) -> int:
    if config.workers is not None:
        return config.workers
    return min(backend.cores(), MOST) if words * config.epochs >= WORTH else 1


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
    """The processes of a run, with their work; they make ready and wait for the word to go."""

    def __init__(
        self,
        children: Children,
        corpus: Corpus,
        config: Config,
        *,
        initial: Tables | None,
        resumed: Found | None,
        saving: Saving | None,
    ) -> None:
        """Give them their work.

        Args:
          children: the processes; those that are missing are started, and others ended.
          corpus: the encoded text, in a folder.
          config: options; `workers` is how many.
          initial: tables to start from.
          resumed: the checkpoint to go on from.
          saving: where and when the state is saved.
        """
        workers, folder = config.workers or 1, children.folder
        children.start(workers)
        children.keep(workers)
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
        children.give(json.dumps(job._asdict()))
        self._children = children
        self._state_like = state_like(corpus, config)
        self._flags = SharedMemory(folder / worker.EXCHANGE, 0, workers).flags

    def run(
        self,
        *,
        callback: Callable[[Progress], None],
        stop: Callable[[], bool],
        watcher: Watcher | None = None,
    ) -> loop.Result:
        """Let them train, and wait for what they come to.

        Args:
          callback: given the progress now and then.
          stop: asked now and then; True stops them at their next rest.
          watcher: looks at blocks of the first of them, here, while all go on.

        Raises:
          DataError: one of them failed, or was stopped or hangs, and does not go on.
        """
        self._flags[worker.GO] = 1
        last = ""
        reader = ThreadPoolExecutor(1)
        told = self._children.first_told
        result = reader.submit(worker.read_result, told, self._state_like)
        reader.shutdown(wait=False)  # it reads until they end, whatever comes
        while self._children.running():
            wait([result], POLL)
            if result.done():
                if result.exception() is None:
                    break
                time.sleep(POLL)  # its process is about to end, and to tell why
            self._children.look_for_idle(POLL)
            last = self._tell(last, callback)
            if stop():
                self._flags[worker.STOP] = 1
            if watcher is not None:
                self._show(watcher)
        self._tell(last, callback)
        return result.result()

    def _tell(self, last: str, callback: Callable[[Progress], None]) -> str:
        try:
            now = (self._children.folder / worker.PROGRESS).read_text(encoding="utf-8")
        except FileNotFoundError:
            return last
        if now != last:
            callback(Progress(**json.loads(now)))
        return now

    def _show(self, watcher: Watcher) -> None:
        """Ask for a sample where one is wanted, and hand on the one that was asked for."""
        path = self._children.folder / worker.SAMPLE
        if self._flags[worker.SHOW]:
            return
        if path.exists():
            sample = read(path)
            path.unlink()
            watcher.look(sample)
        elif watcher.wants():
            self._flags[worker.SHOW] = 1
