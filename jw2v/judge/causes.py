"""Repair of the user's own expression by one edit or two, and the cause that the edit is."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import jax
from jax.extend.core import ClosedJaxpr

from jw2v.judge.bounds import UnsupportedError, evaluate, trace
from jw2v.judge.edits import Edit, repairs
from jw2v.judge.forgotten import first_repair
from jw2v.judge.trial import EXACT, Guess, Samples, Trial, agree

POINTS = 3

CAUSES = {
    "sign": "sign",
    "factor": "factor",
    "scatter": "overwrite",
    "transpose": "transpose",
    "reduction": "factor",
}
"""The cause that an edit of a family is; of all other families it is an edit."""


def repaired(trial: Trial, samples: Samples, *, remaining: Callable[[], float]) -> Iterator[Guess]:
    """Edits of the line that make it right: single ones, functions forgotten, then two."""
    closed = trace(trial.claimed, trial.args)
    is_right = partial(_is_right, samples)
    for depth in (1, 2):
        for edit in repairs(closed, is_right, depth=depth, seconds=remaining()):
            yield _guess(cause_of(edit), _what(edit), edit.jaxpr, edit.line)
        if depth == 1:
            for insertion in first_repair(closed, is_right, seconds=remaining() / 2):
                what = _at(insertion.what, insertion.line)
                yield _guess("edit", what, insertion.jaxpr, insertion.line)


def _guess(cause: str, what: str, repaired: ClosedJaxpr, line: str | None) -> Guess:
    def confirmed(fresh: Samples) -> bool:
        return _is_right(fresh, repaired)

    return Guess(cause, f"{cause}: {what} makes it right", confirmed, line)


def _what(edit: Edit) -> str:
    own = _at(f"{edit.what} ({edit.operation})", edit.line)
    return f"{_what(edit.before)} and {own}" if edit.before else own


def _at(what: str, line: str | None) -> str:
    if line is None:
        return what
    file, number = line.rsplit(":", 1)
    return f"{Path(file).name} line {number}: {what}"


def _is_right(samples: Samples, closed: ClosedJaxpr) -> bool:
    try:
        with jax.enable_x64(True):
            for i in range(min(POINTS, len(samples.true))):
                (result,) = evaluate(closed, [x[i] for x in samples.points], arithmetic=EXACT)
                if not agree(result.value[None], samples.true[i : i + 1]):
                    return False
    except UnsupportedError:
        return False
    return True


def cause_of(edit: Edit) -> str:
    """What a teacher would call the mistake that an edit undoes."""
    if edit.before is not None and edit.kind == edit.before.kind == "transpose":
        return "edit"  # there and back: what is between goes along another axis
    causes = {_cause(e) for e in (edit, edit.before) if e is not None}
    return causes.pop() if len(causes) == 1 else "edit"


def _cause(edit: Edit) -> str:
    if edit.operation == "logistic" and (
        edit.what in ("1 - y", "sigma(-x)") or edit.what.startswith("neg of operand")
    ):
        return "sigma(-x)"
    if edit.kind == "variable":
        return "other variable" if edit.what.startswith("other variable") else "edit"
    if edit.kind == "function":
        return "sign" if {*edit.what.split(" -> ")} == {"add", "sub"} else "edit"
    if edit.kind == "reduction" and "mean" not in edit.what:
        return "edit"
    return CAUSES.get(edit.kind, "edit")
