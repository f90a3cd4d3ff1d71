"""Whether a transformation may be applied to some rows of a table as if they were all.

Its program (jaxpr) is read once, when it is traced, with the axis of rows marked in gradients,
states and parameters. What comes out must be theirs row by row:

    - operations element by element, and along other axes, keep rows apart;
    - a reduction over rows mixes them. It may stand where rows at rest, whose gradient is zero,
      bring what changes nothing: a sum to which they bring 0 (the norm of a gradient), a
      conjunction to which they bring True (is every gradient finite?);
    - nothing may depend on how many rows there are, as a mean over a whole table does;
    - no state of a row may be chosen by shared state, such as a counter: that is an action on all
      rows every few steps (gradients kept until a step, a copy that is synchronised), which rows
      at rest would miss.

Then a step on the touched rows is what a step on whole tables makes of them, from the same state.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
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


def assert_same_but_for_size(a: core.ClosedJaxpr, b: core.ClosedJaxpr) -> None:
    """Refuse a program that depends on the number of rows, given it for two of them.

    Raises:
      RowwiseError: operations or numbers differ.
    """
    for (name, numbers), (other, others) in zip(
        [*_numbers(a.jaxpr), END], [*_numbers(b.jaxpr), END], strict=False
    ):
        if name != other or not all(map(_equal, numbers, others)):
            raise RowwiseError(f"its result depends on the number of rows of a table ({name})")


def outputs(program: core.ClosedJaxpr, inputs: Sequence[Value]) -> list[Value]:
    """What is known of a program's results.

    Raises:
      RowwiseError: it mixes rows.
    """
    return _read(program, list(inputs))


def assert_rows(value: Value, table: int, what: str) -> None:
    """Refuse a result that is not a table's, row by row.

    Raises:
      RowwiseError: its first axis is another.
    """
    first, *others = value.axes or ("any",)
    if first not in (Rows(table), "alike") or any(isinstance(axis, Rows) for axis in others):
        raise RowwiseError(f"its {what} is not made row by row")


def _numbers(jaxpr: core.Jaxpr) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Operations with the numbers written in them, those of inner programs too."""
    for eqn in jaxpr.eqns:
        literals = tuple(x.val for x in eqn.invars if isinstance(x, core.Literal))
        yield eqn.primitive.name, literals
        for inner in _programs(eqn):
            yield from _numbers(inner.jaxpr)


def _equal(a: Any, b: Any) -> bool:
    return np.array_equal(a, b) or bool(np.all(a != a) and np.all(b != b))  # both NaN


def _programs(eqn: core.JaxprEqn) -> Iterator[core.ClosedJaxpr]:
    for parameter in eqn.params.values():
        for x in parameter if isinstance(parameter, tuple | list) else (parameter,):
            if isinstance(x, core.ClosedJaxpr):
                yield x
            elif isinstance(x, core.Jaxpr):
                yield core.ClosedJaxpr(x, ())


def _read(program: core.ClosedJaxpr, inputs: list[Value]) -> list[Value]:
    known: dict[Any, Value] = {}

    def value(atom: Any) -> Value:
        return _constant(atom.val) if isinstance(atom, core.Literal) else known[atom]

    jaxpr = program.jaxpr
    known.update(zip(jaxpr.constvars, map(_constant, program.consts), strict=True))
    known.update(zip(jaxpr.invars, inputs, strict=True))
    for eqn in jaxpr.eqns:
        found = _results(eqn, [value(x) for x in eqn.invars])
        known.update(zip(eqn.outvars, found, strict=True))
    return [value(x) for x in jaxpr.outvars]


def _constant(x: Any) -> Value:
    scalar = np.ndim(x) == 0 and isinstance(x, np.ndarray | np.generic | bool | int | float)
    return Value(("any",) * np.ndim(x), np.asarray(x)[()] if scalar else None)


def _results(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    name = eqn.primitive.name
    if name in RULES:
        found = RULES[name](eqn, inputs)
    elif name in NUMPY or name in ELEMENTWISE:
        found = _elementwise(eqn, inputs)
    elif not any(x.has_rows for x in inputs):
        found = [plain(_shape(out)) for out in eqn.outvars]
    else:
        raise RowwiseError(f"it mixes the rows of a table ({name})")
    return [_traced(eqn, inputs, out, x) for out, x in zip(eqn.outvars, found, strict=True)]


def _traced(eqn: core.JaxprEqn, inputs: list[Value], out: Any, value: Value) -> Value:
    """The value, and what it is made of."""
    of_rows = value.of_rows or any(x.of_rows for x in inputs)
    of_state = value.of_state or any(x.of_state for x in inputs)
    switch = value.switch or (
        (of_state and not of_rows and value.rest is None)
        and (out.aval.dtype == bool or _is_number_of_switch(eqn, inputs))
    )
    chosen = value.has_rows and any(x.switch for x in _choosing(eqn, inputs))
    switched = value.switched or chosen or any(x.switched for x in inputs)
    return value._replace(of_rows=of_rows, of_state=of_state, switch=switch, switched=switched)


def _is_number_of_switch(eqn: core.JaxprEqn, inputs: list[Value]) -> bool:
    """Whether it is made of switches and constants; two constants a switch picks from are none."""
    made = all(x.switch or not x.of_state for x in inputs) and any(x.switch for x in inputs)
    return made and eqn.primitive.name != "select_n"


def _choosing(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    """Those inputs that choose between others, or between one and nothing."""
    if eqn.primitive.name in ("select_n", "cond"):
        return inputs[:1]
    return inputs if eqn.primitive.name == "mul" else []


def _elementwise(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    axes: tuple[Axis, ...] = ()
    for x in inputs:
        axes = _merged(axes, x.axes, eqn.primitive.name)
    return [Value(axes, _at_rest(eqn, inputs)) for _ in eqn.outvars]


def _merged(a: tuple[Axis, ...], b: tuple[Axis, ...], name: str) -> tuple[Axis, ...]:
    if not (a and b):
        return a or b
    return tuple(_one(x, y, name) for x, y in zip(a, b, strict=True))


def _one(a: Axis, b: Axis, name: str) -> Axis:
    if a == b or b == "alike":
        return a
    if a == "alike":
        return b
    raise RowwiseError(f"it joins the rows of a table with what has no rows, or others ({name})")


def _at_rest(eqn: core.JaxprEqn, inputs: list[Value]) -> np.generic | None:
    name, rests = eqn.primitive.name, [x.rest for x in inputs]
    zero = [rest is not None and rest == 0 for rest in rests]
    if (name in ("mul", "and") and any(zero)) or (name == "div" and zero[0]):
        return eqn.outvars[0].aval.dtype.type(0)
    if name == "select_n":
        return _chosen(rests)
    if name in NUMPY and all(rest is not None for rest in rests):
        with np.errstate(all="ignore"):
            return np.asarray(NUMPY[name](*rests, **_exponent(eqn))).astype(
                eqn.outvars[0].aval.dtype
            )[()]
    return None


def _exponent(eqn: core.JaxprEqn) -> dict[str, Any]:
    return {"y": eqn.params["y"]} if eqn.primitive.name == "integer_pow" else {}


def _chosen(rests: list[np.generic | None]) -> np.generic | None:
    which, *cases = rests
    if which is not None:
        return cases[int(which)]
    first = cases[0]
    return first if all(x is not None and x == first for x in cases) else None


def _reduce(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    (x,), name, reduced = inputs, eqn.primitive.name, eqn.params["axes"]
    mixed = any(isinstance(x.axes[i], Rows) for i in reduced)
    if mixed and (x.rest is None or name not in NEUTRAL or x.rest != NEUTRAL[name]):
        raise RowwiseError(f"it mixes the rows of a table ({name})")
    axes = tuple(axis for i, axis in enumerate(x.axes) if i not in reduced)
    still = x.rest if x.rest is not None and x.rest == 0 and not mixed else None
    return [Value(axes, still)]


def _dot(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    a, b = inputs
    (from_a, from_b), (batch_a, batch_b) = eqn.params["dimension_numbers"]
    for i, j in zip(from_a, from_b, strict=True):
        axis = _one(a.axes[i], b.axes[j], "dot_general")
        if isinstance(axis, Rows) and not any(x.rest is not None and x.rest == 0 for x in inputs):
            raise RowwiseError("it mixes the rows of a table (dot_general)")
    shared = [
        _one(a.axes[i], b.axes[j], "dot_general") for i, j in zip(batch_a, batch_b, strict=True)
    ]
    free = [
        axis
        for x, used in ((a, {*from_a, *batch_a}), (b, {*from_b, *batch_b}))
        for i, axis in enumerate(x.axes)
        if i not in used
    ]
    return [Value((*shared, *free))]


def _broadcast(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    x, shape = inputs[0], eqn.params["shape"]
    axes: list[Axis] = ["alike"] * len(shape)
    for i, j in enumerate(eqn.params["broadcast_dimensions"]):
        if _shape(eqn.invars[0])[i] == shape[j]:
            axes[j] = x.axes[i]
    return [Value(tuple(axes), x.rest)]


def _reshape(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    x, old, new = inputs[0], _shape(eqn.invars[0]), _shape(eqn.outvars[0])
    if not x.has_rows:
        return [Value(tuple("alike" if _all_alike(x) else "any" for _ in new), x.rest)]
    first = x.axes[0]
    if isinstance(first, Rows) and not any(isinstance(axis, Rows) for axis in x.axes[1:]):
        rows, columns = old[0] // first.columns, math.prod(old[1:]) * first.columns
        if new and new[0] == rows:
            return [Value((Rows(first.table), *("any" for _ in new[1:])), x.rest)]
        if new == (rows * columns,):
            return [Value((Rows(first.table, columns),), x.rest)]
    raise RowwiseError("it mixes the rows of a table (reshape)")


def _all_alike(x: Value) -> bool:
    return all(axis == "alike" for axis in x.axes)


def _transpose(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    (x,) = inputs
    return [Value(tuple(x.axes[i] for i in eqn.params["permutation"]), x.rest)]


def _squeeze(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    (x,), gone = inputs, eqn.params["dimensions"]
    return [Value(tuple(axis for i, axis in enumerate(x.axes) if i not in gone), x.rest)]


def _each(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    return inputs


def _inner(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    return _read(next(_programs(eqn)), inputs)


def _cond(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    which, *rest = inputs
    found = [_read(branch, rest) for branch in eqn.params["branches"]]
    if which.rest is not None:
        return found[int(which.rest)]
    joined = found[0]
    for other in found[1:]:
        joined = [_joined(a, b, "cond") for a, b in zip(joined, other, strict=True)]
    return joined


def _joined(a: Value, b: Value, name: str) -> Value:
    same = a.rest is not None and b.rest is not None and a.rest == b.rest
    return Value(
        _merged(a.axes, b.axes, name),
        a.rest if same else None,
        of_rows=a.of_rows or b.of_rows,
        of_state=a.of_state or b.of_state,
        switch=a.switch or b.switch,
        switched=a.switched or b.switched,
    )


def _while(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    n_cond, n_body = eqn.params["cond_nconsts"], eqn.params["body_nconsts"]
    consts, carry = inputs[n_cond : n_cond + n_body], inputs[n_cond + n_body :]
    found = _settled(lambda c: _read(eqn.params["body_jaxpr"], [*consts, *c]), carry, "while")
    _read(eqn.params["cond_jaxpr"], [*inputs[:n_cond], *found])
    return found


def _settled(
    body: Callable[[list[Value]], list[Value]], carry: list[Value], name: str
) -> list[Value]:
    """What is known of a loop's carry before and after any number of rounds."""
    while True:
        after = [_joined(a, b, name) for a, b in zip(carry, body(carry), strict=True)]
        if after == carry:
            return carry
        carry = after


def _scan(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    n_consts, n_carry = eqn.params["num_consts"], eqn.params["num_carry"]
    consts, carry = inputs[:n_consts], inputs[n_consts : n_consts + n_carry]
    stacked = inputs[n_consts + n_carry :]
    if any(isinstance(x.axes[0], Rows) for x in stacked):
        raise RowwiseError("it goes over the rows of a table one after the other (scan)")
    each = [x._replace(axes=x.axes[1:]) for x in stacked]

    def body(c: list[Value]) -> list[Value]:
        return _read(eqn.params["jaxpr"], [*consts, *c, *each])[:n_carry]

    carry = _settled(body, carry, "scan")
    made = _read(eqn.params["jaxpr"], [*consts, *carry, *each])[n_carry:]
    return [*carry, *(x._replace(axes=("any", *x.axes), rest=None) for x in made)]


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.aval.shape)


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

END = ("end", ())

NEUTRAL: Mapping[str, Any] = MappingProxyType(
    {"reduce_sum": 0, "reduce_and": True, "reduce_or": False}
)
"""What rows at rest have to bring to a reduction."""


RULES: Mapping[str, Callable[[Any, list[Value]], list[Value]]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *NEUTRAL,
                "reduce_max",
                "reduce_min",
                "reduce_prod",
                "argmax",
                "argmin",
                "reduce_xor",
            ),
            _reduce,
        ),
        "dot_general": _dot,
        "broadcast_in_dim": _broadcast,
        "reshape": _reshape,
        "transpose": _transpose,
        "squeeze": _squeeze,
        "optimization_barrier": _each,
        **dict.fromkeys(
            ("jit", "closed_call", "custom_jvp_call", "custom_vjp_call", "checkpoint"), _inner
        ),
        "cond": _cond,
        "while": _while,
        "scan": _scan,
    }
)
