"""N-grams and their buckets against gensim's; the rows that a vocabulary is made of, by loops."""

from collections import Counter

import numpy as np
import pytest
from gensim.models.fasttext_inner import compute_ngrams_bytes, ft_hash_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from jw2v.corpus import subwords
from jw2v.corpus.subwords import Ngrams

letters = st.characters(exclude_categories=["Cs"], exclude_characters=" \t\n\r\v\f")
vocabularies = st.lists(st.text(letters, min_size=1, max_size=8), max_size=9, unique=True)
kinds = st.tuples(st.integers(1, 5), st.integers(0, 4), st.integers(1, 50))


def of_gensim(word: str, ngrams: Ngrams) -> list[int]:
    found = compute_ngrams_bytes(word, ngrams.minn, ngrams.maxn)
    return [ft_hash_bytes(ngram) % ngrams.buckets for ngram in found]


def lists_of(ngrams: Ngrams, words) -> list[list[int]]:
    offsets, ids = ngrams.of(words)
    return [part.tolist() for part in np.split(ids, offsets[1:-1])] if len(words) else []


@pytest.mark.parametrize(
    "word", ["a", "is", "café", "日本語", "naïve🙂x", "<>", "e\u0301", "ÿ\x80"]
)
@pytest.mark.parametrize(("minn", "maxn"), [(1, 1), (1, 3), (3, 6), (4, 4), (9, 12)])
def test_buckets_are_those_of_gensim(word, minn, maxn):
    ngrams = Ngrams(minn, maxn, 2_000_000)
    assert lists_of(ngrams, [word]) == [of_gensim(word, ngrams)]


@settings(deadline=None, max_examples=60)
@given(words=vocabularies, kind=kinds)
def test_any_words_at_once_have_the_buckets_of_each(words, kind):
    ngrams = Ngrams(kind[0], kind[0] + kind[1], kind[2])
    assert lists_of(ngrams, words) == [of_gensim(word, ngrams) for word in words]


def test_published_hashes():
    """FNV-1a of ASCII, and fastText's own of a byte that it takes as negative."""
    known = {"a": 0xE40C292C, "foobar": 0xBF9CF968}
    for text, value in known.items():
        assert subwords._hashed(text, len(text), len(text))[0, 0] == value
    high = (2166136261 ^ 0xFFFFFFC3) * 16777619 % 2**32
    high = (high ^ 0xFFFFFFA9) * 16777619 % 2**32
    assert subwords._hashed("é", 1, 1)[0, 0] == high


def test_many_words_are_cut_into_parts_and_joined(monkeypatch):
    words = [f"word{i}" for i in range(50)]
    whole = Ngrams(3, 6, 1000).of(words)
    monkeypatch.setattr(subwords, "_WORDS", 7)
    for part, all_at_once in zip(Ngrams(3, 6, 1000).of(words), whole, strict=True):
        np.testing.assert_array_equal(part, all_at_once)


@settings(deadline=None, max_examples=60)
@given(words=vocabularies.filter(bool), kind=kinds, data=st.data())
def test_the_rows_of_a_vocabulary(words, kind, data):
    """A row of its own, then one for each n-gram; a bucket's row is the same in all words."""
    counts = np.array([data.draw(st.integers(1, 9)) for _ in words])
    ngrams = Ngrams(kind[0], kind[0] + kind[1], kind[2])
    made = subwords.subwords(words, counts, ngrams)
    uses = Counter()
    for i, word in enumerate(words):
        own, *rows = made.rows[made.offsets[i] : made.offsets[i + 1]]
        assert own == i
        found = [int(made.buckets[row - len(words)]) for row in rows]
        assert found == of_gensim(word, ngrams)
        uses.update({bucket: int(counts[i]) * n for bucket, n in Counter(found).items()})
    assert sorted(made.buckets.tolist()) == sorted(uses)
    falling = [uses[bucket] for bucket in made.buckets.tolist()]
    assert falling == sorted(falling, reverse=True)
    assert made.height == len(words) + len(uses)


def test_a_word_is_the_mean_of_its_rows(monkeypatch):
    words = ("banana", "ban", "x")
    made = subwords.subwords(words, np.array([3, 2, 1]), Ngrams(2, 3, 100))
    table = np.random.default_rng(0).normal(size=(made.height, 4))
    means = [
        np.mean([table[row] for row in part], axis=0)
        for part in np.split(made.rows, made.offsets[1:-1])
    ]
    np.testing.assert_allclose(made.means(table), means, rtol=1e-13)
    monkeypatch.setattr(subwords, "_WORDS", 2)
    np.testing.assert_allclose(made.means(table), means, rtol=1e-13)


def test_an_ngram_that_stands_twice_counts_twice():
    made = subwords.subwords(("banana",), np.array([1]), Ngrams(3, 3, 2_000_000))
    assert np.bincount(made.rows).max() == 2  # ana
    assert made.sizes.tolist() == [1 + len("<banana>") - 2]


def test_bytes_that_no_text_has_are_taken_as_they_are():
    """A query may hold half of a surrogate pair; no n-gram of a text has it."""
    ngrams = Ngrams(3, 3, 2_000_000)
    (half,), (whole,) = lists_of(ngrams, ["king\udc80"]), lists_of(ngrams, ["king"])
    assert set(half) & set(whole) == set(whole[:-1])
