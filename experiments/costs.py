"""What compiled programs cost: operations and bytes as the compiler counts them, and time."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax

MOMENT = 0.2  # seconds that a repeat fills with calls, one at least: it may be too short to time


def operations(program: jax.stages.Compiled) -> float:
    """Floating-point operations of a call."""
    found = program.cost_analysis()
    assert found is not None
    return found["flops"]


def memory(program: jax.stages.Compiled) -> Any:
    """The sizes that the compiler plans, such as `temp_size_in_bytes`."""
    found = program.memory_analysis()
    assert found is not None
    return found


def alternating(calls: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds a call of each, repeat by repeat; in every repeat each has its turn.

    A turn begins with a call that is not timed: in it what the one before has left is given back,
    which of gigabytes takes long.
    """
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            jax.block_until_ready(call())
            found[name].append(_seconds(call))
    return found


def spread(values: Sequence[float], form: str) -> str:
    """Median and range, each in a form such as ",.0f"."""
    median, low, high = statistics.median(values), min(values), max(values)
    return f"{median:{form}} ({low:{form}}–{high:{form}})"


def _seconds(call: Callable[[], Any]) -> float:
    """Of one call, the mean over a moment."""
    began, calls, passed = time.perf_counter(), 0, 0.0
    while passed < MOMENT:
        jax.block_until_ready(call())
        calls, passed = calls + 1, time.perf_counter() - began
    return passed / calls
