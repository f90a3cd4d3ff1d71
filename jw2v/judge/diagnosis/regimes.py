"""A line that is right or wrong by which ids coincide."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from jw2v.judge.arithmetic.agreement import agree, agreement
from jw2v.judge.arithmetic.bounds import trace
from jw2v.judge.arithmetic.values import scatter_add
from jw2v.judge.diagnosis.trial import Guess, Samples, Trial, affordable, batched
from jw2v.judge.mutation.surgery import inlined, line_of

POINTS = 256
TRIES = 20  # draws for each point that is wanted
TESTED = 3  # points that must be right, and wrong
MOST_PAIRS = 1000  # of ids


def accumulated(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """The line is right if every assignment to rows adds to them instead."""
    jaxpr = inlined(trace(trial.claimed, trial.args)).jaxpr
    lines = [line_of(e) for e in jaxpr.eqns if e.primitive.name == "scatter"]
    if not lines:
        return
    at = batched(trial.line, {"scatter": scatter_add})

    def confirmed(fresh: Samples) -> bool:
        return agree(at(fresh.points)[trial.number], fresh.true)

    if confirmed(samples):
        text = "overwrite: what is assigned must add up (.add, not .set)"
        yield Guess("overwrite", text, confirmed, line=lines[-1])


class _Pairs(NamedTuple):
    """Of all ids in a row: two positions, and whether they are of one argument."""

    one: np.ndarray
    other: np.ndarray
    within: np.ndarray
    arguments: list[tuple[int, int]]


def coincidences(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """Right unless some ids coincide: of one argument, or of several.

    A line that is wrong all over its domain may be right beyond it, and is then tried there.
    """
    pairs = _pairs(trial.args)
    if not pairs.arguments or len(pairs.arguments) > MOST_PAIRS:
        return
    here = _drawn(trial, seed=1)
    wrong = _is_wrong(here)
    to_explain = _equal(pairs, here)[wrong]
    confined = trial.domain is not None and bool(wrong.all())
    if confined:
        trial = replace(trial, domain=None)
        here = _drawn(trial, seed=1)
        wrong = _is_wrong(here)
    equal = _equal(pairs, here)
    if min(wrong.sum(), (~wrong).sum()) < TESTED:
        return
    blamed = _blamed(equal, wrong)

    def explain(some: np.ndarray) -> bool:
        return bool(to_explain[:, blamed & some].any(axis=1).all())

    def confirmed(fresh: Samples) -> bool:
        other = _drawn(trial, seed=2)
        predicted = _equal(pairs, other)[:, blamed].any(axis=1)
        return bool((predicted == _is_wrong(other)).all())

    if explain(~pairs.within) and not explain(pairs.within):
        yield Guess("o among the negatives", _across(trial, pairs, blamed), confirmed)
    elif not explain(np.ones_like(blamed)):
        return
    elif confined:
        yield Guess("repeated ids", "repeated ids: right where ids are distinct", confirmed)
    else:
        yield from _repeated(here, wrong, confirmed)


def _is_wrong(samples: Samples) -> np.ndarray:
    right = agreement(samples.claimed, samples.true).reshape(len(samples.true), -1)
    return ~np.asarray(right.all(axis=1))


def _blamed(equal: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Pairs that coincide at wrong points alone, without those that explain nothing further."""
    blamed = np.asarray(equal[wrong].any(axis=0) & ~equal[~wrong].any(axis=0))
    for pair in sorted(np.flatnonzero(blamed), key=lambda i: equal[wrong][:, i].sum()):
        others = blamed & (np.arange(len(blamed)) != pair)
        if (equal[wrong][:, others].any(axis=1) >= equal[wrong][:, pair]).all():
            blamed = others
    return blamed


def _repeated(
    here: Samples, wrong: np.ndarray, confirmed: Callable[[Samples], bool]
) -> Iterator[Guess]:
    """Less than the sum where ids repeat was overwritten, more was added twice."""
    off = ~agreement(here.claimed, here.true)
    claimed, true = here.claimed[off], here.true[off]
    share = float(claimed @ true / (true @ true))
    if 0 <= share < 1:
        text = "overwrite: right where ids are distinct; repeated ids must add up (.add, not .set)"
        yield Guess("overwrite", text, confirmed)
    elif share > 1:
        text = "doubled term: right where ids are distinct; repeated ids are counted too often"
        yield Guess("doubled term", text, confirmed)


def _across(trial: Trial, pairs: _Pairs, blamed: np.ndarray) -> str:
    found = {a for a, b in zip(pairs.arguments, blamed & ~pairs.within, strict=True) if b}
    names = " or ".join(f"{trial.names[i]} and {trial.names[j]}" for i, j in sorted(found))
    return f"o among the negatives: wrong only where ids of {names} coincide"


def _pairs(args: tuple[np.ndarray, ...]) -> _Pairs:
    owners = [i for i, x in enumerate(args) if x.dtype.kind in "iu" for _ in range(x.size)]
    both = list(combinations(range(len(owners)), 2)) if len(owners) ** 2 < 2 * MOST_PAIRS else []
    arguments = [(owners[i], owners[j]) for i, j in both]
    index = np.array(both, int).reshape(-1, 2)
    within = np.array([i == j for i, j in arguments], bool)
    return _Pairs(index[:, 0], index[:, 1], within, arguments)


def _equal(pairs: _Pairs, samples: Samples) -> np.ndarray:
    """Whether the ids of each pair are the same: `[points, pairs]`."""
    count = len(samples.true)
    ids = np.concatenate(
        [x.reshape(count, -1) for x in samples.points if x.dtype.kind in "iu"], axis=1
    )
    return ids[:, pairs.one] == ids[:, pairs.other]


def _drawn(trial: Trial, seed: int) -> Samples:
    """Points whose ids are the example's or any, and some of them then made the same."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(POINTS * TRIES):
        point = _point(trial.args, rng)
        if trial.domain is None or trial.domain(*point):
            found.append(point)
            if len(found) == affordable(trial.args, POINTS):
                break
    return trial.at(tuple(np.stack(parts) for parts in zip(*found, strict=True)))


def _point(args: tuple[np.ndarray, ...], rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    limits = np.concatenate(
        [np.full(x.size, x.max() + 1) for x in args if x.dtype.kind in "iu" and x.size]
    )
    own = np.concatenate([x.ravel() for x in args if x.dtype.kind in "iu" and x.size])
    ids = own.copy() if rng.uniform() < 0.5 else rng.integers(limits)
    for _ in range(rng.integers(3)):
        one, other = rng.integers(len(ids), size=2)
        if ids[one] < limits[other]:
            ids[other] = ids[one]
    parts = iter(np.split(ids, np.cumsum([x.size for x in args if x.dtype.kind in "iu"])[:-1]))
    return tuple(
        next(parts).reshape(x.shape).astype(x.dtype)
        if x.dtype.kind in "iu"
        else rng.standard_normal(x.shape)
        for x in args
    )
