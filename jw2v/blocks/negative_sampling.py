"""Skip-gram with negative sampling over a block: matrix products on tiles.

A tile (`jw2v.blocks.tiles`) is a number of consecutive centres, its rows, and all that they are
scored against, its columns: the words of the text around them, `tile` + 2 window, then the N
negatives drawn for the group of tiles that it is of. What a pair counts is its weight w_rj: ω of
the window law for words of the text, 0 where no window holds them, and λ Σ_j ω_rj for negatives,
λ = K/N (see `jw2v.losses.negative_sampling`).

Each table is gathered once and scattered once a block, whatever the tiles share.
"""

from functools import partial

import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.blocks import tiles
from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, WindowWeights, band, pairs
from jw2v.losses.negative_sampling import EXACT, Sigmoid


def kernel(
    *,
    negatives: int,
    weights: WindowWeights = "linear",
    tile: int | None = None,
    operands: str | None = None,
    by: Sigmoid = EXACT,
) -> Kernel:
    """The kernel of skip-gram with negative sampling.

    Args:
      negatives: K, the negatives a pair counts with.
      weights: the window's weight law.
      tile: centres of a tile, which divide those of a group; by default all of them.
      operands: dtype of the operands of matrix products, such as "bfloat16"; None keeps the
        tables' own. Sums are kept in the tables' dtype either way.
      by: how σ and log(1 + eˣ) are computed.

    Returns:
      The kernel, which gathers the block's centres from V and, tile by tile, columns from U.
    """
    product = tiles.Products(operands)
    how = {"product": product, "by": by}
    loss_of = partial(tiles.loss, **how)
    loss_and_grads_of = partial(tiles.loss_and_grads, **how)

    def tiled(v: Array, u: Array, block: Block) -> tuple[Array, ...]:
        """Rows, columns, w and y."""
        _, omega = band(block, chunk=tile or block.group, weights=weights, dtype=v.dtype)
        shared = block.neg_ids.shape[1]
        if block.total is None:
            total = jnp.sum(omega, axis=1, keepdims=True)
        else:
            total = block.total.reshape(len(omega), 1, -1).astype(v.dtype) / block.window
        nu = (negatives / shared) * total
        weight = jnp.concatenate([omega, jnp.repeat(nu, shared, axis=1)], axis=1)
        shaped = (product.operand(x).reshape(len(omega), -1, x.shape[1]) for x in (v, u))
        return *as_gathered(*shaped), weight, tiles.signs(weight.shape[1], omega.shape[1], v.dtype)

    def ids(block: Block) -> RowIds:
        chunk = tile or block.group
        columns, _ = band(block, chunk=chunk, weights=weights, dtype=jnp.float32)
        outside = jnp.concatenate([columns, block.negatives(len(columns))], axis=1)
        return RowIds(block.ids[block.centres], outside.reshape(-1))

    def loss(v: Array, u: Array, block: Block) -> Float[Array, ""]:
        return loss_of(*tiled(v, u, block))

    def loss_and_grads(v: Array, u: Array, block: Block):
        value, (d_v, d_u) = loss_and_grads_of(*tiled(v, u, block))
        return value, (d_v.reshape(v.shape), d_u.reshape(u.shape))

    return Kernel(ids, loss, loss_and_grads, partial(pairs, weights=weights))
