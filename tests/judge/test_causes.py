"""What is said of wrong lines: one of each kind."""

import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from judge.losses_of_strangers import BAG, bag, fit_of_ridge, numbers, of_ridge, rows_of_bag

from jw2v.judge.arithmetic.bounds import trace
from jw2v.judge.diagnosis import diagnose as diagnosis
from jw2v.judge.diagnosis import mirrors, occurrences, ways
from jw2v.judge.diagnosis.causes import cause_of
from jw2v.judge.diagnosis.diagnose import diagnose, trial_of
from jw2v.judge.diagnosis.entries import unmasked
from jw2v.judge.diagnosis.fits import MOST_TERMS, Explanation, explanations
from jw2v.judge.diagnosis.gates import gated
from jw2v.judge.diagnosis.occurrences import settings_of
from jw2v.judge.diagnosis.regimes import _pairs
from jw2v.judge.mutation.edits import edits


@pytest.mark.parametrize(
    ("claimed", "cause", "text"),
    [
        pytest.param(
            lambda w, X, y, s: -fit_of_ridge(w, X, y) - 2 * s * w,
            "sign",
            "sign: claimed = -1 × true",
            id="the whole negated",
        ),
        pytest.param(
            lambda w, X, y, s: fit_of_ridge(w, X, y) - 2 * s * w,
            "sign",
            "sign: in the gradient of w, the term of `w**2` (line N) has the wrong sign",
            id="a term negated",
        ),
        pytest.param(
            lambda w, X, y, s: fit_of_ridge(w, X, y),
            "missing term",
            "missing term: in the gradient of w, the term of `w**2` (line N) is missing",
            id="a term left out",
        ),
        pytest.param(
            lambda w, X, y, s: 2 * fit_of_ridge(w, X, y) + 2 * s * w,
            "doubled term",
            "doubled term: in the gradient of w, the term of `X @ w` (line N) is counted twice",
            id="a term twice",
        ),
        pytest.param(
            lambda w, X, y, s: (fit_of_ridge(w, X, y) + 2 * s * w) / 2,
            "factor",
            "factor: claimed = 0.5 × true",
            id="half",
        ),
        pytest.param(
            lambda w, X, y, s: (fit_of_ridge(w, X, y) + 2 * s * w) / len(y),
            "factor",
            "factor: claimed = 0.143 × true, which is 1/n (n = 7, axis 0 of X)",
            id="over the number of examples",
        ),
        pytest.param(
            lambda w, X, y, s: (fit_of_ridge(w, X, y) + 2 * s * w) / (2 * (len(y) - 1)),
            "factor",
            "factor: claimed = 0.0833 × true, which is 0.5 × 1/(n - 1) (n = 7, axis 0 of X)",
            id="over twice the number of examples less one",
        ),
        pytest.param(
            lambda w, X, y, s: fit_of_ridge(w, X, y) / len(y) + 2 * s * w,
            "factor",
            "factor: in the gradient of w, the term of `X @ w` (line N) is multiplied by 0.143, "
            "which is 1/n (n = 7, axis 0 of X)",
            id="a term over the number of examples",
        ),
        pytest.param(
            lambda w, X, y, s: jnp.zeros_like(w),
            "missing term",
            "missing term: claimed = 0",
            id="nothing",
        ),
        pytest.param(
            lambda w, X, y, s: fit_of_ridge(w, X, y) + 2 * s,
            "edit",
            "edit: claimed = true but for losses_of_strangers.py line N: "
            "drop operand 2 of mul (mul)",
            id="a factor forgotten",
        ),
        pytest.param(
            lambda w, X, y, s: 2 * X.T @ (X @ w + y) + 2 * s * w,
            "sign",
            "sign: test_causes.py line N: add -> sub (add) makes it right",
            id="a sign inside",
        ),
    ],
)
def test_what_is_wrong_with_ridge_regression(claimed, cause, text):
    found = of_ridge(claimed)
    assert (found.cause, re.sub(r"line \d+", "line N", found.text)) == (cause, text)


def test_a_factor_that_differs_between_points_of_other_sizes_has_no_law():
    """At most points it goes as 1/n, but not where all further entries are small."""

    def claimed(x):
        return x / 2 / jnp.where(jnp.any(jnp.abs(x[1:]) > 0.7), len(x), 1)

    found = diagnose(claimed, lambda x: x, (np.ones(1),))
    assert found.text == "factor: claimed = 0.5 × true"


def temperature(z, t):
    return jax.nn.logsumexp(z / t)


def test_a_scalar_argument_that_was_forgotten():
    found = diagnose(
        lambda z, t: jax.nn.softmax(z / t),
        jax.grad(temperature),
        (np.ones(3), np.array(1.0)),
        loss=temperature,
        wrt=0,
        domain=lambda z, t: t > 0.1,
    )
    assert found.text == "factor: claimed = t × true"


def bilinear(x, A, y):
    return jnp.tanh(x @ A @ y)


@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (2, 5)])
def test_a_transpose_even_of_another_shape(rows, columns):
    args = (np.ones(rows), np.ones((rows, columns)), np.ones(columns))
    true = jax.grad(bilinear, 1)
    found = diagnose(lambda *a: true(*a).T, true, args, loss=bilinear, wrt=1)
    assert found.text == "transpose: claimed = the transpose of true"


def test_the_gradient_of_another_argument():
    args = (np.ones(3), np.ones((3, 3)), np.ones(3))
    found = diagnose(
        lambda x, A, y: jax.grad(bilinear, 2)(x, A, y),
        jax.grad(bilinear),
        args,
        loss=bilinear,
        wrt=0,
    )
    assert found.text == "other variable: claimed = the gradient of y"


def test_outputs_that_are_wrong_in_different_ways_are_all_told():
    true = jax.grad(bilinear, (0, 2))
    args = (np.ones(3), np.ones((3, 5)), np.ones(5))
    found = diagnose(
        lambda *a: (-true(*a)[0], 2 * true(*a)[1]), true, args, loss=bilinear, wrt=(0, 2)
    )
    assert found.text == (
        "gradient of x: sign: claimed = -1 × true; gradient of y: factor: claimed = 2 × true"
    )


def test_outputs_of_a_value_are_counted_from_one():
    found = diagnose(lambda x, y: (-x, 2 * y), lambda x, y: (x, y), (np.ones(3), np.ones(2)))
    assert found.text == (
        "output 1: sign: claimed = -1 × true; output 2: factor: claimed = 2 × true"
    )


def added_by_an_index_of_numpy(E, ids, r):
    d_E = jnp.zeros_like(E)
    return d_E.at[ids].set(d_E[ids] + rows_of_bag(E, ids, r) + 0.0)


@pytest.mark.parametrize(
    ("claimed", "cause"),
    [
        (lambda E, i, r: jnp.zeros_like(E).at[i].set(rows_of_bag(E, i, r)), "overwrite"),
        (added_by_an_index_of_numpy, "overwrite"),
    ],
)
def test_rows_that_must_add_up(claimed, cause):
    assert diagnose(claimed, jax.grad(bag), BAG, loss=bag, wrt=0).cause == cause


def test_rows_that_count_too_often():
    def claimed(E, ids, r):
        times = jnp.sum(ids[:, None] == ids[None, :], axis=1)
        return jnp.zeros_like(E).at[ids].add(times[:, None] * rows_of_bag(E, ids, r))

    found = diagnose(claimed, jax.grad(bag), BAG, loss=bag, wrt=0)
    assert found.cause == "doubled term"


def friends(E, a, b):
    return jnp.sum(E[a] * E[b])


def test_ids_that_coincide_across_arguments():
    def claimed(E, a, b):
        return jnp.zeros_like(E).at[a].add(E[b]).at[b].add(E[a] * (a != b))

    args = (np.ones((5, 2)), np.array(4), np.array(3))
    found = diagnose(claimed, jax.grad(friends), args, loss=friends, wrt=0)
    assert found.cause == "o among the negatives"
    assert found.text.endswith("wrong only where ids of a and b coincide")
    assert numbers(found)["args"]["a"] == numbers(found)["args"]["b"]


def test_the_right_rows_in_another_place():
    def claimed(E, ids, r):
        return jnp.zeros_like(E).at[ids[::-1]].add(rows_of_bag(E, ids, r))

    found = diagnose(claimed, jax.grad(bag), BAG, loss=bag, wrt=0)
    assert found.text == "edit: right in sum over the rows, but added to those of ids"


def test_the_right_slabs_in_another_place():
    """Rows may be matrices; numbers of a vector are no rows."""
    args = (np.ones((7, 2, 2)), np.array([0, 3, 6]), np.ones((3, 2, 2)))

    def elsewhere(E, ids, r):
        return jnp.zeros_like(E).at[ids[::-1]].add(rows_of_bag(E, ids, r))

    found = diagnose(elsewhere, jax.grad(bag), args, loss=bag, wrt=0)
    assert found.text == "edit: right in sum over the rows, but added to those of ids"
    args = (np.ones(7), np.array([0, 3, 6]), np.ones(3))
    found = diagnose(elsewhere, jax.grad(bag), args, loss=bag, wrt=0)
    assert "rows" not in found.text


@pytest.mark.parametrize(("operand", "cause"), [(1, "factor"), (2, "edit")])
def test_a_factor_of_a_divisor_is_none_of_the_line(operand, cause):
    closed, point = trace(lambda x, y: x / y + x + y, (1.0, 1.0)), (np.array(3.0), np.array(7.0))
    what = f"x2 of operand {operand}"
    (edit,) = (e for e in edits(closed) if (e.operation, e.what) == ("div", what))
    assert cause_of(closed, edit, point) == cause


def other_variables_of(closed):
    return [edit for edit in edits(closed) if edit.what.startswith("other variable")]


def test_two_edits_of_one_cause_have_it():
    closed, point = trace(lambda x, y: jnp.sin(x) * y, (1.0, 1.0)), (np.array(3.0), np.array(7.0))
    first = other_variables_of(closed)[0]
    both = [replace(second, before=first) for second in other_variables_of(first.jaxpr)]
    assert {cause_of(closed, edit, point) for edit in both} == {"other variable"}


def test_turns_of_a_loop_are_one_term_and_each_its_own():
    def looped(w, X):
        total = 0.0
        for row in X:
            total += jnp.tanh(w @ row)
        return total

    settings = settings_of(gated(looped, (np.ones(3), np.ones((4, 3))), 0, results=True))
    assert {len(setting) for setting in settings} == {1, 4}


def test_ways_that_are_evaluated_one_by_one_are_the_same(monkeypatch):
    monkeypatch.setattr(ways, "MOST_NUMBERS", 1)
    x = np.array([[1.0, 3.0], [2.0, 5.0]])
    settings = [(), ((0, 0),), ((1, 0),)]  # of x @ x: both gates open, then one of them
    found = ways.gradients(gated(lambda x: x @ x, (np.ones(2),), 0), (x,), settings)
    np.testing.assert_array_equal(found, [2 * x, x, x])


def binary(w, X, y):
    return jnp.sum(jnp.logaddexp(0.0, -y * (X @ w)))


def test_sigma_of_the_opposite():
    def claimed(w, X, y):
        return -X.T @ (y * jax.nn.sigmoid(y * (X @ w)))

    args = (np.ones(3), np.ones((5, 3)), np.ones(5))
    found = diagnose(claimed, jax.grad(binary), args, loss=binary, wrt=0)
    assert found.cause == "sigma(-x)"


@pytest.mark.parametrize(
    ("module", "stage", "claimed"),
    [
        (mirrors, mirrors.mirrored, lambda w, X, y: -X.T @ (y * jax.nn.sigmoid(y * (X @ w)))),
        (occurrences, occurrences.terms, lambda w, X, y: X.T @ (y * jax.nn.sigmoid(-y * (X @ w)))),
    ],
)
def test_a_loss_of_as_many_gates_as_are_tried_is_tried(module, stage, claimed, monkeypatch):
    args = (np.ones(3), np.ones((5, 3)), np.ones(5))
    trial = trial_of(claimed, jax.grad(binary), args, loss=binary, wrt=0)
    count = len(gated(binary, args, 0, results=True).gates)
    monkeypatch.setattr(module, "MOST_GATES", count)
    assert list(stage(trial, trial.draw(0)))
    monkeypatch.setattr(module, "MOST_GATES", count - 1)
    assert not list(stage(trial, trial.draw(0)))


def test_an_elementwise_function_of_a_library_is_one_term(monkeypatch):
    """The corner of logaddexp is one of its terms inside, but to nobody who reads the line."""
    monkeypatch.setattr(diagnosis, "SECONDS", 0.7)

    def claimed(w, X, y):
        return -X.T @ (y * (y * (X @ w) < 0))

    args = (np.ones(3), np.ones((5, 3)), np.ones(5))
    found = diagnose(claimed, jax.grad(binary), args, loss=binary, wrt=0)
    assert found.cause in ("unknown", "edit")


def rectified(x, y):
    return jnp.sum(jnp.maximum(0.0, x) * y)


def test_a_condition_that_is_missing():
    found = diagnose(
        lambda x, y: y, jax.grad(rectified), (np.ones(3), np.ones(3)), loss=rectified, wrt=0
    )
    assert found.text.startswith("edit: right where true is not zero")


def test_a_condition_that_never_holds_is_not_told_missing():
    """Where true is zero everywhere, there is no place where the line is right without it."""
    trial = trial_of(lambda x: jnp.maximum(x, 0.0), lambda x: 0.0 * x, (np.ones(3),))
    assert not list(unmasked(trial, trial.draw(0)))


def test_a_term_is_found_after_many_others():
    """More than are tried three at a time."""
    terms = np.eye(MOST_TERMS + 1)
    found = next(explanations(-terms[-1], terms, np.full(len(terms), 1e-9)))
    assert found == Explanation((MOST_TERMS,), (-1.0,))


def test_many_ids_are_not_paired():
    """Of a thousand ids there would be half a million pairs."""
    assert _pairs((np.arange(1000),)).arguments == []
    assert _pairs((np.arange(3), np.array(0))).arguments == [
        (0, 0), (0, 0), (0, 1), (0, 0), (0, 1), (0, 1)
    ]  # fmt: skip


def distance(x, y):
    return jnp.sqrt(jnp.sum((x - y) ** 2))


def test_a_function_that_was_forgotten_and_its_line():
    def claimed(x, y):
        squared = jnp.sum((x - y) ** 2)
        return (x - y) / squared

    found = diagnose(claimed, jax.grad(distance), (np.ones(3), np.ones(3)), loss=distance, wrt=0)
    assert found.cause == "edit"
    assert "sqrt after reduce_sum makes it right" in found.text
    first = claimed.__code__.co_firstlineno
    assert found.line == f"{__file__}:{first + 1}"


def test_a_factor_within_a_nonlinearity_is_an_edit():
    def loss(x):
        return jnp.sum(jnp.exp(2 * x))

    found = diagnose(lambda x: 2 * jnp.exp(x), jax.grad(loss), (np.ones(3),), loss=loss, wrt=0)
    assert found.cause == "edit"


def test_a_line_that_is_a_value():
    found = diagnose(
        lambda x, y: (jnp.sum(x), jnp.sum(x) + jnp.sum(y)),
        lambda x, y: (jnp.sum(x), jnp.sum(x) - jnp.sum(y)),
        (np.ones(3), np.ones(2)),
    )
    assert found.cause == "sign"
    assert "add -> sub" in found.text or "neg" in found.text
    assert set(numbers(found)) == {"args", "claimed", "true"}
