"""Repair of the user's own expression by one edit or two, and the cause that the edit is."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Var

from jw2v.judge.bounds import UnsupportedError, trace
from jw2v.judge.edits import Edit, edits, repairs
from jw2v.judge.forgotten import first_repair
from jw2v.judge.surgery import Formula, inlined, spliced, with_equations
from jw2v.judge.trial import Guess, Samples, Trial, agree
from jw2v.judge.values import values

POINTS = 3
OMISSIONS = frozenset({"missing", "function", "reduction", "complement", "choice"})
"""Families of edits of a true line that a wrong one may be."""


def repaired(trial: Trial, samples: Samples, *, remaining: Callable[[], float]) -> Iterator[Guess]:
    """Edits of the line that make it right: single ones, functions forgotten, then two."""
    closed = inlined(trace(trial.claimed, trial.args))
    is_right = partial(_is_at, samples, samples.true)
    for edit in repairs(closed, is_right, depth=1, seconds=remaining()):
        yield _guess(closed, edit, samples)
    for insertion in first_repair(closed, is_right, seconds=remaining() / 2):
        what = _at(insertion.what, insertion.line)
        yield _stated("edit", f"{what} makes it right", insertion.jaxpr, insertion.line)
    yield from _omissions(trial, samples, remaining)
    for edit in repairs(closed, is_right, depth=2, seconds=remaining()):
        yield _guess(closed, edit, samples)


def _omissions(
    trial: Trial, samples: Samples, remaining: Callable[[], float]
) -> Iterator[Guess]:
    """The true line with one operation left out or another in its place."""
    for edit in edits(inlined(trace(trial.true, trial.args))):
        if not remaining():
            return
        if edit.kind in OMISSIONS and _is_at(samples, samples.claimed, edit.jaxpr):
            what = f"edit: claimed = true after {_what(edit)}"
            yield Guess("edit", what, partial(_is_claimed, edit.jaxpr))


def _is_claimed(edited: ClosedJaxpr, fresh: Samples) -> bool:
    return _is_at(fresh, fresh.claimed, edited)


def _guess(closed: ClosedJaxpr, edit: Edit, samples: Samples) -> Guess:
    cause = _cause_of(closed, edit, samples)
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


def _is_at(samples: Samples, wanted: np.ndarray, closed: ClosedJaxpr) -> bool:
    """Whether a jaxpr gives what is wanted, at a few points."""
    try:
        for i in range(min(POINTS, len(wanted))):
            if not agree(_value(closed, samples, i)[None], wanted[i : i + 1]):
                return False
    except UnsupportedError:
        return False
    return True


def _value(closed: ClosedJaxpr, samples: Samples, point: int) -> np.ndarray:
    return values(closed, [x[point] for x in samples.points])[0]


def _cause_of(closed: ClosedJaxpr, edit: Edit, samples: Samples) -> str:
    """What a teacher would call the mistake that an edit undoes."""
    if edit.before is None:
        return _cause(closed, edit, samples)
    if edit.kind == edit.before.kind == "transpose":
        return "edit"  # there and back: what is between goes along another axis
    causes = {_cause(closed, edit.before, samples), _cause(edit.before.jaxpr, edit, samples)}
    return causes.pop() if len(causes) == 1 else "edit"


def _cause(closed: ClosedJaxpr, edit: Edit, samples: Samples) -> str:
    of_operand = re.search(r"of operand (\d+)", edit.what)
    if edit.operation == "logistic" and (edit.what in ("1 - y", "sigma(-x)") or of_operand):
        return "sigma(-x)"
    if edit.kind in ("sign", "factor") or edit.what in ("add -> sub", "sub -> add"):
        operand = int(of_operand[1]) - 1 if of_operand else None
        cause = "factor" if edit.kind == "factor" else "sign"
        return cause if _is_linear(closed, edit, operand, samples) else "edit"
    if edit.kind == "reduction" and "mean" in edit.what:
        return "factor" if _is_linear(closed, edit, None, samples) else "edit"
    if edit.kind == "variable" and edit.what.startswith("other variable"):
        return "other variable"
    return {"scatter": "overwrite", "transpose": "transpose"}.get(edit.kind, "edit")


def _is_linear(closed: ClosedJaxpr, edit: Edit, operand: int | None, samples: Samples) -> bool:
    """Whether what an edit multiplies is a factor of the line or of one of its terms."""
    if edit.operation == "output":
        return True
    none, once, twice = (
        _value(_scaled(inlined(closed), edit.index, operand, factor), samples, 0)
        for factor in (0.0, 1.0, 2.0)
    )
    return agree((twice - once)[None], (once - none)[None])


def _scaled(closed: ClosedJaxpr, index: int, operand: int | None, factor: float) -> ClosedJaxpr:
    """With the result of an equation, or one of its operands, times a factor."""
    equation = closed.jaxpr.eqns[index]
    formula = Formula(_times, (factor,))
    if operand is None:
        result: Var = equation.outvars[0]
        *new, atom = spliced(formula, [result], equation)
        return with_equations(closed, index, [equation, *new], {result: atom})
    *new, atom = spliced(formula, [equation.invars[operand]], equation)
    invars = [atom if i == operand else x for i, x in enumerate(equation.invars)]
    return with_equations(closed, index, [*new, equation.replace(invars=invars)])


def _times(x: Any, factor: float) -> Any:
    return x * factor
