"""Vectors against gensim's KeyedVectors, and the errors that name words."""

import dataclasses
from itertools import combinations

import numpy as np
import pytest
from gensim.models import KeyedVectors

from jw2v.errors import DataError, UsageError
from jw2v.vectors import Vectors, load, save


def random_vectors(seed=0, vocab=300, dim=20):
    rng = np.random.default_rng(seed)
    words = tuple(f"w{i}" for i in range(vocab))
    return Vectors(words, rng.normal(size=(vocab, dim)).astype(np.float32))


def as_gensim(vectors):
    keyed = KeyedVectors(vectors.vectors.shape[1])
    keyed.add_vectors(list(vectors.words), vectors.vectors)
    return keyed


VECTORS = random_vectors()
GENSIM = as_gensim(VECTORS)


# gensim's own most_similar_cosmul calls what it deprecates
old_inside = pytest.mark.filterwarnings("ignore:Call to deprecated .init_sims")


def assert_same_list(ours, theirs):
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose([s for _, s in ours], [s for _, s in theirs], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("word", ["w0", "w17", "w299"])
def test_neighbours_of_a_word_are_those_of_gensim(word):
    assert_same_list(VECTORS.most_similar(word), GENSIM.most_similar(word, topn=10))


@pytest.mark.parametrize(
    ("positive", "negative"),
    [(["w1", "w2"], []), (["w1", "w2"], ["w3"]), (["w5"], ["w6", "w7"]), ([], ["w8"])],
)
def test_sums_of_words_are_those_of_gensim(positive, negative):
    ours = VECTORS.most_similar(positive=positive, negative=negative, topn=25)
    assert_same_list(ours, GENSIM.most_similar(positive=positive, negative=negative, topn=25))


def test_words_and_positive_are_one_thing():
    assert VECTORS.most_similar(["w1", "w2"]) == VECTORS.most_similar("w1", positive="w2")
    assert VECTORS.most_similar("w1", negative="w2") == VECTORS.most_similar("w1", negative=("w2",))


def test_analogy_is_3cosadd_of_gensim():
    theirs = GENSIM.most_similar(positive=["w2", "w3"], negative=["w1"], topn=10)
    assert_same_list(VECTORS.analogy("w1", "w2", "w3"), theirs)


@old_inside
@pytest.mark.parametrize(
    ("positive", "negative"),
    [(["w1"], []), (["w1", "w2"], []), (["w2", "w3"], ["w1"]), (["w5"], ["w6", "w7"])],
)
def test_3cosmul_is_that_of_gensim(positive, negative):
    asked = {"positive": positive, "negative": negative, "topn": 25}
    theirs = GENSIM.most_similar_cosmul(**asked)
    assert_same_list(VECTORS.most_similar(**asked, method="3cosmul"), theirs)


@old_inside
def test_analogy_by_3cosmul_is_that_of_gensim():
    theirs = GENSIM.most_similar_cosmul(positive=["w2", "w3"], negative=["w1"], topn=10)
    assert_same_list(VECTORS.analogy("w1", "w2", "w3", method="3cosmul"), theirs)


def test_3cosmul_has_something_to_multiply():
    with pytest.raises(UsageError, match=r"^3cosmul has only words to take away; give one to add"):
        VECTORS.most_similar(negative="w1", method="3cosmul")


@pytest.mark.usefixtures("untyped")
def test_a_method_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"^unknown method '3cos', did you mean '3cosmul'\? known"):
        VECTORS.most_similar("w1", method="3cos")  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(20))
def test_the_odd_word_out_is_that_of_gensim(seed):
    rng = np.random.default_rng(seed)
    words = [f"w{row}" for row in rng.choice(300, rng.integers(3, 9), replace=False)]
    assert VECTORS.doesnt_match(words) == GENSIM.doesnt_match(words)


def test_the_odd_word_out_of_none_is_refused():
    with pytest.raises(UsageError, match=r"^no word to choose from; give at least one$"):
        VECTORS.doesnt_match([])
    with pytest.raises(DataError, match=r"'w300' is not in the vocabulary"):
        VECTORS.doesnt_match(["w1", "w300"])


def test_the_outside_table_answers_as_vectors_of_its_own():
    both = Vectors(VECTORS.words, VECTORS.vectors[::-1].copy(), VECTORS.vectors)
    outside = both.table("outside")
    assert outside.most_similar("w1") == VECTORS.most_similar("w1")
    assert outside.outside is None
    assert both.table("centre").vectors is both.vectors
    with pytest.raises(DataError, match=r"have no outside table; take 'centre' \(--table\)"):
        outside.table("outside")


def test_of_a_tree_the_centre_table_alone_is_of_words():
    run = {"config": {"loss": "hierarchical_softmax"}}
    tree = dataclasses.replace(VECTORS, outside=VECTORS.vectors, run=run)
    assert tree.table("centre").words == VECTORS.words
    told = r"^the outside table is of a tree's inner nodes, not words; take 'centre' \(--table\)$"
    with pytest.raises(DataError, match=told):
        tree.table("outside")


@pytest.mark.usefixtures("untyped")
def test_a_table_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"^unknown table 'inner'; known: centre, outside$"):
        VECTORS.table("inner")  # type: ignore[arg-type]


def test_every_other_word_comes_back_when_more_are_asked_for():
    found = VECTORS.most_similar("w4", topn=10_000)
    assert {word for word, _ in found} == set(VECTORS.words) - {"w4"}


def test_similarity_is_that_of_gensim():
    for a, b in combinations(["w1", "w1", "w9", "w200", "w299"], 2):
        assert VECTORS.similarity(a, b) == pytest.approx(float(GENSIM.similarity(a, b)), abs=1e-6)


def test_a_zero_row_has_similarity_zero_and_no_nan():
    vectors = Vectors(("zero", "one"), np.array([[0, 0], [1, 2]], np.float32))
    assert vectors.similarity("zero", "one") == 0.0
    assert vectors.most_similar("zero") == [("one", 0.0)]


@pytest.mark.parametrize(("dtype", "scale"), [(np.float64, 1e39), (np.float32, 1e38)])
def test_words_of_huge_numbers_are_as_near_as_others(dtype, scale):
    table = np.array([[1, 0], [1, 1], [0, 1]], dtype)
    small, huge = (Vectors(("a", "b", "c"), table * dtype(by)) for by in (1, scale))
    assert huge.similarity("a", "b") == pytest.approx(0.5**0.5)
    assert huge.most_similar("a") == small.most_similar("a")
    assert huge.doesnt_match(["a", "b", "c"]) == small.doesnt_match(["a", "b", "c"])


def test_it_reads_like_a_table_of_words():
    assert len(VECTORS) == 300
    assert list(VECTORS) == list(VECTORS.words)
    assert "w7" in VECTORS
    assert "W7" not in VECTORS
    assert VECTORS.index["w7"] == VECTORS.row("w7") == 7
    assert VECTORS.index is VECTORS.index
    assert repr(VECTORS) == "Vectors(300 words, dim 20)"
    assert VECTORS.run == {}


def test_a_row_is_a_copy():
    row = VECTORS["w3"]
    row[:] = 0
    assert VECTORS["w3"].any()


def test_fields_cannot_be_set():
    with pytest.raises(dataclasses.FrozenInstanceError):
        VECTORS.words = ()  # type: ignore[misc]


def test_an_unknown_word_names_words_of_like_spelling():
    table = np.eye(3, dtype=np.float32)
    vectors = Vectors(("king", "kin", "apple"), table)
    message = "^'kign' is not in the vocabulary; did you mean kin, king\\?$"
    for ask in (
        lambda: vectors["kign"],
        lambda: vectors.most_similar("kign"),
        lambda: vectors.similarity("king", "kign"),
        lambda: vectors.analogy("king", "kign", "apple"),
    ):
        with pytest.raises(DataError, match=message):
            ask()
    with pytest.raises(DataError, match=r"^'zzz' is not in the vocabulary; give a word of the cor"):
        vectors["zzz"]


def test_no_word_and_no_answers_are_refused():
    with pytest.raises(UsageError, match=r"no word to find neighbours of; give at least one"):
        VECTORS.most_similar()
    with pytest.raises(UsageError, match=r"topn is 0; give 1 or more \(--topn\)"):
        VECTORS.most_similar("w1", topn=0)


@pytest.mark.usefixtures("untyped")
@pytest.mark.parametrize(
    ("table", "outside", "shown"),
    [
        (np.ones((3, 2), np.float32), None, r"vectors is float32 \[3, 2\] for 2 words"),
        (np.ones((2, 2), np.float16), None, r"vectors is float16 \[2, 2\] for 2 words"),
        (np.ones(2, np.float32), None, r"vectors is float32 \[2\] for 2 words"),
        (np.ones((2, 2), np.float32), np.ones((2, 3), np.float32), r"outside is float32 \[2, 3\]"),
    ],
)
def test_tables_that_do_not_fit_the_words_are_refused(table, outside, shown):
    with pytest.raises(DataError, match=shown):
        Vectors(("a", "b"), table, outside)


@pytest.mark.usefixtures("untyped")
def test_counts_that_do_not_fit_the_words_are_refused():
    with pytest.raises(DataError, match=r"3 counts for 2 words; give one count per word"):
        Vectors(("a", "b"), np.ones((2, 2), np.float32), counts=np.array([3, 2, 1]))


@pytest.mark.usefixtures("untyped")
@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (np.array([3.0, 2.0]), "counts are float64; give an array of whole numbers, one count per"),
        (np.array([True, False]), "counts are bool; give an array of whole numbers"),
        (np.array([3, 2], object), "counts are object; give an array of whole numbers"),
        ([3, 2], "counts are list; give an array of whole numbers"),
        (np.array([3, -1]), r"the count of 'b' is -1; give 0 to below 10\*\*18$"),
        (np.array([10**18, 1]), r"the count of 'a' is 1000000000000000000; give 0 to below"),
        (np.array([2**64 - 1, 1], np.uint64), r"the count of 'a' is 18446744073709551615; give 0"),
        (np.array([[3, 2]]), "2 counts for 2 words; give one count per word"),
    ],
)
def test_counts_that_could_not_be_read_again_are_refused(counts, told):
    with pytest.raises(DataError, match=f"^{told}"):
        Vectors(("a", "b"), np.ones((2, 2), np.float32), counts=counts)


@pytest.mark.usefixtures("untyped")
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, np.int64])
def test_counts_of_any_whole_numbers_are_read_again(dtype, tmp_path):
    most = min(np.iinfo(dtype).max, 10**18 - 1)
    counts = np.array([most, 0], dtype)
    save(Vectors(("a", "b"), np.ones((2, 2), np.float32), counts=counts), tmp_path)
    read = load(tmp_path).counts
    assert read is not None
    assert read.tolist() == [most, 0]
