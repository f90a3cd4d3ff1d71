"""Learning rates by name, at their ends and between."""

import numpy as np
import optax
import pytest

from jw2v.errors import UsageError
from jw2v.optim.schedules import SCHEDULES, learning_rate


def at(rate: optax.Schedule, step: int) -> float:
    return float(np.asarray(rate(step)))


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.25])
def test_a_rate_starts_and_ends_where_it_should(name: str, warmup: float):
    rate = learning_rate(name, start=0.5, end=0.05, steps=100, warmup=warmup)
    rates = [at(rate, step) for step in range(101)]
    top = round(100 * warmup)
    assert rates[0] == pytest.approx(0 if warmup else 0.5)
    assert rates[top] == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0.5 if name == "constant" else 0.05)
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[:top] == sorted(rates[:top])


def test_halfway_each_is_its_own():
    halfway = {
        name: at(learning_rate(name, start=1.0, end=0.01, steps=10), 5) for name in SCHEDULES
    }
    expected = {"linear": 0.505, "constant": 1.0, "cosine": 0.505, "exponential": 0.1}
    assert halfway == pytest.approx(expected)


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UsageError, match="unknown schedule 'cosin', did you mean 'cosine'"):
        learning_rate("cosin", start=1.0, end=0.1, steps=3)
