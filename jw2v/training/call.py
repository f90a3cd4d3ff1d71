"""One call to the device: many steps in a loop, their negatives and widths drawn at once."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jw2v.blocks import noise
from jw2v.blocks.in_batch import with_ratio
from jw2v.blocks.kernel import Kernel
from jw2v.blocks.subwords import spelt
from jw2v.blocks.tables import Tables
from jw2v.blocks.windows import Block, draw_widths, with_totals
from jw2v.losses.record import Loss
from jw2v.training.config import Config
from jw2v.training.lookups import Lookups
from jw2v.training.pieces import Room
from jw2v.training.state import TrainState
from jw2v.training.step import Step, StepInfo

MEAN_OF = 2048
"""Rows of U that their mean is taken of, for a call; of all it would take a tenth of its time."""


class Text(NamedTuple):
    """The text of a call; see `jw2v.training.feed.Feed`."""

    ids: Int[Array, " text"] | Int[np.ndarray, " text"]
    sentence: Int[Array, " text"] | Int[np.ndarray, " text"]
    blocks: Int[Array, ""] | None  # that hold words; None: all of them
    room: Room | None = None  # for the pieces of each block's words


def negatives_shape(config: Config, loss: Loss | None) -> tuple[int, int]:
    """Groups of centres a block, and negatives drawn for each.

    A loss of the user's own is given exactly `negatives` rows, drawn afresh for every window;
    a softmax is given none.
    """
    if loss is not None:
        return config.block_size, config.negatives
    if config.loss == "naive_softmax":
        return 1, 0
    groups = config.block_size // config.group_size
    has_draws = config.loss == "negative_sampling" and not config.in_batch
    return groups, config.group_negatives if has_draws else 0


def draw_blocks(
    key: Array,
    text: Text,
    lookups: Lookups,
    *,
    config: Config,
    negatives: tuple[int, int],
) -> Block:
    """The blocks of a call, stacked over a leading axis, with their random draws.

    No key is split inside the loop over blocks: XLA would run that as many small loops a step.
    """
    calls, size, window = config.call_blocks, config.block_size, config.window
    neg_key, width_key = jax.random.split(key)
    at = jnp.arange(calls)[:, None] * size + jnp.arange(size + 2 * window)[None, :]
    ids = text.ids[at]
    centres = ids[:, window : window + size]
    pieces = None
    if lookups.spelling is not None:
        assert text.room is not None
        first, room = map(jnp.asarray, text.room)
        pieces = jax.vmap(spelt, (None, 0, 0, None))(lookups.spelling, ids, first, room)
    blocks = Block(
        ids,
        text.sentence[at],
        draw_widths(width_key, (calls, size), window, config.weights),
        noise.draw(neg_key, lookups.noise, (calls, *negatives)),
        paths=jax.tree.map(lambda by_word: by_word[centres], lookups.tree),
        pieces=pieces,
    )
    blocks = jax.vmap(partial(with_totals, weights=config.weights))(blocks)
    if lookups.ratio is None:
        return blocks
    return jax.vmap(with_ratio, (0, None))(blocks, lookups.ratio)


def with_mean(key: Array, blocks: Block, U: Float[Array, "vocab dim"], lookups: Lookups) -> Block:
    """The blocks of a call with the mean of U's rows over the noise law, as they are before it."""
    mean = jnp.mean(U[noise.draw(key, lookups.noise, (MEAN_OF,))], axis=0)
    return blocks._replace(mean=jnp.broadcast_to(mean, (len(blocks.ids), len(mean))))


def run_steps(
    step: Step, state: TrainState, blocks: Block, count: Int[Array, ""] | None, *, loss_every: int
) -> tuple[TrainState, StepInfo]:
    """Take the first `count` blocks' steps; the loss is summed over every `loss_every`-th.

    Where `count` is None all blocks are taken, in loops whose length the program knows: an
    accelerator then asks the host nothing between two steps.
    """
    step = jax.jit(step, inline=True)  # traced once for both loops
    known = count is None and blocks.width.shape[0] % loss_every == 0
    many = blocks.width.shape[0] if count is None else count

    def at(i: Int[Array, ""]) -> Block:
        return jax.tree.map(lambda x: jax.lax.dynamic_index_in_dim(x, i, keepdims=False), blocks)

    def measured_then_rest(i: Int[Array, ""], carry: tuple[TrainState, StepInfo]):
        state, total = carry
        first = i * loss_every
        state, info = step(state, at(first))
        total = StepInfo(total.loss + info.loss, total.pairs + info.pairs)
        if loss_every > 1:  # else the step would be compiled twice for nothing
            more = loss_every if known else jnp.minimum(loss_every, many - first)
            state = jax.lax.fori_loop(1, more, lambda j, s: step(s, at(first + j))[0], state)
        return state, total

    zero = jnp.zeros((), state.tables.V.dtype)
    start = (state, StepInfo(zero, jnp.zeros((), jnp.float32)))
    return jax.lax.fori_loop(0, -(-many // loss_every), measured_then_rest, start)


def summed_loss(
    kernel: Kernel, tables: Tables, blocks: Block, count: Int[Array, ""], *, config: Config
) -> StepInfo:
    """The summed loss of the first `count` blocks, the tables left as they are."""

    def add(i: Int[Array, ""], total: StepInfo) -> StepInfo:
        block = jax.tree.map(lambda x: jax.lax.dynamic_index_in_dim(x, i, keepdims=False), blocks)
        ids = kernel.ids(block)
        u = tables.U if ids.outside is None else tables.U[ids.outside]
        loss = kernel.loss(tables.V[ids.centre], u, block)
        return StepInfo(total.loss + loss, total.pairs + kernel.terms(block))

    zero = jnp.zeros((), tables.V.dtype)
    return jax.lax.fori_loop(0, count, add, StepInfo(zero, jnp.zeros((), jnp.float32)))
