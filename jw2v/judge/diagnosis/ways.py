"""The gradient of a loss with some of its gates closed, or some of its values turned."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr
from jax.extend.core import Literal as Constant

from jw2v.judge.arithmetic.bounds import trace
from jw2v.judge.arithmetic.values import values
from jw2v.judge.compare import Points
from jw2v.judge.diagnosis.gates import RESULT, Gate, Gated, Setting
from jw2v.judge.mutation.surgery import inlined

MOST_NUMBERS = 2_000_000
"""Evaluated at once, in the largest array."""


@jax.custom_vjp
def _gate(x: Any, backward: Any) -> Any:
    return x


_gate.defvjp(lambda x, backward: (x, backward), lambda b, ct: (b * ct, b * 0))


@jax.custom_vjp
def _mirror(x: Any, forward: Any) -> Any:
    return forward * x


_mirror.defvjp(lambda x, forward: (forward * x, forward), lambda f, ct: (ct, f * 0))


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

    >>> from jw2v.judge.diagnosis.gates import gated
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
        parts.append(_evaluated(outer, rows, points))
    return np.concatenate(parts)


def _evaluated(fn: Callable[..., Any], rows: tuple[np.ndarray, ...], points: Points) -> np.ndarray:
    flat = (*rows, *points)
    closed = trace(lambda *x: fn(x[: len(rows)], *x[len(rows) :]), flat)
    return values(inlined(closed), flat)[0]


def _tables(
    loss: Gated, used: Sequence[int], settings: Sequence[Setting], factor: float
) -> list[np.ndarray]:
    """For each gate its factor by setting: `[settings, 1 … count … 1]`."""
    tables = {gate: np.ones((len(settings), loss.gates[gate].entries)) for gate in used}
    for row, setting in enumerate(settings):
        for gate, entry in setting:
            tables[gate][row, entry] = factor
    return [
        tables[gate].reshape(
            len(settings),
            *(loss.gates[gate].entries if i == loss.gates[gate].axis else 1
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
