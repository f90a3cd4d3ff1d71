"""Replicas: which rows are merged when, and what merged tables are."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import few

from jw2v.blocks.tables import Tables
from jw2v.training import loop
from jw2v.training.config import Config
from jw2v.training.exchange import ALONE, SharedMemory
from jw2v.training.merge import (
    INTERVALS,
    MOST,
    REST,
    STEEPEST,
    Replica,
    Rows,
    Tier,
    due,
    intervals,
    tiers,
    weights,
)
from jw2v.training.setting import WHOLE, prepare, start_tables, tiers_of, weights_of, write_of
from jw2v.training.state import TrainState
from jw2v.training.step import StepInfo

SMALL = Config(
    dim=12, window=3, epochs=2, sample=0.0, block=32, group=16, shared_negatives=8,
    blocks_per_call=2, min_count=1, loss_every=1,
)  # fmt: skip


@few
@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=50), st.integers(1, 8), st.booleans())
def test_every_row_is_merged_before_it_is_met_too_often(uses, replicas, of_ngrams):
    falling = np.sort(np.array(uses))[::-1]
    if of_ngrams:
        found = tiers(np.array([1e-9]), replicas, ngrams=falling)
        assert found[-1] == (Rows(1, len(falling)), REST)
    else:
        found = tiers(falling, replicas)
        assert found[-1] == (Rows(len(falling)), REST)
    rows = [tier.rows.ngrams if of_ngrams else tier.rows.words for tier in found]
    assert rows == sorted(rows)
    for row, met in enumerate(falling):
        every = next(tier.every for tier, many in zip(found, rows, strict=True) if row < many)
        longer = [other for other in INTERVALS if other > every]
        # It waits as long as it may: by the next interval it would be met too often.
        assert not longer or met * longer[0] * replicas > MOST
        assert met * every * replicas <= MOST or every == INTERVALS[0]


def test_what_is_due_holds_what_was_due_before():
    found = tiers(np.array([100.0, 1, 0.4, 0.1, 0.01]), 2)
    merged = [due(found, call).words for call in range(1, 2 * REST + 1)]
    assert merged[0] == 1
    assert [i + 1 for i, rows in enumerate(merged) if rows == 5] == [REST, 2 * REST]
    assert sum(rows >= 2 for rows in merged) == 2 * REST // 4
    assert sum(rows >= 3 for rows in merged) == 2 * REST // 8


@few
@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 20), st.floats(1e-6, 0.5))
def test_weighted_rows_move_as_one_process_would_move_them(replicas, every, steps, pull):
    """Steps that each go a share of what is left, towards one place."""
    goal, start = 2.0, -1.0

    def moved(x: float, times: int) -> float:
        for _ in range(times):
            x += pull * (goal - x)
        return x

    learnt = [moved(start, steps * every) - start] * replicas
    of_a_call = -steps * np.log1p(-pull)
    (weight,) = weights(np.array([of_a_call]), np.array([every]), replicas)
    alone = moved(start, replicas * steps * every)
    at_most = 2 / (replicas * (1 - (1 - pull) ** (STEEPEST * steps * every)))
    if weight < at_most - 1e-9:
        assert start + weight * sum(learnt) == pytest.approx(alone, rel=1e-6, abs=1e-6)
    else:
        assert weight == pytest.approx(at_most)
        assert abs(start + weight * sum(learnt) - goal) <= abs(start - goal)
    assert 1 / replicas - 1e-9 <= weight <= 1


@pytest.mark.parametrize("replicas", [2, 3, 8])
def test_merges_of_what_is_drawn_most_do_not_lead_away(replicas):
    """A row whose way in one direction is gone at once, in the mean over directions not."""
    (weight,) = weights(np.array([0.1]), np.array([1]), replicas)
    left = 1 - replicas * weight * (1 - np.exp(-STEEPEST * 0.1))
    assert abs(left) <= 1
    assert weight > 0.9 * 2 / replicas


def test_each_row_is_weighed_by_its_own_tier():
    every = intervals((Tier(Rows(1), 1), Tier(Rows(3), 4))).V
    found = weights(np.array([0.1, 0.1, 0.2]), every, 2)
    expected = [(1 - np.exp(-2 * a)) / (2 * (1 - np.exp(-a))) for a in (0.1, 0.4, 0.8)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("ngrams", [{}, {"minn": 3, "maxn": 4}])
def test_what_is_learnt_is_weighed_by_what_is_taken_of_it(corpus, ngrams):
    config = replace(SMALL, blocks_per_call=16, **ngrams)
    found = partial(weights_of, corpus.vocab, config, tiers_of(corpus.vocab, config, 3), 3)
    mean, whole = found(outer="mean", adds=True), found(outer="sum", adds=False)
    weighed = found(outer="sum", adds=True)
    for third, one, w, table in zip(
        mean, whole, weighed, start_tables(config, corpus.vocab), strict=True
    ):
        assert len(third) == len(one) == len(w) == len(table)
        np.testing.assert_allclose(third, 1 / 3)
        np.testing.assert_allclose(one, 1)
        assert (w < 0.9).any()
        assert (w == 1).any()  # what weighs nearly so much
        assert ((w <= WHOLE) | (w == 1)).all()
    assert weights_of(corpus.vocab, config, (), 1, outer="sum", adds=True).V.size == 0


def test_one_process_merges_nothing():
    state = state_of(Tables(jnp.ones((3, 2)), jnp.ones((3, 2))))
    replica = Replica(ALONE, {}, Tables(np.ones(3), np.ones(3)), width=2)
    assert replica.merge(replica.spread(state), Rows(3), INFO, 1.5) == (state, INFO, [1.5])
    assert list(replica.total(2, True)) == [2, True]
    assert replica.rests(1)


INFO = StepInfo(6.0, 2.0)


def state_of(tables: Tables) -> TrainState:
    return TrainState(tables, (), jnp.int32(0))


def in_two(tmp_path, work) -> list:
    """`work(member)` in two threads; where one fails, the other is not left waiting."""
    failed = threading.Event()
    SharedMemory.create(tmp_path / "x", 2)
    members = [
        SharedMemory(tmp_path / "x", rank, 2, alive=lambda: not failed.is_set())
        for rank in range(2)
    ]

    def guarded(member: SharedMemory):
        try:
            return work(member)
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(guarded, members))


@pytest.mark.parametrize(
    ("rows", "in_V"),
    [
        (Rows(1), [0]),
        (Rows(3), [0, 1, 2]),
        (Rows(5), [0, 1, 2, 3, 4]),
        (Rows(0, 2), [5, 6]),
        (Rows(2, 1), [0, 1, 5]),
        (Rows(5, 3), [0, 1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_merged_rows_are_the_base_and_both_deltas(tmp_path, rows, in_V):
    """Of five words, and of three n-grams below them in V."""
    rng = np.random.default_rng(0)

    def some() -> Tables:
        V, U = (rng.integers(-9, 9, (many, 2)).astype(np.float32) for many in (8, 5))
        return Tables(V, U)  # their sums are exact

    base, *deltas = some(), some(), some()
    start = jax.tree.map(jnp.asarray, base)
    writes = {rows: write_of(start, rows)}
    halves, ones = np.full(8, 0.5, np.float32), np.ones(5, np.float32)

    def work(member: SharedMemory):
        replica = Replica(member, writes, Tables(halves, ones), width=2)
        replica.spread(state_of(start))
        mine = state_of(jax.tree.map(lambda b, d: jnp.asarray(b + d), base, deltas[member.rank]))
        merged, info, (ranks, one) = replica.merge(mine, rows, INFO, member.rank, 1)
        assert info == (12, 4)
        assert (ranks, one) == (1, 2)
        assert list(replica.total(member.rank)) == [1]
        return merged.tables

    for rank, merged in enumerate(in_two(tmp_path, work)):
        own = deltas[rank]
        of_words = list(range(rows.words))
        tables = zip(merged, base, own, (0.5, 1), (in_V, of_words), *deltas, strict=True)
        for table, b, mine, w, here, *both in tables:
            expected = b + mine
            expected[here] = (b + w * sum(both))[here]
            np.testing.assert_array_equal(table, expected)


def run_in_two(tmp_path, corpus, config) -> list[loop.Result]:
    setting = prepare(corpus, config, replicas=2)

    def work(member: SharedMemory) -> loop.Result:
        own = jax.tree.map(jnp.array, setting.start)  # a call takes its state's place
        return loop.run(corpus, config, setting, exchange=member, resumed=(own, 0))

    return in_two(tmp_path, work)


KINDS_OF_ROWS = [{}, pytest.param({"minn": 3, "maxn": 4}, marks=pytest.mark.slow)]


@pytest.mark.parametrize("ngrams", KINDS_OF_ROWS)
def test_two_replicas_end_with_the_same_tables(tmp_path, heldout_corpus, ngrams):
    first, second = run_in_two(tmp_path, heldout_corpus, replace(SMALL, **ngrams))
    for a, b in zip(first.state.tables, second.state.tables, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.finished
    assert second.finished
    assert first.calls == second.calls
    assert first.loss == second.loss
    assert first.heldout_loss == second.heldout_loss


@pytest.mark.parametrize("ngrams", KINDS_OF_ROWS)
def test_two_replicas_learn_what_one_process_learns(tmp_path, heldout_corpus, ngrams):
    config = replace(SMALL, epochs=6, **ngrams)
    alone = loop.run(heldout_corpus, config, prepare(heldout_corpus, config))
    two, _ = run_in_two(tmp_path, heldout_corpus, config)
    assert two.loss == pytest.approx(alone.loss, rel=0.05)
    assert two.heldout_loss == pytest.approx(alone.heldout_loss, rel=0.05)
