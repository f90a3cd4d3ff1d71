"""Skip-gram with negative sampling over a block: matrix products on tiles.

A tile is a group of consecutive centres r and all that they are scored against, its columns j: the
words of the text around them, `group` + 2 window, then the N negatives drawn for the group. What a
pair counts is its weight w_rj: ω of the window law for words of the text, 0 where no window holds
them, and λ Σ_j ω_rj for negatives, λ = K/N (see `jw2v.losses.negative_sampling`). With y_j = −1 for
words of the text and +1 for negatives,

    J = Σ_rj w_rj log(1 + exp(y_j s_rj)),                 s_rj = v_r·u_j
    e_rj = ∂J/∂s_rj = w_rj y_j σ(y_j s_rj)                as in (f), pair by pair
    ∂J/∂v_r = Σ_j e_rj u_j,        ∂J/∂u_j = Σ_r e_rj v_r

Each table is gathered once and scattered once a block, whatever the tiles share.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, WindowWeights, band
from jw2v.losses.negative_sampling import EXACT, Sigmoid


def kernel(
    *,
    negatives: int,
    weights: WindowWeights = "linear",
    operands: str | None = None,
    by: Sigmoid = EXACT,
) -> Kernel:
    """The kernel of skip-gram with negative sampling.

    Args:
      negatives: K, the negatives a pair counts with.
      weights: the window's weight law.
      operands: dtype of the operands of matrix products, such as "bfloat16"; None keeps the
        tables' own. Sums are kept in the tables' dtype either way.
      by: how σ and log(1 + eˣ) are computed.

    Returns:
      The kernel, which gathers the block's centres from V and, tile by tile, columns from U.
    """

    def product(spec: str, a: Array, b: Array) -> Array:
        a, b, out = (
            (a.astype(operands), b.astype(operands), "float32") if operands else (a, b, None)
        )
        return jnp.einsum(
            spec, a, b, precision=jax.lax.Precision.HIGHEST, preferred_element_type=out
        )

    def tiles(v: Array, u: Array, block: Block) -> tuple[Array, ...]:
        """Rows, w and y by tile; w and y with the columns first, as the scores are."""
        groups, shared = block.neg_ids.shape
        size, dim = v.shape
        _, omega = band(block, chunk=size // groups, weights=weights, dtype=v.dtype)
        nu = (negatives / shared) * jnp.sum(omega, axis=1, keepdims=True)
        weight = jnp.concatenate([omega, jnp.repeat(nu, shared, axis=1)], axis=1)
        sign = jnp.where(jnp.arange(weight.shape[1]) < omega.shape[1], -1, 1).astype(v.dtype)
        rows = as_gathered(v.reshape(groups, -1, dim), u.reshape(groups, -1, dim))
        return *rows, weight, sign[None, :, None]

    def ids(block: Block) -> RowIds:
        chunk = block.width.shape[0] // block.neg_ids.shape[0]
        columns, _ = band(block, chunk=chunk, weights=weights, dtype=jnp.float32)
        outside = jnp.concatenate([columns, block.neg_ids], axis=1)
        return RowIds(block.ids[block.centres], outside.reshape(-1))

    def loss(v: Array, u: Array, block: Block) -> Float[Array, ""]:
        v, u, weight, sign = tiles(v, u, block)
        return jnp.sum(weight * by.softplus(sign * product("tjd,trd->tjr", u, v)))

    def loss_and_grads(v: Array, u: Array, block: Block):
        shapes = v.shape, u.shape
        v, u, weight, sign = tiles(v, u, block)
        score = sign * product("tjd,trd->tjr", u, v)
        err = weight * sign * by.sigmoid(score)
        d_v = product("trj,tjd->trd", _transposed(err), u)
        d_u = product("tjr,trd->tjd", err, v)
        value = jnp.sum(weight * by.softplus(score))
        return value, (d_v.reshape(shapes[0]), d_u.reshape(shapes[1]))

    return Kernel(ids, loss, loss_and_grads)


def _transposed(err: Array) -> Array:
    # XLA folds a plain transpose into the product, whose transposed-left form is the slow one.
    return jax.lax.optimization_barrier(jnp.swapaxes(err, -1, -2))
