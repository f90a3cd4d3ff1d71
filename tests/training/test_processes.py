"""Several processes over loopback: they train what one with as many devices trains, or end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import jw2v
from jw2v.errors import UsageError
from jw2v.training import processes

OPTIONS = (
    "--dim", "16", "--window", "3", "--sample", "0", "--block", "32", "--group", "16",
    "--shared-negatives", "8", "--blocks-per-call", "2", "--min-count", "1", "--no-check",
)  # fmt: skip
PLAIN = {"JAX_PLATFORMS": "cpu", "NPROC": "1"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("host:1", None, 0), "needs --coordinator HOST:PORT, --processes and --process-id"),
        ((None, 2, 0), "needs --coordinator HOST:PORT"),
        (("host:1", 2, 2), "process_id is 2, not one of 0 to 1"),
        (("host:1", 2, -1), "process_id is -1, not one of 0 to 1"),
    ],
)
def test_what_is_left_out_is_named(given, message):
    with pytest.raises(UsageError, match=message):
        processes.join(*given)


def test_one_process_joins_nothing():
    assert processes.join(None, None, None) is False
    assert processes.leads()
    assert processes.part(3) == 3


def started(corpus: Path, out: Path, count: int, *options: str, **env: str):
    """The processes of a run, each with its own output."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    several = ("--coordinator", f"127.0.0.1:{port}", "--processes", str(count))
    return [
        subprocess.Popen(
            [sys.executable, "-m", "jw2v", "train", corpus, "--out", out, *OPTIONS, *options]
            + ([*several, "--process-id", str(i)] if count > 1 else []),
            env={**os.environ, **PLAIN, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(count)
    ]


def ended(running, *, within: float) -> list[tuple[int, str, str]]:
    """Exit code, output and errors of each."""
    told = [process.communicate(timeout=within) for process in running]
    return [(p.returncode, *texts) for p, texts in zip(running, told, strict=True)]


@pytest.mark.slow
def test_two_processes_train_what_two_devices_of_one_train(few_words, tmp_path):
    two = ended(started(few_words, tmp_path / "two", 2, "--epochs", "2"), within=200)
    flags = "--xla_force_host_platform_device_count=2"
    one = started(few_words, tmp_path / "one", 1, "--epochs", "2", XLA_FLAGS=flags)
    assert [code for code, *_ in (*two, *ended(one, within=200))] == [0, 0, 0]
    first, other = (jw2v.load(tmp_path / name) for name in ("two", "one"))
    np.testing.assert_array_equal(first.vectors, other.vectors)
    assert first.run["heldout_loss"] == other.run["heldout_loss"]
    assert first.run["loss"] == other.run["loss"]


@pytest.mark.slow
def test_where_one_of_three_is_killed_the_others_end_and_two_go_on(few_words, tmp_path):
    out = tmp_path / "out"
    long = ("--epochs", "60", "--save-every", "0", "--lr", "0.01")
    running = started(few_words, out, 3, *long)
    deadline = time.monotonic() + 200
    while not list(out.glob("checkpoint-*")):
        assert time.monotonic() < deadline
        assert all(process.poll() is None for process in running), ended(running, within=30)
        time.sleep(0.1)
    running[1].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    (first, _, told), (lost, *_), (third, *_) = ended(running, within=30)
    assert time.monotonic() - killed < 30
    assert lost == -signal.SIGKILL
    assert first == 1
    assert third != 0
    assert "jw2v: another process of the run is gone" in told
    assert "run it again, with --resume if it saved" in told

    saved = sorted(out.glob("checkpoint-*"))
    assert saved
    again = ended(started(few_words, out, 2, *long, "--resume", "--json"), within=300)
    assert [code for code, *_ in again] == [0, 0]
    assert json.loads(again[0][1].splitlines()[-1])["epochs"] == 60
    assert np.isfinite(jw2v.load(out).vectors).all()
    calls = [json.loads(line)["calls"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert calls[-1] > calls[0]
