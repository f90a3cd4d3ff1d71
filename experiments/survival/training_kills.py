"""Kill -9 of training, with a checkpoint after every call: where it ends, and with which tables.

training_kills.py CELL   prints what was found, both as JSON; run.py calls it
"""

import json
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import jax
import numpy as np
from killing import left_behind, plain, strike, until_ended, until_saved

import jw2v
from jw2v import api
from jw2v.files import place_of
from jw2v.training.checkpoint_files import saved

CONFIG = jw2v.Config(
    dim=12, window=3, epochs=2, sample=0.0, block=64, group=16, shared_negatives=8, heldout_every=0,
    blocks_per_call=1, min_count=1, loss_every=1, optimizer="adam", workers=1,
)  # fmt: skip
EARLY, STARTING = 0.2, 1.5  # share of the kills before anything is saved, and seconds they have
LONGEST = 0.06  # seconds from the first save to the other kills: some calls


def kills(*, kills: int, seed: int) -> dict[str, Any]:
    """Kill training so often, run after run; hold each run's end against one never killed."""
    rng, began, found = Random(seed), time.perf_counter(), Counter[str](runs=0)
    with tempfile.TemporaryDirectory() as scratch:
        _prepare(Path(scratch))
        text = Path(scratch) / "text"
        text.write_text(made_up(400, seed), encoding="utf-8")
        strike(lambda: train(text, Path(scratch) / "whole"), until_ended)
        whole = tables(Path(scratch) / "whole")
        while found["kills"] < kills:
            out = Path(scratch) / f"run{found['runs']}"
            found += run(text, out, rng, kills - found["kills"])
            found += Counter(runs=1, different=tables(out) != whole)
    return plain(found) | {"runs": found["runs"], "seconds": time.perf_counter() - began}


def run(text: Path, out: Path, rng: Random, kills: int) -> Counter[str]:
    """Train until the end, killed at most so often on the way."""
    found = Counter[str]()
    while found["kills"] < kills and not finished(out):
        seen: list[Path] = []

        def wait(child: int, seen: list[Path] = seen) -> None:
            if rng.random() < EARLY:
                time.sleep(rng.uniform(0, STARTING))
            else:
                until_saved(child, out)
                time.sleep(rng.uniform(0, LONGEST))
            seen += saved(out)

        if not strike(lambda: train(text, out), wait):
            break
        found += left_behind(out, [] if finished(out) else seen)
    if not finished(out):
        strike(lambda: train(text, out), until_ended)
    return found


def train(text: Path, out: Path) -> None:
    """Train, or go on; a checkpoint after every call."""
    api.train(text, CONFIG, out=out, check=False, resume=bool(saved(out)), save_every=0.0)


def finished(out: Path) -> bool:
    """Whether a run has written its vectors."""
    return place_of(out, "run.json").exists()


def tables(out: Path) -> list[bytes | None]:
    """All that was trained, bit for bit."""
    vectors = api.load(str(out))
    return [None if x is None else x.tobytes() for x in (vectors.vectors, vectors.outside)]


def made_up(lines: int, seed: int) -> str:
    """Sentences of eight words each, which words a law of Zipf decides."""
    words = np.random.default_rng(seed).zipf(1.5, (lines, 8)) % 50
    return "".join(" ".join(f"w{word}" for word in line) + "\n" for line in words)


def _prepare(scratch: Path) -> None:
    """What children have in common: programs compiled once, and a place for what they leave."""
    # Nothing runs in JAX before the fork, so that there are no threads to lose.
    warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
    tempfile.tempdir = str(scratch)
    jax.config.update("jax_compilation_cache_dir", str(scratch / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


if __name__ == "__main__":
    os.environ["NPROC"] = "1"  # XLA's threads, in the children
    print(json.dumps(kills(**json.loads(sys.argv[1]))))
