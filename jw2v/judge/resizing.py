"""Arguments of other sizes: the same claim with one axis longer, or all axes short.

Axes of one size are taken to be one axis, and grow and shrink together.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Var

from jw2v.judge.surgery import inlined

LONG = 20
SMALL = (17, 13, 11, 7, 5, 3)
"""Sizes of axes that were longer."""

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

    Args:
      args: example arguments.
      sizes: new sizes by old ones; those not named stay.
      tables: for an argument of ids, the size of the axis that they index, as of `indexed`.

    >>> floats, ids = resized((np.ones((7, 5)), np.array([0, 3, 6])), {7: 2, 5: 1}, {1: 7})
    >>> floats.shape, ids.tolist()
    ((2, 1), [0, 1, 0])
    """
    return tuple(
        _resized(x, sizes, tables.get(position)) if x.size else x for position, x in enumerate(args)
    )


def _resized(x: np.ndarray, sizes: Mapping[int, int], table: int | None) -> np.ndarray:
    shape = tuple(sizes.get(size, size) for size in x.shape)
    if x.dtype.kind == "f":
        return np.ones(shape)
    words = int(x.max()) + 1
    shorter = [sizes.get(size, size) for size in ([table] if table else sizes) if size >= words]
    return np.asarray(np.resize(x, shape) % min([words, *shorter]), x.dtype)


def compact(args: tuple[np.ndarray, ...], tables: Mapping[int, int]) -> tuple[np.ndarray, ...]:
    """Arguments with their long axes at small sizes that are all different.

    >>> [x.shape for x in compact((np.ones((1000, 100)), np.ones((5, 100))), {})]
    [(17, 13), (5, 13)]
    """
    present = axes_by_size(args)
    long = sorted((size for size in present if size > LONG), reverse=True)
    free = [size for size in SMALL if size not in present]
    return resized(args, dict(zip(long, free, strict=False)), tables)


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
