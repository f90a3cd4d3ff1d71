"""The words around predict the centre: CBOW, and skip-gram in reverse, as matrix products on tiles.

A tile (`jw2v.blocks.tiles`) is a number of consecutive centres c, and the words of the text around
them, `tile` + 2 window input vectors v_j, of which its rows are made:

    each alone   h_j = v_j,               W_jc = ω_jc         skip-gram in reverse
    in a bag     h_c = Σ_j a_cj v_j,      W_cc = held_c       CBOW, a of `jw2v.losses.cbow`

with held_c = 0 where a window holds no word. Its columns are what the centres are told by:

    negatives    u_c of each centre, counting W_rc, and the N negatives of its group,
                 counting λ Σ_c W_rc,      λ = K/N
    a tree       the nodes n on the way to each centre, counting W_rc, y = −s_cn

    J = Σ_r Σ_columns w log(1 + exp(y u·h_r)),       ∂J/∂v_j = Σ_r a_rj ∂J/∂h_r

Words around come from V, columns from U; each table is gathered once and scattered once a block.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jw2v.blocks import tiles
from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, WindowWeights, band, pairs, windows
from jw2v.losses.cbow import counts, given, shares
from jw2v.losses.negative_sampling import EXACT, Sigmoid

Omega = Float[Array, "tile word centre"]
Shared = Float[Array, "tile row centre"]


class Rows(NamedTuple):
    """How a tile's rows are made of the words around.

    Attributes:
      made: (v `[tile, word, dim]`, ω, product) to h `[tile, row, dim]`.
      back: (∂J/∂h, ω, product) to ∂J/∂v.
      weight: ω to W, what each row counts with each centre.
      terms: the block to the summed weight of its losses.
      alone: whether row c has to do with centre c alone.
    """

    made: Callable[[Array, Omega, tiles.Products], Array]
    back: Callable[[Array, Omega, tiles.Products], Array]
    weight: Callable[[Omega], Shared]
    terms: Callable[..., Float[Array, ""]]
    alone: bool


class Columns(NamedTuple):
    """What rows are scored against.

    Attributes:
      ids: the block and its centres `[tile, centre]` to rows of U, tile by tile.
      weight: (W, the block, whether rows are alone) to w `[tile, column, row]` and
        y `[tile, column, 1]`.
    """

    ids: Callable[[Block, Int[Array, "tile centre"]], Int[Array, "..."]]
    weight: Callable[[Shared, Block, bool], tuple[Array, Array]]


EACH = Rows(lambda v, omega, _: v, lambda d_h, omega, _: d_h, lambda omega: omega, pairs, False)


def bag(*, mean: bool = True, word2vec: bool = False) -> Rows:
    """One row a centre, the words around it averaged or summed.

    Args:
      mean: average them; else sum them.
      word2vec: in the place of the gradient by hand the update of word2vec.c, which is none.
    """

    def made(v: Array, omega: Omega, product: tiles.Products) -> Array:
        return product("trj,tjd->trd", shares(tiles.transposed(omega), mean=mean), v)

    def back(d_h: Array, omega: Omega, product: tiles.Products) -> Array:
        part = given(tiles.transposed(omega), mean=mean, word2vec=word2vec)
        return product("tjr,trd->tjd", tiles.transposed(part), d_h)

    def weight(omega: Omega) -> Shared:
        held = counts(tiles.transposed(omega))[:, None, :]
        return jnp.eye(omega.shape[2], dtype=omega.dtype)[None] * held

    return Rows(made, back, weight, windows, True)


def negatives(count: int) -> Columns:
    """The centres, and the words drawn for their group, which count as `count` of each pair (K)."""

    def ids(block: Block, centres: Int[Array, "tile centre"]) -> Int[Array, "tile column"]:
        return jnp.concatenate([centres, block.negatives(len(centres))], axis=1)

    def weight(W: Shared, block: Block, alone: bool) -> tuple[Array, Array]:
        shared = block.neg_ids.shape[1]
        own = tiles.transposed(W)
        drawn = (count / shared) * jnp.sum(own, axis=1, keepdims=True)
        both = jnp.concatenate([own, jnp.repeat(drawn, shared, axis=1)], axis=1)
        return both, tiles.signs(both.shape[1], own.shape[1], W.dtype)

    return Columns(ids, weight)


def tree() -> Columns:
    """The inner nodes on the way to each centre; of rows alone, a tile for each centre."""

    def ids(block: Block, centres: Int[Array, "tile centre"]) -> Int[Array, "word depth"]:
        assert block.paths is not None
        return block.paths.nodes

    def weight(W: Shared, block: Block, alone: bool) -> tuple[Array, Array]:
        assert block.paths is not None
        size, depth = block.paths.sides.shape
        own = tiles.transposed(W)
        own = jnp.sum(own, axis=1).reshape(size, 1, 1) if alone else own
        sides = block.paths.sides.astype(W.dtype).reshape(len(own), -1, 1)
        return jnp.repeat(own, depth, axis=1) * jnp.abs(sides), -sides

    return Columns(ids, weight)


def kernel(
    *,
    rows: Rows,
    columns: Columns,
    weights: WindowWeights = "linear",
    tile: int | None = None,
    operands: str | None = None,
    by: Sigmoid = EXACT,
) -> Kernel:
    """The kernel of a model in which the words around predict the centre.

    Args:
      rows: how they do: `EACH` or `bag`.
      columns: what tells the centre: `negatives` or `tree`.
      weights: the window's weight law.
      tile: centres of a tile, which divide those of a group; by default all of them.
      operands: dtype of the operands of matrix products, such as "bfloat16"; None keeps the
        tables' own. Sums are kept in the tables' dtype either way.
      by: how σ and log(1 + eˣ) are computed.
    """
    product = tiles.Products(operands)
    how = {"product": product, "by": by}

    def around(block: Block, dtype: jnp.dtype) -> tuple[Array, Array]:
        """Ids of the words around each tile, and ω by (tile, word, centre)."""
        return band(block, chunk=tile or block.group, weights=weights, dtype=dtype)

    def ids(block: Block) -> RowIds:
        words, _ = around(block, jnp.dtype("float32"))
        centres = block.ids[block.centres].reshape(words.shape[0], -1)
        return RowIds(words.reshape(-1), columns.ids(block, centres).reshape(-1))

    def tiled(v: Array, u: Array, block: Block) -> tuple[Array, ...]:
        """h, columns, w, y and ω."""
        _, omega = around(block, v.dtype)
        weight, sign = columns.weight(rows.weight(omega), block, rows.alone)
        dim = v.shape[1]
        v, u = map(product.operand, (v, u))
        v, u = as_gathered(v.reshape(len(omega), -1, dim), u.reshape(len(weight), -1, dim))
        h = rows.made(v, omega, product)
        return h.reshape(len(weight), -1, dim), u, weight, sign, omega

    def loss(v: Array, u: Array, block: Block) -> Float[Array, ""]:
        h, u, weight, sign, _ = tiled(v, u, block)
        return tiles.loss(h, u, weight, sign, **how)

    def loss_and_grads(v: Array, u: Array, block: Block):
        h, columns_of, weight, sign, omega = tiled(v, u, block)
        value, (d_h, d_u) = tiles.loss_and_grads(h, columns_of, weight, sign, **how)
        d_h = d_h.reshape(len(omega), -1, v.shape[1])
        d_v = rows.back(d_h, omega, product)
        return value, (d_v.reshape(v.shape), d_u.reshape(u.shape))

    return Kernel(ids, loss, loss_and_grads, partial(rows.terms, weights=weights))
