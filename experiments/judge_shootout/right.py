"""jw2v on right gradients: over seeds, shapes and precisions all must hold."""

import time
from typing import Any

import jax
import numpy as np
from subjects import Reduction, Subject, subjects

from jw2v import check_gradient

DTYPES = ("float64", "float32", "bfloat16")
SIZES = {2: (1, 6), 3: (2, 9), 5: (3, 40), 7: (2, 60), 11: (2, 80)}
"""Of each axis, named by its size in the cases: the least and the most."""
BATCHES = (2, 32)


def facts(subject: str, dtype: str, *, shapes: int, seeds: int, quick: bool) -> dict[str, Any]:
    """What tells a record from all others."""
    return {
        "part": "right",
        "subject": subject,
        "dtype": dtype,
        "shapes": shapes,
        "seeds": seeds,
        "quick": quick,
    }


def record(fact: dict[str, Any]) -> dict[str, Any]:
    """Check one right gradient at one precision, over shapes and seeds."""
    began = time.perf_counter()
    subject = next(s for s in subjects() if s.name == fact["subject"])
    dtype = fact["dtype"]
    runs, margin, power = 0, 0.0, []
    others = []
    for number in range(fact["shapes"]):
        loss, gradient, args, shape = problem(subject, number)
        loss, gradient = jax.jit(loss), jax.jit(gradient)  # traced once for all seeds
        for seed in range(fact["seeds"]):
            report = check_gradient(
                loss, gradient, args, wrt=subject.wrt, dtypes=(dtype,), seed=seed, explain=False
            )
            runs += 1
            margin = max(margin, report.margin)
            power.append(report.power[dtype])
            if report.verdict != "holds":
                others.append([report.verdict, shape, seed, report.margin, report.power[dtype]])
        jax.clear_caches()
    return {
        **fact,
        "runs": runs,
        "margin": margin,
        "power": float(np.median(power)),
        "others": others,
        "seconds": time.perf_counter() - began,
    }


def problem(subject: Subject, number: int) -> tuple[Any, Any, tuple[Any, ...], str]:
    """A loss, its gradient, an example, and its shape in words: every second one is of a batch."""
    rng = np.random.default_rng([number, len(subject.name)])
    sizes = {axis: int(rng.integers(least, most + 1)) for axis, (least, most) in SIZES.items()}
    resized = subject.resized(sizes)
    words = f"{number}: {resized.shapes}"
    if number % 2 == 0:
        return subject.loss, _as_tuple(subject), resized.example(rng), words
    reduction: Reduction = "sum" if number % 4 == 1 else "mean"
    batch = int(rng.integers(BATCHES[0], BATCHES[1] + 1))
    gradient = resized.whole_gradient(subject.right, subject.wrt, reduction)
    example = resized.example(rng, batch=batch)
    return resized.whole_loss(reduction), gradient, example, f"{words}, {reduction} of {batch}"


def _as_tuple(subject: Subject) -> Any:
    return lambda *args: tuple(jax.tree.leaves(subject.right(*args)))
