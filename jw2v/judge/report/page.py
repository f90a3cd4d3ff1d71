"""The report: one HTML file with every line, its verdicts, and what is wrong where."""

import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from jw2v.files import replacing
from jw2v.judge.records import Entry
from jw2v.judge.report.line import Line, by_derivation, by_ledger, lines_of, render
from jw2v.judge.report.markup import tag, to_html
from jw2v.judge.report.mutants import mutants
from jw2v.judge.report.summary import findings, header

FILTERS = {
    "all": "All lines",
    "faults": "Wrong, or not following",
    "unexpected": "Not as expected",
    "notation": "Notation",
}


def write_html(
    path: str | os.PathLike[str],
    entries: Sequence[Entry],
    *,
    env: Mapping[str, Any],
    title: str = "Derivations, judged line by line",
    scores: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the report: one self-contained file without scripts.

    Args:
      path: of the file.
      entries: in the order of their documents.
      env: backend, versions and what else the verdicts depend on.
      title: of the page.
      scores: what became of the mutants of right lines, as of `score_entries`.

    Raises:
      UsageError: the extra `report` is not installed.
      DataError: the file cannot be written.
    """
    text = report(entries, env=env, title=title, scores=scores)
    with replacing(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def report(
    entries: Sequence[Entry],
    *,
    env: Mapping[str, Any],
    title: str,
    scores: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The report as HTML text.

    >>> "<h1>Nothing</h1>" in report([], env={"backend": "cpu"}, title="Nothing")
    True
    """
    lines = lines_of(entries)
    ledgers = (_ledger(name, members) for name, members in by_ledger(lines))
    body = tag(
        "body",
        header(lines, env, title),
        findings(lines),
        tag("main", _filters(), *ledgers, mutants(scores) if scores else None),
    )
    return "<!DOCTYPE html>\n" + to_html(tag("html", _head(title), body, lang="en"))


def _head(title: str) -> Element:
    """The policy lets nothing be loaded and nothing run, whatever the entries hold."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", files("jw2v.judge.report").joinpath("report.css").read_text(encoding="utf-8")),
    )


def _filters() -> Element:
    """Radio buttons that the style sheet acts on."""
    choices = (tag("label", _choice(value), words) for value, words in FILTERS.items())
    return tag("fieldset", tag("legend", "Show"), *choices, class_="filters")


def _choice(value: str) -> Element:
    checked = "checked" if value == "all" else None
    return tag("input", type="radio", name="show", value=value, checked=checked)


def _ledger(name: str, lines: Sequence[Line]) -> Element:
    derivations = (_derivation(title, members) for title, members in by_derivation(lines))
    return tag("section", tag("h2", name) if name else None, *derivations)


def _derivation(title: str, lines: Sequence[Line]) -> Element:
    items = (render(line) for line in lines)
    heading = tag("h3", title) if title else None
    return tag("section", heading, tag("ol", *items, class_="lines"))
