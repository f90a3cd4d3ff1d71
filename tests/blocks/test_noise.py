"""The noise law: draws beside the counts to a power."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v.blocks.noise import cumulative, draw, table

COUNTS = np.array([900, 500, 120, 40, 12, 7, 3, 2, 1])
DRAWS = 200_000


def drawn(counts: np.ndarray, exponent: float, *, n: int = DRAWS, seed: int = 0) -> np.ndarray:
    law = table(counts, exponent=exponent)
    return np.asarray(draw(jax.random.key(seed), law, (n,)))


def assert_drawn_from(law: np.ndarray, got: np.ndarray) -> None:
    """Chi-square, whose mean is `free` and variance 2 `free`, within five standard deviations."""
    expected = law / law.sum() * len(got)
    chi_square = np.sum((np.bincount(got, minlength=len(law)) - expected) ** 2 / expected)
    free = len(law) - 1
    assert abs(chi_square - free) < 5 * np.sqrt(2 * free)


@pytest.mark.parametrize("exponent", [0.0, 0.75, 1.0])
def test_draws_follow_counts_to_the_power(exponent: float):
    assert_drawn_from(COUNTS**exponent, drawn(COUNTS, exponent))


def test_another_exponent_is_told_apart():
    with pytest.raises(AssertionError):
        assert_drawn_from(COUNTS**0.75, drawn(COUNTS, 0.7))


def test_a_vocabulary_of_two():
    assert_drawn_from(np.array([3.0, 1.0]), drawn(np.array([3, 1]), 1.0))


@pytest.mark.parametrize("where", [0, 1, 4])
def test_a_word_of_count_zero_is_never_drawn(where: int):
    counts = np.array([5, 3, 2, 1])
    counts = np.insert(counts, where, 0)
    assert where not in drawn(counts, 0.75)


def test_the_law_is_inverted_to_the_last_bit(monkeypatch: pytest.MonkeyPatch):
    """The first and the last random word of each word's share, one of count zero between them."""
    law = table(np.array([0, 2, 0, 2]), exponent=1.0)
    bits = jnp.array([0, 2**31 - 1, 2**31, 2**32 - 1], jnp.uint32)
    monkeypatch.setattr(jax.random, "bits", lambda key, shape, dtype: bits)
    np.testing.assert_array_equal(draw(jax.random.key(0), law, (4,)), [1, 1, 3, 3])


@pytest.mark.parametrize("vocab", [1, 2, 3, 1000, 300_000])
def test_a_draw_is_the_word_that_a_search_of_all_finds(vocab: int, monkeypatch: pytest.MonkeyPatch):
    """Random words on, before and after the entries, where one more or less would be seen."""
    counts = np.random.default_rng(0).zipf(1.2, vocab) % 10**6
    law = table(np.sort(counts)[::-1] + 1, exponent=0.75)
    below = np.asarray(law.cumulative)
    near = np.random.default_rng(1).choice(below, 5000).astype(np.int64)
    ends = np.array([0, 1, 2**16 - 1, 2**16, 2**32 - 2**16, 2**32 - 1])
    bits = np.concatenate([near - 1, near, near + 1, ends]) % 2**32
    monkeypatch.setattr(jax.random, "bits", lambda *_: jnp.asarray(bits, jnp.uint32))
    got = draw(jax.random.key(0), law, bits.shape)
    expected = np.minimum(np.searchsorted(below, bits, side="right"), vocab - 1)
    np.testing.assert_array_equal(got, expected)


def test_the_same_key_draws_the_same():
    first = drawn(COUNTS, 0.75, n=100)
    np.testing.assert_array_equal(first, drawn(COUNTS, 0.75, n=100))
    assert np.any(first != drawn(COUNTS, 0.75, n=100, seed=1))


def test_draws_are_int32_of_the_shape_asked_for():
    ids = draw(jax.random.key(0), table(COUNTS, exponent=0.75), (2, 3, 4))
    assert ids.shape == (2, 3, 4)
    assert ids.dtype == jnp.int32
    assert bool(jnp.all((ids >= 0) & (ids < len(COUNTS))))


def test_the_table_is_the_law_to_two_to_the_minus_32():
    below = cumulative(COUNTS, exponent=0.75)
    law = np.cumsum(COUNTS**0.75) / np.sum(COUNTS**0.75)
    assert below.dtype == np.uint32
    # half a unit by rounding, one for the last word, whose 2³² does not fit, and the sum's own eps
    np.testing.assert_allclose(below / 2.0**32, law, rtol=0, atol=2.0**-32 + 2.0**-50)


def test_a_rare_word_of_a_large_vocabulary_keeps_its_probability():
    """A table of word ids, as in word2vec.c, would give a word this rare no place at all."""
    counts = np.r_[np.full(99_999, 10_000), 1]
    below = cumulative(counts, exponent=1.0).astype(np.int64)
    assert abs((2**32 - below[-2]) / 2**32 * counts.sum() - 1) < 0.25
