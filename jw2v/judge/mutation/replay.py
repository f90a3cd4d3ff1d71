"""Edits of a jaxpr evaluated only where they differ: thousands of them, in NumPy, in seconds."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from jw2v.judge.arithmetic.bounds import ARITHMETIC, Arithmetic, evaluate
from jw2v.judge.arithmetic.rules import Bounded
from jw2v.judge.mutation.surgery import inlined

ONE_BY_ONE = 6
"""Equations after which an edit that still makes a difference is evaluated as a whole."""

Values = dict[Var, Bounded]


class Replay:
    """A jaxpr at points, every variable of it known.

    Args:
      closed: the jaxpr that edits are made of.
      points: arguments, one tuple a point.
      arithmetic: what is assumed of roundings.

    >>> import jax
    >>> from jw2v.judge.mutation.edits import edits
    >>> replay = Replay(jax.make_jaxpr(lambda x: 2 * x + 1)(1.0), [(3.0,)])
    >>> edit = next(e for e in edits(replay.closed) if e.what == "add -> sub")
    >>> float(replay.original(0)[0].value)
    7.0
    >>> [float(out[0].value) for out in replay.outputs(edit.jaxpr)]
    [5.0]
    """

    def __init__(
        self,
        closed: ClosedJaxpr,
        points: Sequence[tuple[Any, ...]],
        *,
        arithmetic: Arithmetic = ARITHMETIC,
    ) -> None:
        self.closed = inlined(closed)
        self.arithmetic = arithmetic
        jaxpr = self.closed.jaxpr
        self._own = {id(equation) for equation in jaxpr.eqns}
        self._variables = [
            *jaxpr.invars,
            *jaxpr.constvars,
            *(v for e in jaxpr.eqns for v in e.outvars),
        ]
        self._every = ClosedJaxpr(jaxpr.replace(outvars=self._variables), self.closed.consts)
        self._debug_info = jaxpr.debug_info.with_unknown_names()
        self._points = points
        self._known: dict[int, Values] = {}

    def __len__(self) -> int:
        return len(self._points)

    def original(self, point: int) -> list[Bounded]:
        """The outputs of the jaxpr itself, at the point of this number."""
        return self.follow(self.closed)(point)

    def outputs(self, edited: ClosedJaxpr) -> Iterator[list[Bounded]]:
        """The outputs of an edit of the jaxpr, or of an edit of an edit, point by point."""
        return map(self.follow(edited), range(len(self)))

    def follow(self, edited: ClosedJaxpr) -> Callable[[int], list[Bounded]]:
        """The outputs of an edit as a function of the number of the point."""
        equations = self._that_differ(edited.jaxpr.eqns, ())
        outvars = edited.jaxpr.outvars

        def at(point: int) -> list[Bounded]:
            return self._returned(equations, outvars, self._at(point))

        return at

    def _returned(
        self, equations: Sequence[JaxprEqn], outvars: Sequence[Any], known: Values
    ) -> list[Bounded]:
        """The outputs: an edit of an index, say, may make no difference a few equations on."""
        changed: Values = {}
        for _ in range(ONE_BY_ONE):
            if not equations:
                break
            first, *rest = equations
            results = self._run([first], first.outvars, changed, known)
            for variable, result in zip(first.outvars, results, strict=True):
                if variable not in known or not _identical(result, known[variable]):
                    changed[variable] = result
            equations = self._that_differ(rest, changed)
        return self._run(equations, outvars, changed, known)

    def _run(
        self,
        equations: Sequence[JaxprEqn],
        outvars: Sequence[Any],
        changed: Values,
        known: Values,
    ) -> list[Bounded]:
        """Outputs of some of the equations, from what they read of the others."""
        made = {v for e in equations for v in e.outvars}
        read = [*(atom for e in equations for atom in e.invars), *outvars]
        operands = list({v: v for v in read if not isinstance(v, Literal) and v not in made})
        part = Jaxpr([], operands, outvars, equations, debug_info=self._debug_info)
        values = [changed[v] if v in changed else known[v] for v in operands]
        return evaluate(ClosedJaxpr(part, ()), values, arithmetic=self.arithmetic)

    def _at(self, point: int) -> Values:
        """Every variable at a point, once it is asked for."""
        if point not in self._known:
            values = evaluate(self._every, self._points[point], arithmetic=self.arithmetic)
            self._known[point] = dict(zip(self._variables, values, strict=True))
        return self._known[point]

    def _that_differ(
        self, equations: Iterable[JaxprEqn], changed: Collection[Var]
    ) -> list[JaxprEqn]:
        """Those that are not the original's, or read what may have changed."""
        found, differ = [], set(changed)
        for equation in equations:
            read = (atom for atom in equation.invars if isinstance(atom, Var))
            if id(equation) not in self._own or not differ.isdisjoint(read):
                found.append(equation)
                differ.update(equation.outvars)
        return found


def _identical(one: Bounded, other: Bounded) -> bool:
    return np.array_equal(one.value, other.value) and np.array_equal(one.error, other.error)
