"""Neighbours against a NumPy loop in float64, and what zero rows and excluded rows do."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jw2v.vectors import neighbors
from jw2v.vectors.neighbors import cosines, nearest, unit_rows, unit_table


def random_unit(seed, vocab=50, dim=8):
    table = np.random.default_rng(seed).normal(size=(vocab, dim)).astype(np.float32)
    return unit_rows(jnp.asarray(table))


def nearest_by_loop(unit, rows, signs, topn):
    unit = np.asarray(unit, np.float64)
    query = sum(sign * unit[row] for sign, row in zip(signs, rows, strict=True))
    query = query / (np.linalg.norm(query) or 1)
    scored = [(float(unit[i] @ query), i) for i in range(len(unit)) if i not in rows]
    return sorted(scored, reverse=True)[:topn]


@pytest.mark.parametrize("batch", [1, 3, 64])
@pytest.mark.parametrize("signs", [(1,), (-1, 1, 1), (1, 1, -1, -1)])
def test_nearest_equals_a_loop_over_float64_rows(signs, batch):
    unit = random_unit(0)
    ids = np.random.default_rng(1).integers(0, len(unit), (7, len(signs)))
    found = nearest(unit, ids, np.array(signs, np.float32), topn=5, batch=batch)
    for query in range(len(ids)):
        expected = nearest_by_loop(unit, ids[query].tolist(), signs, 5)
        assert found.ids[query].tolist() == [row for _, row in expected]
        np.testing.assert_allclose(found.scores[query], [s for s, _ in expected], atol=1e-6)


@pytest.mark.parametrize("signs", [(1,), (-1, 1, 1), (1, 1, -1, -1)])
def test_products_equal_a_loop_over_float64_rows(signs):
    unit = random_unit(6)
    ids = np.random.default_rng(7).integers(0, len(unit), (7, len(signs)))
    found = nearest(unit, ids, np.array(signs, np.float32), topn=5, batch=3, method="3cosmul")
    rows = np.asarray(unit, np.float64)
    for query in range(len(ids)):
        near = (1 + rows @ rows[ids[query]].T) / 2
        over, under = (near[:, np.sign(signs) == sign].prod(axis=1) for sign in (1, -1))
        scores = np.where(np.isin(range(len(rows)), ids[query]), -np.inf, over / (under + 1e-6))
        best = np.argsort(-scores)[:5]
        assert found.ids[query].tolist() == best.tolist()
        np.testing.assert_allclose(found.scores[query], scores[best], rtol=2e-6)


def test_a_large_vocabulary_is_scored_in_smaller_batches(monkeypatch):
    """No more than `_SCORES` numbers at once, whatever the batch; 3CosMul has a score a term."""
    seen = []

    def scored(unit, ids, signs, **options):
        seen.append(len(ids))
        return np.zeros((len(ids), 2), np.float32), np.zeros((len(ids), 2), np.int32)

    monkeypatch.setattr(neighbors, "_nearest", scored)
    monkeypatch.setattr(neighbors, "_SCORES", 50 * 12)
    ids, signs = np.zeros((30, 3), np.int32), np.ones(3, np.float32)
    assert nearest(random_unit(8), ids, signs, topn=2).ids.shape == (30, 2)
    assert nearest(random_unit(8), ids, signs, topn=2, method="3cosmul").ids.shape == (30, 2)
    monkeypatch.setattr(neighbors, "_SCORES", 7)
    nearest(random_unit(8), ids[:2], signs, topn=2)
    assert seen == [12] * 3 + [4] * 8 + [1] * 2


def test_query_rows_come_last_with_score_minus_infinity():
    unit = random_unit(2, vocab=4)
    signs = np.array([-1, 1, 1], np.float32)
    found = nearest(unit, np.array([[0, 2, 2]]), signs, topn=4)
    assert set(found.ids[0, :2].tolist()) == {1, 3}
    assert np.isneginf(found.scores[0, 2:]).all()


def test_zero_rows_and_zero_queries_score_zero():
    unit = unit_rows(jnp.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    assert np.asarray(unit)[0].tolist() == [0.0, 0.0]
    of_zero = nearest(unit, np.array([[0]]), np.array([1], np.float32), topn=2)
    assert of_zero.scores.tolist() == [[0.0, 0.0]]
    cancelled = nearest(unit, np.array([[1, 1]]), np.array([1, -1], np.float32), topn=2)
    assert cancelled.scores.tolist() == [[0.0, 0.0]]
    assert cosines(unit, np.array([0]), np.array([1])).tolist() == [0.0]


@settings(deadline=None, max_examples=30)
@given(scale=st.sampled_from([1e-30, 1e-18, 1.0, 1e18, 1e30]), seed=st.integers(0, 100))
def test_unit_rows_have_length_one_at_any_scale(scale, seed):
    table = np.random.default_rng(seed).normal(size=(5, 4)).astype(np.float32)
    unit = np.asarray(unit_rows(jnp.asarray(table * np.float32(scale))))
    exact = table.astype(np.float64) / np.linalg.norm(table.astype(np.float64), axis=1)[:, None]
    np.testing.assert_allclose(unit, exact, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_table_of_any_finite_numbers_has_unit_rows(dtype):
    limits = np.finfo(dtype)
    rng = np.random.default_rng(0)
    table = rng.uniform(-1, 1, size=(5, 4)).astype(dtype)
    exact = table / np.linalg.norm(table.astype(np.float64), axis=1)[:, None]
    largest = np.abs(table).max(axis=1, keepdims=True)
    for scale in (limits.max, 1e38, 1e-37, limits.tiny):
        unit = np.asarray(unit_table((table / largest * dtype(scale)).astype(dtype)))
        assert unit.dtype == np.float32
        np.testing.assert_allclose(unit, exact, rtol=1e-6, atol=1e-7)


def test_a_table_of_zeros_or_of_no_words_stays_one():
    assert np.asarray(unit_table(np.zeros((2, 3), np.float32))).tolist() == [[0.0] * 3] * 2
    assert unit_table(np.zeros((0, 3), np.float32)).shape == (0, 3)


def test_no_queries_find_nothing():
    found = nearest(random_unit(3), np.empty((0, 3), np.int32), np.ones(3, np.float32), topn=2)
    assert found.scores.shape == found.ids.shape == (0, 2)


def test_batches_share_one_compilation(monkeypatch):
    traced = []

    def top_k(scores, topn):
        traced.append(scores.shape)
        return lax.top_k(scores, topn)

    monkeypatch.setattr(neighbors, "lax", SimpleNamespace(top_k=top_k, Precision=lax.Precision))
    unit, ids = random_unit(4, vocab=53), np.zeros((11, 1), np.int32)
    for _ in range(2):
        nearest(unit, ids, np.ones(1, np.float32), topn=3, batch=4)
    assert traced == [(4, 53)]


def test_float64_mode_changes_nothing(x64):
    found = nearest(random_unit(5), np.array([[1]]), np.array([1], np.float32), topn=3)
    assert found.scores.dtype == np.float32
