"""Where a change can be made in a jaxpr, and what a change is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
from jax.extend.core import JaxprEqn, Var

from jw2v.judge.mutation.surgery import Formula

Kind = Literal[
    "sign",
    "complement",
    "factor",
    "scatter",
    "missing",
    "swap",
    "reduction",
    "transpose",
    "function",
    "variable",
    "constant",
    "choice",
]
"""Families of changes, the likelier slips first."""

OTHERS = 2  # variables that are tried in place of an operand
MOVING = frozenset(
    {
        "broadcast_in_dim",
        "concatenate",
        "convert_element_type",
        "copy",
        "device_put",
        "dynamic_slice",
        "expand_dims",
        "gather",
        "iota",
        "optimization_barrier",
        "pad",
        "reshape",
        "rev",
        "slice",
        "split",
        "squeeze",
        "stack",
        "stop_gradient",
        "tile",
        "transpose",
        "unstack",
    }
)
"""Operations that compute nothing: what is done to their result can be done to their operand."""


@dataclass(frozen=True)
class Change:
    """A change of one equation.

    Attributes:
      kind: its family.
      what: in words.
      equation: the equation in its place, with the same results; or
      formula: of the operands and the result, the new result; or of an operand, the new operand.
      operand: position of that operand; None where the formula is of the result.
    """

    kind: Kind
    what: str
    equation: JaxprEqn | None = None
    formula: Formula | None = None
    operand: int | None = None


@dataclass(frozen=True)
class Site:
    """An equation where it stands.

    Attributes:
      equation: it.
      scope: variables that are known before it, the function's own arguments first, then the
        nearest.
      shared: variables that are read more than once.
      first: each variable to the first one of the same expression.
    """

    equation: JaxprEqn
    scope: tuple[Var, ...]
    shared: frozenset[Var]
    first: Mapping[Var, Var]

    @property
    def name(self) -> str:
        """Of the operation."""
        return self.equation.primitive.name

    @property
    def operands(self) -> tuple[Any, ...]:
        """What the equation reads."""
        return tuple(self.equation.invars)

    @property
    def out(self) -> Any:
        """The type of the first result."""
        return self.equation.outvars[0].aval


Operator = Callable[[Site], Iterator[Change]]


def is_float(atom: Any) -> bool:
    """Whether an atom of a jaxpr is of floats."""
    return bool(jnp.issubdtype(atom.aval.dtype, jnp.floating))


def alike(one: Any, other: Any) -> bool:
    """Whether two atoms have one shape and dtype."""
    return one.aval.shape == other.aval.shape and one.aval.dtype == other.aval.dtype


def others(atom: Var, site: Site) -> list[Var]:
    """Variables of other expressions that could stand in a variable's place."""
    found: dict[Var, Var] = {}
    for variable in site.scope:
        if alike(variable, atom):
            found.setdefault(site.first[variable], variable)
    found.pop(site.first[atom], None)
    return list(found.values())[:OTHERS]


def computes(site: Site) -> bool:
    """Whether the equation computes floats, one array of them."""
    single = len(site.equation.outvars) == 1
    return single and site.name not in MOVING and is_float(site.equation.outvars[0])


def shared_operands(site: Site) -> Iterator[int]:
    """Float operands that are read elsewhere too; what is done to others is done to a result."""
    for at, atom in enumerate(site.operands):
        if isinstance(atom, Var) and atom in site.shared and is_float(atom):
            yield at


def of_result(kind: Kind, what: str, function: Callable[..., Any], *options: Any) -> Change:
    """A change of an equation's result."""
    return Change(kind, what, formula=Formula(function, options))


def of_operand(
    kind: Kind, what: str, at: int, function: Callable[..., Any], *options: Any
) -> Change:
    """A change of what an equation reads at a position."""
    return Change(kind, what, formula=Formula(function, options), operand=at)


def of_equation(kind: Kind, what: str, site: Site, **parts: Any) -> Change:
    """A change of an equation's parts: its operands, its operation or its parameters."""
    return Change(kind, what, equation=site.equation.replace(**parts))
