"""A gradient with one of its terms wrong: which use of the variable, and by what factor.

Every use in the loss of what the gradient passes through has a term T of the gradient. A line g
beside the true t is explained by the fewest terms that give g − t = Σ c T: c = −1 is a term that is
missing, −2 one of the wrong sign, 1 one that is counted twice.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from jw2v.judge.diagnosis.factors import law_of, number
from jw2v.judge.diagnosis.fits import explanations, room_for_rounding
from jw2v.judge.diagnosis.gates import FRAME, Gated, Setting, gated, source
from jw2v.judge.diagnosis.trial import Guess, Samples, Trial
from jw2v.judge.diagnosis.ways import gradients

CAUSES = {-1.0: "missing term", -2.0: "sign", 1.0: "doubled term"}
"""The cause by the coefficient of a term in what is claimed too much."""
MOST_ENTRIES = 8  # along an axis, of which each has its term
MOST_GATES = 200  # of a loss; tracing more takes seconds


def terms(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """Terms missing, doubled, of the wrong sign or with a factor."""
    yield from _guesses(trial, samples, entries=False)


def parts(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """The same for the terms of single entries of what is used."""
    yield from _guesses(trial, samples, entries=True)


def _guesses(trial: Trial, samples: Samples, *, entries: bool) -> Iterator[Guess]:
    if trial.loss is None or not samples.are_alike:
        return
    loss = _gated(trial, entries=entries)
    settings = settings_of(loss)
    if not settings or len(loss.gates) > MOST_GATES:
        return
    found = term_values(loss, samples, settings)
    for explanation in explanations(*flat(samples, found)):
        chosen = [settings[i] for i in explanation.terms]
        yield _guess(trial, loss, chosen, explanation.coefficients, entries=entries)


def _gated(trial: Trial, *, entries: bool) -> Gated:
    assert trial.loss is not None
    assert trial.position is not None
    return gated(trial.loss, trial.args, trial.position, entries=entries, results=not entries)


def settings_of(loss: Gated) -> list[Setting]:
    """Each gate; and together those of one place in the source, which a loop has come by often."""
    single: list[Setting] = [
        ((at, entry),)
        for at, gate in enumerate(loss.gates)
        if gate.entries <= MOST_ENTRIES and gate.tie is None
        for entry in range(gate.entries)
    ]
    together: dict[object, list[tuple[int, int]]] = {}
    for at, gate in enumerate(loss.gates):
        if gate.tie is not None:
            together.setdefault((gate.place[:FRAME], gate.tie), []).append((at, 0))
    tied = [tuple(gates) for gates in together.values()]
    by_place: dict[object, list[tuple[int, int]]] = {}
    for at, gate in enumerate(loss.gates):
        if gate.axis is None:
            key = gate.place[:FRAME] if gate.tie is not None else (gate.place, gate.operand)
            by_place.setdefault(key, []).append((at, 0))
    turns = [tuple(gates) for gates in by_place.values() if len(gates) > 1]
    return [*single, *tied, *turns]


def term_values(loss: Gated, samples: Samples, settings: Sequence[Setting]) -> np.ndarray:
    """The term that each setting cuts off: `[settings, points, *shape]`."""
    return samples.true - gradients(loss, samples.points, settings)


def flat(samples: Samples, found: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is claimed too much, the terms, and the room for rounding, flat."""
    excess = (samples.claimed - samples.true).ravel()
    room = room_for_rounding(found, samples.claimed, samples.true)
    return excess, found.reshape(len(found), -1), room


def _guess(
    trial: Trial,
    loss: Gated,
    chosen: Sequence[Setting],
    coefficients: tuple[float, ...],
    *,
    entries: bool,
) -> Guess:
    assert trial.position is not None
    told: dict[float, str] = {}
    for coefficient in dict.fromkeys(coefficients):
        some = [s for s, c in zip(chosen, coefficients, strict=True) if c == coefficient]
        told[coefficient] = _told(coefficient, where(loss, some))
        if coefficient not in CAUSES:
            share = partial(_share_at, chosen=some, entries=entries)
            told[coefficient] += law_of(trial, 1 + coefficient, share)
    cause = CAUSES.get(coefficients[0], "factor") if len(told) == 1 else "edit"
    text = f"{cause}: in the gradient of {trial.names[trial.position]}, {', '.join(told.values())}"
    return Guess(cause, text, partial(_is_so, loss, tuple(chosen), coefficients))


def _told(coefficient: float, place: str) -> str:
    several = " and " in place
    terms, verb = ("the terms of", "are") if several else ("the term of", "is")
    if coefficient == -1:
        return f"{terms} {place} {verb} missing"
    if coefficient == -2:
        return f"{terms} {place} {'have' if several else 'has'} the wrong sign"
    if coefficient == 1:
        return f"{terms} {place} {verb} counted twice"
    return f"{terms} {place} {verb} multiplied by {number(1 + coefficient)}"


def where(loss: Gated, chosen: Sequence[Setting]) -> str:
    """The source of the gates, and which entries they are for."""
    return " and ".join(dict.fromkeys(_where(loss, setting) for setting in chosen))


def _where(loss: Gated, setting: Setting) -> str:
    gate, entry = loss.gates[setting[0][0]], setting[0][1]
    part = "" if gate.axis is None else f", entry {entry} along axis {gate.axis}"
    return source(gate) + part


def _share_at(other: Trial, *, chosen: Sequence[Setting], entries: bool) -> float | None:
    """What the terms are multiplied by in a trial at other sizes."""
    samples = other.draw(seed=1, count=3)
    found = term_values(_gated(other, entries=entries), samples, chosen).sum(axis=0, keepdims=True)
    only = next(explanations(*flat(samples, found)), None)
    return None if only is None else 1 + only.coefficients[0]


def _is_so(
    loss: Gated, chosen: Sequence[Setting], coefficients: tuple[float, ...], fresh: Samples
) -> bool:
    found = term_values(loss, fresh, chosen)
    excess, several, room = flat(fresh, found)
    return bool(np.all(np.abs(excess - np.array(coefficients) @ several) <= room))
