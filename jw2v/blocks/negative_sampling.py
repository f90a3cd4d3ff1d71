"""Skip-gram with negative sampling over a block: matrix products on tiles.

The windows of `chunk` consecutive centres are one tile of chunk × (chunk + 2 window) scores, ω
masking what no window holds; the negatives are shared by `group` consecutive centres, N rows each,
weighted λ = K/N (see `jw2v.losses.negative_sampling`). With r indexing centres, o the columns of a
tile and n the negatives of a group:

    J = −Σ ω_ro log σ(s_ro) − Σ ν_rn log σ(−s_rn),       s_ro = v_r·u_o,  s_rn = v_r·u_n,
                                                          ν_rn = λ Σ_o ω_ro
    e_ro = ∂J/∂s_ro = −ω_ro σ(−s_ro)                      as in (f), pair by pair
    e_rn = ∂J/∂s_rn =  ν_rn σ(s_rn)

    ∂J/∂v_r = Σ_o e_ro u_o + Σ_n e_rn u_n
    ∂J/∂u_o = Σ_r e_ro v_r,        ∂J/∂u_n = Σ_r e_rn v_r

Each table is gathered once and scattered once a block, whatever the tiles share.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, WindowWeights, band

CHUNK = 16  # centres a tile: 26 columns at window 5; on one core 32 was 10 % slower


def kernel(
    *, negatives: int, weights: WindowWeights = "linear", operands: str | None = None
) -> Kernel:
    """The kernel of skip-gram with negative sampling.

    Args:
      negatives: K, the negatives a pair counts with.
      weights: the window's weight law.
      operands: dtype of the operands of matrix products, such as "bfloat16"; None keeps the
        tables' own. Sums are kept in the tables' dtype either way.

    Returns:
      The kernel, which gathers the block's centres from V and (tiles, then negatives) from U.
    """

    def product(spec: str, a: Array, b: Array) -> Array:
        a, b, out = (
            (a.astype(operands), b.astype(operands), "float32") if operands else (a, b, None)
        )
        return jnp.einsum(
            spec, a, b, precision=jax.lax.Precision.HIGHEST, preferred_element_type=out
        )

    def tiles(v: Array, u: Array, block: Block):
        """The rows by tile and group, ω with a tile's columns first, and ν."""
        groups, shared = block.neg_ids.shape
        size, dim = v.shape
        chunk = math.gcd(size, CHUNK)
        _, omega = band(block, chunk=chunk, weights=weights, dtype=v.dtype)
        chunks, _, columns = omega.shape
        u_band = u[: chunks * columns].reshape(chunks, columns, dim)
        u_neg = u[chunks * columns :].reshape(groups, shared, dim)
        nu = (negatives / shared) * omega.sum(-1).reshape(groups, size // groups, 1)
        v_tile = v.reshape(chunks, chunk, dim)
        v_group = v.reshape(groups, size // groups, dim)
        rows = as_gathered(v_tile, v_group, u_band, u_neg)
        return *rows, jnp.swapaxes(omega, -1, -2), nu

    def ids(block: Block) -> RowIds:
        size = block.width.shape[0]
        columns, _ = band(block, chunk=math.gcd(size, CHUNK), weights=weights, dtype=jnp.float32)
        outside = jnp.concatenate([columns.reshape(-1), block.neg_ids.reshape(-1)])
        return RowIds(block.ids[block.centres], outside)

    def scores(v_tile: Array, v_group: Array, u_band: Array, u_neg: Array) -> tuple[Array, Array]:
        """Those of the band with its columns first, those of the negatives with the centres."""
        return product("cod,crd->cor", u_band, v_tile), product("grd,gnd->grn", v_group, u_neg)

    def loss(v: Array, u: Array, block: Block) -> Float[Array, ""]:
        v_tile, v_group, u_band, u_neg, omega, nu = tiles(v, u, block)
        return _value(*scores(v_tile, v_group, u_band, u_neg), omega, nu)

    def loss_and_grads(v: Array, u: Array, block: Block):
        v_tile, v_group, u_band, u_neg, omega, nu = tiles(v, u, block)
        score, score_neg = scores(v_tile, v_group, u_band, u_neg)
        err = -omega * jax.nn.sigmoid(-score)
        err_neg = nu * jax.nn.sigmoid(score_neg)
        d_v = product("cro,cod->crd", _transposed(err), u_band).reshape(v.shape)
        d_v += product("grn,gnd->grd", err_neg, u_neg).reshape(v.shape)
        d_u_band = product("cor,crd->cod", err, v_tile)
        d_u_neg = product("gnr,grd->gnd", _transposed(err_neg), v_group)
        d_u = jnp.concatenate([d_u_band.reshape(-1, v.shape[1]), d_u_neg.reshape(-1, v.shape[1])])
        value = _value(score, score_neg, omega, nu)
        return value, (d_v, d_u)

    return Kernel(ids, loss, loss_and_grads)


def _value(score: Array, score_neg: Array, omega: Array, nu: Array) -> Float[Array, ""]:
    positive = jnp.sum(omega * jax.nn.log_sigmoid(score))
    return -positive - jnp.sum(nu * jax.nn.log_sigmoid(-score_neg))


def _transposed(err: Array) -> Array:
    # XLA folds a plain transpose into the product, whose transposed-left form is the slow one.
    return jax.lax.optimization_barrier(jnp.swapaxes(err, -1, -2))
