"""What is not finite moves nothing, is counted, and leaves what is finite as it was."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jw2v.blocks.tables import RowGrads, Tables
from jw2v.optim.finite import count_skipped, skip_not_finite
from jw2v.optim.rows import apply_updates, linear

TABLES = Tables(jnp.zeros((3, 2)), jnp.zeros((3, 2)))


def grads(value: float) -> Tables:
    rows = jnp.ones((2, 2)).at[1, 0].set(value)
    return Tables(RowGrads(jnp.array([0, 2]), rows), jnp.ones((3, 2)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_number_stops_the_whole_block(value):
    tx = optax.chain(skip_not_finite(), linear(optax.sgd(1.0)))
    state, tables = tx.init(TABLES), TABLES
    updates: Any
    for number, found in enumerate((2.0, value, 3.0)):
        updates, state = jax.jit(tx.update)(grads(found), state, tables)
        tables = apply_updates(tables, updates)
        assert count_skipped(state) == int(number > 0)
    np.testing.assert_array_equal(tables.V, [[-2, -2], [0, 0], [-5, -2]])
    np.testing.assert_array_equal(tables.U, np.full((3, 2), -2))


def test_what_is_finite_is_handed_on():
    updates: Any = skip_not_finite().update(grads(1e38), skip_not_finite().init(TABLES))[0]
    np.testing.assert_array_equal(updates.V.rows, grads(1e38).V.rows)
    np.testing.assert_array_equal(updates.U, grads(1e38).U)
