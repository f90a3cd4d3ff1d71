"""The binary format against gensim, byte for byte both ways, and as word2vec.c writes it."""

import os

import numpy as np
import pytest
from gensim.models import KeyedVectors

from jw2v.errors import DataError
from jw2v.vectors import Vectors, read_word2vec_binary, write_word2vec_binary


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    table = rng.integers(0, 2**32, (50, 7), dtype=np.uint32).view(np.float32)  # any bytes
    table = np.where(np.isfinite(table), table, np.float32(-0.0))
    words = tuple(f"w{i}" for i in range(47))
    return Vectors((*words, "café", "new\u00a0york", "日本"), table)


def as_gensim(vectors):
    keyed = KeyedVectors(vectors.vectors.shape[1])
    keyed.add_vectors(list(vectors.words), vectors.vectors)
    return keyed


def test_the_file_is_that_of_gensim(vectors, tmp_path):
    write_word2vec_binary(vectors, tmp_path / "ours.bin")
    as_gensim(vectors).save_word2vec_format(str(tmp_path / "theirs.bin"), binary=True)
    assert (tmp_path / "ours.bin").read_bytes() == (tmp_path / "theirs.bin").read_bytes()


def test_it_goes_through_gensim_bit_for_bit_both_ways(vectors, tmp_path):
    write_word2vec_binary(vectors, tmp_path / "v.bin")
    keyed = KeyedVectors.load_word2vec_format(str(tmp_path / "v.bin"), binary=True)
    assert tuple(keyed.index_to_key) == vectors.words
    assert keyed.vectors.tobytes() == vectors.vectors.tobytes()
    keyed.save_word2vec_format(str(tmp_path / "back.bin"), binary=True)
    back = read_word2vec_binary(tmp_path / "back.bin")
    assert back.words == vectors.words
    assert back.vectors.tobytes() == vectors.vectors.tobytes()
    assert back.vectors.dtype == np.float32


def test_line_ends_after_rows_are_those_of_word2vec_c(vectors, tmp_path):
    rows = zip(vectors.words, vectors.vectors, strict=True)
    body = b"".join(f"{word} ".encode() + row.tobytes() + b"\n" for word, row in rows)
    (tmp_path / "c.bin").write_bytes(b"50 7\n" + body)
    back = read_word2vec_binary(tmp_path / "c.bin")
    assert back.words == vectors.words
    assert back.vectors.tobytes() == vectors.vectors.tobytes()


def test_every_cut_is_refused(vectors, tmp_path):
    path = tmp_path / "v.bin"
    write_word2vec_binary(vectors, path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError) as caught:
            read_word2vec_binary(path)
        assert "\n" not in str(caught.value)


def test_what_gensim_could_not_read_is_not_written(tmp_path):
    table = np.ones((1, 2), np.float32)
    for bad in (Vectors(("a b",), table), Vectors(("a",), table * np.float32(np.nan))):
        with pytest.raises(DataError):
            write_word2vec_binary(bad, tmp_path / "v.bin")
    assert os.listdir(tmp_path) == []


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match=r"^cannot read .*: Is a directory; give a readable file$"):
        read_word2vec_binary(tmp_path)
