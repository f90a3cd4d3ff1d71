"""The state of a run on disk, so that a run that was stopped or killed goes on where it was.

The text a call trains on is a pure function of (corpus, config, call number), and so are its random
draws: tables, optimizer state and the number of calls are all there is to keep. A checkpoint is a
file of its own, written whole or not at all, with a checksum over all it holds; the last few are
kept, so that one that is damaged does not end the run.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from safetensors import SafetensorError, safe_open

from jw2v.errors import DataError
from jw2v.files import replacing, write_tensors
from jw2v.training.state import TrainState

LOG = logging.getLogger("jw2v")
NAME = "checkpoint-{:010d}.safetensors"
VERSION = 2
KEPT = 2
EVERY = 600.0  # seconds


class Checkpoint(NamedTuple):
    """A state, the calls that led to it, and what they were made with."""

    state: TrainState
    calls: int
    made_with: dict[str, Any]


class Found(NamedTuple):
    """A checkpoint that is whole and of this run."""

    path: Path
    calls: int


def saved(directory: Path) -> list[Path]:
    """The checkpoints in a folder, the last one first."""
    return sorted(directory.glob(NAME.replace("{:010d}", "*")), reverse=True)


def save(directory: Path, checkpoint: Checkpoint, *, keep: int = KEPT) -> Path:
    """Write a checkpoint, whole or not at all, and remove those before the last `keep`.

    Raises:
      DataError: it cannot be written; those that are there stay as they are.
    """
    leaves = jax.tree.leaves(checkpoint.state)
    tensors = {f"{i:04d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
    record = {"calls": checkpoint.calls, "made_with": checkpoint.made_with}
    told = json.dumps({"version": VERSION, **record})
    path = directory / NAME.format(checkpoint.calls)
    size = sum(tensor.nbytes for tensor in tensors.values())
    try:
        with replacing(path) as temporary:
            metadata = {"jw2v": told, "sha256": _checksum(told, tensors)}
            write_tensors(tensors, temporary, metadata=metadata)
    except DataError as error:
        raise DataError(f"{error}; it takes {size:,} bytes") from error
    _remove(saved(directory)[keep:])
    return path


def find(directory: Path, made_with: dict[str, Any]) -> Found:
    """The last checkpoint of a folder that is whole.

    Args:
      directory: the run's folder.
      made_with: what the run is made with now; what it was made with must be equal.

    Raises:
      DataError: there is none, or the run was made with something else.
    """
    paths = saved(directory)
    if not paths:
        raise DataError(f"{directory} has no checkpoint; start anew without --resume")
    for path in paths:
        try:
            record, _ = _read(path)
        except DataError as error:
            LOG.warning("%s; looking for one before it", error)
            continue
        _check_same(path, record["made_with"], made_with)
        return Found(path, record["calls"])
    raise DataError(f"no checkpoint of {directory} is whole; start anew without --resume")


def load(path: Path, like: TrainState) -> Checkpoint:
    """Read a checkpoint.

    Args:
      path: its file.
      like: a state of the run, for its structure.

    Raises:
      DataError: it is damaged, or holds other arrays.
    """
    record, leaves = _read(path)
    template, structure = jax.tree.flatten(like)
    shapes = [(np.shape(leaf), np.dtype(leaf.dtype)) for leaf in template]
    if shapes != [(leaf.shape, leaf.dtype) for leaf in leaves]:
        raise DataError(f"{path} holds other arrays than this run; start anew without --resume")
    state = jax.tree.unflatten(structure, [jax.numpy.asarray(leaf) for leaf in leaves])
    return Checkpoint(state, record["calls"], record["made_with"])


def remove(directory: Path) -> None:
    """Remove the checkpoints of a run that is finished."""
    _remove(saved(directory))


def _remove(paths: Iterable[Path]) -> None:
    """Remove files; one that cannot be is in nobody's way."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)


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

    def __call__(self, state: TrainState, calls: int) -> None:
        """Save, if it is time to."""
        directory, made_with, every, keep = self._saving
        if self._clock() - self._last < every:
            return
        try:
            save(Path(directory), Checkpoint(state, calls, made_with), keep=keep)
        except DataError as error:
            LOG.warning("not saved after call %d: %s; the run goes on", calls, error)
        self._last = self._clock()


def _read(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    """What a checkpoint was made with and its arrays, which the checksum agrees with."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        told = metadata.get("jw2v", "")
        record = json.loads(told)
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"{path} is damaged ({error})") from error
    version = record.get("version") if isinstance(record, dict) else None
    if version != VERSION:
        raise DataError(f"{path} has version {version}, this jw2v reads {VERSION}")
    if metadata.get("sha256") != _checksum(told, tensors):
        raise DataError(f"{path} is damaged (its checksum differs)")
    return record, [tensors[name] for name in sorted(tensors)]


def _checksum(told: str, tensors: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(told.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        digest.update(np.ascontiguousarray(tensor).data)
    return digest.hexdigest()


def _check_same(path: Path, then: dict[str, Any], now: dict[str, Any]) -> None:
    differing = [
        f"{key} {then.get(key)} -> {now.get(key)}"
        for key in {**then, **now}
        if then.get(key) != now.get(key)
    ]
    if differing:
        raise DataError(
            f"{path} was made with other options ({'; '.join(differing)}); "
            "give the same, or start anew without --resume"
        )
