"""The text formats against gensim, bit for bit both ways, and headers that lie."""

import os

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jw2v.errors import DataError
from jw2v.vectors import (
    Vectors,
    load,
    read_glove,
    read_word2vec,
    rows,
    write_glove,
    write_word2vec,
)

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
tables = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=finite
)


def random_vectors(vocab=200, dim=12):
    rng = np.random.default_rng(0)
    scale = np.float32(10.0) ** rng.integers(-30, 30, (vocab, dim)).astype(np.float32)
    table = rng.normal(size=(vocab, dim)).astype(np.float32) * scale
    words = tuple(f"w{i}" for i in range(vocab - 2))
    return Vectors((*words, "café", "new\u00a0york"), table, table[::-1].copy())


def test_gensim_reads_what_is_written_bit_for_bit(tmp_path):
    vectors = random_vectors()
    write_word2vec(vectors, tmp_path / "v.txt")
    keyed = KeyedVectors.load_word2vec_format(str(tmp_path / "v.txt"))
    assert tuple(keyed.index_to_key) == vectors.words
    assert keyed.vectors.dtype == np.float32
    assert keyed.vectors.tobytes() == vectors.vectors.tobytes()


def test_what_gensim_writes_is_read_bit_for_bit(tmp_path):
    vectors = random_vectors()
    keyed = KeyedVectors(vectors.vectors.shape[1])
    keyed.add_vectors(list(vectors.words), vectors.vectors)
    keyed.save_word2vec_format(str(tmp_path / "v.txt"))
    back = read_word2vec(tmp_path / "v.txt")
    assert back.words == tuple(keyed.index_to_key)
    assert back.vectors.tobytes() == keyed.vectors.tobytes()
    assert (back.outside, back.counts, back.run) == (None, None, {})


@settings(deadline=None, max_examples=100)
@given(table=tables)
def test_any_finite_numbers_come_back(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("w2v") / "v.txt"
    write_word2vec(Vectors(tuple(map(str, range(len(table)))), table), path)
    assert read_word2vec(path).vectors.tobytes() == table.tobytes()
    numbers = path.read_text(encoding="utf-8").split()[2:]
    for text, value in zip(numbers, np.insert(table, 0, 0, axis=1).ravel(), strict=True):
        assert len(text.strip("-0.")) <= len(np.format_float_scientific(value)) + 8


def test_numbers_are_the_shortest_that_read_back(tmp_path):
    table = np.array([[0.1, -0.0, 1e-45], [3.4028235e38, 16777216, 1 / 3]], np.float32)
    write_word2vec(Vectors(("a", "b"), table), tmp_path / "v.txt")
    lines = (tmp_path / "v.txt").read_bytes().decode().splitlines()
    assert lines == ["2 3", "a 0.1 -0 1e-45", "b 3.4028235e+38 16777216 0.33333334"]


@pytest.mark.parametrize("numbers", [5, 30])
def test_blocks_of_rows_join_without_a_seam(tmp_path, monkeypatch, numbers):
    monkeypatch.setattr(rows, "_NUMBERS_AT_ONCE", numbers)
    vectors = random_vectors()
    write_word2vec(vectors, str(tmp_path / "v.txt"))
    back = read_word2vec(str(tmp_path / "v.txt"))
    assert back.words == vectors.words
    assert back.vectors.tobytes() == vectors.vectors.tobytes()


def test_the_outside_table_is_written_when_asked_for(tmp_path):
    vectors = random_vectors()
    write_word2vec(vectors.table("outside"), tmp_path / "u.txt")
    np.testing.assert_array_equal(read_word2vec(tmp_path / "u.txt").vectors, vectors.outside)


def test_glove_is_the_same_without_the_header(tmp_path):
    vectors = random_vectors()
    write_word2vec(vectors, tmp_path / "v.txt")
    write_glove(vectors, tmp_path / "g.txt")
    whole = (tmp_path / "v.txt").read_bytes()
    assert (tmp_path / "g.txt").read_bytes() == whole.partition(b"\n")[2]
    back = read_glove(tmp_path / "g.txt")
    assert back.words == vectors.words
    assert back.vectors.tobytes() == vectors.vectors.tobytes()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # gensim's files
def test_glove_goes_through_gensim_bit_for_bit_both_ways(tmp_path):
    vectors = random_vectors()
    write_glove(vectors, tmp_path / "g.txt")
    keyed = KeyedVectors.load_word2vec_format(str(tmp_path / "g.txt"), no_header=True)
    assert keyed.vectors.tobytes() == vectors.vectors.tobytes()
    keyed.save_word2vec_format(str(tmp_path / "h.txt"), write_header=False)
    back = read_glove(tmp_path / "h.txt")
    assert back.words == vectors.words
    assert back.vectors.tobytes() == vectors.vectors.tobytes()


@pytest.mark.parametrize("word", ["", "new york", "a\nb", "a\tb", "\ud800"])
def test_a_word_with_a_blank_is_not_written(tmp_path, word):
    vectors = Vectors(("a", word), np.ones((2, 2), np.float32))
    with pytest.raises(
        DataError, match=r"^word 2, .* is empty, holds a blank or is not Unicode te"
    ):
        write_word2vec(vectors, tmp_path / "v.txt")
    assert os.listdir(tmp_path) == []


def test_a_row_that_is_not_finite_is_not_written(tmp_path):
    for number in (np.inf, np.nan, 1e39):  # the last is too large for float32
        vectors = Vectors(("a", "b"), np.array([[1], [number]], np.float64))
        with pytest.raises(DataError, match=r"the row of 'b' in the table holds NaN or Inf"):
            write_word2vec(vectors, tmp_path / "v.txt")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_what_would_be_no_vectors_is_not_written(tmp_path, shape):
    vectors = Vectors(("a", "b")[: shape[0]], np.ones(shape, np.float32))
    with pytest.raises(
        DataError, match=rf"^there is nothing to write in Vectors\({shape[0]} words"
    ):
        write_word2vec(vectors, tmp_path / "v.txt")
    assert os.listdir(tmp_path) == []


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    def fail(source, target):
        raise OSError(28, "No space left on device")

    path = tmp_path / "v.txt"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(DataError, match=r"cannot write .*v.txt: No space left on device"):
        write_word2vec(random_vectors(), path)
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["v.txt"]


# Reading


def read(folder, text):
    path = folder / "v.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_word2vec(path)


@pytest.mark.parametrize(
    "text", ["2 2\na 1 2\nb 3 4\n", "2 2 \na 1 2 \nb 3 4", "2 2\r\na 1 2\r\nb +3 4e0\r\n"]
)
def test_line_ends_of_other_tools_are_read(tmp_path, text):
    vectors = read(tmp_path, text)
    assert vectors.words == ("a", "b")
    assert vectors.vectors.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("end", ["\n", "\n\n\n", "\r\n \r\n", " \n\t"])
def test_empty_lines_at_the_end_are_let_pass(tmp_path, end):
    for header, reads in (("2 2\n", read_word2vec), ("", read_glove)):
        (tmp_path / "v.txt").write_bytes(f"{header}a 1 2\nb 3 4\n{end}".encode())
        for vectors in (reads(tmp_path / "v.txt"), load(tmp_path / "v.txt")):
            assert vectors.words == ("a", "b")
            assert vectors.vectors.tolist() == [[1, 2], [3, 4]]


LIE = "more than the {size} bytes of the file can hold ({path}:1); write the file again"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "the first line is not '<vocab> <dim>' ({path}:1); put the number of words and of"),
        ("a 1 2\nb 3 4\n", "the first line is not '<vocab> <dim>' ({path}:1)"),
        ("0 2\n", "the first line is not '<vocab> <dim>' ({path}:1)"),
        ("2 0\na\nb\n", "the first line is not '<vocab> <dim>' ({path}:1)"),
        ("-1 2\na 1 2\n", "the first line is not '<vocab> <dim>' ({path}:1)"),
        ("² 2\na 1 2\n", "the first line is not '<vocab> <dim>' ({path}:1)"),
        (f"{'9' * 5000} 2\na 1 2\n", "the first line is not '<vocab> <dim>' ({path}:1)"),
        ("99999999999 300\na 1 2\n", "the header says 99999999999 words of 300 numbers, " + LIE),
        ("1 99999999999\na 1 2\n", "the header says 1 words of 99999999999 numbers, " + LIE),
        ("3 2\na 1 2\nb 3 4\n", "the header says 3 words of 2 numbers, " + LIE),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path, text, shown):
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    path = tmp_path / "v.txt"
    message = str(caught.value)
    assert shown.format(path=path, size=path.stat().st_size) in message
    assert "\n" not in message


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*none.txt: No such file or directory; give"):
        read_word2vec(tmp_path / "none.txt")
    with pytest.raises(DataError, match=r"cannot read .*: Is a directory; give a readable file"):
        read_word2vec(tmp_path)


def test_the_smallest_file_fits_its_header(tmp_path):
    assert read(tmp_path, "2 1\na 1\nb 2").vectors.tolist() == [[1.0], [2.0]]
