"""Processes that are started before there is work for them: what they take, tell and end with."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

import jw2v
from jw2v.blocks.tables import Tables
from jw2v.corpus import encode
from jw2v.errors import DataError
from jw2v.training import backend, crew, worker
from jw2v.training.children import Children
from jw2v.training.config import Config
from jw2v.training.loop import Result
from jw2v.training.state import TrainState


def test_none_outlives_the_block(tmp_path, started):
    with Children(tmp_path / "children") as some:
        some.start(2)
        some.start(1)
        assert len(started) == len(some.running()) == 2
        some.keep(1)
        assert started[1].returncode == -signal.SIGKILL
        some.start(2)
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 3
    assert all(process.stdout is not None and process.stdout.closed for process in started)


def test_one_that_is_given_nothing_ends_by_itself():
    """As where who started it was killed; a Ctrl-C before is not its own to hear."""
    command = [sys.executable, "-m", "jw2v", "--worker", "0"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        time.sleep(1.0)  # Python itself has to be up
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(b"", timeout=60)
    assert (process.returncode, told) == (0, b"")


def test_what_others_print_is_not_taken_for_the_result():
    program = """if True:
        import sys
        from jw2v.training import worker
        worker.work = lambda job, rank, told: (print("noise"), told.write(job.folder.encode()))
        sys.exit(worker.main(["0"]))
    """
    job = worker.Job({}, "corpus", "result", 2, [], None, None, 0)
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(job._asdict()).encode() + b"\n",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"result", b"noise\n")


def test_those_of_a_text_that_cannot_be_encoded_end(tmp_path, started):
    text = tmp_path / "text"
    text.write_bytes(b"to be\n\xff\n")
    with pytest.raises(DataError, match="not UTF-8"):
        jw2v.train(text, Config(workers=2))
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2


def test_those_that_were_started_for_a_run_of_one_end(text, started, monkeypatch):
    monkeypatch.setattr(crew, "foreseen", lambda *args, **options: 2)
    config = Config(dim=8, epochs=1, block=64, min_count=1, heldout_every=0)
    vectors = jw2v.train(text, config, check=False)
    assert vectors.run["config"]["workers"] == 1
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2


def test_an_encoded_text_has_its_processes_when_they_have_work(tmp_path, text, started):
    corpus = encode(text, directory=tmp_path, min_count=1, heldout_every=0)
    config = Config(dim=8, epochs=1, block=64, workers=2)
    assert jw2v.train(corpus, config, check=False).run["config"]["workers"] == 2
    assert len(started) == 2
    assert None not in [process.returncode for process in started]


@pytest.mark.parametrize(
    ("config", "portable", "expected"),
    [
        (Config(epochs=1), True, 3),
        (Config(epochs=1, workers=2), True, 2),
        (Config(epochs=1, workers=1), True, 0),
        (Config(epochs=1), False, 0),
        (Config(epochs=1, optimizer="adam"), True, 0),
    ],
)
def test_how_many_are_foreseen(tmp_path, monkeypatch, config, portable, expected):
    monkeypatch.setattr(backend, "cores", lambda: 3)
    monkeypatch.setattr(jax, "device_count", lambda: 1)
    text = tmp_path / "text"
    with text.open("wb") as file:
        file.truncate(crew.WORTH * crew.WORD_BYTES)
    assert crew.foreseen(text, config, portable=portable) == expected
    monkeypatch.setattr(jax, "device_count", lambda: 2)
    assert crew.foreseen(text, config, portable=portable) == 0


def test_none_are_foreseen_of_a_text_that_is_short_or_not_known(tmp_path, monkeypatch):
    monkeypatch.setattr(backend, "cores", lambda: 3)
    monkeypatch.setattr(jax, "device_count", lambda: 1)
    text = tmp_path / "text"
    text.write_text("to be or not to be\n" * 100)
    assert crew.foreseen(text, Config(), portable=True) == 0
    assert crew.foreseen([text, "-"], Config(), portable=True) == 0
    with pytest.raises(DataError, match="no/such/text"):
        crew.foreseen("no/such/text", Config(), portable=True)


@pytest.fixture
def result() -> Result:
    tables = Tables(np.arange(6, dtype=np.float32).reshape(3, 2), np.ones((3, 2), np.float64))
    state = TrainState(tables, (np.array(7, np.int32), np.zeros(0, np.float32)), jax.numpy.int32(9))
    return Result(state, 9, True, 2.5, None, {"train": 1.0}, 4e6)


@pytest.fixture
def written(result, tmp_path) -> Path:
    path = tmp_path / "result"
    with path.open("wb") as file:
        worker.write_result(result, file)
    return path


def test_a_result_is_read_as_it_was_written(result, written):
    with written.open("rb") as file:
        found = worker.read_result(file, result.state)
        assert file.read() == b""
    assert found._replace(state=None) == result._replace(state=None)
    jax.tree.map(np.testing.assert_array_equal, found.state, result.state)
    assert jax.tree.structure(found.state) == jax.tree.structure(result.state)


@pytest.mark.parametrize("missing", [1, 4, 60, None])
def test_a_result_that_ends_too_soon_is_none(result, written, missing):
    whole = written.read_bytes()
    written.write_bytes(whole[: -missing if missing else 0])
    with written.open("rb") as file, pytest.raises(ValueError, match=r"Expecting|buffer|reshape"):
        worker.read_result(file, result.state)
