"""A folder comes back bit for bit, or is refused in one line."""

import json
import os
import stat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from jw2v.errors import DataError
from jw2v.vectors import Vectors, load, save

WORDS = ("the", "café", "new\u00a0york")
TABLE = np.arange(6, dtype=np.float32).reshape(3, 2)
FILES = ["run.json", "vectors.safetensors", "vocab.txt"]


def full_vectors():
    return Vectors(WORDS, TABLE, TABLE + 9, np.array([5, 3, 0]), {"epochs": 5, "history": [1.5]})


def assert_same(a, b):
    assert a.words == b.words
    assert a.run == b.run
    for x, y in ((a.vectors, b.vectors), (a.outside, b.outside), (a.counts, b.counts)):
        assert (x is None) == (y is None)
        assert x is None or (x.tobytes(), x.shape, x.dtype) == (y.tobytes(), y.shape, y.dtype)


def test_everything_comes_back(tmp_path):
    save(full_vectors(), tmp_path / "deep" / "out")
    assert_same(load(tmp_path / "deep" / "out"), full_vectors())
    assert sorted(os.listdir(tmp_path / "deep" / "out")) == FILES


def test_what_is_not_known_stays_not_known(tmp_path):
    vectors = Vectors(WORDS, TABLE)
    save(vectors, str(tmp_path))
    assert_same(load(str(tmp_path)), vectors)


def test_the_files_are_plain(tmp_path):
    save(full_vectors(), tmp_path)
    assert sorted(load_file(tmp_path / "vectors.safetensors")) == ["U", "V"]
    text = (tmp_path / "vocab.txt").read_bytes().decode()
    assert text == "the 5\ncafé 3\nnew\u00a0york 0\n"
    assert json.loads((tmp_path / "run.json").read_text()) == {"epochs": 5, "history": [1.5]}
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in FILES}
    assert len(modes) == 1


def test_tables_in_column_order_are_saved_right(tmp_path):
    save(Vectors(WORDS, np.asfortranarray(TABLE)), tmp_path)
    np.testing.assert_array_equal(load(tmp_path).vectors, TABLE)


finite = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=5),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)
letters = st.characters(exclude_categories=["Cs"], exclude_characters=" \t\n\r\v\f")


@settings(deadline=None, max_examples=30)
@given(table=finite, data=st.data())
def test_any_words_and_numbers_come_back(table, data, tmp_path_factory):
    word = st.text(letters, min_size=1, max_size=4)
    words = data.draw(st.lists(word, min_size=len(table), max_size=len(table), unique=True))
    vectors = Vectors(tuple(words), table, table[::-1], np.arange(len(table)))
    folder = tmp_path_factory.mktemp("vectors")
    save(vectors, folder)
    assert_same(load(folder), Vectors(tuple(words), table, table[::-1].copy(), vectors.counts))


# Saving


@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("failing", [1, 2, 3, 4])
def test_a_rename_that_fails_leaves_the_old_vectors_or_the_new(
    tmp_path, monkeypatch, failing, for_good
):
    new = Vectors(WORDS[::-1], TABLE + 1, TABLE, np.array([1, 2, 3]))
    save(full_vectors(), tmp_path)
    replace, calls = os.replace, []

    def fail(source, target):
        calls.append(target)
        if len(calls) == failing or (for_good and len(calls) > failing):
            raise OSError(28, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fail)
        told = r"cannot write .*: No space left on device; give a place"
        with pytest.raises(DataError, match=told):
            save(new, tmp_path)
    assert_same(load(tmp_path), full_vectors() if failing == 1 else new)
    save(full_vectors(), tmp_path)
    assert_same(load(tmp_path), full_vectors())
    assert sorted(os.listdir(tmp_path)) == FILES


def test_a_note_that_is_no_number_is_passed_over(tmp_path):
    save(full_vectors(), tmp_path)
    (tmp_path / ".written-by").write_text("../elsewhere")
    assert_same(load(tmp_path), full_vectors())


def test_a_failed_first_save_leaves_no_file(tmp_path, monkeypatch):
    def fail(source, target):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(DataError, match=r"Read-only file system"):
        save(full_vectors(), tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def test_a_table_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("jw2v.files.save_file", fail)
    with pytest.raises(DataError, match=r"cannot write .*: I/O error: No space"):
        save(full_vectors(), tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_place_that_is_a_file_is_told(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(DataError, match=r"cannot make .*out: File exists; give a folder \(--out\)"):
        save(full_vectors(), tmp_path / "out")


@pytest.mark.parametrize(
    ("vectors", "shown"),
    [
        (Vectors(("a b",), TABLE[:1]), "word 1, 'a b', is empty, holds a blank or is not Unicode"),
        (Vectors(("a", "a"), TABLE[:2]), "word 2, 'a', is there twice"),
        (Vectors(("a",), TABLE[:1] * np.float32(np.nan)), "the row of 'a' in V holds NaN or Inf"),
        (
            Vectors(("a",), TABLE[1:2], TABLE[1:2] * np.float32(np.inf)),
            r"the row of 'a' in U holds NaN or Inf; train again with a lower rate \(--lr\)",
        ),
        (Vectors(("a",), TABLE[:1], run={"loss": float("nan")}), "the run holds what JSON cannot"),
        (Vectors(("a",), TABLE[:1], run={"path": object()}), "the run holds what JSON cannot"),
        (Vectors(("a",), TABLE[:1], run={"path": "\ud800"}), "the run holds what JSON cannot"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, vectors, shown):
    with pytest.raises(DataError, match=shown):
        save(vectors, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# Loading


@pytest.fixture
def folder(tmp_path):
    save(full_vectors(), tmp_path)
    return tmp_path


def refusal(folder):
    with pytest.raises(DataError) as caught:
        load(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_missing_folder_is_refused(tmp_path):
    where = tmp_path / "none"
    assert refusal(where) == f"there is no file or folder {where}; give one with vectors (--out)"


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert refusal(folder) == f"{folder} has no {name}; give a folder that jw2v wrote (--out)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the 5\ncafé 3\n", "has 3 rows and vocab.txt 2 words; take both from one save"),
        ("a\nb\na\n", "'a' is there twice ({vocab}:3); keep one row per word"),
        ("a 1\nb x\nc 1\n", "not 'word count' ({vocab}:2); save the vectors again"),
        ("a 1\nb -1\nc 1\n", "not 'word count' ({vocab}:2)"),
        ("a 1\nb 1 1\nc 1\n", "not 'word count' ({vocab}:2)"),
        ("a 1\n\nc 1\n", "not 'word count' ({vocab}:2)"),
        (f"a 1\nb 1{'0' * 18}\nc 1\n", "not 'word count' ({vocab}:2)"),
        (f"a 1\nb {'9' * 25}\nc 1\n", "not 'word count' ({vocab}:2)"),
        ("a 1\nb ²\nc 1\n", "not 'word count' ({vocab}:2)"),
        (
            "café 5\nthe 3\nx 0\n",
            "vocab.txt and run.json are damaged or not of one save (their checksum differs); save",
        ),
    ],
)
def test_a_vocabulary_that_does_not_fit_is_refused(folder, text, shown):
    (folder / "vocab.txt").write_text(text, encoding="utf-8")
    assert shown.format(vocab=folder / "vocab.txt") in refusal(folder)


def test_a_vocabulary_that_is_not_utf8_is_refused(folder):
    (folder / "vocab.txt").write_bytes(b"the 1\ncaf\xe9 2\n")
    assert f"not UTF-8 ({folder / 'vocab.txt'}:2)" in refusal(folder)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a": 1,\n b}', "({run}:2); write the file again"),
        ("", "({run}:1); write the file again"),
        ("[" * 100_000, "brackets in brackets without end ({run}:1); write it again"),
        ("[1]", "no JSON object ({run}:1); write the file again"),
    ],
)
def test_a_run_that_is_no_object_is_refused(folder, text, shown):
    (folder / "run.json").write_text(text, encoding="utf-8")
    assert shown.format(run=folder / "run.json") in refusal(folder)


@pytest.mark.parametrize(
    ("tensors", "shown"),
    [
        ({"W": TABLE}, "holds tensors ['W'] in place of V and U; save it again"),
        ({"U": TABLE}, "holds tensors ['U'] in place of V and U"),
        ({"V": TABLE, "x": TABLE}, "holds tensors ['V', 'x'] in place of V and U"),
        (
            {"V": TABLE.astype(np.float16)},
            "V in {path} is F16 [3, 2]; save it as F32 or F64 [vocab, dim]",
        ),
        ({"V": TABLE[:, 0].copy()}, "V in {path} is F32 [3]; save it as F32 or F64 [vocab, dim]"),
        ({"V": TABLE, "U": TABLE[:, :1].copy()}, "U in {path} is F32 [3, 1]; save it as F32"),
        ({"V": TABLE[:2]}, "{path} has 2 rows and vocab.txt 3 words; take both from one save"),
        ({"V": TABLE * np.float32(np.nan)}, "the row of 'the' in {path} (V) holds NaN or Inf"),
    ],
)
def test_tables_that_do_not_fit_are_refused(folder, tensors, shown):
    path = folder / "vectors.safetensors"
    save_file(tensors, path)
    assert shown.format(path=path) in refusal(folder)


def test_a_row_that_is_not_finite_names_its_word(folder):
    table = TABLE.copy()
    table[1, 1] = -np.inf
    save_file({"V": TABLE, "U": table}, folder / "vectors.safetensors")
    assert "the row of 'café' in" in refusal(folder)


def test_tables_written_by_others_need_no_checksum(folder):
    save_file({"V": TABLE}, folder / "vectors.safetensors")
    (folder / "vocab.txt").write_text("a\nb 7\nc\n", encoding="utf-8")
    loaded = load(folder)
    assert loaded.words == ("a", "b", "c")
    assert loaded.counts is not None
    assert loaded.counts.tolist() == [0, 7, 0]


def test_every_cut_and_every_flipped_bit_is_refused(folder):
    path = folder / "vectors.safetensors"
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert str(path) in refusal(folder)
    data = len(whole) - 2 * TABLE.nbytes
    for place in range(data, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert str(path) in refusal(folder)
