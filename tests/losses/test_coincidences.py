"""Part (g) on every way in which the drawn words can coincide.

Only the pattern of equal ids matters to a scatter-add, so the patterns are exhausted: the set
partitions of (o, w_1, …, w_K), 2, 5, 15 and 52 of them for K = 1 … 4.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from comparisons import assert_bitwise_zero, assert_same
from strategies import DIM, VOCAB, coincidences, normal, set_partitions, uniform

from jw2v.blocks.tables import RowGrads, whole_table
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import loss, loss_and_grads
from jw2v.losses.skipgram import loss as window_loss
from jw2v.losses.skipgram import loss_and_grads as window_loss_and_grads

pytestmark = pytest.mark.usefixtures("x64")


def assert_zero_where_not_drawn(d_U: jax.Array, drawn: np.ndarray) -> None:
    for table, words in zip(np.asarray(d_U), drawn, strict=True):
        assert_bitwise_zero(np.delete(table, words, axis=0))


def test_there_are_bell_many_patterns_and_all_differ():
    assert [len(set_partitions(n)) for n in (2, 3, 4, 5)] == [2, 5, 15, 52]
    patterns = {tuple(map(tuple, row[:, None] == row)) for row in coincidences(5)}
    assert len(patterns) == 52


@pytest.mark.parametrize("K", [1, 2, 3, 4])
def test_table_gradient_is_autodiff_for_every_pattern(K: int):
    v_c, U, drawn = normal(1, DIM), normal(2, VOCAB, DIM), coincidences(1 + K)

    def of_table(U: jax.Array, words: jax.Array, neg_weight: jax.Array) -> jax.Array:
        return loss(v_c, U[words[0]], U[words[1:]], neg_weight=neg_weight)

    def by_hand(words: jax.Array, neg_weight: jax.Array) -> jax.Array:
        rows = U[words[0]], U[words[1:]]
        _, (_, d_u_o, d_u_neg) = loss_and_grads(v_c, *rows, neg_weight=neg_weight)
        return whole_table(RowGrads(words, jnp.concatenate([d_u_o[None], d_u_neg])), U)

    @jax.jit
    def both(neg_weight: jax.Array) -> tuple[jax.Array, jax.Array]:
        sides = by_hand, partial(jax.grad(of_table), U)
        hand, autodiff = (
            jax.vmap(side, (0, None))(jnp.asarray(drawn), neg_weight) for side in sides
        )
        return hand, autodiff

    for neg_weight in (1.0, 0.3):
        hand, autodiff = both(jnp.asarray(neg_weight))
        assert_same(hand, autodiff)
        assert_zero_where_not_drawn(hand, drawn)


def test_window_table_gradient_is_autodiff_for_every_pattern():
    """Two outside words and two negatives of one window, which coincide within and across."""
    v_c, U, weight, drawn = normal(1, DIM), normal(2, VOCAB, DIM), uniform(3, 2), coincidences(4)

    def of_table(U: jax.Array, words: jax.Array) -> jax.Array:
        return window_loss(v_c, U[words[:2]], U[words[2:]], weight)

    def by_hand(words: jax.Array) -> jax.Array:
        _, (_, *rows) = window_loss_and_grads(v_c, U[words[:2]], U[words[2:]], weight)
        return whole_table(RowGrads(words, jnp.concatenate(rows)), U)

    hand = jax.jit(jax.vmap(by_hand))(drawn)
    assert_same(hand, jax.jit(jax.vmap(partial(jax.grad(of_table), U)))(drawn))
    assert_zero_where_not_drawn(hand, drawn)


def test_window_of_naive_softmax_is_autodiff_for_every_pattern_of_outside_words():
    v_c, U, weight, drawn = normal(1, DIM), normal(2, VOCAB, DIM), uniform(3, 4), coincidences(4)

    def by_hand(words: jax.Array) -> Any:
        return window_loss_and_grads(v_c, words, U, weight, pair=NAIVE_SOFTMAX)[1]

    def by_autodiff(words: jax.Array) -> Any:
        of_rows = partial(window_loss, pair=NAIVE_SOFTMAX)
        return jax.grad(of_rows, argnums=(0, 2))(v_c, words, U, weight)

    assert_same(jax.jit(jax.vmap(by_hand))(drawn), jax.jit(jax.vmap(by_autodiff))(drawn))
