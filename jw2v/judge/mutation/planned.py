"""The edits of a jaxpr before they are made: each knows its family, and makes itself on demand."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from jax.extend.core import ClosedJaxpr, JaxprEqn, Var

from jw2v.judge.mutation.operators import OPERATORS, RETURNED
from jw2v.judge.mutation.sites import Change, Kind, Site, alike, is_float
from jw2v.judge.mutation.surgery import (
    Atom,
    Formula,
    expressions,
    feeding,
    inlined,
    line_of,
    spliced,
    with_equations,
)

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


class Planned(NamedTuple):
    """An edit that is not made yet: most are asked for their family alone."""

    kind: Kind
    make: Callable[[], Edit]

    def __call__(self) -> Edit:
        """Make it."""
        return self.make()


def planned(
    closed: ClosedJaxpr, outputs: Sequence[int] | None, *, start: int = 0
) -> Iterator[Planned]:
    """All edits of a jaxpr in the order of its equations.

    Args:
      closed: a jaxpr; it is inlined first.
      outputs: positions; only what these depend on is changed. None: all.
      start: index of the first equation to change.

    >>> import jax
    >>> {edit.kind for edit in planned(jax.make_jaxpr(abs)(1.0), None)} >= {"sign", "missing"}
    True
    """
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
            yield Planned(change.kind, partial(_changed, closed, index, change))
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


def _planned_within(closed: ClosedJaxpr, index: int) -> Iterator[Planned]:
    """Edits of the bodies of a loop or the branches of a condition."""
    equation = closed.jaxpr.eqns[index]
    params = equation.params
    bodies = BODIES.get(equation.primitive.name)
    if bodies is None:
        return
    several = params[bodies] if bodies == "branches" else (params[bodies],)
    for at, body in enumerate(several):
        for inner in planned(body, None):
            yield Planned(inner.kind, partial(_body_changed, closed, index, at, inner))


def _body_changed(closed: ClosedJaxpr, index: int, at: int, make: Planned) -> Edit:
    equation, inner = closed.jaxpr.eqns[index], make()
    name = BODIES[equation.primitive.name]
    new: Any = inner.jaxpr
    if name == "branches":
        branches = equation.params[name]
        new = tuple(new if i == at else branch for i, branch in enumerate(branches))
    changed = equation.replace(params={**equation.params, name: new})
    return replace(inner, jaxpr=with_equations(closed, index, [changed]), index=index)


def _planned_outputs(
    closed: ClosedJaxpr, wanted: Sequence[int], shared: frozenset[Var]
) -> Iterator[Planned]:
    """What is returned: another output, nothing, or a multiple of what is read elsewhere too."""
    outvars = closed.jaxpr.outvars
    for at in wanted:
        for other in wanted:
            if other > at and alike(outvars[at], outvars[other]):
                exchanged = {at: outvars[other], other: outvars[at]}
                what = f"swap outputs {at + 1} and {other + 1}"
                yield Planned("swap", partial(_returned, closed, "swap", what, exchanged))
        atom = outvars[at]
        owned = isinstance(atom, Var) and atom not in shared and atom not in closed.jaxpr.invars
        for kind, what, formula in RETURNED:
            if is_float(atom) and (kind == "missing" or not owned):
                yield Planned(kind, partial(_output_changed, closed, kind, what, formula, at))


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
