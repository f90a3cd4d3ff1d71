"""A jaxpr of float64 as the same jaxpr of float32: one wrong gradient at both precisions."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var, jaxpr_as_fun

NARROWER: Mapping[str, str] = MappingProxyType({"float64": "float32", "int64": "int32"})


def narrowed(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The same operations on float32 and int32."""
    consts = [_value(x) for x in closed.consts]
    return ClosedJaxpr(_jaxpr(closed.jaxpr), consts)


def at_both(closed: ClosedJaxpr) -> Callable[..., tuple[Any, ...]]:
    """A jaxpr of float64 as a function of arrays of float64, or of float32."""
    functions = {
        "float64": jaxpr_as_fun(closed),
        "float32": jaxpr_as_fun(narrowed(closed)),
    }

    def function(*args: Any) -> tuple[Any, ...]:
        dtype = next(str(x.dtype) for x in args if x.dtype.kind == "f")
        return tuple(functions[dtype](*args))

    return function


def _jaxpr(jaxpr: Jaxpr) -> Jaxpr:
    names: dict[Var, Var] = {}

    def narrow(atom: Any) -> Any:
        if isinstance(atom, Literal):
            return Literal(_value(atom.val)[()], _aval(atom.aval))
        if atom not in names:
            names[atom] = Var(_aval(atom.aval))
        return names[atom]

    def narrow_all(atoms: Any) -> list[Any]:
        return [narrow(atom) for atom in atoms]

    equations = [
        equation.replace(
            invars=narrow_all(equation.invars),
            outvars=narrow_all(equation.outvars),
            params={name: _param(value) for name, value in equation.params.items()},
        )
        for equation in jaxpr.eqns
    ]
    return jaxpr.replace(
        constvars=narrow_all(jaxpr.constvars),
        invars=narrow_all(jaxpr.invars),
        outvars=narrow_all(jaxpr.outvars),
        eqns=equations,
    )


def _aval(aval: Any) -> Any:
    return aval.update(dtype=_dtype(aval.dtype))


def _dtype(dtype: Any) -> np.dtype[Any]:
    return np.dtype(NARROWER.get(str(dtype), dtype))


def _value(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return array.astype(_dtype(array.dtype))


def _param(value: Any) -> Any:
    if isinstance(value, Jaxpr):
        return _jaxpr(value)
    if isinstance(value, ClosedJaxpr):
        return narrowed(value)
    if isinstance(value, tuple) and any(isinstance(x, ClosedJaxpr | Jaxpr) for x in value):
        return tuple(map(_param, value))
    is_dtype = isinstance(value, np.dtype) or (
        isinstance(value, type) and value.__module__ == "numpy"
    )
    return _dtype(np.dtype(value)) if is_dtype else value
