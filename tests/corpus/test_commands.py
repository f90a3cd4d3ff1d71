"""The commands that make a corpus: what they print, and what they refuse."""

import logging
from pathlib import Path

import numpy as np
import pytest
from texts import topical_text

from jw2v import api
from jw2v.cli import main
from jw2v.corpus import Corpus, encode, open_corpus


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two files of text, in the folder that the commands run in."""
    monkeypatch.chdir(tmp_path)
    lines = topical_text(60).splitlines(keepends=True)
    Path("1.txt").write_text("".join(lines[:40]))
    Path("2.txt").write_text("".join(lines[40:]))
    return ["1.txt", "2.txt"]


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What a command printed, which ended with the code; a fault is one line of standard error."""
    assert main(arguments) == code
    printed = capsys.readouterr()
    if code:
        assert printed.out == ""
        return printed.err.removeprefix("jw2v: ").removesuffix("\n")
    return printed.out


def test_the_commands_make_the_corpus_of_one_process(shards: list[str], capsys):
    printed = told(capsys, "lines", *shards)
    assert printed == "0\t40\t1.txt\n40\t20\t2.txt\n"
    split = "--heldout-every", "5", "--seed", "7"
    for row in printed.splitlines():
        first, _, shard = row.split("\t")
        told(capsys, "count", shard, "--first-line", first, "--out", f"{shard}.counts", *split)
    cut = "--min-count", "2", "--max-vocab", "40"
    files = [f"{shard}.counts" for shard in shards]
    words = f"{len(Path('1.txt').read_text().split()) + len(Path('2.txt').read_text().split()):,}"
    printed = told(capsys, "merge", *files, "--out", "corpus", *cut)
    assert printed == f"2 shards, {words} words in corpus\n"
    assert [told(capsys, "encode", shard, "--vocab", "corpus") for shard in shards] == [
        "corpus/00000\n", "corpus/00001\n"
    ]  # fmt: skip
    printed = told(capsys, "encode", *shards, "--out", "whole", *cut, *split)
    assert printed == f"{words} words, 40 in the vocabulary, in whole\n"
    found, expected = open_corpus("corpus"), open_corpus("whole")
    assert found.options == expected.options
    assert len(found.heldout.ids)
    for part in ("train", "heldout"):
        for a, b in zip(getattr(found, part), getattr(expected, part), strict=True):
            np.testing.assert_array_equal(np.asarray(a), b)


def test_train_takes_an_encoded_folder_as_it_is(shards: list[str], monkeypatch, caplog):
    given = []

    def train(corpus: object, *_: object, **__: object) -> None:
        given.append(corpus)
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "train", train)
    encode(shards, directory="corpus", min_count=1)
    with caplog.at_level(logging.INFO, "jw2v"):
        for arguments in (["corpus"], ["1.txt"], shards):
            assert main(["train", *arguments, "--out", "vectors"]) == 130
    corpus, one, both = given
    assert isinstance(corpus, Corpus)
    assert (one, both) == (("1.txt",), ("1.txt", "2.txt"))
    assert "corpus is encoded: min_count 1, max_vocab None, heldout_every 100" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("encode 1.txt", 2, "no folder for the result; name one (--out)"),
        (
            "encode 1.txt --vocab corpus --min-count 2",
            2,
            "the options are those of --vocab; leave them out, or merge anew",
        ),
        (
            "encode 1.txt --vocab corpus",
            1,
            "no vocabulary of shards in corpus; merge their counts there (jw2v merge --out)",
        ),
        ("encode --out corpus", 2, "no corpus given; name a file, a folder, or - for standard "),
        ("count 3.txt --out 3", 1, "cannot read 3.txt: No such file or directory; give a file or "),
        ("count 1.txt --out no/1", 1, "cannot write no/1: No such file or directory; give a place"),
        ("merge --out corpus", 2, "no counts given; name at least one file that jw2v count wrote"),
        ("merge 1.txt --out corpus", 1, "1.txt is damaged, or no file of counts; count the shard "),
    ],
)
def test_a_fault_is_one_line(shards: list[str], capsys, arguments: str, code: int, message: str):
    assert told(capsys, *arguments.split(), code=code).startswith(message)
    assert not Path("corpus").exists()
