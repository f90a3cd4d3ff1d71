"""Vectors come back from every format as they were, and a file is opened by what it holds."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from safetensors.numpy import save_file

import jw2v
from jw2v.errors import DataError, UsageError
from jw2v.vectors import Format, Vectors, export, save

WORDS = ("the", "café", "new\u00a0york", "日本", "0.5", "7")
FORMATS = get_args(Format)


def random_vectors(dim=5, words=WORDS):
    rng = np.random.default_rng(dim)
    table = rng.normal(size=(len(words), dim)).astype(np.float32)
    return Vectors(tuple(words), table, table[::-1].copy(), np.arange(len(words))[::-1])


def assert_same(found, expected):
    assert found.words == expected.words
    assert found.vectors.dtype == np.float32
    assert found.vectors.tobytes() == expected.vectors.tobytes()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("dim", [2, 5, 300])
def test_what_is_exported_is_opened_bit_for_bit(format, dim, tmp_path):
    vectors = random_vectors(dim)
    export(vectors, tmp_path / "v", format=format)
    assert_same(jw2v.load(tmp_path / "v"), vectors)
    export(vectors.table("outside"), tmp_path / "u", format=format)
    assert_same(jw2v.load(str(tmp_path / "u")), vectors.table("outside"))


@pytest.mark.parametrize("format", FORMATS)
def test_one_word_of_one_number_is_opened_too(format, tmp_path):
    vectors = Vectors(("word",), np.array([[0.1]], np.float32))
    export(vectors, tmp_path / "v", format=format)
    assert_same(jw2v.load(tmp_path / "v"), vectors)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_that_the_format_cannot_hold_is_written(format, tmp_path):
    table = np.ones((2, 2), np.float32)
    with pytest.raises(DataError, match=r"^word 2, 'new york', is empty, holds a blank or is"):
        export(Vectors(("a", "new york"), table), tmp_path / "v", format=format)
    with pytest.raises(DataError, match=r"^the row of 'a' in the table holds NaN or Inf; train"):
        export(Vectors(("a", "b"), table * np.float32(np.inf)), tmp_path / "v", format=format)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_place_that_cannot_be_written_is_told(format, tmp_path):
    (tmp_path / "file").touch()
    folder = format in ("projector", "model2vec")
    place = tmp_path / "file" if folder else tmp_path / "none" / "v"
    with pytest.raises(DataError, match=rf"^cannot (write|make) {place}: .*; give .*$"):
        export(random_vectors(), place, format=format)
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_of_jw2v_is_opened(tmp_path):
    save(random_vectors(), tmp_path)
    assert_same(jw2v.load(tmp_path), random_vectors())
    assert jw2v.load(tmp_path).outside is not None
    for format in ("projector", "model2vec"):
        export(random_vectors(2), tmp_path, format=format)
    assert_same(jw2v.load(tmp_path), random_vectors())


@pytest.mark.usefixtures("untyped")
def test_a_format_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"^unknown format 'word2vec-bim', did you mean 'word2ve"):
        export(random_vectors(), tmp_path / "v", format="word2vec-bim")  # type: ignore[arg-type]


def test_rows_of_every_byte_are_told_from_text(tmp_path):
    """Binary rows that begin as text does: with a line end, with letters, with zeros."""
    for start in (b"\n", b"1 2 ", b"0.25", b"\0\0\0\0", b"abcdefgh\n"):
        row = (start + bytes(range(1, 40)))[:24]
        (tmp_path / "v").write_bytes(b"1 6\nword " + row)
        assert jw2v.load(tmp_path / "v").vectors.tobytes() == row


def test_one_number_in_letters_is_told_from_text(tmp_path):
    """Four bytes are often letters; they may end as a line of text does, too."""
    tables = np.random.default_rng(0).normal(size=(1500, 3, 1)).astype("<f4")
    tables[0, :, 0] = 0.27500414848327637, -0.7158737778663635, -1.065063238143921
    tables[1:4, 0, 0] = np.frombuffer(b"5\n?> 5\n?12\n@", "<f4")
    words = ("king", "queen", "apple")
    for table in tables:
        rows = [f"{word} ".encode() + row.tobytes() for word, row in zip(words, table, strict=True)]
        (tmp_path / "v").write_bytes(b"3 1\n" + b"".join(rows))
        assert_same(jw2v.load(tmp_path / "v"), Vectors(words, table))


@pytest.mark.parametrize("format", ["word2vec", "word2vec-bin", "glove"])
@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("letter", ["w", "7", "é"])
def test_a_word_of_any_length_is_opened(format, dim, letter, tmp_path):
    vectors = random_vectors(dim, [letter * 70_000, "king"])
    export(vectors, tmp_path / "v", format=format)
    assert_same(jw2v.load(tmp_path / "v"), vectors)


FOREIGN = {
    "pickle": (pickle.dumps({"a": 1}), "a pickle, which jw2v never opens; load it in gensim, then"),
    "gzip": (b"\x1f\x8b\x08", "compressed; unpack it first (gunzip)"),
    "bzip2": (b"BZh91AY", "compressed; unpack it first (bunzip2)"),
    "xz": (b"\xfd7zXZ\x00\x00", "compressed; unpack it first (unxz)"),
    "zip": (b"PK\x03\x04", "compressed; unpack it first (unzip)"),
    "fastText": (
        b"\xba\x16\x4f\x2f\x0c\0\0\0",
        "a model of fastText; give the .vec file beside it",
    ),
    "NumPy": (b"\x93NUMPY\x01", "a NumPy array, without its words; give a file with words"),
    "mark": (b"\xef\xbb\xbf1 1\na 1\n", "text after a byte order mark; save it as UTF-8 without"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_others_are_named(name, tmp_path):
    content, what = FOREIGN[name]
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(DataError) as caught:
        jw2v.load(tmp_path / "v")
    assert str(caught.value).startswith(f"{tmp_path / 'v'} is {what}")


def test_tensors_without_words_are_named(tmp_path):
    save_file({"V": np.ones((2, 2), np.float32)}, tmp_path / "v.safetensors")
    with pytest.raises(DataError, match=r"is a safetensors file, without its words; give its fol"):
        jw2v.load(tmp_path / "v.safetensors")


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"word\n", b"word word\n", b"\0\1 1 2\n", b"\xff 1"]
)
def test_what_is_in_no_format_is_refused(content, tmp_path):
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(DataError) as caught:
        jw2v.load(tmp_path / "v")
    assert str(caught.value) == (
        f"{tmp_path / 'v'} is in none of the formats known: its first line is neither '<vocab> "
        "<dim>' nor a word and its numbers; give word2vec, word2vec-bin, glove, fasttext, "
        "projector, model2vec or a folder of jw2v"
    )


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    (tmp_path / "v").touch()

    def fail(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(DataError, match=r"^cannot read .*v: Permission denied; give a readable"):
        jw2v.load(tmp_path / "v")


HUNGRY = """
import resource, sys, jw2v
from jw2v.errors import DataError
jw2v.Vectors
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        jw2v.load(path)
    except DataError as error:
        assert "more than the" in str(error), error
    else:
        raise SystemExit(path)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_small_file_that_promises_much_takes_no_memory(tmp_path):
    """Four files under 1 MiB, each of which tells of gigabytes."""
    (tmp_path / "text").write_bytes(b"90000 90000\n" + b"a 1 2\n" * 10)
    (tmp_path / "binary").write_bytes(b"90000 90000\na " + b"\0" * 400_000)
    (tmp_path / "glove").write_bytes(b"a" + b" 1" * 50_000 + b"\n" + b"b\n" * 50_000)
    folder = tmp_path / "projector"
    folder.mkdir()
    (folder / "vectors.tsv").write_bytes(b"1\t" * 50_000 + b"1\n")
    (folder / "metadata.tsv").write_text("".join(f"w{i}\n" for i in range(50_000)))
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    run = [sys.executable, "-c", HUNGRY, *files]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100  # MiB


def test_binary_is_known_by_the_last_number_of_a_row(tmp_path):
    """The bytes of the others are letters."""
    row = np.append(np.frombuffer(b"abcdefghijkl", "<f4"), np.float32(1))
    jw2v.vectors.export(Vectors(("a",), row[None]), tmp_path / "v", format="word2vec-bin")
    assert jw2v.load(tmp_path / "v").vectors.tobytes() == row.tobytes()


def test_text_is_known_by_its_first_row(tmp_path):
    """Whatever the bytes are that come after."""
    path, numbers = tmp_path / "v", b" 1" * 8
    path.write_bytes(b"2 8\na" + numbers + b"\n\xff" + numbers + b"\n")
    with pytest.raises(DataError, match=rf"byte 1 of the line is not UTF-8 \({path}:3\)"):
        jw2v.load(path)
