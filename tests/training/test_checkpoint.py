"""Checkpoints: whole or not there, of this run or refused, the one before where one is damaged."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from texts import topical_text

import jw2v
from jw2v.blocks.tables import Tables
from jw2v.errors import DataError, UsageError
from jw2v.training import checkpoint, checkpoint_files
from jw2v.training.checkpoint import Checkpoint, Saver, Saving
from jw2v.training.config import Config
from jw2v.training.folder import LOCK, METRICS, progress_of, run_folder
from jw2v.training.meter import Progress
from jw2v.training.state import TrainState

STATE = TrainState(
    Tables(jnp.arange(6.0).reshape(3, 2), jnp.zeros((3, 2))), {"m": jnp.ones(2)}, jnp.int32(4)
)
MADE_WITH = {"dim": 2, "optimizer": "adam"}
SMALL = Config(
    dim=12, window=3, epochs=3, sample=0.0, block=64, group=16, shared_negatives=8,
    blocks_per_call=4, min_count=1, loss_every=1, heldout_every=0,
)  # fmt: skip


def save(directory, calls=7, **options):
    return checkpoint.save(directory, Checkpoint(STATE, calls, MADE_WITH), **options)


def same(one, other) -> bool:
    pairs = zip(jax_leaves(one), jax_leaves(other), strict=True)
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


def jax_leaves(state):
    return [np.asarray(leaf) for leaf in (*state.tables, state.opt_state["m"], state.blocks)]


def test_a_state_comes_back_bit_for_bit(tmp_path):
    path = save(tmp_path)
    assert checkpoint.find(tmp_path, MADE_WITH) == checkpoint.Found(path, 7) == (path, 7, 1)
    found = checkpoint.load(path, STATE)
    assert same(found.state, STATE)
    assert (found.calls, found.made_with) == (7, MADE_WITH)


def test_the_last_ones_are_kept(tmp_path):
    paths = [save(tmp_path, calls, keep=2) for calls in (8, 9, 10, 100)]
    assert checkpoint.saved(tmp_path) == paths[:1:-1]
    checkpoint.remove(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_flipped_bit_is_seen(tmp_path):
    path = save(tmp_path)
    whole = path.read_bytes()
    for place, bit in itertools.product(range(len(whole)), range(8)):
        changed = bytearray(whole)
        changed[place] ^= 1 << bit
        path.write_bytes(changed)
        with pytest.raises(DataError):
            checkpoint.load(path, STATE)


def test_every_cut_is_seen(tmp_path):
    path = save(tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            checkpoint.load(path, STATE)


def test_the_one_before_is_taken_where_the_last_is_damaged(tmp_path, caplog):
    before, last = save(tmp_path, 7), save(tmp_path, 8)
    last.write_bytes(last.read_bytes()[:-1])
    with caplog.at_level("WARNING", "jw2v"):
        assert checkpoint.find(tmp_path, MADE_WITH)[:2] == (before, 7)
    assert f"{last} is damaged (" in caplog.text
    assert "; looking for one before it" in caplog.text
    before.write_bytes(b"")
    with pytest.raises(DataError, match=rf"^no checkpoint of {tmp_path} is whole; start anew"):
        checkpoint.find(tmp_path, MADE_WITH)


def test_one_of_another_run_is_refused_with_what_differs(tmp_path):
    path = save(tmp_path)
    told = rf"^{path} was made with other options \(dim 2 -> 3; optimizer adam -> sgd; new None"
    with pytest.raises(DataError, match=told):
        checkpoint.find(tmp_path, {"dim": 3, "optimizer": "sgd", "new": 1})
    other = STATE._replace(blocks=jnp.float32(4))
    with pytest.raises(DataError, match="holds other arrays than this run"):
        checkpoint.load(path, other)
    with pytest.raises(DataError, match="has no checkpoint; start anew without --resume"):
        checkpoint.find(tmp_path / "other", MADE_WITH)


def test_one_of_another_version_is_refused_by_both_numbers(tmp_path, monkeypatch):
    path = save(tmp_path)
    monkeypatch.setattr(checkpoint_files, "VERSION", 3)
    with pytest.raises(DataError, match=rf"^{path} has version 2, this jw2v reads 3$"):
        checkpoint.load(path, STATE)


def test_what_cannot_be_saved_is_told_and_leaves_what_was(tmp_path, monkeypatch, caplog):
    path = save(tmp_path)
    saver = Saver(Saving(str(tmp_path), MADE_WITH, every=0.0))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with caplog.at_level("WARNING", "jw2v"):
        saver(lambda: STATE, 8)
    assert "not saved after call 8: cannot write" in caplog.text
    assert "No space left on device" in caplog.text
    assert "it takes 60 bytes; the run goes on" in caplog.text
    assert list(tmp_path.iterdir()) == [path]


def test_every_ten_minutes_one_is_made_and_two_are_kept(tmp_path):
    """As the README says, and by default."""
    assert Saving("folder", MADE_WITH) == ("folder", MADE_WITH, 600.0, 2)
    paths = [save(tmp_path, calls) for calls in (1, 2, 3)]
    assert checkpoint.saved(tmp_path) == paths[:0:-1]


def test_a_saver_waits_between_two_and_asks_for_the_state_only_then():
    clock = iter([0.0, 59.0, 60.0, 60.0, 100.0, 121.0, 121.0])
    made, asked = [], []

    def state() -> TrainState:
        asked.append(calls)
        return STATE

    saver = Saver(Saving("folder", MADE_WITH, every=60, keep=5), clock=lambda: next(clock))
    checkpoint_save = checkpoint.save
    checkpoint.save = lambda directory, found, keep: made.append((found.calls, keep))
    try:
        for calls in range(4):
            saver(state, calls)
    finally:
        checkpoint.save = checkpoint_save
    assert made == [(1, 5), (3, 5)]
    assert asked == [1, 3]


def test_a_second_run_in_a_folder_is_refused_by_the_first_ones_number(tmp_path):
    with run_folder(tmp_path):
        told = rf"^process {os.getpid()} trains in {tmp_path}; wait for it, or give another"
        with pytest.raises(UsageError, match=told), run_folder(tmp_path):
            pass
        assert (tmp_path / LOCK).exists()
    assert not (tmp_path / LOCK).exists()
    (tmp_path / LOCK).write_text("process 1")  # left by one that was killed
    with run_folder(tmp_path):
        assert (tmp_path / LOCK).read_text() == f"process {os.getpid()}"


def test_of_many_that_want_a_folder_at_once_one_has_it(tmp_path):
    inside, most, refused = [0], [0], []

    def run() -> None:
        for _ in range(50):
            try:
                with run_folder(tmp_path):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    time.sleep(1e-4)
                    inside[0] -= 1
            except UsageError:
                refused.append(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert len(refused) < 200


def test_what_a_killed_process_was_writing_is_removed(tmp_path):
    (tmp_path / ".run.json.123.tmp").write_text("half")
    (tmp_path / ".tmpXeCIFM").write_text("half")
    (tmp_path / "mine.tmp").write_text("kept")
    with run_folder(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {LOCK, "mine.tmp"}


def test_a_folder_that_was_made_for_nothing_is_removed(tmp_path):
    with pytest.raises(ValueError, match="no"), run_folder(tmp_path / "new"):
        raise ValueError("no")
    assert list(tmp_path.iterdir()) == []


def test_what_was_told_before_a_kill_is_told_once(tmp_path):
    told = [Progress(calls, calls / 4, 2.0, None, 0.05, 1e6, 3.0) for calls in (1, 2, 3)]
    lines = "".join(json.dumps(progress._asdict()) + "\n" for progress in told)
    (tmp_path / METRICS).write_text(lines + '{"calls": 4, "ep')
    assert progress_of(tmp_path, calls=2) == told[:2]
    assert progress_of(tmp_path, calls=9) == told
    assert progress_of(tmp_path / "none", calls=9) == []


def test_a_run_that_saves_after_each_call_ends_the_same(text, tmp_path):
    whole = jw2v.train(text, SMALL, check=False)
    saved = jw2v.train(text, SMALL, out=tmp_path, check=False, save_every=0.0)
    assert saved.vectors.tobytes() == whole.vectors.tobytes()
    assert not checkpoint.saved(tmp_path)


def test_options_that_would_lose_a_run_are_refused_at_once(text, tmp_path):
    told = (
        r"^certify is nan, not a share from 0 to 1 \(--certify\); save_every is -1.0, not a number "
        r"of at least 0 \(--save-every\); keep is 0, not a whole number of at least 1 \(--keep\)$"
    )
    with pytest.raises(UsageError, match=told):
        jw2v.train(text, SMALL, out=tmp_path / "o", certify=np.nan, save_every=-1.0, keep=0)
    assert not (tmp_path / "o").exists()


PROGRAM = """
import sys
import jw2v
from jw2v.training.config import Config
text, out, resume, config = sys.argv[1], sys.argv[2], sys.argv[3] == "1", eval(sys.argv[4])
jw2v.train(text, config, out=out, check=False, resume=resume, save_every=0.0)
"""


def start(text, out, config, *, resume):
    command = [sys.executable, "-c", PROGRAM, str(text), str(out), str(int(resume)), repr(config)]
    kept = {
        "JAX_COMPILATION_CACHE_DIR": str(text.parent / "xla"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    env = os.environ | {"NPROC": "1"} | kept
    return subprocess.Popen(command, stderr=subprocess.PIPE, env=env)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_that_is_killed_again_and_again_ends_the_same(tmp_path):
    """30 kills at random moments, with a checkpoint after every call."""
    text, out = tmp_path / "text", tmp_path / "out"
    text.write_text(topical_text(6000))
    config = replace(SMALL, optimizer="adam", blocks_per_call=1, epochs=12)
    whole = jw2v.train(text, config, check=False)
    rng = np.random.default_rng(0)
    kills = reached = 0
    while kills < 30:
        process = start(text, out, config, resume=bool(checkpoint.saved(out)))
        first = len(progress_of(out, calls=10**9))
        while process.poll() is None and len(progress_of(out, calls=10**9)) <= first:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        _, told = process.communicate(timeout=60)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, told.decode()
        kills += 1
        calls = checkpoint.find(out, checkpoint_files.read(checkpoint.saved(out)[0])[0].made_with)
        assert calls.calls >= reached
        reached = calls.calls
    process = start(text, out, config, resume=True)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told.decode()
    found = jw2v.load(out)
    assert kills == 30
    assert found.vectors.tobytes() == whole.vectors.tobytes()
    assert found.outside is not None
    assert whole.outside is not None
    assert found.outside.tobytes() == whole.outside.tobytes()
    assert [line.calls for line in progress_of(out, calls=10**9)] == list(
        range(1, len(progress_of(out, calls=10**9)) + 1)
    )
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("kept", [range(10, 18), range(11, 18), range(8, 18)])
def test_for_another_number_of_replicas_one_checkpoint_is_left(tmp_path, kept):
    """However many were kept: the new one has the lowest number of all, or one that is there."""
    record = {"replicas": 1, "call_blocks": 32, "dim": 2}
    now = {"replicas": 2, "call_blocks": 32, "dim": 2}
    others = np.ones(3), np.array([5, 6]), np.array(0.5)  # none of them counts calls
    for calls in kept:
        arrays = [np.array(calls, np.int32), np.array(2**60 + 2), *others]
        checkpoint_files.write(tmp_path, arrays, checkpoint_files.Record(calls, record), keep=99)
    found = checkpoint.rescaled(checkpoint.find(tmp_path, record), now)
    assert checkpoint.saved(tmp_path) == [found.path]
    again = checkpoint.find(tmp_path, now)
    assert again == found == (found.path, 8, 2)
    told, (blocks, words, *same) = checkpoint_files.read(found.path)
    assert told == (8, now)
    assert (blocks, words) == (8, 2**59 + 1)  # beyond what a float64 tells apart
    for one, other in zip(same, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_calls_of_fewer_blocks_are_as_many_more(tmp_path):
    record = {"replicas": 2, "call_blocks": 32}
    checkpoint_files.write(tmp_path, [np.array(320)], checkpoint_files.Record(10, record))
    more = {"replicas": 8, "call_blocks": 8}
    found = checkpoint.rescaled(checkpoint.find(tmp_path, record), more)
    told, (blocks,) = checkpoint_files.read(found.path)
    assert (found.calls, told.calls, blocks) == (10, 10, 80)  # each has trained a quarter
    assert checkpoint.find(tmp_path, record) == found  # how many train is free
    found = checkpoint.rescaled(found, {"replicas": 1, "call_blocks": 32})
    assert (found.calls, checkpoint_files.read(found.path)[1]) == (20, [640])
