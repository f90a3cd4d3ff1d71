"""How the work of a function grows: its operations, counted in its jaxpr, over growing sizes."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from jw2v.judge.arithmetic.bounds import trace

SIZES = tuple(10**k for k in range(3, 7))
MOVING = frozenset(
    {"broadcast_in_dim", "convert_element_type", "copy", "iota", "reshape", "slice", "squeeze"}
)
"""Operations that XLA does not spend work on: they are fused into others, or are views."""


def operations(fn: Callable[..., Any], args: Sequence[Any]) -> int:
    """Scalar operations of a function: 2k for an entry of a product of length k, else one each.

    A reduction counts its operand's entries; a scatter its updates', so that a table that is
    updated in place costs what is written.

    Args:
      fn: function of arrays.
      args: arrays, or `jax.ShapeDtypeStruct`s: nothing is computed.

    >>> operations(lambda A, x: A @ x, (np.ones((7, 5)), np.ones(5)))
    70
    """
    return _count(trace(fn, args).jaxpr)


def growth(
    sized: Callable[[int], tuple[Callable[..., Any], tuple[Any, ...]]],
    *,
    sizes: Sequence[int] = SIZES,
) -> float:
    """The exponent p with which operations grow as n^p, fitted over `sizes`.

    Args:
      sized: size n to a function and its arguments.
      sizes: n, growing.

    >>> import jax
    >>> round(growth(lambda n: (lambda x: x @ x, (jax.ShapeDtypeStruct((n,), "float32"),))), 2)
    1.0
    """
    counts = [operations(*sized(n)) for n in sizes]
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(counts, 1)), 1)[0])


def _count(jaxpr: Any) -> int:
    return sum(_of_equation(equation) for equation in jaxpr.eqns)


def _of_equation(equation: Any) -> int:
    name, params = equation.primitive.name, equation.params
    shapes = [tuple(v.aval.shape) for v in (*equation.invars, *equation.outvars)]
    if name.startswith("scatter"):
        return prod(shapes[2])
    inner = [p for p in params.values() if hasattr(p, "eqns") or hasattr(p, "jaxpr")]
    if inner:
        repeats = params.get("length", 1)
        return repeats * sum(_count(getattr(p, "jaxpr", p)) for p in inner)
    if name == "dot_general":
        (contracted, _), _ = params["dimension_numbers"]
        return 2 * prod(shapes[-1]) * prod(shapes[0][axis] for axis in contracted)
    if name.startswith(("reduce_", "arg", "cum", "sort")):
        return prod(shapes[0])
    return 0 if name in MOVING else prod(shapes[-1])
