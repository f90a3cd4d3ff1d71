"""Kill -9 of a child that does nothing but save: the files of checkpoints alone, without JAX.

checkpoint_kills.py CELL   prints what was found, both as JSON; run.py calls it
"""

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from killing import LITTER, left_behind, plain, strike

from jw2v.training.checkpoint_files import Record, read, saved, write

MADE_WITH = {"dim": 16}
LONGEST = 0.03  # seconds until a kill: a few saves
Arrays = list[np.ndarray]


def kills(*, kills: int, seed: int) -> dict[str, Any]:
    """Kill a saving child so often; hold what it saved against a run that is never killed."""
    if "jax" in sys.modules:
        raise RuntimeError("JAX is imported: the children are to do without")
    rng, began, found = Random(seed), time.perf_counter(), Counter[str]()
    calls, arrays = 0, start(seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write(folder, arrays, Record(calls, MADE_WITH))
        for _ in range(kills):
            seen: list[Path] = []

            def wait(child: int, seen: list[Path] = seen) -> None:
                time.sleep(rng.uniform(0, LONGEST))
                seen += saved(folder)

            strike(lambda: save_on(folder), wait)
            found += left_behind(folder, seen)
            record, left = read(saved(folder)[0])
            while calls < record.calls:
                calls, arrays = calls + 1, following(arrays, calls + 1)
            found["different"] += not same(left, arrays)
            _clear(folder)
    return plain(found) | {"calls": calls, "seconds": time.perf_counter() - began}


def start(seed: int) -> Arrays:
    """Two tables and the moments of an optimizer."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((200, 16)).astype(np.float32) for _ in range(3)]


def following(arrays: Arrays, calls: int) -> Arrays:
    """The state after a call: as in training a function of the state before and its number."""
    noise = np.random.default_rng(calls).standard_normal(arrays[0].shape).astype(np.float32)
    return [np.tanh(array + noise) for array in arrays]


def save_on(folder: Path) -> None:
    """Go on where the last checkpoint is, and save after every call, until the end of days."""
    record, arrays = read(saved(folder)[0])
    calls = record.calls
    while True:
        calls, arrays = calls + 1, following(arrays, calls + 1)
        write(folder, arrays, Record(calls, MADE_WITH))


def same(one: Arrays, other: Arrays) -> bool:
    """Whether arrays are equal bit for bit."""
    return [x.tobytes() for x in one] == [x.tobytes() for x in other]


def _clear(folder: Path) -> None:
    for pattern in LITTER:
        for path in folder.glob(pattern):
            path.unlink()


if __name__ == "__main__":
    print(json.dumps(kills(**json.loads(sys.argv[1]))))
