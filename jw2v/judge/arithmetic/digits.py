"""A jaxpr in fifty decimal digits: whether two expressions are one function.

Rounding hides what two expressions differ by, and makes one function written in two ways differ.
In fifty digits a generic point tells them apart: an analytic function that is not zero is zero on
a set of measure zero, so expressions that agree there to forty digits are the same function.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from string import ascii_letters
from types import MappingProxyType
from typing import Any

import numpy as np

from jw2v.judge.arithmetic.bounds import Arithmetic
from jw2v.judge.arithmetic.indexing import scattered
from jw2v.judge.arithmetic.moves import MOVES
from jw2v.judge.arithmetic.rules import RULES, Bounded, Operation, exact

DIGITS = 50
SAME = Decimal(10) ** -40  # of the largest entry: agreement, with ten digits left to cancellation


@contextmanager
def fifty_digits() -> Iterator[None]:
    """Arithmetic in fifty digits, in which an undefined result is NaN, as in floats.

    >>> with fifty_digits():
    ...     print(Decimal(1) / 3)
    0.33333333333333333333333333333333333333333333333333
    """
    with localcontext(Context(prec=DIGITS, traps=[])):
        yield


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays agree to forty digits of the largest entry.

    >>> third = lifted(np.array([1 / 3]))
    >>> with fifty_digits():
    ...     same(third, third * (1 + SAME / 2)), same(third, third * Decimal(1 + 1e-15))
    (True, False)
    """
    one, other = lifted(one), lifted(other)
    if one.dtype != object:
        return bool(np.array_equal(one, other))
    largest = max((abs(x) for x in other.flat), default=Decimal(0))
    return all(abs(x - y) <= SAME * largest for x, y in zip(one.flat, other.flat, strict=True))


def lifted(x: Any) -> np.ndarray:
    """Floats as decimals, exactly; all else as it is.

    >>> lifted(np.array(0.5))
    array(Decimal('0.5'), dtype=object)
    """
    array = np.asarray(x)
    return array if array.dtype.kind in "biu" else np.asarray(_decimal(array), object)


_decimal = np.frompyfunc(Decimal, 1, 1)


def _each(function: Callable[[Decimal], Any]) -> Callable[..., Any]:
    elementwise = np.frompyfunc(function, 1, 1)
    return lambda op, x: elementwise(x)


def _plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda op, *x: function(*x)


def _decided(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda op, *x: np.asarray(function(*x)).astype(bool)


def _tanh(x: Decimal) -> Decimal:
    squared = (-2 * abs(x)).exp()
    return ((1 - squared) / (1 + squared)).copy_sign(x)


def _sign(x: Decimal) -> Decimal:
    return Decimal(1).copy_sign(x) if x else Decimal(0)


def _over_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda op, x: function(x, axis=tuple(op.params["axes"]))


def _cumsum(op: Operation, x: Any) -> Any:
    axis = op.params["axis"]
    turned = np.flip(x, axis) if op.params["reverse"] else x
    total = np.cumsum(turned, axis)
    return np.flip(total, axis) if op.params["reverse"] else total


def _dot_general(op: Operation, a: Any, b: Any) -> Any:
    (contract_a, contract_b), (batch_a, batch_b) = op.params["dimension_numbers"]
    names_a, names_b = list(ascii_letters[: a.ndim]), list(ascii_letters[26 : 26 + b.ndim])
    for i, j in (*zip(contract_a, contract_b, strict=True), *zip(batch_a, batch_b, strict=True)):
        names_b[j] = names_a[i]
    free_a = [n for i, n in enumerate(names_a) if i not in contract_a and i not in batch_a]
    free_b = [n for i, n in enumerate(names_b) if i not in contract_b and i not in batch_b]
    out = [*(names_a[i] for i in batch_a), *free_a, *free_b]
    return np.einsum(f"{''.join(names_a)},{''.join(names_b)}->{''.join(out)}", a, b)


def _convert(op: Operation, x: Any) -> Any:
    if op.dtype.startswith(("float", "bfloat")):
        return np.asarray(_decimal(x), object)
    kind = np.bool_ if op.dtype == "bool" else np.int64
    return np.asarray(x).astype(kind)


def _scatter_add(op: Operation, x: Any, indices: Any, updates: Any) -> Any:
    places = scattered(x, indices, updates, op.params)
    total = x.ravel().copy()
    np.add.at(total, places.flat[places.inside], updates[places.inside])
    return total.reshape(x.shape)


FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "abs": _plainly(np.abs),
        "add": _plainly(np.add),
        "add_any": _plainly(np.add),
        "clamp": _plainly(lambda low, x, high: np.minimum(np.maximum(x, low), high)),
        "convert_element_type": _convert,
        "copy": _plainly(lambda x: x),
        "cumsum": _cumsum,
        "div": _plainly(np.divide),
        "dot_general": _dot_general,
        "eq": _decided(np.equal),
        "exp": _each(Decimal.exp),
        "exp2": _each(lambda x: 2**x),
        "expm1": _each(lambda x: x.exp() - 1),
        "floor": _each(lambda x: x.to_integral_value(ROUND_FLOOR)),
        "ge": _decided(np.greater_equal),
        "gt": _decided(np.greater),
        "integer_pow": lambda op, x: x ** op.params["y"],
        "is_finite": _decided(np.frompyfunc(Decimal.is_finite, 1, 1)),
        "le": _decided(np.less_equal),
        "log": _each(Decimal.ln),
        "log1p": _each(lambda x: (1 + x).ln()),
        "logistic": _each(lambda x: 1 / (1 + (-x).exp())),
        "lt": _decided(np.less),
        "max": _plainly(np.maximum),
        "min": _plainly(np.minimum),
        "mul": _plainly(np.multiply),
        "ne": _decided(np.not_equal),
        "neg": _plainly(np.negative),
        "pow": _plainly(np.power),
        "reduce_max": _over_axes(np.max),
        "reduce_min": _over_axes(np.min),
        "reduce_precision": _plainly(lambda x: x),
        "reduce_prod": _over_axes(np.prod),
        "reduce_sum": _over_axes(np.sum),
        "rsqrt": _each(lambda x: 1 / x.sqrt()),
        "scatter-add": _scatter_add,
        "select_n": _plainly(lambda which, *cases: np.choose(which.astype(int), cases)),
        "sign": _each(_sign),
        "sqrt": _each(Decimal.sqrt),
        "square": _plainly(lambda x: x * x),
        "stop_gradient": _plainly(lambda x: x),
        "sub": _plainly(np.subtract),
        "tanh": _each(_tanh),
    }
)
"""Operations on decimals; what is on integers or booleans alone follows the rules of floats."""


def _in_decimals(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    function = FUNCTIONS.get(name)

    def exactly(op: Operation, *operands: Bounded) -> Any:
        values = [lifted(x.value) for x in operands]
        numbers = any(x.dtype == object for x in values) or op.dtype.startswith("float")
        if function is None or not numbers:
            return rule(op, *(Bounded(v, x.error) for v, x in zip(values, operands, strict=True)))
        return exact(np.asarray(function(op, *values)))

    return exactly


DECIMAL = Arithmetic(
    unit={},
    rules={name: _in_decimals(name, rule) for name, rule in RULES.items() if name in FUNCTIONS}
    | {name: RULES[name] for name in ("and", "not", "or", "reduce_and", "reduce_or")},
    moves={name: _in_decimals(name, move) for name, move in MOVES.items()},
)
"""To be evaluated with in `fifty_digits`."""
