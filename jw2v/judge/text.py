"""A verdict in words: what the command line prints and what a failing test says."""

from collections.abc import Iterator, Mapping
from typing import Any

from jw2v.judge.records import Entry, Verdict


def describe(entry: Entry) -> str:
    """The verdicts of a line, what is wrong with it, numbers to check by hand and what is right.

    >>> print(describe(Entry(
    ...     ledger="mine", id="f.3", reading="letter", kind="gradient", latex="v_c(s - 1)",
    ...     verdict_value="refuted", verdict_step="refuted", expected="holds",
    ...     expected_step="holds", margin=4e12, power={"float64": 2e-13},
    ...     diagnosis="sign: claimed = -1 × true",
    ...     counterexample={"args": {"v_c": [1.0], "u_k": [1.0]}, "claimed": -0.731, "true": 0.731},
    ...     correct_expression="v_c(1 - s)", scope="8 points, float64, cpu", note="", source="",
    ...     seconds=0.1,
    ... )))
    f.3 [letter] refuted (step refuted): sign: claimed = -1 × true
      expected: holds (step holds)
      counterexample: args.v_c = [1], args.u_k = [1], claimed = -0.731, true = 0.731
      right: v_c(1 - s)
      tried: 8 points, float64, cpu; worst error 4e+12 of its bound; power 2e-13 in float64
    """
    diagnosis = f": {entry.diagnosis}" if entry.diagnosis else ""
    verdicts = _verdicts(entry.verdict_value, entry.verdict_step)
    lines = [f"{entry.id} [{entry.reading}] {verdicts}{diagnosis}"]
    if not entry.as_expected:
        lines.append(f"expected: {_verdicts(entry.expected, entry.expected_step)}")
    if entry.counterexample:
        shown = ", ".join(f"{name} = {value}" for name, value in rows(entry.counterexample))
        lines.append(f"counterexample: {shown}")
    if entry.correct_expression and not _sound(entry):
        lines.append(f"right: {entry.correct_expression}")
    if entry.note:
        lines.append(f"note: {entry.note}")
    lines.append(
        f"tried: {entry.scope}; worst error {entry.margin:.2g} of its bound{_power(entry)}"
    )
    return "\n  ".join(lines)


def rows(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names and values as text; the names of what is inside a dict are joined by dots.

    >>> import numpy as np
    >>> list(rows({"at": {"x": np.array([[1.0, 0.25]]), "o": 3}, "entry": (0, 1)}))
    [('at.x', '[[1, 0.25]]'), ('at.o', '3'), ('entry', '[0, 1]')]
    """
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from rows(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", show(value)


def show(value: Any) -> str:
    """A number with six digits, an array or sequence of them in brackets, anything else as it is.

    >>> show([0.7310585786300049, 1, None])
    '[0.731059, 1, None]'
    """
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(show, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _verdicts(value: Verdict, step: Verdict | None) -> str:
    return f"{value} (step {step})" if step else value


def _sound(entry: Entry) -> bool:
    return entry.verdict_value == "holds" and entry.verdict_step in ("holds", None)


def _power(entry: Entry) -> str:
    shown = ", ".join(f"{power:.2g} in {dtype}" for dtype, power in entry.power.items())
    return f"; power {shown}" if shown else ""
