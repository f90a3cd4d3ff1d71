"""Losses and gradients beside loops in Python numbers, and the lines of the written solution."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from comparisons import assert_bitwise_zero, assert_same
from strategies import CTX, DIM, NEG, VOCAB, ids, normal, uniform

from jw2v.blocks.tables import RowGrads, whole_table
from jw2v.losses import (
    hierarchical_softmax,
    naive_softmax,
    negative_sampling,
    reverse_skipgram,
    sigmoid,
    skipgram,
)
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.naive_softmax import cross_entropy, probabilities

pytestmark = pytest.mark.usefixtures("x64")

O = jnp.asarray(4)  # noqa: E741


def weighted(v_c: Any, u_o: Any, u_neg: Any, m: Any = oracles.math) -> Any:
    return oracles.negative_sampling(v_c, u_o, u_neg, m, neg_weight=0.3)


def softmax_window(v_c: Any, o: Any, U: Any, weight: Any, m: Any = oracles.math) -> Any:
    return oracles.skipgram(v_c, o, U, weight, m, pair=oracles.naive_softmax)


ORACLES: dict[str, tuple[Any, dict[str, Any], Any, tuple[int, ...]]] = {
    "sigmoid": (sigmoid, {}, oracles.sigmoid, (0,)),
    "naive_softmax": (naive_softmax, {}, oracles.naive_softmax, (0, 2)),
    "negative_sampling": (negative_sampling, {}, oracles.negative_sampling, (0, 1, 2)),
    "negative_sampling, neg_weight 0.3": (
        negative_sampling,
        {"neg_weight": 0.3},
        weighted,
        (0, 1, 2),
    ),
    "hierarchical_softmax": (hierarchical_softmax, {}, oracles.hierarchical_softmax, (0, 2)),
    "reverse skipgram of negative_sampling": (reverse_skipgram, {}, oracles.reverse, (0, 1, 2)),
    "skipgram of negative_sampling": (skipgram, {}, oracles.skipgram, (0, 1, 2)),
    "skipgram of naive_softmax": (skipgram, {"pair": NAIVE_SOFTMAX}, softmax_window, (0, 2)),
}


def arguments(name: str) -> tuple[jax.Array, ...]:
    v_c, u_neg, U, weight = (
        normal(1, DIM),
        normal(3, NEG, DIM),
        normal(4, VOCAB, DIM),
        uniform(5, CTX),
    )
    return {
        "sigmoid": (normal(1),),
        "naive_softmax": (v_c, O, U),
        "negative_sampling": (v_c, normal(2, DIM), u_neg),
        "negative_sampling, neg_weight 0.3": (v_c, normal(2, DIM), u_neg),
        "hierarchical_softmax": (v_c, jnp.array([1, -1, 0]), u_neg),
        "reverse skipgram of negative_sampling": (
            normal(2, CTX, DIM),
            normal(1, DIM),
            u_neg,
            weight,
        ),
        "skipgram of negative_sampling": (v_c, normal(2, CTX, DIM), u_neg, weight),
        "skipgram of naive_softmax": (v_c, ids(2, CTX), U, weight),
    }[name]


@pytest.mark.parametrize("name", ORACLES)
def test_loss_is_the_loop(name: str):
    functions, options, loop, _ = ORACLES[name]
    args = arguments(name)
    expected = loop(*map(np.asarray, args))
    assert_same(functions.loss(*args, **options), np.float64(expected))


@pytest.mark.parametrize("name", ORACLES)
def test_gradients_are_the_complex_step_of_the_loop(name: str):
    functions, options, loop, wrt = ORACLES[name]
    args = arguments(name)
    _, gradients = functions.loss_and_grads(*args, **options)
    expected = oracles.complex_step(loop, [np.asarray(x) for x in args], wrt)
    assert_same(gradients, expected)


def test_sigmoid_derivative_is_each_line_of_its_derivation():
    x = np.linspace(-4, 4, 17)
    _, (d_x,) = jax.vmap(sigmoid.loss_and_grads)(jnp.asarray(x))
    e = np.exp(x)
    assert_same(d_x, (e * (e + 1) - e**2) / (e + 1) ** 2)
    assert_same(d_x, e / (e + 1) ** 2)
    assert_same(d_x, e / (e + 1) * (1 - e / (e + 1)))


def test_a_naive_softmax_loss_is_the_cross_entropy_with_a_one_hot_truth():
    v_c, U = normal(1, DIM), normal(2, VOCAB, DIM)
    y = jax.nn.one_hot(O, VOCAB, dtype="float64")
    assert_same(naive_softmax.loss(v_c, O, U), cross_entropy(y, probabilities(v_c, U)))
    exp = np.exp(np.asarray(U @ v_c))
    assert_same(probabilities(v_c, U), exp / exp.sum())


def test_a_a_word_that_is_impossible_and_absent_adds_nothing_to_the_cross_entropy():
    y, y_hat = jnp.array([0.0, 1.0]), jnp.array([0.0, 1.0])
    assert cross_entropy(y, y_hat) == 0


def test_b_d_v_c_is_expected_minus_observed_outside_vector():
    v_c, U = normal(1, DIM), normal(2, VOCAB, DIM)
    _, (d_v_c, _) = naive_softmax.loss_and_grads(v_c, O, U)
    y_hat = np.asarray(probabilities(v_c, U))
    rows = np.asarray(U)
    assert_same(d_v_c, -rows[4] + sum(y_hat[w] * rows[w] for w in range(VOCAB)))


@pytest.mark.parametrize("w", range(VOCAB))
def test_c_row_of_the_outside_word_and_of_every_other_word(w: int):
    v_c, U = normal(1, DIM), normal(2, VOCAB, DIM)
    _, (_, d_U) = naive_softmax.loss_and_grads(v_c, O, U)
    y_hat = probabilities(v_c, U)
    expected = (y_hat[w] - 1) * v_c if w == int(O) else y_hat[w] * v_c
    assert_same(d_U[w], expected)


def test_d_words_in_columns_give_the_transpose_of_words_in_rows():
    v_c, columns = normal(1, DIM), normal(2, VOCAB, DIM).T
    _, (d_v_c, d_U) = naive_softmax.loss_and_grads(v_c, O, columns.T)

    def loss_of_columns(v_c: jax.Array, columns: jax.Array) -> jax.Array:
        return naive_softmax.loss(v_c, O, columns.T)

    autodiff = jax.grad(loss_of_columns, argnums=(0, 1))(v_c, columns)
    assert_same((d_v_c, d_U.T), autodiff)
    err = probabilities(v_c, columns.T) - jax.nn.one_hot(O, VOCAB, dtype="float64")
    assert_same(d_v_c, columns @ err)  # U(ŷ − y), as written
    assert_same(d_U.T, jnp.outer(v_c, err))  # [∂J/∂u_1 … ∂J/∂u_V], as written


@pytest.mark.parametrize("pair", ["negative_sampling", "naive_softmax"])
def test_h_iii_every_row_of_V_but_the_centre_has_gradient_zero(pair: str):
    args = arguments(f"skipgram of {pair}")
    options = ORACLES[f"skipgram of {pair}"][1]
    V, c = normal(6, VOCAB, DIM), 7
    _, (d_v_c, *_) = skipgram.loss_and_grads(V[c], *args[1:], **options)
    d_V = whole_table(RowGrads(jnp.array([c]), d_v_c[None]), V)

    def of_table(V: jax.Array) -> jax.Array:
        return skipgram.loss(V[c], *args[1:], **options)

    assert_same(d_V, jax.grad(of_table)(V))
    assert_bitwise_zero(np.delete(np.asarray(d_V), c, axis=0))
