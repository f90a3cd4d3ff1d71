"""Skip-gram with naive softmax over a block: every centre scores the whole vocabulary once.

The pairs of a centre r share its scores, so with p_r = Σ_j ω_rj the weight of its pairs:

    J = Σ_r Σ_j ω_rj (log Z_r − s_{r,o_j}),      s_r = U v_r,   log Z_r = log Σ_w exp(s_rw)
    e_rw = ∂J/∂s_rw = p_r ŷ_rw − Σ_{j: o_j = w} ω_rj           (b) and (c), summed over pairs
    ∂J/∂v_r = Uᵀ e_r,            ∂J/∂U = Σ_r e_r v_rᵀ

The gradient of U is a whole table by nature (part (d)): O(block · vocab · dim) a block.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, WindowWeights, contexts, pairs

HIGHEST = jax.lax.Precision.HIGHEST


def kernel(*, weights: WindowWeights = "linear") -> Kernel:
    """The kernel of skip-gram with naive softmax; `weights` is the window's weight law."""

    def ids(block: Block) -> RowIds:
        return RowIds(block.ids[block.centres], None)

    def log_softmax(v: Array, U: Array) -> Array:
        return jax.nn.log_softmax(jnp.matmul(v, U.T, precision=HIGHEST), axis=-1)

    def loss(v: Array, U: Array, block: Block) -> Float[Array, ""]:
        (v,) = as_gathered(v)
        o, omega = contexts(block, weights=weights, dtype=v.dtype)
        return -jnp.sum(omega * jnp.take_along_axis(log_softmax(v, U), o, axis=-1))

    def loss_and_grads(v: Array, U: Array, block: Block):
        (v,) = as_gathered(v)
        o, omega = contexts(block, weights=weights, dtype=v.dtype)
        log_y_hat = log_softmax(v, U)
        rows = jnp.arange(v.shape[0])[:, None]
        err = (omega.sum(-1, keepdims=True) * jnp.exp(log_y_hat)).at[rows, o].add(-omega)
        value = -jnp.sum(omega * jnp.take_along_axis(log_y_hat, o, axis=-1))
        d_v = jnp.matmul(err, U, precision=HIGHEST)
        d_U = jnp.matmul(err.T, v, precision=HIGHEST)
        return value, (d_v, d_U)

    return Kernel(ids, loss, loss_and_grads, partial(pairs, weights=weights))
