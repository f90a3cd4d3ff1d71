import json
import math
import os
import random
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from programs import modules

from jw2v.corpus import Sentences, Vocabulary, demo_sentences, is_heldout
from jw2v.errors import DataError, UsageError
from jw2v.vectors import Vectors, save

FOLDER = Path(__file__).parents[2] / "experiments" / "gensim_comparison"
MODULES = ("quality", "results", "run", "runs", "systems", "table", "text")


@pytest.fixture(scope="module")
def program() -> SimpleNamespace:
    return modules("gensim_comparison", *MODULES)


@pytest.fixture
def tiny(tmp_path: Path) -> SimpleNamespace:
    """A text of 600 lines over 40 words, and files to evaluate on."""
    rng = random.Random(0)
    words = [f"w{i}" for i in range(40)]
    lines = [" ".join(rng.choices(words, range(1, 41), k=rng.randint(0, 12))) for _ in range(600)]
    text, pairs, questions = (tmp_path / name for name in ("text", "pairs", "questions"))
    text.write_text("".join(f"{line}\n" for line in lines))
    pairs.write_text("w1 w2 3\nw3 w4 2\nw5 gone 1\nw6 w7 9\n")
    questions.write_text(": s\nw1 w2 w3 w4\n")
    results = tmp_path / "results.json"
    files = ["--pairs", str(pairs), "--analogies", str(questions), "--results", str(results)]
    args = [str(text), *files, "--dim", "4", "--config", "min_count=1"]
    return SimpleNamespace(text=text, lines=lines, results=results, args=args)


@pytest.fixture
def launched(program, monkeypatch) -> list[tuple[str, Any]]:
    """In place of training: counts the words of the text, and saves random vectors."""
    jobs: list[tuple[str, Any]] = []

    def launch(system: str, job: Any) -> tuple[Any, float]:
        jobs.append((system, job))
        counts = Counter(Path(job.text).read_text().split()).most_common()
        words = tuple(word for word, _ in counts)
        vocab = Vocabulary(words, np.array([count for _, count in counts]))
        V, U = np.random.default_rng(job.seed).normal(size=(2, len(words), 4)).astype(np.float32)
        out = Path(job.out)
        if system == "jw2v":
            save(Vectors(words, V, U, vocab.counts), out)
        else:
            out.mkdir()
            np.save(out / "V.npy", V)
            np.save(out / "U.npy", U)
            vocab.save(out / "vocab.txt")
        seconds = {"vocabulary": 1.0, "compile": 0.0, "train": 2.0, "total": 3.0}
        tokens = int(vocab.counts.sum())
        return program.systems.Report(tokens, tokens, len(words), seconds), 4.0

    monkeypatch.setattr(program.runs, "launch", launch)
    return jobs


def runs_of(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text())["runs"]


@pytest.mark.slow
def test_a_quick_run_of_both_systems(program, tmp_path: Path):
    pytest.importorskip("gensim")
    try:
        sentences = list(islice(demo_sentences(), 2000))
    except DataError as error:
        pytest.skip(str(error))
    text, results = tmp_path / "tiny.txt", tmp_path / "results.json"
    text.write_text("".join(f"{sentence}\n" for sentence in sentences))
    options = ["--seeds", "1", "--repeats", "1", "--dim", "16", "--quick"]
    program.run.main([str(text), *options, "--results", str(results)])
    gensim, ours = runs_of(results)
    heldout = is_heldout(np.arange(2000), seed=1, every=100)
    words = sum(len(s.split()) for s, out in zip(sentences, heldout, strict=True) if not out)
    for run in (gensim, ours):
        assert run["words"] == words
        assert run["raw_words_per_s"] == pytest.approx(words / run["seconds"]["train"])
        assert run["effective_words"] < run["kept_words"] < words
        assert run["quick"]
        assert run["scores"]["wordsim353"]["pairs"] == 353
        assert run["scores"]["questions-words"]["questions"] == 19544
        # at the start every σ is 1/2; text that is learnt from is told from noise better
        assert 1.5 < run["heldout_loss"] < 6 * math.log(2)
        parts = sum(run["seconds"][name] for name in ("vocabulary", "compile", "train"))
        assert parts < run["seconds"]["total"] < run["seconds"]["process"]
    alike = ("words", "kept_words", "vocab", "effective_words", "text_sha256", "cores")
    assert [gensim[name] for name in alike] == [ours[name] for name in alike]


def test_runs_alternate_and_those_that_are_there_are_skipped(program, tiny, launched, capsys):
    args = [*tiny.args, "--seeds", "1", "2", "--repeats", "2"]
    program.run.main([*args, "--only", "jw2v", "--repeats", "1"])
    assert [(system, job.seed) for system, job in launched] == [("jw2v", 1), ("jw2v", 2)]
    launched.clear()
    program.run.main(args)
    made = [(system, job.seed) for system, job in launched]
    assert made == [
        ("gensim", 1), ("gensim", 1), ("jw2v", 1), ("gensim", 2), ("gensim", 2), ("jw2v", 2)
    ]  # fmt: skip
    assert capsys.readouterr().out.count("done before") == 2
    program.run.main(args)
    assert len(launched) == 6
    cells = [(run["system"], run["seed"], run["repeat"]) for run in runs_of(tiny.results)]
    assert len(set(cells)) == 8
    for other in (["--epochs", "2"], ["--config", "min_count=1", "lr=0.1"], ["--quick"]):
        launched.clear()
        program.run.main([*args, *other, "--only", "jw2v", "--seeds", "1", "--repeats", "1"])
        assert len(launched) == 1
    labels = {run["label"] for run in runs_of(tiny.results) if run["system"] == "jw2v"}
    assert labels == {"jw2v", "jw2v, lr=0.1"}  # what both are given names the comparison


def test_seed_by_seed_the_systems_in_turn(program, tiny, launched):
    program.run.main([*tiny.args, "--seeds", "3", "4", "--repeats", "2"])
    assert [(system, job.seed) for system, job in launched] == [
        (system, seed) for seed in (3, 3, 4, 4) for system in ("gensim", "jw2v")
    ]


def test_what_a_run_records(program, tiny, launched):
    one = [*tiny.args, "--seeds", "7", "--repeats", "1", "--epochs", "3", "--cores", "1"]
    program.run.main([*one, "--workers", "5"])
    gensim, ours = runs_of(tiny.results)
    heldout = is_heldout(np.arange(600), seed=1, every=100)
    kept = [line for line, out in zip(tiny.lines, heldout, strict=True) if not out]
    counts = Counter(" ".join(kept).split())
    words = sum(counts.values())
    share = {word: 1e-3 * words / count for word, count in counts.items()}
    effective = sum(n * min(1, math.sqrt(share[w]) + share[w]) for w, n in counts.items())
    for run in (gensim, ours):
        assert (run["words"], run["vocab"]) == (words, len(counts))
        assert run["effective_words"] == round(effective)
        assert run["raw_words_per_s"] == words * 3 / 2.0
        assert run["effective_words_per_s"] == round(effective) * 3 / 2.0
        assert run["seconds"]["process"] == 4.0
        assert run["scores"]["pairs"]["pairs"] == 4
        assert run["scores"]["pairs"]["covered"] == 3
        assert run["scores"]["questions"]["covered"] == 1
        assert run["cores"] == 1
    assert gensim["scores"] == ours["scores"]  # the same vectors, by one judge
    assert gensim["heldout_loss"] == ours["heldout_loss"]
    assert (gensim["settings"]["workers"], gensim["label"]) == (5, "gensim, workers=5")
    assert ours["settings"]["heldout_every"] == 0
    shared = program.systems.SHARED
    assert all(gensim["settings"][name] == ours["settings"][name] for name in shared)
    assert all(len(job.cpus) == 1 for _, job in launched)


def test_the_split_is_of_sentences_as_jw2v_numbers_them(program, tmp_path: Path):
    source = tmp_path / "text"
    long = " ".join(f"x{i % 7}" for i in range(25_000))
    source.write_text("\n".join(["a\tb  c ", "", long, *(f"a b c{i % 3}" for i in range(400))]))
    text = program.text.prepare(str(source), tmp_path, min_count=1)
    train = text.train.read_text().split("\n")[:-1]
    assert train[:2] == ["a b c", ""]
    assert [len(line.split()) for line in train[2:5]] == [10_000, 10_000, 5_000]
    counts = Counter(" ".join(train).split())
    assert dict(zip(text.corpus.vocab.words, text.corpus.vocab.counts, strict=True)) == counts
    assert text.words == sum(counts.values())
    assert len(train) == 405 - is_heldout(np.arange(405), seed=1, every=100).sum()
    short = program.text.prepare(str(source), tmp_path, min_count=1, lines=2 + 1 + 100)
    assert short.words < text.words
    assert short.corpus.stats.lines == 105


def test_a_demo_that_is_not_installed_is_told(program, tiny, monkeypatch):
    def missing(path: Path) -> int:
        raise DataError("the demo's text is not installed")

    monkeypatch.setattr(program.text, "write_demo", missing)
    with pytest.raises(SystemExit, match="the demo's text is not installed"):
        program.run.main(["demo", *tiny.args[1:]])


def heldout_of(lines: list[list[int]], vocab: int) -> Any:
    ids = np.array([i for line in lines for i in line], np.int32)
    offsets = np.cumsum([0, *map(len, lines)])
    counts = np.arange(vocab, 0, -1) ** 2
    words = tuple(f"w{i}" for i in range(vocab))
    return SimpleNamespace(heldout=Sentences(ids, offsets), vocab=Vocabulary(words, counts))


def test_heldout_loss_against_a_plain_loop(program):
    rng = random.Random(1)
    lines = [[rng.randrange(9) for _ in range(rng.randint(1, 9))] for _ in range(30)]
    corpus = heldout_of(lines, 9)
    pairs = program.quality.draw_pairs(corpus, window=3, negatives=4, ns_exponent=0.75)
    expected = Counter()
    for line in lines:
        for i, centre in enumerate(line):
            for j, outside in enumerate(line):
                if 0 < abs(i - j) <= 3:
                    expected[centre, outside, round((4 - abs(i - j)) / 3, 6)] += 1
    found = zip(pairs.centre.tolist(), pairs.outside.tolist(), pairs.weight.tolist(), strict=True)
    assert Counter((c, o, round(w, 6)) for c, o, w in found) == expected

    V, U = np.random.default_rng(2).normal(size=(2, 9, 5)).astype(np.float32)
    total = weights = 0.0
    for c, o, weight, negatives in zip(*(part.tolist() for part in pairs), strict=True):
        scores = [sum(float(a) * float(b) for a, b in zip(V[c], U[o], strict=True))]
        scores += [-sum(float(a) * float(b) for a, b in zip(V[c], U[k], strict=True))
                   for k in negatives]  # fmt: skip
        total += weight * sum(math.log1p(math.exp(-score)) for score in scores)
        weights += weight
    assert program.quality.heldout_loss(V, U, pairs) == pytest.approx(total / weights, rel=1e-9)
    zeros = np.zeros((9, 5), np.float32)
    assert program.quality.heldout_loss(zeros, U, pairs) == pytest.approx(5 * math.log(2))


def test_heldout_loss_over_several_batches_is_the_same(program, monkeypatch):
    corpus = heldout_of([[0, 1, 2, 3, 4]] * 20, 5)
    pairs = program.quality.draw_pairs(corpus, window=2, negatives=5, ns_exponent=0.75)
    V, U = np.random.default_rng(3).normal(size=(2, 5, 3)).astype(np.float32)
    whole = program.quality.heldout_loss(V, U, pairs)
    monkeypatch.setattr(program.quality, "_BATCH", 7)
    assert program.quality.heldout_loss(V, U, pairs) == pytest.approx(whole, rel=1e-12)


def test_negatives_follow_the_noise_and_pairs_stop_at_enough(program):
    corpus = heldout_of([[0, 1, 2]] * 4000, 6)
    draw = program.quality.draw_pairs
    pairs = draw(corpus, window=5, negatives=5, ns_exponent=0.75, most=9000)
    assert len(pairs.centre) == 9000  # 6 a sentence
    noise = corpus.vocab.counts**0.75
    share = np.bincount(pairs.neg_ids.ravel(), minlength=6) / pairs.neg_ids.size
    np.testing.assert_allclose(share, noise / noise.sum(), atol=0.01)
    again = draw(corpus, window=5, negatives=5, ns_exponent=0.75, most=9000)
    assert all((a == b).all() for a, b in zip(pairs, again, strict=True))


def test_without_heldout_pairs_there_is_no_loss(program):
    pairs = program.quality.draw_pairs(
        heldout_of([[1]], 3), window=2, negatives=5, ns_exponent=0.75
    )
    table = np.ones((3, 2), np.float32)
    assert program.quality.heldout_loss(table, table, pairs) is None


def test_rows_are_put_in_one_order(program):
    V, U = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    vectors = Vectors(("a", "b", "c"), V, U)
    found = program.quality.tables_of(vectors, ("c", "a", "b"))
    np.testing.assert_array_equal(np.stack(found), np.stack([V, U])[:, [2, 0, 1]])


def judge(program, tmp_path: Path, words: tuple[str, ...]) -> Any:
    """A judge of three words and of pairs that name two more; vectors that gensim has saved."""
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("a b 1\nb c 2\na d 3\nb d 4\nc e 5\n")
    ids = np.array([0, 1, 2])
    weight, neg_ids = np.ones(3), np.zeros((3, 1), int)
    heldout = program.quality.Pairs(ids, ids[::-1].copy(), weight, neg_ids)
    Vocabulary(words, np.array([3, 2, 1])).save(tmp_path / "vocab.txt")
    np.save(tmp_path / "V.npy", np.eye(3, dtype=np.float32))
    np.save(tmp_path / "U.npy", np.zeros((3, 3), np.float32))
    return program.quality.Judge(("a", "b", "c"), heldout, [pairs], [])


def test_vectors_of_other_words_are_refused(program, tmp_path):
    found = judge(program, tmp_path, ("a", "b", "d"))
    with pytest.raises(DataError, match="trained on different words; give text with plain blanks"):
        found("gensim", tmp_path, {})


def test_the_loss_of_pairs_is_measured_where_pairs_train(program, tmp_path):
    found = judge(program, tmp_path, ("a", "b", "c"))
    assert found("gensim", tmp_path, {})["heldout_loss"] == pytest.approx(2 * math.log(2))
    (tmp_path / "U.npy").unlink()
    told = found("gensim", tmp_path, {"loss": "hierarchical_softmax"})
    assert told["heldout_loss"] is None
    assert told["scores"]["pairs"]["covered"] == 2


def test_words_made_of_n_grams_have_a_part_in_the_pairs(program, tmp_path):
    found = judge(program, tmp_path, ("a", "b", "c"))
    assert found.unseen == ("d", "e")
    np.savez(tmp_path / "unseen.npz", words=["d"], vectors=[[1.0, 2.0, 3.0]])
    told = found("gensim", tmp_path, {"minn": 3, "maxn": 6})
    assert (told["heldout_loss"], told["scores"]["pairs"]["covered"]) == (None, 4)


def test_comparisons_are_named_by_what_both_train(program):
    settings = {**made_run("jw2v", 1, 1)["settings"], "model": "cbow", "cbow_mean": False}
    found = program.table._name(made_run("jw2v", 1, 1, settings=settings))
    assert found == "1 epoch, dim 100, cbow, sum"
    tree = {**settings, "model": "skipgram", "loss": "hierarchical_softmax", "min_count": 20}
    found = program.table._name(made_run("jw2v", 1, 1, settings=tree))
    assert found == "1 epoch, dim 100, hierarchical_softmax, min_count 20"
    subwords = {**settings, "model": "skipgram", "minn": 3, "maxn": 6}
    found = program.table._name(made_run("jw2v", 1, 1, settings=subwords))
    assert found == "1 epoch, dim 100, n-grams of 3 to 6"


def made_run(system: str, seed: int, repeat: int, **changed: Any) -> dict[str, Any]:
    shared = {"dim": 100, "window": 5, "negatives": 5, "epochs": 1, "min_count": 5}
    label = "jw2v" if system == "jw2v" else "gensim, workers=2"
    run = {
        "system": system, "label": label, "seed": seed, "repeat": repeat, "epochs": 1, "dim": 100,
        "quick": False, "cores": 2, "text_sha256": "0", "text": "mix.txt", "words": 12_000_000,
        "settings": {**shared, "sample": 1e-3, "ns_exponent": 0.75}, "vocab": 71_000,
        "effective_words": 9_000_000, "raw_words_per_s": 4e5, "effective_words_per_s": 3e5,
        "seconds": {"vocabulary": 4.0, "compile": 0.0, "train": 30.0, "total": 35.0, "process": 60},
        "scores": {
            "wordsim353": {"spearman": 0.47, "pairs": 353, "covered": 350},
            "questions-words": {"accuracy": 0.13, "questions": 19544, "covered": 9000},
        },
        "heldout_loss": 2.5, "load_before": 0.3, "cpu": "a CPU",
        "versions": {"python": "3.11.7", "gensim": "4.4.0"},
    }  # fmt: skip
    return {**run, **changed}


def made_results(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "machine": {}, "runs": list(runs)}


def test_the_numbers_of_the_table(program):
    def ours(seed: int, repeat: int, rate: float, total: float, loss: float) -> dict[str, Any]:
        run = made_run("jw2v", seed, repeat, raw_words_per_s=rate, heldout_loss=loss)
        return {**run, "seconds": {**run["seconds"], "total": total}}

    runs = [
        made_run("gensim", 1, 1),
        ours(1, 1, 2e6, 7.0, 2.4),
        made_run("gensim", 1, 2, raw_words_per_s=5e5),
        ours(1, 2, 2e6, 7.0, 2.4),
        made_run("gensim", 2, 1),
        ours(2, 1, 2.4e6, 14.0, 2.7),
    ]
    lines = program.table.table(made_results(*runs)).splitlines()
    assert lines[0] == "### 1 epoch, dim 100, mix.txt"
    assert lines[2] == (
        "12,000,000 words a pass, 9,000,000 after subsampling, 71,000 in the vocabulary. 2 cores "
        "of a CPU; seeds 1, 2, runs of each system in turn: 3, in all 6 minutes, load at most 0.3 "
        "before a run. gensim 4.4.0, python 3.11.7."
    )
    for line in (
        "|  | gensim, workers=2 | jw2v | jw2v, times as fast |",
        "| training, words/s | 433k ± 58k | 2,133k ± 231k | 5.00 (4.00–6.00) |",
        "| total, s | 35.0 ± 0.0 | 9.3 ± 4.0 | 5.00 (2.50–5.00) |",
        "| WS353 (350 covered) | 0.470 ± 0.000 | 0.470 ± 0.000 |  |",
        "| analogies (9,000 covered) | 0.130 ± 0.000 | 0.130 ± 0.000 |  |",
        "| held-out loss | 2.5000 ± 0.0000 | 2.5000 ± 0.1732 |  |",
    ):
        assert line in lines


def test_tables_of_several_comparisons(program):
    longer = {"epochs": 5, "settings": {**made_run("jw2v", 1, 1)["settings"], "epochs": 5}}
    unknown = {"wordsim353": {"spearman": None, "pairs": 353, "covered": 0}}
    made = program.table.table(
        made_results(
            made_run("gensim", 1, 1),
            made_run("gensim", 1, 1, label="gensim, workers=4"),
            made_run("jw2v", 1, 1),
            made_run("gensim", 1, 1, **longer, scores=unknown),
            made_run("jw2v", 1, 1, **longer, scores=unknown),
        )
    )
    heads = [line for line in made.splitlines() if line.startswith(("###", "|  |"))]
    one, four, ours = "gensim, workers=2", "gensim, workers=4", "jw2v | jw2v, times as fast |"
    assert heads == [
        "### 1 epoch, dim 100, mix.txt", f"|  | {one} | {ours}",
        "### 1 epoch, dim 100, mix.txt", f"|  | {four} | {ours}",
        "### 5 epochs, dim 100, mix.txt", f"|  | {one} | {ours}",
    ]  # fmt: skip
    assert "| WS353 (0 covered) | – | – |  |" in made


def test_runs_of_jw2v_alone_have_a_line_for_each_setting(program):
    scores = {name: {"spearman": 0.4, "covered": 9} for name in program.table.TITLES}
    changed = {"backend": "x", "scores": scores}
    runs = [
        made_run("jw2v", seed, 1, epochs=epochs, **changed) for seed in (1, 2) for epochs in (5, 40)
    ]
    made = program.table.alone(made_results(*runs)).splitlines()
    assert [line.split(" | ")[:2] for line in made[2:]] == [
        ["| mix.txt, 5 epochs, dim 100, on x", "2"],
        ["| mix.txt, 40 epochs, dim 100, on x", "2"],
    ]
    titles, values = (line.split(" | ") for line in (made[0], made[2]))
    assert values[titles.index("training, words/s")].endswith("k ± 0k")


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([], "no runs to make a table of; run the comparison first"),
        (
            [made_run("gensim", 1, 1), made_run("jw2v", 1, 1, quick=True)],
            r"1 of 2 runs are quick; a table is made of full runs \(--results\)",
        ),
        (
            [made_run("jw2v", 1, 1)],
            "no run of gensim with seed 1, repeat 1 for 1 epoch, dim 100; run it .--only gensim.",
        ),
        (
            [made_run("gensim", 1, 1), made_run("jw2v", 1, 1), made_run("gensim", 2, 1)],
            r"no run of jw2v with seed 2, repeat 1 for 1 epoch, dim 100; run it \(--only jw2v\)",
        ),
        (
            [made_run("gensim", 1, 1), made_run("jw2v", 1, 1), made_run("jw2v", 1, 2)],
            "no run of gensim, workers=2 with seed 1, repeat 2 .*; run it .--only gensim.",
        ),
        (
            [made_run("gensim", 1, 1), made_run("jw2v", 1, 1), made_run("jw2v", 1, 1)],
            "two runs of jw2v with seed 1, repeat 1 for 1 epoch, dim 100; keep one of them",
        ),
    ],
)
def test_a_table_is_refused(program, tmp_path: Path, runs, message: str):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(made_results(*runs)))
    with pytest.raises(SystemExit, match=f"^{message}$"):
        program.run.main(["--table", "--results", str(path)])


def test_the_table_goes_into_the_readme(program, tmp_path: Path, capsys):
    readme, results = tmp_path / "README.md", tmp_path / "results.json"
    readme.write_text((FOLDER / "README.md").read_text())
    results.write_text(json.dumps(made_results(made_run("gensim", 1, 1), made_run("jw2v", 1, 1))))
    for _ in range(2):
        program.run.show(results, readme=readme)
    table = program.table.table(json.loads(results.read_text()))
    assert capsys.readouterr().out == f"{table}\n" * 2
    before, _, rest = (FOLDER / "README.md").read_text().partition("<!-- table -->")
    after = rest.partition("<!-- /table -->")[2]
    text = f"{before}<!-- table -->\n\n{table}\n\n<!-- /table -->{after}"
    assert readme.read_text() == text
    with pytest.raises(DataError, match=r"the README has no <!-- table --> ... <!-- /table -->; "):
        program.results.fill("no markers", table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--config", "dim=3"], "--config dim=3 is not KEY=VALUE with an option that has no flag"),
        (["--config", "lr"], "--config lr is not KEY=VALUE"),
        (["--config", "blok=3"], "unknown option 'blok', did you mean 'block'"),
        (["--config", "optimizer=adm"], "unknown optimizer 'adm'"),
        (["--cores", "0"], "--cores is 0; give 1 to "),
        (["--pairs", "a/x.txt", "b/x.txt"], "two evaluation files have one name; rename one"),
    ],
)
def test_bad_use_is_told_in_a_line(program, tiny, launched, options: list[str], message: str):
    with pytest.raises(SystemExit, match=message):
        program.run.main([*tiny.args, *options])
    assert not launched
    assert not tiny.results.exists()


def test_no_text_and_no_pinning_and_no_pairs(program, tiny, launched, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        program.run.main([])
    assert "no text; give a file, or demo" in capsys.readouterr().err
    monkeypatch.setattr(program.quality, "pairs_file", lambda name: None)
    with pytest.raises(SystemExit, match="no evaluation files; pip install gensim, or give --pai"):
        program.run.main([str(tiny.text), "--results", str(tiny.results)])
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    with pytest.raises(SystemExit, match="cannot be pinned to cores here; leave --cores out"):
        program.run.main([*tiny.args, "--cores", "1"])
    program.run.main([*tiny.args, "--seeds", "1", "--repeats", "1"])
    assert [job.cpus for _, job in launched] == [None, None]
    assert not any(run["pinned"] for run in runs_of(tiny.results))


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2, "runs": []}', '{"version": 1}'])
def test_a_file_of_something_else_is_refused(program, tiny, content: str):
    tiny.results.write_text(content)
    with pytest.raises(SystemExit, match=r"results\.json holds no results of this program; give"):
        program.run.main(tiny.args)
    assert tiny.results.read_text() == content


def test_results_of_another_machine_are_refused(program, tiny, launched):
    results = made_results()
    results["machine"] = {**program.results.machine(), "cpu": "another"}
    tiny.results.write_text(json.dumps(results))
    with pytest.raises(SystemExit, match=r"of another machine; give another file \(--results\)"):
        program.run.main(tiny.args)
    assert not launched


def test_a_run_that_found_other_words_is_refused(program, tiny, launched, monkeypatch):
    honest = program.runs.launch

    def launch(system: str, job: Any) -> tuple[Any, float]:
        report, seconds = honest(system, job)
        return report._replace(vocab=report.vocab + 1) if system == "jw2v" else report, seconds

    monkeypatch.setattr(program.runs, "launch", launch)
    with pytest.raises(SystemExit, match=r"^jw2v found \(words, words in the vocabu"):
        program.run.main(tiny.args)
    assert [run["system"] for run in runs_of(tiny.results)] == ["gensim"]


@pytest.fixture
def failing(program, monkeypatch, tmp_path: Path) -> Path:
    script = tmp_path / "systems.py"
    monkeypatch.setattr(program.runs, "PROGRAM", script)
    return script


def test_a_process_that_fails_is_told(program, failing: Path):
    job = program.systems.Job("text", "out", None, {}, 1)
    failing.write_text("raise MemoryError('too big')")
    with pytest.raises(DataError, match=r"^gensim failed: MemoryError: too big; the runs "):
        program.runs.launch("gensim", job)
    failing.write_text("import sys; sys.exit(3)")
    with pytest.raises(DataError, match="gensim failed: exit code 3;"):
        program.runs.launch("gensim", job)


def test_a_process_is_fresh_and_on_the_cpu(program, failing: Path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "somewhere")
    failing.write_text(
        "import json, os, sys\n"
        "names = 'JAX_PLATFORMS', 'JAX_COMPILATION_CACHE_DIR', 'OMP_NUM_THREADS'\n"
        "told = dict(words=1, kept=1, vocab=1, seconds={n: os.environ.get(n) for n in names})\n"
        "print('noise'); print(json.dumps(told))\n"
    )
    job = program.systems.Job("text", "out", None, {}, 1)
    report, seconds = program.runs.launch("gensim", job)
    assert tuple(report.seconds.values()) == ("cpu", None, "1")
    assert seconds > 0
    report, _ = program.runs.launch("gensim", job._replace(programs="kept"))
    assert tuple(report.seconds.values()) == ("cpu", "kept", "1")


def test_programs_are_kept_where_that_is_asked_for(program, tiny, launched):
    """A run that is not recorded has made them; in the table both kinds stand side by side."""
    args = [*tiny.args, "--seeds", "1", "--repeats", "2"]
    program.run.main([*args, "--cached"])
    kept = [job.programs is not None for _, job in launched]
    assert kept == [False, False, True, True, False, False, True]
    assert len({job.programs for _, job in launched}) == 2
    labels = [run["label"] for run in runs_of(tiny.results)]
    assert labels == ["gensim, workers=2", "jw2v", "jw2v, programs kept"] * 2
    launched.clear()
    program.run.main([*args, "--cached"])
    assert not launched


def test_a_process_imports_one_system_only(program, tiny):
    """What a child has loaded before it is pinned, and what gensim's child never loads."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import systems; print(*sys.modules)"
    done = program.runs.subprocess.run(
        [sys.executable, "-c", code, str(FOLDER)], capture_output=True, text=True, check=True
    )
    assert not {"jax", "jw2v", "gensim", "numpy"} & set(done.stdout.split())


def test_options_are_read_as_their_type(program):
    config = program.run.config_of(["block=2048", "optimizer=adam", "lr=0.01"], dim=7, epochs=2)
    assert (config.block, config.optimizer, config.lr) == (2048, "adam", 0.01)
    assert (config.dim, config.epochs, config.heldout_every) == (7, 2, 0)
    with pytest.raises(UsageError, match="block is 0, not a whole number"):
        program.run.config_of(["block=0"], dim=7, epochs=2)
