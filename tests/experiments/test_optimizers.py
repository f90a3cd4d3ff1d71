"""The sweep of optimizers: how a rate is tuned, and that the defaults are what it found."""

import pytest
from programs import EXPERIMENTS, modules

from jw2v.optim.named import NAMED


@pytest.fixture(scope="module")
def program():
    return modules("optimizers", "run", "question")


@pytest.mark.parametrize(("best", "tries"), [(0.1, 3), (0.8, 6), (0.025, 5)])
def test_a_rate_climbs_to_where_its_neighbours_are_worse(program, best: float, tries: int):
    asked = []

    def loss(lr: float) -> float:
        asked.append(lr)
        return abs(lr - best) if lr < 1 else float("inf")

    found, tried = program.run.tuned(loss, 0.1)
    assert found == pytest.approx(best)
    assert len(asked) == len(set(asked)) == len(tried) == tries


def test_a_default_is_the_lowest_rate_that_is_as_good(program):
    tried = {"0.05": 2.384, "0.1": 2.379, "0.2": 2.38, "0.025": 2.5, "0.4": None}
    assert program.run.chosen({"tried": tried}) == 0.05


def test_the_defaults_are_what_the_sweep_found(program):
    results = program.question.full(EXPERIMENTS / "optimizers" / "results.json")
    found = {run["optimizer"]: program.run.chosen(run) for run in results["runs"]}
    assert {name: one.lr for name, one in NAMED.items()} == pytest.approx(found, rel=0.05)
