"""The search for an edit that makes a line right, and the time it has."""

import jax.numpy as jnp
import numpy as np
import pytest

from jw2v.judge.diagnosis.diagnose import trial_of
from jw2v.judge.diagnosis.gates import Gate, source
from jw2v.judge.diagnosis.repair import repaired

pytestmark = pytest.mark.usefixtures("untyped")


def guesses(claimed, true, seconds: float) -> list[str]:
    trial = trial_of(claimed, true, (np.linspace(0.3, 1.4, 4),))
    return [guess.text for guess in repaired(trial, trial.draw(0), remaining=lambda: seconds)]


LINES = [
    (lambda x: x * x + 1, lambda x: x * jnp.tanh(x) + 1, 3),
    (lambda x: jnp.square(x) + 1, lambda x: x * jnp.tanh(x) + 1, 1),  # no x of two to edit
]


@pytest.mark.parametrize(("claimed", "true", "count"), LINES)
def test_the_search_goes_on_while_there_is_time_and_no_longer(claimed, true, count):
    found = guesses(claimed, true, 1e9)
    assert len(found) == count
    assert found[-1].startswith("edit: claimed = true but for ")
    assert found[-1].endswith("tanh -> identity (tanh)")
    assert guesses(claimed, true, 0.5) == found
    assert guesses(claimed, true, 0.0) == []


SOURCE = """\
def loss(x, y):
    return jnp.sum(x * y) + jnp.dot(
        x, y
    )
"""


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ((2, 19, 2, 24), "`x * y` (line 2)"),
        ((2, 28, 4, 5), "`jnp.dot( …` (line 2)"),
        ((9, 0, 9, 5), "mul (line 9)"),
        ((), "an operation"),
    ],
)
def test_an_expression_is_told_as_it_is_written(place, told, tmp_path):
    (tmp_path / "mine.py").write_text(SOURCE)
    where = (str(tmp_path / "mine.py"), *place, "mul") if place else ()
    assert source(Gate(0, 0, None, 1, 0, where)) == told
