"""The local mistakes that can be made in one equation: mutation operators.

Each operator looks at one equation where it stands and gives the changes that it can make of it:
another equation with the same results, or a formula in place of its result or of an operand.
Shapes and dtypes of all variables stay as they are.
"""

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from jw2v.judge.mutation import formulas
from jw2v.judge.mutation.formulas import FUNCTIONS, INSERTED, INSTEAD
from jw2v.judge.mutation.rewiring import REWIRING
from jw2v.judge.mutation.sites import (
    Change,
    Kind,
    Operator,
    Site,
    alike,
    computes,
    is_float,
    of_equation,
    of_operand,
    of_result,
    shared_operands,
)
from jw2v.judge.mutation.surgery import Formula

PROBABILITIES = frozenset({"div", "exp", "logistic"})
"""Operations whose result may be a probability p, taken for 1 - p."""


def _signs(site: Site) -> Iterator[Change]:
    """The result, or an operand that is read elsewhere too, with the other sign."""
    if site.name == "neg":
        yield of_result("sign", "neg -> identity", formulas.only, 0)
    elif computes(site):
        yield of_result("sign", "neg", formulas.negative)
    for at in shared_operands(site):
        yield of_operand("sign", f"neg of operand {at + 1}", at, formulas.negative)


def _factors(site: Site) -> Iterator[Change]:
    """Twice or half the result, or an operand that is read elsewhere too."""
    for what, factor in (("x2", 2.0), ("x1/2", 0.5)):
        if computes(site) and site.name != "neg":
            yield of_result("factor", what, formulas.times, factor)
        for at in shared_operands(site):
            yield of_operand("factor", f"{what} of operand {at + 1}", at, formulas.times, factor)


def _complements(site: Site) -> Iterator[Change]:
    """1 - p for p, p - 1 for p, f(-x) for f(x)."""
    if site.name in PROBABILITIES and is_float(site.equation.outvars[0]):
        yield of_result("complement", "1 - y", formulas.minus, (1.0, True))
        yield of_result("complement", "y - 1", formulas.minus, (1.0, False))
    if site.name in ("exp", "logistic"):
        what = "sigma(-x)" if site.name == "logistic" else "exp(-x)"
        yield of_operand("complement", what, 0, formulas.negative)


def _missing(site: Site) -> Iterator[Change]:
    """An operand left out: of a sum, a product, a scatter-add or a concatenation."""
    name, operands = site.name, site.operands
    what = [f"drop operand {at + 1} of {name}" for at in range(len(operands))]
    if name in ("add", "add_any", "sub", "mul", "div", "max", "min", "and", "or"):
        left = {"sub": formulas.only_negated, "div": formulas.inverted}.get(name, formulas.only)
        if not _is_neutral(operands[0], name, at=0) and (name != "div" or is_float(operands[0])):
            yield of_result("missing", what[0], left, 1)
        if not _is_neutral(operands[1], name, at=1):
            yield of_result("missing", what[1], formulas.only, 0)
    if name == "dot_general":
        yield from (of_operand("missing", what[at], at, formulas.ones) for at in (0, 1))
    if name == "scatter-add":
        yield of_operand("missing", what[0], 0, formulas.zeros)
        yield of_result("missing", what[2], formulas.only, 0)
    if name in ("concatenate", "stack") and is_float(operands[0]):
        yield from (of_operand("missing", w, at, formulas.zeros) for at, w in enumerate(what))
    if name in ("not", "clamp", "abs", "sign"):
        yield of_result("missing", f"{name} -> identity", formulas.only, int(name == "clamp"))


def _is_neutral(atom: Any, name: str, *, at: int) -> bool:
    """Whether a literal operand does nothing."""
    if not isinstance(atom, Literal):
        return False
    neutral = {"add": 0, "add_any": 0, "mul": 1, "max": -np.inf, "min": np.inf}
    neutral |= {"sub": 0, "div": 1} if at else {}
    return name in neutral and bool(np.all(np.asarray(atom.val) == neutral[name]))


def _swaps(site: Site) -> Iterator[Change]:
    """The operands the other way round, where that makes a difference."""
    name, operands = site.name, list(site.operands)
    at = (1, 2) if name == "select_n" else (0, 1)
    ordered = ("atan2", "concatenate", "div", "ge", "gt", "le", "lt", "pow", "rem", "select_n",
               "stack", "sub")  # fmt: skip
    if name in ordered or (name == "dot_general" and not _is_symmetric(site)):
        if len(operands) <= at[1]:
            return
        one, other = operands[at[0]], operands[at[1]]
        if one is not other and alike(one, other):
            operands[at[0]], operands[at[1]] = other, one
            yield of_equation("swap", f"swap operands of {name}", site, invars=operands)


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
        yield of_result("function", f"{site.name} -> {other}", formulas.function, function)
    for other in INSERTED.get(site.name, ()):
        if is_float(site.equation.outvars[0]):
            yield of_result("function", f"identity -> {other}", formulas.after, FUNCTIONS[other])
    params = site.equation.params
    if site.name == "integer_pow":
        for power in (params["y"] - 1, params["y"] + 1):
            if power:
                parts = {"params": {**params, "y": power}}
                yield of_equation("function", f"power {params['y']} -> {power}", site, **parts)
    if "reverse" in params and site.name.startswith("cum"):
        parts = {"params": {**params, "reverse": not params["reverse"]}}
        yield of_equation("function", f"{site.name} the other way", site, **parts)


def _constants(site: Site) -> Iterator[Change]:
    """A literal with the other sign or doubled; 0 and 1 exchanged; a slice one further."""
    for at, atom in enumerate(site.operands):
        if isinstance(atom, Literal) and atom.val.dtype != bool:
            for new in _other_values(np.asarray(atom.val).item(), atom.val.dtype):
                literal = Literal(atom.val.dtype.type(new), atom.aval)
                invars = [literal if i == at else x for i, x in enumerate(site.operands)]
                yield of_equation("constant", f"{atom.val} -> {new:g}", site, invars=invars)
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
                yield of_equation("constant", what, site, params={**params, **moved})


OPERATORS: tuple[Operator, ...] = (
    _signs,
    _complements,
    _factors,
    _missing,
    _swaps,
    _operations,
    _constants,
    *REWIRING,
)

RETURNED: tuple[tuple[Kind, str, Formula], ...] = (
    ("sign", "neg", Formula(formulas.negative)),
    ("factor", "x2", Formula(formulas.times, (2.0,))),
    ("factor", "x1/2", Formula(formulas.times, (0.5,))),
    ("missing", "zero", Formula(formulas.zeros)),
)
"""Changes of an output."""
