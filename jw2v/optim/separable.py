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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from jax.extend import core

from jw2v.jaxprs import CALLS, scan_operands
from jw2v.optim.row_values import (
    ELEMENTWISE,
    NUMPY,
    Axis,
    Rows,
    RowwiseError,
    Value,
    elementwise,
    in_rows,
    joined,
    number,
    one_axis,
    plain,
)


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


def assert_rows(value: Value, table: int) -> None:
    """Refuse a result that is not a table's, row by row.

    Raises:
      RowwiseError: its first axis is another.
    """
    first, *others = value.axes or ("any",)
    if first not in (Rows(table), "alike") or any(isinstance(axis, Rows) for axis in others):
        raise RowwiseError("its result is not made row by row")


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
    return Value(("any",) * np.ndim(x), number(x) if scalar else None)


def _results(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    name = eqn.primitive.name
    if name in RULES:
        found = RULES[name](eqn, inputs)
    elif name in NUMPY or name in ELEMENTWISE:
        found = elementwise(eqn, inputs)
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
    """Whether it is made of switches and constants: with it something can be switched off.

    Of two constants between which a switch decides, as in a schedule, one has to be 0 for that.
    """
    if eqn.primitive.name == "select_n":
        return inputs[0].switch and any(x.rest is not None and x.rest == 0 for x in inputs[1:])
    made = all(x.switch or not x.of_state for x in inputs) and any(x.switch for x in inputs)
    return made and eqn.primitive.name in {*NUMPY, "broadcast_in_dim", "reshape", "squeeze"}


def _choosing(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    """Those inputs that choose between others, or between one and nothing."""
    if eqn.primitive.name in ("select_n", "cond"):
        return inputs[:1]
    return inputs if eqn.primitive.name == "mul" else []


def _reduce(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    (x,), name, reduced = inputs, eqn.primitive.name, eqn.params["axes"]
    mixed = any(isinstance(x.axes[i], Rows) for i in reduced)
    if mixed and (x.rest is None or name not in NEUTRAL or x.rest != NEUTRAL[name]):
        raise RowwiseError(f"it mixes the rows of a table ({name})")
    still = x.rest if x.rest is not None and x.rest == 0 and not mixed else None
    return [Value(_without(x.axes, reduced), still)]


def _dot(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    a, b = inputs
    (from_a, from_b), (batch_a, batch_b) = eqn.params["dimension_numbers"]
    for i, j in zip(from_a, from_b, strict=True):
        axis = one_axis(a.axes[i], b.axes[j], "dot_general")
        if isinstance(axis, Rows) and not any(x.rest is not None and x.rest == 0 for x in inputs):
            raise RowwiseError("it mixes the rows of a table (dot_general)")
    shared: list[Axis] = [
        one_axis(a.axes[i], b.axes[j], "dot_general") for i, j in zip(batch_a, batch_b, strict=True)
    ]
    free = _without(a.axes, {*from_a, *batch_a}) + _without(b.axes, {*from_b, *batch_b})
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
        axis: Axis = "alike" if all(axis == "alike" for axis in x.axes) else "any"
        return [Value((axis,) * len(new), x.rest)]
    first = x.axes[0]
    if isinstance(first, Rows) and not any(isinstance(axis, Rows) for axis in x.axes[1:]):
        rows, columns = old[0] // first.columns, math.prod(old[1:]) * first.columns
        if new and new[0] == rows:
            return [in_rows(new, first.table)._replace(rest=x.rest)]
        if new == (rows * columns,):
            return [Value((Rows(first.table, columns),), x.rest)]
    raise RowwiseError("it mixes the rows of a table (reshape)")


def _transpose(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    (x,) = inputs
    return [Value(tuple(x.axes[i] for i in eqn.params["permutation"]), x.rest)]


def _squeeze(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    (x,), gone = inputs, eqn.params["dimensions"]
    return [Value(_without(x.axes, gone), x.rest)]


def _each(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    return inputs


def _inner(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    return _read(next(_programs(eqn)), inputs)


def _cond(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    which, *rest = inputs
    found = [_read(branch, rest) for branch in eqn.params["branches"]]
    if which.rest is not None:
        return found[int(which.rest)]
    either = found[0]
    for other in found[1:]:
        either = list(map(partial(joined, name="cond"), either, other))
    return either


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
        after = list(map(partial(joined, name=name), carry, body(carry)))
        if after == carry:
            return carry
        carry = after


def _scan(eqn: core.JaxprEqn, inputs: list[Value]) -> list[Value]:
    n_consts, n_carry = scan_operands(eqn.params)
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


def _without(axes: tuple[Axis, ...], gone: Collection[int]) -> tuple[Axis, ...]:
    return tuple(axis for i, axis in enumerate(axes) if i not in gone)


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.aval.shape)


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
        **dict.fromkeys(CALLS, _inner),
        "cond": _cond,
        "while": _while,
        "scan": _scan,
    }
)
