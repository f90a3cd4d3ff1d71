"""The local mistakes that can be made in one equation: mutation operators.

Each operator looks at one equation where it stands and gives the changes that it can make of it:
another equation with the same results, or a formula in place of its result or of an operand.
Shapes and dtypes of all variables stay as they are.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from types import MappingProxyType
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn, Var, primitives
from jax.extend.core import Literal as Constant

from jw2v.judge.surgery import Formula

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
        "stop_gradient",
        "transpose",
    }
)
"""Operations that compute nothing: what is done to their result can be done to their operand."""
PROBABILITIES = frozenset({"div", "exp", "logistic"})
"""Operations whose result may be a probability p, taken for 1 - p."""


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
    found = {site.first[v]: v for v in reversed(site.scope) if alike(v, atom)}
    found.pop(site.first[atom], None)
    return list(reversed(found.values()))[:OTHERS]


def _result(kind: Kind, what: str, function: Callable[..., Any], *options: Any) -> Change:
    return Change(kind, what, formula=Formula(function, options))


def _of_operand(
    kind: Kind, what: str, at: int, function: Callable[..., Any], *options: Any
) -> Change:
    return Change(kind, what, formula=Formula(function, options), operand=at)


def _with(kind: Kind, what: str, site: Site, **parts: Any) -> Change:
    return Change(kind, what, equation=site.equation.replace(**parts))


# Formulas: of the operands and the result, or of one operand


def _negative(*x: Any) -> Any:
    return -x[-1]


def _times(*x: Any) -> Any:
    return x[-2] * x[-1]


def _minus(*x: Any) -> Any:
    """Last of all the option: the constant, and which side it stands on."""
    y, (constant, first) = x[-2], x[-1]
    return constant - y if first else y - constant


def _only(*x: Any) -> Any:
    *operands, result, at = x
    return jnp.broadcast_to(operands[at], result.shape)


def _only_negated(*x: Any) -> Any:
    return -_only(*x)


def _inverted(*x: Any) -> Any:
    return 1 / _only(*x)


def _ones(*x: Any) -> Any:
    return jnp.ones_like(x[-1])


def _zeros(*x: Any) -> Any:
    return jnp.zeros_like(x[-1])


def _function(*x: Any) -> Any:
    *operands, _, function = x
    return function(*operands)


def _after(*x: Any) -> Any:
    *_, result, function = x
    return function(result)


def _turned(*x: Any) -> Any:
    *_, result, permutation = x
    return jnp.transpose(result, permutation).reshape(result.shape)


def _turned_first(*x: Any) -> Any:
    *_, operand, result = x
    return jnp.transpose(operand).reshape(result.shape)


def _reshaped(*x: Any) -> Any:
    operand, result = x
    return operand.reshape(result.shape)


def _maximum(*x: Any) -> Any:
    operand, _, axes = x
    return jnp.max(operand, axis=axes)


def _total(*x: Any) -> Any:
    operand, _, axes = x
    return jnp.sum(operand, axis=axes)


def _first_along(*x: Any) -> Any:
    operand, _, axes, axis = x
    first = lax.slice_in_dim(operand, 0, 1, axis=axis)
    return jnp.sum(first, axis=axes)


def _identity(x: Any) -> Any:
    return x


# Operators


def _signs(site: Site) -> Iterator[Change]:
    """The result, or an operand that is read elsewhere too, with the other sign."""
    if site.name == "neg":
        yield _result("sign", "neg -> identity", _only, 0)
    elif _computes(site):
        yield _result("sign", "neg", _negative)
    for at in _shared_operands(site):
        yield _of_operand("sign", f"neg of operand {at + 1}", at, _negative)


def _factors(site: Site) -> Iterator[Change]:
    """Twice or half the result, or an operand that is read elsewhere too."""
    for what, factor in (("x2", 2.0), ("x1/2", 0.5)):
        if _computes(site) and site.name != "neg":
            yield _result("factor", what, _times, factor)
        for at in _shared_operands(site):
            yield _of_operand("factor", f"{what} of operand {at + 1}", at, _times, factor)


def _complements(site: Site) -> Iterator[Change]:
    """1 - p for p, p - 1 for p, f(-x) for f(x)."""
    if site.name in PROBABILITIES and is_float(site.equation.outvars[0]):
        yield _result("complement", "1 - y", _minus, (1.0, True))
        yield _result("complement", "y - 1", _minus, (1.0, False))
    if site.name in ("exp", "logistic"):
        what = "sigma(-x)" if site.name == "logistic" else "exp(-x)"
        yield _of_operand("complement", what, 0, _negative)


def _scatters(site: Site) -> Iterator[Change]:
    """Overwriting for adding, and adding for overwriting."""
    params = site.equation.params
    if site.name == "scatter-add":
        parts = {"primitive": primitives.scatter_p, "params": {**params, "update_jaxpr": None}}
        yield _with("scatter", "scatter-add -> scatter", site, **parts)
    if site.name == "scatter":
        added = {**params, "update_jaxpr": _addition(str(site.out.dtype))}
        parts = {"primitive": primitives.scatter_add_p, "params": added}
        yield _with("scatter", "scatter -> scatter-add", site, **parts)


@lru_cache
def _addition(dtype: str) -> Any:
    scalar = jax.ShapeDtypeStruct((), jnp.dtype(dtype))
    with jax.enable_x64(dtype.endswith("64")):
        return jax.make_jaxpr(lax.add)(scalar, scalar).jaxpr


def _missing(site: Site) -> Iterator[Change]:
    """An operand left out: of a sum, a product, a scatter-add or a concatenation."""
    name, operands = site.name, site.operands
    what = [f"drop operand {at + 1} of {name}" for at in range(len(operands))]
    if name in ("add", "add_any", "sub", "mul", "div", "max", "min", "and", "or"):
        left = {"sub": _only_negated, "div": _inverted}.get(name, _only)
        if not _is_neutral(operands[0], name, at=0) and (name != "div" or is_float(operands[0])):
            yield _result("missing", what[0], left, 1)
        if not _is_neutral(operands[1], name, at=1):
            yield _result("missing", what[1], _only, 0)
    if name == "dot_general":
        yield from (_of_operand("missing", what[at], at, _ones) for at in (0, 1))
    if name == "scatter-add":
        yield _of_operand("missing", what[0], 0, _zeros)
        yield _result("missing", what[2], _only, 0)
    if name == "concatenate" and is_float(operands[0]):
        yield from (_of_operand("missing", w, at, _zeros) for at, w in enumerate(what))
    if name in ("not", "clamp", "abs", "sign"):
        yield _result("missing", f"{name} -> identity", _only, int(name == "clamp"))


def _is_neutral(atom: Any, name: str, *, at: int) -> bool:
    """Whether a literal operand does nothing."""
    if not isinstance(atom, Constant):
        return False
    neutral = {"add": 0, "add_any": 0, "mul": 1, "max": -np.inf, "min": np.inf}
    neutral |= {"sub": 0, "div": 1} if at else {}
    return name in neutral and bool(np.all(np.asarray(atom.val) == neutral[name]))


def _swaps(site: Site) -> Iterator[Change]:
    """The operands the other way round, where that makes a difference."""
    name, operands = site.name, list(site.operands)
    at = (1, 2) if name == "select_n" else (0, 1)
    ordered = ("atan2", "concatenate", "div", "ge", "gt", "le", "lt", "pow", "rem", "select_n",
               "sub")  # fmt: skip
    if name in ordered or (name == "dot_general" and not _is_symmetric(site)):
        if len(operands) <= at[1]:
            return
        one, other = operands[at[0]], operands[at[1]]
        if one is not other and alike(one, other):
            operands[at[0]], operands[at[1]] = other, one
            yield _with("swap", f"swap operands of {name}", site, invars=operands)


def _is_symmetric(site: Site) -> bool:
    """Whether a product is the same the other way round: nothing but sums of products."""
    (contract_a, contract_b), (batch_a, batch_b) = site.equation.params["dimension_numbers"]
    a, b = (atom.aval.ndim for atom in site.operands)
    full = len(contract_a) + len(batch_a) == a and len(contract_b) + len(batch_b) == b
    return full and (contract_a, batch_a) == (contract_b, batch_b)


def _operations(site: Site) -> Iterator[Change]:
    """One operation for another of the same type."""
    for other in INSTEAD.get(site.name, ()):
        function = FUNCTIONS[other]
        yield _result("function", f"{site.name} -> {other}", _function, function)
    for other in INSERTED.get(site.name, ()):
        if is_float(site.equation.outvars[0]):
            yield _result("function", f"identity -> {other}", _after, FUNCTIONS[other])
    params = site.equation.params
    if site.name == "integer_pow":
        for power in (params["y"] - 1, params["y"] + 1):
            if power:
                parts = {"params": {**params, "y": power}}
                yield _with("function", f"power {params['y']} -> {power}", site, **parts)
    if "reverse" in params and site.name.startswith("cum"):
        parts = {"params": {**params, "reverse": not params["reverse"]}}
        yield _with("function", f"{site.name} the other way", site, **parts)


def _reductions(site: Site) -> Iterator[Change]:
    """Mean for sum, maximum for sum and back, the first term for the sum."""
    name, operands = site.name, site.operands
    if name in ("reduce_sum", "reduce_max") and is_float(operands[0]):
        axes = tuple(int(axis) for axis in site.equation.params["axes"])
        sizes = {axis: operands[0].aval.shape[axis] for axis in axes}
        if name == "reduce_max":
            yield _result("reduction", "max -> sum", _total, axes)
        elif prod(sizes.values()) > 1:
            yield _result("reduction", "sum -> mean", _times, 1 / prod(sizes.values()))
            yield _result("reduction", "sum -> max", _maximum, axes)
            for axis in (axis for axis in axes if sizes[axis] > 1):
                yield _result("reduction", f"first along axis {axis}", _first_along, axes, axis)
    if name == "dot_general":
        (contracted, _), _ = site.equation.params["dimension_numbers"]
        terms = prod(operands[0].aval.shape[axis] for axis in contracted)
        if terms > 1:
            yield _result("reduction", "sum -> mean", _times, 1 / terms)


def _transposes(site: Site) -> Iterator[Change]:
    """Axes of one size exchanged; entries in the order of the transpose."""
    name, shape = site.name, site.out.shape
    if name in ("reshape", "transpose"):
        operand = site.operands[0].aval
        if name == "transpose":
            yield _result("transpose", "transpose -> reshape", _reshaped)
        elif sum(size > 1 for size in operand.shape) > 1:
            yield _result("transpose", "transpose before reshape", _turned_first)
    elif (_computes(site) or name == "gather") and is_float(site.equation.outvars[0]):
        pairs = ((i, j) for j in range(len(shape)) for i in range(j))
        for i, j in pairs:
            if shape[i] == shape[j] > 1:
                order = list(range(len(shape)))
                order[i], order[j] = j, i
                yield _result("transpose", "transpose", _turned, tuple(order))
        if name == "dot_general" and len(shape) > 1 and shape[-2] != shape[-1] > 1 < shape[-2]:
            order = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
            yield _result("transpose", "transpose, reshaped", _turned, order)
    if name == "dot_general":
        yield from _other_contractions(site)


def _other_contractions(site: Site) -> Iterator[Change]:
    """A product over the other axis of a square operand."""
    (contracted, batch) = site.equation.params["dimension_numbers"]
    for at, operand in enumerate(site.operands):
        taken = {*contracted[at], *batch[at]}
        shape = operand.aval.shape
        for axis in contracted[at]:
            for other in set(range(len(shape))) - taken:
                if shape[other] == shape[axis] and len(shape) - len(taken) == 1:
                    new = tuple(other if a == axis else a for a in contracted[at])
                    both = tuple(new if i == at else contracted[i] for i in (0, 1))
                    params = {**site.equation.params, "dimension_numbers": (both, batch)}
                    what = f"transpose of operand {at + 1} of dot_general"
                    yield _with("transpose", what, site, params=params)


def _variables(site: Site) -> Iterator[Change]:
    """Another variable of the same type in place of an operand; another id."""
    for at, atom in enumerate(site.operands):
        if isinstance(atom, Constant):
            continue
        for other in others(atom, site):
            what = "other variable" if is_float(atom) else "other id"
            invars = [other if i == at else x for i, x in enumerate(site.operands)]
            yield _with("variable", f"{what} for operand {at + 1}", site, invars=invars)


def _constants(site: Site) -> Iterator[Change]:
    """A literal with the other sign or doubled; 0 and 1 exchanged; a slice one further."""
    for at, atom in enumerate(site.operands):
        if isinstance(atom, Constant) and atom.val.dtype != bool:
            for new in _other_values(np.asarray(atom.val).item(), atom.val.dtype):
                literal = Constant(atom.val.dtype.type(new), atom.aval)
                invars = [literal if i == at else x for i, x in enumerate(site.operands)]
                yield _with("constant", f"{atom.val} -> {new:g}", site, invars=invars)
    if site.name == "slice":
        yield from _slices(site)


def _other_values(value: float | int, dtype: Any) -> tuple[float | int, ...]:
    if not np.isfinite(value):
        return ()
    others = (1,) if value == 0 else (0,) * (value == 1) + (-value, 2 * value)
    if jnp.issubdtype(dtype, jnp.integer):
        limits = jnp.iinfo(dtype)
        return tuple(x for x in others if limits.min <= x <= limits.max)
    return others


def _slices(site: Site) -> Iterator[Change]:
    params, shape = site.equation.params, site.operands[0].aval.shape
    for axis, size in enumerate(shape):
        for step in (-1, 1):
            start, limit = (params[k][axis] + step for k in ("start_indices", "limit_indices"))
            if start >= 0 and limit <= size:
                moved = {
                    key: tuple(new if i == axis else x for i, x in enumerate(params[key]))
                    for key, new in (("start_indices", start), ("limit_indices", limit))
                }
                what = f"slice moved by {step:+d} along axis {axis}"
                yield _with("constant", what, site, params={**params, **moved})


def _choices(site: Site) -> Iterator[Change]:
    """One case of a selection always; a comparison that takes in the border, or leaves it out."""
    if site.name == "select_n" and len(site.operands) == 3:
        for case in (0, 1):
            yield _result("choice", f"always case {case}", _only, case + 1)
    border = {"lt": "le", "le": "lt", "gt": "ge", "ge": "gt", "eq": "ne", "ne": "eq"}
    border |= {"and": "or", "or": "and"}
    if site.name in border:
        other = border[site.name]
        primitive = getattr(primitives, f"{other}_p")
        yield _with("choice", f"{site.name} -> {other}", site, primitive=primitive)


def _computes(site: Site) -> bool:
    single = len(site.equation.outvars) == 1
    return single and site.name not in MOVING and is_float(site.equation.outvars[0])


def _shared_operands(site: Site) -> Iterator[int]:
    """Float operands that are read elsewhere too; what is done to others is done to a result."""
    for at, atom in enumerate(site.operands):
        if isinstance(atom, Var) and atom in site.shared and is_float(atom):
            yield at


FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": lax.add,
        "cos": jnp.cos,
        "div": lax.div,
        "exp": jnp.exp,
        "identity": _identity,
        "log": jnp.log,
        "max": lax.max,
        "min": lax.min,
        "mul": lax.mul,
        "sigmoid": jax.nn.sigmoid,
        "sin": jnp.sin,
        "square": jnp.square,
        "sub": lax.sub,
        "tanh": jnp.tanh,
    }
)
INSTEAD: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "add": ("sub",),
        "add_any": ("sub",),
        "cos": ("sin",),
        "div": ("mul",),
        "exp": ("identity",),
        "expm1": ("exp",),
        "log": ("identity",),
        "log1p": ("log",),
        "logistic": ("tanh", "identity"),
        "max": ("min",),
        "min": ("max",),
        "rsqrt": ("identity",),
        "sin": ("cos",),
        "sqrt": ("identity",),
        "square": ("identity",),
        "sub": ("add",),
        "tanh": ("sigmoid", "identity"),
    }
)
INSERTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"dot_general": ("sigmoid",), "sub": ("exp",), "div": ("square",)}
)
"""Functions that may have been forgotten after an operation."""

OPERATORS: tuple[Operator, ...] = (
    _signs,
    _complements,
    _factors,
    _scatters,
    _missing,
    _swaps,
    _operations,
    _reductions,
    _transposes,
    _variables,
    _constants,
    _choices,
)

RETURNED: tuple[tuple[Kind, str, Formula], ...] = (
    ("sign", "neg", Formula(_negative)),
    ("factor", "x2", Formula(_times, (2.0,))),
    ("factor", "x1/2", Formula(_times, (0.5,))),
    ("missing", "zero", Formula(_zeros)),
)
"""Changes of an output."""
