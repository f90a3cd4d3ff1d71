"""A sigmoid for training: a polynomial, and the loss of which it is the gradient.

    σ̃(x) = ½ + z (a + b z² + c z⁴ + d z⁶),        z = max(−1, min(1, x/5)),    σ̃(−5) = 0, σ̃(5) = 1

    |σ̃(x) − σ(x)| < 0.0067 for every x, and < 0.0048 for |x| ≤ 4; σ̃ never falls.

(word2vec.c and gensim take σ from a table that is off by up to 0.0091: `jw2v.ledger.peers`.) What
trains with it is the exact gradient of J̃, the loss with the integral of σ̃ in place of the softplus
log(1 + eˣ):

    s̃(x) = log 2 + 5 (z/2 + a z²/2 + b z⁴/4 + c z⁶/6 + d z⁸/8) + max(0, x − 5),       s̃' = σ̃
    |s̃(x) − log(1 + eˣ)| < 0.0051 for every x

Source: a, b, c, d have the least largest error on |x| ≤ 4 among those for which the error nowhere
exceeds σ(−5), the polynomial does not fall and ends in ½: a linear programme over a fine grid.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

REACH = 5.0
A, B, C, D = 1.201160, -1.743487, 1.617004, -0.574677


def sigmoid(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """σ̃(x), elementwise.

    >>> print(sigmoid(jnp.array([-9.0, 0.0, 5.0])))
    [0.  0.5 1. ]
    """
    z = jnp.clip(x / REACH, -1, 1)
    z2 = z * z
    return 0.5 + z * (A + z2 * (B + z2 * (C + z2 * D)))


def softplus(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """s̃(x), elementwise, with s̃' = σ̃.

    >>> print(softplus(jnp.array([-9.0, 0.0, 9.0])).round(2))
    [0.01 0.69 9.01]
    """
    z = jnp.clip(x / REACH, -1, 1)
    z2 = z * z
    even = z2 * (A / 2 + z2 * (B / 4 + z2 * (C / 6 + z2 * D / 8)))
    return math.log(2) + REACH * (z / 2 + even) + jnp.maximum(x - REACH, 0)
