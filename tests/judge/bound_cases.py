"""Operations with operands and the bound of the result, worked out by hand."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jw2v.blocks.rounding import to_bfloat16

U = 2.0**-24  # of float32
E = 2.0**-10  # an operand's error
V = np.array([1.0, 2.0, 4.0])
M = np.array([[1.0, 2.0], [3.0, 4.0]])


class Case(NamedTuple):
    fn: Any
    operands: tuple  # values with the error `error` each; integers and booleans are exact
    error: float
    expected: Any  # the bound of the first output
    dtype: str = "float32"


EXACT = {  # of exact operands: the operation's own rounding
    "add": Case(lambda x, y: x + y, (1.0, 2.0), 0, 3 * U),
    "sub": Case(lambda x, y: x - y, (1.0, 3.0), 0, 2 * U),
    "mul": Case(lambda x, y: x * y, (3.0, 5.0), 0, 15 * U),
    "div": Case(lambda x, y: x / y, (3.0, 4.0), 0, 3 * 0.75 * U),
    "exp": Case(jnp.exp, (2.0,), 0, 4 * math.exp(2) * U),
    "exp2": Case(jnp.exp2, (3.0,), 0, 48 * 8 * U),
    "expm1": Case(jnp.expm1, (1.0,), 0, 8 * math.expm1(1) * U),
    "log": Case(jnp.log, (8.0,), 0, 4 * math.log(8) * U),
    "log1p": Case(jnp.log1p, (3.0,), 0, 4 * math.log(4) * U),
    "logistic": Case(jax.nn.sigmoid, (0.0,), 0, 6 * 0.5 * U),
    "tanh": Case(jnp.tanh, (1.0,), 0, 6 * math.tanh(1) * U),
    "erf": Case(lax.erf, (1.0,), 0, 6 * math.erf(1) * U),
    "sin": Case(jnp.sin, (1.0,), 0, 4 * U),
    "cos": Case(jnp.cos, (1.0,), 0, 4 * U),
    "sqrt": Case(jnp.sqrt, (9.0,), 0, 2 * 3 * U),
    "rsqrt": Case(lax.rsqrt, (4.0,), 0, 3 * 0.5 * U),
    "pow": Case(lax.pow, (2.0, 3.0), 0, 8 * 8 * U),
    "integer_pow": Case(lambda x: lax.integer_pow(x, 3), (2.0,), 0, 3 * 8 * U),
    "square": Case(jnp.square, (3.0,), 0, 2 * 9 * U),
    "reduce_sum": Case(jnp.sum, (V,), 0, 2 * 7 * U),
    "reduce_prod": Case(jnp.prod, (V,), 0, (math.expm1(3 * math.log1p(U)) + 2 * U) * 8),
    "cumsum": Case(jnp.cumsum, (V,), 0, np.array([0, 3, 2 * 7]) * U),
    "dot_general": Case(lambda x, y: x @ y, (V, V), 0, 3 * 21 * U),
    "scatter-add": Case(
        lambda x, y: x.at[np.array([1, 1])].add(y), (V, np.array([1.0, 2.0])), 0,
        np.array([0, 2 * 5 * U, 0]),
    ),
    "convert_element_type": Case(
        lambda x: x.astype(jnp.bfloat16), (1.0,), 0, 2.0**-8
    ),
    "to_bfloat16": Case(to_bfloat16, (1.0,), 0, 2.0**-8),
    "reduce_precision": Case(
        lambda x: lax.reduce_precision(x, exponent_bits=8, mantissa_bits=9), (3.0,), 0,
        3 * 2.0**-10,
    ),
    "float64": Case(lambda x, y: x + y, (1.0, 2.0), 0, 3 * 2.0**-53, "float64"),
    "float32": Case(lambda x, y: x + y, (1.0, 2.0), 0, 3 * 2.0**-24, "float32"),
    "bfloat16": Case(lambda x, y: x + y, (1.0, 2.0), 0, 3 * 2.0**-8, "bfloat16"),
    "float16": Case(lambda x, y: x + y, (1.0, 2.0), 0, 3 * 2.0**-11, "float16"),
    "constant_bits": Case(lambda x: jnp.where(x > 0, jnp.full_like(x, 0.1), x), (1.0,), 0, 0.1 * U),
}  # fmt: skip
PASSED_ON = {  # of operands with the error E: what the operation makes of it
    "abs": Case(jnp.abs, (-2.0,), E, E),
    "add": Case(lambda x, y: x + y, (1.0, 2.0), E, 2 * E + 3 * U),
    "add_any": Case(jax.grad(lambda x: x * 2 + x * 4), (1.0,), 0, 12 * U),
    "sub": Case(lambda x, y: x - y, (1.0, 3.0), E, 2 * E + 2 * U),
    "mul": Case(lambda x, y: x * y, (3.0, 5.0), E, 8 * E + E * E + 15 * U),
    "div": Case(lambda x, y: x / y, (3.0, 4.0), E, 1.75 * E / (4 - E) + 2.25 * U),
    "blurred divisor": Case(lambda x: 3 / x, (4.0,), E, 0.75 * E / (4 - E) + 2.25 * U),
    "neg": Case(lambda x: -x, (1.0,), E, E),
    "sign": Case(jnp.sign, (E / 2,), E, np.inf),
    "exp": Case(jnp.exp, (1.0,), E, math.e * (math.expm1(E) + 4 * U)),
    "log": Case(jnp.log, (2.0,), E, -math.log1p(-E / 2) + 4 * math.log(2) * U),
    "logistic": Case(jax.nn.sigmoid, (0.0,), E, E / 4 + 3 * U),
    "tanh": Case(jnp.tanh, (0.0,), E, E),
    "sin": Case(jnp.sin, (0.0,), E, E + 4 * U),
    "sqrt": Case(jnp.sqrt, (4.0,), E, 2 * -math.expm1(0.5 * math.log1p(-E / 4)) + 4 * U),
    "rsqrt": Case(lax.rsqrt, (1.0,), E, math.expm1(-0.5 * math.log1p(-E)) + 3 * U),
    "pow": Case(
        lax.pow, (2.0, 3.0), E,
        8 * math.expm1(-(3 + E) * math.log1p(-E / 2) + E * math.log(2)) + 8 * 8 * U,
    ),
    "integer_pow": Case(
        lambda x: lax.integer_pow(x, -2), (2.0,), E, 2 * E / (2 - E) ** 3 + 2 * 0.25 * U
    ),
    "square": Case(jnp.square, (1.0,), E, 2 * (1 + E) * E + 2 * U),
    "max": Case(jnp.maximum, (1.0, 2.0), E, E),
    "min": Case(jnp.minimum, (1.0, 2.0), E, E),
    "clamp": Case(lambda x: lax.clamp(-5.0, x, 5.0), (1.0,), E, E),
    "reduce_sum": Case(jnp.sum, (V,), E, 3 * E + 2 * U * (7 + 3 * E)),
    "reduce_max": Case(jnp.max, (V,), E, E),
    "reduce_min": Case(jnp.min, (V,), E, E),
    "dot_general": Case(
        lambda x, y: x @ y, (V, V), E, 14 * E + 3 * E * E + 3 * U * (21 + 14 * E + 3 * E * E)
    ),
    "stop_gradient": Case(lambda x: lax.stop_gradient(x) * 1.0, (1.0,), E, E + U),
    "copy": Case(jnp.array, (1.0,), E, E),
    "broadcast_in_dim": Case(lambda x: jnp.broadcast_to(x, (2,)), (1.0,), E, np.full(2, E)),
    "concatenate": Case(lambda x: jnp.concatenate([x, x]), (V,), E, np.full(6, E)),
    "dynamic_slice": Case(lambda x: lax.dynamic_slice(x, (1,), (2,)), (V,), E, np.full(2, E)),
    "dynamic_update_slice": Case(
        lambda x: lax.dynamic_update_slice(x, x[:1], (2,)), (V,), E, np.full(3, E)
    ),
    "gather": Case(lambda x: x[np.array([2, 0])], (V,), E, np.full(2, E)),
    "pad": Case(lambda x: lax.pad(x, 0.0, [(1, 0, 1)]), (V,), E, np.array([0, E, 0, E, 0, E])),
    "reshape": Case(lambda x: x.reshape(4), (M,), E, np.full(4, E)),
    "rev": Case(lambda x: lax.rev(x, (0,)), (V,), E, np.full(3, E)),
    "scatter": Case(lambda x, y: x.at[1].set(y[0]), (V, V), E, np.full(3, E)),
    "slice": Case(lambda x: lax.slice(x, (1,), (3,)), (V,), E, np.full(2, E)),
    "sort": Case(jnp.sort, (V[::-1],), E, np.full(3, E)),
    "split": Case(lambda x: lax.split(x, (1, 2))[1], (V,), E, np.full(2, E)),
    "squeeze": Case(lambda x: lax.squeeze(x, (0,)), (M[:1],), E, np.full(2, E)),
    "stack": Case(lambda x, y: jnp.stack([x, y], axis=1), (V, V), E, np.full((3, 2), E)),
    "tile": Case(lambda x: jnp.tile(x, (2, 1)), (V,), E, np.full((2, 3), E)),
    "transpose": Case(lambda x: x.T, (M,), E, np.full((2, 2), E)),
    "unstack": Case(lambda x: jnp.unstack(x, axis=1)[1], (M,), E, np.full(2, E)),
    "cumsum": Case(
        jnp.cumsum, (V,), E, E * np.array([1, 2, 3]) + U * np.array([0, 3 + 2 * E, 14 + 6 * E])
    ),
}  # fmt: skip
