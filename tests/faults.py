"""Faults on demand: each call of an operation that reaches the disk fails in turn.

`sweep` runs an operation again and again, from the same beginning. In the k-th run the k-th call
fails, alone or with all that follow it, until the operation makes fewer than k calls.
"""

import builtins
import errno
import io
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from safetensors import SafetensorError, serialize_file

from jw2v.errors import DataError

OF_OS = (
    "open", "fsync", "replace", "rename", "link", "unlink", "remove", "mkdir", "rmdir", "chmod",
    "dup",  # NumPy writes and reads an array by a duplicate of the file
)  # fmt: skip
FREEING = frozenset({"unlink", "remove", "rmdir"})
NEEDS_NO_ROOM = FREEING | {"read"}  # a full disk does not keep from it
NOTE = ".written-by"


class Fault(NamedTuple):
    """What goes wrong: an error of the system, once or from then on."""

    number: int
    for_good: bool

    def __str__(self) -> str:
        return f"{errno.errorcode[self.number]}-{'for-good' if self.for_good else 'once'}"


FAULTS = [
    Fault(number, for_good)
    for number in (errno.ENOSPC, errno.EIO, errno.EROFS)
    for for_good in (False, True)
]


class Operation(NamedTuple):
    """What is made to fail.

    Attributes:
      before: makes the old state in a folder; `run` makes the new one of it.
      run: the operation.
      read: what the folder holds, as a value; raises where it is neither whole nor empty.
      spare: calls that do not fail.
    """

    before: Callable[[Path], object]
    run: Callable[[Path], object]
    read: Callable[[Path], object]
    spare: frozenset[str] = frozenset()


class Disk:
    """Counts calls by name, and fails the k-th."""

    def __init__(self, k: int, fault: Fault, spare: frozenset[str]) -> None:
        self.calls: list[str] = []
        self.part_of: str | None = None  # by whose name calls are told
        self._k, self._fault = k, fault
        self._spare = spare | (NEEDS_NO_ROOM if fault.number == errno.ENOSPC else set())

    def __call__(self, name: str) -> None:
        name = self.part_of or name
        if name in self._spare:
            return
        self.calls.append(name)
        beyond = len(self.calls) - self._k
        if beyond == 0 or (beyond > 0 and self._fault.for_good):
            raise OSError(self._fault.number, os.strerror(self._fault.number))


class File(io.FileIO):
    """A file of a `Disk`; of what it fails to write, half is written."""

    def __init__(self, disk: Disk, *args: Any, **options: Any) -> None:
        self._disk = disk
        super().__init__(*args, **options)

    def write(self, data: Any, /) -> int:
        try:
            self._disk("write")
        except OSError:
            super().write(memoryview(data).cast("B")[: len(data) // 2])
            raise
        return super().write(data)

    def readinto(self, buffer: Any, /) -> int:
        self._disk("read")
        return super().readinto(buffer) or 0

    def readall(self) -> bytes:
        self._disk("read")
        return super().readall()

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._disk("close")


@contextmanager
def failing(k: int, fault: Fault, spare: frozenset[str] = frozenset()) -> Iterator[list[str]]:
    """Let the k-th call fail that reaches the disk; gives the names of those made so far."""
    disk = Disk(k, fault, spare)

    def opened(
        file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None,
        errors: str | None = None, newline: str | None = None, closefd: bool = True,
        opener: Any = None,
    ) -> Any:  # fmt: skip
        reading = mode.startswith("r")
        disk("read" if reading and "+" not in mode else "open")
        raw = File(disk, file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        kind = io.BufferedReader if reading else io.BufferedWriter
        buffered = io.BufferedRandom(raw) if "+" in mode else kind(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, encoding, errors, newline)

    def serialized(tensors: Any, filename: Any, metadata: Any = None) -> None:
        serialize_file(tensors, filename, metadata)
        try:
            disk("save_file")
        except OSError as error:
            os.truncate(filename, os.path.getsize(filename) // 2)
            told = f"I/O error: {error.strerror} (os error {error.errno})"
            raise SafetensorError(told) from error

    remove_all = shutil.rmtree

    def removed(*args: Any, **options: Any) -> None:
        disk.part_of = "rmdir"
        try:
            remove_all(*args, **options)
        finally:
            disk.part_of = None

    def counted(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            reading = name == "open" and args[1] & os.O_ACCMODE == os.O_RDONLY
            disk("read" if reading else name)
            return real(*args, **options)

        return call

    with (
        ExitStack() as stack,
        mock.patch.object(io, "open", opened),
        mock.patch.object(builtins, "open", opened),
        mock.patch.object(shutil, "rmtree", removed),
        mock.patch("safetensors.numpy.serialize_file", serialized),
    ):
        for name in OF_OS:
            stack.enter_context(mock.patch.object(os, name, counted(name)))
        if hasattr(tempfile, "_rmtree"):  # Python 3.11.2 has it by a name of its own
            stack.enter_context(mock.patch.object(tempfile, "_rmtree", removed))
        yield disk.calls


def at_once(descriptor: int) -> None:
    """In the place of `os.fsync`, which is slow: no power is cut in a sweep."""


@mock.patch("os.fsync", at_once)
def sweep(operation: Operation, scratch: Path, fault: Fault) -> list[str]:
    """Fail each call of an operation in turn, and hold what is left against what may be.

    An operation may end well only with the new state. Else it tells of the fault in one line, and
    the folder holds the old state or the new, entirely. Files on the way are left by a save that
    was decided alone, or where removing them failed. In any case the operation can be repeated.

    Returns:
      The names of the calls, in order.
    """
    reference = scratch / "reference"
    reference.mkdir(parents=True)
    operation.before(reference)
    old = operation.read(reference)
    operation.run(reference)
    new = operation.read(reference)
    assert old != new, "the operation changes nothing that is read back"
    points: list[str] = []
    for k in itertools.count(1):
        folder = scratch / str(k)
        folder.mkdir()
        operation.before(folder)
        told = None
        with failing(k, fault, operation.spare) as calls:
            try:
                operation.run(folder)
            except DataError as error:
                told = str(error)
            except Exception as error:
                error.add_note(f"call {k} failed, a {calls[k - 1]}, of {calls}")
                raise
        failed = calls[k - 1] if len(calls) >= k else None
        _check(operation, folder, fault, failed, told, old, new)
        shutil.rmtree(folder)
        if failed is None:
            return points
        points.append(failed)
    raise AssertionError("unreachable")


def _check(
    operation: Operation, folder: Path, fault: Fault, failed: str | None, told: str | None,
    old: object, new: object,
) -> None:  # fmt: skip
    where = f"{failed} failed ({fault}): {told}"
    found = operation.read(folder)
    if told is None:
        assert found == new, f"{where}: it ended well without the new state"
    else:
        assert failed is not None, f"{where}: without a fault"
        assert "\n" not in told, where
        assert os.strerror(fault.number) in told, where
        assert "; " in told, f"{where}: what to do is not told"
        assert found in (old, new), f"{where}: neither the old state nor the new"
    unremovable = failed in FREEING or (fault.for_good and fault.number != errno.ENOSPC)
    left = hidden(folder)
    assert not left or NOTE in left or unremovable, f"{where}: left {left}"
    operation.run(folder)
    assert operation.read(folder) == new, f"{where}: it cannot be repeated"
    left = [name for name in hidden(folder) if (folder / name).is_file()]
    assert not left, f"{where}: once repeated, left {left}"


def power_cuts(operation: Operation, folder: Path) -> Iterator[dict[str, bytes]]:
    """The files that a folder may hold after a power cut, for every moment of an operation.

    Of the entries of the folder that changed since it was last synced, any may be lost, whatever
    their order; of files that were not synced, all that is in them.
    """
    operation.before(folder)
    names = {path.name: path.stat().st_ino for path in folder.iterdir() if path.is_file()}
    data = {number: (folder / name).read_bytes() for name, number in names.items()}
    steps: list[tuple[str, str, int]] = []  # what is done to which name with which file
    replace, unlink = os.replace, os.unlink

    def noted(path: Any, what: str, number: int = 0) -> None:
        if Path(path).parent == folder:
            steps.append((what, Path(path).name, number))

    def synced(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if path == folder:
            steps.append(("sync", "", 0))
            return
        data[path.stat().st_ino] = path.read_bytes()
        noted(path, "link", path.stat().st_ino)

    def replaced(source: Any, target: Any) -> None:
        number = os.stat(source).st_ino
        replace(source, target)
        noted(target, "move", number)

    def removed(path: Any, **options: Any) -> None:
        unlink(path, **options)
        noted(path, "unlink")

    with mock.patch.multiple(os, fsync=synced, replace=replaced, unlink=removed):
        operation.run(folder)
    pending: list[tuple[str, str, int]] = []
    for step in [*steps, ("sync", "", 0)]:
        for kept in itertools.product((False, True), repeat=len(pending)):
            found = _after(names, itertools.compress(pending, kept))
            yield {name: data.get(number, b"") for name, number in found.items()}
        if step[0] == "sync":
            names, pending = _after(names, pending), []
        else:
            pending.append(step)


def _after(names: dict[str, int], steps: Iterable[tuple[str, str, int]]) -> dict[str, int]:
    """The entries of a folder once steps were done; each file has one name."""
    for what, name, number in steps:
        others = {key: file for key, file in names.items() if key != name and file != number}
        names = others if what == "unlink" else others | {name: number}
    return names


def hidden(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.startswith("."))


def empty(folder: Path) -> bool:
    """Whether nothing was saved in a folder, whole or in part."""
    return set(os.listdir(folder)) == set(hidden(folder)) and NOTE not in os.listdir(folder)
