"""The guard of many short runs: each kind of run is judged once a process, not before each."""

from collections.abc import Callable
from typing import Any

Guard = Callable[..., None]
KIND = (
    "model", "reverse", "cbow_mean", "cbow_update", "loss", "kernel", "gradient", "window_weights",
    "sigmoid", "precision", "damping", "optimizer",
)  # fmt: skip


def once(guard: Guard) -> Guard:
    """A guard as `jw2v.api` has it, that judges the first run of each kind."""
    judged = set()

    def first(config: Any, loss: Any, *, check: bool) -> None:
        kind = loss, *(getattr(config, name) for name in KIND), config.ngrams is None
        if kind not in judged:
            guard(config, loss, check=check)
            judged.add(kind)

    return first
