"""Updates from rows beside plain optax on whole tables."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from comparisons import assert_same
from hypothesis import given
from hypothesis import strategies as st
from strategies import DIM, VOCAB, few, ids, normal, seeds

from jw2v.blocks.tables import RowGrads, Tables, whole_table
from jw2v.optim.rows import Grads, TableOptimizer, dense, touched

pytestmark = pytest.mark.usefixtures("x64")

STEPS = 3


def tables() -> Tables:
    return Tables(normal(1, VOCAB, DIM), normal(2, VOCAB, DIM))


def row_grads(seed: int, *, whole_U: bool = False) -> Grads:
    """Rows with repeated ids; nine rows among eleven words."""
    d_V = RowGrads(ids(seed, 9), normal(seed + 1, 9, DIM))
    d_U = RowGrads(ids(seed + 2, 13), normal(seed + 3, 13, DIM))
    return d_V, (whole_table(d_U, tables().U) if whole_U else d_U)


def steps(optimizer: TableOptimizer, seed: int = 0, *, whole_U: bool = False) -> Tables:
    at, state = tables(), optimizer.init(tables())
    for i in range(STEPS):
        at, state = optimizer.update(row_grads(seed + 10 * i, whole_U=whole_U), state, at)
    return at


def plain_steps(tx: optax.GradientTransformation, seed: int = 0) -> Tables:
    """Optax as its documentation uses it, on gradients added up in a Python loop."""
    at: Any = tables()
    state = tx.init(at)
    for i in range(STEPS):
        grads = [np.zeros((VOCAB, DIM)) for _ in at]
        for whole, rows in zip(grads, row_grads(seed + 10 * i), strict=True):
            assert isinstance(rows, RowGrads)
            for word, row in zip(np.asarray(rows.ids), np.asarray(rows.rows), strict=True):
                whole[word] += row
        updates, state = tx.update(Tables(*map(jnp.asarray, grads)), state, at)
        at = optax.apply_updates(at, updates)
    return at


# Three steps of sums of a few rows each: a dozen roundings of what is summed.
ATOL = 64 * 2.0**-53


@pytest.mark.parametrize("whole_U", [False, True], ids=["rows", "whole U"])
@pytest.mark.parametrize(
    "tx",
    [
        pytest.param(optax.sgd(0.05), id="sgd"),
        pytest.param(optax.sgd(optax.linear_schedule(0.5, 0.1, STEPS)), id="sgd with schedule"),
        pytest.param(optax.adagrad(0.05), id="adagrad"),
        pytest.param(optax.adam(0.05), id="adam"),
        pytest.param(optax.adamw(0.05), id="adamw"),
    ],
)
def test_dense_is_plain_optax_on_whole_tables(tx: optax.GradientTransformation, whole_U: bool):
    assert_same(steps(dense(tx), whole_U=whole_U), plain_steps(tx), atol=ATOL)


@few
@given(seed=seeds, whole_U=st.booleans())
def test_touched_sgd_is_dense_sgd(seed: int, whole_U: bool):
    tx = optax.sgd(0.05)
    both = (steps(make(tx), seed, whole_U=whole_U) for make in (touched, dense))
    assert_same(*both, atol=ATOL)


def test_touched_follows_a_schedule():
    tx = optax.sgd(optax.linear_schedule(0.5, 0.1, STEPS))
    assert_same(steps(touched(tx)), steps(dense(tx)), atol=ATOL)


def test_touched_leaves_other_rows_as_they_are():
    optimizer = touched(optax.sgd(0.05))
    grads = RowGrads(jnp.array([4, 4, 7]), normal(3, 3, DIM))
    after, _ = optimizer.update((grads, grads), optimizer.init(tables()), tables())
    for table, old in zip(after, tables(), strict=True):
        untouched = np.delete(np.arange(VOCAB), [4, 7])
        np.testing.assert_array_equal(table[untouched], old[untouched])
        assert bool(jnp.all(table[jnp.array([4, 7])] != old[jnp.array([4, 7])]))


@pytest.mark.parametrize(
    "tx",
    [
        pytest.param(optax.sgd(0.1, momentum=0.9), id="momentum"),
        pytest.param(optax.adagrad(0.1), id="adagrad"),
        pytest.param(optax.adam(0.1), id="adam"),
    ],
)
def test_touched_refuses_a_state_for_each_row(tx: optax.GradientTransformation):
    with pytest.raises(ValueError, match="keeps a state for each row; apply it to whole tables"):
        touched(tx).init(tables())


def test_an_update_is_pure():
    for make in (touched, dense):
        optimizer = make(optax.sgd(0.05))
        state = optimizer.init(tables())
        first = optimizer.update(row_grads(0), state, tables())
        jitted = jax.jit(optimizer.update)(row_grads(0), state, tables())
        assert_same(first[0], jitted[0], atol=ATOL)
