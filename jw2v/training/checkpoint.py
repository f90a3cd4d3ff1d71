"""The state of a run on disk, so that a run that was stopped or killed goes on where it was.

The text a call trains on is a pure function of (corpus, config, call number), and so are its random
draws: tables, optimizer state and the number of calls are all there is to keep. `checkpoint_files`
has the files themselves.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jw2v.errors import DataError
from jw2v.training import checkpoint_files
from jw2v.training.checkpoint_files import (
    KEPT,
    NAME,
    Found,
    Record,
    find,
    remove,
    rescaled,
    saved,
)
from jw2v.training.state import TrainState

__all__ = [
    "EVERY",
    "KEPT",
    "NAME",
    "Checkpoint",
    "Found",
    "Saver",
    "Saving",
    "find",
    "load",
    "remove",
    "rescaled",
    "save",
    "saved",
]

LOG = logging.getLogger("jw2v")
EVERY = 600.0  # seconds


class Checkpoint(NamedTuple):
    """A state, the calls that led to it, and what they were made with."""

    state: TrainState
    calls: int
    made_with: dict[str, Any]


def save(directory: Path, checkpoint: Checkpoint, *, keep: int = KEPT) -> Path:
    """Write a checkpoint, whole or not at all, and remove those before the last `keep`.

    Raises:
      DataError: it cannot be written; those that are there stay as they are.
    """
    arrays = [np.asarray(leaf) for leaf in jax.tree.leaves(checkpoint.state)]
    record = Record(checkpoint.calls, checkpoint.made_with)
    return checkpoint_files.write(directory, arrays, record, keep=keep)


def load(path: Path, like: TrainState) -> Checkpoint:
    """Read a checkpoint.

    Args:
      path: its file.
      like: a state of the run, for its structure.

    Raises:
      DataError: it is damaged, or holds other arrays.
    """
    record, leaves = checkpoint_files.read(path)
    template, structure = jax.tree.flatten(like)
    shapes = [(np.shape(leaf), np.dtype(leaf.dtype)) for leaf in template]
    if shapes != [(leaf.shape, leaf.dtype) for leaf in leaves]:
        raise DataError(f"{path} holds other arrays than this run; start anew without --resume")
    state = jax.tree.unflatten(structure, [jax.numpy.asarray(leaf) for leaf in leaves])
    return Checkpoint(state, *record)


class Saving(NamedTuple):
    """Where and when the state of a run is saved, as JSON can hold it.

    Attributes:
      directory: the run's folder.
      made_with: what the run is made with.
      every: seconds between two checkpoints; 0 saves after each call.
      keep: how many are kept.
    """

    directory: str
    made_with: dict[str, Any]
    every: float = EVERY
    keep: int = KEPT


class Saver:
    """Saves the state of a run now and then; what cannot be saved is told, and training goes on."""

    def __init__(self, saving: Saving, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to wait for the first time."""
        self._saving, self._clock, self._last = saving, clock, clock()

    def __call__(self, state: Callable[[], TrainState], calls: int) -> None:
        """Save, if it is time to; the state is made only then."""
        directory, made_with, every, keep = self._saving
        if self._clock() - self._last < every:
            return
        try:
            save(Path(directory), Checkpoint(state(), calls, made_with), keep=keep)
        except DataError as error:
            LOG.warning("not saved after call %d: %s; the run goes on", calls, error)
        self._last = self._clock()
