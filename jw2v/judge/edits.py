"""Edits of a jaxpr: forwards, mutants of a right gradient; backwards, repairs of a wrong one.

A mistake that a person makes is often one local change of a right expression, so the change that
undoes it names the mistake and its line.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn, Var

from jw2v.judge.operators import OPERATORS, RETURNED, Change, Kind, Site, alike, is_float
from jw2v.judge.surgery import (
    Atom,
    Formula,
    expressions,
    feeding,
    inlined,
    line_of,
    spliced,
    with_equations,
)

__all__ = ["Edit", "edits", "inlined", "repairs", "two_edits"]

LIKELY: frozenset[Kind] = frozenset(
    {"sign", "complement", "factor", "scatter", "missing", "swap", "reduction", "transpose"}
)
"""The families of which a search for two edits tries all pairs first."""
BODIES: Mapping[str, str] = MappingProxyType(
    {"scan": "jaxpr", "while": "body_jaxpr", "cond": "branches"}
)
"""Operations that are not inlined, and the parameter with the jaxprs they run."""


@dataclass(frozen=True)
class Edit:
    """A jaxpr with one change, or two.

    Attributes:
      jaxpr: the whole, inlined and changed; of the same type.
      what: the change in words.
      kind: its family.
      operation: what was changed: an operation's name, or "output".
      line: the user's line of it, "file:line"; None where it is not known.
      index: of the changed equation; the number of equations for an output.
      before: the edit that was made before this one, where there are two.
    """

    jaxpr: ClosedJaxpr
    what: str
    kind: Kind
    operation: str
    line: str | None
    index: int
    before: "Edit | None" = None

    def __str__(self) -> str:
        """The change, or both, with operation and line."""
        place = f"{self.operation}, {self.line}" if self.line else self.operation
        own = f"{self.what} ({place})"
        return f"{self.before} and {own}" if self.before else own


def edits(closed: ClosedJaxpr, *, outputs: Sequence[int] | None = None) -> Iterator[Edit]:
    """All changes of one equation, or of what is returned.

    Inner jaxprs of calls are inlined first, so that edits reach them.

    Args:
      closed: a jaxpr.
      outputs: positions; only what these depend on is changed. None: all.

    Yields:
      Edits in the order of the equations.

    >>> import jax, jax.numpy as jnp
    >>> jaxpr = jax.make_jaxpr(lambda x: jnp.sin(x))(1.0)
    >>> [edit.what for edit in edits(jaxpr)]
    ['neg', 'x2', 'x1/2', 'sin -> cos', 'zero of output 1']
    """
    yield from (make() for make in _planned(closed, outputs))


def two_edits(closed: ClosedJaxpr, *, count: int, seed: int = 0) -> Iterator[Edit]:
    """A sample of edits of edits; the second may undo the first.

    >>> import jax
    >>> jaxpr = jax.make_jaxpr(lambda x: 3 * x)(1.0)
    >>> print(next(two_edits(jaxpr, count=1)))
    3.0 -> 6 (mul, ...) and 6.0 -> -6 (mul, ...)
    """
    rng = np.random.default_rng(seed)
    firsts = list(_planned(closed, None))
    for _ in range(count if firsts else 0):
        first = firsts[rng.integers(len(firsts))]()
        seconds = list(_planned(first.jaxpr, None))
        if seconds:
            yield replace(seconds[rng.integers(len(seconds))](), before=first)


def repairs(
    closed: ClosedJaxpr,
    truth_at: Callable[[ClosedJaxpr], bool],
    *,
    depth: int = 2,
    seconds: float = 4.0,
    outputs: Sequence[int] | None = None,
) -> list[Edit]:
    """Edits that make a jaxpr agree with the truth.

    Args:
      closed: the jaxpr of a wrong gradient.
      truth_at: whether an edited jaxpr agrees with the truth, at points of the caller's.
      depth: 1, or 2 to try two edits where no single one repairs.
      seconds: after which the search ends with what it has.
      outputs: positions of the wrong outputs; only what these depend on is changed. None: all.

    Returns:
      All single edits that repair, the likelier families first; where there is none, the first two
      edits that do; empty where there is none either, or time is up.

    >>> import jax, numpy as np
    >>> from jw2v.judge.bounds import evaluate
    >>> jaxpr = jax.make_jaxpr(lambda x, y: x - y)(1.0, 1.0)
    >>> found = repairs(jaxpr, lambda j: evaluate(j, (2.0, 3.0))[0].value == 5)
    >>> [edit.what for edit in found]
    ['sub -> add']
    """
    end = time.monotonic() + seconds
    singles = sorted(edits(closed, outputs=outputs), key=lambda edit: edit.kind not in LIKELY)
    found = [edit for edit in _while_time(singles, end) if truth_at(edit.jaxpr)]
    if found or depth < 2:
        return found
    pairs = _while_time(_pairs(singles, outputs), end)
    return next(([pair] for pair in pairs if truth_at(pair.jaxpr)), [])


def _while_time(candidates: Iterable[Edit], end: float) -> Iterator[Edit]:
    for candidate in candidates:
        if time.monotonic() > end:
            return
        yield candidate


def _pairs(singles: Sequence[Edit], outputs: Sequence[int] | None) -> Iterator[Edit]:
    """Two edits, the earlier equation's first; pairs of two likely ones before all others."""
    for likely in (True, False):
        for first in singles:
            if likely and first.kind not in LIKELY:
                continue
            for make in _planned(first.jaxpr, outputs, start=first.index):
                if (first.kind in LIKELY and make.kind in LIKELY) == likely:
                    yield replace(make(), before=first)


class _Planned(NamedTuple):
    """An edit that is not made yet: most are asked for their family alone."""

    kind: Kind
    make: Callable[[], Edit]

    def __call__(self) -> Edit:
        return self.make()


def _planned(
    closed: ClosedJaxpr, outputs: Sequence[int] | None, *, start: int = 0
) -> Iterator[_Planned]:
    closed = inlined(closed)
    wanted = range(len(closed.jaxpr.outvars)) if outputs is None else outputs
    fed = feeding(closed, wanted)
    inputs = (*closed.jaxpr.invars, *closed.jaxpr.constvars)
    shared, first = _shared(closed), expressions(closed)
    for index, equation in enumerate(closed.jaxpr.eqns):
        if index < start or index not in fed:
            continue
        earlier = (v for e in reversed(closed.jaxpr.eqns[:index]) for v in e.outvars)
        site = Site(equation, (*inputs, *earlier), shared, first)
        for change in (change for operator in OPERATORS for change in operator(site)):
            yield _Planned(change.kind, partial(_changed, closed, index, change))
        yield from _planned_within(closed, index)
    yield from _planned_outputs(closed, wanted, shared)


def _shared(closed: ClosedJaxpr) -> frozenset[Var]:
    """Variables that are read more than once, by equations or as outputs."""
    read = [atom for e in closed.jaxpr.eqns for atom in e.invars] + list(closed.jaxpr.outvars)
    counts = Counter(atom for atom in read if isinstance(atom, Var))
    return frozenset(v for v, count in counts.items() if count > 1)


def _changed(closed: ClosedJaxpr, index: int, change: Change) -> Edit:
    equation = closed.jaxpr.eqns[index]
    names: dict[Var, Atom] = {}
    if change.formula is None:
        assert change.equation is not None
        equations = [change.equation]
    elif change.operand is None:
        result = equation.outvars[0]
        *new, names[result] = spliced(change.formula, [*equation.invars, result], equation)
        is_read = any(atom is result for e in new for atom in e.invars)
        equations = [equation, *new] if is_read or names[result] is result else new
    else:
        operand = equation.invars[change.operand]
        *new, atom = spliced(change.formula, [operand], equation)
        invars = [atom if i == change.operand else x for i, x in enumerate(equation.invars)]
        equations = [*new, equation.replace(invars=invars)]
    whole = with_equations(closed, index, equations, names)
    return _edit(whole, change.what, change.kind, equation, index)


def _edit(whole: ClosedJaxpr, what: str, kind: Kind, equation: JaxprEqn, index: int) -> Edit:
    return Edit(whole, what, kind, equation.primitive.name, line_of(equation), index)


def _planned_within(closed: ClosedJaxpr, index: int) -> Iterator[_Planned]:
    """Edits of the bodies of a loop or the branches of a condition."""
    equation = closed.jaxpr.eqns[index]
    params = equation.params
    bodies = BODIES.get(equation.primitive.name)
    if bodies is None:
        return
    several = params[bodies] if bodies == "branches" else (params[bodies],)
    for at, body in enumerate(several):
        for planned in _planned(body, None):
            yield _Planned(planned.kind, partial(_body_changed, closed, index, at, planned))


def _body_changed(closed: ClosedJaxpr, index: int, at: int, planned: _Planned) -> Edit:
    equation, inner = closed.jaxpr.eqns[index], planned()
    name = BODIES[equation.primitive.name]
    new: Any = inner.jaxpr
    if name == "branches":
        branches = equation.params[name]
        new = tuple(new if i == at else branch for i, branch in enumerate(branches))
    changed = equation.replace(params={**equation.params, name: new})
    return replace(inner, jaxpr=with_equations(closed, index, [changed]), index=index)


def _planned_outputs(
    closed: ClosedJaxpr, wanted: Sequence[int], shared: frozenset[Var]
) -> Iterator[_Planned]:
    """What is returned: another output, nothing, or a multiple of what is read elsewhere too."""
    outvars = closed.jaxpr.outvars
    for at in wanted:
        for other in wanted:
            if other > at and alike(outvars[at], outvars[other]):
                exchanged = {at: outvars[other], other: outvars[at]}
                what = f"swap outputs {at + 1} and {other + 1}"
                yield _Planned("swap", partial(_returned, closed, "swap", what, exchanged))
        atom = outvars[at]
        owned = isinstance(atom, Var) and atom not in shared and atom not in closed.jaxpr.invars
        for kind, what, formula in RETURNED:
            if is_float(atom) and (kind == "missing" or not owned):
                yield _Planned(kind, partial(_output_changed, closed, kind, what, formula, at))


def _output_changed(closed: ClosedJaxpr, kind: Kind, what: str, formula: Formula, at: int) -> Edit:
    *new, atom = spliced(formula, [closed.jaxpr.outvars[at]])
    return _returned(closed, kind, f"{what} of output {at + 1}", {at: atom}, new)


def _returned(
    closed: ClosedJaxpr,
    kind: Kind,
    what: str,
    changed: Mapping[int, Atom],
    more: Sequence[JaxprEqn] = (),
) -> Edit:
    outvars: list[Any] = [changed.get(i, atom) for i, atom in enumerate(closed.jaxpr.outvars)]
    jaxpr = closed.jaxpr.replace(eqns=[*closed.jaxpr.eqns, *more], outvars=outvars)
    end = len(closed.jaxpr.eqns)
    return Edit(ClosedJaxpr(jaxpr, closed.consts), what, kind, "output", None, end)
