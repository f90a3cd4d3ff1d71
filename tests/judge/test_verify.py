"""Derivations line by line: two verdicts each, computed; what is expected decides nothing."""

import json
from dataclasses import asdict, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v import check_gradient
from jw2v.errors import UsageError
from jw2v.judge import Derivation, Step, claim, judge_step, verify_derivations
from jw2v.judge.verify import line_before

ONES = (np.ones(3),)


def square(x):
    return jnp.sum(x**2)


def derivation(*steps, **options):
    return Derivation("d", square, ONES, steps, **{"wrt": 0, **options})


def verdicts(*steps, **options):
    entries = verify_derivations([derivation(*steps, **options)])
    return [(entry.verdict_value, entry.verdict_step) for entry in entries]


RIGHT = Step("1", "2x", lambda x: 2 * x)
WRONG = Step("2", "-2x", lambda x: -2 * x)


def test_a_line_is_right_and_follows():
    assert verdicts(RIGHT, replace(RIGHT, id="2")) == [("holds", None), ("holds", "holds")]


def test_a_slip_is_a_wrong_line_that_does_not_follow():
    assert verdicts(RIGHT, WRONG) == [("holds", None), ("refuted", "refuted")]


def test_what_follows_from_a_slip_is_wrong_and_follows():
    again = Step("3", "-x - x", lambda x: -x - x)
    assert verdicts(RIGHT, WRONG, again)[2] == ("refuted", "holds")


def test_two_slips_that_cancel_give_a_right_line_that_does_not_follow():
    back = replace(RIGHT, id="3")
    assert verdicts(RIGHT, WRONG, back)[2] == ("holds", "refuted")


def test_as_expected_is_computed_not_believed():
    known = replace(WRONG, expect="refuted", expect_step="refuted")
    half = replace(WRONG, expect="refuted")
    pessimist = replace(RIGHT, expect="refuted")
    for steps, expected in (
        ((RIGHT, known), [True, True]),
        ((RIGHT, WRONG), [True, False]),
        ((RIGHT, half), [True, False]),
        ((pessimist,), [False]),
    ):
        entries = verify_derivations([derivation(*steps)])
        assert [entry.as_expected for entry in entries] == expected


def test_the_line_before():
    letter = Step("2", "", abs, reading="letter")
    meant = Step("2", "", abs, reading="meant")
    third = Step("3", "", abs, after="2", reading="meant")
    fourth = Step("4", "", abs, after="2")
    free = Step("5", "", abs, after="")
    definition = Step("6", "", abs, kind="defines")
    d = derivation(RIGHT, letter, meant, third, fourth, free, definition)
    before = [line_before(d, step) for step in d.steps]
    assert before == [None, RIGHT, letter, meant, letter, None, None]
    with pytest.raises(UsageError, match="it follows from 9, which is not before it"):
        line_before(derivation(Step("7", "", abs, after="9")), Step("7", "", abs, after="9"))


def test_lines_of_a_value():
    lines = verdicts(
        Step("1", "", square), Step("2", "", lambda x: x @ x), Step("3", "", jnp.sum), wrt=None
    )
    assert lines == [("holds", None), ("holds", "holds"), ("refuted", "refuted")]


def test_a_target_of_its_own():
    step = Step("1", "", lambda x: 3 * x, target=lambda x: x + x + x)
    assert verdicts(step) == [("holds", None)]
    assert verdicts(replace(step, target=lambda x: x)) == [("refuted", None)]


def test_zeros_have_to_be_exact():
    zero = Step("1", "0", jnp.zeros_like, kind="zero")
    args = {"of": lambda x, y: jnp.sum(x), "args": (np.ones(3), np.ones(2)), "wrt": 1}

    def entry(fn):
        d = replace(derivation(replace(zero, fn=lambda x, y: fn(y))), **args)
        return judge_step(d, d.steps[0])

    assert entry(jnp.zeros_like).verdict_value == "holds"
    assert entry(lambda y: 1e-300 * jnp.ones_like(y)).verdict_value == "refuted"


def test_an_invariant_is_zero_within_rounding():
    def entries(fn):
        step = Step("1", "", fn, kind="invariant", target=lambda x: 0 * x[0])
        return verdicts(step)

    assert entries(lambda x: jnp.sum(jax.nn.softmax(x)) - 1) == [("holds", None)]
    assert entries(lambda x: jnp.sum(jax.nn.softmax(x)) - 1.001) == [("refuted", None)]


def test_a_pullback_is_tried_with_random_cotangents():
    """Forgetting the incoming cotangent is invisible where it is 1."""

    def product(A, x):
        return A @ x

    def pulled(A, x, c):
        return c @ A

    def forgetful(A, x, c):
        return jnp.ones_like(c) @ A

    def judged(fn):
        step = Step("1", "", fn, kind="vjp")
        args = (np.ones((3, 2)), np.ones(2), np.ones(3))
        d = Derivation("d", product, args, (step,), wrt=1)
        return judge_step(d, step).verdict_value

    assert judged(pulled) == "holds"
    assert judged(forgetful) == "refuted"


def test_a_right_expression_is_shown_only_where_it_is_right():
    corrected = replace(WRONG, correct="2x", correct_fn=lambda x: 2 * x)
    bluff = replace(WRONG, correct="3x", correct_fn=lambda x: 3 * x)
    unproved = replace(WRONG, correct="2x")
    entries = verify_derivations([derivation(corrected, bluff, unproved)])
    assert [entry.correct_expression for entry in entries] == ["2x", None, None]


def test_an_order_of_growth_is_counted():
    def sized(n):
        return lambda x, A: A @ x, tuple(map(shape, ((5,), (n, 5))))

    def shape(size):
        return jax.ShapeDtypeStruct(size, "float32")

    linear = Step("1", "O(n)", sized, kind="complexity", order=1.0)
    constant = replace(linear, order=0.0)
    one, two = verify_derivations([derivation(linear, constant)])
    assert (one.verdict_value, one.verdict_step) == ("holds", None)
    assert two.verdict_value == "refuted"
    assert two.counterexample == {"claimed": 0.0, "true": 1.0}


def test_a_loss_whose_autodiff_is_not_its_derivative_decides_nothing():
    def stopped(x):
        return jnp.sum(x * jax.lax.stop_gradient(x))

    d = replace(derivation(Step("1", "x", lambda x: x)), of=stopped)
    assert judge_step(d, d.steps[0]).verdict_value == "undecided"


def test_precisions_domain_and_source():
    def right(x):
        return jnp.where(x > 0.25, 2 * x, jnp.nan)

    step = Step("1", "2x", right, domain=lambda x: x.min() > 0.25)
    d = derivation(step, dtypes=("float32",))
    entry = judge_step(d, step)
    assert entry.verdict_value == "holds"
    assert set(entry.power) == {"float32"}
    assert set(judge_step(d, step, dtypes=("float64", "bfloat16")).power) == {"float64", "bfloat16"}
    assert "jnp.where(x > 0.25" in entry.source
    anywhere = derivation(replace(step, domain=None))
    assert judge_step(anywhere, anywhere.steps[0]).verdict_value == "refuted"


def test_a_line_is_tried_at_as_many_points_as_a_gradient():
    of_gradient = check_gradient(square, RIGHT.fn, ONES).scope
    assert of_gradient.startswith("8 points, ")
    d = derivation(RIGHT, dtypes=("float64", "float32"))
    (entry,) = verify_derivations([d])
    assert [entry.scope, judge_step(d, RIGHT).scope] == [of_gradient, of_gradient]


def test_each_argument_has_its_own_diagnosis():
    step = Step("1", "2y^2, 6xy", lambda x, y: (2 * y**2, 6 * x * y))
    d = Derivation("d", lambda x, y: jnp.sum(x * y**2), (*ONES, *ONES), (step,), wrt=(0, 1))
    assert judge_step(d, step).diagnosis == (
        "gradient of x: factor: claimed = 2 × true; gradient of y: factor: claimed = 3 × true"
    )


def test_an_entry_is_json():
    for entry in verify_derivations([derivation(RIGHT, WRONG)], ledger="mine"):
        assert json.loads(json.dumps(asdict(entry)))["ledger"] == "mine"


def test_a_claim_is_a_derivation_of_one_line():
    (entry,) = verify_derivations([claim("mine", square, lambda x: 3 * x, ONES, latex="3x")])
    assert (entry.id, entry.kind, entry.verdict_step) == ("mine", "gradient", None)
    assert entry.diagnosis is not None
    assert "1.5 × true" in entry.diagnosis


def test_a_line_of_the_transposed_shape_is_refuted_and_named():
    def of(X):
        return 2 * jnp.sum(X[0] ** 2)

    turned = Step("1", "", lambda X: jnp.zeros(X.shape[::-1]).at[:, 0].set(4 * X[0]))
    (entry,) = verify_derivations([Derivation("d", of, (np.ones((2, 3)),), (turned,), wrt=0)])
    assert entry.verdict_value == "refuted"
    assert str(entry.diagnosis).startswith("transpose")


def test_bad_use_names_the_line():
    bad = Step("bad", "", lambda x: 2 * jnp.sum(x))
    with pytest.raises(UsageError, match="line bad: the claim gives arrays of shapes"):
        verify_derivations([derivation(RIGHT, bad)])


def test_an_undecided_line_says_why():
    (entry,) = verify_derivations(
        [Derivation("d", lambda x: 0 * x @ x, (np.ones(3),), (Step("1", "", jnp.zeros_like),), 0)]
    )
    assert (entry.verdict_value, entry.diagnosis) == (
        "undecided",
        "all that is claimed is zero at every point",
    )


def test_a_callable_without_a_hash_is_judged():
    class Doubled:
        def __eq__(self, other):
            return self is other

        def __call__(self, x):
            return 2 * x

    assert verdicts(Step("1", "2x", Doubled())) == [("holds", None)]
