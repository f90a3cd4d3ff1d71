"""A process of a run that is stopped or hangs, and is not dead: the others do not wait for ever."""

import os
import re
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from texts import topical_text

import jw2v
from jw2v.cli import main
from jw2v.errors import DataError
from jw2v.training import children

TWO = jw2v.Config(
    dim=12, window=3, epochs=500, sample=0.0, block=64, group=16, shared_negatives=8,
    blocks_per_call=8, min_count=1, loss_every=1, workers=2,
)  # fmt: skip
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


def test_a_process_that_is_stopped_ends_the_run(text, started, monkeypatch):
    monkeypatch.setattr(children, "PATIENCE", 1.0)
    with pytest.raises(DataError) as caught:
        jw2v.train(
            text, TWO, check=False, stop=lambda: bool(started[1].send_signal(signal.SIGSTOP))
        )
    assert str(caught.value) == (
        f"process 1 of 2 (pid {started[1].pid}) is stopped or hangs: it did nothing for 1 s; run "
        "it again, with --resume if it saved"
    )
    assert [process.poll() is None for process in started] == [False, False]


def test_a_process_that_hangs_ends_the_run(text, started, monkeypatch):
    """It is neither dead nor stopped, as one that waits for a lock; the other trains and waits."""
    monkeypatch.setattr(children, "PATIENCE", 1.0)
    popen = children.subprocess.Popen

    def hung(command, **options):
        return popen(["sleep", "600"] if command[-1] == "1" else command, **options)

    monkeypatch.setattr(children.subprocess, "Popen", hung)
    with pytest.raises(DataError, match=r"process 1 of 2 \(pid \d+\) is stopped or hangs"):
        jw2v.train(text, TWO, check=False)
    assert [process.poll() is None for process in started] == [False, False]


def test_a_process_that_fails_is_not_told_to_hang(text, monkeypatch):
    """It takes a while to end, in which it does nothing; so do those that wait for it."""
    monkeypatch.setattr(children, "PATIENCE", 3.0)
    failing = replace(TWO, lr=1e30, damping="none")
    with pytest.raises(DataError, match=r"^the loss is (nan|inf) after .* \(process \d of 2\)$"):
        jw2v.train(text, failing, check=False)


@pytest.mark.slow
def test_the_command_ends_with_1_and_leaves_its_checkpoint(tmp_path, started, monkeypatch, capsys):
    text, out = tmp_path / "text", tmp_path / "out"
    text.write_text(topical_text(2000))
    monkeypatch.setattr(children, "PATIENCE", 1.0)
    flags = [
        "train", str(text), "--out", str(out), "--workers", "2", "--dim", "8", "--min-count", "1",
        "--blocks-per-call", "1", "--no-check", "--save-every", "0",
    ]  # fmt: skip
    running = children.Children.running

    def stop_the_first_once_it_saved(self: children.Children) -> list[Any]:
        if list(out.glob("checkpoint-*")):
            started[0].send_signal(signal.SIGSTOP)
        return running(self)

    monkeypatch.setattr(children.Children, "running", stop_the_first_once_it_saved)
    assert main([*flags, "--epochs", "500"]) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(
        r"jw2v: process 0 of 2 \(pid \d+\) is stopped or hangs: it did nothing for 1 s; run it "
        r"again, with --resume if it saved",
        told,
    )
    assert list(out.glob("checkpoint-*"))


@pytest.mark.slow
def test_one_that_goes_on_in_time_ends_nothing(text, started, monkeypatch):
    """Stopped again and again, for longer in all than is waited: each time the wait begins anew."""
    # A busy machine, too, makes one idle for a second.
    monkeypatch.setattr(children, "PATIENCE", 3.0)
    looks = 0

    def stop_now_and_then() -> bool:
        nonlocal looks
        looks += 1
        if looks <= 48:
            started[1].send_signal(signal.SIGCONT if looks % 4 == 0 else signal.SIGSTOP)
        return False

    vectors = jw2v.train(text, replace(TWO, epochs=2), check=False, stop=stop_now_and_then)
    assert vectors.run["epochs"] == 2


def test_what_a_process_has_spent():
    """In ticks; of one that has ended, and has been waited for or not, there is none."""
    mine = children.processor_time(os.getpid())
    assert mine == pytest.approx(sum(os.times()[:2]) * os.sysconf("SC_CLK_TCK"), abs=5)
    with subprocess.Popen(["sleep", "60"]) as process:
        assert children.processor_time(process.pid) == 0
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert children.processor_time(process.pid) is None
        process.wait()
        assert children.processor_time(process.pid) is None
