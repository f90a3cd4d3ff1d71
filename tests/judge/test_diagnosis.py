"""What is said of wrong lines: on a hundred mistakes, and when it is not said."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from judge.losses_of_strangers import (
    RIDGE,
    bag,
    fit_of_ridge,
    numbers,
    of_ridge,
    ridge,
    rows_of_bag,
)
from judge.mistakes import MISTAKES

from jw2v.judge.diagnosis import diagnose as diagnosis
from jw2v.judge.diagnosis.diagnose import diagnose
from jw2v.judge.diagnosis.trial import MANY, Guess
from jw2v.judge.sampling import points

SECONDS = 5.0  # for a diagnosis, on a machine that does nothing else
FEW = MISTAKES[::8]


def diagnosed(mistake):
    began = time.thread_time()
    found = diagnose(
        mistake.claimed,
        jax.grad(mistake.loss, mistake.wrt),
        mistake.args,
        loss=mistake.loss,
        wrt=mistake.wrt,
        domain=mistake.domain,
    )
    return found, time.thread_time() - began


def misses_of(mistakes):
    """The causes that were not found, those that are wrong, and what took too long; as a table."""
    unknown, wrong, slow = [], [], []
    for mistake in mistakes:
        found, seconds = diagnosed(mistake)
        line = f"{mistake.id}: {mistake.cause}; said: {found.text} ({seconds:.1f} s)"
        if seconds > SECONDS:
            slow.append(line)
        if found.cause == "unknown":
            unknown.append(line)
        elif found.cause not in (mistake.cause, *mistake.also):
            wrong.append(line)
        assert found.counterexample is not None, mistake.id
    return unknown, wrong, slow


@pytest.mark.parametrize(
    ("neg", "domain", "cause"),
    [
        ([1, 4], lambda v, U, o, neg: int(o) in neg.tolist(), "o among the negatives"),
        (
            [1, 1],
            lambda v, U, o, neg: len(set(neg.tolist())) < 2 and int(o) not in neg.tolist(),
            "repeated ids",
        ),
    ],
    ids=["target", "twice"],
)
def test_a_line_that_is_wrong_all_over_its_domain_is_tried_beyond_it(neg, domain, cause):
    def loss(v, U, o, neg):
        return U[o] @ v + jnp.sum(jnp.sin(U[neg] @ v))

    def one_after_the_other(v, U, o, neg):
        moved, total = U.at[o].add(v), jnp.zeros_like(U).at[o].add(v)
        for word in neg:
            step = jnp.cos(moved[word] @ v) * v
            moved, total = moved.at[word].add(step), total.at[word].add(step)
        return total

    args = np.ones(3), np.ones((5, 3)), np.array(4), np.array(neg)
    found = diagnose(one_after_the_other, jax.grad(loss, 1), args, loss=loss, wrt=1, domain=domain)
    assert found.cause == cause


def test_the_cause_of_a_few_mistakes():
    unknown, wrong, slow = misses_of(FEW)
    assert [*unknown, *wrong, *slow] == []


@pytest.mark.slow
def test_the_cause_of_a_hundred_mistakes():
    unknown, wrong, slow = misses_of(MISTAKES)
    table = "\n".join(["", *unknown, *wrong, *slow])
    assert len(MISTAKES) == 100
    assert len(unknown) + len(wrong) <= 10, table
    assert len(wrong) <= 2, table
    assert not slow, table


def test_what_nothing_explains_is_unknown_and_has_an_example(monkeypatch):
    monkeypatch.setattr(diagnosis, "SECONDS", 0.7)
    found = of_ridge(lambda w, X, y, s: jnp.cos(17 * w) + y[:3] ** 2 * s**3)
    assert found.cause == found.text == "unknown"
    assert numbers(found)["claimed"] != numbers(found)["true"]


def test_a_guess_that_holds_only_where_it_was_made_is_dropped():
    """The line is −1 × true at the first samples, and at no others."""
    drawn = points(RIDGE, samples=MANY, seed=0)
    known = jnp.asarray(np.array([w[0] for w, *_ in drawn]))
    true = jax.grad(ridge)

    def claimed(w, X, y, s):
        here = jnp.any(jnp.abs(known - w[0]) < 1e-6)
        return jnp.where(here, -1.0, jnp.cos(w)) * true(w, X, y, s)

    assert of_ridge(claimed).cause != "sign"


def test_a_guess_that_is_not_confirmed_is_dropped(monkeypatch):
    def liar(trial, samples):
        yield Guess("transpose", "transpose", lambda fresh: False)

    monkeypatch.setattr(diagnosis, "WHOLE", (liar, *diagnosis.WHOLE))
    found = of_ridge(lambda w, X, y, s: -fit_of_ridge(w, X, y) - 2 * s * w)
    assert found.cause == "sign"


def test_out_of_time_nothing_is_stated(monkeypatch):
    monkeypatch.setattr(diagnosis, "SECONDS", 0.0)
    found = of_ridge(lambda w, X, y, s: -fit_of_ridge(w, X, y) - 2 * s * w)
    assert found.cause == "unknown"
    assert found.counterexample is not None


def test_a_line_that_is_right_in_float64():
    found = of_ridge(lambda *args: jax.grad(ridge)(*args))
    assert found == diagnosis.Diagnosis("unknown", "unknown: right to 1e-09 in float64", None)


def test_a_line_that_is_nowhere_finite():
    found = of_ridge(lambda w, X, y, s: jnp.log(-(w**2)))
    assert found.text == "unknown: not finite at any of the points"


def test_long_axes_take_no_longer():
    V, D = 1000, 100
    args = (np.ones((V, D)), np.arange(64), np.ones((64, D)))

    def claimed(E, ids, r):
        return jnp.zeros_like(E).at[ids].set(rows_of_bag(E, ids, r))

    began = time.thread_time()
    found = diagnose(claimed, jax.grad(bag), args, loss=bag, wrt=0)
    assert found.cause == "overwrite"
    assert sum(np.size(x) for x in numbers(found)["args"].values()) <= 6
    assert time.thread_time() - began < SECONDS


def test_a_line_for_one_size_alone_is_explained_at_that_size():
    weights = np.arange(7.0)

    def loss(x):
        return jnp.sum(weights * jnp.sin(x))

    found = diagnose(
        lambda x: weights * jnp.sin(x), jax.grad(loss), (np.ones(7),), loss=loss, wrt=0
    )
    assert found.cause == "edit"
    assert "sin -> cos" in found.text
    assert np.shape(numbers(found)["args"]["x"]) == (7,)


def test_points_are_of_the_domain():
    def loss(x):
        return jnp.sum(jnp.log(x))

    def domain(x):
        return bool(np.all(x > 0))

    found = diagnose(lambda x: -1 / x, jax.grad(loss), (np.ones(3),), loss=loss, wrt=0,
                     domain=domain)  # fmt: skip
    assert found.text == "sign: claimed = -1 × true"
    assert domain(np.array(numbers(found)["args"]["x"]))
