"""Our Word2Vec beside gensim's: the same vocabulary and refusals, vectors that have learnt."""

import logging
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import gensim.models
import numpy as np
import pytest
from compat.gensim_suite import once
from gensim.test.utils import common_texts, lee_corpus_list
from hypothesis import given, settings
from hypothesis import strategies as st

from jw2v import api
from jw2v.compat.gensim import (
    RULE_DEFAULT,
    RULE_DISCARD,
    RULE_KEEP,
    CallbackAny2Vec,
    KeyedVectors,
    LineSentence,
    PathLineSentences,
    Word2Vec,
)
from jw2v.compat.gensim.encoded import encoded
from jw2v.compat.gensim.training import config_of
from jw2v.errors import DataError, UsageError

NEW = [["computer", "artificial", "intelligence"], ["artificial", "trees"], ["human", "trees"]]
BOTH = (gensim.models.Word2Vec, Word2Vec)


def rule(word: str, count: int, min_count: int) -> int:
    return {"human": RULE_DISCARD, "eps": RULE_KEEP}.get(word, RULE_DEFAULT)


def vocabulary_of(model: Any) -> Any:
    counts = {word: int(model.wv.get_vecattr(word, "count")) for word in model.wv.index_to_key}
    return list(counts.items()), model.corpus_count, model.corpus_total_words


@pytest.fixture(scope="module", autouse=True)
def judged_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "guard", once(api.guard))
        yield


@pytest.mark.parametrize(
    "options",
    [
        {"min_count": 5},
        {"min_count": 1, "max_final_vocab": 100},
        {"min_count": 2, "sorted_vocab": 0},
        {"min_count": 3, "null_word": 1},
        {"min_count": 1, "max_vocab_size": 500},
    ],
)
def test_the_vocabulary_is_gensim_s(options: dict[str, Any]):
    models = [cls(**options) for cls in BOTH]
    for model in models:
        model.build_vocab(lee_corpus_list)
    others, ours = map(vocabulary_of, models)
    assert ours == others
    assert ours[0]


def test_a_rule_of_gensim_s_decides_what_stays():
    models = [cls(min_count=3) for cls in BOTH]
    for model in models:
        model.build_vocab(common_texts, trim_rule=rule)
    others, ours = map(vocabulary_of, models)
    assert ours == others
    words = models[1].wv
    assert ("human" in words, "eps" in words, "graph" in words) == (False, True, True)


def test_a_vocabulary_grows_as_in_gensim():
    models = [cls(min_count=1, vector_size=6) for cls in BOTH]
    for model in models:
        model.build_vocab(common_texts)
        before = model.wv.vectors.copy()
        model.build_vocab(NEW, update=True)
        np.testing.assert_array_equal(model.wv.vectors[:12], before)
        assert model.syn1neg.shape == model.wv.vectors.shape == (14, 6)
    others, ours = map(vocabulary_of, models)
    assert ours == others


def uneven(words: int = 30) -> list[list[str]]:
    """Each word another number of times, so that there is one tree alone."""
    return [[f"w{i}"] * (2 * i * i + 1) for i in range(1, words)]


@pytest.mark.parametrize("options", [{}, {"sorted_vocab": 0}])
def test_the_ways_to_words_are_gensim_s(options: dict[str, Any]):
    models = [cls(min_count=1, vector_size=6, hs=1, negative=0, **options) for cls in BOTH]
    for model in models:
        model.build_vocab(uneven())
        model.build_vocab([["new"] * 7, ["w3"]], update=True)
    others, ours = (model.wv for model in models)
    assert ours.index_to_key == others.index_to_key
    for word in others.index_to_key:
        for name in ("code", "point"):
            found, expected = (words.get_vecattr(word, name) for words in (ours, others))
            np.testing.assert_array_equal(found, expected, strict=True)


def test_a_grown_tree_starts_anew():
    model = built(Word2Vec, hs=1, negative=0)
    assert model.syn1.shape == (12, 4)
    assert model.syn1neg is None
    model.syn1 += 1
    model.build_vocab(NEW, update=True)
    assert model.syn1.shape == (14, 4)
    assert not model.syn1.any()


def test_a_vocabulary_of_one_word_has_no_tree_and_no_pairs():
    model = Word2Vec([["a", "a"]], min_count=1, vector_size=2, hs=1, negative=0)
    assert model.wv.get_vecattr("a", "point").tolist() == []
    assert model.train([["a", "a"]], total_examples=1, epochs=2) == (0, 4)
    assert model.score([["a", "a"]]).tolist() == [0]


def test_what_prepare_vocab_tells_is_what_gensim_s_does():
    for sample in (1e-3, 0.0, 2.0):
        models = [cls(min_count=2, sample=sample) for cls in BOTH]
        for model in models:
            model.scan_vocab(lee_corpus_list)
        dry, wet = (model.prepare_vocab(dry_run=True) for model in models)
        assert dry == wet
        assert len(models[1].wv) == 0


def test_counts_may_be_given():
    for cls in BOTH:
        model = cls(min_count=2)
        model.build_vocab_from_freq({"a": 1, "b": 3, "c": 5}, corpus_count=7)
        assert (model.wv.index_to_key, model.corpus_count) == (["c", "b"], 7)


def test_arguments_and_defaults_are_gensim_s():
    for name in ("__init__", "train", "build_vocab", "build_vocab_from_freq", "prepare_vocab",
                 "predict_output_word", "scan_vocab", "estimate_memory", "score"):  # fmt: skip
        others, ours = (signature(getattr(cls, name)).parameters for cls in BOTH)
        assert list(ours) == list(others), name
        assert [p.default for p in ours.values()] == [p.default for p in others.values()], name


def built(cls: Any, **options: Any) -> Any:
    model = cls(min_count=1, vector_size=4, **options)
    model.build_vocab(common_texts)
    return model


REFUSED: dict[str, Callable[[Any], Any]] = {
    "no text": lambda cls: built(cls).train(total_examples=9, epochs=1),
    "two texts": lambda cls: cls(common_texts, corpus_file="text"),
    "no file": lambda cls: cls(corpus_file="no/such/file"),
    "no list": lambda cls: cls(7),
    "generator": lambda cls: cls(x for x in common_texts),
    "empty": lambda cls: cls([]),
    "no vocabulary": lambda cls: cls().train(common_texts, total_examples=9, epochs=1),
    "no epochs": lambda cls: built(cls).train(common_texts, total_examples=9),
    "no length": lambda cls: built(cls).train(common_texts, epochs=1),
    "no loss": lambda cls: built(cls, negative=0).train(common_texts, total_examples=9, epochs=1),
    "update of nothing": lambda cls: cls().build_vocab(common_texts, update=True),
    "unhashable": lambda cls: cls([[["a"]]]),
    "score": lambda cls: built(cls).score(common_texts),
    "score of nothing": lambda cls: cls(hs=1, negative=0).score(common_texts),
    "predict": lambda cls: built(cls, negative=0, hs=1).predict_output_word(["human"]),
    "load on a model": lambda cls: built(cls).load("x"),
}


@pytest.mark.usefixtures("untyped")
@pytest.mark.parametrize("what", REFUSED)
def test_refuses_with_gensim_s_type_of_error(what: str):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        REFUSED[what](gensim.models.Word2Vec)
    with pytest.raises(expected.type):
        REFUSED[what](Word2Vec)


def test_what_is_not_done_is_refused_in_one_line():
    model = built(Word2Vec, hs=1, negative=5)
    with pytest.raises(
        UsageError, match="jw2v trains one loss at a time; give hs=0, or negative=0"
    ):
        model.train(common_texts, total_examples=9, epochs=1)
    model = built(Word2Vec)
    model.wv.vectors_lockf = np.zeros(1, np.float32)
    with pytest.raises(UsageError, match="vectors_lockf has entries other than 1"):
        model.train(common_texts, total_examples=9, epochs=1)


def two_topics() -> list[list[str]]:
    rng = np.random.default_rng(3)
    return [[f"{topic}{i}" for i in rng.integers(0, 8, 6)] for topic in "ab" for _ in range(300)]


@pytest.mark.parametrize(
    "options",
    [
        {"sg": 1},
        {},
        {"hs": 1, "negative": 0},
        *(
            pytest.param(more, marks=pytest.mark.slow)
            for more in (
                {"cbow_mean": 0},
                {"shrink_windows": False},
                {"hs": 1, "negative": 0, "sg": 1},
            )
        ),
    ],
)
def test_learns_which_words_go_together(options: dict[str, Any]):
    model = Word2Vec(two_topics(), vector_size=8, epochs=10, sample=0.0, **options)
    near = [word for word, _ in model.wv.most_similar("a1", topn=7)]
    assert all(word.startswith("a") for word in near)
    assert model.wv.n_similarity(["a1", "a2"], ["b1", "b2"]) < 0.5


class Hears(CallbackAny2Vec):
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.vectors: list[np.ndarray] = []

    def on_train_begin(self, model: Any) -> None:
        self.heard.append("train")

    def on_epoch_begin(self, model: Any) -> None:
        self.heard.append("epoch")

    def on_epoch_end(self, model: Any) -> None:
        self.heard.append("end")
        self.vectors.append(model.wv.vectors.copy())

    def on_train_end(self, model: Any) -> None:
        self.heard.append("over")


@pytest.mark.slow
def test_callbacks_hear_each_epoch_and_see_its_vectors():
    hears = Hears()
    model = Word2Vec(two_topics(), vector_size=4, epochs=2, callbacks=[hears])
    assert hears.heard == ["train", "epoch", "end", "epoch", "end", "over"]
    assert not np.allclose(hears.vectors[0], hears.vectors[1])
    np.testing.assert_array_equal(hears.vectors[1], model.wv.vectors)


def test_the_loss_is_of_all_pairs():
    model = Word2Vec(two_topics(), vector_size=8, sg=1, sample=0.0, epochs=1, compute_loss=True)
    pairs = 3600 * 6  # window + 1 a word, by distance, where sentences are long
    per_pair = model.get_latest_training_loss() / pairs
    assert 2 < per_pair <= 6 * np.log(2)


def test_a_second_text_moves_its_own_words_alone():
    model = built(Word2Vec, sg=1, sample=0.0)
    before = model.wv.vectors.copy()
    trained, read = model.train([["graph", "trees", "?"]] * 50, total_examples=50, epochs=2)
    assert (trained, read) == (200, 300)
    moved = {model.wv.index_to_key[i] for i in np.flatnonzero((model.wv.vectors != before).any(1))}
    assert moved == {"graph", "trees"}


def test_a_text_without_a_pair_trains_nothing():
    model = built(Word2Vec)
    before = model.wv.vectors.copy()
    assert model.train([["graph"], ["?", "graph"]], total_examples=2, epochs=1) == (0, 3)
    np.testing.assert_array_equal(model.wv.vectors, before)


@pytest.mark.slow
def test_words_may_hold_blanks_and_a_model_of_a_file_is_that_of_its_lines(tmp_path: Path):
    text = [["new york", "is", "old"], ["new york", "was", "new"]] * 10
    model = Word2Vec(text, min_count=1, vector_size=4)
    assert "new york" in model.wv
    path = tmp_path / "text"
    path.write_text("".join(" ".join(line) + "\n" for line in common_texts))
    of_file, of_list = built(Word2Vec), built(Word2Vec)
    of_file.train(corpus_file=str(path), total_words=29, epochs=3)
    of_list.train(common_texts, total_examples=9, epochs=3)
    np.testing.assert_array_equal(of_file.wv.vectors, of_list.wv.vectors)
    assert list(LineSentence(path)) == list(PathLineSentences(tmp_path)) == common_texts


@pytest.mark.slow
def test_what_is_saved_trains_on_as_if_it_had_not_been(tmp_path: Path):
    model = Word2Vec(common_texts, min_count=1, vector_size=4, sg=1, comment="of nine lines")
    model.save(tmp_path / "model", sep_limit=0)
    read = Word2Vec.load(tmp_path / "model")
    assert (read.comment, read.train_count, read.corpus_count) == ("of nine lines", 1, 9)
    for one in (model, read):
        one.train(common_texts, total_examples=9, epochs=3)
    np.testing.assert_array_equal(read.wv.vectors, model.wv.vectors)
    np.testing.assert_array_equal(read.syn1neg, model.syn1neg)


def test_files_of_other_kinds_are_refused(tmp_path: Path):
    model = built(Word2Vec)
    model.wv.save(tmp_path / "vectors")
    model.save(tmp_path / "model")
    gensim.models.Word2Vec(common_texts, min_count=1).save(str(tmp_path / "pickle"))
    with pytest.raises(AttributeError, match="holds a KeyedVectors, not a Word2Vec"):
        Word2Vec.load(tmp_path / "vectors")
    with pytest.raises(AttributeError, match="holds a Word2Vec, not a KeyedVectors"):
        KeyedVectors.load(tmp_path / "model")
    with pytest.raises(DataError, match="pickles are not read"):
        Word2Vec.load(tmp_path / "pickle")


def test_predicts_words_as_gensim_does():
    others, ours = (built(cls) for cls in BOTH)
    tables = np.random.default_rng(5).normal(size=(2, 12, 4)).astype(np.float32)
    for model in (others, ours):
        model.wv.vectors, model.syn1neg = tables[0].copy(), tables[1].copy()
    asked = ["system", others.wv.get_index("human"), "?"]
    expected, found = (model.predict_output_word(asked, topn=4) for model in (others, ours))
    assert [word for word, _ in found] == [word for word, _ in expected]
    np.testing.assert_allclose([p for _, p in found], [p for _, p in expected], rtol=1e-5)
    assert ours.predict_output_word(["?"]) is None


def with_random_tables(cls: Any, **options: Any) -> Any:
    """Rows by gensim's numbers, of a vocabulary that is sorted otherwise than ours."""
    model = cls(min_count=1, vector_size=3, hs=1, negative=0, sorted_vocab=0, **options)
    model.build_vocab(uneven(9))
    tables = np.random.default_rng(5).normal(size=(2, 8, 3)).astype(np.float32)
    model.wv.vectors, model.syn1 = 0.3 * tables[0], tables[1]
    return model


def mixed(words: int = 9) -> list[list[str]]:
    rng = np.random.default_rng(6)
    return [[f"w{i}" for i in rng.integers(0, words, n)] for n in (0, 1, 2, 5, 9, 30)]


def score_in_loops(model: Any, sentence: list[str]) -> tuple[float, int]:
    """Σ log σ over the words, each told by every other in its window or by their mean or sum."""
    known = [word for word in sentence if word in model.wv]
    total, terms = 0.0, 0
    for i, word in enumerate(known):
        around = [model.wv[other] for other in known[max(0, i - model.window) : i]]
        around += [model.wv[other] for other in known[i + 1 : i + 1 + model.window]]
        size = max(1, len(around)) if model.cbow_mean else 1
        for h in around if model.sg else [sum(around, np.zeros(model.vector_size)) / size]:
            way = (model.wv.get_vecattr(word, name) for name in ("point", "code"))
            for node, code in zip(*way, strict=True):
                total -= np.log1p(np.exp((2.0 * code - 1) * (model.syn1[node] @ h)))
                terms += 1
    return total, terms


@pytest.mark.parametrize("options", [{"sg": 1}, {}, {"cbow_mean": 0, "window": 2}])
def test_sentences_score_as_in_gensim(options: dict[str, Any]):
    others, ours = (with_random_tables(cls, **options) for cls in BOTH)
    looped = [score_in_loops(others, sentence) for sentence in mixed()]
    expected, terms = map(np.array, zip(*looped, strict=True))
    found = ours.score(mixed(), total_sentences=5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected[:5], rtol=1e-5)
    # gensim reads log σ, of slope 1 at most, at (83/1000) 12 (x + 6) − 6, cut to steps of 12/1000.
    assert (abs(ours.score(mixed()) - others.score(mixed(), 6)) <= 0.06 * terms + 1e-5).all()


@pytest.mark.parametrize("sg", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_what_trains_is_what_scores(sg: int):
    """The rows that training is given are those that gensim's numbers mean."""
    model = with_random_tables(Word2Vec, sg=sg, window=2, shrink_windows=False, sample=0.0)
    text = [sentence for sentence in mixed() if len(sentence) > 1]
    before = model.wv.vectors.copy(), model.syn1.copy()
    loss = -model.score(text).sum()
    rates = {"start_alpha": 1e-9, "end_alpha": 1e-9}
    model.train(text, total_examples=4, epochs=1, compute_loss=True, **rates)
    known = [len([word for word in sentence if word in model.wv]) for sentence in text]
    each = sum(4 * n - 6 if n > 2 else 2 for n in known) / (4 * sum(known)) if sg else 1
    assert model.get_latest_training_loss() * each == pytest.approx(loss, rel=0.02)
    for table, was in zip((model.wv.vectors, model.syn1), before, strict=True):
        np.testing.assert_allclose(table, was, atol=1e-6)


def test_borrows_another_vocabulary():
    model, other = Word2Vec(min_count=1, vector_size=3), built(Word2Vec)
    model.reset_from(other)
    assert model.wv.key_to_index == other.wv.key_to_index
    assert model.wv.vectors.shape == (12, 3)


@pytest.mark.parametrize("options", [{}, {"hs": 1}, {"hs": 1, "negative": 0}])
def test_needs_the_memory_that_gensim_s_does(options: dict[str, Any]):
    others, ours = (built(cls, **options).estimate_memory(report={"x": 1}) for cls in BOTH)
    assert ours == others


def test_a_tree_is_saved_with_its_words(tmp_path: Path):
    model = with_random_tables(Word2Vec)
    model.save(tmp_path / "model")
    model.wv.save(tmp_path / "words")
    read = Word2Vec.load(tmp_path / "model")
    np.testing.assert_array_equal(read.syn1, model.syn1)
    assert read.syn1neg is None
    np.testing.assert_array_equal(read.score(mixed()), model.score(mixed()))
    for words in (read.wv, KeyedVectors.load(tmp_path / "words")):
        for name in ("code", "point"):
            assert words.expandos[name].dtype == object
            for found, expected in zip(words.expandos[name], model.wv.expandos[name], strict=True):
                np.testing.assert_array_equal(found, expected, strict=True)


sentences_of_letters = st.lists(st.lists(st.sampled_from("abcdef")), max_size=6)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(sentences_of_letters, st.permutations([("a", 3), ("b", 0), ("c", 3), ("d", 9)]))
def test_a_text_is_encoded_by_the_model_s_words_and_counts(
    sentences: list[list[str]], counts: list[tuple[str, int]]
):
    words = KeyedVectors(1)
    words.add_vectors(
        [word for word, _ in counts],
        np.ones((4, 1)),
        {"count": np.array([count for _, count in counts])},
    )
    with encoded(sentences, words) as text:
        names = [words.index_to_key[row] for row in text.rows]
        kept = [[word for word in sentence if word in words] for sentence in sentences]
        train = text.corpus.train
        ids, offsets = (np.asarray(column) for column in train)
        pieces = np.split(ids, offsets[1:-1]) if len(ids) else []
        found = [[names[i] for i in piece] for piece in pieces]
        assert found == [sentence for sentence in kept if sentence]
        assert text.corpus.stats.words == sum(map(len, sentences))
        assert text.counts.tolist() == [sum(s.count(name) for s in kept) for name in names]
        assert text.has_pairs == any(len(sentence) > 1 for sentence in kept)
        least_one = [max(1, dict(counts)[name]) for name in names]
        assert text.corpus.vocab.counts.tolist() == least_one == sorted(least_one, reverse=True)


def test_options_of_gensim_become_those_of_jw2v():
    model = built(Word2Vec, sample=2.0, workers=1, window=3)
    with encoded(common_texts, model.wv) as text:
        config = config_of(model, text, epochs=2, lr=0.01, lr_end=0.0, seed=2**32 + 4)
    assert (config.model, config.lr, config.window_weights) == ("cbow", 0.04, "dynamic")
    assert config.sample * text.counts.sum() == 5  # int(2 (3 + √5) / 2)
    assert (config.workers, config.block, config.window, config.seed) == (1, 16, 3, 4)
    assert config.lr_end is not None
    assert 0 < config.lr_end < 1e-6


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({"window": 2}, 3),  # 1 or 2 words on either side
        ({"window": 2, "shrink_windows": False}, 4),
        ({"window": 5, "hs": 1, "negative": 0}, 4),
        ({"window": 5, "shrink_windows": False}, 4),
        ({"window": 5, "cbow_mean": 0}, 1),
        ({"window": 5, "sg": 1}, 1),
    ],
)
def test_a_bag_moves_no_further_than_in_gensim(options: dict[str, Any], times: int):
    """There each word is given the whole error, here its share; the rate makes up for most."""
    model = built(Word2Vec, **options)
    with encoded(common_texts, model.wv) as text:
        config = config_of(model, text, epochs=1, lr=0.01, lr_end=0.001, seed=1)
    assert (config.lr, config.lr_end) == pytest.approx((0.01 * times, 0.001 * times))


def test_warns_of_what_gensim_warns_of(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        Word2Vec(trim_rule=rule).build_vocab(["human", "machine"])
        model = built(Word2Vec)
        model.min_alpha_yet_reached = 0.001
        model.train([["graph"]], total_examples=4, epochs=1)
    told = caplog.text
    assert "give trim_rule to build_vocab" in told
    assert "should be a list of words" in told
    assert "Effective 'alpha' higher" in told
    assert "1 sentences, where 4 were told" in told
