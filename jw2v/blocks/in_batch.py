"""Skip-gram with in-batch negatives: the words of one passage are those of another's centres.

A block is an even number of passages of consecutive centres. Passage i and passage i + half are a
tile (`jw2v.blocks.tiles`): its rows are the centres of both, its columns the words around them,
n = `passage` + 2 window of each. A row counts with the words around its own passage by the window
law ω, and with the n of the other as negatives, of weight

    Σ_o ω_o λ_j,        λ_j = K ρ_j / n,        ρ_w = P(w) / Q(w)

where P is the law of the negatives and Q that of the text as it is trained on: over words from Q
the mean of ρ_w f(w) is that of f(w) over P, so in the mean the loss is that of drawn negatives.
Nothing is drawn, gathered or multiplied for them that is not there already. Passages are to have
nothing to do with each other, as where the sentences of a text are mixed; words of one sentence
are no negatives of each other.

Where a block has `mean`, ū = E_P[u], the gradient of each row of V is given

    a Σ_o ω_o (K ū − Σ_j λ_j u_j),        0 in the mean,

which takes from Σ_j e_rj u_j what all negatives have in common, and with it a part of its noise.

Sources: Bengio and Senécal 2003 (importance sampling of negatives); Glasserman 2003, Monte Carlo
Methods in Financial Engineering, section 4.1 (control variates).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jw2v.blocks import tiles
from jw2v.blocks.kernel import Kernel, RowIds, as_gathered
from jw2v.blocks.windows import Block, WindowWeights, pair_weight, pairs
from jw2v.losses.negative_sampling import EXACT, Sigmoid

CONTROL = 0.09
"""a, about the mean of σ. Analogies of mix.txt after five epochs are .231 for 0, .237 for 0.05,
.240 for 0.09, .236 for 0.12 and .224 for 0.17 (three seeds each, ± .002)."""
MOST = 4.0
"""Of ρ, for all of a word that stand together: lists that repeat a rare one would throw its row."""
NEAR = 8
"""Places on either side in which a word stands together with itself."""


def with_ratio(block: Block, by_word: Float[Array, " vocab"]) -> Block:
    """The block with ρ of each place: 0 where there is no word, less where one is repeated.

    Args:
      block: the block.
      by_word: ρ of each word.

    >>> ids = jnp.array([0, 1, 1, 2])
    >>> block = Block(ids, jnp.array([0, 0, 0, -1]), jnp.ones(2, int), jnp.zeros((1, 0), int))
    >>> print(with_ratio(block, jnp.array([0.5, 3.0, 9.0])).ratio)
    [0.5 2.  2.  0. ]
    """
    ids = block.ids
    often = jnp.ones(ids.shape, by_word.dtype)
    for away in range(1, min(NEAR, len(ids) - 1) + 1):
        again = (ids[away:] == ids[:-away]).astype(often.dtype)
        often = often.at[away:].add(again).at[:-away].add(again)
    ratio = jnp.minimum(by_word[ids], MOST / often)
    return block._replace(ratio=jnp.where(block.sentence >= 0, ratio, 0))


def kernel(
    *,
    negatives: int,
    passage: int,
    weights: WindowWeights = "linear",
    operands: str | None = None,
    by: Sigmoid = EXACT,
) -> Kernel:
    """The kernel of skip-gram with in-batch negatives.

    Args:
      negatives: K, the negatives a pair counts with.
      passage: centres of a passage, of which a block holds an even number.
      weights: the window's weight law.
      operands: dtype of the operands of matrix products, such as "bfloat16"; None keeps the
        tables' own.
      by: how σ and log(1 + eˣ) are computed.

    Returns:
      The kernel, which gathers, tile by tile, centres from V and columns from U. Its blocks have
      `ratio` (`with_ratio`) and `total` (`jw2v.blocks.windows.with_totals`).
    """
    product = tiles.Products(operands)

    def places(block: Block) -> tuple[np.ndarray, np.ndarray]:
        """Where the columns and the rows of each tile stand in the halo."""
        starts = np.arange(0, block.width.shape[0], passage).reshape(2, -1).T[:, :, None]
        columns = starts + np.arange(passage + 2 * block.window)
        rows = starts + np.arange(passage) + block.window
        return columns.reshape(len(starts), -1), rows.reshape(len(starts), -1)

    def tiled(
        v: Array, u: Array, block: Block
    ) -> tuple[tuple[Array, ...], tuple[Array, Array] | None]:
        """Rows, columns, w and y; and what `mean` takes from each e_rj, by rows, and gives them."""
        assert block.ratio is not None
        assert block.total is not None
        window, words = block.window, passage + 2 * block.window
        columns, rows = places(block)
        own = np.kron(np.eye(2, dtype=bool), np.ones((words, passage), bool))[None]
        distance = np.where(own, np.abs(columns[:1, :, None] - rows[:1, None]), window + 1)
        here = block.sentence[rows][:, None]
        same = block.sentence[columns][:, :, None] == here
        omega = pair_weight(
            jnp.broadcast_to(distance, same.shape),
            jnp.broadcast_to(block.width[rows - window][:, None], same.shape),
            same & (here >= 0),
            window=window,
            weights=weights,
            dtype=v.dtype,
        )
        of_row = block.total[rows - window].astype(v.dtype) / window
        by_column = (negatives / words) * block.ratio[columns].astype(v.dtype)
        across = jnp.where(same, 0, by_column[:, :, None] * of_row[:, None])
        weight = jnp.where(own, omega, across)
        sign = jnp.asarray(np.where(own, -1, 1), v.dtype)
        variate = None
        if block.mean is not None:
            apart = ~(own | same).swapaxes(1, 2)
            less = jnp.where(apart, CONTROL * of_row[:, :, None] * by_column[:, None], 0)
            common = (CONTROL * negatives) * of_row[:, :, None] * block.mean[None, None]
            variate = less, common
        shaped = (product.operand(x).reshape(len(rows), -1, x.shape[1]) for x in (v, u))
        return (*as_gathered(*shaped), weight, sign), variate

    def ids(block: Block) -> RowIds:
        columns, rows = places(block)
        return RowIds(block.ids[rows].reshape(-1), block.ids[columns].reshape(-1))

    def loss(v: Array, u: Array, block: Block) -> Float[Array, ""]:
        tile, variate = tiled(v, u, block)
        value = tiles.loss(*tile, product=product, by=by)
        if variate is None:
            return value
        less, common = variate
        pull = common - product("trj,tjd->trd", less, tile[1])
        pulled = jnp.sum(jax.lax.stop_gradient(pull.reshape(v.shape)) * v)
        return value + pulled - jax.lax.stop_gradient(pulled)

    def loss_and_grads(v: Array, u: Array, block: Block):
        tile, variate = tiled(v, u, block)
        less, common = variate or (None, None)
        value, (d_v, d_u) = tiles.loss_and_grads(*tile, product=product, by=by, less=less)
        if common is not None:
            d_v = d_v + common
        return value, (d_v.reshape(v.shape), d_u.reshape(u.shape))

    return Kernel(ids, loss, loss_and_grads, partial(pairs, weights=weights))
