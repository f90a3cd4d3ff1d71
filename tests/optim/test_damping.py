"""Damping: what is expected of a block beside blocks drawn at random, and the bound it keeps."""

import jax.numpy as jnp
import numpy as np
import pytest
from comparisons import assert_same
from strategies import DIM, VOCAB, ids, normal

from jw2v.blocks.tables import RowGrads, whole_table
from jw2v.optim.damping import STABLE, TOGETHER, Expected, scaled

pytestmark = pytest.mark.usefixtures("x64")


WORDS = 6
TEXT = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
NOISE = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
EXPECTED = Expected(TEXT, NOISE, centres=12, words=18, draws=8, pairs=4, negatives=5)


def texts(blocks: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Words and negatives of blocks drawn word by word."""
    rng = np.random.default_rng(0)
    words = rng.choice(WORDS, (blocks, EXPECTED.words), p=TEXT)
    return words, rng.choice(WORDS, (blocks, EXPECTED.draws), p=NOISE)


def test_places_are_the_mean_count_where_a_word_stands():
    words, negatives = texts()
    m_centre, m_outside = EXPECTED.places()
    for word in range(WORDS):
        here = words[:, 0] == word  # as good as any other place
        among_centres = (words[here, : EXPECTED.centres] == word).sum(1).mean()
        among_words = (words[here] == word).sum(1) + (negatives[here] == word).sum(1)
        assert among_centres == pytest.approx(m_centre[word], rel=0.02)
        assert among_words.mean() == pytest.approx(m_outside[word], rel=0.02)


def test_touches_are_the_pairs_of_a_row():
    """Every centre has `pairs` words on average, and each of these pairs `negatives` draws."""
    words, negatives = texts()
    M_centre, M_outside = EXPECTED.touches()
    pairs, K = EXPECTED.pairs, EXPECTED.negatives
    a_draw = EXPECTED.centres * pairs * K / EXPECTED.draws  # pairs of a negative
    for word in range(WORDS):
        here = words[:, 0] == word
        centres = (words[here, : EXPECTED.centres] == word).sum(1).mean()
        assert centres * pairs * (1 + K) == pytest.approx(M_centre[word], rel=0.02)
        targets = pairs * (1 + (words[:, : EXPECTED.centres] == word).sum(1).mean())
        drawn = a_draw * (negatives == word).sum(1).mean()
        assert targets + drawn == pytest.approx(M_outside[word], rel=0.03)


def test_inward_the_words_around_are_rows_of_V_and_the_centres_of_U():
    inward, (centre, outside) = EXPECTED._replace(inward=True), EXPECTED.places()
    drawn = EXPECTED.draws * NOISE
    first, second = inward.places()
    assert_close(first, outside - drawn)
    assert_close(second, centre + drawn)
    M_first, M_second = inward.touches()
    assert_close(M_first, EXPECTED.pairs * (1 + EXPECTED.negatives) * first)
    assert_close(M_second, EXPECTED.touches()[1])
    assert_close(inward._replace(bag=True).touches()[1], M_second / EXPECTED.pairs)


def test_of_a_tree_the_inner_nodes_are_rows_of_U():
    """A way of three nodes to every word: the root, met by all, and what follows it."""
    met = np.array([1.0, 0.6, 0.4, 0.3, 0.7, 0.0])
    tree = EXPECTED._replace(inward=True, met=met, draws=0)
    words, nodes = tree.places()
    assert_close(words, EXPECTED._replace(inward=True).places()[0])
    assert_close(nodes[0], tree.centres)
    assert_close(nodes[-1], 1)
    M_words, M_nodes = tree.touches()
    assert_close(M_words, tree.pairs * 3 * words)
    assert_close(M_nodes[0], tree.pairs * (1 + tree.centres))


def test_a_word_met_once_is_left_alone():
    rare = np.full(WORDS, 1e-9)
    got = EXPECTED._replace(text=rare, noise=rare).factors(0.05)
    assert_close(got.V, 1)
    assert_close(got.U, 1)


@pytest.mark.parametrize("lr", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("centres", [256, 16_384])
def test_no_row_takes_more_than_the_stable_step(lr: float, centres: int):
    block = EXPECTED._replace(centres=centres, words=centres + 10, draws=centres)
    for factor, m, touched in zip(block.factors(lr), block.places(), block.at_once(), strict=True):
        assert (np.asarray(factor) * lr * touched <= STABLE * (1 + 1e-12)).all()
        assert (np.asarray(factor) <= m**-0.5 * (1 + 1e-12)).all()


def test_a_draw_is_met_by_all_who_share_it():
    """Of a rare word, which is in a block by a draw or not at all; inward bags count once."""
    rare = np.full(WORDS, 1e-9)
    block = EXPECTED._replace(text=rare, noise=rare, centres=128)
    a_draw = TOGETHER * block.centres * block.pairs * block.negatives / block.draws
    first, second = block.at_once()
    assert_close(first, block.touches()[0])
    assert_close(second, a_draw)
    assert_close(block._replace(bag=True).at_once()[1], a_draw / block.pairs)
    assert_close(block.factors(0.1).U, STABLE / 0.1 / a_draw)
    assert_close(block._replace(draws=0).at_once()[1], block._replace(draws=0).touches()[1])


def assert_close(got, value) -> None:
    np.testing.assert_allclose(np.asarray(got), value, rtol=1e-7)


def test_scaling_rows_and_scaling_the_whole_are_one():
    words, table = ids(1, 9), normal(0, VOCAB, DIM)
    grads, factor = RowGrads(words, normal(2, 9, DIM)), jnp.abs(normal(3, VOCAB))
    by_rows = scaled(grads, factor)
    assert isinstance(by_rows, RowGrads)
    assert by_rows.ids is words
    by_whole = scaled(whole_table(grads, table), factor)
    assert isinstance(by_whole, jnp.ndarray)
    assert_same(whole_table(by_rows, table), by_whole)
