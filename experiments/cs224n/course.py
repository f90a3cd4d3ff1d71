"""The training of the course's assignment: windows, loss and schedule, by hand and by autodiff.

The course trains one window after the other and sums 50 of them a step; here their pairs are a
batch. The draws of a step are a function of the seed, so both gradients are given the same.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from jw2v.blocks import noise
from jw2v.blocks.tables import RowGrads, Tables, whole_table
from jw2v.corpus import Corpus, segments
from jw2v.losses import over_windows, skipgram

DIM, WINDOW, NEGATIVES, WINDOWS = 10, 5, 10, 50
LR, ANNEAL_EVERY = 0.3, 20_000
SAMPLE, COPIES = 1e-5, 30  # each sentence is subsampled so many times
CHUNK = 200  # iterations a call to the device

OPTIMIZER = optax.sgd(optax.exponential_decay(LR, ANNEAL_EVERY, 0.5, staircase=True))
OFFSETS = np.delete(np.arange(-WINDOW, WINDOW + 1), WINDOW)


class Text(NamedTuple):
    """Sentence i is `ids[start[i]:start[i] + length[i]]`; negatives are drawn from `noise`."""

    ids: Int[Array, " tokens"]
    start: Int[Array, " sentences"]
    length: Int[Array, " sentences"]
    noise: noise.Table


class Pairs(NamedTuple):
    """The pairs of a step's windows; the places that a window leaves empty have weight 0."""

    centre: Int[Array, " pairs"]
    outside: Int[Array, "pairs 1"]
    negatives: Int[Array, "pairs neg"]
    weight: Float[Array, "pairs 1"]


class State(NamedTuple):
    """What the next step needs."""

    tables: Tables
    opt_state: optax.OptState


Gradient = Callable[[Tables, Pairs], tuple[Array, Tables]]


def text_of(corpus: Corpus, seed: int) -> Text:
    """The sentences of two words and more that subsampling leaves of the copies of a text."""
    counts = corpus.vocab.counts
    keep = np.minimum(1, np.sqrt(SAMPLE * counts.sum() / counts))
    copies = [
        segment
        for copy in range(COPIES)
        for segment in segments(corpus.train, keep, seed=seed, epoch=copy)
    ]
    length = np.concatenate([np.unique(copy.sentence, return_counts=True)[1] for copy in copies])
    return Text(
        jnp.concatenate([copy.ids for copy in copies]),
        jnp.asarray(np.cumsum(length) - length),
        jnp.asarray(length),
        noise.table(counts, exponent=0.75),
    )


def draw(key: Array, text: Text, steps: int) -> Pairs:
    """Pairs of so many steps: sentence, place in it, radius and negatives are drawn uniformly."""
    sentence_key, place_key, radius_key, noise_key = jax.random.split(key, 4)
    shape = steps, WINDOWS, 1
    sentence = jax.random.randint(sentence_key, shape, 0, len(text.start))
    start, length = text.start[sentence], text.length[sentence]
    place = jax.random.randint(place_key, shape, 0, length)
    radius = jax.random.randint(radius_key, shape, 1, WINDOW + 1)
    near = place + OFFSETS
    inside = (radius >= np.abs(OFFSETS)) & (near >= 0) & (near < length)
    outside = text.ids[start + jnp.clip(near, 0, length - 1)]
    centre = jnp.broadcast_to(text.ids[start + place], outside.shape)
    weight = (inside & (outside != centre)) / WINDOWS
    pairs = steps, WINDOWS * len(OFFSETS)
    return Pairs(
        centre.reshape(pairs),
        outside.reshape(*pairs, 1),
        noise.draw(noise_key, text.noise, (*pairs, NEGATIVES)),
        weight.reshape(*pairs, 1),
    )


def loss(tables: Tables, pairs: Pairs) -> Float[Array, ""]:
    """The mean loss of a step's windows; a pair with negatives of its own is a window of one."""
    V, U = tables
    rows = V[pairs.centre], U[pairs.outside], U[pairs.negatives]
    return jnp.sum(over_windows(skipgram.loss)(*rows, pairs.weight))


def by_hand(tables: Tables, pairs: Pairs) -> tuple[Array, Tables]:
    """The loss and its gradient, rows by hand and tables by scatter-add."""
    V, U = tables
    rows = V[pairs.centre], U[pairs.outside], U[pairs.negatives]
    losses, (d_v, d_o, d_neg) = over_windows(skipgram.loss_and_grads)(*rows, pairs.weight)
    ids = jnp.concatenate([pairs.outside, pairs.negatives], axis=1)
    d_u = jnp.concatenate([d_o, d_neg], axis=1)
    return jnp.sum(losses), Tables(
        whole_table(RowGrads(pairs.centre, d_v), V),
        whole_table(RowGrads(ids.reshape(-1), d_u.reshape(-1, d_u.shape[-1])), U),
    )


GRADIENTS: dict[str, Gradient] = {"by hand": by_hand, "autodiff": jax.value_and_grad(loss)}


def start(key: Array, vocab: int) -> Tables:
    """The course's start: V uniform in ±1/(2 dim), U zero."""
    V = jax.random.uniform(key, (vocab, DIM), minval=-0.5 / DIM, maxval=0.5 / DIM)
    return Tables(V, jnp.zeros_like(V))


def train(text: Text, gradient: Gradient, *, seed: int, iterations: int) -> tuple[Tables, Array]:
    """The tables after so many iterations, a multiple of `CHUNK`, and the loss of each."""
    start_key, key = jax.random.split(jax.random.key(seed))
    tables = start(start_key, len(text.noise.cumulative))
    state = State(tables, OPTIMIZER.init(tables))
    losses = []
    for chunk in range(iterations // CHUNK):
        state, found = _chunk(state, jax.random.fold_in(key, chunk), text, gradient)
        losses.append(found)
    return state.tables, jnp.concatenate(losses)


@partial(jax.jit, static_argnames="gradient", donate_argnums=0)
def _chunk(state: State, key: Array, text: Text, gradient: Gradient) -> tuple[State, Array]:
    def step(state: State, pairs: Pairs) -> tuple[State, Array]:
        tables, opt_state = state
        value, grads = gradient(tables, pairs)
        updates, opt_state = OPTIMIZER.update(grads, opt_state, tables)
        tables = cast(Tables, optax.apply_updates(tables, updates))
        return State(tables, opt_state), value

    return jax.lax.scan(step, state, draw(key, text, CHUNK))
