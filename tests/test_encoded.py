"""Training on a text that was encoded before: what it is, and what the corpus decides."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from texts import topical_text

import jw2v
from jw2v.corpus import Corpus, Vocabulary, encode, open_corpus
from jw2v.errors import DataError
from jw2v.initial import tables_from
from jw2v.training.config import Config
from jw2v.training.setting import epoch_words

SMALL = Config(
    dim=6, window=2, epochs=2, sample=0.01, block=64, group=16, shared_negatives=8,
    blocks_per_call=4, loss_every=1,
)  # fmt: skip
ENCODED: dict[str, Any] = {"min_count": 3, "max_vocab": 40, "heldout_every": 7}
TREE = "hierarchical_softmax"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "topical.txt"
    path.write_text(topical_text(150))
    return path


@pytest.fixture(scope="module")
def corpus(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return encode(text, directory=tmp_path_factory.mktemp("encoded"), **ENCODED)


def assert_same(one: jw2v.Vectors, other: jw2v.Vectors) -> None:
    assert one.words == other.words
    np.testing.assert_array_equal(one.vectors, other.vectors)
    np.testing.assert_array_equal(one.outside, other.outside)


def counted_tenfold(corpus: Corpus) -> Corpus:
    return replace(corpus, vocab=Vocabulary(corpus.vocab.words, 10 * corpus.vocab.counts))


def test_a_corpus_trains_as_its_text_by_its_own_options(text: Path, corpus: Corpus):
    assert corpus.directory is not None
    expected = jw2v.train(text, replace(SMALL, **ENCODED), check=False)
    found = jw2v.train(open_corpus(corpus.directory), replace(SMALL, min_count=1), check=False)
    assert_same(found, expected)
    assert found.run["config"] == expected.run["config"]
    assert found.run["heldout_loss"] == expected.run["heldout_loss"]
    assert expected.run["seconds"]["vocabulary"] > found.run["seconds"]["vocabulary"] == 0


def test_the_run_is_as_long_as_the_text_whatever_else_is_counted(corpus: Corpus):
    """Ten times the counts have the same laws; the rate falls as the text is read."""
    more = counted_tenfold(corpus)
    assert (corpus.share, more.share) == (1, pytest.approx(0.1))
    one, other = (jw2v.train(each, SMALL, check=False) for each in (corpus, more))
    assert_same(one, other)
    assert one.run["words"] == other.run["words"] == len(corpus.train.ids)
    rates, others = ([p["lr"] for p in vectors.run["history"]] for vectors in (one, other))
    assert rates == others
    assert rates[-1] < 0.2 * rates[0]  # where the last call began, of some ten
    steps = -(-epoch_words(corpus, SMALL) * SMALL.epochs // SMALL.block_size)
    begun = SMALL.call_blocks * np.arange(len(rates))
    np.testing.assert_allclose(rates, SMALL.schedules(steps).V(begun), rtol=1e-5)
    assert one.run["history"][-1]["epoch"] == other.run["history"][-1]["epoch"]


@pytest.mark.slow
def test_several_processes_read_the_corpus_where_it_is(text: Path, corpus: Corpus):
    config = replace(SMALL, workers=2)
    expected = jw2v.train(text, replace(config, **ENCODED), check=False)
    assert_same(jw2v.train(corpus, config, check=False), expected)


def test_a_corpus_without_files_trains_in_one_process(corpus: Corpus, caplog):
    with caplog.at_level(logging.INFO, "jw2v"):
        nowhere = replace(corpus, directory=None)
        jw2v.train(nowhere, replace(SMALL, workers=2), check=False)
    assert "one process: an optimizer or loss given as an object, or a corpus" in caplog.text


def test_a_path_is_text_and_its_folder_no_corpus(corpus: Corpus):
    assert corpus.directory is not None
    with pytest.raises(DataError, match=r"binary file: NUL byte at .*ids.npy"):
        jw2v.train(corpus.directory, SMALL)


def vectors_of(corpus: Corpus, loss: str) -> jw2v.Vectors:
    V, U = np.random.default_rng(1).normal(size=(2, len(corpus.vocab), 6)).astype(np.float32)
    return jw2v.Vectors(corpus.vocab.words, V, U, corpus.vocab.counts, {"config": {"loss": loss}})


@pytest.mark.parametrize(
    ("then", "now", "goes_on"),
    [
        (TREE, TREE, True),
        ("negative_sampling", TREE, False),
        (TREE, "negative_sampling", False),
        ("naive_softmax", "negative_sampling", True),
    ],
)
def test_outside_rows_go_on_where_they_are_of_the_same(
    corpus: Corpus, then: str, now: str, goes_on: bool
):
    init = vectors_of(corpus, then)
    tables = tables_from(init, corpus, replace(SMALL, loss=now))
    np.testing.assert_array_equal(tables.V, init.vectors)
    np.testing.assert_array_equal(tables.U, init.outside if goes_on else 0 * tables.U)


@pytest.mark.parametrize("change", ["words", "counts", "no counts", "order"])
def test_a_tree_of_other_words_or_counts_starts_anew(corpus: Corpus, change: str):
    init = vectors_of(corpus, TREE)
    words, first = init.words, np.arange(len(init.words)) == 0
    init = {
        "words": replace(init, words=(*words[:-1], "new")),
        "counts": replace(init, counts=corpus.vocab.counts + first),
        "no counts": replace(init, counts=None),
        "order": replace(init, words=words[::-1]),
    }[change]
    tables = tables_from(init, corpus, replace(SMALL, loss=TREE))
    assert not np.asarray(tables.U).any()
