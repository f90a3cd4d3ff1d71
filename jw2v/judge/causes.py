"""Repair of the user's own expression by one edit or two, and the cause that the edit is."""

from collections.abc import Iterator
from functools import partial

from jax.extend.core import ClosedJaxpr

from jw2v.judge.bounds import UnsupportedError, evaluate, trace
from jw2v.judge.edits import Edit, repairs
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


def repaired(trial: Trial, samples: Samples, *, seconds: float) -> Iterator[Guess]:
    """Edits of the line that make it right."""
    closed = trace(trial.claimed, trial.args)
    for edit in repairs(closed, partial(_is_right, samples), depth=2, seconds=seconds):
        cause = cause_of(edit)
        line = edit.line or (edit.before.line if edit.before else None)
        yield Guess(cause, f"{cause}: {edit} makes it right", partial(_repairs, edit), line)


def _is_right(samples: Samples, closed: ClosedJaxpr) -> bool:
    try:
        for i in range(min(POINTS, len(samples.true))):
            (result,) = evaluate(closed, [x[i] for x in samples.points], arithmetic=EXACT)
            if not agree(result.value[None], samples.true[i : i + 1]):
                return False
    except UnsupportedError:
        return False
    return True


def _repairs(edit: Edit, fresh: Samples) -> bool:
    return _is_right(fresh, edit.jaxpr)


def cause_of(edit: Edit) -> str:
    """What a teacher would call the mistake that an edit undoes."""
    causes = {_cause(e) for e in (edit, edit.before) if e is not None}
    return causes.pop() if len(causes) == 1 else "edit"


def _cause(edit: Edit) -> str:
    if edit.kind == "complement" and edit.operation in ("logistic", "exp"):
        return "sigma(-x)" if edit.operation == "logistic" else "edit"
    if edit.kind == "variable":
        return "other variable" if edit.what.startswith("other variable") else "edit"
    if edit.kind == "function":
        return "sign" if {*edit.what.split(" -> ")} == {"add", "sub"} else "edit"
    if edit.kind == "reduction" and "mean" not in edit.what:
        return "edit"
    return CAUSES.get(edit.kind, "edit")


