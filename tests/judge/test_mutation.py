"""The measure of the judge is itself measured: what it calls killed, equivalent and alive."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v.errors import UsageError
from jw2v.judge.arithmetic.bounds import evaluate, trace
from jw2v.judge.arithmetic.digits import DECIMAL, fifty_digits, same
from jw2v.judge.compare import Finding
from jw2v.judge.mutation import score as mutation
from jw2v.judge.mutation.score import BITS, FORTY_DIGITS, mutation_score, score_entries
from jw2v.judge.records import Derivation, Step, claim

pytestmark = pytest.mark.usefixtures("untyped")
sigma = jax.nn.sigmoid
VEC, TABLE, MATRIX = np.ones(5), np.ones((7, 5)), np.ones((3, 5))
IDS = np.array([6, 6, 6])


def softmax_loss(v, U):
    return -jax.nn.log_softmax(U @ v)[2]


def softmax_gradient(v, U):
    err = jax.nn.softmax(U @ v) - jnp.eye(7)[2]
    return err @ U, jnp.outer(err, v)


def sampled_loss(v, U, ids):
    return -jnp.sum(jax.nn.log_sigmoid(-(U[ids] @ v)))


def sampled_gradient(v, U, ids):
    err = sigma(U[ids] @ v)
    return err @ U[ids], jnp.zeros_like(U).at[ids].add(jnp.outer(err, v))


SOFTMAX = claim("softmax", softmax_loss, softmax_gradient, (VEC, TABLE), wrt=(0, 1))
SAMPLED = claim("sampled", sampled_loss, sampled_gradient, (VEC, TABLE, IDS), wrt=(0, 1))


def reasons(score):
    return {equivalent.edit.what: equivalent.reason for equivalent in score.equivalent}


def test_no_wrong_mutant_of_a_softmax_survives():
    score = mutation_score(SOFTMAX)
    assert score.alive == ()
    assert not score.fails
    assert score.killed + len(score.equivalent) == score.mutants > 100
    assert str(score).startswith(f"softmax: {score.killed} of {score.killed} mutants refuted, ")
    assert reasons(score)["max -> sum"] == FORTY_DIGITS  # another shift of the same softmax
    assert "ALIVE" not in str(score)


def test_no_wrong_mutant_of_a_scatter_survives():
    score = mutation_score(SAMPLED)
    assert score.alive == ()
    assert score.mutants > 100
    assert "scatter-add -> scatter" not in reasons(score)


def apart(v, U, ids):
    return len(set(np.asarray(ids).tolist())) == len(ids)


def test_what_the_domain_leaves_out_is_equivalent():
    only_apart = claim(
        "apart", sampled_loss, sampled_gradient, (VEC, TABLE, np.array([4, 5, 6])),
        wrt=(0, 1), domain=apart,
    )  # fmt: skip
    found = reasons(mutation_score(only_apart))
    assert found["scatter-add -> scatter"] == BITS
    assert found["7 -> 14"] == BITS  # the shift of negative ids


def test_a_judge_that_lets_all_pass_fails(monkeypatch):
    monkeypatch.setattr(mutation, "find", lambda measured: Finding("holds", 0.0, {}, None))
    score = mutation_score(SOFTMAX, most=40)
    assert score.killed == 0
    assert len(score.alive) > 20
    assert score.fails
    assert "ALIVE" in str(score)


def test_a_judge_with_wide_bounds_fails(monkeypatch):
    def wide(measured):
        (m,) = measured
        leaves = tuple(leaf._replace(bound=leaf.bound + 2 * abs(leaf.true)) for leaf in m.leaves)
        return find([m._replace(leaves=leaves)])._replace(power={})

    find = mutation.find
    verdicts = {"undecided": "holds"}
    monkeypatch.setattr(
        mutation,
        "find",
        lambda m: (f := wide(m))._replace(verdict=verdicts.get(f.verdict, f.verdict)),
    )
    score = mutation_score(SOFTMAX, most=60)
    assert score.killed > 0
    assert "x2" in {edit.what for edit in score.alive}


def test_a_score_of_mostly_equivalents_fails():
    idle = claim(
        "idle", lambda x: x @ x, lambda x: 2 * x + jnp.sin(jnp.cos(jnp.exp(x)) * 0.0), (VEC,)
    )
    score = mutation_score(idle)
    assert score.alive == ()
    assert score.share > 0.4
    assert score.fails


def test_a_line_of_a_derivation_that_is_no_gradient():
    steps = (Step("1", "", lambda x: x * x), Step("2", "", lambda x: x**2))
    square = Derivation("square", lambda x: x * x, (VEC,), steps)
    assert not any(mutation_score(square, step).fails for step in steps)


def test_what_does_not_hold_has_no_mutants():
    wrong = claim("wrong", lambda x: x @ x, lambda x: x, (VEC,))
    with pytest.raises(UsageError, match="wrong does not hold"):
        mutation_score(wrong)
    growth = claim("growth", lambda x: x @ x, lambda x: x, (VEC,), kind="complexity")
    with pytest.raises(UsageError, match="kind complexity"):
        mutation_score(growth)


def test_scores_are_the_same_again_and_are_data():
    refuted = claim("refuted", lambda x: x @ x, lambda x: x, (VEC,), expect="refuted")
    once, again = (score_entries([SOFTMAX, refuted], most=30, seed=1) for _ in range(2))
    assert once == again == json.loads(json.dumps(once))
    (entry,) = once
    assert entry["id"] == "softmax"
    assert entry["killed"] + entry["equivalent"] == entry["mutants"] == 30


def decimal(fn, *args):
    with fifty_digits():
        return [out.value for out in evaluate(trace(fn, args), args, arithmetic=DECIMAL)]


def everything(x, W, ids):
    """All operations that decimals have a rule for, more or less."""
    y = jnp.where(x > 0.1, jnp.tanh(x) * jnp.sqrt(jnp.abs(x)), jnp.expm1(x) / (2 + jnp.square(x)))
    z = jnp.maximum(jnp.log1p(jnp.exp(y)), 0.5) ** 3 - jnp.minimum(x, 1.0) ** -2.0
    return (
        jnp.zeros_like(W).at[ids].add(z).at[0].set(x) @ jax.nn.softmax(x),
        jnp.cumsum(sigma(z))[::-1] + jnp.sign(x) * jnp.floor(3 * x) + jax.lax.rsqrt(2 + y),
        jnp.concatenate([W.max(0), W.min(0), W.prod(0)]).reshape(3, 5).T,
        jnp.einsum("ij,kj->ik", W, W) + jnp.einsum("ij,ij->j", W, W).sum(),
        jnp.pad(jnp.clip(x, -1, 1), 2)[W[0].astype(int)].astype(bool),
        jnp.log(jnp.exp2(z)) + jnp.isfinite(x) + jax.lax.stop_gradient(x) ** 1.5 * 0,
    )


def test_decimals_agree_with_floats():
    rng = np.random.default_rng(0)
    args = np.abs(rng.standard_normal(5)), rng.standard_normal((3, 5)), np.array([2, 0])
    with np.errstate(all="ignore"):
        floats = evaluate(trace(everything, args), args)
    for one, other in zip(decimal(everything, *args), floats, strict=True):
        np.testing.assert_allclose(one.astype(float), other.value.astype(float), rtol=1e-13)


def test_a_decimal_far_out_is_at_the_end_of_its_function():
    """Where e²ˣ has no decimal, either."""
    far = np.array([-np.inf, -1e7, 1e7, np.inf])
    for fn, ends in ((jnp.tanh, (-1, -1, 1, 1)), (sigma, (0, 0, 1, 1))):
        (found,) = decimal(fn, far)
        assert tuple(found) == ends


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (lambda x: jnp.log(x * x), lambda x: 2 * jnp.log(x), True),
        (lambda x: sigma(x) - 1, lambda x: -sigma(-x), True),
        (lambda x: jnp.tanh(x), lambda x: 2 * sigma(2 * x) - 1, True),
        (lambda x: x, lambda x: x + 1e-30, False),
        (lambda x: x, lambda x: x / x - 1 + x, True),
        (lambda x: x, lambda x: jnp.log(-x), False),
    ],
)
def test_forty_digits_tell_whether_functions_are_the_same(one, other, equal):
    x = np.array([0.3, 1.7])
    (first,), (second,) = decimal(one, x), decimal(other, x)
    with fifty_digits():
        assert same(first, second) == equal
