"""Formulas that stand in for a result or an operand: functions of arrays, then of options.

Of a result they are given the operands, the result, then the options; of an operand, the operand,
then the options.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def negative(*x: Any) -> Any:
    """−y."""
    return -x[-1]


def times(*x: Any) -> Any:
    """Y times the option."""
    return x[-2] * x[-1]


def minus(*x: Any) -> Any:
    """The option is a constant and whether it stands first: c − y, or y − c."""
    y, (constant, first) = x[-2], x[-1]
    return constant - y if first else y - constant


def only(*x: Any) -> Any:
    """The operand at the position that is the option."""
    *operands, result, at = x
    return jnp.broadcast_to(operands[at], result.shape)


def only_negated(*x: Any) -> Any:
    """That operand, negated."""
    return -only(*x)


def inverted(*x: Any) -> Any:
    """One over that operand."""
    return 1 / only(*x)


def ones(*x: Any) -> Any:
    """1 everywhere."""
    return jnp.ones_like(x[-1])


def zeros(*x: Any) -> Any:
    """0 everywhere."""
    return jnp.zeros_like(x[-1])


def function(*x: Any) -> Any:
    """Another function of the operands: the option."""
    *operands, _, function = x
    return function(*operands)


def after(*x: Any) -> Any:
    """A function of the result: the option."""
    *_, result, function = x
    return function(result)


def turned(*x: Any) -> Any:
    """The result with its axes permuted, in the shape it had."""
    *_, result, permutation = x
    return jnp.transpose(result, permutation).reshape(result.shape)


def turned_first(*x: Any) -> Any:
    """The operand transposed before it gets the shape of the result."""
    *_, operand, result = x
    return jnp.transpose(operand).reshape(result.shape)


def reshaped(*x: Any) -> Any:
    """The operand in the shape of the result, its entries in their order."""
    operand, result = x
    return operand.reshape(result.shape)


def maximum(*x: Any) -> Any:
    """The maximum over the axes that are the option."""
    operand, _, axes = x
    return jnp.max(operand, axis=axes)


def total(*x: Any) -> Any:
    """The sum over those axes."""
    operand, _, axes = x
    return jnp.sum(operand, axis=axes)


def first_along(*x: Any) -> Any:
    """The sum over them, of one axis the first entry alone."""
    operand, _, axes, axis = x
    first = lax.slice_in_dim(operand, 0, 1, axis=axis)
    return jnp.sum(first, axis=axes)


def identity(x: Any) -> Any:
    """The operand."""
    return x


FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": lax.add,
        "cos": jnp.cos,
        "div": lax.div,
        "exp": jnp.exp,
        "identity": identity,
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
"""By name; those of `INSTEAD` take the operands of the operation they replace."""
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
"""Operations, and what may have been meant instead."""
INSERTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"dot_general": ("sigmoid",), "sub": ("exp",), "div": ("square",)}
)
"""Functions that may have been forgotten after an operation."""
