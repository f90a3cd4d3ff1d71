"""The demo: text, verdicts, vectors, and what they are good for, in one folder."""

import io
import json

import pytest
from rich.console import Console

from jw2v import api, demo
from jw2v.cli import main
from jw2v.corpus import demo as demo_text
from jw2v.corpus import demo_sentences
from jw2v.errors import DataError, GradientError, UsageError
from jw2v.training.config import Config

TINY = Config(
    dim=8, window=2, epochs=2, min_count=1, block=64, group=16, shared_negatives=8,
    blocks_per_call=4, heldout_every=20, sample=0.0,
)  # fmt: skip
LINES = ("the king and the queen rule", "the river of bread and music", "a war of physics") * 80
FILES = {
    "text.txt", "verdicts.json", "derivations.html", "vectors.safetensors", "vocab.txt", "run.json",
    "metrics.jsonl", "training.html", "map.html",
}  # fmt: skip
KNOWN = """
import jax.numpy as jnp
import numpy as np
from jw2v.judge import claim
DERIVATIONS = (
    claim("right", lambda x: jnp.sum(x**2), lambda x: 2 * x, (np.ones(3),), latex="2x"),
    claim("known", lambda x: jnp.sum(x**2), lambda x: -2 * x, (np.ones(3),), expect="refuted"),
)
"""
WRONG = """
import jax.numpy as jnp
import numpy as np
from jw2v.judge import claim
DERIVATIONS = (claim("mine", lambda x: jnp.sum(x**2), lambda x: 3 * x, (np.ones(3),)),)
"""


@pytest.fixture
def small_text(monkeypatch):
    """A text of three sentences instead of the demo's own."""

    def write(path):
        path.write_text("\n".join(LINES) + "\n")
        return len(LINES)

    monkeypatch.setattr(demo, "write_demo", write)


@pytest.fixture
def small_ledger(monkeypatch, tmp_path):
    """A ledger of two lines instead of all."""
    (tmp_path / "known.py").write_text(KNOWN)
    monkeypatch.setattr(api, "LEDGERS", (str(tmp_path / "known.py"),))


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.slow
@pytest.mark.usefixtures("small_text", "small_ledger")
def test_the_demo_leaves_everything_in_its_folder(tmp_path, console, monkeypatch):
    monkeypatch.setattr(demo, "pairs_file", lambda name: None)
    out = tmp_path / "[i]out:heart:"
    vectors = demo.run_demo(out, console, TINY)
    assert {path.name for path in out.iterdir()} == FILES
    assert api.load(out).vectors.tobytes() == vectors.vectors.tobytes()
    assert {"king", "queen", "physics"} <= set(vectors.words)
    entries = json.loads((out / "verdicts.json").read_text())["entries"]
    assert [(e["id"], e["verdict_value"]) for e in entries] == [
        ("right", "holds"), ("known", "refuted")
    ]  # fmt: skip
    page = (out / "derivations.html").read_text()
    assert "Derivation report" in page
    lines = printed(console)
    for part in (
        "1. Text: 240 sentences. introductions of about 10,000 articles",
        "2 lines: 1 hold, 1 are wrong, 0 do not follow, 0 undecided; 0 not as expected",
        f"  {tmp_path / 'known.py'} known: sign: claimed = -1 × true",
        "3. Training: 2 epochs, dim 8",
        f"loss {vectors.run['loss']:.4f} a pair, held out {vectors.run['heldout_loss']:.4f};",
        "no word pairs to evaluate on; pip install gensim",
        f"4. Everything is in {out}: try  jw2v neighbors {out} london\n",
        "and open in a browser map.html, all words (laid out by PCA), training.html",
    ):
        assert part in lines
    rows = [line for line in lines.splitlines() if "│" in line]
    assert [row.split("│")[1].strip() for row in rows] == [
        "king", "physics", "music", "river", "war", "bread"
    ]  # fmt: skip
    (tmp_path / "pairs.txt").write_text("king queen 9\nking river 1\nwar physics 8\n")
    monkeypatch.setattr(demo, "pairs_file", lambda name: tmp_path / "pairs.txt")
    scores = demo.evaluate(vectors)
    assert [(s.name, s.pairs, s.covered) for s in scores] == [("pairs", 3, 3)] * 2


@pytest.mark.usefixtures("small_text")
def test_an_unexpected_verdict_ends_the_demo(tmp_path, console, monkeypatch):
    (tmp_path / "mine.py").write_text(WRONG)
    monkeypatch.setattr(api, "LEDGERS", (str(tmp_path / "mine.py"),))
    with pytest.raises(GradientError, match="judged otherwise than expected: mine; jw2v verify"):
        demo.run_demo(tmp_path / "out", console, TINY)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"text.txt", "verdicts.json"}


def test_a_demo_that_is_there_is_kept(tmp_path, console):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UsageError, match=r"holds a finished run; give another folder \(--out\)"):
        demo.run_demo(tmp_path, console)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_demo_without_its_text_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo_text, "_installed", lambda *_: None)
    assert main(["demo", "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == (
        'jw2v: the demo\'s text is not installed; run: pip install "jw2v[demo]", or train on a '
        "file of your own: jw2v train FILE --out DIR\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("small_ledger")
def test_the_whole_demo(tmp_path, console):
    """On its own text; `.ci/run` runs it with all ledgers, by the README's first command."""
    try:
        next(demo_sentences())
    except DataError as error:
        pytest.skip(str(error))
    vectors = demo.run_demo(tmp_path / "out", console)
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    history = vectors.run["history"]
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    near = {word for word, _ in vectors.most_similar("king", topn=10)}
    kings = {"queen", "prince", "emperor", "kings", "throne", "duke", "son", "crowned", "reign"}
    assert near & kings
    scores = {score.name: score for score in demo.evaluate(vectors)}
    assert all((score.spearman or 0) > 0.1 for score in scores.values())
    assert "4. Everything is in" in printed(console)
