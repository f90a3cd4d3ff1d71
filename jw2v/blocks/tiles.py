"""Negative sampling on tiles: rows against columns, by one matrix product for each thing asked.

A tile has rows r, `[tile, row, dim]`, and the columns j that they are scored against,
`[tile, column, dim]`. A pair counts w_rj; y_j is −1 where a row should be near a column, +1 where
not. Columns come first in what is made of both, `[tile, column, row]`:

    J = Σ_rj w_rj log(1 + exp(y_j s_rj)),                 s_rj = v_r·u_j
    e_rj = ∂J/∂s_rj = w_rj y_j σ(y_j s_rj)                as in (f), pair by pair
    ∂J/∂v_r = Σ_j e_rj u_j,        ∂J/∂u_j = Σ_r e_rj v_r
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jw2v.blocks.rounding import to_bfloat16
from jw2v.losses.negative_sampling import Sigmoid

HIGHEST = jax.lax.Precision.HIGHEST


@dataclass(frozen=True)
class Products:
    """`einsum` of two arrays at full precision.

    Attributes:
      operands: dtype that they are rounded to, such as "bfloat16"; None keeps their own. Sums are
        kept in float32, or in their own dtype.
    """

    operands: str | None = None

    def __call__(self, spec: str, a: Array, b: Array) -> Array:
        """What `spec` says of two arrays."""
        out = "float32" if self.operands else None
        a, b = self.operand(a), self.operand(b)
        return jnp.einsum(spec, a, b, precision=HIGHEST, preferred_element_type=out)

    def operand(self, x: Array) -> Array:
        """An array as products take it, so that one that several take is rounded once."""
        if self.operands is None or x.dtype == self.operands:
            return x
        if (x.dtype, self.operands) == (jnp.float32, "bfloat16"):
            return to_bfloat16(x)
        return x.astype(self.operands)

    def transposed(self, x: Float[Array, "tile a b"]) -> Float[Array, "tile b a"]:
        """An operand with rows and columns exchanged.

        In bfloat16 a processor does so by a product with 1s and 0s, which is exact: its matrix
        units are the fastest way, and the product that XLA would fold a transpose into the slowest.
        """
        x = self.operand(x)
        if x.dtype != jnp.bfloat16:
            return transposed(x)
        return jax.lax.platform_dependent(x, cpu=self._by_identity, default=transposed)

    def _by_identity(self, x: Array) -> Array:
        eye = np.tile(np.eye(x.shape[2], dtype=x.dtype), (x.shape[0], 1, 1))
        return self.operand(self("tba,tca->tbc", jnp.asarray(eye), x))


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
    sign: Float[Array, "#tile column #row"],
    *,
    product: Products,
    by: Sigmoid,
) -> Float[Array, ""]:
    """J, summed over all tiles."""
    return total(weight * by.softplus(sign * product("tjd,trd->tjr", u, v)))


def loss_and_grads(
    v: Float[Array, "tile row dim"],
    u: Float[Array, "tile column dim"],
    weight: Float[Array, "tile column row"],
    sign: Float[Array, "#tile column #row"],
    *,
    product: Products,
    by: Sigmoid,
    less: Float[Array, "tile row column"] | None = None,
) -> tuple[Float[Array, ""], tuple[Float[Array, "tile row dim"], Float[Array, "tile column dim"]]]:
    """J, and by hand its gradients by rows and columns.

    What is `less` is taken from e_rj in the gradient by rows.
    """
    score = sign * product("tjd,trd->tjr", u, v)
    err = product.operand(weight * sign * by.sigmoid(score))
    by_row = product.transposed(err)
    if less is not None:
        by_row = product.operand(by_row - less)
    d_v = product("trj,tjd->trd", by_row, u)
    d_u = product("tjr,trd->tjd", err, v)
    return total(weight * by.softplus(score)), (d_v, d_u)


def total(x: Float[Array, "tile column row"]) -> Float[Array, ""]:
    """Σ x, rows by a product with 1s.

    XLA has a processor sum, one by one, what is computed on the way to a sum; a product it is not.
    """
    ones = jnp.ones(x.shape[2], x.dtype)
    return jnp.sum(jnp.einsum("tjr,r->tj", x, ones, precision=HIGHEST))


def transposed(x: Array) -> Array:
    """Rows and columns of a product's operand exchanged.

    XLA folds a plain transpose into the product, whose form for a transposed left side is slow.
    """
    return jax.lax.optimization_barrier(jnp.swapaxes(x, -1, -2))
