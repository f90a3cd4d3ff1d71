"""Part (h): the skip-gram window, a weighted sum of a pair loss over the outside words.

    J_sg(v_c, w_{t−m} … w_{t+m}, U) = Σ_j ω_j J(v_c, w_{t+j}, U),     −m ≤ j ≤ m, j ≠ 0

    (i)   ∂J_sg/∂U   = Σ_j ω_j ∂J(v_c, w_{t+j}, U)/∂U
    (ii)  ∂J_sg/∂v_c = Σ_j ω_j ∂J(v_c, w_{t+j}, U)/∂v_c
    (iii) ∂J_sg/∂v_w = 0 for w ≠ c: no other row of V is an argument

ω_j = `weight[j]` is 1 inside the window and 0 beyond a sentence's end (the written solution has
ω = 1); a weight that falls with distance is the mean of a window of drawn width.

The pair loss J is any `Loss` over a pair, `pair`. One signature serves both of the document:

| pair              | `outside`            | `rest`               | gradients                 |
|-------------------|----------------------|----------------------|---------------------------|
| negative_sampling | u_ctx `[ctx, dim]`   | u_neg `[neg, dim]`   | (d_v_c, d_u_ctx, d_u_neg) |
| naive_softmax     | ids `[ctx]`          | U `[vocab, dim]`     | (d_v_c, d_U)              |

`rest` is shared by the pairs of the window, so its gradient is summed over them. Pairs with
negatives of their own are windows of one outside word each.

Source: CS224n assignment 2, part (h); Mikolov et al. 2013, arXiv 1301.3781.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss

OVER_PAIRS = (None, 0, None)  # v_c and rest belong to the window, outside has one entry a pair


def loss(
    v_c: Float[Array, " dim"],
    outside: Float[Array, "ctx dim"] | Int[Array, " ctx"],
    rest: Float[Array, "rest dim"],
    weight: Float[Array, " ctx"],
    *,
    pair: Loss = NEGATIVE_SAMPLING,
) -> Float[Array, ""]:
    """J_sg = Σ_j ω_j J(v_c, outside_j, rest).

    Args:
      v_c: centre vector, `[dim]`.
      outside: outside rows `[ctx, dim]`, or ids `[ctx]` where the pair loss takes ids.
      rest: rows shared by the window's pairs: negatives `[neg, dim]`, or the table `[vocab, dim]`.
      weight: ω, `[ctx]`; 0 masks a pair.
      pair: the pair loss J.

    Returns:
      The loss in nats, a scalar.

    >>> v_c, u_ctx, u_neg = jnp.ones(2), jnp.zeros((4, 2)), jnp.zeros((5, 2))
    >>> print(f"{loss(v_c, u_ctx, u_neg, jnp.array([1.0, 1.0, 1.0, 0.0])):.4f}")  # 3 · 6 log 2
    12.4766
    """
    return weight @ jax.vmap(pair.loss, OVER_PAIRS)(v_c, outside, rest)


def loss_and_grads(
    v_c: Float[Array, " dim"],
    outside: Float[Array, "ctx dim"] | Int[Array, " ctx"],
    rest: Float[Array, "rest dim"],
    weight: Float[Array, " ctx"],
    *,
    pair: Loss = NEGATIVE_SAMPLING,
) -> tuple[Float[Array, ""], tuple[Float[Array, "..."], ...]]:
    """J_sg and its gradients by hand, (i) and (ii) from the pair's own; arguments as in `loss`.

    Raises:
      TypeError: the pair loss has no gradient by hand.

    >>> v_c, u_ctx, u_neg = jnp.ones(2), jnp.zeros((4, 2)), jnp.zeros((5, 2))
    >>> J, (d_v_c, d_u_ctx, d_u_neg) = loss_and_grads(v_c, u_ctx, u_neg, jnp.ones(4))
    >>> print(d_u_ctx[0], d_u_neg[0])
    [-0.5 -0.5] [2. 2.]
    """
    if pair.loss_and_grads is None:
        raise TypeError("the pair loss has no gradient by hand; use loss_and_grads_autodiff")
    over_pairs = jax.vmap(pair.loss_and_grads, OVER_PAIRS)
    losses, (d_v_c, *d_outside, d_rest) = over_pairs(v_c, outside, rest)
    by_pair = tuple(weight[:, None] * d for d in d_outside)
    summed = jnp.tensordot(weight, d_rest, axes=1)
    return weight @ losses, (weight @ d_v_c, *by_pair, summed)


def loss_and_grads_autodiff(
    v_c: Float[Array, " dim"],
    outside: Float[Array, "ctx dim"] | Int[Array, " ctx"],
    rest: Float[Array, "rest dim"],
    weight: Float[Array, " ctx"],
    *,
    pair: Loss = NEGATIVE_SAMPLING,
) -> tuple[Float[Array, ""], tuple[Float[Array, "..."], ...]]:
    """J_sg and its gradients by `jax.value_and_grad` of `loss`; arguments as in `loss`."""
    return jax.value_and_grad(partial(loss, pair=pair), argnums=pair.wrt)(
        v_c, outside, rest, weight
    )
