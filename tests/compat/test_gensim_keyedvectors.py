"""Our KeyedVectors beside gensim's: the same answers, and files that either reads bit for bit."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gensim.models
import numpy as np
import pytest
from gensim.models import keyedvectors as theirs
from gensim.test.utils import datapath

import jw2v
from jw2v.compat.gensim import KeyedVectors
from jw2v.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # gensim calls its own
PAIRS, QUESTIONS = datapath("wordsim353.tsv"), datapath("questions-words.txt")
UNKNOWN = "not a word"


def both(words: list[str], dim: int = 8) -> tuple[Any, Any]:
    """The same words and vectors, in gensim's and in ours."""
    table = np.random.default_rng(1).normal(size=(len(words), dim)).astype(np.float32)
    made = gensim.models.KeyedVectors(dim), KeyedVectors(dim)
    for vectors in made:
        vectors.add_vectors(words, table.copy())
        for rank, word in enumerate(words):
            vectors.set_vecattr(word, "count", 1000 - 7 * rank)
    return made


WORDS = [f"w{i}" for i in range(60)]
VECTOR = np.random.default_rng(2).normal(size=8).astype(np.float32)
ASKED: dict[str, Callable[[Any], Any]] = {
    "word": lambda v: v.most_similar("w3"),
    "plus and minus": lambda v: v.most_similar(["w1", "w2"], ["w9"], topn=5),
    "weights": lambda v: v.most_similar([("w1", 2.0), ("w2", 0.5)], [("w3", -0.25)]),
    "vector": lambda v: v.most_similar([VECTOR, "w4"]),
    "all": lambda v: v.most_similar("w3", topn=None),
    "none": lambda v: v.most_similar("w3", topn=0),
    "restricted": lambda v: v.most_similar("w3", restrict_vocab=20, topn=4),
    "clipped": lambda v: v.most_similar("w3", clip_start=10, clip_end=30),
    "by row": lambda v: v.most_similar([7]),
    "by word": lambda v: v.similar_by_word("w8", topn=3),
    "by key": lambda v: v.similar_by_key("w8", topn=3),
    "by vector": lambda v: v.similar_by_vector(VECTOR, topn=3),
    "cosmul": lambda v: v.most_similar_cosmul(["w1", "w2"], ["w9"], topn=5),
    "cosmul of one": lambda v: v.most_similar_cosmul("w1"),
    "similarity": lambda v: v.similarity("w1", "w2"),
    "distance": lambda v: v.distance("w1", "w2"),
    "distances": lambda v: v.distances("w1", ["w5", "w2"]),
    "distances of all": lambda v: v.distances(VECTOR),
    "n_similarity": lambda v: v.n_similarity(["w1", "w2"], ["w3"]),
    "odd one": lambda v: v.doesnt_match(["w1", "w5", "w7", "w9"]),
    "centrality": lambda v: v.rank_by_centrality(["w1", "w5", "w7", "w9"]),
    "closer": lambda v: v.closer_than("w1", "w20"),
    "rank": lambda v: v.rank("w1", "w20"),
    "given": lambda v: v.most_similar_to_given("w1", ["w5", "w6", "w7"]),
    "relative": lambda v: v.relative_cosine_similarity("w1", "w2"),
    "mean": lambda v: v.get_mean_vector(["w1", UNKNOWN, "w2"], [1.0, 2.0, 3.0]),
    "mean of vectors": lambda v: v.get_mean_vector(["w1", VECTOR], post_normalize=True),
    "unit": lambda v: v.get_vector("w1", norm=True),
    "unit rows": lambda v: v.get_normed_vectors(),
    "several": lambda v: v[["w1", "w2"]],
    "has": lambda v: (UNKNOWN in v, "w1" in v, v.has_index_for("w1"), len(v)),
    "attribute": lambda v: v.get_vecattr("w5", "count"),
    "for all": lambda v: v.vectors_for_all(["w5", UNKNOWN, "w2", "w5"]).index_to_key,
    "cosines": lambda v: v.cosine_similarities(VECTOR, v.vectors),
}


def same(ours: Any, others: Any) -> None:
    if isinstance(others, list | tuple):
        assert len(ours) == len(others)
        for one, other in zip(ours, others, strict=True):
            same(one, other)
    elif isinstance(others, str):
        assert ours == others
    else:
        np.testing.assert_allclose(ours, others, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("question", ASKED)
def test_the_answers_are_gensim_s(question: str):
    others, ours = both(WORDS)
    same(ASKED[question](ours), ASKED[question](others))


REFUSED: dict[str, Callable[[Any], Any]] = {
    "unknown word": lambda v: v.most_similar(UNKNOWN),
    "unknown row": lambda v: v[99],
    "nothing": lambda v: v.most_similar([]),
    "no product": lambda v: v.most_similar_cosmul([]),
    "empty set": lambda v: v.n_similarity([], ["w1"]),
    "odd one of none": lambda v: v.doesnt_match([UNKNOWN]),
    "weights": lambda v: v.get_mean_vector(["w1", "w2"], [1.0]),
    "type": lambda v: v.set_vecattr("w1", "count", "seven"),
    "no attribute": lambda v: v.save_word2vec_format("x", "y", sort_attr="fame"),
}


@pytest.mark.parametrize("question", REFUSED)
def test_refuses_with_gensim_s_type_of_error(question: str):
    others, ours = both(WORDS)
    with pytest.raises(Exception) as error:  # noqa: PT011
        REFUSED[question](others)
    with pytest.raises(error.type):
        REFUSED[question](ours)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("back", [True, False])
def test_files_go_both_ways_bit_for_bit(tmp_path: Path, *, binary: bool, back: bool):
    others, ours = both(WORDS)
    writer, reader = (ours, gensim.models.KeyedVectors) if back else (others, KeyedVectors)
    path, vocab = tmp_path / "vectors", tmp_path / "vocab"
    writer.save_word2vec_format(str(path), str(vocab), binary=binary)
    read = reader.load_word2vec_format(str(path), str(vocab), binary=binary)
    assert read.index_to_key == WORDS
    np.testing.assert_array_equal(read.vectors, writer.vectors)
    assert read.get_vecattr("w5", "count") == 1000 - 35
    other = tmp_path / "other"
    (others if back else ours).save_word2vec_format(str(other), binary=binary)
    assert other.read_bytes() == path.read_bytes()


def test_reads_a_compressed_file_up_to_a_limit(tmp_path: Path):
    _, ours = both(WORDS)
    ours.save_word2vec_format(tmp_path / "vectors.txt.gz")
    with gzip.open(tmp_path / "vectors.txt.gz") as file:
        assert file.readline() == b"60 8\n"
    read = KeyedVectors.load_word2vec_format(tmp_path / "vectors.txt.gz", limit=7)
    assert read.index_to_key == WORDS[:7]


def test_a_word_that_is_there_twice_keeps_its_first_row(tmp_path: Path):
    (tmp_path / "vectors").write_text("3 1\na 1\nb 2\na 3\n")
    read = KeyedVectors.load_word2vec_format(tmp_path / "vectors")
    assert (read.index_to_key, read.vectors.tolist()) == (["a", "b"], [[1], [2]])


def test_a_file_cut_short_is_refused(tmp_path: Path):
    (tmp_path / "vectors").write_bytes(b"1000000000 300\nking ")
    for binary in (True, False):
        with pytest.raises((EOFError, ValueError)):
            KeyedVectors.load_word2vec_format(tmp_path / "vectors", binary=binary)


def test_adds_replaces_and_normalizes_as_gensim_does():
    def changed(vectors: Any) -> Any:
        vectors.add_vectors(["w1", "new"], np.ones((2, 8)))
        vectors.add_vectors(["w2", "newer"], np.full((2, 8), 2.0), replace=True)
        vectors["newest"] = np.full(8, 3.0)
        vectors.allocate_vecattrs()
        vectors.unit_normalize_all()
        return vectors.index_to_key, vectors.vectors, vectors.get_vecattr("newest", "count")

    others, ours = both(WORDS)
    same(changed(ours), changed(others))


@pytest.mark.parametrize("binary", [True, False])
def test_of_no_keys_there_are_no_vectors(tmp_path: Path, *, binary: bool):
    def asked(vectors: Any) -> Any:
        vectors.add_vectors([], np.zeros((0, 8)))
        empty = vectors.vectors_for_all([UNKNOWN])
        empty.save(str(tmp_path / "saved"))
        empty.save_word2vec_format(str(tmp_path / "vectors"), binary=binary)
        found = (
            empty,
            vectors.vectors_for_all([]),
            type(vectors).load(str(tmp_path / "saved")),
            type(vectors).load_word2vec_format(str(tmp_path / "vectors"), binary=binary),
        )
        return len(vectors), [(one.index_to_key, one.vectors.shape) for one in found]

    others, ours = both(WORDS)
    assert asked(ours) == asked(others) == (60, [([], (0, 8))] * 4)


def test_a_vector_of_another_length_is_refused():
    _, ours = both(WORDS)
    with pytest.raises(ValueError, match="cannot reshape"):
        ours.add_vectors(["new"], np.ones((1, 7)))
    assert len(ours) == len(WORDS)


def test_rows_made_ahead_are_filled_in_turn():
    for cls in (gensim.models.KeyedVectors, KeyedVectors):
        vectors = cls(2, count=2)
        places = [vectors.add_vector(word, np.ones(2)) for word in "ab"]
        assert (places, vectors.index_to_key) == ([0, 1], ["a", "b"])
    ours = KeyedVectors(2, count=1)
    assert [ours.add_vector(word, np.ones(2)) for word in "ab"] == [0, 1]


@pytest.mark.parametrize("restrict", [300000, 40])
@pytest.mark.parametrize("dummy", [True, False])
@pytest.mark.parametrize("case", [True, False])
def test_word_pairs_are_judged_as_by_gensim(*, restrict: int, dummy: bool, case: bool):
    lines = [line.split("\t") for line in Path(PAIRS).read_text().splitlines() if line[0] != "#"]
    words = list(dict.fromkeys(word for a, b, _ in lines[:70] for word in (a, b, a.upper())))
    how = {"restrict_vocab": restrict, "dummy4unknown": dummy, "case_insensitive": case}
    (r, rho, left_out), (r0, rho0, left_out0) = (
        vectors.evaluate_word_pairs(PAIRS, **how) for vectors in both(words)[::-1]
    )
    np.testing.assert_allclose((*r, *rho), (*r0, *rho0), rtol=1e-4, atol=1e-6)
    assert left_out == pytest.approx(left_out0)


@pytest.mark.filterwarnings("ignore::scipy.stats.ConstantInputWarning")
@pytest.mark.parametrize("scores", [(1, 2), (2, 1), (1, 1), (1, 1, 1)])
def test_few_word_pairs_are_judged_as_by_gensim(tmp_path: Path, scores: tuple[int, ...]):
    lines = [f"w{i}\tw{i + 9}\t{score}\n" for i, score in enumerate(scores)]
    (tmp_path / "pairs").write_text("".join(lines))
    (r, rho, _), (r0, rho0, _) = (
        vectors.evaluate_word_pairs(str(tmp_path / "pairs")) for vectors in both(WORDS)[::-1]
    )
    np.testing.assert_allclose((*r, *rho), (*r0, *rho0), rtol=1e-6)


def test_one_word_pair_is_refused_in_scipy_s_words(tmp_path: Path):
    (tmp_path / "pairs").write_text("w1\tw2\t5\n")
    _, ours = both(WORDS)
    with pytest.raises(ValueError, match=r"^`x` and `y` must have length at least 2\.$"):
        ours.evaluate_word_pairs(tmp_path / "pairs")


@pytest.mark.parametrize("dummy", [True, False])
@pytest.mark.parametrize("case", [True, False])
def test_analogies_are_judged_as_by_gensim(*, dummy: bool, case: bool):
    questions = [q for q in Path(QUESTIONS).read_text().splitlines() if q[0] != ":"]
    words = list(dict.fromkeys(word for q in questions[:40] for word in q.split()))
    others, ours = both([*words, *(word.upper() for word in words[:9])], dim=3)
    how = {"dummy4unknown": dummy, "case_insensitive": case}
    score, sections = ours.evaluate_word_analogies(QUESTIONS, **how)
    score0, sections0 = others.evaluate_word_analogies(QUESTIONS, **how)
    assert score == score0 > 0
    assert sections == sections0


def test_save_and_load_keep_all(tmp_path: Path):
    _, ours = both(WORDS)
    ours.add_vectors([7, "new york"], np.ones((2, 8)))
    ours.set_vecattr("w1", "sense", "a noun")
    ours.save(tmp_path / "vectors")
    read = KeyedVectors.load(tmp_path / "vectors", mmap="r")
    assert read.index_to_key == ours.index_to_key
    np.testing.assert_array_equal(read.vectors, ours.vectors)
    assert read.get_vecattr("w5", "count") == 1000 - 35
    assert read.get_vecattr("w1", "sense") == "a noun"
    read["w1"] = np.zeros(8)


def test_no_pickle_is_opened(tmp_path: Path):
    others, _ = both(WORDS)
    others.save(str(tmp_path / "vectors"))
    with pytest.raises(DataError, match="pickles are not read; load it in gensim"):
        KeyedVectors.load(tmp_path / "vectors")
    with pytest.raises(DataError, match="cannot read"):
        KeyedVectors.load(tmp_path / "nothing")


def test_vectors_of_another_file_are_taken_over(tmp_path: Path):
    (tmp_path / "vectors").write_text("2 8\n" + "w1" + " 1" * 8 + "\nx" + " 2" * 8 + "\n")
    _, ours = both(WORDS)
    ours.intersect_word2vec_format(tmp_path / "vectors", lockf=1.0)
    assert ours["w1"].tolist() == [1.0] * 8
    assert len(ours) == len(WORDS)
    with pytest.raises(ValueError, match=r"give 1\.0"):
        ours.intersect_word2vec_format(tmp_path / "vectors")


def test_becomes_vectors_of_jw2v():
    others, ours = both(WORDS)
    vectors = ours.to_jw2v()
    assert isinstance(vectors, jw2v.Vectors)
    same(vectors.most_similar("w3"), others.most_similar("w3"))


@pytest.mark.usefixtures("untyped")
def test_counts_that_are_no_whole_numbers_are_told():
    _, ours = both(WORDS)
    ours.expandos["count"] = ours.expandos["count"] / 2
    with pytest.raises(DataError, match=r"^counts are float64; give an array of whole numbers"):
        ours.to_jw2v()


def test_every_public_query_of_gensim_is_there():
    deprecated = {
        "word_vec", "words_closer_than", "index2entity", "index2word", "vocab", "vectors_norm",
        "log_accuracy", "log_evaluate_word_pairs", "similarity_unseen_docs", "wmdistance",
        "add_lifecycle_event",
    }  # fmt: skip
    names = {name for name in dir(theirs.KeyedVectors) if not name.startswith("_")}
    assert names - deprecated <= set(dir(KeyedVectors))
