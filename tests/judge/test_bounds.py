"""The bounds: each rule against its formula by hand, none loosened unseen, none below the truth.

A case names an operation, its operands with their errors, and the bound of its result worked out by
hand. It is green where a claim that is off by twice that bound is refuted. Every rule and every
constant of the arithmetic is multiplied by 4 in turn: the case of its name has to turn red.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from judge.bound_cases import EXACT, PASSED_ON, Case, U, V

from jw2v.judge import check, compare, verify, witness
from jw2v.judge.arithmetic import bounds
from jw2v.judge.arithmetic.bounds import (
    ARITHMETIC,
    Arithmetic,
    UnsupportedError,
    bounded,
    evaluate,
    trace,
)
from jw2v.judge.arithmetic.rules import Bounded


def bound_of(case: Case, arithmetic: Arithmetic) -> np.ndarray:
    values = [np.asarray(x, np.float64) for x in case.operands]
    operands = [Bounded(x, np.full(x.shape, float(case.error))) for x in values]
    jaxpr = trace(case.fn, values, dtype=case.dtype)
    return evaluate(jaxpr, operands, arithmetic=arithmetic)[0].error


def is_green(case: Case, arithmetic: Arithmetic = ARITHMETIC) -> bool:
    """Twice the bound by hand is refuted, wherever there is one."""
    bound = bound_of(case, arithmetic)
    return bool(np.all((2 * np.asarray(case.expected) > bound) | (np.asarray(case.expected) == 0)))


ALL = [("exact", name, case) for name, case in EXACT.items()] + [
    ("passed on", name, case) for name, case in PASSED_ON.items()
]


@pytest.mark.parametrize(("kind", "name", "case"), ALL, ids=[f"{n} {k}" for k, n, _ in ALL])
def test_a_rule_gives_the_bound_worked_out_by_hand(kind, name, case):
    np.testing.assert_allclose(bound_of(case, ARITHMETIC), case.expected, rtol=1e-6)
    if np.all(np.isfinite(case.expected)) and np.any(case.expected):
        assert is_green(case)


def times_four(rule):
    def loosened(*args):
        result = rule(*args)
        parts = result if isinstance(result, list) else [result]
        loose = [Bounded(part.value, 4 * part.error) for part in parts]
        return loose if isinstance(result, list) else loose[0]

    return loosened


def cases_of(name: str) -> list[Case]:
    return [group[name] for group in (EXACT, PASSED_ON) if name in group]


UNROUNDED = {"and", "argmax", "argmin", "ceil", "empty2", "eq", "floor", "ge", "gt", "iota",
             "is_finite", "le", "lt", "ne", "not", "or", "reduce_and", "reduce_or", "round",
             "select_n", "sign", "stop_gradient"}  # fmt: skip
"""Rules whose bound is 0, inf or another rule's, or a choice's: `test_decisions` and the like."""


@pytest.mark.parametrize("name", sorted({*ARITHMETIC.rules, *ARITHMETIC.moves} - UNROUNDED))
def test_a_rule_four_times_as_loose_is_seen(name):
    part = "rules" if name in ARITHMETIC.rules else "moves"
    rules = getattr(ARITHMETIC, part)
    loose = ARITHMETIC._replace(**{part: {**rules, name: times_four(rules[name])}})
    assert any(is_green(case) and not is_green(case, loose) for case in cases_of(name))


@pytest.mark.parametrize("name", ARITHMETIC.ulps)
def test_four_times_the_roundings_of_a_function_are_seen(name):
    loose = ARITHMETIC._replace(ulps={**ARITHMETIC.ulps, name: 4 * ARITHMETIC.ulps[name]})
    assert is_green(EXACT[name])
    assert not is_green(EXACT[name], loose)


@pytest.mark.parametrize("name", ARITHMETIC.unit)
def test_four_times_a_unit_roundoff_is_seen(name):
    loose = ARITHMETIC._replace(unit={**ARITHMETIC.unit, name: 4 * ARITHMETIC.unit[name]})
    assert is_green(EXACT[name])
    assert not is_green(EXACT[name], loose)


def test_a_constant_believed_exact_four_times_as_long_is_seen():
    case = EXACT["constant_bits"]
    assert bound_of(case, ARITHMETIC) > 0
    assert bound_of(case, ARITHMETIC._replace(constant_bits=4 * bounds.CONSTANT_BITS)) == 0


ONE = (np.ones(3),)


def off_in_one_entry_of_bfloat16():
    """1 of 40 entries is a sum that cancels: 2.5 % untested is too many, and 1 % allowed."""

    def claim(x):
        return jnp.where(jnp.arange(40) == 7, (x + 256) - 256, x)

    args = (np.ones(40),)
    return check.check_gradient(lambda x: jnp.sum(x**2) / 2, claim, args, dtypes=("bfloat16",))


def half_tested():
    """The bound is about a fifth of the gradient: more than TESTED, less than four times it."""

    def claim(x):
        return (x + 24) - 24

    args, options = (np.ones(1),), {"dtypes": ("bfloat16",), "samples": 1, "seed": 1}
    return check.check_gradient(lambda x: jnp.sum(x**2) / 2, claim, args, **options)


def nearly_right_without_a_rule():
    """A running maximum has the coarse bound; the claim is off by twice of it."""
    x = np.array([[1.0, 2.0, 3.0]])
    truth = compare.true_values(lax.cummax, (x,), dtype="float32")
    assert truth.no_rule == "cummax"
    n = 3
    expected = (n + 4) * 2.0**-53 * (3.0 + 3.0)
    return bool((2 * expected > truth.outputs[0].error).all())


def slope_of_a_wrong_gradient():
    where = (np.random.default_rng(0).standard_normal((4, 3)),)
    heard = witness.hear(lambda x: jnp.sum(x**3), lambda x: 3.3 * x**2, (0,), where)
    return heard.agree


def complex_step_off_by_two_tolerances():
    where = (np.random.default_rng(0).standard_normal((1, 3)),)

    def twin(x):
        return (1 + 2e-9) * jnp.sum(x**3)

    return witness.hear(lambda x: jnp.sum(x**3), lambda x: 3 * x**2, (0,), where, twin=twin).agree


def an_order_that_is_a_tenth_off():
    step = verify.Step(
        "1", "", lambda n: (lambda x: x @ x, (jax.ShapeDtypeStruct((n,), "float32"),)),
        kind="complexity", order=1.1,
    )  # fmt: skip
    return verify.judge_step(verify.Derivation("d", abs, (1.0,), (step,)), step).verdict_value


CONSTANTS = {
    "TESTED": (compare, "TESTED", lambda: half_tested().verdict, "undecided"),
    "UNTESTED_SHARE": (
        compare, "UNTESTED_SHARE", lambda: off_in_one_entry_of_bfloat16().verdict, "undecided"
    ),
    "COARSE_ROUNDINGS": (compare, "COARSE_ROUNDINGS", nearly_right_without_a_rule, True),
    "COMPLEX_TOLERANCE": (
        witness, "COMPLEX_TOLERANCE", complex_step_off_by_two_tolerances, False
    ),
    "ORDER_TOLERANCE": (verify, "ORDER_TOLERANCE", an_order_that_is_a_tenth_off, "refuted"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_four_times_as_loose_is_seen(name, monkeypatch):
    module, attribute, case, verdict = CONSTANTS[name]
    assert case() == verdict
    monkeypatch.setattr(module, attribute, 4 * getattr(module, attribute))
    assert case() != verdict


def test_a_slope_threshold_four_times_as_loose_is_seen(monkeypatch):
    assert slope_of_a_wrong_gradient() is False
    monkeypatch.setattr(witness, "SLOPE", witness.SLOPE / 4)
    assert slope_of_a_wrong_gradient() is True


@pytest.mark.parametrize(
    "fn",
    [lambda x, y: x < y, lambda x, y: x <= y, lambda x, y: x > y, lambda x, y: x >= y,
     lambda x, y: x == y, lambda x, y: x != y],
)  # fmt: skip
def test_decisions_that_errors_could_turn_are_not_sure(fn):
    jaxpr = trace(fn, (1.0, 1.0))
    near, far = Bounded(np.array(1.0), np.array(0.1)), Bounded(np.array(2.0), np.array(0.1))
    close = Bounded(np.array(1.05), np.array(0.1))
    assert evaluate(jaxpr, [near, far])[0].error == 0
    assert evaluate(jaxpr, [near, close])[0].error == np.inf
    assert evaluate(jaxpr, [1.0, 1.0])[0].error == 0


def test_a_choice_that_is_not_sure_is_as_far_off_as_its_cases_are_apart():
    jaxpr = trace(lambda x, y, z: jnp.where(x > 0, y, z), (1.0, 1.0, 1.0))
    unsure = Bounded(np.array(0.5), np.array(1.0))
    assert evaluate(jaxpr, [unsure, 3.0, 7.0])[0] == (3.0, 4.0)
    assert evaluate(jaxpr, [0.5, 3.0, 7.0])[0] == (3.0, 0.0)
    blurred = Bounded(np.array(3.0), np.array(0.5)), Bounded(np.array(7.0), np.array(0.25))
    assert evaluate(jaxpr, [unsure, *blurred])[0] == (3.0, 4.25)


def test_a_power_of_an_exact_zero_is_exact():
    (zero,) = evaluate(trace(lax.pow, (0.0, 3.0), dtype="float32"), [0.0, 3.0])
    assert (zero.value, zero.error) == (0.0, 0.0)


def test_what_is_added_to_a_zero_is_added_once_less():
    jaxpr = trace(lambda x, y: x.at[np.array([0, 1, 1])].add(y), (np.zeros(3), V), dtype="float32")
    (sums,) = evaluate(jaxpr, [np.zeros(3), V])
    np.testing.assert_array_equal(sums.value, [1, 6, 0])
    np.testing.assert_allclose(sums.error, [0, 6 * U, 0], rtol=1e-6)


def test_a_number_and_itself_are_told_exactly_however_blurred_they_are():
    for fn, exactly in ((lambda x: x / 3 - x / 3, False), (lambda x: (y := x / 3) - y, True)):
        (result,) = bounded(fn, (np.array(2.0),), dtype="float32")
        assert (result.value, result.error == 0) == (0.0, exactly)
    (one,) = bounded(lambda x: (y := x / 3 - x) / y, (np.array(2.0),), dtype="float32")
    assert (one.value, one.error) == (1.0, 0.0)
    (nan,) = bounded(lambda x: (y := x / 0) - y, (np.array(2.0),), dtype="float32")
    assert np.isnan(nan.value)
    assert nan.error == np.inf


def test_infinity_by_a_zero_divisor_is_exact_and_so_is_what_it_divides():
    (zero,) = bounded(lambda x: x / jnp.sqrt((x / 3) / 0.0 + 1), (np.array(2.0),), dtype="float32")
    assert (zero.value, zero.error) == (0.0, 0.0)
    jaxpr = trace(lambda x, y: x / y, (1.0, 1.0))
    maybe_zero = Bounded(np.array(0.1), np.array(0.2)), Bounded(np.array(0.0), np.array(0.1))
    for operands in ([maybe_zero[0], 0.0], [1.0, maybe_zero[1]]):
        (unsure,) = evaluate(jaxpr, operands)
        assert unsure.error == np.inf


@pytest.mark.parametrize("wave", [jnp.sin, jnp.cos])
def test_a_wave_is_never_farther_off_than_a_crest_from_a_trough(wave):
    jaxpr = trace(wave, (1.0,), dtype="float32")
    (anywhere,) = evaluate(jaxpr, [Bounded(np.array(0.0), np.array(50.0))])
    assert anywhere.error == pytest.approx(2 + 4 * U, rel=1e-9)


@pytest.mark.parametrize(
    ("fn", "exactly"),
    [
        (lambda i: i**2, [3**38, 3**36]),
        (lambda i: jnp.sum(i * i), 3**38 + 3**36),
        (jnp.prod, 3**37),
        (lambda i: i @ i, 3**38 + 3**36),
    ],
)
def test_whole_numbers_are_exact_where_floats_would_round(fn, exactly):
    i = np.array([3**19, 3**18])
    (result,) = bounded(fn, (i,))
    assert result.value.tolist() == exactly
    assert not result.error.any()


def test_steps_of_a_staircase():
    for fn in (jnp.floor, jnp.ceil, lax.round, jnp.sign):
        jaxpr = trace(fn, (1.0,))
        assert evaluate(jaxpr, [Bounded(np.array(0.25), np.array(0.1))])[0].error == 0
    for fn, edge in ((jnp.floor, 1.0), (jnp.ceil, 1.0), (lax.round, 0.5), (jnp.sign, 0.0)):
        jaxpr = trace(fn, (1.0,))
        assert evaluate(jaxpr, [Bounded(np.array(edge), np.array(0.1))])[0].error == np.inf


def test_loops_and_branches_are_followed():
    def powers(x):
        total, each = lax.scan(lambda c, _: (c * x, c), jnp.ones_like(x), None, length=4)
        return total + jnp.sum(each)

    def repeated(x):
        times = x.astype(int) + 1
        return lax.while_loop(lambda c: c[0] < times, lambda c: (c[0] + 1, c[1] * x), (0, x))[1]

    def branched(x):
        return lax.cond(x > 0, lambda x: 2 * x, lambda x: -x, x)

    for fn, true in ((powers, 16 + 1 + 2 + 4 + 8), (repeated, 16), (branched, 4)):
        (result,) = bounded(fn, (np.array(2.0),), dtype="float32")
        assert result.value == true
        assert 0 < result.error < 1000 * U


@pytest.mark.parametrize(
    "fn",
    [
        lambda x, i: x[i],
        lambda x, i: x.at[i].add(1.0),
        lambda x, i: x.at[i].set(1.0),
        lambda x, i: lax.dynamic_slice(x, (i,), (1,)),
        lambda x, i: lax.dynamic_update_slice(x, x[:1], (i,)),
    ],
)
def test_an_index_that_rounding_could_turn_bounds_nothing(fn):
    jaxpr = trace(lambda x, y: fn(x, jnp.floor(y).astype(int)), (V, 1.0))
    sure = evaluate(jaxpr, [V, 1.5])[0]
    turned = evaluate(jaxpr, [V, Bounded(np.array(1.0), np.array(0.1))])[0]
    assert np.isfinite(sure.error).all()
    assert np.isinf(turned.error).all()


def test_a_coarse_bound_is_of_the_largest_numbers_of_each_point():
    x, y = np.array([[1.0, 2.0, -5.0], [0.5, 0.25, 0.125]]), np.array([[7.0], [0.0]])
    truth = compare.true_values(lambda x, y: lax.cummax(3 * x), (x, y))
    of_ids = compare.true_values(lambda i: lax.cummax(1.0 * i), (np.array([[3, 1, 2]]),))
    unit = (3 + 4) * 2.0**-53
    expected = unit * np.array([[6.0 + 7.0] * 3, [1.5 + 0.5] * 3])
    np.testing.assert_allclose(truth.outputs[0].error, expected, rtol=1e-12)
    np.testing.assert_allclose(of_ids.outputs[0].error, [[unit * 3.0] * 3], rtol=1e-12)


def test_what_has_no_rule_is_said():
    with pytest.raises(UnsupportedError, match="cummax"):
        bounded(lax.cummax, (V,))


def test_a_loop_whose_length_rounding_decides_has_no_bound():
    def counted(x):
        def more(carry):
            return carry[0] < 1.0

        return lax.while_loop(more, lambda c: (c[0] + x * 0.1, c[1] * x), (x * 0.0, x))[1]

    with pytest.raises(UnsupportedError, match="of a length that rounding decides"):
        bounded(counted, (np.array(1.0),))


def test_entries_that_may_change_places_are_as_far_off_as_the_farthest():
    jaxpr = trace(lambda x: (jnp.sort(x), jnp.argsort(x), jnp.argmax(x), jnp.argmin(x)), (V,))
    apart = Bounded(np.array([4.0, 1.0, 2.0]), np.array([0.1, 0.2, 0.3]))
    near = Bounded(np.array([4.0, 1.0, 1.3]), np.array([0.1, 0.2, 0.3]))
    values, order, largest, smallest = evaluate(jaxpr, [apart])
    np.testing.assert_allclose(values.error, [0.2, 0.3, 0.1])
    assert order.value.tolist() == [1, 2, 0]
    assert not order.error.any()
    assert (largest.error, smallest.error) == (0, 0)
    values, order, largest, smallest = evaluate(jaxpr, [near])
    np.testing.assert_allclose(values.error, [0.3, 0.3, 0.3])
    assert np.isinf(order.error).all()
    assert (largest.error, smallest.error) == (0, np.inf)


def test_second_keys_are_sorted_by_where_the_first_are_equal():
    keys, others = np.array([1.0, 0.0, 1.0]), np.array([5.0, 6.0, 4.0])
    jaxpr = trace(lambda k, x: lax.sort((k, x), num_keys=2), (keys, others))
    assert evaluate(jaxpr, [keys, others])[1].value.tolist() == [6, 4, 5]
    blurred = evaluate(jaxpr, [keys, Bounded(others, np.full(3, 0.1))])
    assert np.isinf(blurred[1].error).all()


def test_booleans_have_a_largest_and_narrow_sums_wrap():
    first = trace(lambda x: jnp.argmax(x > 1.5), (V,))
    assert evaluate(first, [V])[0] == (1, 0)
    added = trace(lambda i: i.at[np.array([0, 0])].add(i[:2]), (np.array([200, 100], np.uint8),))
    assert evaluate(added, [np.array([200, 100], np.uint8)])[0].value.tolist() == [244, 100]


def test_underflow_and_overflow_are_bounded():
    (small,) = bounded(lambda x: x * x, (np.array(1e-30),), dtype="float32")
    assert small.error >= small.value > 0
    (large,) = bounded(lambda x: x * x, (np.array(1e30),), dtype="float32")
    assert large.error == np.inf


@pytest.mark.parametrize(
    ("claimed", "verdict"), [([1.0, 2.0], "refuted"), ([1.0, 3.0], "undecided")]
)
def test_an_entry_without_a_bound_hides_no_other(claimed, verdict):
    """Nothing is known of the first entry, whatever it is; the second is wrong or right."""
    true, bound = np.array([[1.5, 3.0]]), np.array([[np.nan, 0.1]])
    leaf = compare.Leaf(np.array([claimed]), true, bound)
    measured = compare.Measured("float64", (np.ones((1, 2)),), (leaf,), None)
    finding = compare.find([measured])
    assert finding.verdict == verdict
    if verdict == "refuted":
        assert finding.margin == pytest.approx(10)
        assert finding.worst is not None
        assert finding.worst["entry"] == (1,)


CHAINS = {
    "softmax": (jax.nn.softmax, ((50,),)),
    "log_sigmoid": (jax.nn.log_sigmoid, ((50,),)),
    "logsumexp": (jax.nn.logsumexp, ((50,),)),
    "matmul": (lambda a, b: a @ b, ((20, 64), (64, 7))),
    "einsum": (lambda a, b: jnp.einsum("crd,cod->cro", a, b), ((3, 4, 16), (3, 5, 16))),
    "scores": (lambda U, v: jnp.tanh(U @ v) ** 2 / (1 + jnp.exp(U @ v)), ((30, 11), (11,))),
    "norm": (lambda x: x / jnp.sqrt(jnp.sum(x**2) + 1), ((40,),)),
    "scatter": (lambda x, y: x.at[np.arange(12) % 5].add(y), ((5, 3), (12, 3))),
    "moments": (lambda x: (x - jnp.mean(x)) * lax.rsqrt(jnp.var(x) + 1e-3), ((33,),)),
    "gelu": (lambda x: 0.5 * x * (1 + lax.erf(x * 0.7071)), ((64,),)),
    "trig": (lambda x: jnp.sin(x) * jnp.cos(x) + jnp.log1p(x**2), ((64,),)),
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("name", CHAINS)
def test_no_result_of_xla_is_beyond_its_bound(name, dtype):
    fn, shapes = CHAINS[name]
    rng = np.random.default_rng(0)
    where = tuple(rng.standard_normal((20, *shape)) for shape in shapes)
    measured = compare.measure(fn, fn, where, dtype=dtype)
    finding = compare.find([measured])
    assert measured.coarse is None
    assert finding.margin <= 1
    assert finding.margin > 0 or dtype == "float64"
