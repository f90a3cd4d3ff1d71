"""The state of a run on disk, so that a run that was stopped goes on where it was.

The text a call trains on is a pure function of (corpus, config, call number), and so are its random
draws: tables, optimizer state and the number of calls are all there is to keep.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from jw2v.errors import DataError
from jw2v.files import replacing
from jw2v.training.state import TrainState

FILE = "checkpoint.safetensors"
VERSION = 1


class Checkpoint(NamedTuple):
    """A state, the calls that led to it, and what they were made with."""

    state: TrainState
    calls: int
    made_with: dict[str, Any]


def save(directory: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
      DataError: it cannot be written.
    """
    leaves = jax.tree.leaves(checkpoint.state)
    tensors = {f"{i:04d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
    record = {
        "version": VERSION,
        "calls": checkpoint.calls,
        "made_with": checkpoint.made_with,
    }
    with replacing(directory / FILE) as temporary:
        try:
            save_file(tensors, temporary, metadata={"jw2v": json.dumps(record)})
        except SafetensorError as error:
            raise OSError(str(error)) from error


def load(directory: Path, like: TrainState, made_with: dict[str, Any]) -> Checkpoint:
    """Read the checkpoint of a folder.

    Args:
      directory: the run's folder.
      like: a state of the run, for its structure.
      made_with: what the run is made with now; what it was made with must be equal.

    Raises:
      DataError: there is none, it is damaged, or the run was made with something else.
    """
    path = directory / FILE
    if not path.is_file():
        raise DataError(f"{directory} has no {FILE}; start anew without --resume")
    try:
        with safe_open(path, framework="numpy") as file:
            record = json.loads((file.metadata() or {}).get("jw2v", "{}"))
            leaves = [file.get_tensor(name) for name in sorted(file.keys())]
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise DataError(f"{path} is damaged ({error}); start anew without --resume") from error
    if record.get("version") != VERSION:
        raise DataError(
            f"{path} has version {record.get('version')}, this jw2v reads {VERSION}; "
            "start anew without --resume"
        )
    _check_same(path, record["made_with"], made_with)
    template, structure = jax.tree.flatten(like)
    shapes = [(np.shape(leaf), np.dtype(leaf.dtype)) for leaf in template]
    if shapes != [(leaf.shape, leaf.dtype) for leaf in leaves]:
        raise DataError(f"{path} holds other arrays than this run; start anew without --resume")
    state = jax.tree.unflatten(structure, [jax.numpy.asarray(leaf) for leaf in leaves])
    return Checkpoint(state, record["calls"], record["made_with"])


def remove(directory: Path) -> None:
    """Remove the checkpoint of a run that is finished."""
    (directory / FILE).unlink(missing_ok=True)


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
