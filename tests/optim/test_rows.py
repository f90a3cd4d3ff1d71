"""Updates from rows beside plain optax on whole tables."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from comparisons import assert_same
from hypothesis import given
from hypothesis import strategies as st
from optax.contrib import schedule_free
from strategies import DIM, VOCAB, few, ids, normal, seeds

from jw2v.blocks.tables import RowGrads, Tables, whole_table
from jw2v.optim import RowwiseError, apply_updates, dense, linear, rowwise, why_not_rowwise
from jw2v.optim.by_rows import once_by_sort, once_by_table
from jw2v.optim.rows import result
from jw2v.training.compiled import table_copies

pytestmark = pytest.mark.usefixtures("x64")

STEPS = 3
Lift = Callable[[optax.GradientTransformation], optax.GradientTransformation]


def tables() -> Tables:
    return Tables(normal(1, VOCAB, DIM), normal(2, VOCAB, DIM))


def row_grads(seed: int, *, whole_U: bool = False) -> Tables:
    """Rows with repeated ids; nine rows among eleven words."""
    d_V = RowGrads(ids(seed, 9), normal(seed + 1, 9, DIM))
    d_U = RowGrads(ids(seed + 2, 13), normal(seed + 3, 13, DIM))
    return Tables(d_V, whole_table(d_U, tables().U) if whole_U else d_U)


def stepped(tx: optax.GradientTransformation, grads: Tables, state: Any, at: Tables) -> Any:
    updates, state = tx.update(grads, state, at)
    return apply_updates(at, updates), state


def steps(tx: optax.GradientTransformation, seed: int = 0, *, whole_U: bool = False) -> Tables:
    at, state = tables(), tx.init(tables())
    for i in range(STEPS):
        at, state = stepped(tx, row_grads(seed + 10 * i, whole_U=whole_U), state, at)
    return at


def plain_steps(tx: optax.GradientTransformation, seed: int = 0) -> Tables:
    """Optax as its documentation uses it, on gradients added up in a Python loop."""
    at: Any = tables()
    state = tx.init(at)
    for i in range(STEPS):
        grads = [np.zeros((VOCAB, DIM)) for _ in at]
        for whole, rows in zip(grads, row_grads(seed + 10 * i), strict=True):
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
def test_sgd_and_adagrad_by_rows_are_those_on_whole_tables(seed: int, whole_U: bool):
    for tx, lifts in ((optax.sgd(0.05), (linear, rowwise)), (optax.adagrad(0.05), (rowwise,))):
        whole = steps(dense(tx), seed, whole_U=whole_U)
        for lift in lifts:
            assert_same(steps(lift(tx), seed, whole_U=whole_U), whole, atol=ATOL)


@pytest.mark.parametrize("make", [optax.sgd, optax.adagrad])
def test_float32_rows_are_those_of_whole_tables_bit_for_bit(make: Any):
    """Both add up a word's rows in the order of the block, then make the same operations.

    Not jitted: XLA contracts a product and a sum in one of them and not in the other.
    """

    def trained(lift: Lift) -> Tables:
        tx = lift(make(0.05))
        at = jax.tree.map(lambda x: x.astype("float32"), tables())
        state = tx.init(at)
        for i in range(STEPS):
            grads = Tables(*(RowGrads(g.ids, g.rows.astype("float32")) for g in row_grads(10 * i)))
            at, state = stepped(tx, grads, state, at)
        return at

    for rows, whole in zip(trained(rowwise), trained(dense), strict=True):
        np.testing.assert_array_equal(rows, whole)


@pytest.mark.parametrize("lift", [linear, rowwise])
def test_a_schedule_is_followed(lift: Lift):
    tx = optax.sgd(optax.linear_schedule(0.5, 0.1, STEPS))
    assert_same(steps(lift(tx)), steps(dense(tx)), atol=ATOL)


@pytest.mark.parametrize("lift", [linear, rowwise])
def test_other_rows_stay_as_they_are(lift: Lift):
    tx = lift(optax.sgd(0.05))
    grads = RowGrads(jnp.array([4, 4, 7]), normal(3, 3, DIM))
    after, _ = stepped(tx, Tables(grads, grads), tx.init(tables()), tables())
    for table, old in zip(after, tables(), strict=True):
        untouched = np.delete(np.arange(VOCAB), [4, 7])
        np.testing.assert_array_equal(table[untouched], old[untouched])
        assert bool(jnp.all(table[jnp.array([4, 7])] != old[jnp.array([4, 7])]))


def test_a_row_at_rest_keeps_its_memory():
    """It waits, where on whole tables momentum would still move it and fade."""
    tx = rowwise(optax.sgd(0.1, momentum=0.9))
    table, state = jnp.zeros((4, 1)), tx.init(jnp.zeros((4, 1)))
    for word in (2, 1, 1, 2):
        updates, state = tx.update(RowGrads(jnp.array([word]), jnp.ones((1, 1))), state, table)
        table = apply_updates(table, updates)
    np.testing.assert_allclose(table[:, 0], [0, -0.29, -0.29, 0])


@pytest.mark.parametrize(
    "tx",
    [
        pytest.param(optax.sgd(0.1, momentum=0.9), id="momentum"),
        pytest.param(optax.adagrad(0.1), id="adagrad"),
        pytest.param(optax.adam(0.1), id="adam"),
    ],
)
def test_linear_refuses_a_state_for_each_row(tx: optax.GradientTransformation):
    with pytest.raises(RowwiseError, match="keeps a state for each row; use rowwise"):
        linear(tx).init(tables())


@pytest.mark.parametrize("lift", [linear, dense, rowwise])
def test_an_update_is_pure(lift: Lift):
    tx = lift(optax.sgd(0.05))
    state = tx.init(tables())
    first = stepped(tx, row_grads(0), state, tables())
    jitted = jax.jit(stepped, static_argnums=0)(tx, row_grads(0), state, tables())
    assert_same(first[0], jitted[0], atol=ATOL)


def test_optax_wraps_what_is_lifted():
    """Within chain, multi_transform and apply_if_finite, each of which sees gradients in rows."""
    for tx in (
        optax.chain(rowwise(optax.clip(0.1)), rowwise(optax.adam(0.1))),
        optax.multi_transform({"a": rowwise(optax.adam(0.1)), "b": linear(optax.sgd(0.1))}, LABELS),
        optax.apply_if_finite(rowwise(optax.adam(0.1)), 1),
    ):
        inner = optax.chain(optax.clip(0.1), optax.adam(0.1))
        assert why_not_rowwise(inner, tables()) is None
        after = steps(tx)
        assert not np.array_equal(after.V, tables().V)
        assert np.isfinite(after.U).all()
    by_table = steps(
        rowwise(optax.multi_transform({"a": optax.adam(0.1), "b": optax.sgd(0.1)}, LABELS))
    )
    lifted: Any = {"a": rowwise(optax.adam(0.1)), "b": linear(optax.sgd(0.1))}
    assert_same(steps(optax.multi_transform(lifted, LABELS)), by_table, atol=ATOL)


LABELS = Tables("a", "b")


def test_gradients_that_are_not_finite_change_nothing():
    tx = rowwise(optax.apply_if_finite(optax.adam(0.1), 5))
    grads = row_grads(0)
    bad = grads._replace(V=RowGrads(grads.V.ids, grads.V.rows.at[3, 0].set(jnp.nan)))
    after, _ = stepped(tx, bad, tx.init(tables()), tables())
    assert_same(after, tables())


def test_what_is_missing_is_said():
    tx = rowwise(optax.adam(0.1))
    state = tx.init(tables())
    with pytest.raises(RowwiseError, match="need the parameters"):
        tx.update(row_grads(0), state)
    with pytest.raises(RowwiseError, match="not trees of one form"):
        tx.update((row_grads(0).V,), state, tables())


def test_why_not_rowwise_is_what_an_update_says():
    tx = optax.lamb(0.1)
    with pytest.raises(RowwiseError) as caught:
        rowwise(tx).update(row_grads(0), tx.init(tables()), tables())
    assert why_not_rowwise(tx, tables()) == caught.value.args[0]


@pytest.mark.parametrize("make", [optax.sgd, optax.adagrad, optax.adam, optax.adamw])
def test_no_step_of_a_loop_copies_a_table(make: Any):
    tx = rowwise(make(0.1))
    shape = (5000, 8)
    table = jax.ShapeDtypeStruct(shape, jnp.float32)
    grads = RowGrads(jnp.zeros((6, 40), "int32"), jnp.zeros((6, 40, 8), "float32"))

    def train(table: Any, state: Any, grads: Any) -> Any:
        def step(carry: Any, g: RowGrads) -> Any:
            updates, state = tx.update(g, carry[1], carry[0])
            return (apply_updates(carry[0], updates), state), None

        return jax.lax.scan(step, (table, state), grads)[0]

    state = jax.eval_shape(tx.init, table)
    program = jax.jit(train, donate_argnums=(0, 1)).lower(table, state, grads).compile()
    assert table_copies(program.as_text() or "", shape) == []
    memory = program.memory_analysis()
    assert memory is not None
    assert memory.temp_size_in_bytes < 5000 * 8 * 4


def test_the_result_of_a_schedule_free_optimizer_is_the_mean_of_its_steps():
    """With one learning rate x is the mean of z, that of plain SGD at the points y."""
    lr, tx = 0.1, optax.chain(optax.identity(), dense(schedule_free(optax.sgd(0.1), 0.1)))
    at, state = tables(), tx.init(tables())
    z, found = tables(), []
    for i in range(STEPS):
        grads = row_grads(10 * i)
        z = Tables(*(a - lr * whole_table(g, a) for a, g in zip(z, grads, strict=True)))
        found.append(z)
        at, state = stepped(tx, grads, state, at)
    mean = jax.tree.map(lambda *x: sum(x) / STEPS, *found)
    assert_same(result(at, state), mean, atol=ATOL)
    assert_same(result(at, optax.EmptyState()), at)


@pytest.mark.parametrize("once", [once_by_sort, once_by_table])
@few
@given(seed=seeds, number=st.integers(1, 30))
def test_each_id_has_one_place(once: Any, seed: int, number: int):
    given_ids = ids(seed, number)
    found, at = (np.asarray(x) for x in once(given_ids, size=VOCAB))
    assert found[at].tolist() == given_ids.tolist()
    assert sorted(found[found < VOCAB].tolist()) == sorted(set(given_ids.tolist()))
    assert set(found[found >= VOCAB].tolist()) <= {VOCAB}


@pytest.mark.parametrize("lift", [linear, dense, rowwise])
@pytest.mark.parametrize("dim", [1, 200], ids=["by sort", "by table"])
@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"])
def test_ids_of_any_integer_type_name_their_rows(lift: Lift, dim: int, kind: str):
    """The number of rows, which is none of them, may be 0 in the ids' own type, or not be there."""
    size, tx = {"int16": 40_000, "uint16": 65_536}.get(kind, 256), lift(optax.sgd(1.0))
    table = jnp.zeros((size, dim if size == 256 else 1))
    grads = RowGrads(jnp.array([0, 5, 5, 7], kind), jnp.ones((4, table.shape[1])))
    updates, _ = tx.update(grads, tx.init(table), table)
    found = np.asarray(apply_updates(table, updates))
    assert {int(i): found[i].tolist() for i in np.flatnonzero(found.any(axis=1))} == {
        0: [-1.0] * table.shape[1],
        5: [-2.0] * table.shape[1],
        7: [-1.0] * table.shape[1],
    }


@pytest.mark.parametrize("lift", [linear, dense, rowwise])
@pytest.mark.parametrize("dim", [1, 9], ids=["by sort", "by table"])
def test_negative_ids_count_from_the_end_and_ids_beyond_name_no_row(lift: Lift, dim: int):
    tx, table = lift(optax.sgd(1.0)), jnp.zeros((9, dim))
    given_ids = jnp.array([8, -1, -9, 0, 3, -2, 9, 100, -10, -11])
    grads = RowGrads(given_ids, jnp.ones((len(given_ids), dim)))
    updates, _ = tx.update(grads, tx.init(table), table)
    found = apply_updates(table, updates)
    np.testing.assert_array_equal(found[:, 0], [-2, 0, 0, -1, 0, 0, 0, -1, -2])


@pytest.mark.parametrize("lift", [linear, dense, rowwise])
def test_repeated_rows_add_up_in_the_type_of_the_table(lift: Lift):
    """In their own, 1,000 ones of bfloat16 add up to 256."""
    tx, table = lift(optax.sgd(1.0)), jnp.zeros((3, 2), "float32")
    grads = RowGrads(jnp.full(1000, 2), jnp.ones((1000, 2), jnp.bfloat16))
    updates, _ = tx.update(grads, tx.init(table), table)
    np.testing.assert_array_equal(apply_updates(table, updates)[:, 0], [0, 0, -1000])


@pytest.mark.parametrize("make", [optax.sgd, optax.adam])
def test_tables_of_numpy_are_updated_as_jaxs(make: Any):
    """They, their gradients and, read from a file, their states."""
    for lift in (dense, rowwise, linear) if make is optax.sgd else (dense, rowwise):
        tx = lift(make(0.05))
        given = row_grads(0), tx.init(tables()), tables()
        by_numpy: Any = jax.tree.map(np.asarray, given)
        assert_same(stepped(tx, *by_numpy)[0], stepped(tx, *given)[0])


@pytest.mark.parametrize("many", [2, 200], ids=["by table", "by sort"])
def test_a_table_of_any_length_is_updated_the_same(many: int):
    """Rows that nobody names change nothing; their number decides how the others are found."""
    tall = jax.tree.map(lambda x: jnp.concatenate([x, jnp.ones((many * VOCAB, DIM))]), tables())
    tx = rowwise(optax.adam(0.05))
    updates, _ = tx.update(row_grads(0), tx.init(tall), tall)
    found = jax.tree.map(lambda x: x[:VOCAB], apply_updates(tall, updates))
    assert_same(found, stepped(tx, row_grads(0), tx.init(tables()), tables())[0], atol=ATOL)
