"""Scaling: the model is its formula, and tables are made of full runs alone."""

import numpy as np
import pytest
from programs import EXPERIMENTS, modules

from jw2v import Config
from jw2v.corpus import Vocabulary
from jw2v.errors import DataError

FOLDER = EXPERIMENTS / "scaling"


@pytest.fixture(scope="module")
def program():
    return modules("scaling", "run", "model")


def test_bytes_of_merging_are_those_of_each_tier(program):
    """Of two words one is merged after every call; the other, hardly met, after 128."""
    vocab = Vocabulary(("often", "seldom"), np.array([10**9, 1]))
    config = Config(sample=0.0, block=100, group=10, blocks_per_call=10, dim=7)
    found = program.model.merged_bytes(vocab, config, 2)
    assert found == pytest.approx(2 * 4 * 7 * (1 + 1 / 128) / 1000)


def test_replicas_cost_what_they_tell_each_other(program):
    alone, four = (
        program.model.predicted(program.model.Machine("", n, 8.0, 50.0), 100.0) for n in (1, 4)
    )
    assert alone.merge_ns == 0
    assert four.merge_ns == 2 * 3 / 4 * 100 / 50
    assert alone.words_per_s == pytest.approx(1e9 / 8 / program.model.KEPT)
    assert four.words_per_s == pytest.approx(4e9 / 11 / program.model.KEPT)
    assert four.hours == pytest.approx(1e11 / four.words_per_s / 3600)


def results_of(program, *, quick: bool = False):
    results = program.run.read(FOLDER / "results.json")
    return results | {"runs": [run | {"quick": quick} for run in results["runs"]]}


def test_quick_runs_and_runs_of_one_number_are_no_answer(program):
    with pytest.raises(DataError, match="no full runs of each number of processes"):
        program.run.measured(results_of(program, quick=True))
    some = results_of(program)
    some["runs"] = [run for run in some["runs"] if run["cores"] == 1]
    with pytest.raises(DataError, match="no full runs of each number of processes"):
        program.run.on_paper(some)


def test_the_tables_are_those_of_the_results(program):
    results = results_of(program)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert program.run.measured(results) in readme
    assert program.run.measured(program.run.read(FOLDER / "matrix_units.json")) in readme
    assert program.run.on_paper(results) in readme
    assert len(program.run.ratios(results)) >= 5
    assert len(program.run.ratios(results, program.run.OFTEN)) >= 5
