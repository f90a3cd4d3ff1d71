"""A loss with a gate at every use of what its gradient passes through.

The gradient is a sum over the ways from the loss back to the variable. A gate on a use lets the
loss's value through and multiplies what flows back: closed, it cuts all the ways through this use,
and the difference is their term of the gradient. A mirror does the opposite: it turns the sign of
the value and lets the gradient flow, as where σ(x) is written for σ(−x).
"""

from collections.abc import Callable, Iterator, Sequence
from linecache import getline
from typing import Any, NamedTuple

import jax
from jax.extend.core import ClosedJaxpr, JaxprEqn, Var
from jax.extend.core import Literal as Constant

from jw2v.judge.arithmetic.bounds import trace
from jw2v.judge.mutation.surgery import inlined

RESULT = -1
"""In place of an operand: the result of an equation, all its uses together."""
FRAME = 5
"""Parts of a place that say where it is; the last says which operation."""
MIXING = (
    "reduce", "dot", "gather", "scatter", "cum", "concatenate", "dynamic", "scan", "stack", "while",
)  # fmt: skip
"""What operations that are not elementwise start with."""
_NOWHERE: tuple[frozenset[Var], frozenset[Var]] = (frozenset(), frozenset())


class Gate(NamedTuple):
    """Where a gate stands."""

    equation: int
    operand: int  # or RESULT
    axis: int | None  # one for each entry along an axis; None: one for all
    entries: int  # along the axis; 1 without one
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
    >>> len(gated(lambda x: x @ x - jnp.sum(x), (jnp.ones(3),), 0).gates)
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
