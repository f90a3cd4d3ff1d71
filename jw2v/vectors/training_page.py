"""A page that tells at a glance how a run went: its losses, rate and speed over time, its facts."""

import math
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, TypeGuard

from jw2v.files import replacing
from jw2v.vectors.charts import Line, Point, chart
from jw2v.vectors.pages import filled


def write_training_page(run: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write the page of a run: one self-contained file without scripts.

    Args:
      run: as `Vectors.run` has it; what it lacks is left out.
      path: of the file.

    Raises:
      DataError: the file cannot be written.
    """
    with replacing(Path(path)) as temporary:
        temporary.write_text(training_page(run), encoding="utf-8", errors="backslashreplace")


def training_page(run: Mapping[str, Any]) -> str:
    """The page as HTML text.

    >>> "fell from 4.1589 to 2.1000 nats a pair" in training_page(
    ...     {"loss": 2.1, "history": [{"epoch": 0.1, "loss": 4.1589, "lr": 0.05}]})
    True
    """
    training = Line("training", _over_time(run, "loss"))
    rates = {"Learning rate": "lr", "Words a second, so far": "words_per_s"}
    charts = [chart("Loss, nats a pair", training, _heldout(run), width=960)]
    for title, name in rates.items():
        charts.append(chart(title, Line("", _over_time(run, name)), width=470, from_zero=True))
    return filled(
        "training.html", outcome=_outcome(run), charts="\n".join(charts), facts=_sections(run)
    )


def _over_time(run: Mapping[str, Any], name: str) -> list[Point]:
    """Epoch and value of each progress that has them; an epoch is counted in expected words."""
    values = [(progress.get("epoch"), progress.get(name)) for progress in run.get("history", ())]
    last = run.get("epochs", math.inf)
    return [(float(min(x, last)), float(y)) for x, y in values if _finite(x) and _finite(y)]


def _heldout(run: Mapping[str, Any]) -> Line:
    """The loss on held-out text, at the ends of epochs, where it is measured."""
    points: list[Point] = []
    for epoch, loss in _over_time(run, "heldout_loss"):
        if not points or points[-1][1] != loss:
            points.append((float(math.floor(epoch)), loss))
    epochs, last = run.get("epochs"), run.get("heldout_loss")
    if _finite(epochs) and _finite(last):
        points.append((float(epochs), float(last)))
    return Line("held out", points)


def _finite(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _outcome(run: Mapping[str, Any]) -> str:
    losses = [loss for _, loss in _over_time(run, "loss")]
    last, heldout = run.get("loss"), run.get("heldout_loss")
    if not losses or not _finite(last):
        return '<p class="outcome">No loss was measured.</p>'
    on_heldout = f"; on held-out text it is {heldout:.4f}" if _finite(heldout) else ""
    if last < losses[0]:
        said, kind = f"The loss fell from {losses[0]:.4f} to {last:.4f} nats a pair", "outcome"
    else:
        said, kind = f"The loss did not fall: {losses[0]:.4f}, then {last:.4f}", "outcome bad"
    return f'<p class="{kind}">{said}{on_heldout}.</p>'


def _sections(run: Mapping[str, Any]) -> str:
    """What is single, then what has parts, the options last."""
    single = {key: value for key, value in run.items() if not isinstance(value, Mapping)}
    single.pop("history", None)
    groups = {key: value for key, value in run.items() if isinstance(value, Mapping)}
    options = groups.pop("config", {})
    sections = {"run": single, **groups, "options": options}
    return "\n".join(_section(name, facts) for name, facts in sections.items() if facts)


def _section(name: str, facts: Mapping[str, Any]) -> str:
    rows = (
        f"<div><dt>{escape(_words(key))}</dt><dd>{escape(_said(value))}</dd></div>"
        for key, value in facts.items()
    )
    return f"<section><h2>{escape(_words(name))}</h2><dl>{''.join(rows)}</dl></section>"


def _words(name: str) -> str:
    return name.replace("_per_s", " a second").replace("_", " ")


def _said(value: Any) -> str:
    """A value in words.

    >>> [_said(value) for value in (None, True, 11432797, 1135226.09, 0.05, ["a", "b"])]
    ['–', 'yes', '11,432,797', '1,135,226', '0.05', 'a; b']
    """
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.0f}" if 1000 <= abs(value) < math.inf else f"{value:.4g}"
        case list() | tuple():
            return "; ".join(map(_said, value)) or "none"
        case _:
            return str(value)
