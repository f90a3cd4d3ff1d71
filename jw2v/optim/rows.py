"""From an optax transformation to an update of tables whose gradients come as (ids, rows).

`dense` serves any transformation: it scatter-adds the rows to whole-table gradients and applies
the update to every row, at O(vocab · dim) a step. `touched` serves a transformation that is
linear and keeps no state of a table's shape, such as `optax.sgd` without momentum: then

    update(Σ rows) = Σ update(rows)

and the updates of the rows are scattered, at the cost of the rows alone.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jw2v.blocks.tables import RowGrads, Tables, whole_table

Grads = tuple[RowGrads | Float[Array, "vocab dim"], RowGrads | Float[Array, "vocab dim"]]


class TableOptimizer(NamedTuple):
    """A pure `init` and `update` over `Tables`; gradients come in rows or whole, (V's, U's)."""

    init: Callable[[Tables], Any]
    update: Callable[[Grads, Any, Tables], tuple[Tables, Any]]


def dense(tx: optax.GradientTransformation) -> TableOptimizer:
    """Apply any optax transformation to the whole tables.

    >>> tables = Tables(jnp.ones((3, 2)), jnp.ones((3, 2)))
    >>> optimizer = dense(optax.sgd(0.5))
    >>> grads = RowGrads(jnp.array([1, 1]), jnp.ones((2, 2))), jnp.zeros((3, 2))
    >>> tables, _ = optimizer.update(grads, optimizer.init(tables), tables)
    >>> print(tables.V[:, 0])
    [1. 0. 1.]
    """

    def update(grads: Grads, state: Any, tables: Tables) -> tuple[Tables, Any]:
        whole = Tables(*(whole_table(g, table) for g, table in zip(grads, tables, strict=True)))
        updates, state = tx.update(whole, state, tables)
        return cast(Tables, optax.apply_updates(tables, updates)), state

    return TableOptimizer(tx.init, update)


def touched(tx: optax.GradientTransformation) -> TableOptimizer:
    """Apply a linear, stateless transformation to the touched rows only.

    Raises:
      ValueError: at `init`, where the transformation keeps a state of a table's shape.

    >>> tables = Tables(jnp.ones((3, 2)), jnp.ones((3, 2)))
    >>> optimizer = touched(optax.sgd(0.5))
    >>> grads = RowGrads(jnp.array([1, 1]), jnp.ones((2, 2))), jnp.zeros((3, 2))
    >>> tables, _ = optimizer.update(grads, optimizer.init(tables), tables)
    >>> print(tables.V[:, 0])
    [1. 0. 1.]
    >>> touched(optax.adam(0.5)).init(tables)
    Traceback (most recent call last):
    ...
    ValueError: the transformation keeps a state for each row; apply it to whole tables (dense)
    """

    def init(tables: Tables) -> Any:
        state = tx.init(tables)
        if any(jnp.ndim(leaf) for leaf in jax.tree.leaves(state)):
            raise ValueError(
                "the transformation keeps a state for each row; apply it to whole tables (dense)"
            )
        return state

    def update(grads: Grads, state: Any, tables: Tables) -> tuple[Tables, Any]:
        rows = [g.rows if isinstance(g, RowGrads) else g for g in grads]
        updates, state = tx.update(rows, state)
        # Without the barrier XLA fuses the update into the scatter and copies the table each step.
        updates = jax.lax.optimization_barrier(updates)
        return Tables(*map(_add, tables, grads, updates)), state

    return TableOptimizer(init, update)


def _add(table: Array, grads: RowGrads | Array, update: Array) -> Array:
    if isinstance(grads, RowGrads):
        return table.at[grads.ids].add(update)
    return table + update
