"""The cause of a mistake, by the edit that undoes it."""

import re
from collections.abc import Sequence
from typing import Any

from jax.extend.core import ClosedJaxpr, Var

from jw2v.judge.arithmetic.agreement import agree
from jw2v.judge.arithmetic.values import values
from jw2v.judge.mutation.edits import Edit
from jw2v.judge.mutation.surgery import Formula, inlined, spliced, with_equations


def cause_of(closed: ClosedJaxpr, edit: Edit, point: Sequence[Any]) -> str:
    """What a teacher would call the mistake that an edit undoes."""
    if edit.before is None:
        return _cause(closed, edit, point)
    if edit.kind == edit.before.kind == "transpose":
        return "edit"  # there and back: what is between goes along another axis
    causes = {_cause(closed, edit.before, point), _cause(edit.before.jaxpr, edit, point)}
    return causes.pop() if len(causes) == 1 else "edit"


def _cause(closed: ClosedJaxpr, edit: Edit, point: Sequence[Any]) -> str:
    of_operand = re.search(r"of operand (\d+)", edit.what)
    if edit.operation == "logistic" and (edit.what in ("1 - y", "sigma(-x)") or of_operand):
        return "sigma(-x)"
    if edit.kind in ("sign", "factor") or edit.what in ("add -> sub", "sub -> add"):
        operand = int(of_operand[1]) - 1 if of_operand else None
        cause = "factor" if edit.kind == "factor" else "sign"
        return cause if _is_linear(closed, edit, operand, point) else "edit"
    if edit.kind == "reduction" and "mean" in edit.what:
        return "factor" if _is_linear(closed, edit, None, point) else "edit"
    if edit.kind == "variable" and edit.what.startswith("other variable"):
        return "other variable"
    return {"scatter": "overwrite", "transpose": "transpose"}.get(edit.kind, "edit")


def _is_linear(closed: ClosedJaxpr, edit: Edit, operand: int | None, point: Sequence[Any]) -> bool:
    """Whether what an edit multiplies is a factor of the line or of one of its terms."""
    if edit.operation == "output":
        return True
    none, once, twice = (
        values(_scaled(inlined(closed), edit.index, operand, factor), point)[0]
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
