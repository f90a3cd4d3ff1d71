"""The map: places, clusters, and a page that holds what is true and runs nothing of the words."""

import base64
import gzip
import hashlib
import json
import logging
import re
import sys
import warnings
from html.parser import HTMLParser
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import few, seeds

import jw2v
from jw2v.cli import main
from jw2v.errors import DataError, UsageError
from jw2v.vectors import Vectors, save, write_map
from jw2v.vectors.map import clusters, layout
from jw2v.vectors.neighbors import Neighbors, unit_rows
from jw2v.vectors.pages import text_of

EVIL = (
    "</script><script>document.title='owned'</script>",
    "<img/src=x/onerror=document.title='owned'>",
    "-->",
    "$policy",
    '"',
    "\ud800",
)
NO_NEIGHBOURS = Neighbors(np.empty((9, 0), np.float32), np.empty((9, 0), np.int32))


def vectors_of(seed: int, vocab: int, dim: int, **changes: Any) -> Vectors:
    table = np.random.default_rng(seed).standard_normal((vocab, dim)).astype(np.float32)
    return Vectors(tuple(f"w{i}" for i in range(vocab)), table, **changes)


def written(folder: Path, vectors: Vectors, **options: Any) -> str:
    write_map(vectors, folder / "map.html", **{"layout": "pca", **options})
    return (folder / "map.html").read_text(encoding="utf-8")


def unpacked(page: str) -> dict[str, Any]:
    """What the page's script reads, by another way than it."""
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page)
    assert found
    data = json.loads(found[1])
    raw = {key: gzip.decompress(base64.b64decode(data[key])) for key in data if key != "names"}
    dtypes = {"places": "<u2", "near": "<u4", "cosines": "i1", "clusters": "u1"}
    arrays = {key: np.frombuffer(raw[key], dtype) for key, dtype in dtypes.items()}
    words = json.loads(raw["words"])
    for key in ("places", "near", "cosines"):
        arrays[key] = arrays[key].reshape(len(words), -1)
    texts = {"words": words, "counts": json.loads(raw["counts"]), "names": data["names"]}
    return {**arrays, **texts}


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


class Tags(HTMLParser):
    """The tags of a page, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def test_neighbours_in_the_page_are_the_true_ones(tmp_path):
    vectors = vectors_of(1, 40, 4)
    page = unpacked(written(tmp_path, vectors))
    assert page["words"] == list(vectors.words)
    assert page["counts"] is None
    table = vectors.vectors.astype(np.float64)
    for i in range(40):
        true = sorted(((cosine(table[i], table[j]), j) for j in range(40) if j != i), reverse=True)[
            :8
        ]
        assert page["near"][i].tolist() == [j for _, j in true]
        np.testing.assert_allclose(page["cosines"][i] / 100, [c for c, _ in true], atol=0.00501)


def test_the_most_frequent_words_alone_are_each_others_neighbours(tmp_path, monkeypatch):
    counts = np.array([3, 50, 7, 7, 90, 1])
    vectors = vectors_of(2, 6, 3, counts=counts)
    monkeypatch.setitem(sys.modules, "umap", None)
    page = unpacked(written(tmp_path, vectors, words=4))
    assert page["words"] == ["w4", "w1", "w2", "w3"]
    assert page["counts"] == [90, 50, 7, 7]
    kept = vectors.vectors[[4, 1, 2, 3]]
    for i, near in enumerate(page["near"]):
        others = [j for j in range(4) if j != i]
        assert near.tolist() == sorted(others, key=lambda j: -cosine(kept[i], kept[j]))
    text = (tmp_path / "map.html").read_text()
    assert "4 words (the most frequent of 6), 3 numbers each. Laid out by PCA; pip" in text


def test_places_are_those_of_the_layout(tmp_path):
    vectors = vectors_of(3, 40, 4)
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    expected = layout.places(unit, NO_NEIGHBOURS, by="PCA")
    page = unpacked(written(tmp_path, vectors))
    np.testing.assert_allclose(page["places"] / 32767.5 - 1, expected, atol=2e-5)


@given(seed=seeds, dim=st.sampled_from([2, 3, 9]))
@few
def test_pca_is_the_projection_that_keeps_most(seed: int, dim: int):
    points = np.random.default_rng(seed).standard_normal((30, dim)) @ np.diag(np.arange(1, dim + 1))
    found = layout.pca(points)
    centred = points - points.mean(axis=0)
    left, scales, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :2] * scales[:2]
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-9)
    np.testing.assert_allclose(layout.pca(points[::-1])[::-1], found, atol=1e-9)


def test_pca_of_one_number_a_word_is_a_line():
    assert layout.pca(np.array([[3.0], [1.0], [2.0]])).tolist() == [[1, 0], [-1, 0], [0, 0]]


@given(seed=seeds, rows=st.integers(1, 5))
@few
def test_points_are_spread_over_the_square_and_keep_their_shape(seed: int, rows: int):
    points = np.random.default_rng(seed).normal(50, 9, (rows, 2))
    found = layout.spread(points)
    assert np.abs(found).max() <= 1 + 1e-12
    if rows > 1:
        assert np.abs(found).max() == pytest.approx(1)
        scale = np.linalg.norm(found[1] - found[0]) / np.linalg.norm(points[1] - points[0])
        np.testing.assert_allclose(found - found[0], scale * (points - points[0]), atol=1e-9)
    else:
        assert found.tolist() == [[0, 0]]


def test_clusters_find_what_is_apart():
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 3, 90)
    unit = unit_rows(jnp.asarray(4 * np.eye(3)[truth] + rng.normal(size=(90, 3)) / 4, jnp.float32))
    found = clusters.clusters(unit, count=3)
    assert len(set(zip(truth.tolist(), found.tolist(), strict=True))) == 3


def test_every_word_is_in_the_cluster_whose_centre_is_closest():
    """The rounds end at a fixed point, and the words that name a cluster are its most typical."""
    unit = np.asarray(unit_rows(jnp.asarray(vectors_of(5, 300, 6).vectors)))
    found = clusters.clusters(jnp.asarray(unit), count=5)
    centres = np.array([unit[found == c].mean(axis=0) for c in range(5)])
    closeness = unit @ (centres / np.linalg.norm(centres, axis=1, keepdims=True)).T
    assert (closeness.argmax(axis=1) == found).all()
    named = clusters.names(jnp.asarray(unit), found, count=5)
    for c, members in enumerate(named):
        own = np.flatnonzero(found == c)
        assert members == own[np.argsort(-closeness[own, c])][:3].tolist()


def test_a_cluster_without_frequent_words_has_no_name(monkeypatch):
    monkeypatch.setattr(clusters, "FREQUENT", 2)
    unit = unit_rows(jnp.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]))
    assert clusters.names(unit, np.array([0, 0, 1]), count=2) == [[0, 1], []]


@pytest.mark.parametrize("vocab", [1, 2, 5])
def test_few_words_have_a_page_too(tmp_path, vocab: int):
    page = unpacked(written(tmp_path, vectors_of(6, vocab, 3)))
    assert page["near"].shape == (vocab, min(8, vocab - 1))
    assert sorted(set(page["clusters"].tolist())) == list(range(vocab))


def test_a_row_of_zeros_is_a_word_like_others(tmp_path):
    vectors = vectors_of(7, 9, 3)
    vectors.vectors[4] = 0
    page = unpacked(written(tmp_path, vectors))
    assert page["cosines"][4].tolist() == [0] * 8


def test_words_are_never_markup(tmp_path):
    evil = Vectors(EVIL, vectors_of(8, len(EVIL), 3).vectors)
    text = written(tmp_path, evil)
    assert unpacked(text)["words"] == list(EVIL)
    assert "owned" not in text
    harmless = written(tmp_path, vectors_of(8, len(EVIL), 3))
    assert Tags(text).tags == Tags(harmless).tags
    differing = [
        (a, b) for a, b in zip(text.split("\n"), harmless.split("\n"), strict=True) if a != b
    ]
    assert [line.startswith('<script id="data"') for line, _ in differing] == [True]


def test_the_page_loads_nothing_and_runs_its_own_scripts_alone(tmp_path):
    text = written(tmp_path, vectors_of(9, 9, 3))
    assert not re.search(r"<[^>!]*(src|href)=|@import|url\(", text.split("<script>")[0])
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives.pop("default-src") == "'none'"
    assert directives.pop("style-src") == "'unsafe-inline'"
    allowed = directives.pop("script-src").split()
    assert directives == {}
    scripts = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert allowed == ["'unsafe-eval'", *(f"'sha256-{value}'" for value in hashes)]


def test_what_is_bundled_cannot_end_its_element_and_brings_its_licences():
    library = text_of("map/regl-scatterplot.min.js")
    assert "</script" not in library.lower()
    assert "<!--" not in library
    assert "\r" not in library
    assert len(library) < 200_000
    licences = text_of("map/regl-scatterplot.LICENSE.txt")
    assert "-->" not in licences
    for package in ("regl-scatterplot 1.16.0 (MIT)", "regl 2.1.1 (MIT)", "kdbush", "simplify-js"):
        assert package in licences


def test_the_same_vectors_make_the_same_file(tmp_path):
    first = written(tmp_path, vectors_of(10, 40, 4))
    assert written(tmp_path, vectors_of(10, 40, 4)) == first


def refused(tmp_path: Path, vectors: Vectors, **options: Any) -> str:
    with pytest.raises((UsageError, DataError)) as fault:
        write_map(vectors, tmp_path / "map.html", **options)
    assert list(tmp_path.iterdir()) == []
    return str(fault.value)


@pytest.mark.usefixtures("untyped")
def test_what_cannot_be_shown_is_refused(tmp_path):
    some = vectors_of(11, 5, 3)
    assert refused(tmp_path, some, words=0) == "words is 0; give 1 or more (--words)"
    told = refused(tmp_path, some, layout="ump")  # what a command line refuses by itself
    assert told == "unknown layout 'ump', did you mean 'umap'? known: auto, umap, pca"
    told = refused(tmp_path, some, layout="umap")
    assert told == "5 words are too few for UMAP; lay them out by pca (--layout)"
    nothing = Vectors((), np.empty((0, 3), np.float32))
    assert refused(tmp_path, nothing).startswith("there is nothing to show of Vectors(0 words")
    some.vectors[3, 1] = np.nan
    assert refused(tmp_path, some).startswith("the row of 'w3' in the table holds NaN or Inf;")


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*no/map\.html: No such file or directory"):
        write_map(vectors_of(12, 5, 3), tmp_path / "no" / "map.html", layout="pca")


def test_without_umap_pca_stands_in_and_is_named(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "umap", None)
    vectors = vectors_of(13, 40, 4)
    with caplog.at_level(logging.INFO, "jw2v"):
        assert write_map(vectors, tmp_path / "map.html") == "PCA"
    said = "by PCA; pip install 'jw2v[map]' for UMAP"
    assert caplog.messages == [f"laying out 40 words {said}"]
    assert f"Laid out {said}." in (tmp_path / "map.html").read_text()
    with pytest.raises(UsageError, match=r"pip install 'jw2v\[map\]', or take pca \(--layout\)"):
        write_map(vectors, tmp_path / "map.html", layout="umap")


class GivenUmap:
    """In place of UMAP: keeps what it was given, and says the first two numbers of each word."""

    given: dict[str, Any]

    def __init__(self, **options: Any) -> None:
        GivenUmap.given = options

    def fit_transform(self, unit: np.ndarray) -> np.ndarray:
        return unit[:, :2]


def test_umap_is_given_the_exact_neighbours(tmp_path, monkeypatch):
    module = ModuleType("umap")
    module.UMAP = GivenUmap  # pyright: ignore[reportAttributeAccessIssue]
    module.__spec__ = ModuleSpec("umap", None)
    monkeypatch.setitem(sys.modules, "umap", module)
    vectors = vectors_of(14, 40, 4)
    text = written(tmp_path, vectors, layout="umap")
    assert "Laid out by UMAP." in text
    ids, distances = GivenUmap.given["precomputed_knn"]
    assert (ids[:, 0] == np.arange(40)).all()
    assert (distances[:, 0] == 0).all()
    assert (ids[:, 1:9] == unpacked(text)["near"]).all()
    true = [[1 - cosine(vectors.vectors[i], vectors.vectors[j]) for j in ids[i]] for i in range(40)]
    np.testing.assert_allclose(distances, true, atol=1e-6)
    assert GivenUmap.given["n_neighbors"] == ids.shape[1] == 15


@pytest.mark.slow
@pytest.mark.skipif(not layout.installed(), reason="umap-learn is not installed (extra map)")
def test_umap_keeps_apart_what_is_apart_and_is_seeded(tmp_path):
    rng = np.random.default_rng(15)
    group = np.arange(200) % 2
    table = (3 * np.eye(8)[group] + rng.normal(size=(200, 8)) / 3).astype(np.float32)
    vectors = Vectors(tuple(f"w{i}" for i in range(200)), table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what compiles it
        first = unpacked(written(tmp_path, vectors, layout="umap"))["places"]
        again = unpacked(written(tmp_path, vectors, layout="umap"))["places"]
    assert (first == again).all()
    centres = np.array([first[group == g].mean(axis=0) for g in (0, 1)])
    near = np.linalg.norm(first[:, None] - centres, axis=2).argmin(axis=1)
    assert (near == group).mean() > 0.98


def test_the_command(tmp_path, capsys, caplog):
    save(vectors_of(16, 12, 3, outside=vectors_of(17, 12, 3).vectors), tmp_path / "run")
    command = ["map", str(tmp_path / "run"), "--out", str(tmp_path / "map.html")]
    expected = written(tmp_path, jw2v.load(tmp_path / "run").table("outside"), words=10)
    (tmp_path / "map.html").unlink()
    caplog.clear()
    assert main([*command, "--layout", "pca", "--words", "10", "--table", "outside"]) == 0
    assert (tmp_path / "map.html").read_text() == expected
    assert caplog.messages[0].startswith("laying out 10 words by PCA")
    assert main([*command, "--words", "0"]) == 2
    assert capsys.readouterr().err == "jw2v: words is 0; give 1 or more (--words)\n"
    assert main(["map", str(tmp_path / "none"), "--out", str(tmp_path / "map.html")]) == 1
