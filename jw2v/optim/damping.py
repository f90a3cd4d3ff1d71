"""Damping of the rows a block hits many times.

A block sums the gradients of all its pairs at one stale table. A row with m of them takes m steps
at once, which overshoots where lr · m · |v|²/4 > 2; sequential steps would not. The square-root
rule scales the gradient of a word by 1/√m, m its places in the block: a row stepped once is left
alone, a frequent one takes √m steps' worth. It multiplies the step, never the gradient: the
gradient that a check sees is the whole sum.
"""

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from jw2v.blocks.tables import RowGrads
from jw2v.blocks.windows import Uses


def sqrt_count(uses: Uses, vocab: int, dtype: DTypeLike) -> Float[Array, " vocab"]:
    """1/√m for each word, m its places in the block; 1 for a word that has none.

    >>> uses = Uses(jnp.array([2, 2, 0, 2, 2]), jnp.array([True, True, True, True, True]))
    >>> print(sqrt_count(uses, 4, "float32"))
    [1.  1.  0.5 1. ]
    """
    places = jnp.zeros(vocab, dtype).at[uses.ids].add(uses.is_word.astype(dtype))
    return jax.lax.rsqrt(jnp.maximum(places, 1))


def scaled(
    grads: RowGrads | Float[Array, "vocab dim"], factor: Float[Array, " vocab"]
) -> RowGrads | Float[Array, "vocab dim"]:
    """Each word's gradient times its factor, in rows or whole.

    >>> grads = RowGrads(jnp.array([1]), jnp.ones((1, 2)))
    >>> print(scaled(grads, jnp.array([1.0, 0.5])).rows)
    [[0.5 0.5]]
    """
    if isinstance(grads, RowGrads):
        return RowGrads(grads.ids, grads.rows * _column(factor, grads.ids))
    return grads * factor[:, None]


def _column(factor: Float[Array, " vocab"], ids: Int[Array, " rows"]) -> Float[Array, "rows 1"]:
    return factor[ids][:, None]
