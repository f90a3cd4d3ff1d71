"""What is known of a number or an array in a transformation's program: rows, and rows at rest.

Used by `jw2v.optim.separable`, which says what for.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from jax.extend import core


class RowwiseError(ValueError):
    """A transformation cannot be applied to some rows alone."""


class Rows(NamedTuple):
    """An axis of rows of a table, each of them `columns` numbers long where it was flattened."""

    table: int
    columns: int = 1


Axis = Rows | Literal["alike", "any"]
"""Rows; or an axis along which all is alike, as where a scalar was broadcast; or any other."""


class Value(NamedTuple):
    """What is known of a number or an array.

    Attributes:
      axes: one each.
      rest: its value in rows at rest, where that is one known number; of a value without rows, its
        value.
      of_rows: whether it is made of anything that has rows.
      switch: whether it is a truth, or its number, that shared state alone decides.
      switched: whether a switch chose between rows.
    """

    axes: tuple[Axis, ...]
    rest: np.generic | None = None
    of_rows: bool = False
    of_state: bool = False
    switch: bool = False
    switched: bool = False

    @property
    def has_rows(self) -> bool:
        """Whether an axis is one of rows."""
        return any(isinstance(axis, Rows) for axis in self.axes)


def plain(shape: Sequence[int], *, of_state: bool = False) -> Value:
    """A value without rows."""
    return Value(("any",) * len(shape), of_state=of_state)


def in_rows(shape: Sequence[int], table: int, *, zero_at_rest: bool = False) -> Value:
    """A value whose first axis is one of rows; a gradient is zero at rest."""
    axes: tuple[Axis, ...] = (Rows(table), *("any" for _ in shape[1:]))
    return Value(axes, np.float32(0) if zero_at_rest else None, of_rows=True)


def elementwise(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    """What an operation element by element makes of its inputs."""
    axes: tuple[Axis, ...] = ()
    for x in inputs:
        axes = merged_axes(axes, x.axes, eqn.primitive.name)
    return [Value(axes, _at_rest(eqn, inputs)) for _ in eqn.outvars]


def merged_axes(a: tuple[Axis, ...], b: tuple[Axis, ...], name: str) -> tuple[Axis, ...]:
    """The axes of what is made of two arrays, or of a scalar and an array, element by element.

    Raises:
      RowwiseError: rows meet other rows, or what has none.
    """
    if not (a and b):
        return a or b
    return tuple(one_axis(x, y, name) for x, y in zip(a, b, strict=True))


def one_axis(a: Axis, b: Axis, name: str) -> Axis:
    """The axis of what is made along two.

    Raises:
      RowwiseError: rows meet other rows, or what has none.
    """
    if a == b or b == "alike":
        return a
    if a == "alike":
        return b
    raise RowwiseError(f"it joins the rows of a table with what has no rows, or others ({name})")


def _at_rest(eqn: core.JaxprEqn, inputs: list[Value]) -> np.generic | None:
    name, rests = eqn.primitive.name, [x.rest for x in inputs]
    zero = [rest is not None and rest == 0 for rest in rests]
    if (name in ("mul", "and") and any(zero)) or (name == "div" and zero[0]):
        return number(0, eqn)
    if name == "select_n":
        return _chosen(rests)
    if name in NUMPY and all(rest is not None for rest in rests):
        with np.errstate(all="ignore"):
            return number(NUMPY[name](*rests, **_exponent(eqn)), eqn)
    return None


def number(x: Any, eqn: Any = None) -> np.generic:
    """A number, of the dtype of an operation's result."""
    scalar: Any = np.asarray(x, None if eqn is None else eqn.outvars[0].aval.dtype)[()]
    return scalar


def _exponent(eqn: core.JaxprEqn) -> dict[str, Any]:
    return {"y": eqn.params["y"]} if eqn.primitive.name == "integer_pow" else {}


def _chosen(rests: list[np.generic | None]) -> np.generic | None:
    which, *cases = rests
    if which is not None:
        return cases[int(which)]
    first = cases[0]
    return first if all(x is not None and x == first for x in cases) else None


def joined(a: Value, b: Value, name: str) -> Value:
    """What is known of one of two values.

    Raises:
      RowwiseError: rows meet other rows, or what has none.
    """
    same = a.rest is not None and b.rest is not None and a.rest == b.rest
    return Value(
        merged_axes(a.axes, b.axes, name),
        a.rest if same else None,
        of_rows=a.of_rows or b.of_rows,
        of_state=a.of_state or b.of_state,
        switch=a.switch or b.switch,
        switched=a.switched or b.switched,
    )


NUMPY: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": np.add,
        "add_any": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "div": np.divide,
        "neg": np.negative,
        "abs": np.abs,
        "sign": np.sign,
        "square": np.square,
        "sqrt": np.sqrt,
        "integer_pow": lambda x, y: x**y,
        "pow": np.power,
        "exp": np.exp,
        "max": np.maximum,
        "min": np.minimum,
        "is_finite": np.isfinite,
        "not": np.invert,
        "and": np.bitwise_and,
        "or": np.bitwise_or,
        "eq": np.equal,
        "ne": np.not_equal,
        "lt": np.less,
        "le": np.less_equal,
        "gt": np.greater,
        "ge": np.greater_equal,
        "convert_element_type": lambda x: x,
        "copy": lambda x: x,
        "copy_p": lambda x: x,
        "stop_gradient": lambda x: x,
    }
)
"""Operations element by element whose value at rest is followed."""

ELEMENTWISE = frozenset(
    {"select_n", "clamp", "rem", "floor", "ceil", "round", "exp2", "expm1", "log", "log1p"}
    | {"tanh", "sin", "cos", "tan", "logistic", "rsqrt", "cbrt", "erf", "erf_inv", "erfc"}
    | {"atan2", "nextafter", "xor", "shift_left", "shift_right_logical", "reduce_precision"}
    | {"real", "imag", "conj"}
)
"""The others."""
