"""Parts (a) to (d): the naive-softmax loss of one centre word and one outside word.

Symbols: v_c `[dim]` the centre vector, o the id of the outside word, U `[vocab, dim]` the outside
vectors, one row a word. The written solution keeps words in the columns of U, so its U(ŷ − y) is
Uᵀ(ŷ − y) here, and its ∂J/∂U = [∂J/∂u₁ … ∂J/∂u_V] has these gradients as columns, here as rows.

    ŷ = softmax(U v_c)           ŷ_w = exp(u_w·v_c) / Σ_k exp(u_k·v_c) = P(O = w | C = c)
    y = one-hot(o)

    (a) J = −log ŷ_o = −Σ_w y_w log ŷ_w                  only the term w = o survives
          = log Σ_w exp(u_w·v_c) − u_o·v_c

    (b) ∂J/∂v_c = −u_o + Σ_w ŷ_w u_w                     derivative of the log of the sum
                = Σ_w (ŷ_w − y_w) u_w = Uᵀ(ŷ − y)        for u_o = Σ_w y_w u_w

    (c) ∂J/∂u_w = ŷ_w v_c             w ≠ o
        ∂J/∂u_o = (ŷ_o − 1) v_c       w = o              together: (ŷ_w − y_w) v_c

    (d) ∂J/∂U   = (ŷ − y) v_cᵀ                           row w is (c), `[vocab, dim]`

Scores are shifted by their maximum before exp, so ±1e4 is as safe as ±1.

Source: CS224n assignment 2, parts (a) to (d).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jw2v.losses.record import Loss


def probabilities(
    v_c: Float[Array, " dim"], U: Float[Array, "vocab dim"]
) -> Float[Array, " vocab"]:
    """ŷ = softmax(U v_c), the model's distribution of the outside word.

    >>> print(probabilities(jnp.array([0.0, 1.0]), jnp.zeros((4, 2))))
    [0.25 0.25 0.25 0.25]
    """
    return jax.nn.softmax(U @ v_c)


def cross_entropy(y: Float[Array, " vocab"], y_hat: Float[Array, " vocab"]) -> Float[Array, ""]:
    """−Σ_w y_w log ŷ_w, the left side of (a); a word with y_w = 0 adds nothing, even at ŷ_w = 0.

    >>> y, y_hat = jnp.array([0.0, 1.0]), jnp.array([0.75, 0.25])
    >>> print(f"{cross_entropy(y, y_hat):.4f}")
    1.3863
    """
    return -jnp.sum(jax.scipy.special.xlogy(y, y_hat))


def loss(
    v_c: Float[Array, " dim"], o: Int[Array, ""], U: Float[Array, "vocab dim"]
) -> Float[Array, ""]:
    """J = −log ŷ_o, part (a).

    Args:
      v_c: centre vector, `[dim]`.
      o: id of the outside word, `0 <= o < vocab`.
      U: outside vectors, `[vocab, dim]`.

    Returns:
      The loss in nats, a scalar.

    >>> U = jnp.zeros((4, 2))
    >>> print(f"{loss(jnp.array([0.0, 1.0]), jnp.array(2), U):.4f}")  # log 4
    1.3863
    """
    return -jax.nn.log_softmax(U @ v_c)[o]


def loss_and_grads(
    v_c: Float[Array, " dim"], o: Int[Array, ""], U: Float[Array, "vocab dim"]
) -> tuple[Float[Array, ""], tuple[Float[Array, " dim"], Float[Array, "vocab dim"]]]:
    """J, ∂J/∂v_c of (b) and ∂J/∂U of (d), by hand; arguments as in `loss`.

    >>> J, (d_v_c, d_U) = loss_and_grads(jnp.array([0.0, 1.0]), jnp.array(2), jnp.zeros((4, 2)))
    >>> print(d_U[:, 1])
    [ 0.25  0.25 -0.75  0.25]
    """
    log_y_hat = jax.nn.log_softmax(U @ v_c)
    err = jnp.exp(log_y_hat).at[o].add(-1.0)  # ŷ − y
    d_v_c = err @ U
    d_U = jnp.outer(err, v_c)
    return -log_y_hat[o], (d_v_c, d_U)


loss_and_grads_autodiff = jax.value_and_grad(loss, argnums=(0, 2))
PAIR = Loss(loss, loss_and_grads, wrt=(0, 2))
