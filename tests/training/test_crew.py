"""Runs of several processes: they learn, repeat bit for bit, stop, go on, and fail in one line."""

import json
import logging
import re
import shutil
from dataclasses import replace

import optax
import pytest
from texts import topic_share

import jw2v
from jw2v.errors import DataError, InterruptedTrainingError
from jw2v.training import crew
from jw2v.training.config import Config
from jw2v.training.folder import METRICS
from jw2v.training.merge import REST
from jw2v.training.meter import Progress

TWO = Config(
    dim=12, window=3, epochs=8, sample=0.0, block=64, group=16, shared_negatives=8,
    blocks_per_call=8, min_count=1, loss_every=1, workers=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def vectors(text) -> jw2v.Vectors:
    return jw2v.train(text, TWO)


def test_two_processes_learn(vectors):
    assert topic_share(vectors) > 0.9
    assert vectors.run["config"]["workers"] == 2
    assert vectors.run["gradients_checked"]
    assert vectors.run["heldout_loss"] < 0.8 * vectors.run["history"][0]["loss"]


def test_a_run_of_two_repeats_bit_for_bit(text, vectors):
    again = jw2v.train(text, TWO, check=False)
    assert again.vectors.tobytes() == vectors.vectors.tobytes()


@pytest.mark.slow
def test_a_stopped_run_of_two_rests_and_goes_on_bit_for_bit(text, tmp_path):
    config = replace(TWO, block=16, blocks_per_call=1, epochs=2)
    whole = jw2v.train(text, config, check=False)
    seen: list[Progress] = []
    options = {"out": tmp_path / "two", "check": False}
    with pytest.raises(InterruptedTrainingError) as stopped:
        jw2v.train(text, config, **options, callback=seen.append, stop=lambda: bool(seen))
    found = re.match(r"stopped after (\d+) calls and saved in ", str(stopped.value))
    assert found
    rest = int(found[1])
    assert rest % REST == 0
    shutil.copytree(tmp_path / "two", tmp_path / "one")
    again = jw2v.train(text, config, **options, resume=True)
    assert again.vectors.tobytes() == whole.vectors.tobytes()

    alone = jw2v.train(
        text, replace(config, workers=1), out=tmp_path / "one", check=False, resume=True
    )
    lines = (tmp_path / "one" / METRICS).read_text().splitlines()
    calls = [json.loads(line)["calls"] for line in lines]
    assert min(n for n in calls if n > rest) == 2 * rest + 1  # both have made as many
    assert alone.run["heldout_loss"] == pytest.approx(whole.run["heldout_loss"], rel=0.1)


@pytest.mark.slow
def test_a_tree_trains_in_two(text):
    """Its nodes are merged with the words of their numbers."""
    vectors = jw2v.train(text, replace(TWO, loss="hierarchical_softmax"), check=False)
    assert topic_share(vectors) > 0.9
    assert vectors.run["heldout_loss"] < 0.8 * vectors.run["history"][0]["loss"]


def test_training_in_two_starts_from_given_vectors(text, vectors):
    still = jw2v.train(text, replace(TWO, epochs=1, lr=1e-20), init=vectors, check=False)
    assert abs(still.vectors - vectors.vectors).max() < 1e-6


def test_a_fault_in_a_process_is_one_line(text, tmp_path):
    config = replace(TWO, lr=1e30, damping="none")
    with pytest.raises(DataError, match=r"^the loss is (nan|inf) after .* \(process \d of 2\)$"):
        jw2v.train(text, config, out=tmp_path / "out", check=False)
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_process_that_is_killed_ends_the_run(text, started):
    def kill_the_second() -> bool:
        started[1].kill()
        return False

    with pytest.raises(DataError, match=r"killed by SIGKILL.*--workers\) \(process 1 of 2\)"):
        jw2v.train(text, replace(TWO, epochs=500), check=False, stop=kill_the_second)
    assert [process.poll() is None for process in started] == [False, False]


def test_an_object_trains_in_one_process_and_the_log_says_so(text, caplog):
    with caplog.at_level(logging.INFO, "jw2v"):
        vectors = jw2v.train(text, replace(TWO, epochs=1), optimizer=optax.sgd, check=False)
    assert vectors.run["config"]["workers"] == 1
    assert "one process: an optimizer or loss given as an object" in caplog.text


@pytest.mark.parametrize(
    ("config", "words", "portable", "expected"),
    [
        (Config(epochs=1), 1000, True, 1),
        (Config(epochs=1), crew.WORTH, True, 3),
        (Config(epochs=10), crew.WORTH // 10, True, 3),
        (Config(epochs=1), crew.WORTH, False, 1),
        (Config(epochs=1, optimizer="adam"), crew.WORTH, True, 1),
        (Config(epochs=1, loss="naive_softmax"), crew.WORTH, True, 1),
        (Config(workers=5), 1000, True, 5),
        (Config(workers=5, minn=3, maxn=6), 1000, True, 5),
        (Config(workers=5, outer="mean"), 1000, True, 5),
        (Config(workers=5, outer="nesterov"), 1000, True, 1),
        (Config(workers=1), crew.WORTH, True, 1),
    ],
)
def test_how_many_processes(monkeypatch, config, words, portable, expected):
    monkeypatch.setattr(crew.backend, "cores", lambda: 3)
    assert crew.workers_of(config, words, portable=portable) == expected
    monkeypatch.setattr(crew.jax, "default_backend", lambda: "gpu")
    assert crew.workers_of(config, words, portable=portable) == 1
