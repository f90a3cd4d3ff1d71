"""σ(x) where it should be σ(−x)."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from jw2v.judge.arithmetic.agreement import agreement
from jw2v.judge.diagnosis.fits import explanations
from jw2v.judge.diagnosis.gates import Gated, Setting, gated
from jw2v.judge.diagnosis.occurrences import MOST_GATES, flat, settings_of, where
from jw2v.judge.diagnosis.trial import Guess, Samples, Trial
from jw2v.judge.diagnosis.ways import gradients

SATURATED = 30.0  # times its value, a score has a sigmoid near one of its ends


def mirrored(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """The gradient at the opposite of a score that a sigmoid is taken of."""
    if trial.loss is None or not samples.are_alike:
        return
    assert trial.position is not None
    loss = gated(trial.loss, trial.args, trial.position, results=True)
    settings = settings_of(loss)
    if not settings or len(loss.gates) > MOST_GATES:
        return
    changes = _changes(loss, samples, settings)
    for explanation in explanations(*flat(samples, changes)):
        if set(explanation.coefficients) == {1.0}:
            chosen = [settings[i] for i in explanation.terms]
            text = f"sigma(-x): sigma is taken of the opposite of {where(loss, chosen)}"
            yield Guess("sigma(-x)", text, partial(_is_so, loss, tuple(chosen)))


def _changes(loss: Gated, samples: Samples, settings: Sequence[Setting]) -> np.ndarray:
    """What the other sign of a score changes; 0 where no sigmoid is taken of it.

    A sigmoid s has the same s(x) + s(−x) for all x, and is not linear. It is not asked for s(0),
    where functions of many a library have a corner.
    """
    factors = (-1.0, 2.0, -2.0, SATURATED)
    found = gradients(loss, samples.points, settings, kind="mirror", factors=factors)
    turned, twice, twice_turned, far = np.split(found, len(factors))
    changes = np.zeros_like(turned)
    for i in range(len(settings)):
        is_odd = agreement(turned[i] + samples.true, twice_turned[i] + twice[i]).all()
        step = np.abs(twice[i] - samples.true).max(initial=0.0)
        if is_odd and np.abs(far[i] - samples.true).max(initial=0.0) < SATURATED / 2 * step:
            changes[i] = turned[i] - samples.true
    return changes


def _is_so(loss: Gated, chosen: Sequence[Setting], fresh: Samples) -> bool:
    changes = _changes(loss, fresh, chosen)
    excess, several, room = flat(fresh, changes)
    return bool(np.all(np.abs(excess - several.sum(axis=0)) <= room))
