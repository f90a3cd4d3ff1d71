"""A function's exact value and the bound of its rounding error, entry by entry.

The function is traced at the precision on trial, and its jaxpr is evaluated here in NumPy, in
float64, by the rules of `jw2v.judge.arithmetic.rules`: no XLA, no step size and no tolerance has a
part in it. Where no dtype is below float64 the value is also the witness's own.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Literal

from jw2v.jaxprs import scan_operands
from jw2v.judge.arithmetic.moves import MOVES, Move
from jw2v.judge.arithmetic.rules import RULES, ULPS, Bounded, Operation, Rule, exact
from jw2v.precision import precision

UNIT_ROUNDOFF: Mapping[str, float] = MappingProxyType(
    {"float64": 2.0**-53, "float32": 2.0**-24, "bfloat16": 2.0**-8, "float16": 2.0**-11}
)
ACCUMULATOR: Mapping[str, str] = MappingProxyType({"bfloat16": "float32", "float16": "float32"})
CONSTANT_BITS = 12
"""A constant with more binary digits may be another number's rounding, and has its error."""
MOST_STEPS = 10_000
"""Steps of a loop that are followed."""


class Arithmetic(NamedTuple):
    """What is assumed of the machine's arithmetic; a test loosens each part and must be caught."""

    unit: Mapping[str, float] = UNIT_ROUNDOFF
    ulps: Mapping[str, float] = ULPS
    rules: Mapping[str, Rule] = RULES
    moves: Mapping[str, Move] = MOVES
    constant_bits: int = CONSTANT_BITS


ARITHMETIC = Arithmetic()


class UnsupportedError(Exception):
    """The jaxpr has an operation without a rule; its name is the message."""


def trace(fn: Callable[..., Any], args: Sequence[Any], *, dtype: str = "float64") -> ClosedJaxpr:
    """The jaxpr of a function at a precision: floating arguments of `dtype`, shapes as given.

    >>> jaxpr = trace(lambda x: 2 * x, (np.ones(3),), dtype="float32")
    >>> str(jaxpr.out_avals[0].dtype)
    'float32'
    """
    with precision(dtype):
        return jax.make_jaxpr(fn)(*kinds(args, dtype))


def kinds(args: Sequence[Any], dtype: str) -> tuple[jax.ShapeDtypeStruct, ...]:
    """What a function is traced for: the shapes of arguments, floating ones of `dtype`.

    >>> [str(kind.dtype) for kind in kinds((1.0, np.int32(1)), "bfloat16")]
    ['bfloat16', 'int32']
    """

    def kind(x: Any) -> jax.ShapeDtypeStruct:
        given = jax.dtypes.canonicalize_dtype(jnp.result_type(x))
        floating = jnp.issubdtype(given, jnp.floating)
        return jax.ShapeDtypeStruct(np.shape(x), jnp.dtype(dtype) if floating else given)

    with precision(dtype):
        return tuple(map(kind, args))


def bounded(
    fn: Callable[..., Any], args: Sequence[Any], *, dtype: str = "float64"
) -> list[Bounded]:
    """Value and error bound of each output of a function at a precision.

    Args:
      fn: function of arrays.
      args: where; exactly what the function is given, so already rounded to `dtype`.
      dtype: of the floating arguments.

    Raises:
      UnsupportedError: the function has an operation without a rule.

    >>> (result,) = bounded(lambda x: x * x, (np.array(3.0),), dtype="float32")
    >>> float(result.value), float(result.error) == 9 * 2.0**-24
    (9.0, True)
    """
    return evaluate(trace(fn, args, dtype=dtype), args)


def evaluate(
    jaxpr: ClosedJaxpr, args: Sequence[Any], *, arithmetic: Arithmetic = ARITHMETIC
) -> list[Bounded]:
    """Value and error bound of each output of a jaxpr; see `bounded`."""
    operands = [x if isinstance(x, Bounded) else exact(plain(x)) for x in args]
    with np.errstate(all="ignore"):
        return _Evaluation(arithmetic).run(jaxpr, operands)


def plain(x: Any) -> np.ndarray:
    """An array as the rules take it: in float64, in int64, or of booleans.

    Raises:
      UnsupportedError: it is of other numbers: complex ones, uint64, a random key.

    >>> plain(np.ones(1, np.float32)).dtype, plain(np.uint8(7)).dtype
    (dtype('float64'), dtype('int64'))
    """
    dtype = x.dtype if isinstance(x, jax.Array) else np.asarray(x).dtype
    if _has_no_numbers(dtype):
        raise UnsupportedError(str(dtype))
    if jnp.issubdtype(dtype, jnp.floating):
        return np.asarray(x).astype(np.float64)
    return np.asarray(x).astype(np.bool_ if dtype == np.bool_ else np.int64)


def wrapped(value: np.ndarray, dtype: Any) -> np.ndarray:
    """Whole numbers, kept in int64, as a narrower type of them holds them: modulo 2ⁿ.

    >>> wrapped(np.array([-1, 256, 7]), np.dtype("uint8")).tolist()
    [255, 0, 7]
    """
    if value.dtype != np.int64 or dtype == np.int64:
        return value
    return value.astype(dtype).astype(np.int64)


class _Evaluation:
    """Follows the equations of a jaxpr, one rule each."""

    def __init__(self, arithmetic: Arithmetic) -> None:
        self.arithmetic = arithmetic
        self.structures: Mapping[str, Callable[..., list[Bounded]]] = {
            "cond": self._cond,
            "scan": self._scan,
            "while": self._while,
        }

    def run(self, closed: Any, operands: Sequence[Bounded]) -> list[Bounded]:
        known = dict(zip(closed.jaxpr.invars, operands, strict=True))
        for variable, value in zip(closed.jaxpr.constvars, closed.consts, strict=True):
            known[variable] = self._constant(value, variable.aval)

        for equation in closed.jaxpr.eqns:
            results = self._equation(equation, [self._read(x, known) for x in equation.invars])
            known.update(zip(equation.outvars, results, strict=True))
        return [self._read(atom, known) for atom in closed.jaxpr.outvars]

    def _read(self, atom: Any, known: Mapping[Any, Bounded]) -> Bounded:
        return self._constant(atom.val, atom.aval) if isinstance(atom, Literal) else known[atom]

    def _constant(self, value: Any, aval: Any) -> Bounded:
        array = plain(value)
        unit = self.arithmetic.unit.get(_name_of(aval.dtype), 0.0)
        digits = np.ldexp(np.frexp(array.astype(np.float64))[0], self.arithmetic.constant_bits)
        rounded = np.isfinite(digits) & (digits != np.trunc(digits))
        return Bounded(array, np.where(rounded, unit * np.abs(array), 0.0))

    def _equation(self, equation: Any, operands: list[Bounded]) -> list[Bounded]:
        name, params = equation.primitive.name, equation.params
        if not equation.outvars:  # it prints, or checks
            return []
        if structure := self.structures.get(name):
            return structure(params, operands)
        for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
            if key in params:
                inner = params[key]
                closed = inner if hasattr(inner, "consts") else ClosedJaxpr(inner, ())
                return self.run(closed, operands)
        if name in ("optimization_barrier", "device_put", "sharding_constraint"):
            return operands
        if any(_has_no_numbers(v.aval.dtype) for v in equation.outvars):
            raise UnsupportedError(name)
        op = self._operation(equation)
        if name in self.arithmetic.moves:
            result = self.arithmetic.moves[name](op, *operands)
            return _wrapped(equation, result if isinstance(result, list) else [result])
        if name in self.arithmetic.rules:
            return _wrapped(equation, [_settled(op, self.arithmetic.rules[name](op, *operands))])
        if not any(jnp.issubdtype(v.aval.dtype, jnp.floating) for v in equation.outvars):
            return _of_integers(equation, operands)
        raise UnsupportedError(name)

    def _operation(self, equation: Any) -> Operation:
        out = equation.outvars[0].aval
        unit, name = self.arithmetic.unit, equation.primitive.name
        dtype = _name_of(out.dtype)
        operand = _name_of(equation.invars[0].aval.dtype) if equation.invars else ""
        return Operation(
            equation.params,
            tuple(out.shape),
            dtype,
            unit.get(dtype, 0.0),
            unit.get(operand, 0.0),
            unit.get(ACCUMULATOR.get(dtype, dtype), 0.0),
            self.arithmetic.ulps.get(name, 1.0),
        )

    def _cond(self, params: Mapping[str, Any], operands: list[Bounded]) -> list[Bounded]:
        which, *rest = operands
        results = self.run(params["branches"][int(which.value)], rest)
        return [Bounded(r.value, r.error + np.where(which.error > 0, np.inf, 0.0)) for r in results]

    def _while(self, params: Mapping[str, Any], operands: list[Bounded]) -> list[Bounded]:
        first = params["cond_nconsts"]
        second = first + params["body_nconsts"]
        of_cond, of_body, carry = operands[:first], operands[first:second], operands[second:]
        for _ in range(MOST_STEPS):
            (more,) = self.run(params["cond_jaxpr"], [*of_cond, *carry])
            if more.value.ndim:
                raise UnsupportedError("while, of a length of its own at each point")
            if more.error.any():
                raise UnsupportedError("while, of a length that rounding decides")
            if not more.value:
                return carry
            carry = self.run(params["body_jaxpr"], [*of_body, *carry])
        raise UnsupportedError(f"while, of more than {MOST_STEPS} steps")

    def _scan(self, params: Mapping[str, Any], operands: list[Bounded]) -> list[Bounded]:
        first, carried = scan_operands(params)
        second = first + carried
        constants, carry, along = operands[:first], operands[first:second], operands[second:]
        steps = range(params["length"])
        stacked: list[list[Bounded]] = []
        for i in reversed(steps) if params["reverse"] else steps:
            slices = [Bounded(x.value[i], x.error[i]) for x in along]
            results = self.run(params["jaxpr"], [*constants, *carry, *slices])
            carry = results[:carried]
            stacked.append(results[carried:])
        if params["reverse"]:
            stacked.reverse()
        columns = zip(*stacked, strict=True)
        return [*carry, *(Bounded(*map(np.stack, zip(*c, strict=True))) for c in columns)]


def _has_no_numbers(dtype: Any) -> bool:
    """Whether a dtype is one that the rules cannot follow: complex, uint64, or a key."""
    return dtype == np.uint64 or not (
        jnp.issubdtype(dtype, jnp.floating)
        or jnp.issubdtype(dtype, jnp.integer)
        or dtype == np.bool_
    )


def _wrapped(equation: Any, results: list[Bounded]) -> list[Bounded]:
    return [
        Bounded(wrapped(np.asarray(r.value), v.aval.dtype), r.error)
        for r, v in zip(results, equation.outvars, strict=True)
    ]


_name_of = cache(str)  # of a dtype: NumPy spells it anew each time


def _settled(op: Operation, result: Bounded) -> Bounded:
    """The result with what underflow and overflow add; a bound that is no number is inf."""
    value, error = map(np.asarray, result)
    if op.u:
        limits = jnp.finfo(op.dtype)
        size = np.abs(value)
        error = np.where((size > 0) & (size < float(limits.tiny)), error + limits.tiny, error)
        error = np.where(np.isfinite(value) & (size > float(limits.max)), np.inf, error)
    error = np.where(np.isnan(error) | np.isnan(value.astype(np.float64)), np.inf, error)
    return Bounded(value, np.broadcast_to(error, np.shape(value)))


def _of_integers(equation: Any, operands: list[Bounded]) -> list[Bounded]:
    """Operations without a float in their result are run as they are."""
    if any(x.error.any() for x in operands):
        raise UnsupportedError(equation.primitive.name)
    with jax.enable_x64(True):
        arrays = [
            jnp.asarray(x.value, atom.aval.dtype)
            for x, atom in zip(operands, equation.invars, strict=True)
        ]
        results = equation.primitive.bind(*arrays, **equation.params)
    return [
        exact(plain(r)) for r in (results if equation.primitive.multiple_results else [results])
    ]
