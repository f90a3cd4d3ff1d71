"""The values of a jaxpr in float64 in NumPy, without bounds: for searches that run thousands.

The rules of `jw2v.judge.arithmetic.rules` follow errors too, which takes several times as long. An
operation that is not here is followed by them.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Var
from jax.extend.core import Literal as Constant

from jw2v.judge.arithmetic.bounds import ARITHMETIC, evaluate, plain, wrapped
from jw2v.judge.arithmetic.indexing import broadcast, gathered, iota, scattered, sliced, window
from jw2v.judge.arithmetic.moves import MOVES
from jw2v.judge.arithmetic.rules import RULES, Numbers, exact, quotient

FLOAT64_BITS = 53
Params = Mapping[str, Any]
Value = Callable[..., Any]
"""Of an equation's parameters and its operands."""


def values(
    closed: ClosedJaxpr, args: Sequence[Any], instead: Mapping[str, Value] | None = None
) -> list[np.ndarray]:
    """The outputs of a jaxpr; the faster if calls in it are inlined.

    Args:
      closed: the jaxpr.
      args: where.
      instead: other meanings of some operations.

    Raises:
      UnsupportedError: an operation has no rule.

    >>> jaxpr = jax.make_jaxpr(lambda x: 2 * jax.numpy.tanh(x))(1.0)
    >>> values(jaxpr, [np.array(0.5)])[0].round(6).tolist()
    0.924234
    """
    jaxpr, table = closed.jaxpr, {**VALUES, **(instead or {})}
    known: dict[Any, Any] = dict(zip(jaxpr.constvars, map(_plain, closed.consts), strict=True))
    known.update(zip(jaxpr.invars, map(_plain, args), strict=True))

    def read(atom: Any) -> Any:
        return _plain(atom.val) if isinstance(atom, Constant) else known[atom]

    with np.errstate(all="ignore"), jax.enable_x64(True):
        for equation in jaxpr.eqns:
            operands = [read(atom) for atom in equation.invars]
            function = table.get(equation.primitive.name)
            if function is None:
                known.update(
                    zip(equation.outvars, _by_rule(jaxpr, equation, operands), strict=True)
                )
            else:
                (out,) = equation.outvars
                known[out] = wrapped(function(equation.params, *operands), out.aval.dtype)
    return [np.asarray(read(atom)) for atom in jaxpr.outvars]


def _plain(x: Any) -> np.ndarray:
    """`plain`, without a copy of what is."""
    dtype = getattr(x, "dtype", None)
    return np.asarray(x) if dtype in (np.float64, np.bool_, np.int64) else plain(x)


def _by_rule(jaxpr: Jaxpr, equation: JaxprEqn, operands: Sequence[Any]) -> list[np.ndarray]:
    """An equation by itself, by the rules that follow errors."""
    pairs = zip(equation.invars, operands, strict=True)
    known = {atom: x for atom, x in pairs if isinstance(atom, Var)}
    alone = jaxpr.replace(
        constvars=[],
        invars=[*known],
        outvars=equation.outvars,
        eqns=[equation],
        debug_info=jaxpr.debug_info.with_unknown_names(),
    )
    return [r.value for r in evaluate(ClosedJaxpr(alone, ()), [*known.values()], arithmetic=EXACT)]


def _without_error(rule: Callable[..., Any]) -> Callable[..., Any]:
    def value(op: Any, *operands: Any) -> Any:
        result = rule(op, *operands)
        several = isinstance(result, list)
        return [exact(r.value) for r in result] if several else exact(result.value)

    return value


EXACT = ARITHMETIC._replace(
    rules={name: _without_error(rule) for name, rule in RULES.items()},
    moves={name: _without_error(rule) for name, rule in MOVES.items()},
    constant_bits=FLOAT64_BITS,
)
"""No bounds, so that operations on integers that depend on floats can be followed."""


def _plainly(function: Callable[..., Any]) -> Value:
    return lambda params, *operands: function(*operands)


def _over_axes(function: Callable[..., Any]) -> Value:
    return lambda params, x: function(x, axis=tuple(params["axes"]))


def _convert(params: Params, x: Numbers) -> Numbers:
    kind = np.dtype(params["new_dtype"]).kind
    return x.astype({"b": np.bool_, "i": np.int64, "u": np.int64}.get(kind, np.float64))


def _div(params: Params, x: Numbers, y: Numbers) -> Numbers:
    return x / y if x.dtype.kind == "f" else quotient(x, y)


def _dynamic_slice(params: Params, x: Numbers, *starts: Numbers) -> Numbers:
    return x[window(x.shape, starts, params["slice_sizes"])]


def _power(params: Params, x: Numbers) -> Numbers:
    return np.power(x if params["y"] >= 0 else x.astype(float), params["y"])


def _select(params: Params, which: Numbers, *cases: Numbers) -> Numbers:
    if len(cases) == 2:
        return np.where(which, cases[1], cases[0])
    return np.choose(which.astype(int), cases)


def _dot(params: Params, a: Numbers, b: Numbers) -> Numbers:
    (contracted_a, contracted_b), (batch_a, batch_b) = params["dimension_numbers"]
    free_a = [i for i in range(a.ndim) if i not in contracted_a and i not in batch_a]
    free_b = [i for i in range(b.ndim) if i not in contracted_b and i not in batch_b]
    batch = [a.shape[i] for i in batch_a]
    rows, columns = [a.shape[i] for i in free_a], [b.shape[i] for i in free_b]
    terms = prod(a.shape[i] for i in contracted_a)
    left = a.transpose((*batch_a, *free_a, *contracted_a)).reshape((*batch, prod(rows), terms))
    right = b.transpose((*batch_b, *contracted_b, *free_b)).reshape((*batch, terms, prod(columns)))
    return np.matmul(left, right).reshape((*batch, *rows, *columns))


def _gather(params: Params, x: Numbers, indices: Numbers) -> Numbers:
    places = gathered(x, indices, params)
    filler = np.nan if params["fill_value"] is None else params["fill_value"]
    found = x.ravel()[places.flat]
    return found if places.inside.all() else np.where(places.inside, found, filler)


def scatter_add(params: Params, x: Numbers, indices: Numbers, more: Numbers) -> Numbers:
    """Updates added at their places; those of equal places all count."""
    places = scattered(x, indices, more, params)
    result = x.ravel().copy()
    np.add.at(result, places.flat[places.inside], more[places.inside])
    return result.reshape(x.shape)


def _scatter(params: Params, x: Numbers, indices: Numbers, new: Numbers) -> Numbers:
    places = scattered(x, indices, new, params)
    result = x.ravel().copy()
    result[places.flat[places.inside]] = new[places.inside]
    return result.reshape(x.shape)


VALUES: Mapping[str, Value] = MappingProxyType(
    {
        name: _plainly(function)
        for name, function in {
            "abs": np.abs, "add": np.add, "add_any": np.add, "and": np.bitwise_and, "cos": np.cos,
            "copy": np.array, "eq": np.equal, "exp": np.exp, "expm1": np.expm1,
            "ge": np.greater_equal, "gt": np.greater, "is_finite": np.isfinite,
            "le": np.less_equal, "log": np.log, "log1p": np.log1p,
            "logistic": lambda x: 1 / (1 + np.exp(-x)), "lt": np.less, "max": np.maximum,
            "min": np.minimum, "mul": np.multiply, "ne": np.not_equal, "neg": np.negative,
            "not": np.invert, "or": np.bitwise_or, "pow": np.power,
            "rsqrt": lambda x: 1 / np.sqrt(x), "sign": np.sign, "sin": np.sin, "sqrt": np.sqrt,
            "square": np.square, "stop_gradient": np.asarray, "sub": np.subtract,
            "tanh": np.tanh,
        }.items()
    }
    | {
        "broadcast_in_dim": broadcast,
        "concatenate": lambda params, *parts: np.concatenate(parts, params["dimension"]),
        "convert_element_type": _convert,
        "div": _div,
        "dot_general": _dot,
        "dynamic_slice": _dynamic_slice,
        "gather": _gather,
        "integer_pow": _power,
        "iota": iota,
        "reduce_max": _over_axes(np.max),
        "reduce_sum": _over_axes(np.sum),
        "reshape": lambda params, x: x.reshape(params["new_sizes"]),
        "scatter": _scatter,
        "scatter-add": scatter_add,
        "select_n": _select,
        "slice": sliced,
        "squeeze": lambda params, x: np.squeeze(x, tuple(params["dimensions"])),
        "stack": lambda params, *parts: np.stack(parts, params["axis"]),
        "transpose": lambda params, x: x.transpose(params["permutation"]),
    }
)  # fmt: skip
"""The value of each operation that is met often."""
