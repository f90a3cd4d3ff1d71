"""The witness: autodiff of the plain loss in float64, refused where it is not independent."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jw2v.errors import UsageError

JAX_HOME = Path(jax.__file__).parent
CUSTOM_DERIVATIVES = str(JAX_HOME / "_src" / "custom_derivatives.py")


def witness(
    loss: Callable[..., Any], wrt: tuple[int, ...], args: tuple[Any, ...]
) -> Callable[..., list[np.ndarray]]:
    """Build the true gradient of a loss, one array for each position in `wrt`, in float64.

    Args:
      loss: plain scalar function.
      wrt: positions of the arguments the gradient is taken of.
      args: example arguments.

    Raises:
      UsageError: the loss carries a derivative of somebody's own (`custom_jvp`, `custom_vjp`), so
        autodiff of it may be the very claim on trial.

    >>> true_gradient = witness(lambda x: (x**2).sum(), (0,), (np.ones(2),))
    >>> print(true_gradient(np.array([1.0, 3.0]))[0])
    [2. 6.]
    """
    with jax.enable_x64(True):
        jaxpr = jax.make_jaxpr(loss)(*args)
    for where in _foreign_derivatives(jaxpr):
        raise UsageError(
            f"the loss has a derivative of its own ({where}), so autodiff of it is no independent "
            "witness; give the plain loss"
        )
    by_autodiff = jax.jit(jax.grad(loss, argnums=wrt))

    def true_gradient(*point: Any) -> list[np.ndarray]:
        with jax.enable_x64(True):
            return [np.asarray(g) for g in by_autodiff(*point)]

    return true_gradient


def _foreign_derivatives(jaxpr: Any) -> Iterator[str]:
    """Where a jaxpr holds custom derivatives that are not JAX's own."""
    for equation in jaxpr.eqns:
        params = jax.tree.leaves(equation.params)
        if equation.primitive.name.startswith("custom_"):
            yield from (source for p in params if (source := _foreign_source(p)))
        for p in params:
            if hasattr(p, "eqns"):
                yield from _foreign_derivatives(getattr(p, "jaxpr", p))


def _foreign_source(part: Any) -> str | None:
    """Where a function, or a rule for its derivative, was written; None where that is in JAX."""
    info = getattr(getattr(part, "jaxpr", part), "debug_info", None)
    if info is None:
        return None
    source = str(info.func_src_info)
    # `jax.custom_gradient` wraps the stranger's function and rules in functions of its own.
    wrapper = CUSTOM_DERIVATIVES in source and info.traced_for != "custom_jvp jvp"
    return source if wrapper or f" at {JAX_HOME}{os.sep}" not in source else None
