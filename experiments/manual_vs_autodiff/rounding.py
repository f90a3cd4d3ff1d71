"""How far a gradient in float32 is from the one in float64."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from gradients import BY_HAND, Gradient

EPS = float(np.finfo(np.float32).eps)


def rounding(gradient: Gradient) -> dict[str, dict[str, float]]:
    """The largest and the RMS error of each way, whichever argument's gradient is worst.

    In units of eps times the largest and the RMS entry of that argument's gradient. What is true
    is the gradient by hand in float64, given the same arguments.
    """
    true = _true(gradient)
    found = {way: jax.jit(f)(*gradient.arguments)[1] for way, f in gradient.ways.items()}
    return {
        way: {
            "max": max(map(_relative(_largest), grads, true)),
            "rms": max(map(_relative(_rms), grads, true)),
        }
        for way, grads in found.items()
    }


def _true(gradient: Gradient) -> list[np.ndarray]:
    with jax.enable_x64(True):
        arguments = jax.tree.map(_widened, gradient.arguments)
        _, grads = jax.jit(gradient.ways[BY_HAND])(*arguments)
        return [np.asarray(grad) for grad in grads]


def _widened(x: jax.Array) -> jax.Array:
    return x.astype("float64") if x.dtype == "float32" else x


def _relative(size: Callable[[np.ndarray], float]) -> Callable[[Any, np.ndarray], float]:
    return lambda found, true: size(np.asarray(found) - true) / size(true) / EPS


def _largest(x: np.ndarray) -> float:
    return float(np.abs(x).max())


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))
