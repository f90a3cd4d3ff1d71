"""The command line: what it prints, what it ends with, what it leaves behind."""

import gc
import importlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import jax
import numpy as np
import pytest
from texts import topical_text

import jw2v
from jw2v import __main__ as command
from jw2v import api, cli
from jw2v.cli import main
from jw2v.errors import DataError
from jw2v.training import checkpoint
from jw2v.vectors import Format, analogies, word_pairs

SMALL = (
    "--dim", "8", "--window", "2", "--epochs", "2", "--min-count", "1", "--heldout-every", "0",
    "--block", "64", "--group", "16", "--shared-negatives", "8", "--blocks-per-call", "4",
    "--sample", "0",
)  # fmt: skip
VECTORS = {"vectors.safetensors", "vocab.txt", "run.json", "training.html", "metrics.jsonl"}
TOPIC_PAIRS = "a0 a1 9\na0 b0 1\nb0 b1 8\nc0 d0 2\nnowhere a0 5\n"
QUESTIONS = ": topics\na0 a1 b0 b1\nc0 c1 d0 d1\nnowhere a1 b0 b1\n"


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def one_line(err: str) -> str:
    """The fault that was told, which has to be one line, without a traceback."""
    assert "Traceback" not in err
    told = [line for line in err.splitlines() if line.startswith("jw2v: ")]
    assert len(told) == 1
    assert err.endswith(f"{told[0]}\n")
    return told[0].removeprefix("jw2v: ")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "topical.txt"
    path.write_text(topical_text(150))
    return path


@pytest.fixture(scope="module")
def trained(text: Path, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A finished run: its folder, and what the command printed."""
    folder = tmp_path_factory.mktemp("run") / "out"
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main(["train", str(text), "--out", str(folder), *SMALL, "--no-check", "--json"])
    assert code == 0
    return SimpleNamespace(folder=folder, out=out.getvalue(), err=err.getvalue())


def test_train_ends_with_one_json_object(trained):
    (line,) = trained.out.splitlines()
    result = json.loads(line)
    assert list(result) == [
        "words", "vocab", "epochs", "seconds", "words_per_s", "loss", "heldout_loss", "backend",
        "out",
    ]  # fmt: skip
    assert list(result["seconds"]) == ["vocabulary", "compile", "train", "total"]
    vectors = jw2v.load(trained.folder)
    assert result["vocab"] == len(vectors.words)
    assert vectors.counts is not None
    assert result["words"] == vectors.counts.sum()
    assert (result["epochs"], result["heldout_loss"]) == (2, None)
    assert 0 < result["loss"] < 5
    assert result["backend"].startswith(f"{jax.default_backend()}: ")
    assert result["out"] == str(trained.folder)


def test_train_leaves_a_whole_run(trained):
    assert files(trained.folder) == VECTORS
    assert jw2v.load(trained.folder).vectors.shape == (54, 8)
    assert "\x1b" not in trained.err


def test_standard_input_trains_as_the_file_does(text, trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.read_bytes())))
    folder = tmp_path / "[bold]o:heart:[" / "i]"  # whose name is no markup
    assert main(["train", "-", "--out", str(folder), *SMALL, "--no-check"]) == 0
    found, expected = jw2v.load(folder), jw2v.load(trained.folder)
    assert found.words == expected.words
    assert found.vectors.tobytes() == expected.vectors.tobytes()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(f"54 vectors in {folder}; try  jw2v neighbors {folder} WORD\n")


BAD_TEXTS = {
    "missing": (None, "cannot read {text}: No such file or directory; give a file or folder"),
    "empty": (b"", "no words in {text}; give a text with one sentence a line"),
    "only blanks": (b" \n\t\n", "no words in {text}; give a text"),
    "binary": (b"a b\nc\0d\n", "binary file: NUL byte at {text}:2 (byte 5); give plain text"),
    "latin-1": ("a b\ncafé\n".encode("latin-1"), "not UTF-8: byte 0xe9 at {text}:2 (byte 7)"),
    "utf-16": ("a b\n".encode("utf-16"), "not UTF-8: byte 0xff at {text}:1 (byte 0)"),
    "too few of each": (b"a b b\n", 'no word of {text} occurs 5 times: the most frequent, "b"'),
    "one word": (b"a a a\n" * 9, 'the vocabulary of {text} is one word, "a", so no negative can'),
    "no pair": (b"a\nb\n" * 9, "no sentence of {text} has two words in the vocabulary, so no"),
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_bad_texts(name, tmp_path, capsys):
    content, message = BAD_TEXTS[name]
    text = tmp_path / "text"
    if content is not None:
        text.write_bytes(content)
    before = files(tmp_path)
    assert main(["train", str(text), "--out", str(tmp_path / "out"), "--no-check"]) == 1
    told = one_line(capsys.readouterr().err)
    assert told.startswith(message.format(text=text))
    assert "; " in told
    assert files(tmp_path) == before


BAD_OPTIONS = {
    "dim 0": (["--dim", "0"], "dim is 0, not a whole number of at least 1 (--dim)"),
    "dim -3": (["--dim", "-3"], "dim is -3, not a whole number of at least 1 (--dim)"),
    "window 0": (["--window", "0"], "window is 0, not a whole number of at least 1 (--window)"),
    "epochs -1": (["--epochs", "-1"], "epochs is -1, not a whole number of at least 1 (--epochs)"),
    "lr 0": (["--lr", "0"], "lr is 0.0, not a finite number above 0 (--lr)"),
    "lr -1": (["--lr", "-1"], "lr is -1.0, not a finite number above 0 (--lr)"),
    "lr nan": (["--lr", "nan"], "lr is nan, not a finite number above 0 (--lr)"),
    "lr inf": (["--lr", "inf"], "lr is inf, not a finite number above 0 (--lr)"),
    "optimizer": (["--optimizer", "adm"], "unknown optimizer 'adm', did you mean 'adam'? known: "),
    "loss": (["--loss", "softmax"], "unknown loss 'softmax', did you mean 'naive_softmax'? known"),
    "block": (["--block", "100"], "block is 100, not a multiple of group 64 (--block)"),
    "resume": (["--resume"], "{out} holds no stopped run; leave --resume out"),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_bad_options(name, text, tmp_path, capsys):
    options, message = BAD_OPTIONS[name]
    if name == "block":
        options = [*options, "--group", "64"]
    out = tmp_path / "out"
    assert main(["train", str(text), "--out", str(out), *options]) == 2
    assert one_line(capsys.readouterr().err).startswith(message.format(out=out))
    assert files(tmp_path) == set()


def test_several_faults_are_one_message(text, tmp_path, capsys):
    options = ["--dim", "0", "--window", "-2", "--lr", "nan", "--optimizer", "sdg"]
    assert main(["train", str(text), "--out", str(tmp_path / "o"), *options]) == 2
    told = one_line(capsys.readouterr().err)
    for fault in ("dim is 0", "window is -2", "lr is nan", "'sdg', did you mean 'sgd'?"):
        assert fault in told


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--dim", "ten"], "Error parsing --dim: invalid literal for int()"),
        (["--lr", "fast"], "--lr"),
        (["--dmi", "3"], "Unrecognized options: --dmi"),
        (["--require", "gup"], "invalid choice 'gup' for argument '--require'"),
    ],
)
def test_what_the_parser_refuses(options, named, text, tmp_path, capsys):
    assert main(["train", str(text), "--out", str(tmp_path / "o"), *options]) == 2
    err = capsys.readouterr().err
    assert named in err
    assert "Traceback" not in err
    if options[0] == "--dmi":
        assert "Perhaps you meant" in err
        assert "--dim INT" in err
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "Expected one of {demo, train, neighbors"),
        (["nope"], "Unrecognized options: nope"),
        (["train", "text"], "--out PATH"),
        (["export", "folder"], "--out PATH"),
        (["analogy", "folder", "a", "b"], "Missing from jw2v analogy"),
    ],
)
def test_commands_that_lack_something(arguments, named, capsys):
    assert main(arguments) == 2
    assert named in capsys.readouterr().err


def test_what_is_read_is_never_written_over(text, trained, tmp_path, capsys):
    before = {path.name: path.read_bytes() for path in trained.folder.iterdir()}
    folder = str(trained.folder)
    for command_line in (
        ["encode", str(text), "--out", folder],
        ["export", folder, "--out", f"{folder}/vectors.safetensors"],
        ["export", folder, "--out", f"{folder}/../out/vocab.txt"],
        ["export", folder, "--out", folder, "--format", "model2vec"],
        ["map", folder, "--out", f"{folder}/run.json"],
    ):
        assert main(command_line) == 2
        assert one_line(capsys.readouterr().err).endswith("(--out)")
    assert {path.name: path.read_bytes() for path in trained.folder.iterdir()} == before
    assert main(["export", folder, "--out", str(tmp_path / "text")]) == 0
    assert main(["export", str(tmp_path / "text"), "--out", str(tmp_path / "text")]) == 2


def test_an_encoded_text_is_given_alone(text, tmp_path, capsys):
    encoded = str(tmp_path / "encoded")
    assert main(["encode", str(text), "--out", encoded, "--min-count", "1"]) == 0
    for corpus in ([encoded, str(text)], [str(text), encoded]):
        capsys.readouterr()
        assert main(["train", *corpus, "--out", str(tmp_path / "o")]) == 2
        told = one_line(capsys.readouterr().err)
        assert told == f"{encoded} is encoded already; it is a whole corpus, give it alone"


def test_no_shards_are_bad_use(capsys):
    assert main(["lines"]) == 2
    assert one_line(capsys.readouterr().err).startswith("no shards given; name the files")


def test_no_text_is_bad_use(tmp_path, capsys):
    assert main(["train", "--out", str(tmp_path / "o")]) == 2
    told = one_line(capsys.readouterr().err)
    assert told == "no text given; name a file of text, one sentence a line"


def test_a_folder_that_cannot_be_written(text, tmp_path, capsys):
    """Below a regular file, which not even an administrator can write."""
    (tmp_path / "file").write_text("kept")
    for out, reason in (("file/out", "Not a directory"), ("file", "File exists")):
        assert main(["train", str(text), "--out", str(tmp_path / out), "--no-check"]) == 1
        told = one_line(capsys.readouterr().err)
        assert told == f"cannot write to {tmp_path / out}: {reason}; give another (--out)"
    assert (tmp_path / "file").read_text() == "kept"


def test_runs_are_never_overwritten(text, trained, tmp_path, capsys):
    before = {path.name: path.read_bytes() for path in trained.folder.iterdir()}
    assert main(["train", str(text), "--out", str(trained.folder)]) == 2
    told = one_line(capsys.readouterr().err)
    assert told == f"{trained.folder} holds a finished run; give another folder (--out)"
    assert {path.name: path.read_bytes() for path in trained.folder.iterdir()} == before
    (tmp_path / checkpoint.NAME.format(7)).write_text("stopped")
    assert main(["train", str(text), "--out", str(tmp_path)]) == 2
    told = one_line(capsys.readouterr().err)
    expected = "holds a stopped run; go on with it (--resume), or give another folder (--out)"
    assert told == f"{tmp_path} {expected}"
    assert files(tmp_path) == {checkpoint.NAME.format(7)}


def test_a_platform_that_is_not_there(text, tmp_path, capsys):
    missing = "tpu" if jax.default_backend() == "gpu" else "gpu"
    out = tmp_path / "o"
    assert main(["train", str(text), "--out", str(out), "--require", missing]) == 1
    told = one_line(capsys.readouterr().err)
    assert told.startswith(f"a {missing} was required and JAX found {jax.default_backend()}: ")
    assert told.endswith("(--require)")
    assert not out.exists()


def test_a_broken_gradient_does_not_train(text, tmp_path, monkeypatch, capsys):
    kernels = importlib.import_module("jw2v.ledger.kernels")
    pair = kernels.NEGATIVE_SAMPLING

    def wrong(*rows):
        value, (d_v, d_o, d_neg) = pair.loss_and_grads(*rows)
        return value, (d_v, d_o, -d_neg)

    monkeypatch.setitem(kernels.PAIRS, "negative_sampling", jw2v.Loss(pair.loss, wrong))
    assert main(["train", str(text), "--out", str(tmp_path / "o"), *SMALL]) == 1
    told = one_line(capsys.readouterr().err)
    assert told.startswith("the gradient of negative_sampling is refuted (sign: claimed = -1")
    assert told.endswith("(--gradient autodiff)")
    assert files(tmp_path) == set()


@contextmanager
def signalling(number: int, epochs: int, console: object) -> Iterator[object]:
    """Instead of the progress bar: a signal to this process after the second call."""
    yield lambda p: os.kill(os.getpid(), number) if p.calls == 2 else None


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_stopped_by_a_signal_goes_on(
    number, code, text, trained, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "o"
    command = ["train", str(text), "--out", str(out), *SMALL, "--no-check"]
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with monkeypatch.context() as patched:
        patched.setattr(
            cli, "progress_bar", lambda epochs, console: signalling(number, epochs, console)
        )
        assert main(command) == code
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
    told = one_line(capsys.readouterr().err)
    assert told == f"stopped after 2 calls and saved in {out}; go on with --resume"
    assert files(out) == {checkpoint.NAME.format(2), "metrics.jsonl"}
    if number == signal.SIGINT:
        assert main([*command, "--resume", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["out"] == str(out)
        assert files(out) == VECTORS
        found, unbroken = jw2v.load(out), jw2v.load(trained.folder)
        assert found.vectors.tobytes() == unbroken.vectors.tobytes()
        assert found.outside is not None
        assert unbroken.outside is not None
        assert found.outside.tobytes() == unbroken.outside.tobytes()


@pytest.fixture
def interruptible():
    """Ctrl-C as in a terminal: a process started in the background may be born deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_second_signal_ends_at_once(interruptible):
    stop = cli._Stop()
    with stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
        assert stop.signal == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_is_told_in_one_line(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "verify", interrupted)
    assert main(["verify"]) == 130
    told = one_line(capsys.readouterr().err)
    assert told == "stopped by Ctrl-C; run the command again"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_that_is_stopped_goes_on_bit_for_bit(number, code, tmp_path):
    (tmp_path / "text").write_text(topical_text(2000))
    command = [
        sys.executable, "-m", "jw2v", "train", str(tmp_path / "text"), *SMALL, "--no-check",
        "--epochs", "200", "--heldout-every", "50",
    ]  # fmt: skip
    out = tmp_path / "two"
    process = subprocess.Popen(
        [*command, "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch "):
            process.send_signal(number)
            break
    stdout, err = process.communicate(timeout=120)
    assert process.returncode == code
    assert stdout == ""
    assert "Traceback" not in err
    assert err.splitlines()[-1].endswith(f"saved in {out}; go on with --resume")
    assert checkpoint.saved(out)
    subprocess.run([*command, "--out", str(out), "--resume"], check=True, capture_output=True)
    whole = tmp_path / "whole"
    subprocess.run([*command, "--out", str(whole)], check=True, capture_output=True)
    assert files(out) == files(whole) == VECTORS
    found, unbroken = jw2v.load(out), jw2v.load(whole)
    assert found.vectors.tobytes() == unbroken.vectors.tobytes()
    assert found.outside is not None
    assert unbroken.outside is not None
    assert found.outside.tobytes() == unbroken.outside.tobytes()


def test_neighbors(trained, capsys, monkeypatch):
    folder = str(trained.folder)
    assert main(["neighbors", folder, "a0", "b1", "--topn", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    vectors = jw2v.load(trained.folder)
    for word in ("a0", "b1"):
        expected = [[near, score] for near, score in vectors.most_similar(word, topn=3)]
        assert found[word] == expected
    for width in ("80", "1"):
        monkeypatch.setenv("COLUMNS", width)
        assert main(["neighbors", folder, "a0", "--topn", "2"]) == 0
        printed = capsys.readouterr().out
        assert "\x1b" not in printed
        near, score = found["a0"][0]
        assert width == "1" or (near in printed and f"{score:.4f}" in printed)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["neighbors", "{run}", "nowhere"], 1, "'nowhere' is not in the vocabulary; "),
        (["neighbors", "{run}", "a00"], 1, "'a00' is not in the vocabulary; did you mean "),
        (["neighbors", "{run}"], 2, "no word given; name at least one after the folder"),
        (["neighbors", "{run}", "a0", "--topn", "0"], 2, "topn is 0; give 1 or more (--topn)"),
        (
            ["neighbors", "{tmp}/none", "a0"],
            1,
            "there is no file or folder {tmp}/none; give one with",
        ),
        (["neighbors", "{tmp}", "a0"], 1, "{tmp} has no vectors.safetensors; give a folder"),
        (["analogy", "{run}", "a0", "a1", "x"], 1, "'x' is not in the vocabulary; give a word"),
        (["evaluate", "{run}", "--pairs", "{tmp}/none"], 1, "cannot read {tmp}/none: No such"),
        (["export", "{tmp}", "--out", "{tmp}/v"], 1, "{tmp} has no vectors.safetensors; give"),
        (["export", "{run}", "--out", "{tmp}/no/v"], 1, "cannot write {tmp}/no/v: No such file"),
    ],
)
def test_bad_use_of_vectors(arguments, code, message, trained, tmp_path, capsys):
    places = {"run": trained.folder, "tmp": tmp_path}
    assert main([argument.format(**places) for argument in arguments]) == code
    assert one_line(capsys.readouterr().err).startswith(message.format(**places))
    assert files(tmp_path) == set()


def test_analogy(trained, capsys):
    words = ["a0", "a1", "b0"]
    assert main(["analogy", str(trained.folder), *words, "--topn", "4", "--json"]) == 0
    ((query, found),) = json.loads(capsys.readouterr().out).items()
    assert query == "a0 : a1 = b0 : ?"
    assert len(found) == 4
    expected = jw2v.load(trained.folder).analogy("a0", "a1", "b0", topn=4)
    assert found == [[word, score] for word, score in expected]
    assert main(["analogy", str(trained.folder), *words]) == 0
    assert expected[0][0] in capsys.readouterr().out
    options = ["--method", "3cosmul", "--table", "outside", "--json"]
    assert main(["analogy", str(trained.folder), *words, *options]) == 0
    outside = jw2v.load(trained.folder).table("outside")
    ((_, found),) = json.loads(capsys.readouterr().out).items()
    assert found == [list(pair) for pair in outside.analogy(*words, method="3cosmul")]


def test_neighbours_by_the_outside_table_and_of_a_file(trained, tmp_path, capsys):
    outside = jw2v.load(trained.folder).table("outside")
    expected = [list(pair) for pair in outside.most_similar("a0", topn=3)]
    asked = ["a0", "--topn", "3", "--json"]
    assert main(["neighbors", str(trained.folder), *asked, "--table", "outside"]) == 0
    assert json.loads(capsys.readouterr().out)["a0"] == expected
    path = str(tmp_path / "u.txt")
    assert main(["export", str(trained.folder), "--out", path, "--table", "outside"]) == 0
    assert main(["neighbors", path, *asked]) == 0
    assert json.loads(capsys.readouterr().out)["a0"] == expected


def test_words_and_files_are_printed_as_they_are(tmp_path, capsys):
    words = ("[/i]", "[sic]", ":heart:")
    api.save(jw2v.Vectors(words, np.eye(3, 2, dtype=np.float32)), tmp_path)
    assert main(["neighbors", str(tmp_path), "[/i]"]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in words)
    (tmp_path / "[b]pairs.txt").write_text("[sic] :heart: 1\n")
    assert main(["evaluate", str(tmp_path), "--pairs", str(tmp_path / "[b]pairs.txt")]) == 0
    assert "[b]pairs" in capsys.readouterr().out


def test_rows_that_are_no_words_are_not_asked(tmp_path, capsys):
    run = {"config": {"loss": "hierarchical_softmax"}}
    V, U = np.eye(2, dtype=np.float32), np.ones((2, 2), np.float32)
    api.save(jw2v.Vectors(("a", "b"), V, U, run=run), tmp_path)
    assert main(["neighbors", str(tmp_path), "a"]) == 0
    assert main(["neighbors", str(tmp_path), "a", "--table", "outside"]) == 1
    assert one_line(capsys.readouterr().err).startswith("the outside table is of a tree's inner")


def test_evaluate(trained, tmp_path, capsys):
    (tmp_path / "pairs.txt").write_text(TOPIC_PAIRS)
    (tmp_path / "questions.txt").write_text(QUESTIONS)
    options = ["--pairs", str(tmp_path / "pairs.txt"), "--analogies"]
    command = ["evaluate", str(trained.folder), *options, str(tmp_path / "questions.txt")]
    assert main([*command, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert set(scores) == {"pairs", "analogies"}
    (pairs,), (questions,) = scores["pairs"], scores["analogies"]
    assert (pairs["name"], pairs["pairs"], pairs["covered"]) == ("pairs", 5, 4)
    assert -1 <= pairs["spearman"] <= 1
    assert (questions["questions"], questions["covered"]) == (3, 2)
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "4 of 5" in printed
    assert "2 of 3" in printed
    assert f"{pairs['spearman']:.4f}" in printed
    low, high = pairs["interval"]
    assert -1 <= low < pairs["spearman"] < high <= 1
    assert f"{low:.4f} to {high:.4f}" in printed
    assert "{:.4f} to {:.4f}".format(*questions["interval"]) in printed


def test_evaluate_by_several_files_another_table_and_method(trained, tmp_path, capsys):
    """Every file is scored by itself, in the order given."""
    names = ["one", "two"]
    for name in names:
        (tmp_path / f"{name}.txt").write_text(TOPIC_PAIRS)
        (tmp_path / f"{name}.q").write_text(QUESTIONS)
    command = [
        "evaluate",
        str(trained.folder),
        "--table",
        "outside",
        "--method",
        "3cosmul",
        "--json",
    ]
    for option, ending in (("--pairs", "txt"), ("--analogies", "q")):
        command += [option, *(str(tmp_path / f"{name}.{ending}") for name in names)]
    assert main(command) == 0
    scores = json.loads(capsys.readouterr().out)
    outside = jw2v.load(trained.folder).table("outside")
    pairs = word_pairs(outside, tmp_path / "one.txt")
    answered = analogies(outside, tmp_path / "one.q", method="3cosmul")
    for key, expected in (("pairs", pairs), ("analogies", answered)):
        assert [score["name"] for score in scores[key]] == names
        assert scores[key][0] == json.loads(json.dumps(expected._asdict()))


def test_evaluate_with_nothing(trained, monkeypatch, capsys):
    monkeypatch.setattr(cli, "pairs_file", lambda name: None)
    assert main(["evaluate", str(trained.folder)]) == 2
    told = one_line(capsys.readouterr().err)
    assert told == "nothing to evaluate on; give word pairs (--pairs) or --analogies"


def test_evaluate_takes_the_pairs_of_an_installed_gensim(trained, capsys):
    pytest.importorskip("gensim")
    assert main(["evaluate", str(trained.folder), "--json"]) == 0
    names = [score["name"] for score in json.loads(capsys.readouterr().out)["pairs"]]
    assert names == ["wordsim353", "simlex999"]


@pytest.mark.parametrize("table", ["centre", "outside"])
def test_gensim_loads_an_export_bit_for_bit(trained, tmp_path, table):
    models = pytest.importorskip("gensim.models")
    path = tmp_path / "vectors.txt"
    assert main(["export", str(trained.folder), "--out", str(path), "--table", table]) == 0
    loaded = models.KeyedVectors.load_word2vec_format(str(path), binary=False)
    vectors = jw2v.load(trained.folder)
    expected = vectors.vectors if table == "centre" else vectors.outside
    assert loaded.index_to_key == list(vectors.words)
    np.testing.assert_array_equal(loaded.vectors, expected)
    assert files(tmp_path) == {"vectors.txt"}


@pytest.mark.parametrize("format", get_args(Format))
def test_every_format_is_opened_again(format, trained, tmp_path):
    path = tmp_path / "v"
    assert main(["export", str(trained.folder), "--format", format, "--out", str(path)]) == 0
    vectors, back = jw2v.load(trained.folder), jw2v.load(path)
    assert back.words == vectors.words
    assert back.vectors.tobytes() == vectors.vectors.tobytes()


LEDGER = """
import jax.numpy as jnp
import numpy as np
from jw2v.judge import claim
square = lambda x: jnp.sum(x**2)
ones = (np.ones(3),)
right = claim("right", square, lambda x: 2 * x, ones, latex="2x")
known = claim("known", square, lambda x: -2 * x, ones, latex="-2x", expect="refuted")
wrong = claim("wrong", square, lambda x: 3 * x, ones, latex="3x")
pessimist = claim("pessimist", square, lambda x: 2 * x, ones, latex="2x", expect="refuted")
flat = claim("flat", lambda x: 0 * jnp.sum(x), jnp.zeros_like, ones, latex="0")
"""


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ("right, known", 0),
        ("right, wrong", 1),
        ("right, pessimist", 1),
        ("right, flat", 2),
        ("flat, wrong", 1),
    ],
)
def test_verify_ends_with_the_verdicts_code(claims, code, tmp_path, capsys):
    ledger = tmp_path / "mine.py"
    ledger.write_text(f"{LEDGER}\nDERIVATIONS = ({claims})\n")
    faces = ["--json", str(tmp_path / "v.json"), "--html", str(tmp_path / "v.html")]
    assert main(["verify", str(ledger), *faces]) == code
    assert "Derivation report" in (tmp_path / "v.html").read_text()
    record = json.loads((tmp_path / "v.json").read_text())
    assert list(record) == ["version", "env", "entries"]
    assert record["version"] == 1
    assert record["env"]["backend"].startswith(jax.default_backend())
    for entry, name in zip(record["entries"], claims.split(", "), strict=True):
        assert set(entry) == {
            "ledger", "id", "reading", "kind", "latex", "verdict_value", "verdict_step",
            "expected", "expected_step", "margin", "power", "diagnosis", "counterexample",
            "correct_expression", "scope", "note", "source", "seconds",
        }  # fmt: skip
        assert (entry["ledger"], entry["id"]) == (str(ledger), name)
    printed = capsys.readouterr().out
    assert all(name in printed for name in claims.split(", "))
    assert not [name for name in files(tmp_path) if "tmp" in name]


def test_verdicts_are_shown_before_they_are_written(tmp_path, capsys):
    ledger = tmp_path / "mine.py"
    ledger.write_text(f"{LEDGER}\nDERIVATIONS = (right,)\n")
    assert main(["verify", str(ledger), "--html", str(tmp_path / "no" / "v.html")]) == 3
    told = capsys.readouterr()
    assert re.search("mine.*right.*holds", told.out)
    assert "No such file or directory" in one_line(told.err)


def test_fewer_mutants_than_none_are_bad_use(capsys):
    assert main(["verify", "--mutants", "-1"]) == 3
    assert one_line(capsys.readouterr().err) == "mutants is -1; give 0 or more (--mutants)"


def test_mutants_of_the_right_lines_are_in_both_files(tmp_path, capsys):
    ledger = tmp_path / "mine.py"
    ledger.write_text(f"{LEDGER}\nDERIVATIONS = (right, known)\n")
    paths = tmp_path / "v.json", tmp_path / "v.html"
    faces = ["--json", str(paths[0]), "--html", str(paths[1])]
    assert main(["verify", str(ledger), "--mutants", "5", *faces]) == 0
    (score,) = json.loads(paths[0].read_text())["mutants"]
    assert (score["id"], score["mutants"], score["alive"]) == ("right", 5, [])
    line = f"5 mutants: {score['killed']} refuted, {score['equivalent']} equivalent"
    assert line in capsys.readouterr().out
    assert line in paths[1].read_text()


def test_a_mutant_that_is_let_pass_is_told_and_fails(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("jw2v.judge.mutation.score._Trial.refutes", lambda trial, edit: False)
    ledger = tmp_path / "mine.py"
    ledger.write_text(f"{LEDGER}\nDERIVATIONS = (right,)\n")
    faces = ["--html", str(tmp_path / "v.html"), "--workers", "1"]
    assert main(["verify", str(ledger), "--mutants", "3", *faces]) == 1
    assert "3 mutants: 0 refuted, 0 equivalent (0%), 3 alive" in capsys.readouterr().out
    assert '<p class="bad">' in (tmp_path / "v.html").read_text()


def test_verify_at_other_precisions(tmp_path):
    ledger = tmp_path / "mine.py"
    ledger.write_text(f"{LEDGER}\nDERIVATIONS = (right,)\n")
    path = tmp_path / "v.json"
    precisions = ["float64", "bfloat16"]
    assert main(["verify", str(ledger), "--dtype", *precisions, "--json", str(path)]) == 0
    assert list(json.loads(path.read_text())["entries"][0]["power"]) == precisions


LEDGERS = {
    "no such module": (None, "ledger jw2v.ledger.nope: No module named 'jw2v.ledger.nope'; give"),
    "no such file": (None, "ledger {tmp}/none.py: [Errno 2] No such file or directory: "),
    "no claims": ("x = 1\n", "{tmp}/mine.py defines no DERIVATIONS; give a ledger"),
    "no Python": ("x = (\n", "ledger {tmp}/mine.py: '(' was never closed (mine.py, line 1); give"),
    "raises": ("1 / 0\n", "unexpected ZeroDivisionError: division by zero; see more with --debug"),
    "own derivative": (
        f"{LEDGER}\nimport jax, dataclasses\n"
        "f = jax.custom_jvp(lambda x: jnp.sum(x))\n"
        "f.defjvp(lambda p, t: (f(*p), jnp.sum(t[0])))\n"
        "DERIVATIONS = (dataclasses.replace(right, of=f),)\n",
        "line right: the loss has a derivative of its own (",
    ),
}


@pytest.mark.parametrize("name", LEDGERS)
def test_ledgers_that_cannot_be_judged(name, tmp_path, capsys):
    content, message = LEDGERS[name]
    ledger = {"no such module": "jw2v.ledger.nope", "no such file": f"{tmp_path}/none.py"}.get(name)
    if content is not None:
        ledger = str(tmp_path / "mine.py")
        Path(ledger).write_text(content)
    assert main(["verify", str(ledger), "--json", str(tmp_path / "v.json")]) == 3
    assert one_line(capsys.readouterr().err).startswith(message.format(tmp=tmp_path))
    assert "v.json" not in files(tmp_path)


def test_bad_use_of_verify_ends_with_3(capsys):
    assert main(["verify", "--dtype", "float16"]) == 3
    assert "invalid choice 'float16'" in " ".join(capsys.readouterr().err.split())
    assert main(["verify", "--help"]) == 0


def test_debug_shows_the_traceback(tmp_path):
    command = ["neighbors", str(tmp_path / "none"), "a"]
    with pytest.raises(DataError, match="there is no file or folder"):
        main([*command, "--debug"])
    (tmp_path / "bad.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        main(["--debug", "verify", str(tmp_path / "bad.py")])


def test_a_fault_that_nobody_foresaw_is_one_line_too(trained, monkeypatch, capsys):
    def broken(folder):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(cli, "load", broken)
    assert main(["neighbors", str(trained.folder), "a0"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("jw2v: unexpected RuntimeError: two")
    assert "Traceback" not in told


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"jw2v {jw2v.__version__}\n"


@pytest.mark.parametrize(("told", "asks"), [(None, "False"), ("1", "True")])
def test_numpy_asks_for_no_large_pages_unless_told_to(monkeypatch, told, asks):
    monkeypatch.delenv("NUMPY_MADVISE_HUGEPAGE", raising=False)
    if told is not None:
        monkeypatch.setenv("NUMPY_MADVISE_HUGEPAGE", told)
    program = (
        "import sys; sys.argv = ['jw2v', '--version']\n"
        "from jw2v.__main__ import main; main()\n"
        "import numpy; print(numpy._core.multiarray._get_madvise_hugepage())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == asks


def test_the_collector_is_spared_what_stays(monkeypatch, capsys):
    """What was imported is frozen when the command runs, what it made when it has run."""
    frozen, made = [gc.get_freeze_count()], []

    def run() -> int:
        assert gc.isenabled()
        frozen.append(gc.get_freeze_count())
        made.append([])
        return main()

    monkeypatch.setenv("NUMPY_MADVISE_HUGEPAGE", "1")  # which `main` would set for good
    monkeypatch.setattr(sys, "argv", ["jw2v", "--version"])
    monkeypatch.setattr(cli, "main", run)
    assert command.main() == 0
    assert gc.isenabled()
    assert frozen[0] < frozen[1] < gc.get_freeze_count()
    assert capsys.readouterr().out.startswith("jw2v ")


def test_a_process_that_is_told_no_more():
    """The reader of a pipe left: the command ends quietly."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jw2v", "--version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert process.stderr.read() == b""
    process.stderr.close()
