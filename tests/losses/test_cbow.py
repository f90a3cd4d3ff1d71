"""CBOW: by hand = autodiff, empty windows, and the update that is no gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from comparisons import assert_bitwise_zero, assert_same
from strategies import DIM, VOCAB, normal

from jw2v.losses import cbow
from jw2v.losses.cbow import loss, loss_and_grads, loss_and_grads_autodiff
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss

pytestmark = pytest.mark.usefixtures("x64")

CTX, NEG = 4, 3
PAIRS = {"negative_sampling": NEGATIVE_SAMPLING, "naive_softmax": NAIVE_SOFTMAX}


def weight() -> jax.Array:
    return jnp.array([0.5, 1.0, 0.0, 0.25])


def rows(name: str = "negative_sampling") -> tuple[jax.Array, jax.Array, jax.Array]:
    if name == "naive_softmax":
        return normal(1, CTX, DIM), jnp.array(4), normal(3, VOCAB, DIM)
    return normal(1, CTX, DIM), normal(2, DIM), normal(3, NEG, DIM)


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("name", PAIRS)
def test_by_hand_is_autodiff(name: str, mean: bool):
    pair = PAIRS[name]
    hand = loss_and_grads(*rows(name), weight(), pair=pair, mean=mean)
    autodiff = loss_and_grads_autodiff(*rows(name), weight(), pair=pair, mean=mean)
    assert_same(hand, autodiff)
    assert_same(jax.tree.leaves(hand)[0], loss(*rows(name), weight(), pair=pair, mean=mean))


def test_the_exported_ones_are_the_same():
    assert_same(cbow.loss_and_grads(*rows(), weight()), loss_and_grads(*rows(), weight()))
    assert_same(cbow.loss(*rows(), weight(), mean=False), loss(*rows(), weight(), mean=False))


def test_it_is_the_pair_loss_at_the_mean():
    v_ctx, u_o, u_neg = rows()
    h = np.average(np.asarray(v_ctx), axis=0, weights=np.asarray(weight()))
    assert_same(loss(*rows(), weight()), NEGATIVE_SAMPLING.loss(jnp.asarray(h), u_o, u_neg))


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("name", PAIRS)
def test_an_empty_window_has_no_loss_and_no_gradient(name: str, mean: bool):
    pair = PAIRS[name]
    for leaf in jax.tree.leaves(loss_and_grads(*rows(name), 0 * weight(), pair=pair, mean=mean)):
        assert_bitwise_zero(jnp.abs(leaf))


def test_word2vecs_update_is_as_many_times_the_gradient_as_there_are_words():
    ones = jnp.ones(CTX)
    _, (d_v_ctx, *others) = loss_and_grads(*rows(), ones)
    _, (update, *same) = loss_and_grads(*rows(), ones, word2vec=True)
    assert_same(update, CTX * d_v_ctx)
    assert_same(same, others)


def test_a_pair_loss_without_a_gradient_by_hand_is_refused():
    with pytest.raises(TypeError, match="has no gradient by hand"):
        loss_and_grads(*rows(), weight(), pair=Loss(NEGATIVE_SAMPLING.loss))
