"""The witnesses of a true gradient: autodiff of the plain loss, and what speaks for autodiff.

Autodiff of the loss is the truth that claims are held against, if two others agree with it:

- the Taylor remainder |f(x + hd) − f(x) − h ∇f·d| must fall as h², which asks for no tolerance;
- the complex step Im f(x + ih e)/h at h = 1e-30, of an analytic twin of the loss where one is
  given: no cancellation, and no rule of differentiation.

All are evaluated in float64 in NumPy. A loss with a derivative of somebody's own is refused: its
autodiff may be the very claim on trial. One that `defjvps` gave to a function of JAX's looks like
JAX's own; where it lies, the remainder tells.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.errors import UsageError
from jw2v.judge.arithmetic.bounds import UnsupportedError, evaluate
from jw2v.judge.compare import Points, traced, traced_batch

JAX_HOME = Path(jax.__file__).parent
CUSTOM_DERIVATIVES = str(JAX_HOME / "_src" / "custom_derivatives.py")
STEPS = 2.0 ** -np.arange(8, 15)  # of the Taylor remainder
SMALLER = 2.0**-7  # of those, where a kink was nearer than they go
SLOPE = 1.5  # between 1, of a wrong gradient, and 2
COMPLEX_STEP = 1e-30
COMPLEX_TOLERANCE = 1e-9  # relative to the largest entry: far above rounding, far below a mistake


class Hearing(NamedTuple):
    """What the other witnesses say of autodiff."""

    taylor: float | None  # least slope of the remainder; None where it is nothing but rounding
    complex_step: float | None  # largest relative difference; None without a twin
    agree: bool


def true_gradient(
    loss: Callable[..., Any], wrt: int | tuple[int, ...], args: tuple[Any, ...]
) -> Callable[..., Any]:
    """`jax.grad` of a plain scalar loss.

    Raises:
      UsageError: the loss is no scalar float, draws random numbers, or carries a derivative of
        somebody's own (`custom_jvp`, `custom_vjp`), so that autodiff of it is no independent
        witness.

    >>> print(true_gradient(lambda x: (x**2).sum(), 0, (np.ones(2),))(jnp.array([1.0, 3.0])))
    [2. 6.]
    """
    jaxpr = traced(loss, args)
    for where in _foreign_derivatives(jaxpr.jaxpr):
        raise UsageError(
            f"the loss has a derivative of its own ({where}), so autodiff of it is no independent "
            "witness; give the plain loss"
        )
    if _draws(jaxpr.jaxpr):
        raise UsageError(
            "the loss draws random numbers, which are others at each precision; draw them before, "
            "and give them as an argument"
        )
    if len(jaxpr.out_avals) != 1 or jaxpr.out_avals[0].shape != ():
        shapes = [tuple(aval.shape) for aval in jaxpr.out_avals]
        raise UsageError(f"the loss gives arrays of shapes {shapes}; give one that is a scalar")
    if not jnp.issubdtype(jaxpr.out_avals[0].dtype, jnp.floating):
        raise UsageError(f"the loss gives {jaxpr.out_avals[0].dtype}; give one that is a float")
    return jax.grad(loss, argnums=wrt)


def hear(
    loss: Callable[..., Any],
    gradient: Callable[..., Any],
    wrt: tuple[int, ...],
    points: Points,
    *,
    twin: Callable[..., Any] | None = None,
    seed: int = 0,
) -> Hearing:
    """Hear the other witnesses.

    Args:
      loss: plain scalar function of a point.
      gradient: its gradient by autodiff, one array or a tuple as `wrt`.
      wrt: positions of the gradient.
      points: where, stacked.
      twin: the loss in analytic operations alone, of complex arguments.
      seed: of the directions.

    >>> points = (np.array([[1.0, 2.0], [0.5, -1.0]]),)
    >>> hear(lambda x: jnp.sum(x**3), lambda x: 3 * x**2, (0,), points).agree
    True
    >>> hear(lambda x: jnp.sum(x**3), lambda x: 2 * x**2, (0,), points).agree
    False
    """
    rng = np.random.default_rng(seed)
    directions = tuple(
        rng.standard_normal(x.shape) if i in wrt else None for i, x in enumerate(points)
    )
    try:
        slopes = _slopes(loss, gradient, wrt, points, directions, STEPS)
        if slopes.min() < SLOPE:  # a kink that the steps crossed is farther than smaller ones go
            nearer = _slopes(loss, gradient, wrt, points, directions, STEPS * SMALLER)
            slopes = np.where(slopes < SLOPE, np.maximum(slopes, nearer), slopes)
    except UnsupportedError:
        slopes = np.array([np.inf])
    least = float(slopes.min())
    taylor = round(least, 2) if np.isfinite(least) else None
    difference = None if twin is None else _complex_step(twin, gradient, wrt, points)
    agree = (taylor is None or taylor >= SLOPE) and (difference or 0.0) <= COMPLEX_TOLERANCE
    return Hearing(taylor, difference, agree)


def _slopes(
    loss: Callable[..., Any],
    gradient: Callable[..., Any],
    wrt: tuple[int, ...],
    points: Points,
    directions: tuple[np.ndarray | None, ...],
    sizes: np.ndarray,
) -> np.ndarray:
    """Slope of the remainder at each point; inf where it is nothing but rounding."""
    loss_at = traced_batch(loss, points)
    (start,) = evaluate(loss_at, points)
    slopes = evaluate(traced_batch(gradient, points), points)
    along = sum(
        np.sum((g.value * directions[i]).reshape(len(g.value), -1), axis=1)
        for g, i in zip(slopes, wrt, strict=True)
    )
    remainders, noises = [], []
    for h in sizes:
        moved = tuple(
            x if d is None else x + h * d for x, d in zip(points, directions, strict=True)
        )
        (there,) = evaluate(loss_at, moved)
        remainders.append(np.abs(there.value - start.value - h * along))
        noises.append(10 * (there.error + start.error))
    remainder, noise = np.stack(remainders), np.stack(noises)
    heard = remainder > noise
    logs = np.log(np.where(heard, remainder, 1.0)) / np.log(2)
    steps = np.broadcast_to((np.log(sizes) / np.log(2))[:, None], logs.shape)
    both = heard[1:] & heard[:-1]
    local = np.where(both, (logs[:-1] - logs[1:]) / (steps[:-1] - steps[1:]), np.nan)
    lasting = [column[~np.isnan(column)] for column in local.T]
    return np.array([np.median(column) if column.size else np.inf for column in lasting])


def _complex_step(
    twin: Callable[..., Any], gradient: Callable[..., Any], wrt: tuple[int, ...], points: Points
) -> float:
    """The largest relative difference from the gradient, at the first point."""
    point = tuple(x[0] for x in points)
    worst = 0.0
    with jax.enable_x64(True):
        slopes = jax.tree.leaves(gradient(*point))
        for slope, i in zip(slopes, wrt, strict=True):
            steps = np.eye(point[i].size).reshape(-1, *point[i].shape) * 1j * COMPLEX_STEP

            def moved(step: Any, i: int = i) -> Any:
                return twin(*(x + step if j == i else x for j, x in enumerate(point)))

            by_step = np.imag(np.asarray(jax.vmap(moved)(jnp.asarray(steps)))) / COMPLEX_STEP
            true = np.asarray(slope)
            apart = np.abs(by_step.reshape(true.shape) - true).max(initial=0.0)
            worst = max(worst, float(apart / max(np.abs(true).max(initial=0.0), 1e-300)))
    return worst


def _equations(jaxpr: Any) -> Iterator[Any]:
    """All equations of a jaxpr, and of those that they hold."""
    for equation in jaxpr.eqns:
        yield equation
        for p in jax.tree.leaves(equation.params):
            if hasattr(p, "eqns"):
                yield from _equations(getattr(p, "jaxpr", p))


def _draws(jaxpr: Any) -> bool:
    """Whether a jaxpr draws random numbers."""
    names = (equation.primitive.name for equation in _equations(jaxpr))
    return any(name.startswith(("random_", "threefry")) for name in names)


def _foreign_derivatives(jaxpr: Any) -> Iterator[str]:
    """Where a jaxpr holds custom derivatives that are not JAX's own."""
    for equation in _equations(jaxpr):
        if equation.primitive.name.startswith("custom_"):
            params = jax.tree.leaves(equation.params)
            yield from (source for p in params if (source := _foreign_source(p)))


def _foreign_source(part: Any) -> str | None:
    """Where a function, or a rule for its derivative, was written; None where that is in JAX."""
    info = getattr(getattr(part, "jaxpr", part), "debug_info", None)
    if info is None:
        return None
    source = str(info.func_src_info)
    # `jax.custom_gradient` wraps the stranger's function and rules in functions of its own.
    wrapper = CUSTOM_DERIVATIVES in source and info.traced_for != "custom_jvp jvp"
    return source if wrapper or f" at {JAX_HOME}{os.sep}" not in source else None
