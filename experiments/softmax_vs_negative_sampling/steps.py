"""A step of each loss, compiled on its own: a block's loss and gradients, then plain SGD."""

from collections.abc import Callable
from itertools import cycle
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from costs import memory
from jaxtyping import Array
from timing import SENTENCE, corpus

from jw2v import Config
from jw2v.blocks import naive_softmax, negative_sampling, noise
from jw2v.blocks.kernel import Kernel
from jw2v.blocks.tables import Tables
from jw2v.blocks.windows import Block
from jw2v.corpus import Corpus

CONFIG = Config(group=16)
BLOCKS = 256  # blocks of text that take turns, so that a step does not find its rows in a cache
RATE = 1e-4  # small: the blocks come round again and again


class Step(NamedTuple):
    """A compiled step, and a call that takes it, each time on another block of text."""

    program: jax.stages.Compiled
    call: Callable[[], Any]


class Sizes(NamedTuple):
    """Of a step."""

    vocab: int
    block: int
    dim: int
    window: int


def beyond_tables(program: jax.stages.Compiled) -> int:
    """Bytes of a step's arguments and temporaries but for the tables, which it is given to keep."""
    sizes = memory(program)
    return sizes.argument_size_in_bytes + sizes.temp_size_in_bytes - sizes.alias_size_in_bytes


def steps(sizes: Sizes) -> dict[str, Step]:
    """The steps by the name of their loss."""
    text = corpus(sizes.vocab)
    sampling = negative_sampling.kernel(negatives=CONFIG.negatives, tile=CONFIG.tile_size)
    drawn = sizes.block // CONFIG.group_size, CONFIG.group_negatives
    return {
        "naive softmax": _step(naive_softmax.kernel(), (1, 0), text, sizes),
        "negative sampling": _step(sampling, drawn, text, sizes),
    }


def _step(kernel: Kernel, drawn: tuple[int, int], text: Corpus, sizes: Sizes) -> Step:
    """The step of a kernel, for which so many negatives are drawn: groups, negatives of each."""

    def step(
        tables: Tables, ids: Array, sentence: Array, key: Array, law: noise.Table
    ) -> tuple[Tables, Array]:
        width = jnp.full(sizes.block, sizes.window)
        block = Block(ids, sentence, width, noise.draw(key, law, drawn))
        centre, outside = kernel.ids(block)
        rows = slice(None) if outside is None else outside
        assert kernel.loss_and_grads is not None
        loss, grads = kernel.loss_and_grads(tables.V[centre], tables.U[rows], block)
        # Without the barrier XLA fuses the update into the scatter and copies the table.
        d_v, d_u = jax.lax.optimization_barrier(jax.tree.map(lambda d: -RATE * d, grads))
        return Tables(tables.V.at[centre].add(d_v), tables.U.at[rows].add(d_u)), loss

    halo = sizes.block + 2 * sizes.window
    blocks = [jnp.asarray(text.train.ids[i * sizes.block :][:halo]) for i in range(BLOCKS)]
    keys = list(jax.random.split(jax.random.key(0), BLOCKS))
    inputs = cycle(zip(blocks, keys, strict=True))
    sentence = jnp.arange(halo) // SENTENCE
    law = noise.table(text.vocab.counts, exponent=CONFIG.ns_exponent)
    V = jax.random.uniform(jax.random.key(1), (sizes.vocab, sizes.dim), jnp.float32, -0.5, 0.5)
    state = [Tables(V, jnp.zeros_like(V))]
    jitted = jax.jit(step, donate_argnums=0)
    ids, key = next(inputs)
    program = jitted.lower(state[0], ids, sentence, key, law).compile()

    def call() -> Array:
        ids, key = next(inputs)
        state[0], loss = program(state[0], ids, sentence, key, law)
        return loss

    return Step(program, call)
