"""The judge: right gradients hold, and each way of being wrong is refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v import check_gradient
from jw2v.errors import UsageError

DTYPES = ("float64", "float32", "bfloat16")
sigma = jax.nn.sigmoid
ONES = jnp.ones(3)
TABLES = (np.ones((4, 4)), np.ones((4, 4)), np.array([1, 3, 1]))  # square, with a repeated id


def product(x, y):
    return jnp.sum(x * y**2)


def by_ids(V, U, ids):
    """Σ_i log(1 + exp(V[ids_i]·U[ids_{n−i}])): two tables of one shape, and ids that repeat."""
    return jnp.sum(jnp.logaddexp(0, jnp.sum(V[ids] * U[ids[::-1]], axis=-1)))


def err_of(V, U, ids):
    return sigma(jnp.sum(V[ids] * U[ids[::-1]], axis=-1))[:, None]


def d_V(V, U, ids):
    return jnp.zeros_like(V).at[ids].add(err_of(V, U, ids) * U[ids[::-1]])


def d_U(V, U, ids):
    return jnp.zeros_like(U).at[ids[::-1]].add(err_of(V, U, ids) * V[ids])


def overwriting(V, U, ids):
    return jnp.zeros_like(V).at[ids].set(err_of(V, U, ids) * U[ids[::-1]])


def of_the_negated_score(V, U, ids):
    return jnp.zeros_like(V).at[ids].add((1 - err_of(V, U, ids)) * U[ids[::-1]])


def without_the_last_term(V, U, ids):
    return jnp.zeros_like(V).at[ids[:-1]].add((err_of(V, U, ids) * U[ids[::-1]])[:-1])


WRONG = {
    "wrong sign": lambda *a: -d_V(*a),
    "factor 2": lambda *a: 2 * d_V(*a),
    "zero": lambda *a: 0 * d_V(*a),
    "a missing term": without_the_last_term,
    "transposed": lambda *a: d_V(*a).T,
    "of the other argument": d_U,
    "set for add": overwriting,
    "sigma(x) for sigma(-x)": of_the_negated_score,
    "one row moved": lambda *a: jnp.roll(d_V(*a), 1, axis=0),
    "a smoothed step": lambda V, U, ids: d_V(V, U, ids) + 1e-4 * V,
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_right_gradient_holds(dtype):
    report = check_gradient(
        by_ids, lambda *a: (d_V(*a), d_U(*a)), TABLES, wrt=(0, 1), dtypes=(dtype,)
    )
    assert report.verdict == "holds"
    assert (report.diagnosis, report.counterexample) == (None, None)
    assert report.margin < 1
    assert set(report.power) == {dtype}
    assert 0 < report.power[dtype] < 0.1


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_a_wrong_gradient_is_refuted(wrong):
    for dtype in ("float64", "float32"):
        report = check_gradient(by_ids, wrong, TABLES, dtypes=(dtype,), explain=False)
        assert report.verdict == "refuted"
        assert report.diagnosis is None
        assert report.margin > 1


@pytest.mark.parametrize("wrong", [name for name in WRONG if name != "a smoothed step"])
def test_a_wrong_gradient_is_refuted_in_bfloat16(wrong):
    report = check_gradient(by_ids, WRONG[wrong], TABLES, dtypes=("bfloat16",), explain=False)
    assert report.verdict == "refuted"


def test_distinct_ids_alone_would_not_show_an_overwriting_scatter():
    """The judge draws ids that repeat even where the example's do not, of many words too."""
    for words in (4, 5000):
        tables = np.ones((words, 2)), np.ones((words, 2))
        args = (*tables, np.array([0, 1, words - 1]))
        for seed in range(3):
            options: dict[str, Any] = {"samples": 2, "seed": seed, "explain": False}
            assert check_gradient(by_ids, d_V, args, **options).verdict == "holds"
            assert check_gradient(by_ids, overwriting, args, **options).verdict == "refuted"


def test_one_wrong_entry_of_a_large_gradient():
    x = np.ones((200, 50))

    def wrong(x):
        return (3 * x**2).at[123, 7].add(1e-2)

    report = check_gradient(lambda x: jnp.sum(x**3), wrong, (x,), explain=False)
    assert report.verdict == "refuted"
    assert report.counterexample is not None
    assert report.counterexample["entry"] == (123, 7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_printed_power_is_what_the_judge_can_tell(dtype):
    args = (ONES, ONES)
    options: dict[str, Any] = {"wrt": 1, "dtypes": (dtype,)}
    power = check_gradient(product, lambda x, y: 2 * x * y, args, **options).power[dtype]

    def off_by(share):
        return lambda x, y: 2 * x * y * (1 + share * power)

    assert check_gradient(product, off_by(1.5), args, **options).verdict == "refuted"
    assert check_gradient(product, off_by(-1.5), args, **options).verdict == "refuted"
    assert check_gradient(product, off_by(0.05), args, **options).verdict == "holds"


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_a_claim_that_is_not_finite_is_refuted(bad):
    report = check_gradient(product, lambda x, y: (y**2).at[1].set(bad), (ONES, ONES))
    assert report.verdict == "refuted"
    assert report.margin == np.inf
    assert report.counterexample is not None
    assert report.counterexample["entry"] == (1,)
    np.testing.assert_equal(report.counterexample["claimed"], float(bad))


def test_a_gradient_of_zeros_has_to_be_met_exactly():
    def loss(x, y):
        return jnp.sum(x)

    def claim(residue):
        return lambda x, y: (jnp.ones_like(x), jnp.full_like(y, residue))

    args = (ONES, ONES)
    assert check_gradient(loss, claim(0.0), args, wrt=(0, 1)).verdict == "holds"
    report = check_gradient(loss, claim(1e-30), args, wrt=(0, 1))
    assert report.verdict == "refuted"
    assert report.counterexample is not None
    assert report.counterexample["argument"] == 1
    assert report.counterexample["claimed"] == pytest.approx(1e-30)


def test_zeros_everywhere_tell_nothing():
    def loss(x):
        return 0 * jnp.sum(x)

    assert check_gradient(loss, jnp.zeros_like, (ONES,)).verdict == "undecided"
    assert check_gradient(loss, jnp.ones_like, (ONES,)).verdict == "refuted"


def test_a_claim_of_the_transposed_shape_is_refuted():
    def loss(A, x):
        return jnp.sum((A @ x) ** 2) / 2

    args = (np.ones((3, 2)), np.ones(2))
    report = check_gradient(loss, lambda A, x: jnp.outer(x, A @ x), args)
    assert report.verdict == "refuted"
    assert report.diagnosis == "transpose: the claim has shapes [(2, 3)], the arguments [(3, 2)]"
    assert check_gradient(loss, lambda A, x: jnp.outer(A @ x, x), args).verdict == "holds"


def test_a_bound_as_large_as_the_gradient_tells_nothing():
    """A sum that cancels: in bfloat16 rounding alone is as large as what is left of it."""

    def claim(x, y):
        return (1000 + y**2) - 1000

    args = (ONES, ONES)
    report = check_gradient(product, claim, args, dtypes=("bfloat16",))
    assert report.verdict == "undecided"
    assert report.power["bfloat16"] > 0.1
    assert check_gradient(product, claim, args, dtypes=("float64",)).verdict == "holds"


def test_a_loss_that_autodiff_does_not_differentiate_is_not_decided():
    def loss(x):
        return jnp.sum(jax.lax.stop_gradient(x) * x)

    report = check_gradient(loss, lambda x: x, (ONES,))
    assert report.verdict == "undecided"
    assert report.diagnosis is not None
    assert "the witnesses disagree: Taylor slope 1.0" in report.diagnosis


def test_gradients_of_maxima_are_decided():
    def hinge(x, y):
        return jnp.sum(jnp.maximum(0, 1 - x + y)) + jnp.max(x * y)

    def right(x, y):
        on = (1 - x + y > 0).astype(x.dtype)
        best = (jnp.arange(3) == jnp.argmax(x * y)).astype(x.dtype)
        return -on + best * y, on + best * x

    args = (ONES, ONES)
    report = check_gradient(hinge, right, args, wrt=(0, 1), dtypes=("float64",))
    assert report.verdict == "holds"
    wrong = check_gradient(hinge, lambda x, y: right(x, y)[1], args, explain=False)
    assert wrong.verdict == "refuted"


def test_a_twin_is_a_further_witness():
    def twin(x, y):
        return jnp.sum(x * y * y)

    def other(x, y):
        return jnp.sum(x * y * y * y)

    options: dict[str, Any] = {"dtypes": ("float64",)}
    args = (ONES, ONES)
    agreed = check_gradient(product, lambda x, y: y**2, args, twin=twin, **options)
    assert agreed.verdict == "holds"
    apart = check_gradient(product, lambda x, y: y**2, args, twin=other, **options)
    assert apart.verdict == "undecided"


def test_an_operation_without_a_rule_has_a_coarse_bound_and_says_so():
    def loss(x):
        return jnp.sum(jax.lax.top_k(x, 5)[0] ** 2)

    report = check_gradient(loss, lambda x: 2 * x, (np.ones(5),))
    assert report.verdict == "holds"
    assert "coarse bound for top_k" in report.scope
    assert check_gradient(loss, lambda x: -2 * x, (np.ones(5),)).verdict == "refuted"


def test_points_without_a_true_gradient_tell_nothing():
    def loss(x):
        return jnp.sum(jnp.sqrt(x))

    def anything_below_zero(x):
        return jnp.where(x > 0, 0.5 / jnp.sqrt(jnp.abs(x)), 7.0)

    for seed in range(3):
        report = check_gradient(loss, anything_below_zero, (1.0,), seed=seed)
        assert report.verdict == "undecided"
    positive = check_gradient(loss, anything_below_zero, (1.0,), domain=lambda x: x > 0.1)
    assert positive.verdict == "holds"
    twice = check_gradient(loss, lambda x: 2 * anything_below_zero(x), (1.0,))
    assert twice.verdict == "refuted"  # where there is a truth, it decides


def test_the_counterexample_is_the_worst_entry_with_the_claims_numbers():
    def linear(x, y):
        return x @ jnp.array([1.0, 2.0, 3.0]) + jnp.sum(y)

    def wrong(x, y):
        return jnp.array([1.25, 2.0, 5.0]), jnp.ones_like(y)

    options: dict[str, Any] = {"wrt": (0, 1), "dtypes": ("float32",)}
    report = check_gradient(linear, wrong, (ONES, ONES), explain=False, **options)
    assert report.counterexample == {
        "argument": 0, "entry": (2,), "dtype": "float32", "claimed": 5.0, "true": 3.0
    }  # fmt: skip
    assert str(report).splitlines()[-1] == (
        "  argument = 0, entry = [2], dtype = float32, claimed = 5, true = 3"
    )


def test_an_explained_counterexample_has_small_numbers_that_show_the_mistake():
    report = check_gradient(product, lambda x, y: 2 * y**2, (ONES, ONES))
    assert report.counterexample is not None
    x, y = (np.asarray(report.counterexample["args"][name]) for name in "xy")
    assert max(np.abs(x).max(), np.abs(y).max()) <= 4
    at = report.counterexample["entry"]
    assert report.counterexample["claimed"] == (2 * y**2)[at]
    assert report.counterexample["true"] == (y**2)[at]
    assert str(report).splitlines()[1] == "  factor: claimed = 2 × true"


@pytest.mark.parametrize(
    ("factor", "diagnosis"),
    [
        (-1, "sign: claimed = -1 × true"),
        (2, "factor: claimed = 2 × true"),
        (0.5, "factor: claimed = 0.5 × true"),
        (-3, "factor: claimed = -3 × true"),
        (0, "missing term: claimed = 0"),
        (1e-5, "factor: claimed = 1e-05 × true"),
        (1 + 1e-5, "factor: claimed = (1 + 1e-05) × true"),
    ],
)
def test_diagnosis(factor, diagnosis):
    report = check_gradient(product, lambda x, y: factor * y**2, (ONES, ONES))
    assert report.diagnosis == diagnosis
    assert f"  {diagnosis}" in str(report).splitlines()


def test_each_argument_has_its_own_diagnosis():
    def two_factors(x, y):
        return 2 * y**2, 3 * (2 * x * y)

    report = check_gradient(product, two_factors, (ONES, ONES), wrt=(0, 1))
    assert report.diagnosis == (
        "gradient of x: factor: claimed = 2 × true; gradient of y: factor: claimed = 3 × true"
    )


def test_what_a_report_prints():
    report = check_gradient(product, lambda x, y: y**2, (ONES, ONES), samples=3)
    assert str(report).splitlines() == [
        f"holds (3 points, float64, float32, cpu; worst error {report.margin:.2g} of its bound)",
        f"  a relative change of {report.power['float64']:.1g} in float64, "
        f"{report.power['float32']:.1g} in float32 in any entry would have failed",
    ]


def test_the_same_seed_gives_the_same_report():
    def report(seed):
        options: dict[str, Any] = {"seed": seed, "explain": False}
        return check_gradient(product, lambda x, y: y**2 + 1, (ONES, ONES), **options)

    assert report(3) == report(3)
    assert report(3).counterexample != report(4).counterexample


@pytest.mark.parametrize(
    ("claim", "wrt", "shapes"),
    [
        (lambda x, y: y[:2], 0, r"\[\(2,\)\], the truth \[\(3,\)\]"),
        (lambda x, y: y[:, None], 0, r"\[\(3, 1\)\], the truth"),
        (lambda x, y: None, 0, r"\[\], the truth"),
        (lambda x, y: (y, y), 0, r"\[\(3,\), \(3,\)\], the truth \[\(3,\)\]"),
        (lambda x, y: (y, y[:2]), 0, r"\[\(3,\), \(2,\)\], the truth \[\(3,\)\]"),
        (lambda x, y: (y,), (0, 1), r"\[\(3,\)\], the truth \[\(3,\), \(3,\)\]"),
        (lambda x, y: jnp.sum(y), (0, 1), r"\[\(\)\], the truth"),
    ],
)
def test_a_claim_of_another_shape_is_bad_use(claim, wrt, shapes):
    with pytest.raises(UsageError, match=rf"arrays of shapes {shapes}.*; return one array of the"):
        check_gradient(product, claim, (ONES, ONES), wrt=wrt)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtypes": ()}, r"dtypes are \(\); give some of float64, float32, bfloat16, float16"),
        ({"dtypes": ("float8",)}, r"dtypes are \('float8',\); give some of"),
        ({"samples": 0}, "samples is 0; give 1 or more"),
        ({"samples": -1}, "samples is -1; give 1 or more"),
        ({"wrt": 2}, r"wrt is \(2,\); give positions of float arguments, of \[0\]"),
        ({"wrt": ()}, r"wrt is \(\); give positions"),
        ({"wrt": (0, 1)}, r"wrt is \(0, 1\); give positions"),
        ({"domain": lambda x, i: False}, "no point of the domain in 1000 draws; give a wider"),
    ],
)
def test_options_that_cannot_be_used(options, message):
    args = (ONES, np.array([0, 1]))
    with pytest.raises(UsageError, match=message):
        check_gradient(lambda x, i: jnp.sum(x[i]), lambda x, i: x, args, **options)


def test_points_outside_the_domain_are_never_given_to_the_claim():
    def claim(x):
        return jnp.where(jnp.min(x) > 0.5, 1 / x, jnp.nan)

    report = check_gradient(
        lambda x: jnp.sum(jnp.log(x)), claim, (ONES,), domain=lambda x: x.min() > 0.5, samples=32
    )
    assert report.verdict == "holds"


def test_points_that_rounding_moves_out_of_the_domain_are_not_given_either():
    def on_the_grid(x):
        return x * 8 == np.round(x * 8)

    def claim(x):
        return jnp.where(x * 8 == jnp.round(x * 8), jnp.nan, 2 * x)

    options: dict[str, Any] = {"dtypes": ("bfloat16",), "samples": 64}
    args = (np.float64(1),)
    anywhere = check_gradient(lambda x: x**2, claim, args, **options)
    assert anywhere.verdict == "refuted"
    inside = check_gradient(
        lambda x: x**2, claim, args, domain=lambda x: not on_the_grid(x), **options
    )
    assert inside.verdict == "holds"


def test_bfloat16_arrays_are_arguments_not_ids():
    x = jnp.ones(3, jnp.bfloat16)
    assert check_gradient(lambda x: jnp.sum(x**2), lambda x: 2 * x, (x,)).verdict == "holds"
    wrong = check_gradient(lambda x: jnp.sum(x**2), lambda x: 2 * jnp.ones_like(x), (x,))
    assert wrong.verdict == "refuted"


BYTES = np.array([0, 1, 1, 0], np.uint8)


def of_bytes(w, y):
    return jnp.sum((w - (2 * y - 1)) ** 2)  # 2 · 0 − 1 is 255


def hashed(w, i):
    turned = i.astype(jnp.uint32) * jnp.uint32(2654435761)
    return jnp.sum(jnp.where(turned < jnp.uint32(2**31), 1.0, -1.0) * w**2)


def test_narrow_whole_numbers_wrap_as_they_do_in_jax():
    args = jnp.ones(4), BYTES
    assert check_gradient(of_bytes, jax.grad(of_bytes), args).verdict == "holds"
    of_true_labels = check_gradient(of_bytes, lambda w, y: 2 * (w - (2.0 * y - 1)), args)
    assert of_true_labels.verdict == "refuted"
    ids = np.array([5, 90, 17], np.int32)
    assert check_gradient(hashed, jax.grad(hashed), (jnp.ones(3), ids)).verdict == "holds"


def test_what_a_claim_reads_from_outside_is_read_anew():
    outside = {"factor": 2.0}

    def claimed(x):
        return outside["factor"] * x

    def verdict():
        return check_gradient(lambda x: jnp.sum(x**2), claimed, (np.ones(3),)).verdict

    found = []
    for factor in (2.0, -5.0, 2.0):
        outside["factor"] = factor
        found.append(verdict())
    assert found == ["holds", "refuted", "holds"]


def test_complex_numbers_are_not_taken_for_their_real_parts():
    def loss(x):
        return jnp.sum(x**2)

    with pytest.raises(UsageError, match="complex; give its real part"):
        check_gradient(loss, lambda x: 2 * x + 1j * jnp.exp(x), (np.ones(3),))
    with pytest.raises(UsageError, match="argument 1 is complex"):
        check_gradient(lambda x, z: jnp.sum(x), lambda x, z: x, (np.ones(3), np.ones(3) * 1j))
    turned = jnp.array([1 + 2j, 3 + 1j, 2 - 3j])
    args = (np.ones(3),)

    def of_sizes(x):
        return jnp.sum(jnp.abs(turned) * x**2)

    right = check_gradient(of_sizes, lambda x: 2 * x * jnp.abs(turned), args)
    wrong = check_gradient(of_sizes, lambda x: 2 * x * jnp.abs(turned.real), args)
    assert (right.verdict, wrong.verdict) == ("holds", "refuted")


def test_autodiff_that_is_wrong_at_some_points_is_no_witness():
    def clipped(x):
        return jnp.where(jnp.abs(x) > 1.2, jax.lax.stop_gradient(x), x) ** 2

    lie = check_gradient(clipped, lambda x: jnp.where(jnp.abs(x) > 1.2, 0.0, 2 * x), (1.0,))
    assert lie.verdict == "undecided"
    kinked = check_gradient(lambda x: jnp.sum(jnp.abs(x)), jnp.sign, (np.ones(500),))
    assert kinked.verdict == "holds"


def test_a_coarse_bound_alone_refutes_nothing_that_is_nearly_right():
    def loss(A, b):
        return jnp.sum(jnp.linalg.solve(A, b))

    def right(A, b):
        return jnp.linalg.solve(A.T, jnp.ones(len(b), A.dtype))

    args = np.ones((8, 8)), np.ones(8)
    report = check_gradient(loss, right, args, wrt=1, samples=40)
    assert (report.verdict, report.margin > 1) == ("undecided", True)
    assert "lu has no other" in str(report.diagnosis)
    assert check_gradient(loss, lambda A, b: 1.001 * right(A, b), args, wrt=1).verdict == "refuted"


def test_sorted_and_largest_entries_are_decided():
    def trimmed(x):
        return jnp.var(jnp.sort(100 + x)[2:-2])

    def by_ranks(x):
        y, rank = 100 + x, jnp.argsort(jnp.argsort(x))
        kept = (rank >= 2) & (rank < 8)
        return jnp.where(kept, 2 / 6 * (y - jnp.mean(jnp.sort(y)[2:-2])), 0)

    report = check_gradient(trimmed, by_ranks, (np.ones(10),))
    assert (report.verdict, "coarse" in report.scope) == ("holds", False)
    shifted = check_gradient(trimmed, lambda x: jnp.roll(by_ranks(x), 1), (np.ones(10),))
    assert shifted.verdict == "refuted"
    top = check_gradient(
        lambda x: x[jnp.argmax(x)] ** 2,
        lambda x: 2 * x * jax.nn.one_hot(jnp.argmax(x), 5, dtype=x.dtype),
        (np.ones(5),),
    )
    assert (top.verdict, "coarse" in top.scope) == ("holds", False)


def test_labels_below_zero_stay_labels():
    def loss(w, y):
        return jnp.sum(jnp.log1p(jnp.exp(-y * w)))

    def right_for_labels(w, y):
        return jnp.where(y == 0, 7.0, -y / (1 + jnp.exp(y * w)))

    for labels in (-1, np.array([-1, 1, 1])):
        args = np.ones(np.shape(labels)), labels
        assert check_gradient(loss, right_for_labels, args).verdict == "holds"


def test_large_ids_take_no_room():
    ids = np.array([2_579_123_967, 5], np.uint32)
    report = check_gradient(
        lambda x, i: jnp.sum(x * (i % 7)), lambda x, i: 1.0 * (i % 7), (np.ones(2), ids)
    )
    assert report.verdict == "holds"


def test_loops_of_a_length_of_their_own_have_a_coarse_bound():
    def newton(w):
        near = jax.lax.while_loop(lambda s: jnp.abs(s - 2 * w) > 1e-6, lambda s: (s + 2 * w) / 2, w)
        return near + (2 * w - near)

    report = check_gradient(lambda w: w**2, newton, (1.0,))
    assert "coarse bound for while" in report.scope
    assert report.verdict == "holds"


def test_a_claim_that_prints_is_judged(capfd):
    def claimed(x):
        jax.debug.print("{}", x[0])
        return 2 * x

    assert check_gradient(lambda x: jnp.sum(x**2), claimed, (np.ones(3),)).verdict == "holds"


@pytest.mark.parametrize(
    ("args", "options", "message"),
    [
        (np.ones(3), {}, "args is no tuple; give one, as"),
        (({"w": np.ones(3)},), {}, "argument 0 is a dict; give an array"),
        (([1.0, 2.0],), {}, "argument 0 is a list; give an array"),
        ((np.ones(3), jax.random.key(0)), {}, "argument 1 is a random key"),
        ((np.ones(3),), {"domain": lambda x: x > 0}, "the domain gives an array"),
    ],
)
def test_arguments_that_cannot_be_used(args, options, message):
    with pytest.raises(UsageError, match=message):
        check_gradient(lambda *x: jnp.sum(x[0] ** 2), lambda *x: 2 * x[0], args, **options)


def test_a_loss_of_whole_numbers_is_bad_use():
    with pytest.raises(UsageError, match="the loss gives int64; give one that is a float"):
        check_gradient(lambda x: jnp.sum(x > 0), lambda x: x, (np.ones(3),))


def test_a_loss_that_draws_is_bad_use():
    def loss(x):
        return jnp.sum(x * jax.random.normal(jax.random.key(0), (3,)))

    with pytest.raises(UsageError, match="the loss draws random numbers"):
        check_gradient(loss, jax.grad(loss), (np.ones(3),))
