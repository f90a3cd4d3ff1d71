"""Any optax transformation on tables whose gradients come as (ids, rows).

All three are optax transformations themselves; a leaf of the gradients may be `RowGrads` where the
parameter is a table, and `apply_updates` adds what they return, rows or whole, to the parameters.

    dense     scatter-adds the rows to whole-table gradients and updates every row, at
              O(vocab · dim) a step
    rowwise   updates the rows that are named, each once, with their rows of the optimizer's state
              (`jw2v.optim.by_rows`)
    linear    for what is linear and keeps no state of rows, as plain SGD: update(Σ rows) =
              Σ update(rows), so that repeated ids need not be added up first
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array
from optax.contrib import ScheduleFreeState, schedule_free_eval_params

from jw2v.blocks.tables import RowGrads, whole_table
from jw2v.optim.row_values import RowwiseError


def dense(tx: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    """Apply a transformation to the whole tables.

    >>> table = jnp.ones((3, 2))
    >>> tx = dense(optax.sgd(0.5))
    >>> grads = RowGrads(jnp.array([1, 1]), jnp.ones((2, 2)))
    >>> updates, _ = tx.update(grads, tx.init(table), table)
    >>> print(apply_updates(table, updates)[:, 0])
    [1. 0. 1.]
    """
    inner = optax.with_extra_args_support(tx)

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        leaves, tree = leaves_of(updates, params)
        whole = tree.unflatten(whole_table(g, param) for g, param in leaves)
        return inner.update(whole, state, params, **extra)

    return optax.GradientTransformationExtraArgs(inner.init, update)


def linear(tx: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    """Apply a linear transformation without a state of rows to rows as they come.

    Linear is what it has to be: nothing checks it.

    Raises:
      RowwiseError: at `init`, where the transformation keeps a state of a table's shape.

    >>> table = jnp.ones((3, 2))
    >>> tx = linear(optax.sgd(0.5))
    >>> grads = RowGrads(jnp.array([1, 1]), jnp.ones((2, 2)))
    >>> updates, _ = tx.update(grads, tx.init(table), table)
    >>> print(apply_updates(table, updates)[:, 0])
    [1. 0. 1.]
    """
    inner = optax.with_extra_args_support(tx)

    def init(params: Any) -> Any:
        state = inner.init(params)
        if any(jnp.ndim(leaf) for leaf in jax.tree.leaves(state)):
            raise RowwiseError("it keeps a state for each row; use rowwise")
        return state

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        leaves, tree = leaves_of(updates, params)
        rows = [g.rows if isinstance(g, RowGrads) else g for g, _ in leaves]
        made, state = inner.update(tree.unflatten(rows), state, **extra)
        made = zip(leaves, tree.flatten_up_to(made), strict=True)
        return tree.unflatten(like(g, u) for (g, _), u in made), state

    return optax.GradientTransformationExtraArgs(init, update)


def apply_updates(params: Any, updates: Any) -> Any:
    """Add updates, in rows or whole, to parameters.

    Args:
      params: a tree of arrays.
      updates: the same tree, of arrays or of `RowGrads`, as a transformation here returns them.

    >>> apply_updates(jnp.zeros((3, 1)), RowGrads(jnp.array([2]), jnp.ones((1, 1))))[:, 0]
    Array([0., 0., 1.], dtype=float32)
    """
    leaves, tree = leaves_of(updates, params)
    # Without the barrier XLA fuses an update into its scatter: on a processor it then copies the
    # table each step, on a GPU it saves a sixth of the step.
    updates = jax.lax.platform_dependent(
        [update for update, _ in leaves],
        cuda=lambda rows: rows,
        rocm=lambda rows: rows,
        default=jax.lax.optimization_barrier,
    )
    return tree.unflatten(_added(param, u) for (_, param), u in zip(leaves, updates, strict=True))


def result(params: Any, state: Any) -> Any:
    """What training has found: the parameters; of a schedule-free optimizer their average.

    Args:
      params: the parameters.
      state: the optimizer's, in whatever it is wrapped.

    >>> params = jnp.ones(2)
    >>> bool((result(params, optax.adam(0.1).init(params)) == params).all())
    True
    """
    found = [x for x in jax.tree.leaves(state, is_leaf=averages) if averages(x)]
    return schedule_free_eval_params(found[0], params) if found else params


def averages(state: Any) -> bool:
    """Whether a state is that of an optimizer whose result is an average."""
    return isinstance(state, ScheduleFreeState)


def leaves_of(grads: Any, params: Any) -> tuple[list[tuple[Any, Any]], Any]:
    """Pairs of a gradient, in rows or whole, and its parameter; and the parameters' tree."""
    if params is None:
        raise RowwiseError(
            "gradients in rows need the parameters; give update(grads, state, params)"
        )
    leaves, tree = jax.tree.flatten(params)
    try:
        given = map(_wide, tree.flatten_up_to(grads))
        return list(zip(given, map(jnp.asarray, leaves), strict=True)), tree
    except ValueError:
        raise RowwiseError("gradients and parameters are not trees of one form") from None


def like(grads: RowGrads | Array, update: Array) -> RowGrads | Array:
    """An update of the rows that the gradient names, or of all."""
    return RowGrads(grads.ids, update) if isinstance(grads, RowGrads) else update


def _wide(grads: Any) -> RowGrads | Array:
    """As arrays of JAX, with ids that can tell how many rows a table has, as narrow ones cannot."""
    grads = jax.tree.map(jnp.asarray, grads)
    if isinstance(grads, RowGrads) and grads.ids.dtype.itemsize < 4:
        return grads._replace(ids=grads.ids.astype(jnp.int32))
    return grads


def _added(param: Array, update: RowGrads | Array) -> Array:
    if isinstance(update, RowGrads):
        return param.at[update.ids].add(update.rows.astype(param.dtype), mode="drop")
    return jnp.asarray(param + update, param.dtype)
