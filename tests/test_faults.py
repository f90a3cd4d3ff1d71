"""Every call that reaches the disk fails in turn: the old state or the new, and one line."""

import errno
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from faults import FAULTS, Fault, Operation, empty, sweep

from jw2v.blocks.tables import Tables
from jw2v.corpus import encode, open_corpus
from jw2v.errors import DataError
from jw2v.files import replacing
from jw2v.training import checkpoint
from jw2v.training.checkpoint import Checkpoint
from jw2v.training.state import TrainState
from jw2v.vectors import Vectors, load, save
from jw2v.vectors.formats import WRITERS

OLD = Vectors(
    ("the", "café", "new\u00a0york"), np.arange(6, dtype=np.float32).reshape(3, 2),
    np.ones((3, 2), np.float32), np.array([5, 3, 1]), {"epochs": 5},
)  # fmt: skip
NEW = Vectors(("a", "the"), OLD.vectors[1:] + 1, OLD.vectors[:2], np.array([7, 7]), {"epochs": 1})
ONCE = Fault(errno.EIO, for_good=False)
MADE_WITH = {"dim": 2}


def told(vectors: Vectors) -> tuple[object, ...]:
    tables = vectors.vectors, vectors.outside, vectors.counts
    return vectors.words, *(None if x is None else x.tobytes() for x in tables), dict(vectors.run)


def read_vectors(folder: Path) -> object:
    return None if empty(folder) else told(load(folder))


def read_place(folder: Path) -> object:
    return told(load(folder / "place"))


def state(first: float) -> TrainState:
    return TrainState(
        Tables(jnp.arange(first, first + 4).reshape(2, 2), jnp.zeros((2, 2))),
        {"m": jnp.ones(2)},
        jnp.int32(4),
    )


def save_state(folder: Path, calls: int) -> None:
    checkpoint.save(folder, Checkpoint(state(calls), calls, MADE_WITH))


def save_two(folder: Path) -> None:
    save_state(folder, 1)
    save_state(folder, 2)


def read_state(folder: Path) -> object:
    for path in checkpoint.saved(folder):
        checkpoint.load(path, state(0))
    found = checkpoint.find(folder, MADE_WITH)
    tables = checkpoint.load(found.path, state(0)).state.tables
    return found.calls, np.asarray(tables.V).tolist()


def encode_text(folder: Path, text: str) -> None:
    source = folder / "text"
    source.write_text(text)
    encode(source, directory=folder, min_count=1, heldout_every=3)


def encode_old(folder: Path) -> None:
    encode_text(folder, "a b c\nb c d\n" * 5)
    (folder / "text").write_text("to be or not to be\nthat is\n" * 9)


def encode_new(folder: Path) -> None:
    encode(folder / "text", directory=folder, min_count=1, heldout_every=3)


def read_corpus(folder: Path) -> object:
    corpus = open_corpus(folder)
    arrays = (array.tolist() for part in (corpus.train, corpus.heldout) for array in part)
    return corpus.vocab.words, corpus.vocab.counts.tolist(), corpus.fingerprint, *arrays


def writer(name: str) -> Operation:
    write = WRITERS[name]
    return Operation(
        lambda folder: write(OLD, folder / "place"),
        lambda folder: write(NEW, folder / "place"),
        read_place,
    )


NOTHING = lambda folder: None  # noqa: E731
OPERATIONS = {
    "save": (Operation(lambda f: save(OLD, f), lambda f: save(NEW, f), read_vectors), 0),
    "save, new": (Operation(NOTHING, lambda f: save(NEW, f), read_vectors), 0),
    "checkpoint": (Operation(save_two, lambda f: save_state(f, 3), read_state), 0),
    "encode": (Operation(encode_old, encode_new, read_corpus), 0),
} | {name: (writer(name), 0) for name in WRITERS}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_fault_leaves_the_old_state_or_the_new(tmp_path, name, fault):
    operation, least = OPERATIONS[name]
    points = sweep(operation, tmp_path, fault)
    print(len(points), points)
    assert len(points) >= least
