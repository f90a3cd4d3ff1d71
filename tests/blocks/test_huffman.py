"""The tree: as short as any, its ways apart, numbered by count, and gensim's."""

import gensim
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jw2v.blocks.huffman import OVER, huffman

counts = st.lists(st.integers(1, 1000), min_size=2, max_size=40).map(sorted).map(np.array)
few = settings(max_examples=40, deadline=None, derandomize=True)


def shortest(counts):
    """The least mean length, by merging in a list that is sorted again each time."""
    left, total = sorted(counts.tolist()), 0
    while len(left) > 1:
        joined = left[0] + left[1]
        total += joined
        left = sorted([*left[2:], joined])
    return total


def ways(tree):
    """The turns to each word, as pairs of node and side."""
    rows = zip(tree.nodes.tolist(), tree.sides.tolist(), strict=True)
    return [[(n, s) for n, s in zip(*row, strict=True) if s != OVER] for row in rows]


@few
@given(counts)
def test_no_tree_has_shorter_ways(counts):
    assert counts @ huffman(counts).depths == shortest(counts)


@few
@given(counts)
def test_every_way_leads_to_its_word_alone(counts):
    """Two ways are the same up to a node at which they part, and both go on from it or end."""
    found = ways(huffman(counts))
    for i, one in enumerate(found):
        for other in found[:i]:
            (node, side), (same, opposite) = next(
                (a, b) for a, b in zip(one, other, strict=False) if a != b
            )
            assert (node, side) == (same, -opposite)


@few
@given(counts)
def test_numbers_rise_on_a_way_and_fall_with_the_count(counts):
    tree = huffman(counts)
    assert all(way[0][0] == 0 for way in ways(tree))
    assert all(np.diff([node for node, _ in way]).min(initial=1) > 0 for way in ways(tree))
    met = tree.met(counts.astype(float))
    assert met[0] == counts.sum()
    assert met[-1] == 0
    assert (np.diff(met) <= 0).all()
    assert set(tree.nodes.ravel().tolist()) == set(range(len(counts) - 1))


@pytest.mark.parametrize("vectors", [1, 7])
def test_the_probabilities_of_all_words_sum_to_1(vectors):
    tree = huffman(np.array([40, 20, 9, 5, 5, 2, 1]))
    u = np.random.default_rng(vectors).normal(size=7)
    turns = 1 / (1 + np.exp(-tree.sides * u[tree.nodes]))
    assert np.where(tree.sides == OVER, 1, turns).prod(axis=1).sum() == pytest.approx(1)


def test_it_is_gensims():
    sentences = [[f"w{i}"] * (2 * i * i + 1) for i in range(1, 30)]
    model = gensim.models.Word2Vec(hs=1, negative=0, min_count=1, vector_size=4)
    model.build_vocab(sentences)
    count = np.array([model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key])
    tree, words = huffman(count), len(count)
    for way, word in zip(ways(tree), model.wv.index_to_key, strict=True):
        points, code = (model.wv.get_vecattr(word, name) for name in ("point", "code"))
        assert [words - 2 - node for node, _ in way] == points.tolist()
        assert [(1 - side) // 2 for _, side in way] == code.tolist()
