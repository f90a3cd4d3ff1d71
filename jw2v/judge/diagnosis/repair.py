"""Repair of the user's own expression: the edits that make it right, and their lines."""

from collections.abc import Callable, Iterator
from functools import partial
from math import inf
from pathlib import Path

import numpy as np
from jax.extend.core import ClosedJaxpr

from jw2v.judge.arithmetic.agreement import agree
from jw2v.judge.arithmetic.bounds import UnsupportedError, trace
from jw2v.judge.arithmetic.values import values
from jw2v.judge.diagnosis.causes import cause_of
from jw2v.judge.diagnosis.forgotten import insertions
from jw2v.judge.diagnosis.trial import Guess, Samples, Trial
from jw2v.judge.mutation.edits import Edit, edits, repairs
from jw2v.judge.mutation.surgery import inlined

POINTS = 3
OMISSIONS = frozenset({"missing", "function", "reduction", "complement", "choice"})
"""Families of edits of a true line that a wrong one may be."""


class _OutOfTimeError(Exception):
    """Ends a search."""


def repaired(trial: Trial, samples: Samples, *, remaining: Callable[[], float]) -> Iterator[Guess]:
    """Edits of the line that make it right: single ones, functions forgotten, then two.

    Args:
      trial: the line.
      samples: where it must be right.
      remaining: seconds that are left.
    """
    closed = inlined(trace(trial.claimed, trial.args))

    def is_right(edited: ClosedJaxpr) -> bool:
        if remaining() <= 0:
            raise _OutOfTimeError
        return _is_at(samples, samples.true, edited)

    try:
        for edit in repairs(closed, is_right, depth=1, seconds=inf):
            yield _guess(closed, edit, samples)
        for insertion in insertions(closed):
            if is_right(insertion.jaxpr):
                what = _at(insertion.what, insertion.line)
                yield _stated("edit", f"{what} makes it right", insertion.jaxpr, insertion.line)
        yield from _omissions(trial, samples, remaining)
        for edit in repairs(closed, is_right, depth=2, seconds=inf):
            yield _guess(closed, edit, samples)
    except _OutOfTimeError:
        return


def _omissions(trial: Trial, samples: Samples, remaining: Callable[[], float]) -> Iterator[Guess]:
    """The true line with one operation left out or another in its place."""
    for edit in edits(inlined(trace(trial.true, trial.args))):
        if remaining() <= 0:
            return
        if edit.kind in OMISSIONS and _is_at(samples, samples.claimed, edit.jaxpr):
            what = f"edit: claimed = true but for {_what(edit)}"
            yield Guess("edit", what, partial(_is_claimed, edit.jaxpr))


def _is_claimed(edited: ClosedJaxpr, fresh: Samples) -> bool:
    return _is_at(fresh, fresh.claimed, edited)


def _guess(closed: ClosedJaxpr, edit: Edit, samples: Samples) -> Guess:
    cause = cause_of(closed, edit, [x[0] for x in samples.points])
    return _stated(cause, f"{_what(edit)} makes it right", edit.jaxpr, edit.line)


def _stated(cause: str, what: str, repaired: ClosedJaxpr, line: str | None) -> Guess:
    def confirmed(fresh: Samples) -> bool:
        return _is_at(fresh, fresh.true, repaired)

    return Guess(cause, f"{cause}: {what}", confirmed, line)


def _what(edit: Edit) -> str:
    own = _at(f"{edit.what} ({edit.operation})", edit.line)
    return f"{_what(edit.before)} and {own}" if edit.before else own


def _at(what: str, line: str | None) -> str:
    if line is None:
        return what
    file, number = line.rsplit(":", 1)
    return f"{Path(file).name} line {number}: {what}"


def _value(closed: ClosedJaxpr, samples: Samples, point: int) -> np.ndarray:
    return values(closed, [x[point] for x in samples.points])[0][None]


def _is_at(samples: Samples, wanted: np.ndarray, closed: ClosedJaxpr) -> bool:
    """Whether a jaxpr gives what is wanted, at a few points."""
    try:
        for i in range(min(POINTS, len(wanted))):
            if not agree(_value(closed, samples, i), wanted[i : i + 1]):
                return False
    except UnsupportedError:
        return False
    return True
