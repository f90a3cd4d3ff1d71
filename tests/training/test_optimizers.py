"""Every named optimizer trains by one flag, and goes on from disk bit for bit."""

from pathlib import Path

import numpy as np
import optax
import pytest
from texts import topical_text

import jw2v
from jw2v.errors import InterruptedTrainingError, UsageError
from jw2v.optim.named import NAMED
from jw2v.training import loop

SMALL = jw2v.Config(
    dim=8, window=2, epochs=2, sample=0.0, block=64, group=16, shared_negatives=8,
    blocks_per_call=4, min_count=1, loss_every=1, heldout_every=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "topical.txt"
    path.write_text(topical_text(150))
    return path


def config(**options: object) -> jw2v.Config:
    return jw2v.Config(**{**vars(SMALL), **options})


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_a_named_optimizer_learns_and_goes_on_bit_for_bit(name: str, text: Path, tmp_path: Path):
    options = config(optimizer=name)
    unbroken = jw2v.train(text, options, check=False)
    first = unbroken.run["history"][0]["loss"]
    assert unbroken.run["loss"] < first
    calls = iter((False, False, True))
    with pytest.raises(InterruptedTrainingError, match="go on with --resume"):
        jw2v.train(text, options, out=tmp_path / "out", check=False, stop=lambda: next(calls, True))
    resumed = jw2v.train(text, options, out=tmp_path / "out", check=False, resume=True)
    np.testing.assert_array_equal(resumed.vectors, unbroken.vectors)
    np.testing.assert_array_equal(resumed.outside, unbroken.outside)


def test_an_optimizer_of_each_table(text: Path):
    """Their states, and what they make of the tables, are each their own."""
    both = {
        name: jw2v.train(text, config(optimizer=name, epochs=1), check=False)
        for name in ("sgd", "adam")
    }
    mixed = jw2v.train(text, config(optimizer_outside="adam", epochs=1), check=False)
    for other in both.values():
        assert not np.array_equal(mixed.vectors, other.vectors)
    still = jw2v.train(text, config(lr_outside=1e-30, epochs=1), check=False)
    assert still.outside is not None
    assert np.abs(still.outside).max() < 1e-25
    with pytest.raises(UsageError, match="an optimizer is given as an object"):
        jw2v.train(text, config(optimizer_outside="adam"), optimizer=optax.adam, check=False)


def test_what_rows_cannot_have_trains_on_whole_tables(text: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level("INFO", logger="jw2v"):
        jw2v.train(text, config(epochs=1), optimizer=optax.adam, check=False)
        assert "whole tables" not in caplog.text
        jw2v.train(text, config(epochs=1), optimizer=optax.sm3(0.05), check=False)
    said = "every step updates whole tables: the optimizer cannot be had by rows, it joins the rows"
    assert said in caplog.text


def test_whole_tables_are_had_on_demand(text: Path):
    """Momentum moves rows that a step does not name there, and not by rows."""
    by_rows = jw2v.train(text, config(optimizer="momentum", epochs=1), check=False)
    whole = config(optimizer="momentum", epochs=1, dense_updates=True)
    on_tables = jw2v.train(text, whole, check=False)
    assert not np.array_equal(by_rows.vectors, on_tables.vectors)
    once = {"epochs": 1, "precision": "float32"}
    plain = jw2v.train(text, config(**once), check=False)
    dense = jw2v.train(text, config(**once, dense_updates=True), check=False)
    np.testing.assert_allclose(dense.vectors, plain.vectors, rtol=1e-4, atol=1e-6)


def test_schedule_free_gives_its_average(text: Path, monkeypatch: pytest.MonkeyPatch):
    """And not the point at which it takes gradients."""
    options = config(optimizer="schedule_free", epochs=1)
    average = jw2v.train(text, options, check=False)
    monkeypatch.setattr(loop, "result", lambda tables, state: tables)
    point = jw2v.train(text, options, check=False)
    assert not np.array_equal(average.vectors, point.vectors)
