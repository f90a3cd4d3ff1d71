"""The files of an encoded corpus: read back as written, and refused when they are not."""

import json
from pathlib import Path

import numpy as np
import pytest

from jw2v.corpus import Corpus, encode, open_corpus
from jw2v.errors import DataError

TEXT = "to be or not to be\nthat is the question\n" * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "text").write_text(TEXT)
    encode(tmp_path / "text", directory=tmp_path / "out", heldout_every=10, min_count=1)
    return tmp_path / "out"


def refused(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_corpus(folder)
    return str(caught.value)


def damage(folder: Path, name: str, array: np.ndarray) -> str:
    np.save(folder / name, array)
    return refused(folder).replace(str(folder), "DIR")


def test_a_corpus_is_read_back(folder: Path, tmp_path: Path):
    corpora = [
        encode(tmp_path / "text", directory=tmp_path / "b", heldout_every=10, min_count=1),
        open_corpus(tmp_path / "b"),
    ]
    a, b = corpora
    assert isinstance(b, Corpus)
    for part in ("train", "heldout"):
        for left, right in zip(getattr(a, part), getattr(b, part), strict=True):
            np.testing.assert_array_equal(left, right, strict=True)
    assert len(b.heldout.ids)
    assert (a.vocab.words, a.stats, a.options) == (b.vocab.words, b.stats, b.options)
    assert a.fingerprint == b.fingerprint == open_corpus(folder).fingerprint
    assert b.options._asdict() == {
        "min_count": 1,
        "max_vocab": None,
        "heldout_every": 10,
        "seed": 1,
        "phrases": 0,
        "phrase_threshold": 10.0,
        "phrase_min_count": 5,
    }


def test_an_empty_part_is_read_back(tmp_path: Path):
    (tmp_path / "text").write_text(TEXT)
    encode(tmp_path / "text", directory=tmp_path, heldout_every=0)
    heldout = open_corpus(tmp_path).heldout
    assert heldout.ids.shape == (0,)
    assert heldout.offsets.tolist() == [0]


def test_a_missing_corpus_is_refused(folder: Path, tmp_path: Path):
    assert refused(tmp_path) == f"no encoded corpus in {tmp_path}; encode a text there first"
    for name in ("vocab.txt", "heldout.ids.npy", "train.offsets.npy"):
        whole = (folder / name).read_bytes()
        (folder / name).unlink()
        assert refused(folder) == (
            f"cannot read {folder / name}: No such file or directory; encode the text anew"
        )
        (folder / name).write_bytes(whole)
    open_corpus(folder)


def test_an_unreadable_record_is_refused(folder: Path):
    (folder / "corpus.json").unlink()
    (folder / "corpus.json").mkdir()
    assert refused(folder) == (
        f"cannot read {folder / 'corpus.json'}: Is a directory; encode the text anew"
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "{}", '{"version": 1}', "\udcff"])
def test_a_damaged_record_is_refused(folder: Path, text: str):
    path = folder / "corpus.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert refused(folder) == (
        f"{path} is damaged: it is not the record of a corpus; encode the text anew"
    )


def test_another_version_is_refused(folder: Path):
    path = folder / "corpus.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    assert refused(folder) == f"{path} is of format 2, this jw2v reads 1; encode the text anew"


@pytest.mark.parametrize("name", ["train.ids.npy", "heldout.offsets.npy"])
def test_cut_and_grown_arrays_are_refused(folder: Path, name: str):
    path = folder / name
    whole = path.read_bytes()
    for end in (0, 3, 60, 128, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert refused(folder) == (
            f"{path} is damaged: it is not a whole array; encode the text anew"
        )
    path.write_bytes(whole + b"\0")
    assert "it is longer than its array" in refused(folder)


@pytest.mark.parametrize(
    "shape", [b"(9L,)", b"((9,)", b"(9" * 40, b"(999999999999999999,)", b"(-9,)", b"(9, 9, )", b"9"]
)
def test_a_header_that_is_not_of_one_form_is_refused(folder: Path, shape: bytes):
    path = folder / "train.ids.npy"
    whole = path.read_bytes()
    place = whole.index(b"(")
    path.write_bytes(whole[:place] + shape + whole[place + len(shape) :])
    assert refused(folder) == f"{path} is damaged: it is not a whole array; encode the text anew"


@pytest.mark.parametrize("text", ["[" * 99_999, '{"version":' * 99_999])
def test_a_record_of_brackets_without_end_is_refused(folder: Path, text: str):
    path = folder / "corpus.json"
    path.write_text(text)
    assert "it is not the record of a corpus; encode the text anew" in refused(folder)


def test_arrays_that_contradict_are_refused(folder: Path):
    corpus = open_corpus(folder)
    ids, offsets = np.array(corpus.train.ids), np.array(corpus.train.offsets)
    vocab = len(corpus.vocab)
    name = "train.ids.npy"
    for bad in (-1, vocab, np.iinfo(np.int32).max):
        wrong = ids.copy()
        wrong[5] = bad
        assert damage(folder, name, wrong) == (
            f"DIR/{name} is damaged: an id is not in [0, {vocab}); encode the text anew"
        )
    assert f"it holds int64 [{len(ids)}]" in damage(folder, name, ids.astype(np.int64))
    assert f"it holds int32 [{len(ids)}, 1]" in damage(folder, name, ids[:, None])
    pickled = np.array([None], object)
    np.save(folder / name, pickled, allow_pickle=True)
    assert "it is not a whole array" in refused(folder)
    np.save(folder / name, ids)

    name = "train.offsets.npy"
    swapped = np.concatenate([offsets[:1], offsets[2:0:-1], offsets[3:]])
    for wrong in (offsets[1:], offsets[:-1], offsets[:0], swapped):
        assert damage(folder, name, wrong) == (
            f"DIR/{name} is damaged: its offsets do not divide the ids into sentences; "
            "encode the text anew"
        )
    np.save(folder / name, offsets)

    path = folder / "vocab.txt"
    path.write_text(path.read_text().rsplit("\n", 2)[0] + "\n")
    np.save(folder / "train.ids.npy", np.minimum(ids, vocab - 2))
    np.save(folder / "heldout.ids.npy", np.minimum(corpus.heldout.ids, vocab - 2))
    assert "vocab.txt is damaged: its counts are not those of train.ids.npy" in refused(folder)
