"""Any window loss over a block: `vmap` over its windows, then scatter-add.

Slower than a kernel made for its loss (each window gathers rows of its own, 2 window + N of them),
and general: a loss of one pair or one window is all it asks for.
"""

from functools import partial
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, WindowWeights, contexts, pairs, windows
from jw2v.losses import over_windows
from jw2v.losses.cbow import loss as bag_loss
from jw2v.losses.cbow import loss_and_grads as bag_loss_and_grads
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

    terms = partial(pairs, weights=weights)
    return Kernel(ids, block_loss, block_loss_and_grads if by_hand else None, terms)


def bag_kernel(
    pair: Loss, *, weights: WindowWeights = "linear", mean: bool = True, word2vec: bool = False
) -> Kernel:
    """The kernel of the continuous bag of words with a pair loss.

    Args:
      pair: of rows `(h, u_o, u_neg)`, each window being given the negatives of its group; or of
        `(h, o, U)` where `pair.wrt` leaves the ids out.
      weights: the window's weight law.
      mean: average the words around; else sum them.
      word2vec: in the place of the gradient by hand the update of word2vec.c, which is none.

    Returns:
      The kernel. It gathers the words around each centre from V, and from U the centre and the
      negatives (or the whole table).
    """
    how = {"pair": pair, "mean": mean}
    takes_ids = 1 not in pair.wrt
    shared = (2,) if takes_ids else ()
    plain = over_windows(partial(bag_loss, **how), shared=shared)
    by_hand = over_windows(partial(bag_loss_and_grads, **how, word2vec=word2vec), shared=shared)

    def ids(block: Block) -> RowIds:
        around, _ = contexts(block, weights="fixed", dtype=jnp.float32)
        centres = block.ids[block.centres]
        scored = jnp.concatenate([centres, _negative_ids(block).reshape(-1)])
        return RowIds(around.reshape(-1), None if takes_ids else scored)

    def arguments(v: Array, u: Array, block: Block) -> tuple[Array, ...]:
        _, omega = contexts(block, weights=weights, dtype=v.dtype)
        size, dim = omega.shape[0], v.shape[1]
        v_ctx = v.reshape(size, -1, dim)
        if takes_ids:
            return *as_gathered(v_ctx), block.ids[block.centres], u, omega
        return *as_gathered(v_ctx, u[:size], u[size:].reshape(size, -1, dim)), omega

    def block_loss(v: Array, u: Array, block: Block) -> Float[Array, ""]:
        return jnp.sum(plain(*arguments(v, u, block)))

    def block_loss_and_grads(v: Array, u: Array, block: Block) -> Any:
        losses, (d_v, *d_u) = by_hand(*arguments(v, u, block))
        d_v = d_v.reshape(v.shape)
        if takes_ids:
            return jnp.sum(losses), (d_v, jnp.sum(d_u[0], axis=0))
        d_o, d_neg = d_u
        return jnp.sum(losses), (d_v, jnp.concatenate([d_o, d_neg.reshape(-1, d_o.shape[1])]))

    return Kernel(ids, block_loss, block_loss_and_grads, partial(windows, weights=weights))


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
