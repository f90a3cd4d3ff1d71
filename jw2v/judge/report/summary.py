"""The top of the report: counts, scope, every line at a glance, and where it is wrong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from jw2v.judge.records import Entry, Verdict
from jw2v.judge.report.line import GLYPHS, WORDS, Line, by_derivation, by_ledger, facts
from jw2v.judge.report.markup import tag
from jw2v.judge.text import rows

SCOPE = (
    "A line holds where, at every point that was tried, it and its target differ by no more than "
    "rounding explains; its power is the smallest relative change that would have shown. Two "
    "analytic functions that differ anywhere differ at almost every point, so one generic point "
    "decides for its shapes and its pattern of ids; that other shapes behave alike is induction. "
    "Each line says what was tried. JAX, its automatic differentiation and this machine are "
    "trusted."
)
Pair = tuple[Verdict | None, Verdict | None]  # found, expected
VERDICTS: tuple[Verdict, ...] = ("holds", "refuted", "undecided")
FINDINGS: dict[str, Callable[[Line], bool]] = {
    "Not as expected": lambda line: not line.entry.as_expected,
    "Wrong lines": lambda line: line.entry.verdict_value == "refuted",
    "Steps that do not follow": lambda line: line.entry.verdict_step == "refuted",
    "Undecided": lambda line: "undecided" in (line.entry.verdict_value, line.entry.verdict_step),
    "Notation, read as meant": lambda line: line.entry.reading == "meant",
    "Notation, remarks": lambda line: line.entry.reading == "letter" and bool(line.entry.note),
}
LONG = "Notation, remarks"  # folded away: some documents have many


def header(lines: Sequence[Line], env: Mapping[str, Any], title: str) -> Element:
    """Title, outcome, counts, scope and environment, and the map of all lines."""
    entries = [line.entry for line in lines]
    unexpected = sum(not entry.as_expected for entry in entries)
    count = f"{len(entries)} line{'s' * (len(entries) != 1)}"
    outcome = (
        tag("p", f"✗ {unexpected} of {count} not as expected", class_="outcome bad")
        if unexpected
        else tag("p", f"✓ {count}, all as expected", class_="outcome")
    )
    seconds = sum(entry.seconds for entry in entries)
    left = tag(
        "div",
        _counts(entries),
        tag("p", SCOPE, class_="scope"),
        facts({**dict(rows(env)), "judged in": f"{seconds:.1f} s"}),
    )
    return tag(
        "header", tag("h1", title), outcome, tag("div", left, _map(lines), class_="overview")
    )


def findings(lines: Sequence[Line]) -> Element:
    """What a reader wants first: the lines that are not plainly right, each with its reason."""
    lists = (
        _finding(heading, [line for line in lines if chosen(line)])
        for heading, chosen in FINDINGS.items()
    )
    return tag("nav", *lists, aria_label="Findings")


def _counts(entries: Sequence[Entry]) -> Element:
    values: list[Pair] = [(entry.verdict_value, entry.expected) for entry in entries]
    steps: list[Pair] = [(entry.verdict_step, entry.expected_step) for entry in entries]
    body = (
        tag(
            "tr",
            tag("th", f"{GLYPHS[verdict]} {verdict}", scope="row", class_=verdict),
            *(_count(pairs, verdict) for pairs in (values, steps)),
        )
        for verdict in VERDICTS
    )
    head = tag(
        "tr",
        tag("td"),
        tag("th", "value", tag("small", "equals its target"), scope="col"),
        tag("th", "step", tag("small", "follows from the line before"), scope="col"),
    )
    return tag("table", tag("thead", head), tag("tbody", *body), class_="counts")


def _count(pairs: Iterable[Pair], verdict: Verdict) -> Element:
    as_expected = [found == expected for found, expected in pairs if found == verdict]
    wrong = as_expected.count(False)
    aside = tag("small", f"{wrong} unexpected", class_="bad") if wrong else None
    return tag("td", str(len(as_expected)), aside)


def _map(lines: Sequence[Line]) -> Element:
    """Every line as one cell, so that the whole document is seen at once."""
    groups = (
        tag("div", tag("dt", title or ledger), tag("dd", *map(_cell, group)))
        for ledger, members in by_ledger(lines)
        for title, group in by_derivation(members)
    )
    legend = (
        tag("span", tag("b", GLYPHS[mark], class_=mark), f" {words}")
        for mark, words in {**WORDS, "gap": "right, does not follow"}.items()
    )
    unexpected = tag("span", tag("b", "▨"), " not as expected")
    return tag(
        "nav",
        tag("dl", *groups, class_="map"),
        tag("p", *legend, unexpected, class_="legend"),
        aria_label="Every line",
    )


def _cell(line: Line) -> Element:
    entry = line.entry
    words = f"{_name(line)}: {WORDS[line.mark]}{'' if entry.as_expected else ', not as expected'}"
    classes = f"cell {line.mark}{'' if entry.as_expected else ' unexpected'}"
    glyph = GLYPHS[line.mark]
    return tag("a", glyph, class_=classes, href=line.href, title=words, aria_label=words)


def _finding(heading: str, lines: Sequence[Line]) -> Element | None:
    if not lines:
        return None
    items = (tag("li", _link(line), _reason(line, heading)) for line in lines)
    head = tag("h2", heading, " ", tag("span", str(len(lines)), class_="count"))
    opened = None if heading == LONG else "open"
    return tag("details", tag("summary", head), tag("ul", *items), open=opened)


def _link(line: Line) -> Element:
    return tag("a", f"{GLYPHS[line.mark]} {line.entry.id}", href=line.href, class_=line.mark)


def _reason(line: Line, heading: str) -> Element:
    entry = line.entry
    said = entry.diagnosis if not heading.startswith("Notation") else None
    return tag("span", said or entry.note or WORDS[line.mark])


def _name(line: Line) -> str:
    return f"{line.entry.id} as meant" if line.entry.reading == "meant" else line.entry.id
