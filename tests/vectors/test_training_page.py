"""The training report: what its lines say, what it leaves out, and that nothing breaks it."""

import math
import re
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest
from browser import browser
from devtools import opened
from hypothesis import given
from hypothesis import strategies as st
from strategies import few

from jw2v import Config, train
from jw2v.errors import DataError
from jw2v.vectors.charts import Line, chart, ticks
from jw2v.vectors.training_page import training_page, write_training_page

EVIL = "</td><script>document.title='owned'</script>"
values = st.floats(-1e9, 1e9, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-9)


def progress(epoch: float, **values: Any) -> dict[str, Any]:
    return {
        "calls": 1,
        "epoch": epoch,
        "loss": 4 - epoch,
        "heldout_loss": None,
        "lr": 0.05,
    } | values


RUN = {
    "config": {"dim": 100, "lr": None, "cbow_mean": True, "loss": EVIL},
    "approximations": ("a", "b"),
    "backend": "cpu: 1 device (cpu)",
    "versions": {"jw2v": "0.1.0", "python": "3.11"},
    "gradients_checked": True,
    "words": 11_432_797,
    "epochs": 2,
    "seconds": {"train": 20.12, "total": 1234.5},
    "words_per_s": 1_135_226.08,
    "loss": 2.1,
    "heldout_loss": 2.25,
    "history": [
        progress(0.25, words_per_s=9e5),
        progress(0.75, words_per_s=1.2e6, loss=None),
        progress(1.01, words_per_s=1.1e6, heldout_loss=2.75),
        progress(1.5, words_per_s=float("nan"), heldout_loss=2.75),
        progress(2.002, words_per_s=1.15e6, heldout_loss=2.75),
    ],
}


def figures(page: str) -> dict[str, Element]:
    found = [fromstring(text) for text in re.findall("<figure>.*?</figure>", page)]
    return {"".join(figure.find("figcaption/b").itertext()): figure for figure in found}  # pyright: ignore[reportOptionalMemberAccess]


def drawn(figure: Element, kind: str) -> np.ndarray:
    """The points of a line, by the numbers that stand at the axes."""
    texts = [(t, "".join(t.itertext()).split()[0].replace(",", "")) for t in figure.iter("text")]
    up = [(float(t.get("y", "")), float(said)) for t, said in texts if t.get("dy")]
    across = [(float(t.get("x", "")), float(said)) for t, said in texts if not t.get("dy")]
    line = figure.find(f".//g[@class='{kind}']/polyline")
    assert line is not None
    places = np.array([pair.split(",") for pair in line.get("points", "").split()], float)
    scales = [np.polyfit([at for at, _ in axis], [n for _, n in axis], 1) for axis in (across, up)]
    return np.stack([np.polyval(scale, places[:, i]) for i, scale in enumerate(scales)], axis=1)


def test_lines_are_where_the_axes_say():
    shown = figures(training_page(RUN))
    assert list(shown) == ["Loss, nats a pair", "Learning rate", "Words a second, so far"]
    loss = shown["Loss, nats a pair"]
    training = [(0.25, 3.75), (1.01, 2.99), (1.5, 2.5), (2, 1.998)]
    np.testing.assert_allclose(drawn(loss, "first"), training, atol=0.01)
    np.testing.assert_allclose(drawn(loss, "second"), [(1, 2.75), (2, 2.25)], atol=0.01)
    speed = drawn(shown["Words a second, so far"], "first")
    expected = [(0.25, 9e5), (0.75, 1.2e6), (1.01, 1.1e6), (2, 1.15e6)]
    np.testing.assert_allclose(speed, expected, rtol=0.01)


def test_it_says_how_the_run_went_and_what_it_was():
    page = training_page(RUN)
    assert "The loss fell from 3.7500 to 2.1000 nats a pair; on held-out text it is 2.2500." in page
    for name, said in {
        "words": "11,432,797", "words a second": "1,135,226", "total": "1,234", "train": "20.12",
        "gradients checked": "yes", "lr": "–", "approximations": "a; b", "python": "3.11",
        "backend": "cpu: 1 device (cpu)",
    }.items():  # fmt: skip
        assert f"<dt>{name}</dt><dd>{said}</dd>" in page
    assert re.findall("<h2>(.*?)</h2>", page) == ["run", "versions", "seconds", "options"]


def test_a_loss_that_does_not_fall_is_said():
    page = training_page(RUN | {"loss": 3.76})
    assert '<p class="outcome bad">The loss did not fall: 3.7500, then 3.7600; on held' in page


@pytest.mark.parametrize(
    "run",
    [
        {},
        {"history": []},
        {"history": [{}], "loss": None, "heldout_loss": 2.0},
        {"history": [progress(math.nan), progress(1, loss=math.inf, lr=-math.inf)], "epochs": 1},
        {"history": [progress(0.0, loss=2.0)], "loss": 2.0, "epochs": 0},
    ],
)
def test_what_was_not_measured_is_left_out(run: dict[str, Any]):
    page = training_page(run)
    assert not re.search(r"\b(nan|inf|None)\b", page)
    assert len(figures(page)) == 3
    if not run.get("history"):
        assert "No loss was measured." in page
        assert page.count("Nothing was measured.") == 3


@given(low=values, high=values)
@few
def test_ticks_are_round_and_hold_what_they_are_for(low: float, high: float):
    low, high = sorted((low, high))
    found = ticks(low, high)
    assert found[0] <= low + 1e-9 * abs(low)
    assert found[-1] >= high - 1e-9 * abs(high)
    assert 2 <= len(found) <= 7
    steps = [b - a for a, b in pairwise(found)]
    np.testing.assert_allclose(steps, steps[0], rtol=1e-5)
    assert re.match("[125]0*$", f"{steps[0]:.0e}"[0])


@given(points=st.lists(st.tuples(st.floats(0, 9), values), min_size=1, max_size=4))
@few
def test_every_line_is_drawn_within_its_figure(points: list[tuple[float, float]]):
    figure = chart("Any", Line("", points), width=470)
    assert not re.search(r"\b(nan|inf)\b", figure)
    svg = fromstring(figure).find("svg")
    assert svg is not None
    dots = [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in svg.iter("circle")]
    assert len(dots) == len(points)
    assert all(0 <= x <= 470 and 0 <= y <= 220 for x, y in dots)


def test_nothing_in_a_run_is_markup(tmp_path):
    evil = RUN | {EVIL: {EVIL: EVIL}, "backend": f"{EVIL}\ud800"}
    write_training_page(evil, tmp_path / "training.html")
    text = (tmp_path / "training.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 5
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert not re.search(r"src=|href=|url\(|@import", text)


def test_a_page_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*training\.html: No such file"):
        write_training_page(RUN, tmp_path / "no" / "training.html")


def test_training_leaves_its_page_beside_the_vectors(tmp_path):
    (tmp_path / "text").write_text("the king and the queen\n" * 200)
    config = Config(dim=8, epochs=2, block=64, group=16, shared_negatives=8, blocks_per_call=2)
    vectors = train(tmp_path / "text", config, out=tmp_path / "out", check=False)
    page = (tmp_path / "out" / "training.html").read_text(encoding="utf-8")
    assert page == training_page(vectors.run)
    assert f"{vectors.run['loss']:.4f}" in page
    assert "<dt>jw2v</dt>" in page
    assert set(vectors.run["versions"]) == {"numpy", "jw2v", "python"}


@browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [500, 1280])
def test_it_fits_a_phone_and_a_desk(tmp_path, width: int):
    write_training_page(RUN, tmp_path / "training.html")
    with opened(tmp_path / "training.html", f"--window-size={width},900") as tab:
        tab.until("document.querySelectorAll('figure').length == 3")
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        sizes = tab.evaluate(
            "[...document.querySelectorAll('svg')].map(x => x.getBoundingClientRect().width)"
        )
        assert min(sizes) > 300
        assert tab.evaluate("document.title") == "Training report"
        assert tab.said == []
