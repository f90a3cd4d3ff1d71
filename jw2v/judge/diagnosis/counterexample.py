"""The smallest numbers that show a mistake, for a person to check by hand.

Sizes first: every axis has length 1 or 2, a table up to 4 rows, the fewest numbers first. Then
values: small integers and halves, no zeros, the plainest first.
"""

import time
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from jw2v.judge.arithmetic.agreement import column, sizes
from jw2v.judge.diagnosis.resizing import axes_by_size, resized
from jw2v.judge.diagnosis.trial import Samples, Trial

SECONDS = 1.5
"""Of the processor, for the search; most mistakes show in a tenth of it."""
CANDIDATES = 192
LENGTHS = (1, 2)
WORDS = (1, 2, 3, 4)  # of a table, where a domain may ask for ids that differ
VALUES = np.array([1.0, 2.0, -1.0, -2.0, 0.5, 3.0, -0.5])
COSTS = np.arange(len(VALUES))
"""Of the values: the later ones are less plain."""
CLEAR = 0.05  # of the entry: how far off it must be, to be seen
VISIBLE = 1e-6  # where nothing is farther off
FAIR = (1e-3, 1e3)  # true values that show something
FURTHER = 5  # sizes that are tried after one that shows the mistake at a true value of 0
MOST_NUMBERS = 64  # in arguments that are shown


def smallest(trial: Trial, seed: int = 0) -> dict[str, Any] | None:
    """A point and an entry where a line is wrong.

    Args:
      trial: the line.
      seed: of the values.

    Returns:
      `args` by name, `argument` (position of the gradient's variable), `entry`, `claimed` and
      `true`; where the shapes differ, these are whole arrays. What does not apply is left out.
      None where no point shows it.

    >>> from jw2v.judge.diagnosis.diagnose import trial_of
    >>> trial = trial_of(lambda x: 3 * x, lambda x: 2 * x, (np.ones(4),))
    >>> found = smallest(trial)
    >>> found["args"], found["claimed"], found["true"]
    ({'x': [1.0]}, 3.0, 2.0)
    """
    end = time.thread_time() + SECONDS
    rng = np.random.default_rng(seed)
    alike = trial.are_alike
    degenerate, further = None, FURTHER
    for other in _shorter(trial):
        found = _at_sizes(other, rng, alike)
        if found is not None and found.is_fair:
            return found.shown
        degenerate = degenerate or found
        further -= degenerate is not None
        if not further or time.thread_time() > end:
            break
    return degenerate.shown if degenerate else _worst(trial, trial.draw(seed))


class _Found(NamedTuple):
    shown: dict[str, Any]
    is_fair: bool  # the true value is neither zero nor huge


def _shorter(trial: Trial) -> Iterator[Trial]:
    """The trial with short axes, the fewest numbers first, and last of all as it is."""
    longer = [size for size in axes_by_size(trial.args) if size > 1]
    of_words = _sizes_of_words(trial, longer)
    lengths = product(*([n for n in _lengths(size in of_words) if n <= size] for size in longer))
    chosen = [dict(zip(longer, some, strict=True)) for some in lengths]
    shorter = [resized(trial.args, sizes, trial.tables) for sizes in chosen]
    for args in sorted(shorter, key=lambda args: sum(x.size for x in args)):
        yield trial.resized(args)
    yield trial


def _sizes_of_words(trial: Trial, sizes: list[int]) -> set[int]:
    """Of the axes that ids index; of all that they could, where they index none."""
    ids = {i: x for i, x in enumerate(trial.args) if x.dtype.kind in "iu" and x.size}
    largest = [int(x.max()) for i, x in ids.items() if i not in trial.tables]
    return {*trial.tables.values()} | {size for size in sizes if largest and size > min(largest)}


def _lengths(is_of_words: bool) -> tuple[int, ...]:
    return WORDS if is_of_words else LENGTHS


def _at_sizes(trial: Trial, rng: np.random.Generator, alike: bool) -> _Found | None:
    """The plainest point that shows the mistake clearly, or at all."""
    try:
        points, costs = _candidates(trial, rng)
        samples, finite = trial.finite_at(points)
    except Exception:  # whatever a stranger's function raises at a size that it is not made for
        return None
    if not finite.any() or samples.are_alike != alike:
        return None
    costs = costs[finite]
    if not samples.are_alike:
        best = int(np.argmin(np.where(samples.true.reshape(len(costs), -1).all(1), costs, np.inf)))
        return _Found(_shown(trial, samples, best, None), bool(samples.true[best].all()))
    off = _off(samples)
    size = np.abs(samples.true)
    fair = (size > FAIR[0]) & (size < FAIR[1])
    for is_fair, threshold in product((True, False), (CLEAR, VISIBLE)):
        seen = np.where(fair | (not is_fair), off, 0.0)
        points_seen = np.flatnonzero(seen.reshape(len(seen), -1).max(axis=1) > threshold)
        if points_seen.size:
            best = int(points_seen[np.argmin(costs[points_seen])])
            entry = np.unravel_index(int(np.argmax(seen[best])), seen[best].shape)
            return _Found(_shown(trial, samples, best, tuple(map(int, entry))), is_fair)
    return None


def _candidates(
    trial: Trial, rng: np.random.Generator
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Points of small numbers within the domain, and how far from plain each is."""
    found = []
    for number in range(CANDIDATES):
        point, cost = _candidate(trial.args, rng, plain=number / CANDIDATES)
        if trial.domain is None or trial.domain(*point):
            found.append((point, cost))
    points = tuple(np.stack(parts) for parts in zip(*(p for p, _ in found), strict=True))
    return points, np.array([cost for _, cost in found])


def _candidate(
    args: tuple[np.ndarray, ...], rng: np.random.Generator, plain: float
) -> tuple[tuple[np.ndarray, ...], float]:
    """Ones in all places at first, other values in more and more of them later."""
    point, cost = [], 0.0
    for x in args:
        if x.dtype.kind == "f":
            which = rng.integers(len(VALUES), size=x.shape) * (rng.uniform(size=x.shape) < plain)
            point.append(VALUES[which])
            cost += float(np.sum(COSTS[which]))
        elif x.dtype.kind in "iu" and x.size:
            ids = rng.integers(int(x.max()) + 1, size=x.shape) if plain else x
            point.append(np.asarray(ids, x.dtype))
            cost += float(np.sum(point[-1]))
        else:
            point.append(x)
    return tuple(point), cost


def _off(samples: Samples) -> np.ndarray:
    """How far off each entry is, relative to the larger of the two at its point."""
    scale = np.maximum(sizes(samples.claimed, samples.true), np.finfo(float).tiny)
    return np.abs(samples.claimed - samples.true) / column(scale, samples.true)


def _worst(trial: Trial, samples: Samples) -> dict[str, Any] | None:
    """The entry that is farthest off, of sampled points."""
    if not samples.true.size:
        return None
    if not samples.are_alike:
        return _shown(trial, samples, 0, None)
    off = _off(samples)
    point, *entry = np.unravel_index(int(np.argmax(off)), off.shape)
    if off[point][tuple(entry)] <= VISIBLE:
        return None
    return _shown(trial, samples, int(point), tuple(int(i) for i in entry))


def _shown(
    trial: Trial, samples: Samples, point: int, entry: tuple[int, ...] | None
) -> dict[str, Any]:
    values = [x[point] for x in samples.points]
    claimed, true = samples.claimed[point], samples.true[point]
    shown: dict[str, Any] = {}
    if sum(x.size for x in values) <= MOST_NUMBERS:
        shown["args"] = {n: x.tolist() for n, x in zip(trial.names, values, strict=True)}
    if trial.position is not None:
        shown["argument"] = trial.position
    if entry:
        shown["entry"] = entry
    whole = entry is None
    return shown | {
        "claimed": claimed.tolist() if whole else float(claimed[entry]),
        "true": true.tolist() if whole else float(true[entry]),
    }
