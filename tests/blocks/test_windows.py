"""Contexts and bands beside a double loop over positions, for the three weight laws."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from strategies import block

from jw2v.blocks.windows import (
    Block,
    WindowWeights,
    band,
    contexts,
    draw_widths,
    pair_weight,
    pairs,
    pairs_per_centre,
    with_totals,
)

LAWS: list[WindowWeights] = ["linear", "dynamic", "fixed"]
SIZE, WINDOW = 20, 3
jitted_contexts = jax.jit(contexts, static_argnames=("weights", "dtype"))
jitted_band = jax.jit(band, static_argnames=("chunk", "weights", "dtype"))


def text(seed: int = 1, *, drawn_widths: bool = False) -> Block:
    return block(seed, size=SIZE, window=WINDOW, groups=2, neg=7, drawn_widths=drawn_widths)


def dense(block: Block, weights: str) -> np.ndarray:
    """ω of every (centre, position of the halo), by the loop."""
    omega = np.zeros((len(block.width), len(block.ids)), np.float32)
    for r, position, weight in oracles.window_pairs(block, weights=weights):
        omega[r, position] = weight
    return omega


def from_contexts(block: Block, weights: WindowWeights) -> np.ndarray:
    omega = np.zeros((len(block.width), len(block.ids)), np.float32)
    o, weight = map(np.asarray, jitted_contexts(block, weights=weights, dtype="float32"))
    ids = np.asarray(block.ids)
    offsets = [d for d in range(-block.window, block.window + 1) if d]
    for r in range(len(block.width)):
        for j, offset in enumerate(offsets):
            assert o[r, j] == ids[r + block.window + offset]
            omega[r, r + block.window + offset] = weight[r, j]
    return omega


def from_band(block: Block, weights: WindowWeights, chunk: int) -> np.ndarray:
    omega = np.zeros((len(block.width), len(block.ids)), np.float32)
    tiled = jitted_band(block, chunk=chunk, weights=weights, dtype="float32")
    columns, tiles = map(np.asarray, tiled)
    for i, tile in enumerate(tiles):
        span = slice(i * chunk, i * chunk + chunk + 2 * block.window)
        np.testing.assert_array_equal(columns[i], np.asarray(block.ids)[span])
        omega[i * chunk : (i + 1) * chunk, span] = tile.T
    return omega


def test_the_text_has_what_it_is_meant_to_test():
    sentence = np.asarray(text().sentence)
    assert {-1} < set(sentence.tolist())
    assert len(set(sentence.tolist())) > 3
    assert sentence[text().centres][-1] == -1
    assert len(set(np.asarray(text(drawn_widths=True).width).tolist())) == WINDOW


@pytest.mark.parametrize("drawn_widths", [False, True], ids=["full widths", "drawn widths"])
@pytest.mark.parametrize("weights", LAWS)
def test_contexts_are_the_loop(weights: WindowWeights, drawn_widths: bool):
    got = text(drawn_widths=drawn_widths)
    np.testing.assert_array_equal(from_contexts(got, weights), dense(got, weights))


@pytest.mark.parametrize("chunk", [1, 4, 20])
@pytest.mark.parametrize("weights", LAWS)
def test_bands_are_the_loop_whatever_the_chunk(weights: WindowWeights, chunk: int):
    got = text(2, drawn_widths=True)
    np.testing.assert_array_equal(from_band(got, weights, chunk), dense(got, weights))


@pytest.mark.parametrize("weights", LAWS)
def test_pairs_is_the_sum_of_the_weights(weights: WindowWeights):
    got = text(drawn_widths=True)
    expected = sum(weight for *_, weight in oracles.window_pairs(got, weights=weights))
    np.testing.assert_allclose(pairs(got, weights=weights), expected, rtol=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weights", LAWS)
def test_totals_are_the_sums_of_the_weights_of_each_centre(weights: WindowWeights, seed: int):
    got = text(seed, drawn_widths=True)
    expected = np.zeros(SIZE)
    for centre, _, weight in oracles.window_pairs(got, weights=weights):
        expected[centre] += weight
    total = with_totals(got, weights=weights).total
    np.testing.assert_array_equal(total, np.round(expected * WINDOW))


def test_padding_alone_has_no_pairs():
    blank = text()._replace(sentence=jnp.full(SIZE + 2 * WINDOW, -1))
    for weights in LAWS:
        assert pairs(blank, weights=weights) == 0
        assert not from_band(blank, weights, 4).any()


@pytest.mark.parametrize("window", [1, 2, 5])
def test_linear_is_the_expectation_of_dynamic(window: int):
    """Exactly: a mean over the equally likely widths 1 … window, all of them."""
    distance = jnp.arange(window + 3)
    inside = jnp.ones_like(distance, bool)

    def omega(width: int, weights: WindowWeights) -> np.ndarray:
        widths = jnp.full_like(distance, width)
        return np.asarray(
            pair_weight(distance, widths, inside, window=window, weights=weights, dtype="float32")
        )

    counted = sum(omega(width, "dynamic") for width in range(1, window + 1))
    np.testing.assert_array_equal(counted / np.float32(window), omega(window, "linear"))


def test_a_centre_within_a_sentence_has_window_plus_one_expected_pairs():
    one = Block(
        jnp.arange(2 * WINDOW + 1), jnp.zeros(2 * WINDOW + 1, int), jnp.array([WINDOW]),
        jnp.zeros((1, 1), int),
    )  # fmt: skip
    assert pairs(one, weights="linear") == WINDOW + 1
    dynamic = [pairs(one._replace(width=jnp.array([b])), weights="dynamic") for b in (1, 2, 3)]
    assert np.mean(dynamic) == WINDOW + 1
    assert pairs(one, weights="fixed") == 2 * WINDOW


@pytest.mark.parametrize("weights", ["linear", "fixed"])
def test_widths_are_full_where_none_are_drawn(weights: WindowWeights):
    widths = draw_widths(jax.random.key(0), (4, 5), 6, weights)
    np.testing.assert_array_equal(widths, np.full((4, 5), 6))


def test_drawn_widths_are_uniform():
    window, n = 5, 50_000
    widths = np.asarray(draw_widths(jax.random.key(0), (n,), window, "dynamic"))
    counts = np.bincount(widths, minlength=window + 1)
    assert counts[0] == 0
    assert len(counts) == window + 1
    # five standard deviations of a binomial count
    sigma = np.sqrt(n * (1 / window) * (1 - 1 / window))
    assert np.all(np.abs(counts[1:] - n / window) < 5 * sigma)


@pytest.mark.parametrize("weights", LAWS)
def test_pairs_per_centre_is_the_mean_sum_of_weights(weights: WindowWeights):
    """Over a long text without sentence ends."""
    window, size = 5, 4000
    width = draw_widths(jax.random.key(1), (size,), window, weights)
    halo = jnp.zeros(size + 2 * window, jnp.int32)
    got = Block(halo, halo, width, jnp.zeros((1, 1), jnp.int32))
    mean = float(pairs(got, weights=weights)) / size
    assert mean == pytest.approx(pairs_per_centre(window, weights), rel=0.02)
