"""A function that was forgotten, or an operation in another's place: edits that mutants need not.

In front of a use, or of all uses, of what an expression computes, a function is tried that a person
may have left out: the square of 1 − h², the root of a variance, the normaliser of a softmax.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import ClosedJaxpr, Var
from jax.extend.core import Literal as Constant

from jw2v.judge.mutation.surgery import Formula, inlined, line_of, renamed, spliced, with_equations


class Insertion(NamedTuple):
    """A jaxpr with a function more, or another operation."""

    jaxpr: ClosedJaxpr
    what: str
    line: str | None


def insertions(closed: ClosedJaxpr) -> Iterator[Insertion]:
    """Every function of every variable for all its uses, then for each; operations; factors.

    >>> found = insertions(jax.make_jaxpr(lambda x: 2.0 * x)(1.0))
    >>> [insertion.what for insertion in found][:2]
    ['square of an argument', 'square after mul']
    """
    closed = inlined(closed)
    for name, function in FUNCTIONS.items():
        yield from _of_variables(closed, name, Formula(function))
    yield from _operations(closed)
    for name, function in FUNCTIONS.items():
        yield from _of_uses(closed, name, Formula(function))
    for name, function in FACTORS.items():
        yield from _factors(closed, name, Formula(function))


def _of_variables(closed: ClosedJaxpr, name: str, formula: Formula) -> Iterator[Insertion]:
    jaxpr = closed.jaxpr
    if not jaxpr.eqns:
        return
    first = jaxpr.eqns[0]
    for variable in filter(_is_float, jaxpr.invars):
        *new, atom = spliced(formula, [variable], first)
        here = first.replace(invars=[renamed(x, {variable: atom}) for x in first.invars])
        whole = with_equations(closed, 0, [*new, here], {variable: atom})
        yield Insertion(whole, f"{name} of an argument", None)
    for index, equation in enumerate(jaxpr.eqns):
        for variable in filter(_is_float, equation.outvars):
            *new, atom = spliced(formula, [variable], equation)
            whole = with_equations(closed, index, [equation, *new], {variable: atom})
            what = f"{name} after {equation.primitive.name}"
            yield Insertion(whole, what, line_of(equation))


def _of_uses(closed: ClosedJaxpr, name: str, formula: Formula) -> Iterator[Insertion]:
    for index, equation in enumerate(closed.jaxpr.eqns):
        for at, operand in enumerate(equation.invars):
            if isinstance(operand, Constant) or not _is_float(operand):
                continue
            *new, atom = spliced(formula, [operand], equation)
            invars = [atom if i == at else x for i, x in enumerate(equation.invars)]
            whole = with_equations(closed, index, [*new, equation.replace(invars=invars)])
            what = f"{name} of operand {at + 1} of {equation.primitive.name}"
            yield Insertion(whole, what, line_of(equation))


def _operations(closed: ClosedJaxpr) -> Iterator[Insertion]:
    """One operation of arithmetic for another."""
    for index, equation in enumerate(closed.jaxpr.eqns):
        name = equation.primitive.name
        if name not in ARITHMETIC or not _is_float(equation.outvars[0]):
            continue
        for other, function in ARITHMETIC.items():
            if other != name:
                *new, atom = spliced(Formula(function), equation.invars, equation)
                names: dict[Var, Any] = {equation.outvars[0]: atom}
                whole = with_equations(closed, index, new, names)
                yield Insertion(whole, f"{name} -> {other}", line_of(equation))


def _factors(closed: ClosedJaxpr, name: str, formula: Formula) -> Iterator[Insertion]:
    """A result times another variable that is known, or times a derivative at it."""
    known = [*filter(_is_float, closed.jaxpr.invars)]
    for index, equation in enumerate(closed.jaxpr.eqns):
        for result in filter(_is_float, equation.outvars):
            for variable in known:
                if variable.aval.shape == result.aval.shape:
                    *new, atom = spliced(formula, [result, variable], equation)
                    whole = with_equations(closed, index, [equation, *new], {result: atom})
                    what = f"{equation.primitive.name} times {name} a variable"
                    yield Insertion(whole, what, line_of(equation))
            known.append(result)


def _is_float(atom: Any) -> bool:
    return bool(jnp.issubdtype(atom.aval.dtype, jnp.floating))


def _normalised(x: Any) -> Any:
    return x / jnp.sum(x, axis=-1, keepdims=True) if x.ndim else x


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "square": jnp.square,
    "sqrt": jnp.sqrt,
    "exp": jnp.exp,
    "log": jnp.log,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "reciprocal": jnp.reciprocal,
    "normalisation": _normalised,
}
FACTORS: Mapping[str, Callable[..., Any]] = {
    "": lambda y, x: y * x,
    "tanh' of": lambda y, h: y * (1 - h * h),
    "sigma' of": lambda y, s: y * s * (1 - s),
}
"""What a result may lack: a variable, or an activation's derivative, of its value."""
ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "add": lax.add,
    "sub": lax.sub,
    "mul": lax.mul,
    "div": lax.div,
}
