"""Any window loss over a block: `vmap` over its windows, then scatter-add.

Slower than a kernel made for its loss (each window gathers rows of its own, 2 window + N of them),
and general: a loss of one pair or one window is all it asks for.
"""

from functools import partial
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, WindowWeights, contexts
from jw2v.losses import over_windows
from jw2v.losses.record import Loss
from jw2v.losses.skipgram import loss as skipgram_loss
from jw2v.losses.skipgram import loss_and_grads as skipgram_loss_and_grads


def over_window(loss: Loss) -> Loss:
    """A loss over a window: itself, or the skip-gram sum of a pair loss."""
    if loss.over == "window":
        return loss
    by_hand = partial(skipgram_loss_and_grads, pair=loss) if loss.loss_and_grads else None
    return Loss(partial(skipgram_loss, pair=loss), by_hand, over="window", wrt=loss.wrt)


def kernel(loss: Loss, *, weights: WindowWeights = "linear") -> Kernel:
    """The kernel of a loss of one pair or one window.

    Args:
      loss: of rows `(v_c, u_o | u_ctx, u_neg)`, each window being given the negatives of its
        group; or of `(v_c, o, U)` where `loss.wrt` leaves the ids out.
      weights: the window's weight law.

    Returns:
      The kernel. It gathers each window's centre from V, and from U its contexts and negatives
      (or the whole table).
    """
    window = over_window(loss)
    by_hand = window.loss_and_grads
    takes_ids = 1 not in loss.wrt
    arguments, join = (_with_table, _sum_table) if takes_ids else (_with_rows, _join_rows)
    shared = (2,) if takes_ids else ()

    def ids(block: Block) -> RowIds:
        return RowIds(block.ids[block.centres], None if takes_ids else _outside_ids(block))

    def block_loss(v: Array, u: Array, block: Block) -> Float[Array, ""]:
        return jnp.sum(over_windows(window.loss, shared=shared)(*arguments(v, u, block, weights)))

    def block_loss_and_grads(v: Array, u: Array, block: Block) -> Any:
        assert by_hand is not None
        losses, grads = over_windows(by_hand, shared=shared)(*arguments(v, u, block, weights))
        return jnp.sum(losses), join(*grads)

    return Kernel(ids, block_loss, block_loss_and_grads if by_hand else None)


def _negative_ids(block: Block) -> Array:
    groups = block.neg_ids.shape[0]
    return jnp.repeat(block.neg_ids, block.width.shape[0] // groups, axis=0)


def _outside_ids(block: Block) -> Array:
    o, _ = contexts(block, weights="fixed", dtype=jnp.float32)
    return jnp.concatenate([o.reshape(-1), _negative_ids(block).reshape(-1)])


def _with_rows(v: Array, u: Array, block: Block, weights: WindowWeights) -> tuple[Array, ...]:
    _, omega = contexts(block, weights=weights, dtype=v.dtype)
    windows, dim = v.shape
    u_ctx, u_neg = (x.reshape(windows, -1, dim) for x in (u[: omega.size], u[omega.size :]))
    return *as_gathered(v, u_ctx, u_neg), omega


def _join_rows(d_v: Array, d_u_ctx: Array, d_u_neg: Array) -> tuple[Array, Array]:
    dim = d_v.shape[1]
    return d_v, jnp.concatenate([d_u_ctx.reshape(-1, dim), d_u_neg.reshape(-1, dim)])


def _with_table(v: Array, U: Array, block: Block, weights: WindowWeights) -> tuple[Array, ...]:
    o, omega = contexts(block, weights=weights, dtype=v.dtype)
    return *as_gathered(v), o, U, omega


def _sum_table(d_v: Array, d_U: Array) -> tuple[Array, Array]:
    return d_v, jnp.sum(d_U, axis=0)
