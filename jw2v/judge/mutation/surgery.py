"""Jaxprs taken apart and put together again: inlined, pruned, one equation changed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from jw2v.jaxprs import CALLS

JAX_HOME = str(Path(jax.__file__).parent)
Atom = Var | Literal


class Formula(NamedTuple):
    """A function of arrays, by name and options, so that its jaxpr is traced once for all."""

    function: Callable[..., Any]  # `function(*arrays, *options)`, one array
    options: tuple[Any, ...] = ()


def inlined(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The same function without calls of inner jaxprs, and without what nobody reads.

    Equations of a function of JAX's own have the line that called it; equations that need no
    change stay the same objects.

    >>> f = jax.jit(lambda x: (x + 1, x * 2))
    >>> jaxpr = jax.make_jaxpr(lambda x: f(x)[1])(1.0)
    >>> [e.primitive.name for e in inlined(jaxpr).eqns]
    ['mul']
    """
    inlining = _Inlining(closed)
    results = inlining.follow(closed.jaxpr, {}, None, fresh=False)
    jaxpr = closed.jaxpr.replace(
        constvars=inlining.constvars, outvars=results, eqns=inlining.equations
    )
    return pruned(ClosedJaxpr(jaxpr, inlining.consts))


class _Inlining:
    """The equations and constants found so far."""

    def __init__(self, closed: ClosedJaxpr) -> None:
        self.equations: list[JaxprEqn] = []
        self.constvars = list(closed.jaxpr.constvars)
        self.consts = list(closed.consts)

    def follow(
        self, jaxpr: Jaxpr, names: dict[Var, Atom], source: Any, *, fresh: bool = True
    ) -> list[Atom]:
        """Appends the equations; returns what the jaxpr's results are called here."""
        for equation in jaxpr.eqns:
            operands = [renamed(atom, names) for atom in equation.invars]
            called = _called(equation)
            if called is not None:
                results = self._call(called, operands, source or _source(equation, called))
                names.update(zip(equation.outvars, results, strict=True))
                continue
            if fresh:  # an inner jaxpr may be called twice
                names.update((v, Var(v.aval)) for v in equation.outvars)
            elif operands == equation.invars:
                self.equations.append(equation)
                continue
            outvars: Any = [names.get(v, v) for v in equation.outvars]
            written = source or equation.source_info
            self.equations.append(
                equation.replace(invars=operands, outvars=outvars, source_info=written)
            )
        return [renamed(atom, names) for atom in jaxpr.outvars]

    def _call(self, called: ClosedJaxpr, operands: Sequence[Atom], source: Any) -> list[Atom]:
        constvars = [Var(v.aval) for v in called.jaxpr.constvars]
        self.constvars += constvars
        self.consts += called.consts
        names: dict[Var, Atom] = dict(zip(called.jaxpr.constvars, constvars, strict=True))
        names.update(zip(called.jaxpr.invars, operands, strict=True))
        return self.follow(called.jaxpr, names, source)


def _called(equation: JaxprEqn) -> ClosedJaxpr | None:
    if equation.primitive.name not in CALLS:
        return None
    inner = next(equation.params[k] for k in ("jaxpr", "call_jaxpr") if k in equation.params)
    return inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())


def _source(call: JaxprEqn, called: ClosedJaxpr) -> Any:
    """The call's line for functions of JAX's own; None where the inner lines are the user's."""
    written = str(called.jaxpr.debug_info.func_src_info)
    return call.source_info if JAX_HOME in written else None


def renamed(atom: Any, names: Mapping[Var, Atom]) -> Any:
    """What an atom is called under new names."""
    return names.get(atom, atom) if isinstance(atom, Var) else atom


def pruned(closed: ClosedJaxpr) -> ClosedJaxpr:
    """Without the equations whose results nobody reads.

    >>> jaxpr = jax.make_jaxpr(lambda x: (x + 1, x * 2)[1])(1.0)
    >>> len(jaxpr.eqns), len(pruned(jaxpr).eqns)
    (2, 1)
    """
    kept = feeding(closed, range(len(closed.jaxpr.outvars)))
    equations = [e for i, e in enumerate(closed.jaxpr.eqns) if i in kept]
    return ClosedJaxpr(closed.jaxpr.replace(eqns=equations), closed.consts)


def feeding(closed: ClosedJaxpr, outputs: Sequence[int]) -> set[int]:
    """The equations that some of the outputs depend on, by index.

    >>> jaxpr = jax.make_jaxpr(lambda x: (x + 1, x * 2))(1.0)
    >>> feeding(jaxpr, [1])
    {1}
    """
    needed = {closed.jaxpr.outvars[i] for i in outputs if isinstance(closed.jaxpr.outvars[i], Var)}
    found = set()
    for index in reversed(range(len(closed.jaxpr.eqns))):
        equation = closed.jaxpr.eqns[index]
        if not needed.isdisjoint(equation.outvars):
            found.add(index)
            needed.update(atom for atom in equation.invars if isinstance(atom, Var))
    return found


def expressions(closed: ClosedJaxpr) -> dict[Var, Var]:
    """Each variable to the first one that is computed by the same expression.

    >>> jaxpr = jax.make_jaxpr(lambda x: (x + 1, x * 2, x + 1))(1.0)
    >>> first = expressions(jaxpr)
    >>> [jaxpr.jaxpr.outvars.index(first[v]) for v in jaxpr.jaxpr.outvars]
    [0, 1, 0]
    """
    first: dict[Var, Var] = {v: v for v in (*closed.jaxpr.invars, *closed.jaxpr.constvars)}
    known: dict[tuple[Any, ...], list[JaxprEqn]] = {}
    for equation in closed.jaxpr.eqns:
        read = tuple(
            first[atom] if isinstance(atom, Var) else (str(atom.val), atom.aval)
            for atom in equation.invars
        )
        alike = known.setdefault((equation.primitive, read), [])
        earlier = next((e for e in alike if e.params == equation.params), equation)
        alike.append(equation)
        first.update(zip(equation.outvars, (first.get(v, v) for v in earlier.outvars), strict=True))
    return first


def spliced(
    formula: Formula, operands: Sequence[Any], like: JaxprEqn | None = None
) -> Iterator[Any]:
    """The equations that compute a formula of atoms, and last the atom of its result.

    Args:
      formula: the formula.
      operands: its arrays, as atoms.
      like: the equation whose line they have.
    """
    avals = tuple((tuple(atom.aval.shape), str(atom.aval.dtype)) for atom in operands)
    traced = _traced(formula, avals)
    names: dict[Var, Atom] = dict(zip(traced.jaxpr.invars, operands, strict=True))
    for equation in traced.jaxpr.eqns:
        invars = [renamed(atom, names) for atom in equation.invars]
        names.update((v, Var(v.aval)) for v in equation.outvars)
        outvars: Any = [names[v] for v in equation.outvars]
        source = like.source_info if like else equation.source_info
        yield equation.replace(invars=invars, outvars=outvars, source_info=source)
    yield renamed(traced.jaxpr.outvars[0], names)


@lru_cache(maxsize=4096)
def _traced(formula: Formula, avals: tuple[tuple[tuple[int, ...], str], ...]) -> ClosedJaxpr:
    wide = any(dtype.endswith("64") for _, dtype in avals)
    with jax.enable_x64(wide):
        shapes = [jax.ShapeDtypeStruct(shape, jnp.dtype(dtype)) for shape, dtype in avals]
        traced = jax.make_jaxpr(lambda *arrays: formula.function(*arrays, *formula.options))(
            *shapes
        )
    assert not traced.consts, "constants of a formula are scalars"
    return inlined(traced)


def with_equations(
    closed: ClosedJaxpr,
    index: int,
    equations: Sequence[JaxprEqn],
    names: Mapping[Var, Atom] | None = None,
) -> ClosedJaxpr:
    """The equation at an index replaced by others, and results renamed in all that follows."""
    names = names or {}
    jaxpr = closed.jaxpr
    rest = [_with_names(e, names) for e in jaxpr.eqns[index + 1 :]]
    outvars = [renamed(atom, names) for atom in jaxpr.outvars]
    changed = jaxpr.replace(eqns=[*jaxpr.eqns[:index], *equations, *rest], outvars=outvars)
    return ClosedJaxpr(changed, closed.consts)


def _with_names(equation: JaxprEqn, names: Mapping[Var, Atom]) -> JaxprEqn:
    if any(isinstance(atom, Var) and atom in names for atom in equation.invars):
        return equation.replace(invars=[renamed(atom, names) for atom in equation.invars])
    return equation


def line_of(equation: JaxprEqn) -> str | None:
    """The user's line of an equation, "file:line"; None where it is not known.

    >>> line_of(jax.make_jaxpr(lambda x: x + 1)(1.0).eqns[0])
    '<doctest ...:1'
    """
    from jax._src.source_info_util import user_frame  # JAX has no public way

    frame = user_frame(equation.source_info.traceback)
    return None if frame is None else f"{frame.file_name}:{frame.start_line}"
