"""The vocabulary's file and the probability to keep a word."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jw2v.corpus import Vocabulary, keep_probability
from jw2v.errors import DataError, UsageError

word = st.text(
    st.characters(exclude_characters="\n\r\t\v\f ", exclude_categories=["Cs"]), min_size=1
)


@given(st.dictionaries(word, st.integers(1, 1 << 62)))
def test_saved_words_are_loaded(tmp_path_factory: pytest.TempPathFactory, counts: dict[str, int]):
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    vocab = Vocabulary(tuple(w for w, _ in ranked), np.array([n for _, n in ranked], np.int64))
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    vocab.save(path)
    loaded = Vocabulary.load(path)
    assert loaded.words == vocab.words
    np.testing.assert_array_equal(loaded.counts, vocab.counts, strict=True)
    assert loaded.index == {w: i for i, (w, _) in enumerate(ranked)}
    assert len(loaded) == len(counts)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("the 3\nking\n", 2),
        ("the 3\n\n", 2),
        ("\n", 1),
        ("the 3\nking 0\n", 2),
        ("the 3\nking -1\n", 2),
        ("the 3\nking x\n", 2),
        ("the 3\nking ²\n", 2),
        ("the 3\nking 4\n", 2),
        ("the 3\nking 2\nthe 1\n", 3),
        ("the big 3\n", 1),
        (" 3\n", 1),
        ("the 99999999999999999999\n", 1),
        (f"the {'9' * 5000}\n", 1),
        ("the 9223372036854775808\n", 1),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str, line: int):
    path = tmp_path / "vocab.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        Vocabulary.load(path)
    assert str(caught.value) == (
        f"no new word with a falling count at {path}:{line}; encode the text anew"
    )


def test_an_unreadable_file_is_refused(tmp_path: Path):
    path = tmp_path / "vocab.txt"
    with pytest.raises(DataError, match=r"cannot read .*: No such file or directory; encode"):
        Vocabulary.load(path)
    path.write_bytes(b"caf\xe9 3\n")
    with pytest.raises(DataError, match=r"vocab\.txt is not UTF-8; encode the text anew"):
        Vocabulary.load(path)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=20), st.floats(1e-6, 1.0))
def test_keep_probability_is_the_formula_of_word2vec_c(counts: list[int], sample: float):
    total = sum(counts)
    expected = [
        min(1.0, ((n / (sample * total)) ** 0.5 + 1) * (sample * total) / n) for n in counts
    ]
    np.testing.assert_allclose(keep_probability(np.array(counts), sample), expected, rtol=1e-12)


def test_keep_probability_of_no_sampling_is_one():
    np.testing.assert_array_equal(keep_probability(np.array([7, 1]), 0), np.ones(2), strict=True)


@pytest.mark.parametrize("sample", [-1e-3, float("nan"), float("inf")])
def test_a_sample_of_no_use_is_refused(sample: float):
    with pytest.raises(UsageError, match=r"sample is .*; give a number of 0 or more \(--sample\)"):
        keep_probability(np.array([1]), sample)
