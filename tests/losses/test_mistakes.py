"""Deliberate mistakes: `assert_same`, by which every gradient is judged, turns red on each."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from comparisons import assert_bitwise_zero, assert_same
from strategies import DIM, NEG, VOCAB, normal

from jw2v.blocks.tables import RowGrads, whole_table
from jw2v.losses.negative_sampling import loss, loss_and_grads, loss_and_grads_autodiff

pytestmark = pytest.mark.usefixtures("x64")

REPEATED = jnp.array([4, 7, 7, 2])  # o, then the negatives, one of them drawn twice
DISTINCT = jnp.array([4, 7, 9, 2])


def rows() -> tuple[jax.Array, jax.Array, jax.Array]:
    return normal(1, DIM), normal(2, DIM), normal(3, NEG, DIM)


def by_hand() -> Any:
    return loss_and_grads(*rows())[1]


def by_autodiff() -> Any:
    return loss_and_grads_autodiff(*rows())[1]


def table_rows(words: jax.Array) -> tuple[RowGrads, jax.Array, jax.Array]:
    """Row gradients of the drawn words by hand, U, and the gradient of U by autodiff."""
    v_c, U = normal(1, DIM), normal(2, VOCAB, DIM)
    _, (_, d_u_o, d_u_neg) = loss_and_grads(v_c, U[words[0]], U[words[1:]])
    autodiff = jax.grad(lambda U: loss(v_c, U[words[0]], U[words[1:]]))(U)
    return RowGrads(words, jnp.concatenate([d_u_o[None], d_u_neg])), U, autodiff


def test_mistake_1_a_wrong_sign_turns_red():
    d_v_c, d_u_o, d_u_neg = by_hand()
    assert_same((d_v_c, d_u_o, d_u_neg), by_autodiff())
    with pytest.raises(AssertionError):
        assert_same((d_v_c, d_u_o, -d_u_neg), by_autodiff())


def test_mistake_2_a_missing_term_turns_red():
    v_c, u_o, _ = rows()
    _, d_u_o, d_u_neg = by_hand()
    without_negatives = -jax.nn.sigmoid(-(u_o @ v_c)) * u_o
    with pytest.raises(AssertionError):
        assert_same((without_negatives, d_u_o, d_u_neg), by_autodiff())


def test_mistake_3_overwriting_a_repeated_negative_turns_red():
    grads, U, autodiff = table_rows(REPEATED)
    assert_same(whole_table(grads, U), autodiff)
    overwritten = jnp.zeros_like(U).at[grads.ids].set(grads.rows)
    with pytest.raises(AssertionError):
        assert_same(overwritten, autodiff)


def test_mistake_3_is_invisible_where_all_words_are_distinct():
    """Why `test_coincidences.py` tries every pattern."""
    grads, U, autodiff = table_rows(DISTINCT)
    assert_same(jnp.zeros_like(U).at[grads.ids].set(grads.rows), autodiff)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda g: g * (1 + 1e-11), id="a factor of 1 + 1e-11"),
        pytest.param(lambda g: g.at[0].set(jnp.nan), id="nan"),
        pytest.param(lambda g: g.at[0].set(jnp.inf), id="inf"),
        pytest.param(lambda g: g.astype("float32"), id="float32"),
        pytest.param(lambda g: g[None], id="shape"),
    ],
)
def test_comparison_turns_red_on(spoil: Any):
    hand = by_hand()
    with pytest.raises(AssertionError):
        assert_same((spoil(hand[0]), *hand[1:]), by_autodiff())


def test_comparison_turns_red_on_nan_on_both_sides():
    nan = jnp.full(DIM, jnp.nan)
    with pytest.raises(AssertionError):
        assert_same(nan, nan)


@pytest.mark.parametrize("almost", [-0.0, 5e-324])
def test_bitwise_zero_is_no_tolerance(almost: float):
    assert_bitwise_zero(jnp.zeros(3))
    with pytest.raises(AssertionError):
        assert_bitwise_zero([0.0, almost])
