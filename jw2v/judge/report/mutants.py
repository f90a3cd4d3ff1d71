"""The judge's own measure, as a part of the report."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from jw2v.judge.report.markup import tag

MEANING = (
    "A mutant is a right line with one edit. Each is refuted, or it is equivalent: bit-equal, or "
    "equal to forty digits, at points that the judge has not seen. What is neither is alive, a "
    "wrong line that passed."
)
COLUMNS = ("line", "mutants", "refuted", "equivalent", "alive")


def total(scores: Sequence[Mapping[str, Any]]) -> str:
    """All scores in a line.

    >>> total([{"mutants": 9, "killed": 7, "equivalent": 2, "alive": []}])
    '9 mutants: 7 refuted, 2 equivalent (22%), 0 alive'
    """
    keys = ("mutants", "killed", "equivalent")
    made, refuted, same = (sum(score[key] for score in scores) for key in keys)
    alive = sum(len(score["alive"]) for score in scores)
    told = f"{made:,} mutants: {refuted:,} refuted, {same:,} equivalent"
    return f"{told} ({same / max(made, 1):.0%}), {alive} alive"


def mutants(scores: Sequence[Mapping[str, Any]]) -> Element:
    """The scores line by line; the equivalents of each are folded away, what is alive is not."""
    head = tag("tr", *(tag("th", name, scope="col") for name in COLUMNS))
    rows = (tag("tr", tag("th", score["id"], scope="row"), *_counts(score)) for score in scores)
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="counts")
    return tag(
        "section",
        tag("h2", "Mutants of the right lines"),
        tag("p", total(scores)),
        tag("p", MEANING, class_="scope"),
        table,
    )


def _counts(score: Mapping[str, Any]) -> list[Element]:
    """The cells of a line."""
    alive = tag("td", *(tag("p", edit, class_="bad") for edit in score["alive"]))
    same = tag("td", _folded(score["equivalents"]) if score["equivalents"] else "0")
    return [tag("td", str(score["mutants"])), tag("td", str(score["killed"])), same, alive]


def _folded(equivalents: Sequence[str]) -> Element:
    items = (tag("li", edit) for edit in equivalents)
    return tag("details", tag("summary", str(len(equivalents))), tag("ul", *items))
