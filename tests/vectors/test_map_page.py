"""The map in a real browser: it opens from disk, answers at once, and shows true neighbours."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import browser
from devtools import Tab, opened

from jw2v.vectors import Vectors, write_map

WINDOW = ("--window-size=1200,800", "--screen-info={1200x800}")
EVIL = "</script><img/src=x/onerror=document.title='owned'>"
CARD = """(() => ({
  word: document.getElementById("word").textContent,
  shown: !document.getElementById("card").hidden,
  near: [...document.querySelectorAll("#near button")].map(x => [
    x.firstChild.textContent, x.querySelector("span").textContent]),
}))()"""
PAINTED = """(() => {
  const points = document.getElementById("points");
  const pixels = points.getContext("2d").getImageData(0, 0, points.width, points.height).data;
  return pixels.filter((value, i) => i % 4 == 3 && value > 0).length;
})()"""
SEARCH = """(query => {
  const began = performance.now();
  const box = document.getElementById("search");
  box.value = query;
  box.dispatchEvent(new Event("input"));
  const took = performance.now() - began;
  const found = [...document.querySelectorAll("#found button")].map(x => x.textContent);
  return { took, found, text: document.getElementById("found").textContent };
})"""


@contextmanager
def shown(folder: Path, vectors: Vectors, *options: str, **choices: Any) -> Iterator[Tab]:
    """The page of vectors, once all of it is there."""
    write_map(vectors, folder / "map.html", layout="pca", **choices)
    with opened(folder / "map.html", *WINDOW, *options) as tab:
        tab.until("document.body?.dataset.ready")
        yield tab


def searched(tab: Tab, query: str) -> dict[str, Any]:
    return tab.evaluate(f"{SEARCH}({json.dumps(query)})")


def pinned(tab: Tab, query: str) -> dict[str, Any]:
    """The card after a search for a word and Enter."""
    searched(tab, query)
    tab.evaluate("document.forms[0].requestSubmit()")
    return tab.evaluate(CARD)


def pointed_at(tab: Tab) -> tuple[dict[str, Any], tuple[float, float]]:
    """The card of the first word that the mouse meets on its way over the map, and where."""
    for step in range(400):
        at = 500.0 + 2 * (step % 100), 300.0 + 40 * (step // 100)
        tab.mouse("Moved", *at)
        if tab.evaluate("!document.getElementById('card').hidden"):
            return tab.evaluate(CARD), at
    pytest.fail("the mouse met no word")


def true_neighbours(vectors: Vectors, word: str) -> list[list[str]]:
    unit = vectors.vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    row = vectors.words.index(word)
    cosines = unit @ unit[row]
    cosines[row] = -2
    best = np.argsort(-cosines)[:8]
    return [[vectors.words[i], f"{cosines[i]:.2f}"] for i in best]


def synthetic(vocab: int, *, seed: int = 0, words: tuple[str, ...] = ()) -> Vectors:
    table = np.random.default_rng(seed).standard_normal((vocab, 8)).astype(np.float32)
    named = (*words, *(f"word{i}" for i in range(len(words), vocab)))
    return Vectors(named, table, counts=np.arange(vocab, 0, -1))


@browser
def test_a_word_that_is_looked_for_or_pointed_at_has_its_true_neighbours(tmp_path):
    vectors = synthetic(300, words=("king", "sking", "KINGDOM", "kin", EVIL))
    with shown(tmp_path, vectors) as tab:
        assert tab.evaluate(PAINTED) > 500
        assert not tab.evaluate(CARD)["shown"]
        assert searched(tab, "kin")["found"] == ["kin", "king", "KINGDOM", "sking"]
        assert searched(tab, "Kingd")["found"] == ["KINGDOM"]
        assert searched(tab, "<img")["found"] == [EVIL]
        assert searched(tab, "nowhere") | {"took": 0} == {
            "took": 0, "found": [], "text": "no such word here"
        }  # fmt: skip
        assert searched(tab, "")["text"] == ""

        before = tab.evaluate("document.getElementById('labels').toDataURL()")
        card = pinned(tab, EVIL)
        assert (card["word"], card["shown"]) == (EVIL, True)
        assert card["near"] == true_neighbours(vectors, EVIL)
        assert tab.until(f"document.getElementById('labels').toDataURL() != {json.dumps(before)}")
        tab.evaluate("document.querySelector('#near button').click()")
        assert tab.evaluate(CARD)["word"] == card["near"][0][0]
        assert tab.evaluate("document.title") == "Map of 300 words"
        assert tab.evaluate("document.images.length") == 0
        tab.key("Escape")
        assert tab.until(f"!{CARD}.shown")
        assert tab.said == []


@browser
@pytest.mark.slow
def test_a_click_keeps_a_word_and_the_wheel_zooms(tmp_path):
    vectors = synthetic(400, seed=1)
    with shown(tmp_path, vectors) as tab:
        card, at = pointed_at(tab)
        assert card["near"] == true_neighbours(vectors, card["word"])
        for kind in ("Pressed", "Released"):
            tab.mouse(kind, *at, button="left", clickCount=1)
        tab.mouse("Moved", 20, 20)
        assert tab.evaluate(CARD) == card
        labels = "document.getElementById('labels').toDataURL()"
        before = tab.evaluate(labels)
        tab.mouse("Wheel", *at, deltaX=0, deltaY=-300)
        assert tab.until(f"{labels} != {json.dumps(before)}")
        assert tab.said == []


@browser
def test_without_webgl_the_page_says_so_and_still_answers(tmp_path):
    vectors = synthetic(50)
    with shown(tmp_path, vectors, "--disable-3d-apis") as tab:
        note = tab.evaluate("document.getElementById('note').textContent")
        assert re.match(r"There is no map without WebGL \(.+\); search and neighbours work", note)
        assert pinned(tab, "word7")["near"] == true_neighbours(vectors, "word7")


@browser
@pytest.mark.slow
def test_a_word_alone_is_a_page(tmp_path):
    with shown(tmp_path, synthetic(1)) as tab:
        assert pinned(tab, "word0") == {"word": "word0", "shown": True, "near": []}
        assert tab.said == []


@browser
@pytest.mark.slow
def test_seventy_thousand_words_open_and_answer_at_once(tmp_path):
    vectors = synthetic(70_000)
    with shown(tmp_path, vectors) as tab:
        assert (tmp_path / "map.html").stat().st_size < 5e6
        assert tab.evaluate(PAINTED) > 50_000
        for query in ("w", "word6999", "9", "nowhere", "word69999"):
            answer = searched(tab, query)
            assert answer["took"] < 200  # milliseconds
        assert answer["found"] == ["word69999"]
        assert searched(tab, "69")["found"][:2] == ["word69", "word169"]
        card, _ = pointed_at(tab)
        assert card["near"] == true_neighbours(vectors, card["word"])
        assert pinned(tab, "word43210")["near"] == true_neighbours(vectors, "word43210")
        assert tab.said == []
