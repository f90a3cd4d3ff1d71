"""The frontier's program: what it trains, what it writes of it, and what it draws."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from programs import modules
from texts import topical_text

from jw2v.errors import DataError
from jw2v.optim import damping

FOLDER = Path(__file__).parents[2] / "experiments" / "block_size"


@pytest.fixture(scope="module")
def program():
    return modules("block_size", "run").run


@pytest.fixture
def results(program):
    runs = [
        {
            "rule": rule,
            "lr": lr,
            "block": block,
            "heldout_loss": None if rule == "none" and block > 4096 else 2.5,
        }
        for rule in program.RULES
        for lr in program.RATES
        for block in program.BLOCKS
    ]
    return {
        "runs": runs,
        "text": "a text",
        "machine": {"cpu": "a CPU"},
        "versions": {"jax": "1", "jw2v": "2"},
    }


def test_a_run_is_trained_by_its_rule(program, tmp_path):
    (tmp_path / "text").write_text(topical_text(1500))
    text, bound = str(tmp_path / "text"), damping.STABLE
    steady = program.trained(text, "bounded", 0.1, 4096)
    assert steady is not None
    assert steady < 4.2
    assert program.trained(text, "none", 1e30, 256) is None
    assert bound == damping.STABLE


def test_table_and_figure_say_what_is_lost(program, results):
    table = program.table(results).splitlines()
    assert sum("**lost**" in line for line in table) == len(program.RATES)
    assert len(table) == 2 + 3 * len(program.RATES) + 2
    drawn = ET.fromstring(program.figure(results))
    words = [element.text for element in drawn.iter() if element.text]
    assert words.count("✕") == 2 * len(program.RATES)


def test_a_missing_run_is_named(program, results):
    results["runs"].pop()
    with pytest.raises(DataError, match=r"no run yet for none, lr 0.1"):
        program.table(results)


def test_the_tables_in_the_readme_are_those_of_the_results(program):
    results = program.read(FOLDER / "results.json")
    assert program.table(results) in (FOLDER / "README.md").read_text()
    assert (FOLDER / "figure.svg").read_text() == program.figure(results)


def test_nothing_is_lost_with_the_bound(program):
    """What the README says of 256 to 16,384 centres at 0.01 to 0.1, of the results in the file."""
    results = program.read(FOLDER / "results.json")
    for lr in program.RATES:
        assert all(
            loss is not None and loss < 3.2 for loss in program.losses(results, "bounded", lr)
        )
