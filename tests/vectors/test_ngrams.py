"""Unseen words against gensim's FastText; a folder with n-grams comes back or is refused."""

import dataclasses
import json

import numpy as np
import pytest
from gensim.models import FastText
from safetensors.numpy import load_file, save_file
from scipy import stats
from texts import topical_text

import jw2v
from jw2v.corpus.subwords import Ngrams
from jw2v.errors import DataError, UsageError
from jw2v.vectors import Vectors, load, save, word_pairs
from jw2v.vectors.ngrams import NgramRows

KIND = Ngrams(2, 4, 500)
UNSEEN = ["a10", "b1b1", "0", "café", "f"]


@pytest.fixture(scope="module")
def gensim_words():
    sentences = [line.split() for line in topical_text(200).splitlines()]
    model = FastText(
        sentences, vector_size=6, min_n=2, max_n=4, bucket=500, epochs=2, seed=1, workers=1
    )
    return model.wv


@pytest.fixture(scope="module")
def vectors(gensim_words) -> Vectors:
    """Those of gensim, with a row for every bucket as it has them."""
    rows = NgramRows(KIND, np.arange(500), gensim_words.vectors_ngrams)
    return Vectors(tuple(gensim_words.index_to_key), gensim_words.vectors, ngrams=rows)


@pytest.mark.parametrize("word", UNSEEN)
def test_unseen_words_are_those_of_gensim(vectors, gensim_words, word):
    assert word not in vectors
    np.testing.assert_allclose(vectors[word], gensim_words[word], rtol=1e-5, atol=1e-8)
    ours, theirs = vectors.most_similar(word), gensim_words.most_similar(word)
    assert [near for near, _ in ours] == [near for near, _ in theirs]
    np.testing.assert_allclose([s for _, s in ours], [s for _, s in theirs], rtol=1e-5)
    for other in ("a0", "b22"):
        assert vectors.similarity(word, other) == pytest.approx(
            gensim_words.similarity(word, other), rel=1e-5
        )


def test_one_bucket_is_enough():
    known = NgramRows(Ngrams(1, 1, 1), np.array([0]), np.array([[2.0, 3.0]]))
    vector = known.vector("any")
    assert vector is not None
    assert vector.tolist() == [2.0, 3.0]


def test_several_words_seen_and_unseen(vectors, gensim_words):
    asked = {"positive": ["a0", "b10", "b10"], "negative": ["c11"]}
    ours, theirs = vectors.most_similar(**asked), gensim_words.most_similar(**asked)
    assert [near for near, _ in ours] == [near for near, _ in theirs]
    words = ["a0", "a1", "a11", "b0"]
    assert vectors.doesnt_match(words) == gensim_words.doesnt_match(words)


def test_an_unseen_word_is_no_answer(vectors):
    near = vectors.most_similar("a10", topn=999)
    assert {word for word, _ in near} == set(vectors.words)


def some(words=("is", "was"), *, dim=3, dtype: type = np.float32) -> Vectors:
    """Vectors whose n-grams are those of their words alone."""
    rng = np.random.default_rng(0)
    buckets = np.unique(KIND.of(words).ids)
    rows = rng.normal(size=(len(buckets), dim)).astype(dtype)
    table = rng.normal(size=(len(words), dim)).astype(dtype)
    return Vectors(tuple(words), table, table, None, {"a": 1}, NgramRows(KIND, buckets, rows))


def test_a_word_is_made_of_the_ngrams_that_are_known():
    vectors = some()
    assert vectors.ngrams is not None
    row = dict(zip(vectors.ngrams.buckets.tolist(), vectors.ngrams.rows, strict=True))
    shared = [row[id] for id in KIND.of(["wasp"]).ids.tolist() if id in row]
    assert 0 < len(shared) < len(KIND.of(["wasp"]).ids)
    np.testing.assert_allclose(vectors["wasp"], np.mean(shared, axis=0), rtol=1e-6)


def test_a_word_without_a_known_ngram_is_refused():
    shown = r"'xyz' is not in the vocabulary, nor any of its n-grams; give a word of the corpus"
    for ask in (some().__getitem__, some().most_similar, lambda w: some().similarity("is", w)):
        with pytest.raises(DataError, match=shown):
            ask("xyz")
    with pytest.raises(DataError, match="not in the vocabulary; did"):
        dataclasses.replace(some(), ngrams=None).most_similar("wasp")


def test_the_outside_table_has_no_ngrams():
    assert some().table("centre")["wasp"] is not None
    with pytest.raises(DataError, match=r"'wasp' is not in the vocabulary; did you mean was\?"):
        some().table("outside")["wasp"]


# Evaluation


def test_pairs_with_unseen_words_are_left_out_unless_asked_for(vectors):
    lines = ["a0 a1 1", "a0 A10 2", "b0 ÿÿÿ 3", "c0 d0 4"]
    assert word_pairs(vectors, lines).covered == 2
    score = word_pairs(vectors, lines, unseen=True)
    cosines = [vectors.similarity(*line.lower().split()[:2]) for line in lines]
    assert score.covered == 4
    assert score.spearman == pytest.approx(stats.spearmanr(cosines, [1, 2, 3, 4])[0])


def test_a_pair_is_left_out_where_no_ngram_is_known():
    assert word_pairs(some(), ["is wasp 1", "is xyz 2"], unseen=True).covered == 1


def test_unseen_words_keep_their_capitals_where_the_vocabulary_has_some():
    vectors = some(("Is", "was"))
    lines = ["was ISN 1", "was wasP 2", "was Isa 3"]
    cosines = [vectors.similarity("was", word) for word in ("ISN", "wasP", "Isa")]
    score = word_pairs(vectors, lines, unseen=True)
    assert score.spearman == pytest.approx(stats.spearmanr(cosines, [1, 2, 3])[0])


def test_vectors_without_ngrams_make_no_unseen_words():
    plain = Vectors(("a", "b"), np.eye(2, dtype=np.float32))
    assert word_pairs(plain, ["a b 1"]).covered == 1
    with pytest.raises(UsageError, match=r"no n-grams to make unseen words of; .* \(--unseen\)"):
        word_pairs(plain, ["a b 1"], unseen=True)


# Files


def test_everything_comes_back(tmp_path):
    for dtype in (np.float32, np.float64):
        vectors = some(dtype=dtype)
        save(vectors, tmp_path)
        back = load(tmp_path)
        assert back.ngrams is not None
        assert vectors.ngrams is not None
        assert back.ngrams.kind == KIND
        assert back.ngrams.buckets.tobytes() == vectors.ngrams.buckets.tobytes()
        assert back.ngrams.rows.tobytes() == vectors.ngrams.rows.tobytes()
        assert back["wasp"].tobytes() == vectors["wasp"].tobytes()


@pytest.mark.parametrize("format", ["word2vec", "model2vec", "projector"])
def test_other_formats_take_the_vocabulary(tmp_path, format):
    jw2v.vectors.export(some(), tmp_path / "v", format=format)
    back = load(tmp_path / "v")
    assert back.words == ("is", "was")
    np.testing.assert_array_equal(back.vectors, some().vectors)


ROWS, BUCKETS = "ngrams", "ngram_buckets"
BROKEN = {
    "a tensor is missing": (
        lambda t: t.pop(BUCKETS),
        "holds tensors ['U', 'V', 'ngram_kind', 'ngrams'] in place of V and U; save it again",
    ),
    "rows of another dim": (
        lambda t: t.update({ROWS: t[ROWS][:, :2].copy()}),
        "ngrams in {path} is F32 [14, 2]; save it as F32 [14, 3]",
    ),
    "rows of another dtype": (
        lambda t: t.update({ROWS: t[ROWS].astype(np.float16)}),
        "ngrams in {path} is F16 [14, 3]; save it as F32 [14, 3]",
    ),
    "fewer buckets than rows": (
        lambda t: t.update({BUCKETS: t[BUCKETS][1:]}),
        "ngram_buckets in {path} is I64 [13]; save it as I64 [14]",
    ),
    "buckets that are no numbers": (
        lambda t: t.update({BUCKETS: t[BUCKETS].astype(np.float64)}),
        "ngram_buckets in {path} is F64 [14]; save it as I64 [14]",
    ),
    "a kind of two numbers": (
        lambda t: t.update(ngram_kind=t["ngram_kind"][1:]),
        "ngram_kind in {path} is I64 [2]; save it as I64 [3]",
    ),
    "a bucket twice": (
        lambda t: t[BUCKETS].__setitem__(1, t[BUCKETS][0]),
        "[14, 3] rows of n-grams do not belong to rising numbers of [14] buckets below 500",
    ),
    "a bucket beyond the last": (
        lambda t: t[BUCKETS].__setitem__(-1, 500),
        "do not belong to rising numbers of [14] buckets below 500; save the vectors again",
    ),
    "buckets that are too far apart to take away": (
        lambda t: t[BUCKETS].__setitem__(slice(0, 2), [2**63 - 1, -2]),
        "do not belong to rising numbers of [14] buckets below 500",
    ),
    "a bucket below the first": (
        lambda t: t[BUCKETS].__setitem__(0, -1),
        "do not belong to rising numbers of [14] buckets below 500",
    ),
    "no lengths": (
        lambda t: t.update(ngram_kind=np.array([5, 4, 500])),
        "in {path} n-grams of 5 to 4 characters in 500 buckets are none; save the vectors again",
    ),
    "NaN": (
        lambda t: t[ROWS].__setitem__((2, 1), np.nan),
        "in {path} hold NaN or Inf; train again with a lower rate (--lr)",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_ngrams_that_do_not_fit_are_refused(tmp_path, case):
    save(some(), tmp_path)
    path = tmp_path / "vectors.safetensors"
    breaks, shown = BROKEN[case]
    tensors = load_file(path)
    breaks(tensors)
    save_file(tensors, path)
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert shown.format(path=path) in str(caught.value)


def test_a_flipped_bit_of_the_ngrams_is_refused(tmp_path):
    save(some(), tmp_path)
    path = tmp_path / "vectors.safetensors"
    whole = load_file(path)
    whole["ngram_kind"][2] += 1  # nothing else tells
    with pytest.raises(DataError, match="checksum differs"):
        _rewritten(path, whole)


def _rewritten(path, tensors):
    """Other numbers under the old checksum."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        metadata = json.loads(file.read(size))["__metadata__"]
    save_file(tensors, path, metadata=metadata)
    load(path.parent)


def test_what_could_not_be_read_again_is_not_written(tmp_path):
    vectors = some()
    assert vectors.ngrams is not None
    vectors.ngrams.rows[0, 0] = np.inf
    bucket = vectors.ngrams.buckets[0]
    with pytest.raises(DataError, match=f"n-grams of bucket {bucket} in these vectors hold NaN"):
        save(vectors, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("dim", "dtype"), [(4, np.float32), (2, np.float32), (3, np.float64), (2, np.float64)]
)
def test_ngrams_beside_vectors_of_another_kind_are_refused(dim, dtype):
    others = NgramRows(KIND, np.array([7]), np.ones((1, dim), dtype))
    told = rf"^n-grams are {np.dtype(dtype)} \[1, {dim}\] beside vectors that are float32 \[2, 3\];"
    with pytest.raises(DataError, match=told):
        dataclasses.replace(some(), ngrams=others)


def test_ngrams_are_of_the_centre_table_alone():
    """Which table is told by a name that is read at run time."""
    vectors = some()
    for name, ngrams in (("centre", vectors.ngrams), ("outside", None)):
        read = name.encode().decode()
        assert vectors.table(read).ngrams is ngrams  # type: ignore[arg-type]


@pytest.mark.usefixtures("untyped")
def test_buckets_and_rows_are_as_many_and_stay_so():
    with pytest.raises(DataError, match=r"^\[3, 2\] rows of n-grams do not belong to .* of \[2\]"):
        NgramRows(KIND, np.array([7, 8]), np.ones((3, 2)))
    rows = NgramRows(KIND, np.array([7, 8, 9]), np.ones((3, 2)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        rows.buckets = np.array([7, 8])  # type: ignore[misc]


def test_a_kind_of_long_ngrams_costs_what_the_word_is_long():
    assert Ngrams(1, 10**12, 7).of(["ab"]).ids.shape == (8,)
    assert Ngrams(10**12, 10**12, 7).of(["ab"]).ids.shape == (0,)
