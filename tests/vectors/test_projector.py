"""The Projector's two files: as its page wants them, and read again."""

import os

import numpy as np
import pytest

from jw2v.errors import DataError
from jw2v.vectors import Vectors, read_projector, write_projector

WORDS = ("the", "café", "new\u00a0york")
TABLE = np.array([[0.1, -2], [1e-30, 3], [0, 1]], np.float32)


def test_words_alone_have_no_line_of_names(tmp_path):
    write_projector(Vectors(WORDS, TABLE), tmp_path / "p")
    assert sorted(os.listdir(tmp_path / "p")) == ["metadata.tsv", "vectors.tsv"]
    assert (tmp_path / "p" / "metadata.tsv").read_bytes().decode() == "the\ncafé\nnew\u00a0york\n"
    assert (tmp_path / "p" / "vectors.tsv").read_bytes() == b"0.1\t-2\n1e-30\t3\n0\t1\n"
    back = read_projector(tmp_path / "p")
    assert (back.words, back.counts) == (WORDS, None)
    assert back.vectors.tobytes() == TABLE.tobytes()


def test_counts_are_a_second_column_with_its_name(tmp_path):
    write_projector(Vectors(WORDS, TABLE, counts=np.array([10**18 - 1, 3, 0])), tmp_path)
    lines = (tmp_path / "metadata.tsv").read_bytes().decode().splitlines()
    assert lines == ["word\tcount", f"the\t{10**18 - 1}", "café\t3", "new\u00a0york\t0"]
    back = read_projector(str(tmp_path))
    assert back.counts is not None
    assert back.counts.tolist() == [10**18 - 1, 3, 0]


def test_other_columns_are_let_pass(tmp_path):
    write_projector(Vectors(WORDS, TABLE), tmp_path)
    (tmp_path / "metadata.tsv").write_bytes(
        b"Name\tGenre\tcount\r\na\tx\t1\r\nb\ty\t2\r\nc\tz\t3\r\n"
    )
    back = read_projector(tmp_path)
    assert (back.words, back.counts) == (("a", "b", "c"), None)


def test_a_missing_file_is_named(tmp_path):
    write_projector(Vectors(WORDS, TABLE), tmp_path)
    (tmp_path / "metadata.tsv").unlink()
    with pytest.raises(DataError, match=r"^cannot read .*metadata.tsv: No such file or directory"):
        read_projector(tmp_path)
