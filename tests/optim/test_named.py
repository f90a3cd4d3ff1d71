"""Optimizers by name, by factory, or finished."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from strategies import DIM, VOCAB, normal

from jw2v.blocks.tables import RowGrads, Tables
from jw2v.errors import UsageError
from jw2v.optim.named import NAMED, by_name, table_optimizer, transformation
from jw2v.optim.rows import apply_updates

SCHEDULE = optax.constant_schedule(0.25)


def after_one_step(optimizer: object) -> Tables:
    tables = Tables(*(normal(i, VOCAB, DIM, dtype="float32") for i in (1, 2)))
    grads = RowGrads(jnp.array([4, 7, 4]), normal(3, 3, DIM, dtype="float32"))
    tx = table_optimizer(Tables(optimizer, optimizer), Tables(SCHEDULE, SCHEDULE), tables)
    return apply_updates(tables, tx.update(Tables(grads, grads), tx.init(tables), tables)[0])


def assert_equal(a: Tables, b: Tables) -> None:
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6)


@pytest.mark.parametrize("name", NAMED)
def test_every_name_is_an_optimizer_with_a_learning_rate(name: str):
    assert by_name(name) is NAMED[name]
    assert 0 < by_name(name).lr < 1
    tables = after_one_step(name)
    start = normal(1, VOCAB, DIM, dtype="float32")
    assert bool(jnp.all(jnp.isfinite(tables.V)))
    assert bool(jnp.any(tables.V[4] != start[4]))


def test_name_factory_and_finished_transformation_are_one():
    expected = after_one_step("adam")
    assert_equal(after_one_step(optax.adam), expected)
    assert_equal(after_one_step(optax.adam(SCHEDULE)), expected)
    assert_equal(after_one_step(optax.sgd(SCHEDULE)), after_one_step(optax.sgd))


def test_a_finished_transformation_brings_its_own_learning_rate():
    finished = after_one_step(optax.sgd(0.5))
    start = normal(1, VOCAB, DIM, dtype="float32")
    from_schedule = after_one_step("sgd")
    np.testing.assert_allclose(
        finished.V[7] - start[7], 2 * (from_schedule.V[7] - start[7]), rtol=1e-5
    )


def test_a_chain_is_an_optimizer():
    chain = optax.chain(optax.clip(1e-3), optax.scale(-1.0))
    moved = after_one_step(chain).V - normal(1, VOCAB, DIM, dtype="float32")
    assert float(jnp.max(jnp.abs(moved))) <= 1.001e-3


@pytest.mark.parametrize(
    ("name", "nearest"), [("adm", "adam"), ("ada_grad", "adagrad"), ("SGD ", None)]
)
def test_an_unknown_name_is_told_the_nearest_and_all(name: str, nearest: str | None):
    with pytest.raises(UsageError) as caught:
        transformation(name, SCHEDULE)
    hint = f", did you mean '{nearest}'?" if nearest else ";"
    known = ", ".join(NAMED)
    assert str(caught.value) == f"unknown optimizer '{name}'{hint} known: {known}"
    with pytest.raises(UsageError):
        by_name(name)


@pytest.mark.parametrize(
    ("optimizer", "kind"), [(3, "int"), (None, "NoneType"), (lambda schedule: 3, "function")]
)
def test_what_is_no_transformation_is_refused(optimizer: object, kind: str):
    with pytest.raises(UsageError) as caught:
        transformation(optimizer, SCHEDULE)
    assert str(caught.value) == (
        f"optimizer is {kind}, not a name, an optax transformation or a factory of one; "
        "give optimizer=optax.adam, for example"
    )
