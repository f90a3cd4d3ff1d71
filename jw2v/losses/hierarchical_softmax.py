"""Hierarchical softmax: a word's probability as that of the way to it through a binary tree.

Symbols: v_c `[dim]` the centre vector, u_j `[depth, dim]` the rows of the inner nodes on the way
to the word, s_j `[depth]` the child that is taken at each: 1 or −1, and 0 where the way is over.

    P(o | c) = Π_j σ(s_j u_j·v_c)         σ(x) + σ(−x) = 1, so that all words' sum to 1

    J = −log P(o | c) = −Σ_j log σ(s_j u_j·v_c)

    d(−log σ(s x))/dx = −s σ(−s x)                          by (e), as in (f)

    ∂J/∂v_c = −Σ_j s_j σ(−s_j u_j·v_c) u_j
    ∂J/∂u_j = −s_j σ(−s_j u_j·v_c) v_c                      0 where the way is over

What costs O(vocab) for the softmax costs O(log vocab) here, and no word is sampled.

Source: Morin and Bengio 2005; Mikolov et al. 2013, arXiv 1310.4546, equation 3.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jw2v.losses.negative_sampling import EXACT, Sigmoid
from jw2v.losses.record import Loss


def loss(
    v_c: Float[Array, " dim"],
    sides: Int[Array, " depth"],
    u_way: Float[Array, "depth dim"],
    *,
    by: Sigmoid = EXACT,
) -> Float[Array, ""]:
    """J = −Σ_j log σ(s_j u_j·v_c).

    Args:
      v_c: centre vector, `[dim]`.
      sides: s, 1 or −1, and 0 where the way is over, `[depth]`.
      u_way: rows of the inner nodes on the way, `[depth, dim]`.
      by: how σ and −log σ(−x) = log(1 + eˣ) are computed.

    Returns:
      The loss in nats, a scalar.

    >>> print(f"{loss(jnp.ones(2), jnp.array([1, -1, 0]), jnp.zeros((3, 2))):.4f}")  # 2 log 2
    1.3863
    """
    s = sides.astype(v_c.dtype)
    return jnp.abs(s) @ by.softplus(-s * (u_way @ v_c))


def loss_and_grads(
    v_c: Float[Array, " dim"],
    sides: Int[Array, " depth"],
    u_way: Float[Array, "depth dim"],
    *,
    by: Sigmoid = EXACT,
) -> tuple[Float[Array, ""], tuple[Float[Array, " dim"], Float[Array, "depth dim"]]]:
    """J and (∂J/∂v_c, ∂J/∂u_way), by hand; arguments as in `loss`.

    >>> sides = jnp.array([1, -1, 0])
    >>> J, (d_v_c, d_u_way) = loss_and_grads(jnp.ones(2), sides, jnp.zeros((3, 2)))
    >>> print(d_u_way[:, 0])
    [-0.5  0.5 -0. ]
    """
    s = sides.astype(v_c.dtype)
    score = -s * (u_way @ v_c)
    err = -s * by.sigmoid(score)
    return jnp.abs(s) @ by.softplus(score), (err @ u_way, jnp.outer(err, v_c))


def loss_and_grads_autodiff(
    v_c: Float[Array, " dim"],
    sides: Int[Array, " depth"],
    u_way: Float[Array, "depth dim"],
    *,
    by: Sigmoid = EXACT,
) -> tuple[Float[Array, ""], tuple[Float[Array, " dim"], Float[Array, "depth dim"]]]:
    """J and its gradients by `jax.value_and_grad` of `loss`; arguments as in `loss`."""
    return jax.value_and_grad(loss, argnums=(0, 2))(v_c, sides, u_way, by=by)


PAIR = Loss(loss, loss_and_grads, wrt=(0, 2), way=True)
