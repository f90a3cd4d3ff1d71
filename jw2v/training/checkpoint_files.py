"""The files of checkpoints: each written whole or not at all, with a checksum over all it holds.

The last few are kept, so that one that is damaged does not end the run. Arrays are NumPy's here,
and JAX is not needed to write, find or read them.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from jw2v.errors import DataError
from jw2v.files import replacing, write_tensors

LOG = logging.getLogger("jw2v")
NAME = "checkpoint-{:010d}.safetensors"
VERSION = 2
KEPT = 2
FREE = {"replicas", "workers", "mesh", "call_blocks"}
"""Of what a run is made with, what may be another where it goes on."""


class Record(NamedTuple):
    """What a file tells of its arrays: the calls that led to them, and what they were made with."""

    calls: int
    made_with: dict[str, Any]


class Found(NamedTuple):
    """A checkpoint that is whole and of this run."""

    path: Path
    calls: int
    replicas: int = 1  # of the run that saved it


def saved(directory: Path) -> list[Path]:
    """The checkpoints in a folder, the last one first."""
    return sorted(directory.glob(NAME.replace("{:010d}", "*")), reverse=True)


def write(
    directory: Path, arrays: Sequence[np.ndarray], record: Record, *, keep: int = KEPT
) -> Path:
    """Write a checkpoint, whole or not at all, and remove those before the last `keep`.

    Raises:
      DataError: it cannot be written; those that are there stay as they are.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write(Path(folder), [np.ones(2)], Record(7, {"dim": 2}))
    ...     read(path)
    (Record(calls=7, made_with={'dim': 2}), [array([1., 1.])])
    """
    tensors = {f"{i:04d}": array for i, array in enumerate(arrays)}
    told = json.dumps({"version": VERSION, **record._asdict()})
    path = directory / NAME.format(record.calls)
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
      made_with: what the run is made with now; what it was made with must be equal, but for
        how many train (`FREE`).

    Raises:
      DataError: there is none, or the run was made with something else.

    >>> find(Path("no/such/folder"), {})
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: no/such/folder has no checkpoint; start anew without --resume
    """
    paths = saved(directory)
    if not paths:
        raise DataError(f"{directory} has no checkpoint; start anew without --resume")
    for path in paths:
        try:
            record, _ = read(path)
        except DataError as error:
            LOG.warning("%s; looking for one before it", error)
            continue
        _check_same(path, record.made_with, made_with)
        return Found(path, record.calls, record.made_with.get("replicas", 1))
    raise DataError(f"no checkpoint of {directory} is whole; start anew without --resume")


def rescaled(found: Found, now: Mapping[str, Any]) -> Found:
    """The checkpoint as another number of replicas goes on with it, in the place of the others.

    Calls, blocks and steps are counted by each replica: what all have trained, shared among more,
    is fewer of each. All are at about the same place of the text, so that of the epoch under way
    few sentences are met twice or not at all.

    Args:
      found: the checkpoint.
      now: what the run is made with now; `replicas` and `call_blocks` count.

    Raises:
      DataError: it cannot be read or written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write(Path(folder), [np.array(30)], Record(12, {"replicas": 3}))
    ...     found = rescaled(Found(path, 12, 3), {"replicas": 2, "call_blocks": 32})
    ...     found.calls, read(found.path)[1], len(saved(Path(folder)))
    (18, [array(45)], 1)
    """
    record, arrays = read(found.path)
    replicas, call_blocks = now["replicas"], now["call_blocks"]
    before = found.replicas * record.made_with.get("call_blocks", call_blocks)
    counters = [x.ndim == 0 and np.issubdtype(x.dtype, np.integer) for x in arrays]
    arrays = [
        np.asarray(x * found.replicas // replicas, x.dtype) if counts else x
        for x, counts in zip(arrays, counters, strict=True)
    ]
    calls = found.calls * before // (replicas * call_blocks)
    made_with = {**record.made_with, "replicas": replicas, "call_blocks": call_blocks}
    others = saved(found.path.parent)
    path = write(found.path.parent, arrays, Record(calls, made_with), keep=len(others) + 1)
    _remove(other for other in others if other != path)
    return Found(path, calls, replicas)


def read(path: Path) -> tuple[Record, list[np.ndarray]]:
    """What a checkpoint tells and its arrays, which the checksum agrees with.

    Raises:
      DataError: it is damaged, or of another version.

    >>> read(Path("no.safetensors"))
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: no.safetensors is damaged (No such file or directory: no.safetensors)
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        told = metadata.get("jw2v", "")
        record = json.loads(told)
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged ({error})") from error
    version = record.get("version") if isinstance(record, dict) else None
    if version != VERSION:
        raise DataError(f"{path} has version {version}, this jw2v reads {VERSION}")
    if metadata.get("sha256") != _checksum(told, tensors):
        raise DataError(f"{path} is damaged (its checksum differs)")
    return Record(record["calls"], record["made_with"]), [tensors[n] for n in sorted(tensors)]


def remove(directory: Path) -> None:
    """Remove the checkpoints of a run that is finished."""
    _remove(saved(directory))


def _remove(paths: Iterable[Path]) -> None:
    """Remove files; one that cannot be is in nobody's way."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)


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
        if key not in FREE and then.get(key) != now.get(key)
    ]
    if differing:
        raise DataError(
            f"{path} was made with other options ({'; '.join(differing)}); "
            "give the same, or another folder (--out)"
        )
