"""Tables and the gradients of their rows: parts (d), (g) and (h) as one scatter-add.

A loss sees gathered rows; the parameters are whole tables, V for centre and U for outside words,
`[vocab, dim]` each, rows are words. The chain rule through `rows = table[ids]` is

    ∂J/∂table[w] = Σ_{i: ids[i] = w} ∂J/∂rows[i]

a scatter-*add*: a word drawn twice gets the sum of its rows (part (g)), overwriting would lose
all but one; a word that was not drawn gets exactly zero (part (h) iii); and with ids = every word
this is part (d), `∂J/∂U` by rows.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Tables(NamedTuple):
    """The parameters, `[vocab, dim]` each; or what there is of each, such as their gradients."""

    V: Any  # of centre words
    U: Any  # of outside words


class RowGrads(NamedTuple):
    """The gradient of a table in rows: `rows[i]` belongs to word `ids[i]`; repeated ids add.

    Negative ids count from the table's end, as NumPy's do; what names no row is left out.
    """

    ids: Int[Array, " rows"]
    rows: Float[Array, "rows dim"]


def whole_table(
    grads: RowGrads | Float[Array, "vocab dim"], table: Float[Array, "vocab dim"]
) -> Float[Array, "vocab dim"]:
    """The gradient of the whole table from the gradients of its rows, by scatter-add.

    Args:
      grads: row gradients, or a gradient that is whole already (naive softmax has one for U).
      table: the table itself, for its shape and dtype.

    Returns:
      `[vocab, dim]`; exactly zero in the rows that no id names.

    >>> rows = jnp.array([[1.0], [10.0], [100.0]])
    >>> print(whole_table(RowGrads(jnp.array([2, 0, 2]), rows), jnp.zeros((4, 1)))[:, 0])
    [ 10.   0. 101.   0.]
    """
    if isinstance(grads, RowGrads):
        return jnp.zeros_like(table).at[grads.ids].add(grads.rows)
    return grads
