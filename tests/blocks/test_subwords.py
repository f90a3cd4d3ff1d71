"""Kernels over words made of pieces: by hand = autodiff = a loop = the base kernel at the means."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from comparisons import assert_bitwise_zero, assert_same
from hypothesis import given
from strategies import DIM, VOCAB, block, few, normal, seeds

from jw2v.blocks import subwords
from jw2v.blocks.kernel import Kernel
from jw2v.blocks.tables import RowGrads, Tables, whole_table
from jw2v.blocks.windows import Block, Pieces
from jw2v.training.config import Config
from jw2v.training.step import kernel_of

pytestmark = pytest.mark.usefixtures("x64")

NGRAMS, NEG, NEGATIVES = 9, 3, 5
EXACT = Config(
    sigmoid="exact", precision="float64", block=20, group=10, window=2,
    shared_negatives=NEG, negatives=NEGATIVES,
)  # fmt: skip
CONFIGS = {
    "block": {},
    "windows": {"kernel": "windows"},
    "naive_softmax": {"loss": "naive_softmax"},
    "naive_softmax windows": {"loss": "naive_softmax", "kernel": "windows"},
    "cbow": {"model": "cbow"},
    "cbow windows": {"model": "cbow", "kernel": "windows"},
    "cbow naive_softmax": {"model": "cbow", "loss": "naive_softmax"},
}
LOOPS = {
    "block": partial(oracles.block_negative_sampling, negatives=NEGATIVES),
    "cbow": partial(oracles.block_cbow, told=oracles.by_negatives(NEGATIVES), mean=True),
}


def base_of(name: str) -> Kernel:
    options: dict[str, Any] = CONFIGS[name]
    return kernel_of(Config(**{**vars(EXACT), **options}))


def lists() -> list[list[int]]:
    """The pieces of each word: itself, and n-grams, of which one stands twice and some alone."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(VOCAB, VOCAB + NGRAMS - 1, rng.integers(0, 5)) for _ in range(VOCAB)]
    return [[word, *ngrams.tolist(), *ngrams[:1].tolist()] for word, ngrams in enumerate(drawn)]


def text(*, spare: int = 4) -> Block:
    """A block with its pieces, shuffled, and some places for more."""
    plain = block(3, size=20, window=2, groups=2, neg=NEG)
    of_word, words = lists(), np.asarray(plain.ids).tolist()
    pieces = [
        (row, words.index(word), 1 / len(of_word[word]))
        for word in set(words)
        for row in of_word[word]
    ]
    pieces += [(3, 2, 0.0)] * spare
    np.random.default_rng(1).shuffle(pieces)
    rows, place, share = map(jnp.asarray, zip(*pieces, strict=True))
    first = jnp.asarray([words.index(word) for word in words])
    return plain._replace(pieces=Pieces(rows, place, share, first))


def tables() -> Tables:
    return Tables(normal(1, VOCAB + NGRAMS, DIM), normal(2, VOCAB, DIM))


def words_of(Z: Any) -> Any:
    """The vector of each word by a loop."""
    return np.stack([sum(Z[row] for row in rows) / len(rows) for rows in lists()])


def by_tables(kernel: Kernel, tables: Tables, block: Block) -> jax.Array:
    ids = kernel.ids(block)
    u = tables.U if ids.outside is None else tables.U[ids.outside]
    return kernel.loss(tables.V[ids.centre], u, block)


def by_hand(kernel: Kernel, tables: Tables, block: Block) -> tuple[jax.Array, Tables]:
    """Loss and whole-table gradients."""
    assert kernel.loss_and_grads is not None
    ids = kernel.ids(block)
    u = tables.U if ids.outside is None else tables.U[ids.outside]
    loss, (d_v, d_u) = kernel.loss_and_grads(tables.V[ids.centre], u, block)
    d_U = d_u if ids.outside is None else RowGrads(ids.outside, d_u)
    whole = whole_table(RowGrads(ids.centre, d_v), tables.V), whole_table(d_U, tables.U)
    return loss, Tables(*whole)


@pytest.mark.parametrize("name", CONFIGS)
def test_it_is_the_base_kernel_at_the_means(name: str):
    base = base_of(name)
    made_of = np.stack([np.bincount(rows, minlength=VOCAB + NGRAMS) for rows in lists()])
    means = jnp.asarray(made_of / made_of.sum(axis=1, keepdims=True))
    got = text()

    def at_means(tables: Tables) -> jax.Array:
        return by_tables(base, Tables(means @ tables.V, tables.U), got)

    expected = jax.jit(jax.value_and_grad(at_means))(tables())
    hand = jax.jit(partial(by_hand, subwords.kernel(base)))(tables(), got)
    assert_same(hand, expected, rtol=1e-11, atol=1e-16)


@pytest.mark.parametrize("name", CONFIGS)
def test_by_hand_is_autodiff(name: str):
    kernel = subwords.kernel(base_of(name))
    autodiff = jax.jit(jax.value_and_grad(partial(by_tables, kernel)))(tables(), text())
    hand = jax.jit(partial(by_hand, kernel))(tables(), text())
    assert_same(hand, autodiff, rtol=1e-11, atol=1e-16)


@pytest.mark.parametrize("name", LOOPS)
def test_it_is_the_loop_over_all_pairs(name: str):
    """The gradients by a complex step of the loop: no algebra is shared."""

    def loop(Z: Any, U: Any, m: Any) -> Any:
        return LOOPS[name](words_of(Z), U, m, block=text(), weights="linear")

    Z, U = map(np.asarray, tables())
    d_Z, d_U = map(jnp.asarray, oracles.complex_step(loop, (Z, U), (0, 1)))
    expected = np.float64(loop(Z, U, oracles.math)), Tables(d_Z, d_U)
    hand = jax.jit(partial(by_hand, subwords.kernel(base_of(name))))(tables(), text())
    assert_same(hand, expected, rtol=1e-11)


@few
@given(seed=seeds)
def test_the_pieces_of_a_block_are_those_of_its_words(seed: int):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, VOCAB)
    rows = rng.integers(0, 99, 4 * VOCAB)
    first = np.cumsum(sizes) - sizes
    spelling = subwords.Spelling(*map(jnp.asarray, (first, sizes, rows)))
    ids = rng.integers(0, VOCAB, 7).tolist()
    stands = [ids.index(word) for word in ids]
    expected = [
        (rows[first[word] + k], place, 1 / sizes[word])
        for place, word in enumerate(ids)
        for k in range(sizes[word])
        if stands[place] == place
    ]
    of = spelling, jnp.asarray(ids), jnp.asarray(stands), jnp.arange(4 * 7)
    *got, kept = map(np.asarray, jax.jit(subwords.spelt)(*of))
    assert list(zip(*(x[: len(expected)].tolist() for x in got), strict=True)) == expected
    assert not got[2][len(expected) :].any()
    assert kept.tolist() == stands


def test_a_piece_that_no_word_has_and_a_place_for_none_have_gradient_zero():
    kernel, got = subwords.kernel(base_of("block")), text(spare=9)
    _, (d_V, _) = by_hand(kernel, tables(), got)
    assert all(VOCAB + NGRAMS - 1 not in rows for rows in lists())
    assert_bitwise_zero(jnp.abs(d_V[-1]))
    assert_same(
        by_hand(kernel, tables(), text(spare=0)), by_hand(kernel, tables(), got), rtol=1e-11
    )


def test_words_of_one_piece_are_the_base_kernel():
    got, base = text(), base_of("block")
    halo = len(got.ids)
    every = jnp.arange(halo)  # each place a word of its own, though some are the same
    alone = got._replace(pieces=Pieces(got.ids, every, jnp.ones(halo), every))
    short = Tables(tables().V[:VOCAB], tables().U)
    hand: Callable[..., Any] = by_hand
    assert_same(hand(subwords.kernel(base), short, alone), hand(base, short, got), rtol=1e-12)


def test_a_base_without_a_gradient_by_hand_has_none():
    base = base_of("block")._replace(loss_and_grads=None)
    assert subwords.kernel(base).loss_and_grads is None
