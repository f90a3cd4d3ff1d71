"""Runs of words made of n-grams: what they learn, the room they take, how they go on."""

import json
import re
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import topic_share, topical_text

import jw2v
from jw2v.cli import main
from jw2v.corpus import Corpus, encode
from jw2v.corpus.subwords import Ngrams
from jw2v.errors import DataError, InterruptedTrainingError, UsageError
from jw2v.training import expected, loop, pieces
from jw2v.training.config import SOFTMAX_PIECES_RATE, Config
from jw2v.training.feed import Feed
from jw2v.training.pieces import Ladder, Programs, Room, ladder, subwords_of
from jw2v.training.setting import prepare

KIND = Ngrams(2, 3, 1000)
SMALL = Config(
    dim=12, window=3, epochs=4, sample=0.0, block=64, group=16, shared_negatives=8,
    blocks_per_call=8, min_count=1, loss_every=1, heldout_every=0, **KIND._asdict(),
)  # fmt: skip
ONCE = replace(SMALL, epochs=1)
STILL = replace(ONCE, lr=1e-20)


def tables_of(corpus, config, **options) -> list[np.ndarray]:
    with jax.enable_x64(config.precision == "float64"):
        setting = prepare(corpus, config, **options)
        return [np.asarray(x) for x in loop.run(corpus, config, setting).state.tables]


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"model": "cbow"}, marks=pytest.mark.slow),
        pytest.param({"loss": "hierarchical_softmax"}, marks=pytest.mark.slow),
        pytest.param({"loss": "naive_softmax"}, marks=pytest.mark.slow),
        pytest.param({"optimizer": "adagrad"}, marks=pytest.mark.slow),
        pytest.param({"precision": "bfloat16"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_words_of_one_topic_come_together(text, options):
    seen = []
    config = replace(SMALL, heldout_every=20, **options)
    vectors = jw2v.train(text, config, callback=seen.append, check=False)
    assert topic_share(vectors) > 0.9
    assert vectors.run["heldout_loss"] < 0.9 * seen[0].loss
    near = [word for word, _ in vectors.most_similar("a77", topn=5)]
    assert {word[0] for word in near} == {"a"}


@pytest.mark.slow
def test_the_guard_judges_what_trains(text, caplog):
    with caplog.at_level("INFO", logger="jw2v"):
        jw2v.train(text, ONCE)
    held = "gradients hold: negative_sampling, subwords skipgram negative_sampling, kernel block"
    assert held in caplog.text


WAYS = (
    {"gradient": "autodiff"},
    {"kernel": "windows"},
    {"gradient": "autodiff", "kernel": "windows"},
)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"model": "cbow"}, {"optimizer": "adam"}], ids=str)
def test_four_ways_give_the_same_tables(corpus, options):
    config = replace(ONCE, precision="float64", **options)
    whole = tables_of(corpus, config)
    for way in WAYS:
        for table, true in zip(tables_of(corpus, replace(config, **way)), whole, strict=True):
            np.testing.assert_allclose(table, true, rtol=0, atol=1e-10, err_msg=str(way))


def test_vectors_are_the_means_of_what_trained(text, corpus):
    """In words by the sentences' own letters: a row of its own, and one for each n-gram."""
    config = replace(ONCE, precision="float32")
    vectors = jw2v.train(text, config, check=False)
    V, U = tables_of(corpus, config)
    made = subwords_of(corpus.vocab, KIND)
    assert V.shape[0] == len(vectors.words) + len(made.buckets)
    assert vectors.outside is not None
    np.testing.assert_array_equal(vectors.outside, U)
    for i, rows in enumerate(np.split(made.rows, made.offsets[1:-1])):
        np.testing.assert_allclose(vectors.vectors[i], V[rows].mean(axis=0), rtol=1e-5, atol=1e-8)
    assert vectors.ngrams is not None
    of_bucket = dict(zip(made.buckets.tolist(), V[len(vectors.words) :], strict=True))
    unseen = [of_bucket[id] for id in KIND.of(["a00"]).ids.tolist() if id in of_bucket]
    np.testing.assert_allclose(vectors["a00"], np.mean(unseen, axis=0), rtol=1e-5, atol=1e-8)


@pytest.mark.slow
def test_a_loss_of_your_own_is_of_words_made_of_ngrams(corpus):
    def pair(v_c, u_o, u_neg):
        return jnp.logaddexp(0, -u_o @ v_c) + jnp.sum(jnp.logaddexp(0, u_neg @ v_c))

    config = replace(
        ONCE, precision="float64", kernel="windows", gradient="autodiff", sigmoid="exact"
    )
    own = tables_of(corpus, config, loss=jw2v.Loss(pair))
    built_in = replace(config, group=1, shared_negatives=config.negatives)
    for table, true in zip(own, tables_of(corpus, built_in), strict=True):
        np.testing.assert_allclose(table, true, rtol=0, atol=1e-12)


# Room for pieces


def pieces_in_blocks(feed: Feed, of: Ladder) -> list[int]:
    """Of each word of a block once, by a loop over the blocks."""
    count = (len(feed.ids) - 2 * of.window) // of.block
    words = of.block + 2 * of.window
    return [
        sum(int(of.sizes[id]) for id in set(feed.ids[i * of.block : i * of.block + words].tolist()))
        for i in range(count)
    ]


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 999), block=st.integers(1, 5), window=st.integers(1, 3))
def test_the_fullest_block_has_room_and_none_to_spare_a_rung(seed, block, window):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 60, 7)
    text = rng.dirichlet(np.full(7, 0.3))
    of = ladder(sizes, text, block=block, window=window)
    assert sorted(of.rungs) == list(of.rungs)
    ids = rng.integers(0, 7, 4 * block + 2 * window)
    feed = Feed(ids, np.zeros_like(ids), 4, 4 * block)
    room, most = len(of.room(feed).numbers), max(pieces_in_blocks(feed, of))
    assert room >= most
    assert not any(most <= rung < room for rung in of.rungs)


def test_any_block_has_room_on_the_last_rung():
    sizes = np.array([9, 1, 4, 2])
    of = ladder(sizes, np.full(4, 0.25), block=1, window=1)
    ids = np.array([0, 2, 3])
    feed = Feed(ids, np.zeros_like(ids), 1, 1)
    assert of.rungs[-1] == 9 + 4 + 2 == len(of.room(feed).numbers)


def test_the_first_rung_is_for_what_is_typical():
    """Of blocks of independent draws few need more, and it is not far above."""
    sizes = np.random.default_rng(1).integers(1, 40, 2000)
    text = 1 / np.arange(1, 2001) / (1 / np.arange(1, 2001)).sum()
    of = ladder(sizes, text, block=500, window=5)
    drawn = np.random.default_rng(0).choice(2000, (300, 510), p=text)
    pieces = [sizes[np.unique(block)].sum() for block in drawn]
    assert np.mean(np.array(pieces) <= of.rungs[0]) > 0.95
    assert of.rungs[0] < 1.15 * np.mean(pieces)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999))
def test_first_places_are_found(seed):
    blocks = np.random.default_rng(seed).integers(0, 5, (3, 9))
    expected = [[row.index(word) for word in row] for row in blocks.tolist()]
    assert pieces.first_places(blocks).tolist() == expected


@pytest.fixture(scope="module")
def uneven(tmp_path_factory) -> Corpus:
    """Words of one letter and of nine."""
    folder = tmp_path_factory.mktemp("uneven")
    (folder / "text").write_text(re.sub(r"\d", lambda d: "xy" * int(d[0]), topical_text(300)))
    return encode(folder / "text", directory=folder, min_count=1, heldout_every=0)


def test_a_run_that_climbs_the_ladder_trains_the_same_tables(uneven, monkeypatch):
    whole = tables_of(uneven, ONCE)
    made = []
    compiled = Programs.program

    def counted(self, state, text, *others):
        made.append(len(text.room.numbers))
        return compiled(self, state, text, *others)

    monkeypatch.setattr(pieces, "SPREAD", -1)
    monkeypatch.setattr(Programs, "program", counted)
    for table, true in zip(tables_of(uneven, ONCE), whole, strict=True):
        np.testing.assert_allclose(table, true, rtol=0, atol=1e-6)
    assert len(set(made)) > 1


def test_a_program_is_compiled_once_for_each_room():
    lowered = Counter()

    class Lowered:
        def __init__(self, state, text):
            self.room = len(text.room.numbers)
            lowered[self.room] += 1

        def compile(self):
            return lambda state, text: (state, self.room)

    def text(room):
        return SimpleNamespace(room=Room(np.zeros((1, 1), np.int32), np.arange(room)), blocks=1)

    programs = Programs(Lowered)
    assert [programs(7, text(room)) for room in (3, 5, 3, 3)] == [(7, 3), (7, 5), (7, 3), (7, 3)]
    assert lowered == {3: 1, 5: 1}


def test_what_is_expected_of_a_piece(corpus):
    """By a loop over words: the places of a row in a word of the text, and its mean share there."""
    law = expected.expected(corpus.vocab, SMALL).pieces
    assert law is not None
    text = expected.shares(corpus.vocab, SMALL)
    made = subwords_of(corpus.vocab, KIND)
    met, given_ = np.zeros(made.height), np.zeros(made.height)
    for i, rows in enumerate(np.split(made.rows, made.offsets[1:-1])):
        for row in rows:
            met[row] += text[i]
            given_[row] += text[i] / len(rows)
    np.testing.assert_allclose(law.met, met, rtol=1e-12)
    np.testing.assert_allclose(law.share, given_ / met, rtol=1e-12)


# Options


@pytest.mark.parametrize(("minn", "maxn"), [(3, 0), (0, 6), (6, 3)])
def test_lengths_are_both_given_and_in_order(minn, maxn):
    told = rf"minn is {minn} and maxn {maxn}; give 1 <= minn <= maxn, .* \(--minn, --maxn\)"
    with pytest.raises(UsageError, match=told):
        Config(minn=minn, maxn=maxn)


def test_what_is_taken_of_a_word():
    assert Config(minn=3, maxn=6).ngrams == Ngrams(3, 6, 2_000_000)
    assert Config().ngrams is None


def test_the_rates_are_those_of_whole_words_but_for_naive_softmax():
    tree, adam = Config(loss="hierarchical_softmax"), Config(optimizer="adam")
    for whole in (Config(), Config(model="cbow"), tree, adam):
        assert replace(whole, minn=3, maxn=6).start_lrs == whole.start_lrs
    softmax = Config(loss="naive_softmax")
    made = replace(softmax, minn=3, maxn=6)
    assert made.start_lrs.V == SOFTMAX_PIECES_RATE * softmax.start_lrs.V


# Going on


def test_a_stopped_run_goes_on_bit_for_bit(text, tmp_path):
    whole = jw2v.train(text, SMALL, out=tmp_path / "whole", check=False)
    asked = iter([False] * 7 + [True])
    two = tmp_path / "two"
    with pytest.raises(InterruptedTrainingError, match="after 7 calls and saved"):
        jw2v.train(text, SMALL, out=two, check=False, stop=lambda: next(asked))
    with pytest.raises(DataError, match=r"made with other options \(minn 2 -> 3\)"):
        jw2v.train(text, replace(SMALL, minn=3), out=two, check=False, resume=True)
    again = jw2v.train(text, SMALL, out=two, check=False, resume=True)
    assert again.vectors.tobytes() == whole.vectors.tobytes()
    assert whole.ngrams is not None
    assert again.ngrams is not None
    assert again.ngrams.rows.tobytes() == whole.ngrams.rows.tobytes()


@pytest.mark.slow
def test_training_starts_from_given_vectors(text):
    first = jw2v.train(text, ONCE, check=False)
    again = jw2v.train(text, STILL, init=first, check=False)
    np.testing.assert_allclose(again.vectors, first.vectors, atol=1e-6)
    assert first.ngrams is not None
    assert again.ngrams is not None
    np.testing.assert_array_equal(again.ngrams.rows, first.ngrams.rows)
    np.testing.assert_allclose(again["a00"], first["a00"], atol=1e-6)


@pytest.mark.slow
def test_words_start_from_given_vectors_with_and_without_ngrams(text):
    plain = {"minn": 0, "maxn": 0}
    whole = jw2v.train(text, replace(ONCE, **plain), check=False)
    again = jw2v.train(text, STILL, init=whole, check=False)
    np.testing.assert_allclose(again.vectors, whole.vectors, atol=1e-6)
    made = jw2v.train(text, ONCE, check=False)
    same = jw2v.train(text, replace(STILL, **plain), init=made, check=False)
    np.testing.assert_allclose(same.vectors, made.vectors, atol=1e-12)
    assert same.ngrams is None


def test_given_vectors_of_other_ngrams_are_refused(text):
    first = jw2v.train(text, ONCE, check=False)
    with pytest.raises(UsageError, match=r"init has n-grams of .*maxn=3.* and the run .*maxn=4"):
        jw2v.train(text, replace(SMALL, maxn=4), init=first, check=False)


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(text):
    config = replace(SMALL, epochs=6, heldout_every=20)
    alone, two = (jw2v.train(text, replace(config, workers=n), check=False) for n in (1, 2))
    assert two.run["config"]["workers"] == 2
    assert two.run["heldout_loss"] == pytest.approx(alone.run["heldout_loss"], rel=0.05)


# The command line


@pytest.mark.slow
def test_the_command_line(text, tmp_path, capsys):
    options = "--minn 2 --maxn 3 --buckets 1000 --dim 12 --epochs 2 --min-count 1 --block 64"
    out = str(tmp_path / "out")
    assert main(["train", str(text), "--out", out, "--no-check", "--json", *options.split()]) == 0
    assert main(["neighbors", out, "a77", "--topn", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["a77"][0][0][0] == "a"
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("a0 a1 1\na0 a77 2\nb0 b77 3\n")
    for flags, covered in ((), 1), (("--unseen",), 3):
        assert main(["evaluate", out, "--pairs", str(pairs), "--json", *flags]) == 0
        scores = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert scores["pairs"][0]["covered"] == covered
