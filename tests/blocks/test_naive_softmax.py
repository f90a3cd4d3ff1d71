"""Softmax by chunks: the plain loss whatever the chunks, and no more memory than a chunk's."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from comparisons import assert_same
from hypothesis import given
from hypothesis import strategies as st
from strategies import DIM, VOCAB, block, few, ids, normal, seeds, uniform

from jw2v.blocks import naive_softmax, windowed
from jw2v.blocks.kernel import Kernel
from jw2v.blocks.naive_softmax import Told
from jw2v.losses.naive_softmax import PAIR

ROWS, TOLD = 6, 3
SIZES = [(12, 4), (13, 4), (9, 5), (7, 7), (5, 100)]
"""Words and chunk: chunks that divide, a last one of 1 and of 4, one whole chunk, one of less."""


def plain(h: jax.Array, U: jax.Array, told: Told) -> jax.Array:
    log_y_hat = jax.nn.log_softmax(h @ U.T, axis=-1)
    return -jnp.sum(told.omega * jnp.take_along_axis(log_y_hat, told.o, axis=-1))


@cache
def compiled(chunk: int) -> Callable[..., Any]:
    """By hand, by autodiff, and the plain loss with its gradients."""

    def three(h: jax.Array, U: jax.Array, told: Told) -> Any:
        by_hand = naive_softmax.loss_and_grads(h, U, told, chunk=chunk)
        by_chunks = partial(naive_softmax.loss, chunk=chunk)
        autodiff, true = (jax.value_and_grad(f, argnums=(0, 1)) for f in (by_chunks, plain))
        return by_hand, autodiff(h, U, told), true(h, U, told)

    return jax.jit(three)


def drawn(seed: int, vocab: int, scale: float = 1.0) -> tuple[jax.Array, jax.Array, Told]:
    told = Told(ids(seed, ROWS, TOLD, vocab=vocab), uniform(seed + 1, ROWS, TOLD))
    return scale * normal(seed + 2, ROWS, DIM), normal(seed + 3, vocab, DIM), told


@pytest.mark.usefixtures("x64")
@few
@given(seed=seeds, sizes=st.sampled_from(SIZES))
def test_chunks_make_the_plain_loss_and_its_gradients(seed: int, sizes: tuple[int, int]):
    vocab, chunk = sizes
    by_hand, autodiff, true = compiled(chunk)(*drawn(seed, vocab))
    assert_same(by_hand, true, rtol=1e-10)
    assert_same(autodiff, true, rtol=1e-10)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("falling", [False, True])
def test_scores_of_ten_thousands_are_safe(falling: bool):
    """Whichever chunk the largest are in: exp of those of the others is 0."""
    h, U, told = drawn(0, 13)
    U = U.at[:, 0].set(jnp.linspace(-1e4, 1e4, 13)[:: -1 if falling else 1])
    by_hand, autodiff, true = compiled(4)(h.at[:, 0].set(jnp.array([1, -1] * 3)), U, told)
    assert true[0] > 1e4
    for found in (by_hand, autodiff):
        # Where a gradient is 0 but for rounding, it is compared with the largest.
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(true), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11 * np.abs(other).max())


def test_the_best_word_costs_nothing_to_tell():
    """Its score is the largest to the last bit, in float32 and in the second chunk too."""
    U = jnp.eye(VOCAB, dtype="float32") * 1e4 / 3
    told = Told(jnp.arange(VOCAB)[:, None], jnp.ones((VOCAB, 1), "float32"))
    by_hand = jax.jit(partial(naive_softmax.loss_and_grads, chunk=4))
    value, grads = by_hand(jnp.eye(VOCAB, dtype="float32"), U, told)
    assert float(value) == 0
    assert all(float(jnp.abs(d).max()) == 0 for d in grads)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("word2vec", [True, False])
def test_a_bag_is_the_one_of_the_windows(mean: bool, word2vec: bool):
    """Its update as of word2vec.c too, which `tests/blocks/test_kernels.py` has no oracle for."""
    text = block(3, size=20, window=2, groups=1, neg=0, drawn_widths=True)
    how: dict[str, Any] = {"mean": mean, "word2vec": word2vec}
    by_chunks = naive_softmax.bag_kernel(chunk=4, **how)
    by_windows = windowed.bag_kernel(PAIR, **how)
    V, U = normal(1, VOCAB, DIM), normal(2, VOCAB, DIM)
    np.testing.assert_array_equal(by_chunks.ids(text).centre, by_windows.ids(text).centre)
    found = [
        jax.jit(kernel.loss_and_grads)(V[kernel.ids(text).centre], U, text)
        for kernel in (by_chunks, by_windows)
        if kernel.loss_and_grads
    ]
    assert_same(*found, rtol=1e-10)


@pytest.mark.usefixtures("x64")
def test_a_small_vocabulary_is_one_chunk(monkeypatch: pytest.MonkeyPatch):
    """Unless a size is given; then there is no loop, and no score is computed twice."""
    monkeypatch.setattr(naive_softmax, "WHOLE", 10)
    monkeypatch.setattr(naive_softmax, "CHUNK", 4)

    def loops(vocab: int, chunk: int | None) -> list[int]:
        jaxpr = jax.make_jaxpr(partial(naive_softmax.loss, chunk=chunk))(*drawn(0, vocab))
        return [e.params["length"] for e in jaxpr.eqns if e.primitive.name == "scan"]

    assert [loops(9, None), loops(9, 2), loops(11, None), loops(11, 10)] == [[], [4], [2], [1]]


SIZE, LENGTH, CHUNK = 64, 8, 128
SCORES, VECTOR = 4 * SIZE, 4 * LENGTH  # bytes of a word


def memory(kernel: Kernel, side: str, vocab: int) -> int:
    """Bytes that the compiled side needs beside its arguments and results."""
    text = block(0, size=SIZE, window=2, groups=1, neg=0, vocab=vocab)
    v, U = jnp.zeros((len(kernel.ids(text).centre), LENGTH)), jnp.zeros((vocab, LENGTH))
    analysis = jax.jit(getattr(kernel, side)).lower(v, U, text).compile().memory_analysis()
    assert analysis is not None
    return analysis.temp_size_in_bytes


@pytest.mark.parametrize("make", [naive_softmax.kernel, naive_softmax.bag_kernel])
@pytest.mark.parametrize(
    ("side", "tables"), [("loss_and_grads", 0), ("loss_and_grads_autodiff", 1)]
)
def test_memory_is_that_of_a_chunk(make: Callable[..., Kernel], side: str, tables: int):
    """A few chunks of scores whatever the vocabulary; by autodiff a table more."""

    def most(vocab: int) -> int:
        return 4 * CHUNK * SCORES + tables * vocab * VECTOR

    for vocab in (1003, 8003):
        assert memory(make(chunk=CHUNK), side, vocab) <= most(vocab)
    # All scores at once are refused.
    assert memory(make(chunk=8003), side, 8003) > 8003 * SCORES > most(8003)
