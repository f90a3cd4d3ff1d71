"""Negative sampling on tiles: rows against columns, by one matrix product for each thing asked.

A tile has rows r, `[tile, row, dim]`, and the columns j that they are scored against,
`[tile, column, dim]`. A pair counts w_rj; y_j is −1 where a row should be near a column, +1 where
not. Columns come first in what is made of both, `[tile, column, row]`:

    J = Σ_rj w_rj log(1 + exp(y_j s_rj)),                 s_rj = v_r·u_j
    e_rj = ∂J/∂s_rj = w_rj y_j σ(y_j s_rj)                as in (f), pair by pair
    ∂J/∂v_r = Σ_j e_rj u_j,        ∂J/∂u_j = Σ_r e_rj v_r
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.losses.negative_sampling import Sigmoid

Product = Callable[[str, Array, Array], Array]


def products(operands: str | None) -> Product:
    """`einsum` of two arrays at full precision.

    Args:
      operands: dtype that they are rounded to, such as "bfloat16"; None keeps their own. Sums are
        kept in float32, or in their own dtype.
    """

    def product(spec: str, a: Array, b: Array) -> Array:
        a, b, out = (
            (a.astype(operands), b.astype(operands), "float32") if operands else (a, b, None)
        )
        return jnp.einsum(
            spec, a, b, precision=jax.lax.Precision.HIGHEST, preferred_element_type=out
        )

    return product


def signs(columns: int, near: int, dtype: jnp.dtype) -> Float[Array, "1 columns 1"]:
    """y: −1 for the first `near` of the columns, +1 for the others.

    >>> print(signs(3, 1, jnp.dtype("float32"))[0, :, 0])
    [-1.  1.  1.]
    """
    return jnp.where(jnp.arange(columns) < near, -1, 1).astype(dtype)[None, :, None]


def loss(
    v: Float[Array, "tile row dim"],
    u: Float[Array, "tile column dim"],
    weight: Float[Array, "tile column row"],
    sign: Float[Array, "#tile column 1"],
    *,
    product: Product,
    by: Sigmoid,
) -> Float[Array, ""]:
    """J, summed over all tiles."""
    return jnp.sum(weight * by.softplus(sign * product("tjd,trd->tjr", u, v)))


def loss_and_grads(
    v: Float[Array, "tile row dim"],
    u: Float[Array, "tile column dim"],
    weight: Float[Array, "tile column row"],
    sign: Float[Array, "#tile column 1"],
    *,
    product: Product,
    by: Sigmoid,
) -> tuple[Float[Array, ""], tuple[Float[Array, "tile row dim"], Float[Array, "tile column dim"]]]:
    """J, and by hand its gradients by rows and columns."""
    score = sign * product("tjd,trd->tjr", u, v)
    err = weight * sign * by.sigmoid(score)
    d_v = product("trj,tjd->trd", transposed(err), u)
    d_u = product("tjr,trd->tjd", err, v)
    return jnp.sum(weight * by.softplus(score)), (d_v, d_u)


def transposed(x: Array) -> Array:
    """Rows and columns of a product's operand exchanged.

    XLA folds a plain transpose into the product, whose form for a transposed left side is slow,
    and in bfloat16 missing on some processors.
    """
    return jax.lax.optimization_barrier(jnp.swapaxes(x, -1, -2))
