"""One line of the report: the formula, its verdicts, and all that stands behind them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from math import isfinite
from typing import Literal, NamedTuple
from urllib.parse import quote
from xml.etree.ElementTree import Element

from jw2v.judge.records import Entry, Verdict
from jw2v.judge.report.markup import formula, tag
from jw2v.judge.text import rows

Mark = Literal["holds", "refuted", "undecided", "gap"]  # gap: the value holds, the step does not
GLYPHS = {"holds": "✓", "refuted": "✗", "gap": "⇏", "undecided": "?"}
WORDS = {
    "holds": "right",
    "refuted": "wrong",
    "gap": "right, but it does not follow from the line before",
    "undecided": "undecided",
}
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Line(NamedTuple):
    """An entry with its place in the page."""

    entry: Entry
    anchor: str

    @property
    def href(self) -> str:
        """The link to it."""
        return f"#{quote(self.anchor)}"

    @property
    def mark(self) -> Mark:
        """The worse of the two verdicts, the value's first."""
        entry = self.entry
        if entry.verdict_value != "holds":
            return entry.verdict_value
        if entry.verdict_step == "refuted":
            return "gap"
        return entry.verdict_step or "holds"

    @property
    def notational(self) -> bool:
        """Whether the line is read as meant, or something is said of how it is written."""
        return self.entry.reading == "meant" or bool(self.entry.note)


def lines_of(entries: Sequence[Entry]) -> list[Line]:
    """The entries with anchors: their ids, told apart where two are the same.

    >>> lines_of([])
    []
    """
    seen: Counter[str] = Counter()
    lines = []
    for entry in entries:
        meant = "-meant" if entry.reading == "meant" else ""
        name = re.sub(r"[^\w.-]+", "-", entry.id) + meant
        seen[name] += 1
        lines.append(Line(entry, name if seen[name] == 1 else f"{name}~{seen[name]}"))
    return lines


def by_ledger(lines: Iterable[Line]) -> Iterator[tuple[str, list[Line]]]:
    """The lines of each ledger, with its name."""
    return ((name, list(group)) for name, group in groupby(lines, lambda x: x.entry.ledger))


def by_derivation(lines: Iterable[Line]) -> Iterator[tuple[str, list[Line]]]:
    """The lines of each derivation, with its id: that of the line up to the last dot."""
    groups = groupby(lines, lambda line: line.entry.id.rpartition(".")[0])
    return ((name, list(group)) for name, group in groups)


def scientific(number: float) -> str:
    """Two digits, and a power of ten where the number is far from one.

    >>> scientific(2.13e-13), scientific(0.25), scientific(float("inf"))
    ('2.1 × 10⁻¹³', '0.25', '∞')
    """
    if not isfinite(number) or number == 0 or 0.01 <= abs(number) < 100:
        return f"{number:.2g}".replace("inf", "∞")
    mantissa, exponent = f"{number:.1e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def facts(pairs: Mapping[str, str]) -> Element:
    """Names and what is said of them, side by side where there is room."""
    items = (tag("div", tag("dt", name), tag("dd", said)) for name, said in pairs.items() if said)
    return tag("dl", *items, class_="facts")


def render(line: Line) -> Element:
    """The line as a list item; its classes say what its bar shows."""
    entry = line.entry
    classes = {
        "line": True,
        line.mark: True,
        "unexpected": not entry.as_expected,
        "fault": "refuted" in (entry.verdict_value, entry.verdict_step),
        "notation": line.notational,
    }
    return tag(
        "li",
        _head(line),
        _scrolling(formula(entry.latex), "formula") if entry.latex else None,
        tag("p", entry.diagnosis, class_="diagnosis") if entry.diagnosis else None,
        _correct(entry),
        tag("p", entry.note, class_="note") if entry.note else None,
        _tried(entry),
        _counterexample(entry),
        _code(entry),
        id=line.anchor,
        class_=" ".join(name for name, on in classes.items() if on),
    )


def _head(line: Line) -> Element:
    entry = line.entry
    value, step = _verdict("value", entry.verdict_value), _verdict("step", entry.verdict_step)
    return tag(
        "div",
        tag("a", entry.id, href=line.href, class_="id"),
        tag("span", entry.kind, class_="kind"),
        tag("span", "as meant", class_="kind") if entry.reading == "meant" else None,
        tag("span", value, " ", step, class_="verdicts"),
        class_="head",
    )


def _verdict(name: str, verdict: Verdict | None) -> Element | None:
    if verdict is None:
        return None
    return tag("span", f"{GLYPHS[verdict]} {name} {verdict}", class_=f"verdict {verdict}")


def _correct(entry: Entry) -> Element | None:
    if not entry.correct_expression:
        return None
    right = _scrolling(formula(entry.correct_expression), "formula")
    return tag("div", tag("span", "Right is", class_="label"), right, class_="correct")


def _scrolling(content: Element, name: str) -> Element:
    """What may be wider than a phone scrolls by itself."""
    return tag("div", content, class_=f"scroll {name}")


def _tried(entry: Entry) -> Element:
    step = f", step {entry.expected_step}" if entry.expected_step else ""
    met = "met" if entry.as_expected else "✗ not met"
    powers = (f"{scientific(power)} in {dtype}" for dtype, power in entry.power.items())
    return facts(
        {
            "Expected": f"value {entry.expected}{step} ({met})",
            "Worst error": f"{scientific(entry.margin)} of its bound",
            "Power": ", ".join(powers),
            "Tried": entry.scope,
        }
    )


def _counterexample(entry: Entry) -> Element | None:
    if not entry.counterexample:
        return None
    body = (
        tag("tr", tag("th", name, scope="row"), tag("td", value))
        for name, value in rows(entry.counterexample)
    )
    summary = tag("summary", "Counterexample, to check by hand")
    return tag("details", summary, _scrolling(tag("table", *body), "numbers"), open="open")


def _code(entry: Entry) -> Element:
    return tag(
        "details",
        tag("summary", "The code that was judged, and the LaTeX"),
        *(
            _scrolling(tag("pre", tag("code", text)), "code")
            for text in (entry.source.rstrip(), entry.latex)
            if text
        ),
    )
