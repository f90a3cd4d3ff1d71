"""The continuous bag of words with negative sampling over a block: matrix products on tiles.

A tile (`jw2v.blocks.tiles`) is a group of consecutive centres. Its rows are their hidden vectors,
made of the words of the text around them, `group` + 2 window input vectors v_j; its columns are the
centres themselves, of which each row is scored against its own, and the N negatives of the group:

    h_r = Σ_j a_rj v_j           a of `jw2v.losses.cbow`
    J = Σ_r held_r (−log σ(u_r·h_r) − λ Σ_n log σ(−u_n·h_r)),       λ = K/N
    ∂J/∂v_j = Σ_r a_rj ∂J/∂h_r

with held_r = 0 where a window holds no word. Words around come from V, centres and negatives
from U; each table is gathered once and scattered once a block.
"""

from functools import partial

import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.blocks import tiles
from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, WindowWeights, band, windows
from jw2v.losses.cbow import counts, given, shares
from jw2v.losses.negative_sampling import EXACT, Sigmoid


def kernel(
    *,
    negatives: int,
    weights: WindowWeights = "linear",
    mean: bool = True,
    word2vec: bool = False,
    operands: str | None = None,
    by: Sigmoid = EXACT,
) -> Kernel:
    """The kernel of CBOW with negative sampling.

    Args:
      negatives: K, the negatives that a centre counts with.
      weights: the window's weight law.
      mean: average the words around; else sum them.
      word2vec: in the place of the gradient by hand the update of word2vec.c, which is none.
      operands: dtype of the operands of matrix products, such as "bfloat16"; None keeps the
        tables' own. Sums are kept in the tables' dtype either way.
      by: how σ and log(1 + eˣ) are computed.
    """
    product = tiles.products(operands)
    how = {"product": product, "by": by}

    def around(block: Block, dtype: jnp.dtype) -> tuple[Array, Array]:
        """Ids of the words around each tile, and ω by (tile, word, centre)."""
        chunk = block.width.shape[0] // block.neg_ids.shape[0]
        return band(block, chunk=chunk, weights=weights, dtype=dtype)

    def ids(block: Block) -> RowIds:
        columns, _ = around(block, jnp.dtype("float32"))
        centres = block.ids[block.centres].reshape(columns.shape[0], -1)
        scored = jnp.concatenate([centres, block.neg_ids], axis=1)
        return RowIds(columns.reshape(-1), scored.reshape(-1))

    def tiled(v: Array, u: Array, block: Block) -> tuple[Array, ...]:
        """Words around, columns, ω, w and y."""
        groups, shared = block.neg_ids.shape
        omega = tiles.transposed(around(block, v.dtype)[1])
        held = counts(omega)[:, None, :]
        own = jnp.eye(omega.shape[1], dtype=v.dtype)[None] * held
        drawn = jnp.repeat((negatives / shared) * held, shared, axis=1)
        weight = jnp.concatenate([own, drawn], axis=1)
        dim = v.shape[1]
        rows = as_gathered(v.reshape(groups, -1, dim), u.reshape(groups, -1, dim))
        return *rows, omega, weight, tiles.signs(weight.shape[1], omega.shape[1], v.dtype)

    def loss(v: Array, u: Array, block: Block) -> Float[Array, ""]:
        v, u, omega, *scored = tiled(v, u, block)
        h = product("trj,tjd->trd", shares(omega, mean=mean), v)
        return tiles.loss(h, u, *scored, **how)

    def loss_and_grads(v: Array, u: Array, block: Block):
        shapes = v.shape, u.shape
        v, u, omega, *scored = tiled(v, u, block)
        h = product("trj,tjd->trd", shares(omega, mean=mean), v)
        value, (d_h, d_u) = tiles.loss_and_grads(h, u, *scored, **how)
        part = tiles.transposed(given(omega, mean=mean, word2vec=word2vec))
        d_v = product("tjr,trd->tjd", part, d_h)
        return value, (d_v.reshape(shapes[0]), d_u.reshape(shapes[1]))

    return Kernel(ids, loss, loss_and_grads, partial(windows, weights=weights))
