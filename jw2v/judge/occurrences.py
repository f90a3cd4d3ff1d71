"""A gradient with one of its terms wrong: which use of the variable, and by what factor.

Every use in the loss of what the gradient passes through has a term T of the gradient. A line g
beside the true t is explained by the fewest terms that give g − t = Σ c T: c = −1 is a term that is
missing, −2 one of the wrong sign, 1 one that is counted twice.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations
from typing import NamedTuple

import numpy as np

from jw2v.judge.factors import law_of, number
from jw2v.judge.gates import Gated, Setting, gated, gradients, source
from jw2v.judge.trial import TOLERANCE, Guess, Samples, Trial, agreement, sizes

NICE = {-1: "missing term", -2: "sign", 1: "doubled term"}
"""The cause by the coefficient of a term in what is claimed too much."""
MOST_TOGETHER = 3
MOST_TERMS = 40  # of which any three are tried
MOST_ENTRIES = 8  # along an axis, of which each has its term
SATURATED = 30.0  # times its value, a score has a sigmoid at one of its ends


class Explanation(NamedTuple):
    """Terms by number and the coefficient of all of them."""

    terms: tuple[int, ...]
    coefficient: float


def terms(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """Terms missing, doubled, of the wrong sign or with a factor: of uses, then of their parts."""
    yield from _terms(trial, samples, entries=False)


def parts(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """The same for terms of single entries of what is used."""
    yield from _terms(trial, samples, entries=True)


def _terms(trial: Trial, samples: Samples, *, entries: bool) -> Iterator[Guess]:
    if trial.loss is None or samples.claimed.shape != samples.true.shape:
        return
    assert trial.position is not None
    loss = gated(trial.loss, trial.args, trial.position, entries=entries, results=not entries)
    settings = _settings(loss)
    found = term_values(loss, samples, settings)
    for explanation in explanations(samples, found):
        chosen = [settings[i] for i in explanation.terms]
        coefficient = explanation.coefficient
        yield _guess(trial, loss, chosen, coefficient, entries=entries)


def _settings(loss: Gated) -> list[Setting]:
    """Each gate; and together those of one place in the source, which a loop has come by often."""
    single: list[Setting] = [
        ((number, entry),)
        for number, gate in enumerate(loss.gates)
        if gate.count <= MOST_ENTRIES
        for entry in range(gate.count)
    ]
    by_place: dict[object, list[tuple[int, int]]] = {}
    for number, gate in enumerate(loss.gates):
        if gate.axis is None:
            by_place.setdefault((gate.place, gate.operand), []).append((number, 0))
    return single + [tuple(gates) for gates in by_place.values() if len(gates) > 1]


def term_values(loss: Gated, samples: Samples, settings: Sequence[Setting]) -> np.ndarray:
    """The term that each setting cuts off: `[settings, points, *shape]`."""
    return samples.true - gradients(loss, samples.points, settings) if settings else np.zeros((0,))


def explanations(samples: Samples, found: np.ndarray) -> Iterator[Explanation]:
    """Few terms, of one coefficient, that make up what is claimed too much; the fewest first.

    >>> true = np.array([[1.0, 2.0]])
    >>> found = np.array([[[1.0, 0.0]], [[0.0, 2.0]]])
    >>> next(explanations(Samples((), true * [1, -1], true), found))
    Explanation(terms=(1,), coefficient=-2.0)
    """
    excess = (samples.claimed - samples.true).ravel()
    room = _room(samples, found)
    flat = found.reshape(len(found), -1)
    distinct = _distinct(flat, room)
    yield from _singles(excess, flat, distinct, room)
    for count in range(2, MOST_TOGETHER + 1):
        yield from _together(excess, flat, distinct[:MOST_TERMS], room, count)


def _room(samples: Samples, found: np.ndarray) -> np.ndarray:
    """What rounding may leave, for each entry at each point."""
    largest = np.abs(found).max(axis=0, initial=0.0)
    per_point = TOLERANCE * sizes(samples.claimed, samples.true, largest)
    return np.repeat(per_point, samples.true[0].size)


def _distinct(flat: np.ndarray, room: np.ndarray) -> list[int]:
    """One of each group of equal terms, without those that are zero."""
    kept: list[int] = []
    for i, term in enumerate(flat):
        if np.all(np.abs(term) <= room):
            continue
        if not any(np.all(np.abs(term - flat[j]) <= room) for j in kept):
            kept.append(i)
    return kept


def _singles(
    excess: np.ndarray, flat: np.ndarray, distinct: Sequence[int], room: np.ndarray
) -> Iterator[Explanation]:
    found = []
    for i in distinct:
        coefficient = float(excess @ flat[i] / (flat[i] @ flat[i]))
        if np.all(np.abs(excess - coefficient * flat[i]) <= room):
            found.append(Explanation((i,), float(np.round(coefficient, 9))))
    yield from sorted(found, key=lambda e: e.coefficient not in NICE)


def _together(
    excess: np.ndarray, flat: np.ndarray, distinct: Sequence[int], room: np.ndarray, count: int
) -> Iterator[Explanation]:
    """Several terms of one coefficient, found by what their sum explains."""
    chosen = list(combinations(distinct, count))
    if not chosen:
        return
    gram, along = flat @ flat.T, flat @ excess
    index = np.array(chosen)
    squares = gram[index[:, :, None], index[:, None, :]].sum(axis=(1, 2))
    products = along[index].sum(axis=1)
    with np.errstate(all="ignore"):
        coefficients = products / squares
        left = excess @ excess - products * coefficients
    near = np.flatnonzero(left <= 1e-6 * (excess @ excess))
    found = []
    for i in near:
        coefficient = float(coefficients[i])
        if np.all(np.abs(excess - coefficient * flat[index[i]].sum(axis=0)) <= room):
            found.append(Explanation(chosen[i], float(np.round(coefficient, 9))))
    yield from sorted(found, key=lambda e: e.coefficient not in NICE)


def _guess(
    trial: Trial, loss: Gated, chosen: Sequence[Setting], coefficient: float, *, entries: bool
) -> Guess:
    assert trial.position is not None
    name = trial.names[trial.position]
    where = " and ".join(dict.fromkeys(_where(loss, setting) for setting in chosen))
    cause = NICE.get(int(coefficient) if coefficient == round(coefficient) else 0, "factor")
    told = {
        "missing term": f"claimed lacks the term of {name} through {where}",
        "sign": f"the term of {name} through {where} has the wrong sign",
        "doubled term": f"the term of {name} through {where} is counted twice",
    }
    text = told.get(cause)
    if text is None:
        share = 1 + coefficient
        law = law_of(trial, share, partial(_share_at, chosen=chosen, entries=entries))
        text = f"the term of {name} through {where} is multiplied by {number(share)}{law}"
    return Guess(cause, f"{cause}: {text}", partial(_is_so, loss, tuple(chosen), coefficient))


def _where(loss: Gated, setting: Setting) -> str:
    gate, entry = loss.gates[setting[0][0]], setting[0][1]
    part = "" if gate.axis is None else f", entry {entry} along axis {gate.axis}"
    return source(gate) + part


def _share_at(other: Trial, *, chosen: Sequence[Setting], entries: bool) -> float | None:
    """What the terms are multiplied by in a trial at other sizes."""
    assert other.loss is not None
    assert other.position is not None
    loss = gated(other.loss, other.args, other.position, entries=entries, results=not entries)
    samples = other.draw(seed=1, count=3)
    found = term_values(loss, samples, chosen).sum(axis=0, keepdims=True)
    only = next(_singles_of(samples, found), None)
    return None if only is None else 1 + only.coefficient


def _singles_of(samples: Samples, found: np.ndarray) -> Iterator[Explanation]:
    excess = (samples.claimed - samples.true).ravel()
    return _singles(excess, found.reshape(1, -1), [0], _room(samples, found))


def _is_so(loss: Gated, chosen: Sequence[Setting], coefficient: float, fresh: Samples) -> bool:
    term = term_values(loss, fresh, chosen).sum(axis=0)
    room = _room(fresh, term[None])
    excess = (fresh.claimed - fresh.true).ravel()
    return bool(np.all(np.abs(excess - coefficient * term.ravel()) <= room))


def mirrored(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """σ(x) for σ(−x): the gradient at the opposite of a score that a sigmoid is taken of."""
    if trial.loss is None or samples.claimed.shape != samples.true.shape:
        return
    assert trial.position is not None
    loss = gated(trial.loss, trial.args, trial.position, results=True)
    settings = _settings(loss)
    changes = _mirror_changes(loss, samples, settings)
    for explanation in explanations(samples, changes):
        if explanation.coefficient == 1:
            chosen = [settings[i] for i in explanation.terms]
            where = " and ".join(dict.fromkeys(_where(loss, setting) for setting in chosen))
            text = f"sigma(-x): sigma of the opposite of {where}"
            yield Guess("sigma(-x)", text, partial(_is_mirrored, loss, tuple(chosen)))


def _mirror_changes(loss: Gated, samples: Samples, settings: Sequence[Setting]) -> np.ndarray:
    """What a mirror changes, 0 where no sigmoid is taken of the score.

    A sigmoid s has s(x) + s(−x) = 2 s(0), and is not linear.
    """
    turned, level, far = (
        gradients(loss, samples.points, settings, kind="mirror", factor=f)
        for f in (-1.0, 0.0, SATURATED)
    )
    changes = np.zeros_like(turned)
    for i in range(len(settings)):
        odd = agreement(turned[i] + samples.true, 2 * level[i]).all()
        reach, step = np.abs(far[i] - level[i]).max(), np.abs(samples.true - level[i]).max()
        if odd and reach < SATURATED / 2 * step:
            changes[i] = turned[i] - samples.true
    return changes


def _is_mirrored(loss: Gated, chosen: Sequence[Setting], fresh: Samples) -> bool:
    changes = _mirror_changes(loss, fresh, chosen).sum(axis=0)
    excess = (fresh.claimed - fresh.true).ravel()
    return bool(np.all(np.abs(excess - changes.ravel()) <= _room(fresh, changes[None])))
