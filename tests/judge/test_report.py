import html
import json
import re
import struct
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browser import browser, chromium

from jw2v.errors import DataError, UsageError
from jw2v.judge.records import Entry
from jw2v.judge.report.page import report, write_html

EVIL = "<script>document.title='owned'</script>"


def entry(id: str, **changes) -> Entry:
    """A line that holds, as it is expected to, with changes."""
    value, step = changes.get("verdict_value", "holds"), changes.get("verdict_step", "holds")
    fields = {
        "ledger": "mine",
        "id": id,
        "reading": "letter",
        "kind": "equals",
        "latex": r"\frac{\partial J}{\partial v_c} = -u_o + \sum_{w=1}^{V} \hat{y}_w u_w",
        "verdict_value": value,
        "verdict_step": step,
        "expected": value,
        "expected_step": step,
        "margin": 0.125,
        "power": {"float64": 2.3e-13, "float32": 0.00015},
        "diagnosis": None,
        "counterexample": None,
        "correct_expression": None,
        "scope": "8 points, 15 id patterns, cpu",
        "note": "",
        "source": f"def line(v_c, U):  # {'long ' * 40}\n    return v_c",
        "seconds": 0.25,
    }
    return Entry(**(fields | changes))


LONG = r"\frac{\partial J}{\partial v_c} = " + " + ".join(
    rf"\hat{{y}}_{{{w}}} u_{{{w}}}" for w in range(40)
)
COUNTEREXAMPLE = {
    "args": {"v_c": [1.0], "U": np.array([[1.0, 0.0], [0.0, 2.0]]), "o": 0},
    "claimed": -0.7310585786,
    "true": 0.7310585786,
}
ENTRIES = [
    entry("f.1", verdict_step=None, kind="defines", latex=LONG),
    entry("f.2", note="w is bound twice"),
    entry(
        "f.3",
        verdict_value="refuted",
        verdict_step="refuted",
        diagnosis="sign: claimed = -1 × true",
        counterexample=COUNTEREXAMPLE,
        correct_expression=r"v_c(1 - \sigma(-u_k^T v_c))",
        margin=4.2e12,
    ),
    entry("f.3", reading="meant", note="read as w = k"),
    entry("f.4", verdict_step="refuted"),
    entry("g.1", verdict_value="undecided", expected="holds", diagnosis="nothing was tested"),
    entry("g 2", ledger="theirs", latex=r"\frac{a}{", verdict_step="undecided"),
]


class Page(HTMLParser):
    """What the tests ask of a page: its tags in order, and the text inside elements by class."""

    VOID = frozenset({"meta", "input", "br", "hr"})

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.open: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag not in self.VOID:
            names = (tag, *(found.get("class") or "").split(), f"#{found.get('id')}")
            self.open.append((tag, names))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        self.texts.append((tuple(name for _, names in self.open for name in names), data))

    def text(self, *names: str) -> str:
        """The text inside elements that have all these tags, classes or `#ids` around it."""
        parts = (data for around, data in self.texts if set(names) <= set(around))
        return re.sub(r"\s+", " ", "".join(parts))

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(report(ENTRIES, env={"backend": "cpu", "versions": {"jax": "0.10"}}, title="Mine"))


def classes_of(page: Page) -> dict[str | None, set[str]]:
    return {a["id"]: set((a["class"] or "").split()) for a in page.attributes("li") if "id" in a}


def test_the_header_counts_and_says_where_and_within_which_scope(page: Page):
    assert page.text("h1") == page.text("title") == "Mine"
    assert page.text("header", "outcome") == "✗ 1 of 7 lines not as expected"
    assert "backend" in page.text("header", "dt")
    assert "versions.jax" in page.text("header", "dt")
    assert "0.10" in page.text("header", "dd")
    assert "1.8 s" in page.text("header", "dd")  # 7 × 0.25
    assert "every point that was tried" in page.text("header", "scope")
    assert page.text("header", "tbody") == "✓ holds53✗ refuted12? undecided11 unexpected1"


def test_an_outcome_that_is_expected_is_said(page: Page):
    fine = Page(report([entry("f.1")], env={}, title=""))
    assert fine.text("outcome") == "✓ 1 line, all as expected"


def test_findings_list_and_link_the_lines_by_what_is_wrong(page: Page):
    found = page.text("nav", "details")
    assert re.split(r"(?=Not as|Wrong|Steps|Undecided \d|Notation)", found)[1:] == [
        "Not as expected 1? g.1nothing was tested",
        "Wrong lines 1✗ f.3sign: claimed = -1 × true",
        "Steps that do not follow 2✗ f.3sign: claimed = -1 × true"
        "⇏ f.4right, but it does not follow from the line before",
        "Undecided 2? g.1nothing was tested? g 2undecided",
        "Notation, read as meant 1✓ f.3read as w = k",
        "Notation, remarks 1✓ f.2w is bound twice",
    ]


def test_every_link_leads_to_a_line(page: Page):
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert ids == ["f.1", "f.2", "f.3", "f.3-meant", "f.4", "g.1", "g-2"]
    assert {a["href"] for a in page.attributes("a")} == {f"#{name}" for name in ids}


def test_the_same_id_twice_is_told_apart():
    page = Page(report([entry("f.1"), entry("f.1", ledger="other")], env={}, title=""))
    assert list(classes_of(page)) == ["f.1", "f.1~2"]
    assert {a["href"] for a in page.attributes("a")} == {"#f.1", "#f.1~2"}


def test_lines_stand_in_order_under_their_ledger_and_derivation(page: Page):
    headings = [
        data for around, data in page.texts if "main" in around and {"h2", "h3"} & {*around}
    ]
    assert headings == ["mine", "f", "g", "theirs"]


@pytest.mark.parametrize(
    ("line", "classes"),
    [
        ("f.1", {"line", "holds"}),
        ("f.2", {"line", "holds", "notation"}),
        ("f.3", {"line", "refuted", "fault"}),
        ("f.3-meant", {"line", "holds", "notation"}),
        ("f.4", {"line", "gap", "fault"}),
        ("g.1", {"line", "undecided", "unexpected"}),
        ("g-2", {"line", "undecided"}),
    ],
)
def test_the_mark_of_a_line_says_its_verdicts(page: Page, line: str, classes: set[str]):
    assert classes_of(page)[line] == classes


def test_verdicts_are_said_in_words_too(page: Page):
    assert page.text("#f.3", "verdicts") == "✗ value refuted ✗ step refuted"
    assert page.text("#f.4", "verdicts") == "✓ value holds ✗ step refuted"
    assert page.text("#f.1", "verdicts") == "✓ value holds "
    assert "value holds, step holds (✗ not met)" in page.text("#g.1", "facts")
    assert page.text("#f.3-meant", "head").startswith("f.3equalsas meant")


def test_a_line_shows_all_that_stands_behind_its_verdict(page: Page):
    facts = page.text("#f.3", "facts")
    for said in (
        "value refuted, step refuted (met)",
        "4.2 × 10¹² of its bound",
        "2.3 × 10⁻¹³ in float64, 1.5 × 10⁻⁴ in float32",
        "8 points, 15 id patterns, cpu",
    ):
        assert said in facts
    assert page.text("#f.3", "diagnosis") == "sign: claimed = -1 × true"
    assert page.text("#f.3", "numbers") == (
        "args.v_c[1]args.U[[1, 0], [0, 2]]args.o0claimed-0.731059true0.731059"
    )
    assert page.text("#f.3", "correct", "math") == "vc(1−σ(−ukTvc))"
    assert "def line(v_c, U)" in page.text("#f.3", "details", "pre")
    assert page.text("#f.2", "note") == "w is bound twice"


def test_formulas_are_mathml_and_what_does_not_convert_is_code(page: Page):
    assert page.text("#f.1", "formula", "math", "mfrac") == "∂J∂vc"
    assert page.text("#f.2", "math").endswith("∑w=1Vy^wuw")
    assert {a["displaystyle"] for a in page.attributes("math")} == {"true"}
    assert page.text("#g-2", "formula", "code") == r"\frac{a}{"
    unknown = Page(report([entry("1", latex=r"\nocommand{x}")], env={}, title=""))
    assert unknown.text("formula", "code") == r"\nocommand{x}"
    assert "formula" not in report([entry("1", latex="")], env={}, title="").split("</style>")[1]


def evil_entries() -> list[Entry]:
    lines = [r"\text{%s}", r"\href{javascript:alert(1)}{x}", r"\style{background:url(x)}{x}", "%s"]
    texts = dict.fromkeys(("ledger", "note", "scope", "diagnosis", "correct_expression"), EVIL)
    source = f"</code></pre></style>{EVIL}<img src=x onerror=alert(1)>"
    counterexample = {EVIL: {EVIL: EVIL}}
    return [
        entry(
            f'1"{EVIL}',
            latex=latex.replace("%s", EVIL),
            source=source,
            counterexample=counterexample,
            power={EVIL: 0.1},
            **texts,
        )
        for latex in lines
    ]


def test_everything_is_escaped_and_nothing_comes_from_outside():
    page = Page(report(evil_entries(), env={EVIL: EVIL}, title=EVIL))
    names = Counter(name for name, _ in page.tags)
    assert not {"script", "img", "link", "iframe", "object", "base", "form"} & set(names)
    attributes = [(key, value) for _, a in page.tags for key, value in a.items()]
    assert all(value.startswith("#") for key, value in attributes if key == "href" and value)
    assert not [key for key, _ in attributes if key.startswith("on") or key in ("src", "style")]
    assert page.text("h1") == EVIL
    assert EVIL in page.text("note")
    assert EVIL in page.text("details", "pre")
    assert not re.search(r"url\(|@import|expression\(", page.text("style"))


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    with pytest.raises(UsageError, match=r'pip install "jw2v\[report\]"'):
        write_html(tmp_path / "r.html", ENTRIES, env={})
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path):
    write_html(tmp_path / "r.html", [entry("1", note="\ud800")], env={}, title="Mine")
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(DataError, match="cannot write"):
        write_html(tmp_path / "missing" / "r.html", ENTRIES, env={})


MEASURE = """<script>
function shown() {
  return [...document.querySelectorAll(".line")].filter(x => x.checkVisibility()).map(x => x.id);
}
addEventListener("load", () => {
  const bar = x => getComputedStyle(document.getElementById(x), "::before");
  const measured = {
    overflow: document.documentElement.scrollWidth - innerWidth,
    wide: [...document.querySelectorAll("body *")].filter(x => !x.closest(".scroll *")
      && x.getBoundingClientRect().right > innerWidth).length,
    scrolling: [...document.querySelectorAll(".scroll")].filter(x => x.scrollWidth > x.clientWidth)
      .map(x => getComputedStyle(x).overflowX),
    bars: Object.fromEntries(["f.1", "f.3", "f.4", "g.1"].map(
      x => [x, bar(x).backgroundImage + bar(x).backgroundColor])),
    stripes: [...document.querySelectorAll(".line")].filter(
      x => getComputedStyle(x, "::after").content != "none").map(x => x.id),
    fraction: document.querySelector("#f\\\\.1 mfrac").getBoundingClientRect().height,
    letter: document.querySelector("#f\\\\.1 mfrac mi").getBoundingClientRect().height,
    shown: {},
  };
  for (const choice of document.querySelectorAll("input")) {
    choice.click();
    measured.shown[choice.value] = shown();
  }
  parent.document.title = JSON.stringify(measured);
});
</script>"""


def opened(folder: Path, text: str, *options: str) -> str:
    """What the browser prints of a page."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    return chromium(folder / "page.html", *options)


def measured(folder: Path, width: int) -> dict:
    """What a script sees that is put into the page, in a frame of some width."""
    text = re.sub("<meta http-equiv[^>]*>", "", report(ENTRIES, env={}, title="Mine"))
    framed = html.escape(text.replace("</body>", f"{MEASURE}</body>"))
    style = f"width:{width}px;height:900px;border:0"
    dom = opened(folder, f'<iframe style="{style}" srcdoc="{framed}"></iframe>', "--dump-dom")
    return json.loads(html.unescape(dom.split("<title>")[1].split("</title>")[0]))


@browser
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_a_phone_and_a_desk(tmp_path: Path, width: int):
    seen = measured(tmp_path, width)
    assert (seen["overflow"], seen["wide"]) == (0, 0)
    assert set(seen["scrolling"]) == {"auto"}
    assert len(set(seen["bars"].values())) == 4
    assert seen["stripes"] == ["g.1"]
    assert seen["fraction"] > 1.5 * seen["letter"]  # set as a formula, not as text in a row
    assert seen["shown"] == {
        "all": ["f.1", "f.2", "f.3", "f.3-meant", "f.4", "g.1", "g-2"],
        "faults": ["f.3", "f.4"],
        "unexpected": ["g.1"],
        "notation": ["f.2", "f.3-meant"],
    }


@browser
def test_nothing_runs_in_the_page_and_it_can_be_seen(tmp_path: Path):
    text = report(evil_entries(), env={EVIL: EVIL}, title="Mine")
    assert "<title>Mine</title>" in opened(tmp_path, text, "--dump-dom")
    image = tmp_path / "page.png"
    opened(tmp_path, text, "--window-size=1280,900", f"--screenshot={image}")
    size = struct.unpack(">II", image.read_bytes()[16:24])
    assert size == (1280, 900)
    assert image.stat().st_size > 30_000  # an empty page has a tenth of it
