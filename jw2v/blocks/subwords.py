"""Any kernel over words that are made of n-grams: the rows it gathers from V become means.

With the pieces g of the block's words, each of a share a_g in the word that stands first at a place
p_g, and the rows r of the base kernel, each the word that stands first at a place p_r:

    v_p = Σ_{g: p_g = p} a_g z_g,             J = J_base(v_{p_r}, …)
    ∂J/∂z_g = a_g Σ_{r: p_r = p_g} ∂J_base/∂v_r

A word is composed once a block, wherever it stands and however many rows it is, and what these are
given is summed before it is handed to the pieces (`jw2v.losses.subwords`).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, Pieces


class Spelling(NamedTuple):
    """The pieces of a vocabulary; those of word w are `rows[first[w]:first[w] + sizes[w]]`."""

    first: Int[Array, " vocab"]
    sizes: Int[Array, " vocab"]  # at least 1
    rows: Int[Array, " pieces"]  # of V


def spelt(
    spelling: Spelling,
    ids: Int[Array, " halo"],
    first: Int[Array, " halo"],
    room: Int[Array, " room"],
) -> Pieces:
    """The pieces of a block's words.

    Args:
      spelling: of the vocabulary.
      ids: the words.
      first: where the word of each place stands first.
      room: 0, 1, 2 … for as many pieces as there is room for, which has to do for all.

    >>> spelling = Spelling(jnp.array([0, 1]), jnp.array([1, 3]), jnp.array([0, 1, 7, 8]))
    >>> pieces = spelt(spelling, jnp.array([1, 0, 1]), jnp.array([0, 1, 0]), jnp.arange(5))
    >>> print(pieces.rows[:4], pieces.place[:4], (3 * pieces.share).round(2))
    [1 7 8 0] [0 0 0 1] [1. 1. 1. 3. 0.]
    """
    halo = jnp.arange(len(ids), dtype=ids.dtype)
    sizes = jnp.where(first == halo, spelling.sizes[ids], 0)
    place = jnp.repeat(halo, sizes, total_repeat_length=len(room))
    number = room - (jnp.cumsum(sizes) - sizes)[place]  # of the piece in its word
    is_there = number < sizes[place]
    rows = spelling.rows[spelling.first[ids][place] + jnp.where(is_there, number, 0)]
    share = jnp.where(is_there, 1 / jnp.maximum(sizes[place], 1).astype(float), 0)
    return Pieces(rows, place, share, first)


def kernel(base: Kernel) -> Kernel:
    """The kernel of words that are the means of their pieces.

    Args:
      base: the kernel of words with a row each.

    Returns:
      The kernel, which gathers the block's pieces from V, and from U what the base does.
    """
    by_hand = base.loss_and_grads

    def ids(block: Block) -> RowIds:
        return RowIds(pieces_of(block).rows, base.ids(block).outside)

    def composed(z: Array, block: Block) -> Array:
        pieces = pieces_of(block)
        (z,) = as_gathered(z)
        return by_place(shares(pieces, z) * z, pieces.place, block)[places(base, block)]

    def loss(z: Array, u: Array, block: Block) -> Float[Array, ""]:
        return base.loss(composed(z, block), u, block)

    def loss_and_grads(z: Array, u: Array, block: Block):
        assert by_hand is not None
        value, (d_v, d_u) = by_hand(composed(z, block), u, block)
        d_words, pieces = by_place(d_v, places(base, block), block), pieces_of(block)
        return value, (shares(pieces, z) * d_words[pieces.place], d_u)

    return Kernel(ids, loss, loss_and_grads if by_hand else None, base.terms)


def pieces_of(block: Block) -> Pieces:
    """The pieces of a block that has them."""
    assert block.pieces is not None
    return block.pieces


def shares(pieces: Pieces, z: Float[Array, "pieces dim"]) -> Float[Array, "pieces 1"]:
    """What each piece counts in its word, as a column, in the dtype of the rows."""
    return pieces.share.astype(z.dtype)[:, None]


def by_place(
    rows: Float[Array, "rows dim"], place: Int[Array, " rows"], block: Block
) -> Float[Array, "halo dim"]:
    """The rows at each place of the halo, added up."""
    return jnp.zeros((block.ids.shape[0], rows.shape[1]), rows.dtype).at[place].add(rows)


def places(base: Kernel, block: Block) -> Int[Array, " rows"]:
    """Where in the halo the words of the base kernel's rows of V stand first.

    What a kernel gathers it chooses by place: of a block whose words are named by where they stand
    first, it gives these names.
    """
    return base.ids(block._replace(ids=pieces_of(block).first)).centre
