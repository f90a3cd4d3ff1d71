"""The windows of a block: which outside words a centre word has, and with what weight.

A block is `block` consecutive centre words with `window` more on either side, the halo. A pair at
distance d has a weight ω; it is 0 across a sentence's end, beyond the window and at d = 0:

    "linear"   ω = (window − d + 1) / window    the mean over drawn widths, drawn no more
    "dynamic"  ω = 1 where d ≤ b, b drawn uniformly from 1 … window for each centre (word2vec.c)
    "fixed"    ω = 1

Since P(d ≤ b) = (window − d + 1) / window, "linear" is the expectation of "dynamic" and gives
the expected gradient at no variance. Both have window + 1 expected pairs a centre word.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int

from jw2v.losses.cbow import counts

WindowWeights = Literal["linear", "dynamic", "fixed"]


class Paths(NamedTuple):
    """Ways through a binary tree, one a word: which inner node, and to which side from there."""

    nodes: Int[Array, "word depth"]  # rows of U; any where the way is over
    sides: Int[Array, "word depth"]  # 1 or -1, the child that is taken; 0 where the way is over


class Pieces(NamedTuple):
    """Rows of V that the words of a block are made of, once each word, in any order."""

    rows: Int[Array, " pieces"]
    place: Int[Array, " pieces"]  # where its word stands first in the block's halo
    share: Float[Array, " pieces"]  # what the row counts in its word; 0 where there is no piece
    first: Int[Array, " halo"]  # where the word of each place stands first


class Block(NamedTuple):
    """What one step is given; `halo` = block + 2 window."""

    ids: Int[Array, " halo"]
    sentence: Int[Array, " halo"]  # number of the word's sentence, -1 where there is no word
    width: Int[Array, " block"]  # half-width of each centre's window, 1 … window
    neg_ids: Int[Array, "group neg"]  # words sampled for each group of centres
    paths: Paths | None = None  # of the centres, for hierarchical softmax
    pieces: Pieces | None = None  # of all words, where they are made of n-grams
    total: Int[Array, " block"] | None = None  # of ω over each centre's window, in 1/window
    ratio: Float[Array, " halo"] | None = None  # ρ of each word as an in-batch negative
    mean: Float[Array, " dim"] | None = None  # of U's rows over the noise law

    @property
    def window(self) -> int:
        """Half-width of the halo."""
        return (self.ids.shape[0] - self.width.shape[0]) // 2

    @property
    def centres(self) -> slice:
        """Where the centre words stand in `ids`."""
        return slice(self.window, self.window + self.width.shape[0])

    @property
    def group(self) -> int:
        """Centre words that share negatives."""
        return self.width.shape[0] // self.neg_ids.shape[0]

    def negatives(self, parts: int) -> Int[Array, "parts neg"]:
        """The negatives of each of so many equal parts of the block, each within one group."""
        return jnp.repeat(self.neg_ids, parts // self.neg_ids.shape[0], axis=0)


def draw_widths(
    key: Array, shape: tuple[int, ...], window: int, weights: WindowWeights
) -> Int[Array, "..."]:
    """Half-widths of windows: uniform in 1 … window for "dynamic", else `window`.

    >>> print(draw_widths(jax.random.key(0), (4,), 5, "fixed"))
    [5 5 5 5]
    """
    if weights == "dynamic":
        return jax.random.randint(key, shape, 1, window + 1, jnp.int32)
    return jnp.full(shape, window, jnp.int32)


def pair_weight(
    distance: Int[Array, "*pairs"],
    width: Int[Array, "*pairs"],
    same_sentence: Bool[Array, "*pairs"],
    *,
    window: int,
    weights: WindowWeights,
    dtype: DTypeLike,
) -> Float[Array, "*pairs"]:
    """ω of pairs at a distance (see the module); 0 where `same_sentence` is false.

    Args:
      distance: |position of the outside word − position of the centre word|.
      width: the centre's half-width.
      same_sentence: whether both are words of one sentence.
      window: the largest half-width.
      weights: the law.
      dtype: of the result.

    >>> d = jnp.arange(5)
    >>> print(pair_weight(d, jnp.full(5, 4), d < 9, window=4, weights="linear", dtype="float32"))
    [0.   1.   0.75 0.5  0.25]
    """
    inside = same_sentence & (distance > 0) & (distance <= width)
    omega = jnp.asarray(_parts(distance, window=window, weights=weights)).astype(dtype) / window
    return jnp.where(inside, omega, 0)


def _parts(distance: Any, *, window: int, weights: WindowWeights) -> Any:
    """ω within the window, in 1/window."""
    return window + 1 - distance if weights == "linear" else window


def with_totals(block: Block, *, weights: WindowWeights) -> Block:
    """The block with the sum of ω over each centre's window, in 1/window: whole numbers, so exact.

    A kernel can sum ω itself; for all blocks of a call at once a processor does so sooner.

    >>> block = Block(*(jnp.zeros(n, int) for n in (9, 9)), jnp.full(5, 2), jnp.zeros((1, 1), int))
    >>> print(with_totals(block, weights="linear").total)
    [6 6 6 6 6]
    """
    window, size = block.window, block.width.shape[0]
    here = block.sentence[block.centres]
    total = jnp.zeros(size, jnp.int32)
    for distance in range(1, window + 1):
        part = _parts(distance, window=window, weights=weights)
        for first in (window - distance, window + distance):
            same = (block.sentence[first : first + size] == here) & (here >= 0)
            total += jnp.where(same & (distance <= block.width), part, 0)
    return block._replace(total=total)


def pairs_per_centre(window: int, weights: WindowWeights) -> int:
    """The expected sum of ω over a centre's window, far from a sentence's end.

    >>> pairs_per_centre(5, "linear"), pairs_per_centre(5, "fixed")
    (6, 10)
    """
    return 2 * window if weights == "fixed" else window + 1


def contexts(
    block: Block, *, weights: WindowWeights, dtype: DTypeLike
) -> tuple[Int[Array, "block ctx"], Float[Array, "block ctx"]]:
    """Outside ids and weights of every window, `ctx` = 2 window, one row a centre word."""
    window, block_size = block.window, block.width.shape[0]
    offsets = jnp.concatenate([jnp.arange(-window, 0), jnp.arange(1, window + 1)])
    centre = jnp.arange(block_size)[:, None] + window
    at = centre + offsets[None, :]
    same = (block.sentence[at] == block.sentence[centre]) & (block.sentence[centre] >= 0)
    distance = jnp.broadcast_to(jnp.abs(offsets)[None, :], at.shape)
    width = jnp.broadcast_to(block.width[:, None], at.shape)
    weight = pair_weight(distance, width, same, window=window, weights=weights, dtype=dtype)
    return block.ids[at], weight


def band(
    block: Block, *, chunk: int, weights: WindowWeights, dtype: DTypeLike
) -> tuple[Int[Array, "chunks columns"], Float[Array, "chunks columns chunk"]]:
    """The windows as a band of dense tiles, for kernels that multiply matrices.

    Args:
      block: the block; `block` must be a multiple of `chunk`.
      chunk: centre words a tile.
      weights: the weight law.
      dtype: of the weights.

    Returns:
      Outside ids of each tile, `columns` = chunk + 2 window consecutive words, and ω of each
      (column, centre) of a tile.
    """
    window, block_size = block.window, block.width.shape[0]
    chunks, columns = block_size // chunk, chunk + 2 * window
    column, row = jnp.arange(columns)[:, None], jnp.arange(chunk)[None, :]
    at = jnp.arange(chunks)[:, None] * chunk + column.T  # [chunks, columns]
    centre_sentence = block.sentence[block.centres].reshape(chunks, 1, chunk)
    same = (block.sentence[at][:, :, None] == centre_sentence) & (centre_sentence >= 0)
    distance = jnp.broadcast_to(jnp.abs(column - window - row)[None], same.shape)
    width = jnp.broadcast_to(block.width.reshape(chunks, 1, chunk), same.shape)
    weight = pair_weight(distance, width, same, window=window, weights=weights, dtype=dtype)
    return block.ids[at], weight


def windows(block: Block, *, weights: WindowWeights) -> Float[Array, ""]:
    """How many of a block's windows hold a word, the divisor of a mean loss per window."""
    return jnp.sum(counts(contexts(block, weights=weights, dtype=jnp.float32)[1]))


def pairs(block: Block, *, weights: WindowWeights) -> Float[Array, ""]:
    """The summed weight of a block's pairs, the divisor of a mean loss per pair."""
    return jnp.sum(contexts(block, weights=weights, dtype=jnp.float32)[1])
