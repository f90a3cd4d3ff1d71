"""Edits are well typed, reach every line, run on XLA as in NumPy, and undo mistakes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxpr_as_fun

from jw2v.judge.arithmetic.bounds import evaluate, trace
from jw2v.judge.mutation.edits import edits, inlined, repairs, two_edits
from jw2v.judge.mutation.replay import Replay

pytestmark = pytest.mark.usefixtures("untyped")
sigma = jax.nn.sigmoid
RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


V, U, W = normal(5), normal(7, 5), normal(5, 5)
ID, IDS = np.array(3), np.array([2, 0, 2])


def softmax_gradient(v, o, U):
    err = jax.nn.softmax(U @ v).at[o].add(-1.0)
    return err @ U, jnp.outer(err, v)


def sampled(v, U, ids):
    err = sigma(U[ids] @ v)
    return err @ U[ids], jnp.zeros_like(U).at[ids].add(jnp.outer(err, v))


def assorted(v, W):
    """Operations that the others lack."""
    w = jnp.where(W > 0, jnp.sqrt(jnp.abs(W)), jnp.tanh(W)).T
    y = jnp.clip(jnp.concatenate([v, v[1:3]]), -1, 1)
    total = jnp.mean(w * jnp.exp(-w), axis=0) + jnp.cumsum(v) / jnp.maximum(v, 0.3)
    return total**3, w.reshape(25)[3:10] - y, jnp.log1p(jnp.sum(v**2)), w @ W


def looped(v, W):
    return jax.lax.fori_loop(0, 3, lambda i, x: jnp.tanh(W @ x) + v[i], v)


def branched(v, o):
    return jax.lax.cond(o > 2, lambda x: 2 * x, lambda x: -x, v)


FUNCTIONS = [
    (softmax_gradient, (V, ID, U)),
    (sampled, (V, U, IDS)),
    (assorted, (V, W)),
    (looped, (V, W)),
    (branched, (V, ID)),
]


def some(several, count):
    """A few of many, spread over all."""
    several = list(several)
    return several[:: -(-len(several) // count)]


def values(jaxpr, args):
    return [out.value for out in evaluate(jaxpr, args)]


@pytest.mark.parametrize(("fn", "args"), FUNCTIONS, ids=lambda x: getattr(x, "__name__", ""))
def test_edits_keep_the_type_and_run_on_xla_as_in_numpy(fn, args, x64):
    jaxpr, count = trace(fn, args), 4 if fn is looped else 20
    for edit in some(edits(jaxpr), count):
        assert [a.strip_weak_type() for a in edit.jaxpr.out_avals] == [
            a.strip_weak_type() for a in jaxpr.out_avals
        ], edit
        assert edit.jaxpr.in_avals == jaxpr.in_avals
        run = jaxpr_as_fun(edit.jaxpr)(*args)
        for bounded, out in zip(evaluate(edit.jaxpr, args), run, strict=True):
            known = np.isfinite(bounded.error)
            apart = np.abs(bounded.value[known] - np.asarray(out)[known])
            assert (apart <= bounded.error[known]).all(), edit


@pytest.mark.parametrize(("fn", "args"), FUNCTIONS, ids=lambda x: getattr(x, "__name__", ""))
def test_most_edits_change_the_function(fn, args):
    jaxpr = trace(fn, args)
    original = values(jaxpr, args)
    same = [
        all(map(np.array_equal, values(edit.jaxpr, args), original))
        for edit in some(edits(jaxpr), 50)
    ]
    assert len(same) > 10
    assert np.mean(same) < 0.5


@pytest.mark.parametrize(("fn", "args"), FUNCTIONS, ids=lambda x: getattr(x, "__name__", ""))
def test_a_replay_gives_what_the_whole_gives(fn, args):
    replay = Replay(trace(fn, args), [args])
    for edit in [*some(edits(replay.closed), 20), *two_edits(replay.closed, count=5)]:
        (outputs,) = replay.outputs(edit.jaxpr)
        for part, whole in zip(outputs, evaluate(edit.jaxpr, args), strict=True):
            np.testing.assert_array_equal(part.value, whole.value)
            np.testing.assert_array_equal(part.error, whole.error)


def test_inlining_keeps_the_function_and_leaves_no_call():
    jaxpr = trace(lambda x: jax.jit(lambda y: jax.nn.log_sigmoid(y) * 2)(x) + jax.nn.relu(x), (V,))
    inner = inlined(jaxpr)
    assert {"jit", "pjit", "custom_jvp_call"}.isdisjoint(e.primitive.name for e in inner.eqns)
    np.testing.assert_array_equal(values(inner, (V,))[0], values(jaxpr, (V,))[0])


def test_an_inner_function_that_is_called_twice_is_edited_once_at_a_time():
    @jax.jit
    def inner(x):
        return jnp.sin(x)

    jaxpr = trace(lambda x: inner(x) + 10 * inner(x), (1.0,))
    changed = [values(e.jaxpr, (1.0,))[0] for e in edits(jaxpr) if e.what == "sin -> cos"]
    np.testing.assert_allclose(
        changed, [np.cos(1) + 10 * np.sin(1), np.sin(1) + 10 * np.cos(1)], rtol=1e-15
    )


def test_what_nobody_reads_is_not_edited():
    jaxpr = trace(lambda x: (jnp.sin(x), jnp.exp(x))[0], (1.0,))
    assert {edit.operation for edit in edits(jaxpr)} == {"sin", "output"}


def test_an_edit_names_the_line():
    lines = {edit.what: edit.line for edit in edits(trace(softmax_gradient, (V, ID, U)))}
    first = softmax_gradient.__code__.co_firstlineno
    assert lines["exp -> identity"] == f"{__file__}:{first + 1}"
    assert lines["scatter-add -> scatter"] == f"{__file__}:{first + 1}"


def test_edits_of_some_outputs_leave_the_others():
    jaxpr = trace(lambda x, y: (jnp.sin(x), jnp.cos(y)), (1.0, 2.0))
    for edit in edits(jaxpr, outputs=[1]):
        assert values(edit.jaxpr, (1.0, 2.0))[0] == np.sin(1.0)


def what(fn, *args):
    return {edit.what for edit in edits(trace(fn, args))}


@pytest.mark.parametrize(
    ("fn", "args", "expected"),
    [
        (lambda x: -x, (V,), {"neg -> identity"}),
        (lambda x: x + 2 * x, (V,), {"add -> sub", "drop operand 1 of add", "neg", "2.0 -> 4"}),
        (lambda x, y: x - y, (V, V), {"sub -> add", "swap operands of sub"}),
        (lambda x: sigma(x), (V,), {"1 - y", "y - 1", "sigma(-x)", "logistic -> tanh"}),
        (lambda x: x @ W, (W,), {"swap operands of dot_general", "transpose", "x2", "x1/2"}),
        (lambda x: W @ x, (V,), {"transpose of operand 1 of dot_general"}),
        (lambda x, i: x.at[i].add(1.0), (V, IDS), {"scatter-add -> scatter", "0 -> 1"}),
        (lambda x, i: x.at[i].set(1.0), (V, IDS), {"scatter -> scatter-add"}),
        (lambda x: x.sum(0), (U,), {"sum -> mean", "sum -> max", "first along axis 0"}),
        (lambda x: x.max(0), (U,), {"max -> sum"}),
        (lambda x: x.mean(0), (U,), {"drop operand 2 of div"}),
        (lambda x, i, j: x[i] + x[j], (V, ID, ID), {"other id for operand 1"}),
        (lambda x, y: jnp.exp(x) + y, (V, V), {"exp -> identity", "other variable for operand 1"}),
        (lambda x: jnp.tanh(x), (V,), {"tanh -> sigmoid"}),
        (lambda x, y: (2 * x, y), (V, V), {"swap outputs 1 and 2", "zero of output 1"}),
        (lambda x: x.T.reshape(35), (U,), {"transpose -> reshape", "transpose before reshape"}),
        (lambda x: jnp.where(x > 0, x, 1.0), (V,), {"always case 0", "gt -> ge"}),
    ],
)
def test_the_edits_of_an_operation(fn, args, expected):
    assert expected <= what(fn, *args)


def test_a_constant_that_does_nothing_is_not_dropped():
    assert "drop operand 2 of mul" not in what(lambda x: x * 1.0, V)
    assert "drop operand 2 of add" not in what(lambda x: x + 0.0, V)
    assert "drop operand 2 of max" not in what(lambda x: jnp.maximum(x, -jnp.inf), V)
    assert "drop operand 2 of min" not in what(lambda x: jnp.minimum(x, jnp.inf), V)


def test_a_complement_is_what_it_is_called():
    x = np.log(3.0)  # of which sigma is 3/4
    made = {e.what: values(e.jaxpr, (x,))[0] for e in edits(trace(sigma, (1.0,)))}
    found = [made[name] for name in ("1 - y", "y - 1", "sigma(-x)")]
    np.testing.assert_allclose(found, [0.25, -0.25, 0.25], rtol=1e-14)


def test_no_edit_is_made_twice_the_same():
    for fn, args in FUNCTIONS:
        made = [(e.what, e.index, str(e.jaxpr)) for e in edits(trace(fn, args))]
        assert len(made) == len(set(made))


def test_two_edits_are_drawn_by_seed():
    jaxpr = trace(softmax_gradient, (V, ID, U))
    drawn = [[str(e) for e in two_edits(jaxpr, count=20, seed=seed)] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(" and " in edit for edit in drawn[0])


POINTS = [(normal(5), normal(7, 5), ids) for ids in (IDS, np.array([1, 1, 4]))]


def repaired(wrong, **options):
    replay = Replay(trace(wrong, POINTS[0]), POINTS)
    true = [values(trace(sampled, point), point) for point in POINTS]

    def truth_at(jaxpr):
        return all(
            np.allclose(claimed.value, wanted, rtol=1e-12, atol=0)
            for outputs, wants in zip(replay.outputs(jaxpr), true, strict=True)
            for claimed, wanted in zip(outputs, wants, strict=True)
        )

    return [str(edit) for edit in repairs(replay.closed, truth_at, seconds=60.0, **options)]


def overwritten(v, U, ids):
    err = sigma(U[ids] @ v)
    return err @ U[ids], jnp.zeros_like(U).at[ids].set(jnp.outer(err, v))


def complemented(v, U, ids):
    err = 1 - sigma(U[ids] @ v)
    return err @ U[ids], jnp.zeros_like(U).at[ids].add(jnp.outer(err, v))


def averaged(v, U, ids):
    err = sigma(U[ids] @ v)
    return jnp.mean(err[:, None] * U[ids], axis=0), sampled(v, U, ids)[1]


def negated(v, U, ids):
    err = sigma(U[ids] @ v)
    return -(err @ U[ids]), sampled(v, U, ids)[1]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (overwritten, "scatter -> scatter-add"),
        (complemented, "sigma(-x)"),
        (averaged, "drop operand 2 of div"),
        (negated, "neg -> identity"),
    ],
)
def test_one_edit_repairs_a_slip(wrong, expected):
    found = repaired(wrong)
    assert any(edit.startswith(expected) for edit in found), found


def twice_wrong(v, U, ids):
    err = sigma(-(U[ids] @ v))
    return err @ U[ids], jnp.zeros_like(U).at[ids].set(jnp.outer(err, v))


@pytest.mark.parametrize(("size", "count"), [((2, 2), 1), ((2, 3), 0), ((1, 1), 0)])
def test_axes_of_one_size_are_exchanged(size, count):
    several = edits(trace(lambda A: A * A, (np.ones(size),)))
    assert sum(edit.kind == "transpose" for edit in several) == count


def test_two_edits_repair_two_slips():
    (found,) = repaired(twice_wrong)
    assert "scatter -> scatter-add" in found
    assert " and " in found
    assert repaired(twice_wrong, depth=1) == []


def test_the_search_ends_when_time_is_up_or_nothing_repairs():
    jaxpr = trace(twice_wrong, POINTS[0])
    assert repairs(jaxpr, lambda _: True, seconds=0.0) == []
    assert repairs(trace(jnp.sin, (1.0,)), lambda _: False) == []
