"""Any optax transformation on the rows that gradients name, or a refusal that says why not."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Integer

from jw2v.blocks.tables import RowGrads
from jw2v.optim import separable
from jw2v.optim.row_values import RowwiseError, in_rows, plain
from jw2v.optim.rows import averages, leaves_of, like


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
        their number, or acts on all of them at some steps (see `jw2v.optim.separable`).

    >>> from jw2v.optim.rows import apply_updates
    >>> table = jnp.ones((3, 2))
    >>> tx = rowwise(optax.adam(0.5))
    >>> grads = RowGrads(jnp.array([1, 1]), jnp.ones((2, 2)))
    >>> updates, state = tx.update(grads, tx.init(table), table)
    >>> print(apply_updates(table, updates)[:, 0].round(3), state[0].mu[:, 0])
    [1.  0.5 1. ] [0.  0.2 0. ]
    """
    inner = optax.with_extra_args_support(tx)

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        leaves, tree = leaves_of(updates, params)
        merged = [_merged(g, param) for g, param in leaves]
        ids = [g.ids if isinstance(g, RowGrads) else None for g in merged]
        of_table = _tables_of_state(inner, tree, leaves)
        state_ids = [None if table is None else ids[table] for table in of_table]
        parts, state_tree = jax.tree.flatten(jax.tree.map(jnp.asarray, state))
        arguments = jax.lax.optimization_barrier(
            (
                tree.unflatten(g.rows if isinstance(g, RowGrads) else g for g in merged),
                state_tree.unflatten(map(_rows, parts, state_ids)),
                tree.unflatten(_rows(p, at) for (_, p), at in zip(leaves, ids, strict=True)),
            )
        )
        sizes = [None if at is None else p.shape[0] for at, (_, p) in zip(ids, leaves, strict=True)]
        _refuse_if_mixed(inner, arguments, extra, sizes, of_table)
        # Behind barriers, or XLA fuses the update into gathers and scatters and copies tables.
        made, new = jax.lax.optimization_barrier(inner.update(*arguments, **extra))
        made = zip(merged, tree.flatten_up_to(made), strict=True)
        state = state_tree.unflatten(map(_with_rows, parts, jax.tree.leaves(new), state_ids))
        return tree.unflatten(like(g, u) for g, u in made), state

    return optax.GradientTransformationExtraArgs(inner.init, update)


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


def _rows(x: Array, ids: Array | None) -> Array:
    return x if ids is None else x.at[ids].get(mode="clip")


def _with_rows(x: Array, rows: Array, ids: Array | None) -> Array:
    return rows if ids is None else x.at[ids].set(rows, mode="drop")


def _merged(grads: RowGrads | Array, table: Array) -> RowGrads | Array:
    """Each id once; in the place of one met before, an id beyond the table and a row of zeros."""
    if not isinstance(grads, RowGrads):
        return grads
    size = table.shape[0]
    # A number for every row of the table is sooner written than ids are sorted: where these numbers
    # are not more than the gradient's own, so that a step is as large as its rows.
    once = once_by_table if size <= grads.rows.size else once_by_sort
    ids, at = once(_in_table(grads.ids, size=size), size=size)
    # In the table's type, as on whole tables: 1,000 ones of bfloat16 add up to 256.
    rows = grads.rows.astype(table.dtype)
    return RowGrads(ids, jax.ops.segment_sum(rows, at, ids.shape[0]))


def _in_table(ids: Integer[Array, " n"], *, size: int) -> Integer[Array, " n"]:
    """Ids from 0; `size` in the place of those that name no row."""
    ids = jnp.where(ids < 0, ids + size, ids)
    return jnp.where((ids >= 0) & (ids < size), ids, size)


def once_by_sort(
    ids: Integer[Array, " n"], *, size: int
) -> tuple[Integer[Array, " n"], Integer[Array, " n"]]:
    """Each id at one place, and `size` at the others; and the place of each id that was given.

    Ids are from 0 to `size`, which names no row.

    >>> [x.tolist() for x in once_by_sort(jnp.array([4, 2, 4]), size=9)]
    [[2, 4, 9], [1, 0, 1]]
    """
    # Not by jnp.unique, whose argsort would take a third of a step.
    in_order = jnp.sort(ids)
    first = jnp.diff(in_order, prepend=-1) != 0
    return jnp.where(first, in_order, size), jnp.searchsorted(in_order, ids)


def once_by_table(
    ids: Integer[Array, " n"], *, size: int
) -> tuple[Integer[Array, " n"], Integer[Array, " n"]]:
    """The same in another order, at the cost of an array of a table's rows.

    >>> ids, at = once_by_table(jnp.array([4, 2, 4]), size=9)
    >>> sorted(ids.tolist()), ids[at].tolist()
    ([2, 4, 9], [4, 2, 4])
    """
    place = jnp.arange(len(ids), dtype=jnp.int32)
    # Of several places that are written for one id one stays, whichever. The last is of `size`.
    at = jnp.zeros(size + 1, jnp.int32).at[ids].set(place)[ids]
    return jnp.where(at == place, ids, size), at


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
    sizes: list[int | None],
    of_table: list[int | None],
) -> None:
    """Read the update's program on these rows, and compare it with that on whole tables.

    Args:
      tx: the transformation.
      arguments: gradients, states and parameters in rows.
      extra: what else its update is given.
      sizes: rows of each parameter that is a table.
      of_table: the table of each leaf of the state.

    Raises:
      RowwiseError: it is none of rows alone.
    """
    tables = [None if size is None else i for i, size in enumerate(sizes)]
    places = [*tables, *of_table, *tables]
    leaves, tree = jax.tree.flatten(arguments)

    def program(rows_of: Callable[[int, int], int]) -> Any:
        shapes = [
            x.shape if at is None else (rows_of(x.shape[0], at), *x.shape[1:])
            for x, at in zip(leaves, places, strict=True)
        ]
        inputs = [jax.ShapeDtypeStruct(s, x.dtype) for s, x in zip(shapes, leaves, strict=True)]
        traced = jax.make_jaxpr(lambda *args: tx.update(*args, **extra), return_shape=True)
        return traced(*tree.unflatten(inputs))

    def in_whole_table(count: int, table: int) -> int:
        size = sizes[table]
        assert size is not None
        return size + (size == count)  # of another number in any case

    try:
        (here, made), (whole, _) = program(lambda count, table: count), program(in_whole_table)
    except Exception as error:
        raise RowwiseError(f"it cannot be applied to rows: {_first_line(error)}") from error
    if any(map(averages, jax.tree.leaves(arguments[1], is_leaf=averages))):
        raise RowwiseError(
            "it averages rows over all steps, and a row at rest would lose its share"
        )
    if _form(made) != _form(arguments[:2]):
        raise RowwiseError("it returns other trees or shapes than it is given")
    separable.assert_same_but_for_size(here, whole)
    gradients, states = len(tables), len(of_table)
    inputs = [
        plain(x.shape, of_state=gradients <= k < gradients + states)
        if at is None
        else in_rows(x.shape, at, zero_at_rest=k < gradients)
        for k, (x, at) in enumerate(zip(leaves, places, strict=True))
    ]
    for read in (here, whole):  # both: in one of them rows may be as many as columns
        found = separable.outputs(read, inputs)
        for value, table in zip(found, [*tables, *of_table], strict=True):
            if table is not None:
                separable.assert_rows(value, table)
        if any(value.switched for value in found[gradients:]):
            raise RowwiseError("it acts on all rows at some steps, which rows at rest would miss")


def _form(tree: Any) -> Any:
    return jax.tree.structure(tree), [jnp.shape(x) for x in jax.tree.leaves(tree)]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
