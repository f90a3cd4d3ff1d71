"""What is read off a jaxpr's equations, whichever version of JAX traced it."""

from collections.abc import Mapping
from typing import Any

CALLS = frozenset(
    {"closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "jit", "pjit", "remat2"}
)
"""Operations that do nothing but run a jaxpr of theirs; `jax.checkpoint` is remat2."""


def scan_operands(params: Mapping[str, Any]) -> tuple[int, int]:
    """How many operands of a scan are its constants, and how many its carry; the rest are sliced.

    Args:
      params: of the equation; JAX counts the three groups from 0.11 on as a tree.

    >>> import jax
    >>> add = lambda carry, x: (carry + x, None)
    >>> traced = jax.make_jaxpr(lambda xs: jax.lax.scan(add, 0.0, xs))(jax.numpy.ones(3))
    >>> scan_operands(traced.eqns[-1].params)
    (0, 1)
    """
    if "ft_in" in params:
        constants, carry, _ = params["ft_in"].unpack()
        return len(constants), len(carry)
    return params["num_consts"], params["num_carry"]
