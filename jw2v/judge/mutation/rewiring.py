"""Local mistakes in how an equation is wired: what it reads, sums over, writes to, chooses."""

from collections.abc import Iterator
from functools import lru_cache
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Literal, primitives

from jw2v.judge.mutation import formulas
from jw2v.judge.mutation.sites import (
    Change,
    Site,
    computes,
    is_float,
    of_equation,
    of_result,
    others,
)


def _scatters(site: Site) -> Iterator[Change]:
    """Overwriting for adding, and adding for overwriting."""
    params = site.equation.params
    if site.name == "scatter-add":
        parts = {"primitive": primitives.scatter_p, "params": {**params, "update_jaxpr": None}}
        yield of_equation("scatter", "scatter-add -> scatter", site, **parts)
    if site.name == "scatter":
        added = {**params, "update_jaxpr": _addition(str(site.out.dtype))}
        parts = {"primitive": primitives.scatter_add_p, "params": added}
        yield of_equation("scatter", "scatter -> scatter-add", site, **parts)


@lru_cache
def _addition(dtype: str) -> Any:
    scalar = jax.ShapeDtypeStruct((), jnp.dtype(dtype))
    with jax.enable_x64(dtype.endswith("64")):
        return jax.make_jaxpr(lax.add)(scalar, scalar).jaxpr


def _reductions(site: Site) -> Iterator[Change]:
    """Mean for sum, maximum for sum and back, the first term for the sum."""
    name, operands = site.name, site.operands
    if name in ("reduce_sum", "reduce_max") and is_float(operands[0]):
        axes = tuple(int(axis) for axis in site.equation.params["axes"])
        sizes = {axis: operands[0].aval.shape[axis] for axis in axes}
        if name == "reduce_max":
            yield of_result("reduction", "max -> sum", formulas.total, axes)
        elif prod(sizes.values()) > 1:
            yield of_result("reduction", "sum -> mean", formulas.times, 1 / prod(sizes.values()))
            yield of_result("reduction", "sum -> max", formulas.maximum, axes)
            for axis in (axis for axis in axes if sizes[axis] > 1):
                yield of_result(
                    "reduction", f"first along axis {axis}", formulas.first_along, axes, axis
                )
    if name == "dot_general":
        (contracted, _), _ = site.equation.params["dimension_numbers"]
        terms = prod(operands[0].aval.shape[axis] for axis in contracted)
        if terms > 1:
            yield of_result("reduction", "sum -> mean", formulas.times, 1 / terms)


def _transposes(site: Site) -> Iterator[Change]:
    """Axes of one size exchanged; entries in the order of the transpose."""
    name, shape = site.name, site.out.shape
    if name in ("reshape", "transpose"):
        operand = site.operands[0].aval
        if name == "transpose":
            yield of_result("transpose", "transpose -> reshape", formulas.reshaped)
        elif sum(size > 1 for size in operand.shape) > 1:
            yield of_result("transpose", "transpose before reshape", formulas.turned_first)
    elif (computes(site) or name == "gather") and is_float(site.equation.outvars[0]):
        pairs = ((i, j) for j in range(len(shape)) for i in range(j))
        for i, j in pairs:
            if shape[i] == shape[j] > 1:
                order = list(range(len(shape)))
                order[i], order[j] = j, i
                yield of_result("transpose", "transpose", formulas.turned, tuple(order))
        if name == "dot_general" and len(shape) > 1 and shape[-2] != shape[-1] > 1 < shape[-2]:
            order = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
            yield of_result("transpose", "transpose, reshaped", formulas.turned, order)
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
                    yield of_equation("transpose", what, site, params=params)


def _variables(site: Site) -> Iterator[Change]:
    """Another variable of the same type in place of an operand; another id."""
    for at, atom in enumerate(site.operands):
        if isinstance(atom, Literal):
            continue
        for other in others(atom, site):
            what = "other variable" if is_float(atom) else "other id"
            invars = [other if i == at else x for i, x in enumerate(site.operands)]
            yield of_equation("variable", f"{what} for operand {at + 1}", site, invars=invars)


def _choices(site: Site) -> Iterator[Change]:
    """One case of a selection always; a comparison that takes in the border, or leaves it out."""
    if site.name == "select_n" and len(site.operands) == 3:
        for case in (0, 1):
            yield of_result("choice", f"always case {case}", formulas.only, case + 1)
    border = {"lt": "le", "le": "lt", "gt": "ge", "ge": "gt", "eq": "ne", "ne": "eq"}
    border |= {"and": "or", "or": "and"}
    if site.name in border:
        other = border[site.name]
        primitive = getattr(primitives, f"{other}_p")
        yield of_equation("choice", f"{site.name} -> {other}", site, primitive=primitive)


REWIRING = (_scatters, _reductions, _transposes, _variables, _choices)
