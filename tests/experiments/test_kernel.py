"""The program that times steps: its made-up text, its arithmetic, its table."""

from pathlib import Path

import numpy as np
import pytest
from programs import modules

from jw2v import Config
from jw2v.errors import DataError

FOLDER = Path(__file__).parents[2] / "experiments" / "kernel"


@pytest.fixture(scope="module")
def program():
    return modules("kernel", "run", "timing")


def test_the_text_follows_its_law(program):
    text = program.timing.corpus(1000)
    counts = np.bincount(text.train.ids, minlength=1000)
    assert counts[0] > 5 * counts[100] > 0
    assert text.train.offsets[-1] == len(text.train.ids)
    uniform = np.bincount(program.timing.corpus(1000, uniform=True).train.ids, minlength=1000)
    assert uniform.max() < 1.6 * uniform.min()


def test_a_step_is_timed(program, monkeypatch):
    monkeypatch.setattr(program.timing, "REPEATS", 2)
    config = Config(dim=8, block=32, blocks_per_call=2, shared_negatives=4)
    case = program.timing.step(program.timing.corpus(200), config)
    assert case.words == program.timing.CALLS * 64
    (nanoseconds,) = program.timing.alternating({"a": case}).values()
    assert len(nanoseconds) == 2
    assert min(nanoseconds) > 0


def test_operations_and_bytes_of_a_word(program):
    config = Config(dim=100, tile=16, window=5, shared_negatives=24)
    assert program.run.flops(config) == 3 * 2 * 100 * 50
    assert program.run.traffic(config) == pytest.approx(3 * 400 * (1 + 50 / 16))


def test_a_tile_of_two_passages_has_the_words_of_both(program):
    config = Config(dim=100, tile=16, window=5, negatives_from="batch")
    assert program.run.flops(config) == 3 * 2 * 100 * 2 * (8 + 10)
    assert program.run.traffic(config) == pytest.approx(3 * 400 * (1 + 36 / 16))


def test_what_is_timed_as_in_batch_is(program):
    steps = program.run.STEPS
    assert [name for name in steps if steps[name].in_batch] == [
        name for name in steps if "in-batch" in name
    ]


def test_no_runs_no_table(program):
    with pytest.raises(DataError, match="no runs yet"):
        program.run.table({"runs": []})


def test_the_table_in_the_readme_is_that_of_the_results(program):
    results = program.run.read(FOLDER / "results.json")
    assert program.run.table(results) in (FOLDER / "README.md").read_text()
