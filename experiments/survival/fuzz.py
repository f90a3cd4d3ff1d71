"""Damaged files into a reader, which may read them or refuse them in one line, and nothing else.

fuzz.py CELL   prints what was found, both as JSON; run.py calls it

A file is read in a child with the address space that it may take, twice the size of what lies in
the folder and 64 MB, and with a second of the processor's time; who hangs or crashes is killed, and
the next child goes on with the next file.
"""

import json
import logging
import mmap
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from damage import damaged
from killing import leave_after
from readers import READERS, Reader

from jw2v.errors import DataError, UsageError

ROOM = 64 << 20  # bytes beside twice the size
PATIENCE = 1.0  # seconds
AT_ONCE = 10_000_000  # bytes a child, so that none lives long
FIELDS = ("files", "bytes", "read", "refused", "slowest_us")
SHARED = Path("/dev/shm")


def fuzz(*, reader: str, bytes: int, seed: int) -> dict[str, Any]:
    """Feed so many damaged bytes to a reader; what came of them, and each failure by its file.

    A failure is told as `[number, why]`; `a_file(reader, seed, number)` gives its bytes again.
    """
    began = time.perf_counter()
    place = SHARED if SHARED.is_dir() else None
    counts = np.frombuffer(mmap.mmap(-1, 8 * len(FIELDS)), np.int64)
    failures: list[tuple[int, str]] = []
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        folder, told = Path(scratch, "files"), Path(scratch, "told")
        folder.mkdir()
        told.touch()
        READERS[reader].make(folder)
        originals = {name: (folder / name).read_bytes() for name in READERS[reader].files}
        while counts[1] < bytes:
            most = min(bytes, int(counts[1]) + AT_ONCE)
            ended = _in_a_child(partial(_feed, reader, seed, folder, originals, counts, most, told))
            if ended:
                failures.append((int(counts[0]), ended))
        failures += [tuple(json.loads(line)) for line in told.read_text().splitlines()]
    found = dict(zip(FIELDS, counts.tolist(), strict=True))
    return found | {"failures": sorted(failures), "seconds": time.perf_counter() - began}


def a_file(reader: str, seed: int, number: int, originals: dict[str, bytes]) -> tuple[str, bytes]:
    """The file of a number: its name and its bytes."""
    rng = Random(f"{reader} {seed} {number}")
    name = rng.choice(READERS[reader].files)
    return name, damaged(originals[name], rng)


def _in_a_child(work: Callable[[], object]) -> str:
    """The signal that ended a child at work; nothing where all was well.

    Raises:
      RuntimeError: it had failed by itself.
    """
    child = os.fork()
    if child == 0:
        leave_after(work)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    if status:
        raise RuntimeError("a child failed by itself; it has told why")
    return ""


def _feed(
    reader: str, seed: int, folder: Path, originals: dict[str, bytes], counts: np.ndarray,
    most: int, told: Path,
) -> None:  # fmt: skip
    """Read file after file until there were `most` bytes; counts are shared with the parent."""
    warnings.simplefilter("error")
    logging.disable()
    for name, data in originals.items():  # a child before may have crashed on another
        (folder / name).write_bytes(data)
    held = READERS[reader].holds(READERS[reader].read(folder))
    beside = sum(path.stat().st_size for path in folder.rglob("*"))
    with told.open("a", encoding="utf-8", buffering=1) as tell:
        while counts[1] < most:
            counts[0] += 1
            name, data = a_file(reader, seed, int(counts[0]), originals)
            counts[1] += len(data)
            (folder / name).write_bytes(data)
            began = time.process_time_ns()
            with_limits(ROOM + 2 * (beside - len(originals[name]) + len(data)))
            what, wrong = answer(READERS[reader], folder, held)
            without_limits()
            counts[4] = max(counts[4], (time.process_time_ns() - began) // 1000)
            (folder / name).write_bytes(originals[name])
            if what:
                counts[FIELDS.index(what)] += 1
            if wrong:
                print(json.dumps([int(counts[0]), wrong]), file=tell)


def answer(reader: Reader, folder: Path, held: object) -> tuple[str, str]:
    """Whether a reader has "read" or "refused" files, or done another thing; and what is wrong."""
    try:
        same = reader.holds(reader.read(folder)) == held
    except (DataError, UsageError) as error:
        in_one_line = "; " in str(error) and "\n" not in str(error)
        return "refused", "" if in_one_line else f"told as {error!r}"
    except Exception as error:
        return "", repr(error)
    return "read", "" if same else "read as another"


def with_limits(room: int) -> None:
    """Let this process take so many more bytes, and the processor for `PATIENCE`."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    taken = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + room, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)


def without_limits() -> None:
    """As it was before."""
    signal.setitimer(signal.ITIMER_PROF, 0)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


if __name__ == "__main__":
    print(json.dumps(fuzz(**json.loads(sys.argv[1]))))
