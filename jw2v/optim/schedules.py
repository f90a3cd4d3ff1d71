"""Learning rates over a run, by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import optax

from jw2v.errors import unknown

SCHEDULES: Mapping[str, Callable[[float, float, int], optax.Schedule]] = MappingProxyType(
    {
        "linear": optax.linear_schedule,
        "constant": lambda start, end, steps: optax.constant_schedule(start),
        "cosine": lambda start, end, steps: optax.cosine_decay_schedule(start, steps, end / start),
        "exponential": lambda start, end, steps: optax.exponential_decay(start, steps, end / start),
    }
)
"""From learning rates at start and end, and the number of steps."""


def learning_rate(
    name: str, *, start: float, end: float, steps: int, warmup: float = 0.0
) -> optax.Schedule:
    """The learning rate by step.

    Args:
      name: "linear", "constant", "cosine" or "exponential".
      start: learning rate at the start, after the warm-up.
      end: learning rate at the end; "constant" has none.
      steps: steps of the run, at least 1.
      warmup: share of the steps, below 1, in which it rises from 0.

    Raises:
      UsageError: an unknown name.

    >>> rate = learning_rate("linear", start=1.0, end=0.0, steps=10, warmup=0.2)
    >>> [round(float(rate(step)), 2) for step in (0, 1, 2, 6, 10)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if name not in SCHEDULES:
        raise unknown("schedule", name, SCHEDULES)
    rising = round(warmup * steps)
    falling = SCHEDULES[name](start, end, max(1, steps - rising))
    if not rising:
        return falling
    return optax.join_schedules([optax.linear_schedule(0.0, start, rising), falling], [rising])
