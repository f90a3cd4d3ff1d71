"""The loop: what it learns, what it reports, what it refuses, where it stops and goes on."""

import json
import math
import re
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from texts import topic_share, topical_text

import jw2v
import jw2v.errors
from jw2v.blocks import in_batch, noise
from jw2v.corpus import encode, keep_probability, segments
from jw2v.errors import DataError, InterruptedTrainingError, UsageError
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.training import call, checkpoint, loop, setting
from jw2v.training.config import Config
from jw2v.training.feed import Segment, feeds
from jw2v.training.folder import METRICS
from jw2v.training.lookups import Lookups
from jw2v.training.meter import Meter
from jw2v.training.setting import prepare
from jw2v.training.step import StepInfo

SMALL = Config(
    dim=12, window=3, epochs=4, sample=0.0, block=64, group=16, shared_negatives=8,
    blocks_per_call=8, min_count=1, loss_every=1, heldout_every=0,
)  # fmt: skip


def run(corpus, config, **options):
    setting = prepare(
        corpus, config, **{k: options.pop(k) for k in ("optimizer", "loss") if k in options}
    )
    return loop.run(corpus, config, setting, **options)


def metrics_of(folder):
    return [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"loss": "naive_softmax"},
        {"optimizer": "adagrad"},
        {"optimizer": "adam", "lr": 0.01},
        {"kernel": "windows", "window_weights": "dynamic"},
        {"precision": "bfloat16"},
        {"negatives_from": "batch"},
        {"model": "cbow"},
        {"loss": "hierarchical_softmax"},
        *(
            pytest.param(more, marks=pytest.mark.slow, id=str(more))
            for more in (
                {"reverse": True},
                {"model": "cbow", "cbow_mean": False, "kernel": "windows"},
                {"model": "cbow", "cbow_update": "word2vec"},
                {"model": "cbow", "loss": "naive_softmax"},
                {"model": "cbow", "loss": "hierarchical_softmax"},
            )
        ),
    ],
    ids=str,
)
def test_words_of_one_topic_come_together(text, options):
    config = replace(SMALL, epochs=8, heldout_every=20, **options)
    seen = []
    vectors = jw2v.train(text, config, callback=seen.append, check=False)
    assert topic_share(vectors) > 0.9
    assert seen[-1].loss < 0.8 * seen[0].loss
    assert vectors.run["heldout_loss"] < 0.8 * seen[0].loss


def test_the_first_loss_is_that_of_zero_scores(corpus):
    seen = []
    run(corpus, replace(SMALL, lr=1e-12), callback=seen.append)
    assert seen[0].loss == pytest.approx((1 + SMALL.negatives) * math.log(2), rel=1e-5)


def test_a_loss_of_your_own_trains_like_the_built_in_one(corpus):
    """Negative sampling given as a stranger's pair loss and window loss: the same tables."""

    def pair(v_c, u_o, u_neg):
        return jnp.logaddexp(0, -u_o @ v_c) + jnp.sum(jnp.logaddexp(0, u_neg @ v_c))

    def pair_by_hand(v_c, u_o, u_neg):
        e_o, e_neg = -jax.nn.sigmoid(-(u_o @ v_c)), jax.nn.sigmoid(u_neg @ v_c)
        grads = e_o * u_o + e_neg @ u_neg, e_o * v_c, jnp.outer(e_neg, v_c)
        return pair(v_c, u_o, u_neg), grads

    def window(v_c, u_ctx, u_neg, weight):
        return weight @ jax.vmap(pair, (None, 0, None))(v_c, u_ctx, u_neg)

    config = replace(
        SMALL, epochs=1, precision="float64", kernel="windows", gradient="autodiff", sigmoid="exact"
    )
    own = replace(config, gradient="manual")
    with jax.enable_x64(True):
        by_pair = run(corpus, own, loss=jw2v.Loss(pair, pair_by_hand))
        by_window = run(corpus, config, loss=jw2v.Loss(window, over="window"))
        built_in = replace(config, group=1, shared_negatives=config.negatives)
        expected = run(corpus, built_in)
        for result in (by_pair, by_window):
            for table, true in zip(result.state.tables, expected.state.tables, strict=True):
                np.testing.assert_allclose(table, true, rtol=0, atol=1e-12)


def test_a_loss_without_a_gradient_by_hand_asks_for_autodiff(corpus):
    loss = jw2v.Loss(lambda v_c, u_o, u_neg: jnp.sum((v_c - u_o) ** 2))
    with pytest.raises(UsageError, match=r"no loss_and_grads; .* \(--gradient autodiff\)"):
        run(corpus, SMALL, loss=loss)


@pytest.mark.parametrize(
    "other", [{"loss": "hierarchical_softmax"}, {"model": "cbow"}, {"reverse": True}]
)
@pytest.mark.parametrize("check", [True, False])
def test_a_loss_of_your_own_takes_no_other_model_beside_it(text, other, check):
    with pytest.raises(UsageError, match=r"leave out cbow, reverse .* \(--model, --rev.*\)$"):
        jw2v.train(text, replace(SMALL, **other), loss=NEGATIVE_SAMPLING, check=check)


@pytest.mark.slow
def test_word2vecs_update_trains_and_is_called_what_it_is(text, caplog):
    config = replace(SMALL, epochs=1, model="cbow", cbow_update="word2vec", precision="float32")
    with caplog.at_level("INFO", logger="jw2v"):
        jw2v.train(text, config)
    assert "as asked, no gradient: kernel block float32" in caplog.text
    (held,) = [line for line in caplog.text.splitlines() if "gradients hold" in line]
    assert "kernel" not in held
    assert "cbow negative_sampling" in held


def test_a_wrong_gradient_of_your_own_is_refused(text):
    def loss(v_c, u_o, u_neg):
        return jnp.sum((v_c - u_o) ** 2)

    def wrong(v_c, u_o, u_neg):
        return loss(v_c, u_o, u_neg), (v_c - u_o, u_o - v_c, 0 * u_neg)  # forgets the 2

    with pytest.raises(jw2v.errors.GradientError, match=r"loss of your own.*claimed = 0.5 × true"):
        jw2v.train(text, replace(SMALL, kernel="windows"), loss=jw2v.Loss(loss, wrong))


def hinge(scale):
    """A loss of vectors of one length, each of whose columns has a weight, and its gradient."""

    def loss(v_c, u_o, u_neg):
        return jnp.maximum(0, 1 - (scale * u_o) @ v_c + jnp.sum(u_neg @ (scale * v_c)))

    def by_hand(v_c, u_o, u_neg):
        on = (loss(v_c, u_o, u_neg) > 0).astype(v_c.dtype)
        d_v = on * scale * (jnp.sum(u_neg, axis=0) - u_o)
        d_neg = jnp.broadcast_to(on * scale * v_c, u_neg.shape)
        return loss(v_c, u_o, u_neg), (d_v, -on * scale * v_c, d_neg)

    return loss, by_hand


def test_a_loss_of_vectors_of_one_length_is_judged_at_that_length(text):
    loss, by_hand = hinge(jnp.linspace(0.5, 1.5, SMALL.dim))
    assert jw2v.train(text, replace(SMALL, epochs=1), loss=jw2v.Loss(loss, by_hand)).run["loss"]

    def wrong_where_it_trains(v_c, u_o, u_neg):
        value, (d_v, d_o, d_neg) = by_hand(v_c, u_o, u_neg)
        return value, (d_v, d_o, jnp.where(len(v_c) == SMALL.dim, 2.0, 1.0) * d_neg)

    with pytest.raises(jw2v.errors.GradientError, match="loss of your own is refuted"):
        jw2v.train(text, SMALL, loss=jw2v.Loss(loss, wrong_where_it_trains))


def test_a_gradient_that_nothing_is_known_of_is_refused(text):
    def loss(v_c, u_o, u_neg):
        return 0 * (v_c @ u_o)

    def by_hand(v_c, u_o, u_neg):
        return loss(v_c, u_o, u_neg), (0 * v_c, 0 * u_o, 0 * u_neg)

    with pytest.raises(
        jw2v.errors.GradientError, match=r"is undecided \(all that is claimed is zero"
    ):
        jw2v.train(text, SMALL, loss=jw2v.Loss(loss, by_hand))


@pytest.mark.parametrize("optimizer", [optax.sgd, optax.adam, optax.sgd(0.01, momentum=0.9)])
def test_optax_factories_and_finished_transformations(corpus, optimizer):
    tables = run(corpus, replace(SMALL, epochs=1), optimizer=optimizer).state.tables
    assert all(bool(jnp.all(jnp.isfinite(table))) for table in tables)
    assert float(jnp.abs(tables.U).max()) > 0


def test_named_sgd_is_optax_sgd(corpus):
    config = replace(SMALL, epochs=1)
    named = run(corpus, config).state.tables
    given = run(corpus, config, optimizer=optax.sgd).state.tables
    np.testing.assert_array_equal(named.V, given.V)


def test_every_word_is_a_centre_once_an_epoch():
    rng = np.random.default_rng(0)
    ids = np.arange(1, 501, dtype=np.int32)
    sentence = np.sort(rng.integers(0, 60, 500)).astype(np.int32)
    for sizes in ((500,), (1, 499), (123, 7, 370), (13,) * 38 + (6,)):
        cuts = np.cumsum(sizes)[:-1]
        text = map(Segment, np.split(ids, cuts), np.split(sentence, cuts))
        parts = list(feeds(text, block=16, window=3, blocks_per_call=4))
        centres = Counter()
        for feed in parts:
            assert feed.ids.shape == (4 * 16 + 6,)
            inner = slice(3, 3 + 64)
            words = feed.sentence[inner] >= 0
            centres.update(feed.ids[inner][words].tolist())
            assert feed.words == words.sum()
            assert feed.blocks == -(-feed.words // 16)
            for at in np.flatnonzero(feed.sentence >= 0):
                assert feed.sentence[at] == sentence[feed.ids[at] - 1]
        assert centres == Counter(ids.tolist())


def test_learning_rate_falls_linearly_to_its_end(corpus):
    seen = []
    run(corpus, replace(SMALL, lr=0.05, lr_end=0.01), callback=seen.append)
    rates = np.array([progress.lr for progress in seen])
    done = np.array([0, *(progress.epoch for progress in seen[:-1])]) / SMALL.epochs
    np.testing.assert_allclose(rates, 0.05 - 0.04 * np.minimum(done, 1), atol=1e-3)


def test_padding_blocks_take_no_step(corpus):
    result = run(corpus, SMALL)
    keep = keep_probability(corpus.vocab.counts, SMALL.sample)
    words = sum(
        len(part.ids)
        for epoch in range(SMALL.epochs)
        for part in segments(corpus.train, keep, seed=SMALL.seed, epoch=epoch)
    )
    assert int(result.state.blocks) == -(-words // SMALL.block_size)


def test_the_reported_loss_is_that_of_the_measured_blocks(corpus):
    """With every block measured, a whole call's loss equals the mean over its blocks, by hand."""
    config = replace(SMALL, lr=1e-12, epochs=1)
    seen = []
    result = run(corpus, config, callback=seen.append)
    assert result.loss == pytest.approx(seen[-1].loss, rel=1e-5)
    sparse = run(corpus, replace(config, loss_every=4))
    assert sparse.loss == pytest.approx(result.loss, rel=1e-5)


def test_heldout_sentences_are_never_trained_on(tmp_path):
    lines = topical_text(400).splitlines()
    marked = [f"{line} line{i}" for i, line in enumerate(lines)]
    (tmp_path / "text").write_text("\n".join(marked) + "\n")
    corpus = encode(tmp_path / "text", directory=tmp_path, min_count=1, heldout_every=4, seed=3)
    trained = {corpus.vocab.words[i] for i in corpus.train.ids}
    held = {f"line{i}" for i in range(400)} - trained
    assert 60 < len(held) < 140
    assert not held & set(corpus.vocab.words)


def test_without_heldout_text_there_is_no_heldout_loss(text):
    vectors = jw2v.train(text, replace(SMALL, epochs=1), check=False)
    assert vectors.run["heldout_loss"] is None


@pytest.mark.parametrize(
    ("options", "resident"),
    [({}, False), ({"optimizer": "adam"}, False), ({}, True), ({"negatives_from": "batch"}, False)],
    ids=str,
)
def test_a_stopped_run_goes_on_bit_for_bit(text, tmp_path, monkeypatch, options, resident):
    monkeypatch.setattr(loop, "is_resident", lambda config: resident)
    config = replace(SMALL, epochs=2, **options)
    whole = jw2v.train(text, config, out=tmp_path / "whole", check=False)
    asked = iter([False] * 7 + [True])
    with pytest.raises(InterruptedTrainingError, match=r"after 7 calls and saved in .* --resume"):
        jw2v.train(text, config, out=tmp_path / "two", check=False, stop=lambda: next(asked))
    assert checkpoint.saved(tmp_path / "two") == [tmp_path / "two" / checkpoint.NAME.format(7)]
    with pytest.raises(UsageError, match="holds a stopped run; go on with it"):
        jw2v.train(text, config, out=tmp_path / "two", check=False)
    with pytest.raises(DataError, match=r"made with other options \(dim 12 -> 13\)"):
        jw2v.train(text, replace(config, dim=13), out=tmp_path / "two", check=False, resume=True)
    again = jw2v.train(text, config, out=tmp_path / "two", check=False, resume=True)
    assert again.vectors.tobytes() == whole.vectors.tobytes()
    assert again.outside is not None
    assert whole.outside is not None
    assert again.outside.tobytes() == whole.outside.tobytes()
    assert not checkpoint.saved(tmp_path / "two")
    calls = [line["calls"] for line in metrics_of(tmp_path / "two")]
    assert calls == list(range(1, len(calls) + 1))


def test_a_damaged_checkpoint_is_refused(text, tmp_path):
    asked = iter([False, True])
    with pytest.raises(InterruptedTrainingError):
        jw2v.train(text, SMALL, out=tmp_path, check=False, stop=lambda: next(asked))
    (path,) = checkpoint.saved(tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match=r"no checkpoint of .* is whole; start anew without --res"):
        jw2v.train(text, SMALL, out=tmp_path, check=False, resume=True)


def test_a_loss_that_is_not_finite_stops_the_run(text, tmp_path):
    config = replace(SMALL, lr=1e30, damping="none")
    told = (
        r"^the loss is \S+ after \d+ blocks, at learning rate \S+, and the longest row is that of"
    )
    with pytest.raises(DataError, match=told):
        jw2v.train(text, config, out=tmp_path / "out", check=False)
    assert not (tmp_path / "out" / "run.json").exists()


def test_lists_that_repeat_words_do_not_throw_their_rows(tmp_path, monkeypatch):
    """Each is a negative as often as it is repeated; without a bound a run is lost."""
    rng = np.random.default_rng(0)
    law = 1 / np.arange(1, 301)
    drawn = rng.choice(300, (1500, 12), p=law / law.sum())
    lines = [" ".join(f"w{i}" for i in line) for line in drawn]
    for place in rng.integers(len(lines), size=12):
        lines.insert(place, " ".join(["jib", "mizzen"] * 60))
    path = tmp_path / "text"
    path.write_text("\n".join(lines))
    config = Config(
        dim=12, epochs=10, min_count=1, negatives_from="batch", blocks_per_call=16, heldout_every=0
    )
    vectors = jw2v.train(path, config, check=False)
    assert np.linalg.norm(vectors.vectors, axis=1).max() < 20
    monkeypatch.setattr(in_batch, "MOST", np.inf)
    with pytest.raises(DataError, match="the loss is"):
        jw2v.train(path, config, check=False)


@pytest.mark.parametrize("on_nan", ["stop", "skip"])
def test_tables_that_are_not_finite_are_told_where_no_block_was_measured(corpus, on_nan):
    """The first alone is; a step of a finite gradient is infinite, so that none is skipped."""
    loss = jw2v.Loss(lambda v_c, u_o, u_neg: 100 * (v_c @ u_o - 1) ** 2)
    config = replace(
        SMALL, gradient="autodiff", lr=3e38, damping="none", epochs=1, loss_every=1000,
        blocks_per_call=1000, on_nan=on_nan,
    )  # fmt: skip
    told = r"^the tables are not finite after 1000 blocks, .* of '\w+' in [UV], nan; lower the rate"
    with pytest.raises(DataError, match=told):
        run(corpus, config, loss=loss)


@pytest.mark.parametrize(
    ("on_nan", "lost"), [("stop", math.nan), ("stop", math.inf), ("stop", 1e4), ("skip", 1e4)]
)
def test_a_heldout_loss_that_is_lost_stops_the_run(heldout_corpus, on_nan, lost):
    """As a loss is where blocks are measured."""
    config = replace(SMALL, epochs=1, on_nan=on_nan)
    found = prepare(heldout_corpus, config)
    told = rf"^the held-out loss is {re.escape(f'{lost:.4g}')} after \d+ blocks, at learning rate"
    with pytest.raises(DataError, match=told):
        loop.run(
            heldout_corpus, config, found._replace(evaluate=lambda *_: StepInfo(2 * lost, 2.0))
        )


def test_a_heldout_loss_may_be_broken_where_blocks_are_skipped(heldout_corpus):
    config = replace(SMALL, epochs=1, on_nan="skip")
    found = prepare(heldout_corpus, config)
    broken = found._replace(evaluate=lambda *_: StepInfo(math.nan, 2.0))
    assert math.isnan(loop.run(heldout_corpus, config, broken).heldout_loss or 0.0)


def test_blocks_whose_gradient_is_not_finite_are_skipped_on_demand(text, caplog):
    def loss(v_c, u_o, u_neg):
        score = u_o @ v_c
        broken = 1e-3 * jnp.sqrt(2 - score)  # once two words are near
        return jnp.logaddexp(0, -u_o @ v_c) + jnp.sum(jnp.logaddexp(0, u_neg @ v_c)) + broken

    config = replace(SMALL, gradient="autodiff", block=16)
    own = {"loss": jw2v.Loss(loss), "check": False}
    with pytest.raises(DataError, match="the loss is nan after"):
        jw2v.train(text, config, **own)
    with caplog.at_level("WARNING", logger="jw2v"):
        vectors = jw2v.train(text, replace(config, on_nan="skip"), **own)
    assert np.isfinite(vectors.vectors).all()
    assert "blocks with a gradient that was not finite were skipped" in caplog.text
    assert vectors.run["loss"] is None or vectors.run["loss"] < 4.0  # of the blocks that trained


def test_training_starts_from_given_vectors(text):
    first = jw2v.train(text, replace(SMALL, epochs=1), check=False)
    still = jw2v.train(text, replace(SMALL, epochs=1, lr=1e-20), init=first, check=False)
    np.testing.assert_allclose(still.vectors, first.vectors, atol=1e-12)
    assert still.outside is not None
    assert first.outside is not None
    np.testing.assert_allclose(still.outside, first.outside, atol=1e-12)
    with pytest.raises(UsageError, match=r"init has dim 12 and the run 5"):
        jw2v.train(text, replace(SMALL, dim=5), init=first, check=False)


def test_float64_tables_are_kept_in_float64(text, tmp_path):
    vectors = jw2v.train(
        text, replace(SMALL, epochs=1, precision="float64"), out=tmp_path / "o", check=False
    )
    assert vectors.vectors.dtype == np.float64
    assert jw2v.load(tmp_path / "o").vectors.tobytes() == vectors.vectors.tobytes()


@pytest.mark.parametrize("loss_every", [1, 4])
def test_the_step_is_traced_once(corpus, monkeypatch, loss_every):
    """For blocks whose loss is measured, and for the rest."""
    traced = []
    make = setting.make_step

    def counting(*args):
        step = make(*args)

        def counted(state, block):
            traced.append(1)
            return step(state, block)

        return counted

    monkeypatch.setattr(setting, "make_step", counting)
    run(corpus, replace(SMALL, epochs=1, loss_every=loss_every))
    assert traced == [1]


def test_the_files_of_a_glob_are_trained_on(text):
    """They are found twice: to foresee how many processes the text is worth, and to read it."""
    config = replace(SMALL, epochs=1)
    vectors = jw2v.train(text.parent.glob(text.name), config, check=False)
    assert vectors.words == jw2v.train(text, config, check=False).words
    with pytest.raises(UsageError, match="no corpus given"):
        jw2v.train(text.parent.glob("none.*"), SMALL, check=False)


def test_what_a_run_records(text, tmp_path):
    jw2v.train(text, replace(SMALL, epochs=1), out=tmp_path / "o", check=False)
    vectors = jw2v.load(tmp_path / "o")
    assert vectors.run["config"]["dim"] == 12
    assert set(vectors.run["seconds"]) == {"vocabulary", "compile", "train", "evaluate", "total"}
    assert vectors.counts is not None
    assert vectors.run["words"] == vectors.counts.sum()
    assert vectors.run["backend"].startswith(jax.default_backend())
    lines = metrics_of(tmp_path / "o")
    assert lines[-1]["calls"] == len(lines)
    assert vectors.run["history"][0]["loss"] == lines[0]["loss"]


def distance(v_c, u_o, u_neg):
    return 0.5 * jnp.sum((v_c - u_o) ** 2)


def test_a_run_records_the_objects_that_it_was_given(text, tmp_path):
    """Not the names that the config has in their place, nor approximations that are not theirs."""
    config = replace(SMALL, epochs=1, gradient="autodiff")
    own = {"optimizer": optax.adam, "loss": jw2v.Loss(distance), "check": False}
    jw2v.train(text, config, out=tmp_path / "o", **own)
    run = jw2v.load(tmp_path / "o").run
    options = run["config"]["optimizer"], run["config"]["loss"]
    assert options == (f"{optax.adam.__module__}.adam", f"{__name__}.distance")
    assert run["approximations"] == [
        "linear window weights, the mean of drawn widths", "frequent rows damped",
    ]  # fmt: skip
    page = (tmp_path / "o" / "training.html").read_text()
    assert all(f"<dd>{name}</dd>" in page for name in options)


@pytest.mark.parametrize(
    ("first", "other", "told"),
    [
        (optax.adam, optax.adamw, r"optimizer \S+\.adam -> \S+\.adamw"),
        (optax.adam, optax.adam(0.1), r"optimizer \S+\.adam -> an object given \(Gradient\w+\)"),
        (optax.adam(0.1), optax.adam(0.2), None),  # nobody can tell
    ],
    ids=["another factory", "no factory", "two without names"],
)
def test_a_run_goes_on_with_the_optimizer_it_was_begun_with(text, tmp_path, first, other, told):
    config, asked = replace(SMALL, epochs=1), iter([False, True])
    with pytest.raises(InterruptedTrainingError):
        jw2v.train(
            text, config, out=tmp_path, optimizer=first, check=False, stop=lambda: next(asked)
        )
    if told is not None:
        with pytest.raises(DataError, match=rf"made with other options \({told}\); give the same"):
            jw2v.train(text, config, out=tmp_path, optimizer=other, check=False, resume=True)
        other = first
    jw2v.train(text, config, out=tmp_path, optimizer=other, check=False, resume=True)


def test_a_run_goes_on_with_the_loss_it_was_begun_with(text, tmp_path):
    def twice(v_c, u_o, u_neg):
        return 2 * distance(v_c, u_o, u_neg)

    config, asked = replace(SMALL, epochs=1, gradient="autodiff"), iter([False, True])
    begun = {"out": tmp_path, "check": False}
    with pytest.raises(InterruptedTrainingError):
        jw2v.train(text, config, loss=jw2v.Loss(distance), stop=lambda: next(asked), **begun)
    with pytest.raises(DataError, match=r"\(loss \S+\.distance -> \S+\.twice\); give the same"):
        jw2v.train(text, config, loss=jw2v.Loss(twice), resume=True, **begun)
    jw2v.train(text, config, loss=jw2v.Loss(distance), resume=True, **begun)


def test_draws_differ_between_blocks_and_calls():
    config = replace(SMALL, window_weights="dynamic")
    ids = jnp.zeros(8 * 64 + 6, jnp.int32)
    text = call.Text(ids, ids, jnp.int32(8))
    table = Lookups(noise.table(np.ones(50, int), exponent=1.0))
    keys = jax.random.split(jax.random.key(0))
    one, two = (call.draw_blocks(key, text, table, config=config, negatives=(4, 8)) for key in keys)
    drawn = np.concatenate([one.neg_ids, two.neg_ids]).reshape(16, -1)
    assert len({tuple(row) for row in drawn}) == 16
    assert set(np.unique(one.width)) == {1, 2, 3}


def test_a_program_that_copies_a_table_is_told_of(corpus, monkeypatch, caplog):
    with caplog.at_level("WARNING", "jw2v"):
        prepare(corpus, SMALL)
        assert caplog.text == ""
        monkeypatch.setattr(setting, "table_copies", lambda program, shape: ["a copy"])
        prepare(corpus, SMALL)
    assert f"XLA copies a whole table 1 times a step here (jax {jax.__version__}" in caplog.text


@pytest.mark.parametrize("loss_every", [pytest.param(1, marks=pytest.mark.slow), 4, 3])
def test_calls_of_a_known_length_train_the_same(corpus, monkeypatch, loss_every):
    """As on accelerators: full calls have a program of their own; the last is not full."""
    config = replace(SMALL, loss_every=loss_every, block=16)
    plain = run(corpus, config)
    known = []

    def full_call(config):
        known.append(config)
        return config.call_blocks

    monkeypatch.setattr(setting, "full_call", full_call)
    monkeypatch.setattr(loop, "full_call", full_call)
    found = run(corpus, config)
    assert len(known) > found.calls
    assert found.calls == plain.calls
    assert found.loss == pytest.approx(plain.loss, rel=1e-5)
    for a, b in zip(plain.state.tables, found.state.tables, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_text_of_which_all_is_kept_is_the_same_subsampled_on_the_device(
    heldout_corpus, monkeypatch
):
    expected = run(heldout_corpus, SMALL)
    monkeypatch.setattr(loop, "is_resident", lambda config: True)
    result = run(heldout_corpus, SMALL)
    assert result.calls == expected.calls
    assert (result.loss, result.heldout_loss) == (expected.loss, expected.heldout_loss)
    for table, same in zip(result.state.tables, expected.state.tables, strict=True):
        np.testing.assert_array_equal(table, same)


class Unready:
    """A number that the device has not come to."""

    def __float__(self) -> float:
        raise AssertionError("it would be waited for")


def test_progress_waits_for_nothing_of_the_call_under_way(corpus):
    meter = Meter(corpus, SMALL, 1000, lambda step: 1.0 - 0.01 * step)
    meter.skip(0, 0)
    tables = partial(pytest.fail, "no row is asked for")
    unready: Any = Unready()
    meter.add(10 * SMALL.block_size, StepInfo(6.0, 2.0), tables)
    meter.add(10 * SMALL.block_size, StepInfo(unready, unready), tables)
    progress = meter.progress()
    assert progress.calls == 2
    assert progress.loss == 3.0
    assert progress.lr == pytest.approx(0.9)  # where the second call began
    with pytest.raises(AssertionError, match="it would be waited for"):
        meter.add(1, StepInfo(6.0, 2.0), tables)
