"""The shared generators: generic points, coincidence patterns of ids, blocks of text.

Sizes are pairwise distinct, so that a transpose or a sum over the wrong axis changes a shape.
Compiles cost more than samples: properties draw seeds and small grids of sizes, never shapes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from jax.typing import DTypeLike

from jw2v.blocks.windows import Block, Paths

VOCAB, DIM, NEG, CTX = 11, 5, 3, 4


class Sizes(NamedTuple):
    dim: int
    neg: int
    ctx: int


seeds = st.integers(0, 999)
sizes = st.sampled_from([Sizes(DIM, NEG, CTX), Sizes(1, 2, 6), Sizes(7, 1, 2)])

# The switch to float64 is a function's fixture; that the examples of one test share it is meant.
few = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def normal(seed: int, *shape: int, dtype: DTypeLike = "float64") -> jax.Array:
    """A generic point, signs mixed: never U = 0, where half of all wrong gradients are right."""
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), dtype)


def uniform(seed: int, *shape: int, dtype: DTypeLike = "float64") -> jax.Array:
    """Weights in (0.2, 1)."""
    return jnp.asarray(np.random.default_rng(seed).uniform(0.2, 1, shape), dtype)


def ids(seed: int, *shape: int, vocab: int = VOCAB) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).integers(0, vocab, shape), jnp.int32)


def set_partitions(n: int) -> list[tuple[int, ...]]:
    """Every way n places can coincide, as restricted growth strings: Bell(n) of them."""
    partitions: list[tuple[int, ...]] = [()]
    for _ in range(n):
        partitions = [(*p, new) for p in partitions for new in range(max(p, default=-1) + 2)]
    return partitions


def coincidences(n: int, *, seed: int = 0, vocab: int = VOCAB) -> np.ndarray:
    """Ids `[Bell(n), n]`, one row a pattern, each row with distinct words of its own."""
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(vocab)[list(p)] for p in set_partitions(n)], np.int32)


def block(
    seed: int,
    *,
    size: int,
    window: int,
    groups: int,
    neg: int,
    vocab: int = VOCAB,
    drawn_widths: bool = False,
) -> Block:
    """Text with sentence ends and repeated words, padded before its start and after its end."""
    rng = np.random.default_rng(seed)
    halo = size + 2 * window
    sentence = np.cumsum(rng.random(halo) < 0.2)
    sentence[:1] = sentence[halo - window - 1 :] = -1  # the last centre is no word
    width = rng.integers(1, window + 1, size) if drawn_widths else np.full(size, window)
    return Block(
        jnp.asarray(rng.integers(0, vocab, halo), jnp.int32),
        jnp.asarray(sentence, jnp.int32),
        jnp.asarray(width, jnp.int32),
        jnp.asarray(rng.integers(0, vocab, (groups, neg)), jnp.int32),
    )


def with_ways(block: Block, *, vocab: int = VOCAB, depth: int = 4) -> Block:
    """The block with a way to each of its centres, of 1 to `depth` nodes, as of no real tree."""
    rng = np.random.default_rng(7)
    nodes = rng.integers(0, vocab, (vocab, depth))
    sides = rng.choice([-1, 1], (vocab, depth))
    sides[np.arange(depth)[None, :] >= rng.integers(1, depth + 1, vocab)[:, None]] = 0
    centres = block.ids[block.centres]
    ways = (jnp.asarray(x, jnp.int32)[centres] for x in (nodes, sides))
    return block._replace(paths=Paths(*ways))
