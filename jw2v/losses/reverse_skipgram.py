"""Skip-gram read the other way: each word around a centre predicts it, as word2vec.c has it.

    J_rs(w_t, v_{t−m} … v_{t+m}) = Σ_j ω_j J(v_{t+j}, w_t, rest),     −m ≤ j ≤ m, j ≠ 0

    ∂J_rs/∂v_{t+j} = ω_j ∂J(v_{t+j}, w_t, rest)/∂v
    ∂J_rs/∂u       = Σ_j ω_j ∂J(v_{t+j}, w_t, rest)/∂u       of the centre and of the rest

Over a text, in which i is around j where j is around i, this is the sum over the same pairs as
`jw2v.losses.skipgram`, in another order; what differs is which pairs share a centre's negatives.

Source: word2vec.c and gensim (input: the word around, output: the centre); Mikolov et al. 2013.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss

OVER_PAIRS = (0, None, None)  # what is predicted, and the rest, belong to the window


def loss(
    v_ctx: Float[Array, "ctx dim"],
    outside: Float[Array, " dim"] | Int[Array, "..."],
    rest: Float[Array, "rest dim"],
    weight: Float[Array, " ctx"],
    *,
    pair: Loss = NEGATIVE_SAMPLING,
) -> Float[Array, ""]:
    """J_rs = Σ_j ω_j J(v_j, outside, rest).

    Args:
      v_ctx: vectors of the words around, `[ctx, dim]`.
      outside: the predicted word: its row `[dim]`, its id, or the sides of the way to it.
      rest: negatives `[neg, dim]`, the table `[vocab, dim]`, or the way's rows `[depth, dim]`.
      weight: ω, `[ctx]`; 0 leaves a word out.
      pair: the pair loss J.

    Returns:
      The loss in nats, a scalar.

    >>> v_ctx, u_o, u_neg = jnp.ones((4, 2)), jnp.zeros(2), jnp.zeros((5, 2))
    >>> print(f"{loss(v_ctx, u_o, u_neg, jnp.array([1.0, 1.0, 1.0, 0.0])):.4f}")  # 3 · 6 log 2
    12.4766
    """
    return weight @ jax.vmap(pair.loss, OVER_PAIRS)(v_ctx, outside, rest)


def loss_and_grads(
    v_ctx: Float[Array, "ctx dim"],
    outside: Float[Array, " dim"] | Int[Array, "..."],
    rest: Float[Array, "rest dim"],
    weight: Float[Array, " ctx"],
    *,
    pair: Loss = NEGATIVE_SAMPLING,
) -> tuple[Float[Array, ""], tuple[Float[Array, "..."], ...]]:
    """J_rs and its gradients by hand, from the pair's own; arguments as in `loss`.

    Raises:
      TypeError: the pair loss has no gradient by hand.

    >>> v_ctx, u_o, u_neg = jnp.ones((4, 2)), jnp.zeros(2), jnp.zeros((5, 2))
    >>> J, (d_v_ctx, d_u_o, d_u_neg) = loss_and_grads(v_ctx, u_o, u_neg, jnp.ones(4))
    >>> print(d_u_o, d_u_neg[0])
    [-2. -2.] [2. 2.]
    """
    if pair.loss_and_grads is None:
        raise TypeError("the pair loss has no gradient by hand; use loss_and_grads_autodiff")
    over_pairs = jax.vmap(pair.loss_and_grads, OVER_PAIRS)
    losses, (d_v_ctx, *others) = over_pairs(v_ctx, outside, rest)
    summed = (jnp.tensordot(weight, d, axes=1) for d in others)
    return weight @ losses, (weight[:, None] * d_v_ctx, *summed)


def loss_and_grads_autodiff(
    v_ctx: Float[Array, "ctx dim"],
    outside: Float[Array, " dim"] | Int[Array, "..."],
    rest: Float[Array, "rest dim"],
    weight: Float[Array, " ctx"],
    *,
    pair: Loss = NEGATIVE_SAMPLING,
) -> tuple[Float[Array, ""], tuple[Float[Array, "..."], ...]]:
    """J_rs and its gradients by `jax.value_and_grad` of `loss`; arguments as in `loss`."""
    of = partial(loss, pair=pair)
    return jax.value_and_grad(of, argnums=pair.wrt)(v_ctx, outside, rest, weight)
