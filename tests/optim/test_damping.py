"""The square-root rule beside a Counter."""

from collections import Counter

import jax.numpy as jnp
import numpy as np
import pytest
from comparisons import assert_same
from hypothesis import given
from strategies import DIM, VOCAB, block, few, ids, normal, seeds

from jw2v.blocks.tables import RowGrads, whole_table
from jw2v.blocks.windows import Uses, centre_uses, outside_uses
from jw2v.optim.damping import scaled, sqrt_count

pytestmark = pytest.mark.usefixtures("x64")


def expected(places: list[int]) -> np.ndarray:
    counts = Counter(places)
    return np.array([1 / np.sqrt(max(counts[w], 1)) for w in range(VOCAB)])


@few
@given(seed=seeds)
def test_sqrt_count_is_one_over_the_root_of_the_count(seed: int):
    words = ids(seed, 40)
    got = sqrt_count(Uses(words, jnp.ones(40, bool)), VOCAB, "float64")
    assert_same(got, expected(words.tolist()))


@few
@given(seed=seeds)
def test_padding_is_not_counted(seed: int):
    words = ids(seed, 40)
    is_word = np.random.default_rng(seed).random(40) < 0.5
    got = sqrt_count(Uses(words, jnp.asarray(is_word)), VOCAB, "float64")
    assert_same(got, expected(np.asarray(words)[is_word].tolist()))


def test_a_block_counts_its_text_once_and_every_negative():
    got = block(1, size=20, window=2, groups=2, neg=7)
    sentence, words = np.asarray(got.sentence), np.asarray(got.ids)
    centre = [words[p] for p in range(2, 22) if sentence[p] != -1]
    outside = [*words[sentence != -1], *np.asarray(got.neg_ids).ravel()]
    assert_same(sqrt_count(centre_uses(got), VOCAB, "float64"), expected(centre))
    assert_same(sqrt_count(outside_uses(got), VOCAB, "float64"), expected(outside))


def test_words_used_once_or_not_at_all_are_left_alone():
    uses = Uses(jnp.array([3, 5]), jnp.ones(2, bool))
    np.testing.assert_array_equal(sqrt_count(uses, VOCAB, "float64"), np.ones(VOCAB))


def test_scaling_rows_and_scaling_the_whole_are_one():
    words, table = ids(1, 9), normal(0, VOCAB, DIM)
    grads, factor = RowGrads(words, normal(2, 9, DIM)), jnp.abs(normal(3, VOCAB))
    by_rows = scaled(grads, factor)
    assert isinstance(by_rows, RowGrads)
    assert by_rows.ids is words
    by_whole = scaled(whole_table(grads, table), factor)
    assert isinstance(by_whole, jnp.ndarray)
    assert_same(whole_table(by_rows, table), by_whole)
