"""Part (e): the sigmoid and its derivative.

    σ(x) = 1 / (1 + e⁻ˣ) = eˣ / (eˣ + 1)

    1. dσ/dx = (eˣ (eˣ + 1) − e²ˣ) / (eˣ + 1)²          quotient rule
    2.       = eˣ / (eˣ + 1)²
    3.       = σ(x) · 1 / (eˣ + 1)
    4.       = σ(x) (1 − σ(x)),                          for 1 / (eˣ + 1) = 1 − σ(x) = σ(−x)

The last form is kept as σ(x) σ(−x): 1 − σ(x) loses every digit once σ(x) rounds to 1.

Source: CS224n assignment 2, part (e).
"""

import jax
from jaxtyping import Array, Float


def loss(x: Float[Array, ""]) -> Float[Array, ""]:
    """σ(x), a scalar to a scalar.

    >>> import jax.numpy as jnp
    >>> print(f"{loss(jnp.float32(0.0)):.3f}")
    0.500
    """
    return jax.nn.sigmoid(x)


def loss_and_grads(x: Float[Array, ""]) -> tuple[Float[Array, ""], tuple[Float[Array, ""]]]:
    """σ(x) and dσ/dx = σ(x) σ(−x), by hand (line 4 above).

    >>> import jax.numpy as jnp
    >>> value, (d_x,) = loss_and_grads(jnp.float32(0.0))
    >>> print(f"{d_x:.3f}")
    0.250
    """
    return jax.nn.sigmoid(x), (jax.nn.sigmoid(x) * jax.nn.sigmoid(-x),)


loss_and_grads_autodiff = jax.value_and_grad(loss, argnums=(0,))
