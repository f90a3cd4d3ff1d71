"""Any window loss over a block: `vmap` over its windows, then scatter-add.

Slower than a kernel made for its loss (each window gathers rows of its own, 2 window + N of them),
and general: a loss of one pair or one window is all it asks for.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, WindowWeights, contexts, pairs, windows
from jw2v.losses import over_windows
from jw2v.losses.cbow import loss as bag_loss
from jw2v.losses.cbow import loss_and_grads as bag_loss_and_grads
from jw2v.losses.record import Loss
from jw2v.losses.reverse_skipgram import loss as reverse_loss
from jw2v.losses.reverse_skipgram import loss_and_grads as reverse_loss_and_grads
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
        every = over_windows(by_hand, shared=shared)
        losses, (d_v, *d_u) = every(*arguments(v, u, block, weights))
        return jnp.sum(losses), (d_v, join(*d_u))

    terms = partial(pairs, weights=weights)
    return Kernel(ids, block_loss, block_loss_and_grads if by_hand else None, terms)


def bag_kernel(
    pair: Loss, *, weights: WindowWeights = "linear", mean: bool = True, word2vec: bool = False
) -> Kernel:
    """The kernel of the continuous bag of words with a pair loss.

    Args:
      pair: as for `reverse_kernel`, of the hidden vector in the place of a word's.
      weights: the window's weight law.
      mean: average the words around; else sum them.
      word2vec: in the place of the gradient by hand the update of word2vec.c, which is none.
    """
    plain = partial(bag_loss, pair=pair, mean=mean)
    by_hand = partial(bag_loss_and_grads, pair=pair, mean=mean, word2vec=word2vec)
    return _inward(pair, plain, by_hand, weights=weights, terms=windows)


def reverse_kernel(pair: Loss, *, weights: WindowWeights = "linear") -> Kernel:
    """The kernel of skip-gram in reverse with a pair loss.

    Args:
      pair: of rows `(v, u_o, u_neg)`, each window being given the negatives of its group; of
        `(v, o, U)` where `pair.wrt` leaves the ids out; or of `(v, sides, u_way)`.
      weights: the window's weight law.

    Returns:
      The kernel. It gathers the words around each centre from V, and from U the centre and the
      negatives (or the whole table, or the way to the centre).
    """
    plain, by_hand = partial(reverse_loss, pair=pair), partial(reverse_loss_and_grads, pair=pair)
    return _inward(pair, plain, by_hand, weights=weights, terms=pairs)


class _Told(NamedTuple):
    """What tells the centre: rows of U, None for all, and from them a window's two arguments."""

    ids: Callable[[Block], Array | None]
    arguments: Callable[[Array, Block], tuple[Array, ...]]
    joined: Callable[..., Array]
    shared: tuple[int, ...] = ()


def _inward(pair: Loss, plain: Any, by_hand: Any, *, weights: WindowWeights, terms: Any) -> Kernel:
    """The kernel of a window loss of `(v_ctx, outside, rest, weight)`."""
    told = _told(pair)
    plain, by_hand = (over_windows(f, shared=told.shared) for f in (plain, by_hand))

    def ids(block: Block) -> RowIds:
        around, _ = contexts(block, weights="fixed", dtype=jnp.float32)
        return RowIds(around.reshape(-1), told.ids(block))

    def arguments(v: Array, u: Array, block: Block) -> tuple[Array, ...]:
        _, omega = contexts(block, weights=weights, dtype=v.dtype)
        v_ctx = v.reshape(*omega.shape, -1)
        return *as_gathered(v_ctx), *told.arguments(u, block), omega

    def loss(v: Array, u: Array, block: Block) -> Float[Array, ""]:
        return jnp.sum(plain(*arguments(v, u, block)))

    def loss_and_grads(v: Array, u: Array, block: Block) -> Any:
        losses, (d_v, *d_u) = by_hand(*arguments(v, u, block))
        return jnp.sum(losses), (d_v.reshape(v.shape), told.joined(*d_u))

    return Kernel(ids, loss, loss_and_grads, partial(terms, weights=weights))


def _told(pair: Loss) -> _Told:
    if pair.way:
        return _Told(_way_ids, _with_way, _join_rows)
    if 1 not in pair.wrt:
        return _Told(lambda _: None, _with_id, _sum_table, shared=(2,))
    return _Told(_centre_ids, _with_centre, _join_rows)


def _way_ids(block: Block) -> Array:
    assert block.paths is not None
    return block.paths.nodes.reshape(-1)


def _with_way(u: Array, block: Block) -> tuple[Array, ...]:
    assert block.paths is not None
    sides = block.paths.sides
    return sides, *as_gathered(u.reshape(*sides.shape, -1))


def _with_id(U: Array, block: Block) -> tuple[Array, ...]:
    return block.ids[block.centres], U


def _centre_ids(block: Block) -> Array:
    size = block.width.shape[0]
    return jnp.concatenate([block.ids[block.centres], block.negatives(size).reshape(-1)])


def _with_centre(u: Array, block: Block) -> tuple[Array, ...]:
    size = block.width.shape[0]
    return as_gathered(u[:size], u[size:].reshape(size, -1, u.shape[1]))


def _outside_ids(block: Block) -> Array:
    o, _ = contexts(block, weights="fixed", dtype=jnp.float32)
    return jnp.concatenate([o.reshape(-1), block.negatives(len(o)).reshape(-1)])


def _with_rows(v: Array, u: Array, block: Block, weights: WindowWeights) -> tuple[Array, ...]:
    _, omega = contexts(block, weights=weights, dtype=v.dtype)
    windows, dim = v.shape
    u_ctx, u_neg = (x.reshape(windows, -1, dim) for x in (u[: omega.size], u[omega.size :]))
    return *as_gathered(v, u_ctx, u_neg), omega


def _join_rows(*grads: Array) -> Array:
    return jnp.concatenate([d.reshape(-1, d.shape[-1]) for d in grads])


def _with_table(v: Array, U: Array, block: Block, weights: WindowWeights) -> tuple[Array, ...]:
    o, omega = contexts(block, weights=weights, dtype=v.dtype)
    return *as_gathered(v), o, U, omega


def _sum_table(d_U: Array) -> Array:
    return jnp.sum(d_U, axis=0)
