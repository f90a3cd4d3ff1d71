"""Every call that reaches the disk fails in turn: the old state or the new, and one line."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from faults import FAULTS, NOTE, Fault, Operation, empty, power_cuts, sweep

from jw2v.blocks.tables import Tables
from jw2v.corpus import encode, open_corpus
from jw2v.errors import DataError
from jw2v.files import replacing
from jw2v.training import checkpoint
from jw2v.training.checkpoint import Checkpoint
from jw2v.training.state import TrainState
from jw2v.vectors import Vectors, load, read_projector, save, write_projector
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


def save_old(folder: Path) -> None:
    save(OLD, folder)


def save_new(folder: Path) -> None:
    save(NEW, folder)


def nothing(folder: Path) -> None:
    pass


OPERATIONS = {
    "save": Operation(save_old, save_new, read_vectors),
    "save, new": Operation(nothing, save_new, read_vectors),
    "checkpoint": Operation(save_two, lambda f: save_state(f, 3), read_state),
    "encode": Operation(encode_old, encode_new, read_corpus),
} | {name: writer(name) for name in WRITERS}
CALLS = {  # fewer would be faults that are not injected
    "save": 40, "save, new": 40, "checkpoint": 6, "encode": 130, "projector": 34, "model2vec": 54,
    "word2vec": 9, "word2vec-bin": 9, "glove": 9, "fasttext": 9,
}  # fmt: skip
QUICK = {"EIO-once", "ENOSPC-for-good"}
CASES = [
    pytest.param(
        name, fault, id=f"{name}-{fault}",
        marks=() if str(fault) in QUICK and name != "encode" else pytest.mark.slow,
    )
    for name in OPERATIONS for fault in FAULTS
]  # fmt: skip


@pytest.mark.parametrize(("name", "fault"), CASES)
def test_each_fault_leaves_the_old_state_or_the_new(tmp_path, name, fault):
    points = sweep(OPERATIONS[name], tmp_path, fault)
    share = 2 if fault.number == errno.ENOSPC else 1  # of no room not all calls can tell
    assert len(points) >= CALLS[name] // share


# The tool itself


def in_place(folder: Path, text: str) -> None:
    (folder / "a").write_text(text)


def told_in_one_line(write):
    def run(folder: Path) -> None:
        try:
            write(folder)
        except OSError as error:
            raise DataError(f"cannot write a: {error.strerror}; give a place (--out)") from error

    return run


def one_after_the_other(folder: Path, text: str) -> None:
    for name in ("a", "b"):
        with replacing(folder / name) as temporary:
            temporary.write_text(text)


def littering(folder: Path, text: str) -> None:
    temporary = folder / ".a.tmp"
    temporary.write_text(text)
    os.replace(temporary, folder / "a")


def swallowing(folder: Path, text: str) -> None:
    try:
        with replacing(folder / "a") as temporary:
            temporary.write_text(text)
    except DataError:
        pass


def contents(folder: Path) -> object:
    return [(folder / name).read_text() for name in ("a", "b") if (folder / name).exists()]


@pytest.mark.parametrize(
    ("write", "shown"),
    [
        (in_place, "neither the old state nor the new"),
        (one_after_the_other, "neither the old state nor the new"),
        (littering, r"left \['.a.tmp'\]"),
        (swallowing, "it ended well without the new state"),
    ],
)
def test_a_writer_that_is_not_whole_is_caught(tmp_path, write, shown):
    operation = Operation(
        lambda folder: write(folder, "old"),
        told_in_one_line(lambda folder: write(folder, "new, and longer")),
        contents,
    )
    with pytest.raises(AssertionError, match=shown):
        sweep(operation, tmp_path, ONCE)


def test_a_fault_that_is_no_line_is_caught(tmp_path):
    operation = Operation(
        lambda folder: in_place(folder, "old"), lambda folder: in_place(folder, "new"), contents
    )
    with pytest.raises(OSError, match="Input/output error") as caught:
        sweep(operation, tmp_path, ONCE)
    assert caught.value.__notes__ == ["call 1 failed, a open, of ['open']"]


def test_an_operation_that_does_nothing_is_caught(tmp_path):
    with pytest.raises(AssertionError, match="changes nothing that is read back"):
        sweep(Operation(save_new, save_new, read_vectors), tmp_path, ONCE)


# A power cut


def laid_out(folder: Path, files: dict[str, bytes]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


@NEEDS_PROC
@pytest.mark.parametrize("name", ["save", pytest.param("encode", marks=pytest.mark.slow)])
def test_a_power_cut_leaves_the_old_state_or_the_new(tmp_path, name):
    before, run, read, _ = OPERATIONS[name]
    folder = tmp_path / "folder"
    folder.mkdir()
    cuts = list(power_cuts(Operation(before, run, read), folder))
    after = [read(laid_out(tmp_path / "cut", files)) for files in cuts]
    old, new = after[0], read(folder)
    assert old != new
    assert all(found in (old, new) for found in after)
    assert after[-1] == new
    assert len(cuts) > 20


@NEEDS_PROC
def test_what_is_not_synced_is_lost_in_a_power_cut(tmp_path):
    def write(folder: Path, text: str) -> None:
        (folder / "b").write_text(text)
        os.replace(folder / "b", folder / "a")

    operation = Operation(lambda f: write(f, "old"), lambda f: write(f, "new"), contents)
    assert {"a": b""} in list(power_cuts(operation, tmp_path))


# A disk that is full


FULL = """
import resource, signal, sys
from pathlib import Path
from test_faults import save_large
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if sys.argv[3] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
save_large(sys.argv[1], Path(sys.argv[2]))
"""
MOUNTED = 'mount -t tmpfs -o size=1m tmpfs "$5" && exec "$@"'
ALONE = ["unshare", "--map-root-user", "--mount"]  # what is mounted goes with the process


def save_large(name: str, folder: Path) -> None:
    """Try to save 4 MiB over an older state; prints what is told, and whether all is as it was."""
    operation = OPERATIONS[name]
    operation.before(folder)
    before = operation.read(folder), sorted(os.listdir(folder))
    table = np.ones((1024, 1024), np.float32)
    try:
        if name == "save":
            save(Vectors(tuple(map(str, range(1024))), table), folder)
        else:
            large = state(0)._replace(tables=Tables(jnp.asarray(table), jnp.zeros((2, 2))))
            checkpoint.save(folder, Checkpoint(large, 3, MADE_WITH))
    except DataError as error:
        print(error)
    print((operation.read(folder), sorted(os.listdir(folder))) == before)


def may_mount() -> bool:
    probe = [*ALONE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return (
        bool(shutil.which(ALONE[0])) and not subprocess.run(probe, capture_output=True).returncode
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["save", "checkpoint"])
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("limit", "File too large (os error 27)"),
        pytest.param(
            "disk", "No space left on device (os error 28)",
            marks=pytest.mark.skipif(not may_mount(), reason="no disk may be mounted here"),
        ),
    ],
)  # fmt: skip
def test_a_disk_that_is_full_leaves_what_was(tmp_path, name, how, reason):
    command = [sys.executable, "-c", FULL, name, str(tmp_path), how]
    if how == "disk":
        command = [*ALONE, "sh", "-c", MOUNTED, "sh", *command]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=200, cwd=Path(__file__).parent, check=True
    )
    told, same = done.stdout.splitlines()
    assert told.startswith(f"cannot write {tmp_path}")
    assert f"{reason}; give a place with room" in told
    assert told.endswith("; it takes 4,194,332 bytes") == (name == "checkpoint")
    assert same == "True"


# Files that belong together


def stuck(folder: Path, save_to, monkeypatch) -> None:
    """A save that is decided, of which no file takes its place."""
    replace = os.replace

    def only_the_note(source, target):
        if Path(target).name != NOTE:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", only_the_note)
        with pytest.raises(DataError, match="Input/output error; give a place with room"):
            save_to(folder)


def test_what_was_decided_is_kept_by_those_who_write_other_files(tmp_path, monkeypatch):
    save(OLD, tmp_path)
    stuck(tmp_path, save_new, monkeypatch)
    assert read_vectors(tmp_path) == told(NEW)
    write_projector(OLD, tmp_path)
    assert read_vectors(tmp_path) == told(NEW)
    assert read_projector(tmp_path).words == OLD.words
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_a_note_that_cannot_be_read_is_told(tmp_path):
    save(OLD, tmp_path)
    (tmp_path / NOTE).mkdir()
    message = f"cannot read {tmp_path / NOTE}: Is a directory; make it readable"
    for attempt in (save_new, load):
        with pytest.raises(DataError) as caught:
            attempt(tmp_path)
        assert str(caught.value) == message
