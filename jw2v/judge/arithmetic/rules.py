"""How far each operation's rounded result may be from the exact one: running error analysis.

A quantity is carried as its value, computed in float64, and a bound e on what the arithmetic on
trial makes of it. With u the unit roundoff of the result's dtype and c the roundings of an
elementary function (from `ULPS`), each operation has one rule, such as

    x + y   e = e_x + e_y + u |x + y|
    x · y   e = |x| e_y + |y| e_x + e_x e_y + u |x y|
    exp x   e = eˣ (expm1 e_x + c u)
    A B     e = |A| e_B + e_A |B| + e_A e_B + k u (|A| + e_A)(|B| + e_B),  sums of k terms

where u in A B is that of the accumulator: products in bfloat16 and float16 are summed in float32.
The bound of a sum covers every order of summation, blocking and fused multiply-add. A decision
(comparison, floor) that the errors could turn has the bound inf unless all its outcomes agree.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapters 2 to 4.
"""

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

Numbers = Any
"""An array of NumPy, or the scalar that it makes of one without axes."""


class Bounded(NamedTuple):
    """A value in float64 (or exact integers and booleans) and the bound of its error."""

    value: np.ndarray
    error: np.ndarray  # of the value's shape; inf where nothing can be said


class Operation(NamedTuple):
    """One equation: its parameters, and the rounding of its result's dtype."""

    params: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: str
    u: float  # unit roundoff of the result; 0 for integers and booleans
    u_operand: float  # of the first operand
    u_sum: float  # of what sums of products are accumulated in
    c: float  # roundings of this elementary function


Rule = Callable[..., Bounded]

ULPS: Mapping[str, float] = MappingProxyType(
    {
        "exp": 4.0,
        "exp2": 48.0,  # made of exp(x log 2), whose argument is rounded first
        "expm1": 8.0,
        "log": 4.0,
        "log1p": 4.0,
        "logistic": 6.0,
        "tanh": 6.0,
        "erf": 6.0,
        "sin": 4.0,
        "cos": 4.0,
        "pow": 8.0,
        "sqrt": 2.0,
        "rsqrt": 3.0,
        "div": 3.0,
    }
)
"""Roundings u of each elementary function, where it is more than one: twice the worst measured."""


def exact(value: Any) -> Bounded:
    """A value without error.

    >>> exact(np.ones(2)).error
    array([0., 0.])
    """
    array = np.asarray(value)
    return Bounded(array, np.zeros(array.shape))


def _rounded(op: Operation, value: Numbers, error: Numbers, times: float | int = 1) -> Bounded:
    rounding = times * op.u * np.abs(value)
    return Bounded(value, error + np.where(np.isinf(value), 0.0, rounding))


def _add(op: Operation, x: Bounded, y: Bounded) -> Bounded:
    return _rounded(op, x.value + y.value, x.error + y.error)


def _sub(op: Operation, x: Bounded, y: Bounded) -> Bounded:
    if x is y:  # one number, rounded once: the difference is exact, however blurred it is
        return exact(x.value - y.value)
    return _rounded(op, x.value - y.value, x.error + y.error)


def _mul(op: Operation, x: Bounded, y: Bounded) -> Bounded:
    error = _times(np.abs(x.value), y.error) + _times(np.abs(y.value) + y.error, x.error)
    return _rounded(op, x.value * y.value, error)


def _times(value: Numbers, error: Numbers) -> Numbers:
    """A value times an error, where an exact zero or no error gives 0 even beside inf."""
    return np.where((value == 0) | (error == 0), 0.0, value * error)


def _div(op: Operation, x: Bounded, y: Bounded) -> Bounded:
    if not op.u:
        return exact(quotient(x.value, y.value))
    value = x.value / y.value
    if x is y:
        return exact(value)
    room = np.abs(y.value) - y.error
    error = np.where(room > 0, (x.error + _times(np.abs(value), y.error)) / room, np.inf)
    exactly = (x.error == 0) & (y.error == 0)
    infinite = (y.value == 0) & (y.error == 0) & (np.abs(x.value) > x.error)
    return _rounded(op, value, np.where(exactly | infinite, 0.0, error), op.c)


def quotient(x: Numbers, y: Numbers) -> Numbers:
    """Whole numbers divided, rounded towards 0.

    >>> quotient(np.array([7, -7]), np.array([2, 2])).tolist()
    [3, -3]
    """
    return np.sign(x) * np.sign(y) * (np.abs(x) // np.abs(y))


def _neg(op: Operation, x: Bounded) -> Bounded:
    return Bounded(-x.value, x.error)


def _abs(op: Operation, x: Bounded) -> Bounded:
    return Bounded(np.abs(x.value), x.error)


def _sign(op: Operation, x: Bounded) -> Bounded:
    sure = (x.error == 0) | (np.abs(x.value) > x.error)
    return Bounded(np.sign(x.value), np.where(sure, 0.0, np.inf))


def _staircase(function: Callable[[Numbers], Numbers]) -> Rule:
    def rule(op: Operation, x: Bounded) -> Bounded:
        sure = function(x.value - x.error) == function(x.value + x.error)
        return Bounded(function(x.value), np.where(sure, 0.0, np.inf))

    return rule


def _exponential(function: Callable[[Numbers], Numbers], base: float) -> Rule:
    """The rule of exp, exp2 and expm1: the derivative is base-exponential itself."""

    def rule(op: Operation, x: Bounded) -> Bounded:
        growth = _times(np.power(base, x.value), np.expm1(x.error * np.log(base)))
        return _rounded(op, function(x.value), growth, op.c)

    return rule


def _logarithm(function: Callable[[Numbers], Numbers], shift: float) -> Rule:
    """The rule of log and log1p: |d log| ≤ −log(1 − e/(x + shift))."""

    def rule(op: Operation, x: Bounded) -> Bounded:
        at = x.value + shift
        share = np.where(x.error == 0, 0.0, x.error / at)
        error = np.where(share < 1, -np.log1p(-np.minimum(share, 1)), np.inf)
        return _rounded(op, function(x.value), error, op.c)

    return rule


def _logistic(op: Operation, x: Bounded) -> Bounded:
    value = 1 / (1 + np.exp(-x.value))
    error = np.minimum(x.error / 4, _times(value, np.expm1(np.minimum(x.error, 700))))
    return _rounded(op, value, error, op.c)


def _tanh(op: Operation, x: Bounded) -> Bounded:
    nearest = np.maximum(np.abs(x.value) - x.error, 0)  # tanh is steepest towards 0
    return _rounded(op, np.tanh(x.value), _times(1 - np.tanh(nearest) ** 2, x.error), op.c)


def _erf(op: Operation, x: Bounded) -> Bounded:
    from scipy.special import erf  # scipy comes with jax; needed for this alone

    nearest = np.maximum(np.abs(x.value) - x.error, 0)
    slope = 2 / np.sqrt(np.pi) * np.exp(-(nearest**2))
    return _rounded(op, erf(x.value), _times(slope, x.error), op.c)


def _wave(function: Callable[[Numbers], Numbers]) -> Rule:
    def rule(op: Operation, x: Bounded) -> Bounded:
        return Bounded(function(x.value), np.minimum(x.error, 2) + op.c * op.u)

    return rule


def _root(power: float) -> Rule:
    """The rule of sqrt and rsqrt: |x^p − (x ± e)^p| at the nearer end."""

    def rule(op: Operation, x: Bounded) -> Bounded:
        share = np.where(x.error == 0, 0.0, x.error / x.value)
        value = np.power(x.value, power)
        change = np.abs(np.expm1(power * np.log1p(-np.minimum(share, 1))))
        error = np.where(share < 1, _times(np.abs(value), change), np.inf)
        if power > 0:
            error = np.where(share >= 1, np.sqrt(np.abs(x.value) + x.error), error)
        return _rounded(op, value, error, op.c)

    return rule


def _integer_pow(op: Operation, x: Bounded) -> Bounded:
    n = op.params.get("y", 2)
    value = np.power(x.value.astype(float) if n < 0 else x.value, n)
    room = np.abs(x.value) - x.error
    if n >= 0:
        error = (np.abs(x.value) + x.error) ** n - np.abs(x.value) ** n
        first_order = n * _times((np.abs(x.value) + x.error) ** max(n - 1, 0), x.error)
        error = np.maximum(error, first_order)  # the difference of powers may round to nothing
    else:
        slope = np.abs(n) * np.power(np.where(room > 0, room, 1.0), n - 1)
        error = np.where(room > 0, _times(slope, x.error), np.inf)
    error = np.where(x.error == 0, 0.0, error)
    return _rounded(op, value, error, max(abs(n), 1))


def _pow(op: Operation, x: Bounded, y: Bounded) -> Bounded:
    value = np.power(x.value.astype(float), y.value)
    share = np.where(x.error == 0, 0.0, x.error / np.abs(x.value))
    log_x = np.log(np.abs(np.where(x.value == 0, 1, x.value)))
    power = (np.abs(y.value) + y.error) * -np.log1p(-np.minimum(share, 1))
    power = power + _times(np.abs(log_x), y.error)
    error = np.where(share < 1, _times(np.abs(value), np.expm1(power)), np.inf)
    return _rounded(op, value, error, op.c)


def _extreme(function: Callable[..., Numbers]) -> Rule:
    """The rule of max and min: the chosen one's error, or the larger where either may be chosen."""

    def rule(op: Operation, x: Bounded, y: Bounded) -> Bounded:
        value = function(x.value, y.value)
        sure = np.abs(np.asarray(x.value, float) - y.value) > x.error + y.error
        chosen = np.where(value == x.value, x.error, y.error)
        return Bounded(value, np.where(sure, chosen, np.maximum(x.error, y.error)))

    return rule


def _clamp(op: Operation, low: Bounded, x: Bounded, high: Bounded) -> Bounded:
    error = np.maximum(np.maximum(low.error, high.error), x.error)
    return Bounded(np.clip(x.value, low.value, high.value), error)


def _comparison(function: Callable[..., Numbers], *, of_copies: bool = False) -> Rule:
    """A boolean is exact where the errors cannot turn it; else its error is inf.

    Of `eq` and `ne` (`of_copies`), operands that agree to the last bit of float64 at a generic
    point are copies of one number, as a maximum is of what it was taken of.
    """

    def rule(op: Operation, x: Bounded, y: Bounded) -> Bounded:
        reach = x.error + y.error
        finite = np.isfinite(x.value) & np.isfinite(y.value)
        gap = np.abs(np.where(finite, x.value, 0.0) - np.where(finite, y.value, 0.0))
        sure = (reach == 0) | (gap > reach) | ~finite | (of_copies & (gap == 0))
        return Bounded(function(x.value, y.value), np.where(sure, 0.0, np.inf))

    return rule


def _logic(function: Callable[..., Numbers]) -> Rule:
    def rule(op: Operation, *operands: Bounded) -> Bounded:
        error = sum((x.error for x in operands), np.zeros(op.shape))
        return Bounded(function(*(x.value for x in operands)), error)

    return rule


def _is_finite(op: Operation, x: Bounded) -> Bounded:
    return exact(np.isfinite(x.value))


def _select(op: Operation, which: Bounded, *cases: Bounded) -> Bounded:
    """The chosen case; where the choice is not sure, as far off as the cases are apart."""
    index = which.value.astype(int)
    value = np.choose(index, [case.value for case in cases])
    error = np.choose(index, [case.error for case in cases])
    with np.errstate(invalid="ignore"):
        apart = [
            np.where(case.value == value, 0, np.abs(case.value.astype(float) - value)) + case.error
            for case in cases
        ]
    return Bounded(value, np.where(which.error > 0, np.max(apart, axis=0), error))


def _convert(op: Operation, x: Bounded) -> Bounded:
    if op.u:
        value = x.value.astype(np.float64)
        return _rounded(op, value, x.error, int(op.u_operand < op.u))
    kind = np.bool_ if op.dtype == "bool" else np.int64
    if x.value.dtype.kind != "f":
        return Bounded(x.value.astype(kind), x.error)
    sure = np.trunc(x.value - x.error) == np.trunc(x.value + x.error)
    return Bounded(np.trunc(x.value).astype(kind), np.where(sure, 0.0, np.inf))


def _reduce_precision(op: Operation, x: Bounded) -> Bounded:
    u = 2.0 ** -(op.params["mantissa_bits"] + 1)
    return Bounded(x.value, x.error + u * np.abs(x.value))


def _copy(op: Operation, x: Bounded) -> Bounded:
    return x


def _reduce_sum(op: Operation, x: Bounded) -> Bounded:
    axes = tuple(op.params["axes"])
    terms = prod(x.value.shape[axis] for axis in axes)
    value = np.sum(x.value, axis=axes, dtype=_kept(x.value))
    size = np.sum(np.abs(x.value) + x.error, axis=axes)
    return Bounded(value, np.sum(x.error, axis=axes) + max(terms - 1, 0) * op.u * size)


def _kept(value: Numbers) -> type:
    return np.float64 if value.dtype.kind == "f" else np.int64


def _reduce_extreme(function: Callable[..., Numbers]) -> Rule:
    def rule(op: Operation, x: Bounded) -> Bounded:
        axes = tuple(op.params["axes"])
        return Bounded(function(x.value, axis=axes), np.max(x.error, axis=axes, initial=0.0))

    return rule


def _reduce_prod(op: Operation, x: Bounded) -> Bounded:
    axes = tuple(op.params["axes"])
    terms = prod(x.value.shape[axis] for axis in axes)
    value = np.prod(x.value, axis=axes, dtype=_kept(x.value))
    most = np.prod((np.abs(x.value) + x.error) * (1 + op.u), axis=axes)
    first_order = np.abs(value) * np.sum(
        np.where(x.error == 0, 0.0, x.error / np.abs(x.value)), axis=axes
    )
    error = np.maximum(most - np.abs(value), first_order)
    return _rounded(op, value, np.where(np.isfinite(error), error, np.inf), max(terms - 1, 0))


def _cumsum(op: Operation, x: Bounded) -> Bounded:
    axis, backwards = op.params["axis"], op.params["reverse"]

    def running(array: Numbers) -> Numbers:
        turned = np.flip(array, axis) if backwards else array
        total = np.cumsum(turned, axis)
        return np.flip(total, axis) if backwards else total

    terms = running(np.ones(x.value.shape)) - 1
    size = running(np.abs(x.value) + x.error)
    return Bounded(running(x.value), running(x.error) + terms * op.u * size)


def _dot_general(op: Operation, a: Bounded, b: Bounded) -> Bounded:
    (contract_a, _), _ = op.params["dimension_numbers"]

    terms = prod(a.value.shape[axis] for axis in contract_a)
    size_a, size_b = np.abs(a.value) + a.error, np.abs(b.value) + b.error
    error = terms * op.u_sum * _product(op, size_a, size_b)
    if a.error.any() or b.error.any():
        error = error + _product(op, a.error, size_b) + _product(op, np.abs(a.value), b.error)
    return _rounded(op, _product(op, a.value, b.value), error, int(op.u > op.u_sum))


def _product(op: Operation, x: Numbers, y: Numbers) -> Numbers:
    (contract_x, contract_y), (batch_x, batch_y) = op.params["dimension_numbers"]
    left, right = _operand(x, contract_x, batch_x), _operand(y, contract_y, batch_y, last=False)
    return np.matmul(left, right).reshape(op.shape)


def _operand(
    x: Numbers, contracted: tuple[int, ...], batch: tuple[int, ...], last: bool = True
) -> Numbers:
    """As a stack of matrices: batch, then free × contracted (or contracted × free)."""
    free = [axis for axis in range(x.ndim) if axis not in contracted and axis not in batch]
    order = [*batch, *free, *contracted] if last else [*batch, *contracted, *free]
    outer = prod(x.shape[axis] for axis in batch)
    sizes = [prod(x.shape[axis] for axis in axes) for axes in (free, contracted)]
    return np.transpose(x, order).reshape(outer, *(sizes if last else sizes[::-1]))


def _place(function: Callable[..., Numbers], sign: int) -> Rule:
    """The rule of argmax (sign 1) and argmin (−1): sure where no other but copies may be as far."""

    def rule(op: Operation, x: Bounded) -> Bounded:
        (axis,) = op.params["axes"]
        place = function(x.value, axis=axis)
        chosen = np.expand_dims(place, axis)
        value = x.value.astype(np.float64)
        far, error = (np.take_along_axis(part, chosen, axis) for part in (value, x.error))
        gap, reach = sign * (far - value), x.error + error
        sure = (reach == 0) | (gap > reach) | (gap == 0)
        return Bounded(place, np.where(sure.all(axis=axis), 0.0, np.inf))

    return rule


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "abs": _abs,
        "add": _add,
        "add_any": _add,
        "and": _logic(np.bitwise_and),
        "argmax": _place(np.argmax, 1),
        "argmin": _place(np.argmin, -1),
        "ceil": _staircase(np.ceil),
        "clamp": _clamp,
        "convert_element_type": _convert,
        "copy": _copy,
        "cos": _wave(np.cos),
        "cumsum": _cumsum,
        "div": _div,
        "dot_general": _dot_general,
        "eq": _comparison(np.equal, of_copies=True),
        "erf": _erf,
        "exp": _exponential(np.exp, np.e),
        "exp2": _exponential(np.exp2, 2.0),
        "expm1": _exponential(np.expm1, np.e),
        "floor": _staircase(np.floor),
        "ge": _comparison(np.greater_equal),
        "gt": _comparison(np.greater),
        "integer_pow": _integer_pow,
        "is_finite": _is_finite,
        "le": _comparison(np.less_equal),
        "log": _logarithm(np.log, 0.0),
        "log1p": _logarithm(np.log1p, 1.0),
        "logistic": _logistic,
        "lt": _comparison(np.less),
        "max": _extreme(np.maximum),
        "min": _extreme(np.minimum),
        "mul": _mul,
        "ne": _comparison(np.not_equal, of_copies=True),
        "neg": _neg,
        "not": _logic(np.invert),
        "or": _logic(np.bitwise_or),
        "pow": _pow,
        "reduce_and": _reduce_extreme(np.all),
        "reduce_max": _reduce_extreme(np.max),
        "reduce_min": _reduce_extreme(np.min),
        "reduce_or": _reduce_extreme(np.any),
        "reduce_precision": _reduce_precision,
        "reduce_prod": _reduce_prod,
        "reduce_sum": _reduce_sum,
        "round": _staircase(np.round),
        "rsqrt": _root(-0.5),
        "select_n": _select,
        "sign": _sign,
        "sin": _wave(np.sin),
        "sqrt": _root(0.5),
        "square": _integer_pow,
        "stop_gradient": _copy,
        "sub": _sub,
        "tanh": _tanh,
        "to_bfloat16": _convert,  # of `jw2v.blocks.rounding`
    }
)
"""The rule of each operation that computes; those that only move entries are in `bounds`."""
