"""By hand = by autodiff, for every loss of the document, in float64, entry by entry to 1e-12."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import pytest
from comparisons import assert_same
from strategies import CTX, DIM, NEG, VOCAB, ids, normal, uniform

from jw2v.losses import (
    hierarchical_softmax,
    naive_softmax,
    negative_sampling,
    over_windows,
    reverse_skipgram,
    sigmoid,
    skipgram,
)
from jw2v.losses.hierarchical_softmax import PAIR as HIERARCHICAL_SOFTMAX
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss

WINDOWS = 2  # batch axis of vmap

pytestmark = pytest.mark.usefixtures("x64")


class Case(NamedTuple):
    """A loss with both gradients, as plain functions, and generic arguments of some windows."""

    loss: Callable[..., Any]
    hand: Callable[..., Any]
    autodiff: Callable[..., Any]
    arguments: tuple[Callable[..., jax.Array], ...]


def case(functions: Any, *arguments: Callable[..., jax.Array], **options: Any) -> Case:
    """The case of the plain functions beneath the exported jitted ones."""
    loss, hand, autodiff = (partial(fn.__wrapped__, **options) for fn in functions)
    return Case(loss, hand, autodiff, arguments)


def vector(seed: int, *batch: int) -> jax.Array:
    return normal(seed, *batch, DIM)


def negatives(seed: int, *batch: int) -> jax.Array:
    return normal(seed, *batch, NEG, DIM)


def sides(seed: int, *batch: int) -> jax.Array:
    """Of ways of `NEG` nodes, some of which are over before."""
    return ids(seed, *batch, NEG, vocab=3) - 1


def contexts(seed: int, *batch: int) -> jax.Array:
    return normal(seed, *batch, CTX, DIM)


def table(seed: int, *batch: int) -> jax.Array:
    return normal(seed, *batch, VOCAB, DIM)


def weight(seed: int, *batch: int) -> jax.Array:
    return uniform(seed, *batch, CTX)


def outside_ids(seed: int, *batch: int) -> jax.Array:
    return ids(seed, *batch, CTX)


CASES = {
    "sigmoid": case(sigmoid, normal),
    "naive_softmax": case(naive_softmax, vector, ids, table),
    "negative_sampling": case(negative_sampling, vector, vector, negatives),
    "negative_sampling, neg_weight 0.3": case(
        negative_sampling, vector, vector, negatives, neg_weight=0.3
    ),
    "hierarchical_softmax": case(hierarchical_softmax, vector, sides, negatives),
    "reverse skipgram of hierarchical_softmax": case(
        reverse_skipgram, contexts, sides, negatives, weight, pair=HIERARCHICAL_SOFTMAX
    ),
    "reverse skipgram of negative_sampling": case(
        reverse_skipgram, contexts, vector, negatives, weight
    ),
    "reverse skipgram of naive_softmax": case(
        reverse_skipgram, contexts, ids, table, weight, pair=NAIVE_SOFTMAX
    ),
    "skipgram of negative_sampling": case(skipgram, vector, contexts, negatives, weight),
    "skipgram of naive_softmax": case(
        skipgram, vector, outside_ids, table, weight, pair=NAIVE_SOFTMAX
    ),
}
TRANSFORMS: dict[str, Callable[..., Any]] = {
    "eager": lambda fn: fn,
    "jit": jax.jit,
    "vmap": lambda fn: jax.jit(jax.vmap(fn)),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", CASES)
def test_by_hand_is_autodiff(name: str, transform: str):
    _, hand, autodiff, arguments = CASES[name]
    batch = (WINDOWS,) if transform == "vmap" else ()
    args = [draw(seed, *batch) for seed, draw in enumerate(arguments, start=1)]
    both = TRANSFORMS[transform](lambda *args: (hand(*args), autodiff(*args)))
    assert_same(*both(*args))


@pytest.mark.parametrize(
    ("pair", "exported"),
    [
        (NEGATIVE_SAMPLING, negative_sampling),
        (NAIVE_SOFTMAX, naive_softmax),
        (HIERARCHICAL_SOFTMAX, hierarchical_softmax),
    ],
)
def test_record_of_a_pair_holds_the_exported_functions(pair: Loss, exported: Any):
    assert pair.loss is exported.loss.__wrapped__
    assert pair.loss_and_grads is exported.loss_and_grads.__wrapped__
    told = jnp.asarray(4) if pair is NAIVE_SOFTMAX else vector(2)
    args = vector(1), sides(2) if pair.way else told, negatives(3) if pair.way else table(3)
    assert_same(pair.loss_and_grads_autodiff(*args), exported.loss_and_grads_autodiff(*args))


@pytest.mark.parametrize("name", CASES)
def test_value_beside_the_gradients_is_the_loss(name: str):
    loss, hand, autodiff, arguments = CASES[name]
    args = [draw(seed) for seed, draw in enumerate(arguments, start=1)]
    assert_same(hand(*args)[0], loss(*args))
    assert_same(autodiff(*args)[0], loss(*args))


def test_neg_weight_is_an_argument_of_the_jitted_functions_too():
    args = vector(1), vector(2), negatives(3)
    for neg_weight in (0.3, jnp.asarray(2.0)):
        hand = negative_sampling.loss_and_grads(*args, neg_weight=neg_weight)
        assert_same(hand, negative_sampling.loss_and_grads_autodiff(*args, neg_weight=neg_weight))


@pytest.mark.parametrize("shared", [(), (2,)], ids=["own rows", "shared rows"])
def test_over_windows_is_the_plain_vmap(shared: tuple[int, ...]):
    rest = negatives(3) if shared else negatives(3, WINDOWS)
    args = vector(1, WINDOWS), contexts(2, WINDOWS), rest, weight(4, WINDOWS)
    batched = over_windows(skipgram.loss_and_grads, shared=shared)(*args)
    one_by_one = [
        skipgram.loss_and_grads(args[0][i], args[1][i], rest if shared else rest[i], args[3][i])
        for i in range(WINDOWS)
    ]
    assert_same(batched, jax.tree.map(lambda *x: jnp.stack(x), *one_by_one))


@pytest.mark.parametrize(
    ("window", "first", "outside"),
    [(skipgram, vector, contexts), (reverse_skipgram, contexts, vector)],
    ids=["skipgram", "in reverse"],
)
def test_the_window_of_a_pair_without_a_gradient_by_hand_says_so(
    window: Any, first: Callable[..., jax.Array], outside: Callable[..., jax.Array]
):
    pair = Loss(NEGATIVE_SAMPLING.loss)
    args = first(1), outside(2), negatives(3), weight(4)
    with pytest.raises(TypeError, match="no gradient by hand; use loss_and_grads_autodiff"):
        window.loss_and_grads(*args, pair=pair)
    autodiff = window.loss_and_grads_autodiff(*args, pair=pair)
    assert_same(window.loss_and_grads(*args), autodiff)
