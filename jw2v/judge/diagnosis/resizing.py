"""Arguments of other sizes: the same claim with one axis longer, or all axes short.

Axes of one size are taken to be one axis, and grow and shrink together.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Var

from jw2v.judge.mutation.surgery import inlined

LONG = 20
MANY_IDS = 6
SMALL = (17, 13, 11, 7, 5, 3)
"""Sizes of axes that were longer; of ids the last, of others the first."""

Axis = tuple[int, int]
"""Position of an argument, and of one of its axes."""


def axes_by_size(args: tuple[np.ndarray, ...]) -> dict[int, list[Axis]]:
    """The axes of each size.

    >>> axes_by_size((np.ones((2, 5)), np.ones(5)))
    {2: [(0, 0)], 5: [(0, 1), (1, 0)]}
    """
    found: dict[int, list[Axis]] = {}
    for position, x in enumerate(args):
        for axis, size in enumerate(x.shape):
            found.setdefault(size, []).append((position, axis))
    return found


def resized(
    args: tuple[np.ndarray, ...], sizes: Mapping[int, int], tables: Mapping[int, int]
) -> tuple[np.ndarray, ...]:
    """Arguments with each axis of an old size at its new size; ids stay in range.

    Ids that must move keep their order, and different ones stay different where there is room.

    Args:
      args: example arguments.
      sizes: new sizes by old ones; those not named stay.
      tables: for an argument of ids, the size of the axis that they index, as of `indexed`.

    >>> floats, ids = resized((np.ones((7, 5)), np.array([0, 3, 6])), {7: 2, 5: 1}, {1: 7})
    >>> floats.shape, ids.tolist()
    ((2, 1), [0, 0, 1])
    """
    new = [np.resize(x, [sizes.get(size, size) for size in x.shape]) if x.size else x for x in args]
    together: dict[int, list[int]] = {}
    for position, x in enumerate(new):
        if _are_ids(x) and x.size:
            together.setdefault(tables.get(position, -1 - position), []).append(position)
    for table, positions in together.items():
        words = 1 + max(int(args[i].max()) for i in positions)
        known = [table] if table > 0 else [size for size in sizes if size >= words]
        most = min([words, *(sizes.get(size, size) for size in known)])
        if words > most:
            for i, ids in zip(positions, _moved([new[i] for i in positions], most), strict=True):
                new[i] = ids
    return tuple(np.ones(x.shape) if x.dtype.kind == "f" else x for x in new)


def _moved(ids: list[np.ndarray], most: int) -> list[np.ndarray]:
    """Ids in 0 … most − 1 in place of others, in their order."""
    values, ranks = np.unique(np.concatenate([x.ravel() for x in ids]), return_inverse=True)
    count = len(values)
    places = np.arange(count) * (most - 1) // max(1, count - 1) if count > 1 else [most - 1]
    parts = np.split(np.asarray(places)[ranks], np.cumsum([x.size for x in ids])[:-1])
    return [part.reshape(x.shape).astype(x.dtype) for part, x in zip(parts, ids, strict=True)]


def compact(args: tuple[np.ndarray, ...], tables: Mapping[int, int]) -> tuple[np.ndarray, ...]:
    """Arguments with their long axes at small sizes that are all different.

    Axes of ids are the shortest, so that few of the ids coincide by chance.

    >>> args = np.ones((1000, 100)), np.ones((20, 100)), np.zeros(20, int)
    >>> [x.shape for x in compact(args, {})]
    [(17, 13), (3, 13), (3,)]
    """
    present = axes_by_size(args)
    of_ids = {size for size, axes in present.items() if any(_are_ids(args[i]) for i, _ in axes)}
    many = sorted(size for size in of_ids if size > MANY_IDS)
    long = sorted((size for size in present if size > LONG and size not in many), reverse=True)
    free = [size for size in SMALL if size not in present]
    sizes = dict(zip(long, free, strict=False)) | dict(zip(many, reversed(free), strict=False))
    return resized(args, sizes, tables)


def _are_ids(x: np.ndarray) -> bool:
    return x.dtype.kind in "iu"


def indexed(closed: ClosedJaxpr) -> dict[int, int]:
    """For arguments that index: the size of the shortest axis that each indexes.

    >>> import jax
    >>> jaxpr = jax.make_jaxpr(lambda U, o: U[o].sum())(np.ones((7, 5)), 3)
    >>> indexed(jaxpr)
    {1: 7}
    """
    closed = inlined(closed)
    sources: dict[Any, frozenset[int]] = {
        v: frozenset({i}) for i, v in enumerate(closed.jaxpr.invars) if v.aval.dtype.kind in "iu"
    }
    found: dict[int, int] = {}
    for equation in closed.jaxpr.eqns:
        reads = [sources.get(x, frozenset()) for x in equation.invars if isinstance(x, Var)]
        together = frozenset().union(*reads)
        for size in _indexed_sizes(equation):
            found.update({i: min(size, found.get(i, size)) for i in together})
        for v in equation.outvars:
            if v.aval.dtype.kind in "iu":
                sources[v] = together
    return found


def _indexed_sizes(equation: Any) -> Iterator[Any]:
    name, params = equation.primitive.name, equation.params
    shape = equation.invars[0].aval.shape if equation.invars else ()
    if name == "gather":
        yield from (shape[axis] for axis in params["dimension_numbers"].start_index_map)
    elif name.startswith("scatter"):
        numbers = params["dimension_numbers"]
        yield from (shape[axis] for axis in numbers.scatter_dims_to_operand_dims)
    elif name == "dynamic_slice":
        yield from (
            whole for whole, size in zip(shape, params["slice_sizes"], strict=True) if whole != size
        )
