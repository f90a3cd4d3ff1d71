"""Any optax transformation on tables whose gradients come as (ids, rows).

All three are optax transformations themselves; a leaf of the gradients may be `RowGrads` where the
parameter is a table, and `apply_updates` adds what they return, rows or whole, to the parameters.

    dense     scatter-adds the rows to whole-table gradients and updates every row, at
              O(vocab · dim) a step
    rowwise   updates the rows that are named, each once, with their rows of the optimizer's state
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
from jw2v.optim import separable
from jw2v.optim.separable import RowwiseError


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

    def update(grads: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        leaves, tree = _leaves(grads, params)
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

    def update(grads: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        leaves, tree = _leaves(grads, params)
        rows = [g.rows if isinstance(g, RowGrads) else g for g, _ in leaves]
        updates, state = inner.update(tree.unflatten(rows), state, **extra)
        made = zip(leaves, tree.flatten_up_to(updates), strict=True)
        return tree.unflatten(_like(g, u) for (g, _), u in made), state

    return optax.GradientTransformationExtraArgs(init, update)


def rowwise(tx: optax.GradientTransformation) -> optax.GradientTransformationExtraArgs:
    """Apply a transformation to the rows that the gradients name, and to no others.

    Repeated ids are added up; the rows of every state that has a table's rows are gathered, `tx`
    is applied to them as if they were the table, and they are put back. A step costs what its
    rows cost, whatever the size of the table. From the same state the rows come out as they would
    by `tx` on the whole table, with a gradient of zero in all other rows.

    Other rows stay as they are, and so do their states. On whole tables a row without a gradient
    would still move where the optimizer has a memory (momentum, Adam) or a weight decay, and its
    memory would fade: here both wait until the row is named again, as with torch's SparseAdam.
    Step counts, and so bias corrections and schedules, are common to all rows.

    Args:
      tx: what works element by element or row by row, chained, masked, scheduled or wrapped as
        optax allows. Norms of whole gradients and tests whether they are finite are right on
        the rows alone.

    Returns:
      A transformation whose `update(grads, state, params)` needs the parameters. Gradients that
      come whole, not as `RowGrads`, are transformed whole.

    Raises:
      RowwiseError: when an update is traced, where `tx` mixes the rows of a table, depends on
        their number, or acts on all of them every few steps (see `jw2v.optim.separable`).

    >>> table = jnp.ones((3, 2))
    >>> tx = rowwise(optax.adam(0.5))
    >>> grads = RowGrads(jnp.array([1, 1]), jnp.ones((2, 2)))
    >>> updates, state = tx.update(grads, tx.init(table), table)
    >>> print(apply_updates(table, updates)[:, 0].round(3), state[0].mu[:, 0])
    [1.  0.5 1. ] [0.  0.2 0. ]
    """
    inner = optax.with_extra_args_support(tx)

    def update(grads: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        leaves, tree = _leaves(grads, params)
        merged = [_merged(g, param) for g, param in leaves]
        ids = [g.ids if isinstance(g, RowGrads) else None for g in merged]
        of_table = _tables_of_state(inner, tree, leaves)

        def of_rows(x: Array, table: int | None) -> Array:
            at = None if table is None else ids[table]
            return x if at is None else x.at[at].get(mode="clip", indices_are_sorted=True)

        rows = tree.unflatten(g.rows if isinstance(g, RowGrads) else g for g in merged)
        held = tree.unflatten(of_rows(p, i) for i, (_, p) in enumerate(leaves))
        parts, state_tree = jax.tree.flatten(state)
        parts_of_rows = [of_rows(x, table) for x, table in zip(parts, of_table, strict=True)]
        arguments = jax.lax.optimization_barrier((rows, state_tree.unflatten(parts_of_rows), held))
        _refuse_if_mixed(inner, arguments, extra, ids, of_table)
        updates, new = jax.lax.optimization_barrier(inner.update(*arguments, **extra))

        def put_back(x: Array, new: Array, table: int | None) -> Array:
            at = None if table is None else ids[table]
            if at is None:
                return new
            return x.at[at].set(new, mode="drop", indices_are_sorted=True)

        state = state_tree.unflatten(map(put_back, parts, jax.tree.leaves(new), of_table))
        made = zip(merged, tree.flatten_up_to(updates), strict=True)
        return tree.unflatten(_like(g, u) for g, u in made), state

    return optax.GradientTransformationExtraArgs(inner.init, update)


def apply_updates(params: Any, updates: Any) -> Any:
    """Add updates, in rows or whole, to parameters.

    Args:
      params: a tree of arrays.
      updates: the same tree, of arrays or of `RowGrads`, as a transformation here returns them.

    >>> apply_updates(jnp.zeros((3, 1)), RowGrads(jnp.array([2]), jnp.ones((1, 1))))[:, 0]
    Array([0., 0., 1.], dtype=float32)
    """
    leaves, tree = _leaves(updates, params)
    # Without the barrier XLA fuses an update into its scatter and copies the table each step.
    updates = jax.lax.optimization_barrier([update for update, _ in leaves])
    return tree.unflatten(_added(param, u) for (_, param), u in zip(leaves, updates, strict=True))


def why_not_rowwise(tx: optax.GradientTransformation, params: Any) -> str | None:
    """Why `rowwise` refuses a transformation on tables of these shapes; None where it does not.

    >>> why_not_rowwise(optax.adam(0.1), jnp.zeros((9, 2)))
    >>> why_not_rowwise(optax.lamb(0.1), jnp.zeros((9, 2)))
    'it mixes the rows of a table (reduce_sum)'
    """
    ids = jax.ShapeDtypeStruct((2,), jnp.int32)

    def some_rows(x: Any) -> RowGrads:
        return RowGrads(ids, jax.ShapeDtypeStruct((2, *x.shape[1:]), x.dtype))  # pyright: ignore[reportArgumentType]

    lifted = rowwise(tx)
    try:
        shapes = jax.eval_shape(lambda: params), jax.eval_shape(lifted.init, params)
        jax.eval_shape(lifted.update, jax.tree.map(some_rows, shapes[0]), shapes[1], shapes[0])
    except RowwiseError as error:
        return str(error)
    return None


def result(params: Any, state: Any) -> Any:
    """What training has found: the parameters; of a schedule-free optimizer their average.

    Args:
      params: the parameters.
      state: the optimizer's, in whatever it is wrapped.

    >>> params = jnp.ones(2)
    >>> bool((result(params, optax.adam(0.1).init(params)) == params).all())
    True
    """
    averages = [x for x in jax.tree.leaves(state, is_leaf=_averages) if _averages(x)]
    return schedule_free_eval_params(averages[0], params) if averages else params


def _averages(state: Any) -> bool:
    return isinstance(state, ScheduleFreeState)


def _leaves(grads: Any, params: Any) -> tuple[list[tuple[Any, Any]], Any]:
    """Pairs of a gradient, in rows or whole, and its parameter; and the parameters' tree."""
    if params is None:
        raise RowwiseError(
            "gradients in rows need the parameters; give update(grads, state, params)"
        )
    leaves, tree = jax.tree.flatten(params)
    try:
        return list(zip(tree.flatten_up_to(grads), leaves, strict=True)), tree
    except ValueError:
        raise RowwiseError("gradients and parameters are not trees of one form") from None


def _like(grads: RowGrads | Array, update: Array) -> RowGrads | Array:
    return RowGrads(grads.ids, update) if isinstance(grads, RowGrads) else update


def _added(param: Array, update: RowGrads | Array) -> Array:
    if isinstance(update, RowGrads):
        return param.at[update.ids].add(update.rows.astype(param.dtype), mode="drop")
    return jnp.asarray(param + update, param.dtype)


def _merged(grads: RowGrads | Array, table: Array) -> RowGrads | Array:
    """Each id once, in order, then ids beyond the table whose rows are zero."""
    if not isinstance(grads, RowGrads):
        return grads
    count = grads.ids.shape[0]
    ids, at = jnp.unique(grads.ids, size=count, fill_value=table.shape[0], return_inverse=True)
    return RowGrads(ids, jax.ops.segment_sum(grads.rows, at, count))


def _tables_of_state(
    tx: optax.GradientTransformation, tree: Any, leaves: list[tuple[Any, Any]]
) -> list[int | None]:
    """The table whose rows each leaf of the state has: those that grow where the table does.

    Raises:
      RowwiseError: a leaf has them along another axis than the first.
    """
    shapes = [jax.ShapeDtypeStruct(p.shape, p.dtype) for _, p in leaves]
    state = jax.tree.leaves(jax.eval_shape(tx.init, tree.unflatten(shapes)))
    of_table: list[int | None] = [None] * len(state)
    for i, (grads, param) in enumerate(leaves):
        if not isinstance(grads, RowGrads):
            continue
        longer = jax.ShapeDtypeStruct((param.shape[0] + 1, *param.shape[1:]), param.dtype)
        other = tree.unflatten([*shapes[:i], longer, *shapes[i + 1 :]])
        grown = jax.tree.leaves(jax.eval_shape(tx.init, other))
        for j, (old, new) in enumerate(zip(state, grown, strict=True)):
            if old.shape != new.shape:
                if new.shape != (param.shape[0] + 1, *old.shape[1:]):
                    raise RowwiseError("it keeps a state with rows along another axis")
                of_table[j] = i
    return of_table


def _refuse_if_mixed(
    tx: optax.GradientTransformationExtraArgs,
    arguments: tuple[Any, Any, Any],
    extra: dict[str, Any],
    ids: list[Array | None],
    of_table: list[int | None],
) -> None:
    """Read the update's program on these rows, and on one row more.

    Raises:
      RowwiseError: it is none of rows alone.
    """
    rows, state, _ = (jax.tree.leaves(x) for x in arguments)
    tables = [None if x is None else i for i, x in enumerate(ids)]
    places = [*tables, *of_table, *tables]
    leaves, tree = jax.tree.flatten(arguments)

    def program(more: int) -> Any:
        shapes = [
            jax.ShapeDtypeStruct(
                x.shape if at is None else (x.shape[0] + more, *x.shape[1:]), x.dtype
            )
            for x, at in zip(leaves, places, strict=True)
        ]
        traced = jax.make_jaxpr(lambda *args: tx.update(*args, **extra), return_shape=True)
        return traced(*tree.unflatten(shapes))

    try:
        (here, made), (longer, _) = program(0), program(1)
    except Exception as error:
        raise RowwiseError(f"it cannot be applied to rows: {_first_line(error)}") from error
    if any(map(_averages, jax.tree.leaves(arguments[1], is_leaf=_averages))):
        raise RowwiseError(
            "it averages rows over all steps, and a row at rest would lose its share"
        )
    if jax.tree.structure(made) != jax.tree.structure(arguments[:2]):
        raise RowwiseError("it returns other trees than it is given")
    separable.assert_same_but_for_size(here, longer)
    inputs = [
        separable.plain(x.shape, of_state=len(rows) <= k < len(rows) + len(state))
        if at is None
        else separable.in_rows(x.shape, at, zero_at_rest=k < len(rows))
        for k, (x, at) in enumerate(zip(leaves, places, strict=True))
    ]
    found = separable.outputs(here, inputs)
    for value, table in zip(found, [*tables, *of_table], strict=True):
        if table is not None:
            separable.assert_rows(value, table, "result")
    if any(value.switched for value in found[len(rows) :]):
        raise RowwiseError("it acts on all rows at some steps, which rows at rest would miss")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
