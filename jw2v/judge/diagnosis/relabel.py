"""A line that is a right one in another's place: a transpose, another variable's gradient."""

from collections.abc import Iterator
from functools import partial
from itertools import permutations
from typing import Any

import jax
import numpy as np

from jw2v.judge.arithmetic.agreement import agree, tidy
from jw2v.judge.diagnosis.factors import number
from jw2v.judge.diagnosis.trial import Guess, Samples, Trial, Values, batched

MOST_AXES = 4


def transposes(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """The true line with its axes in another order, perhaps times a number."""
    ndim = samples.true.ndim - 1
    if samples.claimed.ndim - 1 != ndim or not 2 <= ndim <= MOST_AXES:
        return
    for order in list(permutations(range(ndim)))[1:]:
        share = _share(samples.claimed, _turned(samples.true, order))
        if share:
            text = f"transpose: claimed = {_times(share)}the transpose of true"
            yield Guess("transpose", text, partial(_is_turned, order, share))


def _turned(x: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    return x.transpose(0, *(axis + 1 for axis in order))


def _is_turned(order: tuple[int, ...], share: float, fresh: Samples) -> bool:
    return agree(fresh.claimed, share * _turned(fresh.true, order))


def _share(claimed: np.ndarray, other: np.ndarray) -> float:
    """The number that the other is to be multiplied by; 0 where there is none."""
    if claimed.shape != other.shape or not other.any():
        return 0.0
    share = tidy(float(np.vdot(other, claimed) / np.vdot(other, other)))
    return share if agree(claimed, share * other) else 0.0


def _times(share: float) -> str:
    return "" if share == 1 else f"{number(share)} × "


def other_variables(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """The gradient with respect to another argument, or its transpose."""
    if trial.loss is None:
        return
    floats = [i for i, x in enumerate(trial.args) if x.dtype.kind == "f"]
    at = batched(jax.grad(trial.loss, tuple(floats)))
    for place, (position, gradient) in enumerate(zip(floats, at(samples.points), strict=True)):
        if position == trial.position:
            continue
        share = _share(samples.claimed, gradient)
        if abs(share) == 1:
            text = (
                f"other variable: claimed = {_times(share)}the gradient of {trial.names[position]}"
            )
            yield Guess("other variable", text, partial(_is_output, at, place, share))


def _is_output(at: Values, place: int, share: float, fresh: Samples) -> bool:
    return agree(fresh.claimed, share * at(fresh.points)[place])


def exchanged(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """The true line with two arguments of one type exchanged."""
    for one in range(len(trial.args)):
        for other in range(one):
            x, y = trial.args[one], trial.args[other]
            if x.shape == y.shape and x.dtype == y.dtype:
                yield from _exchanged(trial, samples, other, one)


def _exchanged(trial: Trial, samples: Samples, one: int, other: int) -> Iterator[Guess]:
    def swapped(*args: Any) -> Any:
        order = {one: other, other: one}
        return trial.true(*(args[order.get(i, i)] for i in range(len(args))))

    at = batched(swapped)
    share = _share(samples.claimed, at(samples.points)[0])
    if abs(share) == 1:
        names = f"{trial.names[one]} and {trial.names[other]}"
        text = f"other variable: claimed = {_times(share)}true with {names} exchanged"
        yield Guess("other variable", text, partial(_is_output, at, 0, share))
