"""A loss with a gate at every use of what its gradient passes through.

The gradient is a sum over the ways from the loss back to the variable. A gate on a use lets the
loss's value through and multiplies what flows back: closed, it cuts all the ways through this use,
and the difference is their term of the gradient. A mirror does the opposite: it turns the sign of
the value and lets the gradient flow, as where σ(x) is written for σ(−x).
"""

from collections.abc import Callable, Iterator, Sequence
from linecache import getline
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn, Var
from jax.extend.core import Literal as Constant

from jw2v.judge.bounds import trace
from jw2v.judge.compare import Points
from jw2v.judge.surgery import inlined
from jw2v.judge.values import values

MOST_NUMBERS = 2_000_000
"""Evaluated at once, in the largest array."""
RESULT = -1
"""In place of an operand: the result of an equation, all its uses together."""
FRAME = 5
"""Parts of a place that say where it is; the last says which operation."""
MIXING = ("reduce", "dot", "gather", "scatter", "cum", "concatenate", "dynamic", "scan", "while")
"""What operations that are not elementwise start with."""
_NOWHERE: tuple[frozenset[Var], frozenset[Var]] = (frozenset(), frozenset())


class Gate(NamedTuple):
    """Where a gate stands."""

    equation: int
    operand: int  # or RESULT
    axis: int | None  # one for each entry along an axis; None: one for all
    count: int  # of entries along the axis; 1 without one
    ndim: int
    place: tuple[Any, ...]  # of the source, the same where a loop is unrolled
    tie: Var | None = None  # the gate is closed together with the others of place and variable


Setting = tuple[tuple[int, int], ...]
"""Gates that are closed, by number, and which entry of each."""


class Gated(NamedTuple):
    """The loss, its gates, and its source."""

    closed: ClosedJaxpr
    position: int  # of the variable
    gates: tuple[Gate, ...]


@jax.custom_vjp
def _gate(x: Any, backward: Any) -> Any:
    return x


_gate.defvjp(lambda x, backward: (x, backward), lambda b, ct: (b * ct, b * 0))


@jax.custom_vjp
def _mirror(x: Any, forward: Any) -> Any:
    return forward * x


_mirror.defvjp(lambda x, forward: (forward * x, forward), lambda f, ct: (ct, f * 0))


def gated(
    loss: Callable[..., Any],
    args: Sequence[Any],
    position: int,
    *,
    entries: bool = False,
    results: bool = False,
) -> Gated:
    """The loss with gates on all uses that the variable's gradient passes.

    Args:
      loss: plain scalar function.
      args: example arguments.
      position: of the variable.
      entries: a gate for each entry along each axis too.
      results: gates on results too, all uses of each together.

    >>> import jax.numpy as jnp
    >>> len(gated(lambda x: x @ x - jnp.sum(x), (np.ones(3),), 0).gates)
    5
    """
    closed = inlined(trace(loss, args))
    active = _active(closed, position)
    functions = _functions(closed)
    gates: list[Gate] = []
    for number, equation in enumerate(closed.jaxpr.eqns):
        if active.isdisjoint(equation.outvars):
            continue
        place = _place(equation)
        inside, read_outside = functions.get(place[:FRAME], _NOWHERE)
        for operand, atom in _places(equation, results):
            if isinstance(atom, Constant) or atom not in active:
                continue
            if atom in inside and not (operand == RESULT and atom in read_outside):
                continue
            tie = atom if inside and operand != RESULT else None
            gates += _gates(number, operand, atom, place, entries, tie)
    return Gated(closed, position, tuple(gates))


def _functions(closed: ClosedJaxpr) -> dict[tuple[Any, ...], tuple[set[Var], set[Var]]]:
    """Elementwise functions of several equations that one call of the user's has made.

    A person sees one function there, as in logaddexp(0, z), and its derivative is one term.

    Returns:
      By place in the source: the variables inside, and those of them that are read outside.
    """
    by_place: dict[tuple[Any, ...], list[JaxprEqn]] = {}
    for equation in closed.jaxpr.eqns:
        by_place.setdefault(_place(equation)[:FRAME], []).append(equation)
    found = {}
    for place, equations in by_place.items():
        names = [e.primitive.name for e in equations]
        if place and len(equations) > 1 and not any(n.startswith(MIXING) for n in names):
            inside = {v for e in equations for v in e.outvars}
            rest = (e for e in closed.jaxpr.eqns if e not in equations)
            read = {x for e in rest for x in e.invars if isinstance(x, Var)}
            results = {x for x in closed.jaxpr.outvars if isinstance(x, Var)}
            found[place] = (inside, inside & (read | results))
    return found


def _places(equation: JaxprEqn, results: bool) -> Iterator[tuple[int, Any]]:
    yield from enumerate(equation.invars)
    if results:
        yield RESULT, equation.outvars[0]


def _gates(
    number: int, operand: int, atom: Any, place: tuple[Any, ...], entries: bool, tie: Var | None
) -> Iterator[Gate]:
    shape = atom.aval.shape
    yield Gate(number, operand, None, 1, len(shape), place, tie)
    for axis, size in enumerate(shape if entries and tie is None else ()):
        if size > 1:
            yield Gate(number, operand, axis, size, len(shape), place)


def _active(closed: ClosedJaxpr, position: int) -> set[Var]:
    """Variables that depend on the argument and that the loss depends on, as gradients see it."""
    jaxpr = closed.jaxpr
    moved = {jaxpr.invars[position]}
    for equation in jaxpr.eqns:
        if equation.primitive.name != "stop_gradient" and _reads(equation, moved):
            moved.update(v for v in equation.outvars if _is_float(v))
    heard = {v for v in jaxpr.outvars if isinstance(v, Var)}
    for equation in reversed(jaxpr.eqns):
        if equation.primitive.name != "stop_gradient" and not heard.isdisjoint(equation.outvars):
            heard.update(v for v in equation.invars if isinstance(v, Var))
    return moved & heard


def _reads(equation: JaxprEqn, variables: set[Var]) -> bool:
    return any(isinstance(x, Var) and x in variables for x in equation.invars)


def _is_float(atom: Any) -> bool:
    return bool(jax.numpy.issubdtype(atom.aval.dtype, jax.numpy.floating))


def gradients(
    loss: Gated,
    points: Points,
    settings: Sequence[Setting],
    *,
    kind: Literal["cut", "mirror"] = "cut",
    factors: Sequence[float] = (0.0,),
) -> np.ndarray:
    """The gradient at points, for each factor and setting: `[factors × settings, points, *shape]`.

    Args:
      loss: of `gated`.
      points: stacked arguments.
      settings: which gates have the factor; all others have 1.
      kind: "cut" multiplies what flows back, "mirror" the value.
      factors: of the gates of a setting; all settings are tried with each.

    >>> loss = gated(lambda x: x @ x, (np.ones(2),), 0)
    >>> gradients(loss, (np.array([[1.0, 3.0]]),), [(), ((0, 0),)]).tolist()
    [[[2.0, 6.0]], [[1.0, 3.0]]]
    """
    used = sorted({gate for setting in settings for gate, _ in setting})
    tables = [
        np.concatenate(rows)
        for rows in zip(*(_tables(loss, used, settings, factor) for factor in factors), strict=True)
    ]
    multiply = _gate if kind == "cut" else _mirror

    def gradient(rows: tuple[Any, ...], *args: Any) -> Any:
        by_gate = {loss.gates[gate]: row for gate, row in zip(used, rows, strict=True)}

        def value(x: Any) -> Any:
            replaced = [x if i == loss.position else a for i, a in enumerate(args)]
            return _interpreted(loss.closed, replaced, by_gate, multiply)

        return jax.grad(value)(args[loss.position])

    inner = jax.vmap(gradient, in_axes=(None, *(0 for _ in points)))
    outer = jax.vmap(inner, in_axes=(0, *(None for _ in points)))
    size = max(1, max(v.aval.size for e in loss.closed.jaxpr.eqns for v in e.outvars))
    step = max(1, MOST_NUMBERS // (size * len(points[0])))
    parts = []
    for start in range(0, len(tables[0]), step):
        rows = tuple(table[start : start + step] for table in tables)
        flat = (*rows, *points)
        closed = trace(lambda *x: outer(x[: len(rows)], *x[len(rows) :]), flat)
        parts.append(values(inlined(closed), flat)[0])
    return np.concatenate(parts)


def _tables(
    loss: Gated, used: Sequence[int], settings: Sequence[Setting], factor: float
) -> list[np.ndarray]:
    """For each gate its factor by setting: `[settings, 1 … count … 1]`."""
    tables = {gate: np.ones((len(settings), loss.gates[gate].count)) for gate in used}
    for row, setting in enumerate(settings):
        for gate, entry in setting:
            tables[gate][row, entry] = factor
    return [
        tables[gate].reshape(
            len(settings),
            *(loss.gates[gate].count if i == loss.gates[gate].axis else 1
              for i in range(loss.gates[gate].ndim)),
        )
        for gate in used
    ]  # fmt: skip


def _interpreted(
    closed: ClosedJaxpr, args: Sequence[Any], factors: dict[Gate, Any], multiply: Any
) -> Any:
    """The loss, its equations run one by one with gates on their operands and results."""
    by_place: dict[tuple[int, int], list[Any]] = {}
    for gate, factor in factors.items():
        by_place.setdefault((gate.equation, gate.operand), []).append(factor)
    known: dict[Any, Any] = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    known.update(zip(closed.jaxpr.invars, args, strict=True))

    def read(atom: Any, place: tuple[int, int]) -> Any:
        value = atom.val if isinstance(atom, Constant) else known[atom]
        for factor in by_place.get(place, ()):
            value = multiply(value, factor)
        return value

    for number, equation in enumerate(closed.jaxpr.eqns):
        operands = [read(atom, (number, at)) for at, atom in enumerate(equation.invars)]
        results = equation.primitive.bind(*operands, **equation.params)
        several = results if equation.primitive.multiple_results else [results]
        known.update(zip(equation.outvars, several, strict=True))
        known[equation.outvars[0]] = read(equation.outvars[0], (number, RESULT))
    (out,) = closed.jaxpr.outvars
    return read(out, (-1, -1))


def _place(equation: JaxprEqn) -> tuple[Any, ...]:
    """Where an equation was written: file, line, columns; equal for turns of an unrolled loop."""
    from jax._src.source_info_util import user_frame  # JAX has no public way

    frame = user_frame(equation.source_info.traceback)
    if frame is None:
        return ()
    where = (frame.start_line, frame.start_column, frame.end_line, frame.end_column)
    return (frame.file_name, *where, equation.primitive.name)


def source(gate: Gate) -> str:
    """The user's expression that a gate stands in, and its line."""
    if not gate.place:
        return "an operation"
    file, first, start, last, end, name = gate.place
    text = getline(file, first).rstrip("\n")
    text = text[start:end].strip() if first == last else text[start:].strip() + " …"
    return f"`{text}` (line {first})" if text else f"{name} (line {first})"
