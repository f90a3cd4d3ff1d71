"""Words made of pieces: by hand = autodiff = the window at the means, and a loop over numbers."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from comparisons import assert_bitwise_zero, assert_same
from strategies import CTX, DIM, NEG, VOCAB, ids, normal, uniform

from jw2v.losses import cbow, reverse_skipgram, skipgram, subwords
from jw2v.losses.hierarchical_softmax import PAIR as HIERARCHICAL_SOFTMAX
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss
from jw2v.losses.subwords import loss, loss_and_grads, loss_and_grads_autodiff

pytestmark = pytest.mark.usefixtures("x64")

PIECES = 6


def window(functions: Any, pair: Loss) -> Loss:
    """A window loss of a pair loss."""
    plain, by_hand, _ = (partial(f.__wrapped__, pair=pair) for f in functions)
    return replace(pair, loss=plain, loss_and_grads=by_hand, over="window")


def held() -> jax.Array:
    """Of each word around, or of the centre (the first), how many pieces it has."""
    return (jnp.arange(PIECES)[None, :] < jnp.array([4, 6, 1, 3])[:, None]).astype(jnp.float64)


WINDOWS = {
    "skipgram": window(skipgram, NEGATIVE_SAMPLING),
    "skipgram of naive_softmax": window(skipgram, NAIVE_SOFTMAX),
    "cbow": window(cbow, NEGATIVE_SAMPLING),
    "reverse of hierarchical_softmax": window(reverse_skipgram, HIERARCHICAL_SOFTMAX),
}


def arguments(name: str) -> list[jax.Array]:
    """z, outside, rest, weight and held."""
    u_neg = normal(3, NEG, DIM)
    outside, rest = {
        "skipgram": (normal(2, CTX, DIM), u_neg),
        "skipgram of naive_softmax": (ids(2, CTX), normal(3, VOCAB, DIM)),
        "cbow": (normal(2, DIM), u_neg),
        "reverse of hierarchical_softmax": (jnp.array([1, -1, 0]), u_neg),
    }[name]
    one = name.startswith("skipgram")
    z = normal(1, PIECES, DIM) if one else normal(1, CTX, PIECES, DIM)
    return [z, outside, rest, uniform(4, CTX), held()[0] if one else held()]


@pytest.mark.parametrize("name", WINDOWS)
def test_by_hand_is_autodiff(name: str):
    of, args = WINDOWS[name], arguments(name)
    hand = loss_and_grads(*args, window=of)
    assert_same(hand, loss_and_grads_autodiff(*args, window=of))
    assert_same(hand[0], loss(*args, window=of))


@pytest.mark.parametrize("name", WINDOWS)
def test_it_is_the_window_at_the_means(name: str):
    of, (z, outside, rest, weight, there) = WINDOWS[name], arguments(name)
    of_words = zip(z.reshape(-1, PIECES, DIM), there.reshape(-1, PIECES), strict=True)
    means = np.array([np.average(rows, axis=0, weights=held) for rows, held in of_words])
    at = jnp.asarray(means).reshape(*z.shape[:-2], DIM)
    value = loss(z, outside, rest, weight, there, window=of)
    assert_same(value, of.loss(at, outside, rest, weight))


def test_it_is_a_loop_over_numbers():
    """And its gradients are by a complex step of it, no algebra shared."""
    args = arguments("skipgram")
    z, u_ctx, u_neg, weight, there = map(np.asarray, args)

    def loop(z: Any, u_ctx: Any, u_neg: Any, m: Any) -> Any:
        v_c = sum(row for row, is_there in zip(z, there, strict=True) if is_there) / there.sum()
        return oracles.skipgram(v_c, u_ctx, u_neg, weight, m)

    gradients = oracles.complex_step(loop, (z, u_ctx, u_neg), (0, 1, 2))
    expected = np.float64(loop(z, u_ctx, u_neg, oracles.math)), tuple(map(jnp.asarray, gradients))
    assert_same(loss_and_grads(*args), expected)


def test_the_exported_ones_are_the_same():
    args = arguments("skipgram")
    assert_same(subwords.loss_and_grads(*args), loss_and_grads(*args))
    assert_same(subwords.loss_and_grads_autodiff(*args), loss_and_grads(*args))
    assert_same(subwords.loss(*args), loss(*args))


def test_of_a_word_alone_it_is_the_window():
    of, (_, outside, rest, weight, _) = WINDOWS["skipgram"], arguments("skipgram")
    v_c = normal(5, DIM)
    value, (d_z, *others) = loss_and_grads(v_c[None], outside, rest, weight, jnp.ones(1))
    assert of.loss_and_grads is not None
    assert_same((value, (d_z[0], *others)), of.loss_and_grads(v_c, outside, rest, weight))


def test_it_is_cbow_of_pieces_for_words_around():
    """A window of one pair: the mean is the same, and so is what each of it is given."""
    z, u_o, u_neg, held = normal(1, PIECES, DIM), normal(2, DIM), normal(3, NEG, DIM), jnp.ones(6)
    value, (d_z, d_u_ctx, d_u_neg) = loss_and_grads(z, u_o[None], u_neg, jnp.ones(1), held)
    bag = cbow.loss_and_grads(z, u_o, u_neg, held)
    assert_same((value, (d_z, d_u_ctx[0], d_u_neg)), bag)


def test_where_there_is_no_piece_the_gradient_is_zero():
    args = arguments("skipgram")
    _, (d_z, *_) = loss_and_grads(*args)
    assert_bitwise_zero(jnp.abs(d_z[4:]))
    assert float(jnp.abs(d_z[:4]).min()) > 0


def test_a_window_loss_without_a_gradient_by_hand_is_refused():
    of, args = WINDOWS["skipgram"], arguments("skipgram")
    with pytest.raises(TypeError, match="has no gradient by hand; use loss_and_grads_autodiff"):
        loss_and_grads(*args, window=Loss(of.loss, over="window"))
