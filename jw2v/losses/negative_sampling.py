"""Parts (f) and (g): the negative-sampling loss of one centre word and one outside word.

Symbols: v_c `[dim]` the centre vector, u_o `[dim]` the outside vector, u_neg `[neg, dim]` the rows
of the K sampled words, λ = `neg_weight` (1 in the written solution).

    J = −log σ(u_o·v_c) − λ Σ_k log σ(−u_k·v_c)

    d(−log σ(s))/ds = −σ'(s)/σ(s) = −(1 − σ(s)) = −σ(−s)          by (e), s = u_o·v_c
    d(−log σ(−s))/ds =                              σ(s)          s = u_k·v_c

    (f) ∂J/∂v_c = (σ(u_o·v_c) − 1) u_o + λ Σ_k σ(u_k·v_c) u_k
        ∂J/∂u_o = (σ(u_o·v_c) − 1) v_c
        ∂J/∂u_k = λ σ(u_k·v_c) v_c                                = −λ (σ(−u_k·v_c) − 1) v_c

    (g) The gradient of a *row* is as above whether or not the K words are distinct. The gradient
        of a *word* sums the rows it was drawn in, Σ_{i: w_i = w_k} ∂J/∂u_i, which is what
        scatter-adding the rows does (`jw2v.blocks.tables`); o among the negatives adds likewise.

σ(s) − 1 is kept as −σ(−s): it loses every digit once σ(s) rounds to 1.

With N rows shared by many pairs and λ = K/N, the second term is K times a mean over N draws: the
same expectation over the noise law as K draws of its own.

Source: CS224n assignment 2, parts (f) and (g); Mikolov et al. 2013, arXiv 1310.4546, equation 4.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.losses import fast_sigmoid
from jw2v.losses.record import Loss

Weight = Float[Array, ""] | float


class Sigmoid(NamedTuple):
    """σ as it is computed, and log(1 + eˣ) as that of which it is the derivative."""

    sigmoid: Callable[[Array], Array]
    softplus: Callable[[Array], Array]


EXACT = Sigmoid(jax.nn.sigmoid, jax.nn.softplus)
POLYNOMIAL = Sigmoid(fast_sigmoid.sigmoid, fast_sigmoid.softplus)


def loss(
    v_c: Float[Array, " dim"],
    u_o: Float[Array, " dim"],
    u_neg: Float[Array, "neg dim"],
    *,
    neg_weight: Weight = 1.0,
    by: Sigmoid = EXACT,
) -> Float[Array, ""]:
    """J = −log σ(u_o·v_c) − λ Σ_k log σ(−u_k·v_c).

    Args:
      v_c: centre vector, `[dim]`.
      u_o: outside vector, `[dim]`.
      u_neg: rows of the sampled words, `[neg, dim]`.
      neg_weight: λ, the weight of each sampled row; 1 is the written solution.
      by: how σ and −log σ(−x) = log(1 + eˣ) are computed.

    Returns:
      The loss in nats, a scalar.

    >>> print(f"{loss(jnp.ones(2), jnp.zeros(2), jnp.zeros((5, 2))):.4f}")  # 6 log 2
    4.1589
    """
    return by.softplus(-(u_o @ v_c)) + neg_weight * jnp.sum(by.softplus(u_neg @ v_c))


def loss_and_grads(
    v_c: Float[Array, " dim"],
    u_o: Float[Array, " dim"],
    u_neg: Float[Array, "neg dim"],
    *,
    neg_weight: Weight = 1.0,
    by: Sigmoid = EXACT,
) -> tuple[
    Float[Array, ""],
    tuple[Float[Array, " dim"], Float[Array, " dim"], Float[Array, "neg dim"]],
]:
    """J and (∂J/∂v_c, ∂J/∂u_o, ∂J/∂u_neg) of (f), by hand; arguments as in `loss`.

    >>> J, (d_v_c, d_u_o, d_u_neg) = loss_and_grads(jnp.ones(2), jnp.zeros(2), jnp.zeros((5, 2)))
    >>> print(d_u_o, d_u_neg[0])
    [-0.5 -0.5] [0.5 0.5]
    """
    score_o = u_o @ v_c
    score_neg = u_neg @ v_c
    err_o = -by.sigmoid(-score_o)  # σ(s) − 1
    err_neg = neg_weight * by.sigmoid(score_neg)
    d_v_c = err_o * u_o + err_neg @ u_neg
    d_u_o = err_o * v_c
    d_u_neg = jnp.outer(err_neg, v_c)
    value = by.softplus(-score_o) + neg_weight * jnp.sum(by.softplus(score_neg))
    return value, (d_v_c, d_u_o, d_u_neg)


loss_and_grads_autodiff = jax.value_and_grad(loss, argnums=(0, 1, 2))
PAIR = Loss(loss, loss_and_grads)
