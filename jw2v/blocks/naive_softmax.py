"""Naive softmax over a block: every row scores the whole vocabulary, a chunk of it at a time.

A row h_r is told words o_rj, each counting ω_rj, and its scores serve all of them; with
p_r = Σ_j ω_rj

    J = Σ_r Σ_j ω_rj (log Z_r − s_{r,o_j}),      s_r = U h_r,   log Z_r = log Σ_w exp(s_rw)
    e_rw = ∂J/∂s_rw = p_r ŷ_rw − Σ_{j: o_j = w} ω_rj           (b) and (c), summed over pairs
    ∂J/∂h_r = Uᵀ e_r,            ∂J/∂U = Σ_r e_r h_rᵀ

    skip-gram    h_r = v_r of the centre, told the words around it, ω of the window law
    in reverse   h_r = v_r of each word of the halo, told the centres it is around
    CBOW         h_r = Σ_j a_rj v_j of the words around (`jw2v.losses.cbow`), told the centre, ω = 1
                 where the window holds a word

No more scores are held than a chunk's, `[rows, chunk]`. A first pass over the chunks finds Z from
the largest score so far and the sum of the exponentials below it,

    m' = max(m, max_w s_rw),     S' = S exp(m − m') + Σ_w exp(s_rw − m'),      log Z = m + log S

and a second one computes the scores anew, for e: a chunk's rows of ∂J/∂U, and its part of ∂J/∂h_r.
Autodiff goes the same way, since the loss has its chunks computed anew (`jax.checkpoint`).

The gradient of U is a whole table by nature (part (d)): O(block · vocab · dim) a block.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int

from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.tiles import HIGHEST
from jw2v.blocks.windows import Block, WindowWeights, band, contexts, pairs, windows
from jw2v.losses.cbow import counts, given, shares

WHOLE, CHUNK = 1 << 15, 1 << 12
"""Words up to which a vocabulary is one chunk, and those of a chunk of a larger one.

Scores that are computed twice take a third more products, which pays where all of them would leave
the caches.
"""
Carry = TypeVar("Carry")


class Told(NamedTuple):
    """The words that rows are told."""

    o: Int[Array, "row told"]  # ids
    omega: Float[Array, "row told"]  # ω


class Seen(NamedTuple):
    """What is known of the scores of the words seen so far."""

    most: Float[Array, " row"]  # m
    total: Float[Array, " row"]  # S
    score_o: Float[Array, "row told"]  # s_{r,o_j}; 0 of words not yet seen


def kernel(*, weights: WindowWeights = "linear", chunk: int | None = None) -> Kernel:
    """The kernel of skip-gram with naive softmax.

    Args:
      weights: the window's weight law.
      chunk: words scored at once; None: all of up to 32,768, of more 4,096.
    """

    def centres(block: Block) -> Array:
        return block.ids[block.centres]

    def told(block: Block, dtype: DTypeLike) -> Told:
        return Told(*contexts(block, weights=weights, dtype=dtype))

    return _of_words(centres, told, weights, chunk)


def reverse_kernel(*, weights: WindowWeights = "linear", chunk: int | None = None) -> Kernel:
    """The kernel of skip-gram in reverse with naive softmax.

    Args:
      weights: the window's weight law.
      chunk: words scored at once; None: all of up to 32,768, of more 4,096.
    """

    def words(block: Block) -> Array:
        return block.ids

    def told(block: Block, dtype: DTypeLike) -> Told:
        centres = block.ids[block.centres]
        _, (omega,) = band(block, chunk=len(centres), weights=weights, dtype=dtype)
        return Told(jnp.broadcast_to(centres, omega.shape), omega)

    return _of_words(words, told, weights, chunk)


def _of_words(
    words: Callable[[Block], Int[Array, " row"]],
    told: Callable[[Block, DTypeLike], Told],
    weights: WindowWeights,
    chunk: int | None,
) -> Kernel:
    """The kernel of rows that are words of the text."""

    def ids(block: Block) -> RowIds:
        return RowIds(words(block), None)

    def block_loss(v: Array, U: Array, block: Block) -> Float[Array, ""]:
        (v,) = as_gathered(v)
        return loss(v, U, told(block, v.dtype), chunk=chunk)

    def block_loss_and_grads(v: Array, U: Array, block: Block):
        (v,) = as_gathered(v)
        return loss_and_grads(v, U, told(block, v.dtype), chunk=chunk)

    return Kernel(ids, block_loss, block_loss_and_grads, partial(pairs, weights=weights))


def bag_kernel(
    *,
    weights: WindowWeights = "linear",
    mean: bool = True,
    word2vec: bool = False,
    chunk: int | None = None,
) -> Kernel:
    """The kernel of CBOW with naive softmax.

    Args:
      weights: the window's weight law.
      mean: average the words around; else sum them.
      word2vec: in the place of the gradient by hand the update of word2vec.c, which is none.
      chunk: words scored at once; None: all of up to 32,768, of more 4,096.
    """

    def ids(block: Block) -> RowIds:
        around, _ = contexts(block, weights=weights, dtype=jnp.float32)
        return RowIds(around.reshape(-1), None)

    def hidden(v: Array, block: Block) -> tuple[Array, Told, Array]:
        """h, the centres, and ω of the words around."""
        _, omega = contexts(block, weights=weights, dtype=v.dtype)
        (v,) = as_gathered(v.reshape(*omega.shape, v.shape[1]))
        h = jnp.einsum("rj,rjd->rd", shares(omega, mean=mean), v, precision=HIGHEST)
        return h, Told(block.ids[block.centres][:, None], counts(omega)[:, None]), omega

    def block_loss(v: Array, U: Array, block: Block) -> Float[Array, ""]:
        h, told, _ = hidden(v, block)
        return loss(h, U, told, chunk=chunk)

    def block_loss_and_grads(v: Array, U: Array, block: Block):
        h, told, omega = hidden(v, block)
        value, (d_h, d_U) = loss_and_grads(h, U, told, chunk=chunk)
        part = given(omega, mean=mean, word2vec=word2vec)
        d_v = part[:, :, None] * d_h[:, None, :]
        return value, (d_v.reshape(v.shape), d_U)

    return Kernel(ids, block_loss, block_loss_and_grads, partial(windows, weights=weights))


def loss(
    h: Float[Array, "row dim"], U: Float[Array, "vocab dim"], told: Told, *, chunk: int | None
) -> Float[Array, ""]:
    """J of rows that are told words.

    Args:
      h: the rows, `[row, dim]`.
      U: outside vectors, `[vocab, dim]`.
      told: the words and their weights.
      chunk: words scored at once, the last ones excepted; None: all, or `CHUNK` of many.

    >>> told = Told(jnp.array([[0, 2]]), jnp.ones((1, 2)))
    >>> print(f"{loss(jnp.ones((1, 3)), jnp.zeros((4, 3)), told, chunk=3):.4f}")  # 2 log 4
    2.7726
    """
    return _loss(_seen(h, U, told, chunk), told)


def loss_and_grads(
    h: Float[Array, "row dim"], U: Float[Array, "vocab dim"], told: Told, *, chunk: int | None
) -> tuple[Float[Array, ""], tuple[Float[Array, "row dim"], Float[Array, "vocab dim"]]]:
    """J, ∂J/∂h and ∂J/∂U by hand; arguments as in `loss`.

    >>> told = Told(jnp.array([[0, 2]]), jnp.ones((1, 2)))
    >>> _, (d_h, d_U) = loss_and_grads(jnp.ones((1, 3)), jnp.zeros((4, 3)), told, chunk=3)
    >>> print(d_U[:, 0])  # 2/4 of each word, less 1 of those told
    [-0.5  0.5 -0.5  0.5]
    """
    seen = _seen(h, U, told, chunk)
    log_total = jnp.log(seen.total)[:, None]
    p = jnp.sum(told.omega, axis=-1, keepdims=True)
    rows = jnp.arange(h.shape[0])[:, None]

    def back(grads: tuple[Array, Array], u: Array, first: Array | int) -> tuple[Array, Array]:
        d_h, d_U = grads
        here, at = _places(told.o, first, u.shape[0])
        y_hat = jnp.exp(_scores(h, u) - seen.most[:, None] - log_total)
        err = (p * y_hat).at[rows, at].add(-jnp.where(here, told.omega, 0))
        d_u = jnp.matmul(err.T, h, precision=HIGHEST)
        d_h = d_h + jnp.matmul(err, u, precision=HIGHEST)
        return d_h, lax.dynamic_update_slice_in_dim(d_U, d_u, first, axis=0)

    grads = _over_chunks(back, (jnp.zeros_like(h), jnp.zeros_like(U)), U, chunk)
    return _loss(seen, told), grads


def _loss(seen: Seen, told: Told) -> Float[Array, ""]:
    below = seen.most[:, None] - seen.score_o
    return jnp.sum(told.omega * (below + jnp.log(seen.total)[:, None]))


def _seen(h: Array, U: Array, told: Told, chunk: int | None) -> Seen:
    """The first pass: all words seen."""

    @partial(jax.checkpoint, prevent_cse=False)  # a loop keeps apart what has to be
    def see(seen: Seen, u: Array, first: Array | int) -> Seen:
        score = _scores(h, u)
        # Z does not depend on m, so that there is nothing to differentiate.
        most = lax.stop_gradient(jnp.maximum(seen.most, jnp.max(score, axis=-1)))
        total = seen.total * jnp.exp(seen.most - most)
        total = total + jnp.sum(jnp.exp(score - most[:, None]), axis=-1)
        here, at = _places(told.o, first, u.shape[0])
        score_o = jnp.where(here, jnp.take_along_axis(score, at, axis=-1), 0)
        return Seen(most, total, seen.score_o + score_o)

    # Any score is low enough to begin with, and finite.
    least = lax.stop_gradient(_scores(h, U[:1])[:, 0])
    none = Seen(least, jnp.zeros_like(least), jnp.zeros_like(told.omega))
    return _over_chunks(see, none, U, chunk)


def _over_chunks(
    body: Callable[[Carry, Array, Array | int], Carry], carry: Carry, U: Array, chunk: int | None
) -> Carry:
    """`body(carry, rows of U, id of the first)` over all of U; the last chunk has what is left."""
    vocab = U.shape[0]
    size = chunk or (WHOLE if vocab <= WHOLE else CHUNK)
    whole, rest = divmod(vocab, size)

    def at(i: Array, carry: Carry) -> Carry:
        return body(carry, lax.dynamic_slice_in_dim(U, i * size, size), i * size)

    if whole:
        carry = lax.fori_loop(0, whole, at, carry)
    return body(carry, U[whole * size :], whole * size) if rest else carry


def _scores(h: Array, u: Array) -> Float[Array, "row chunk"]:
    return jnp.matmul(h, u.T, precision=HIGHEST)


def _places(
    o: Int[Array, "row told"], first: Array | int, size: int
) -> tuple[Bool[Array, "row told"], Int[Array, "row told"]]:
    """Whether words are of the chunk, and where in it; 0 for the others."""
    here = (first <= o) & (o < first + size)
    return here, jnp.where(here, o - first, 0)
