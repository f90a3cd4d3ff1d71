"""The continuous bag of words: the words around a centre, averaged or summed, predict it.

Symbols: v_j `[dim]` the input vectors of the words around, ω_j their weights, o the centre word,
which is what is predicted here, J any pair loss of `jw2v.losses`.

    h = Σ_j a_j v_j,      a_j = ω_j / Σ_i ω_i (mean)   or   a_j = ω_j (sum)

    J_cbow = J(h, o, rest)

    ∂J_cbow/∂v_j = a_j ∂J/∂h            the chain rule through h: ∂h/∂v_j = a_j I
    ∂J_cbow/∂u   = ∂J/∂u                of the target and the negatives, or of U: those of J at h

`word2vec=True` is the update of word2vec.c and gensim, kept for comparison: with the mean it adds
∂J/∂h, undivided, to every word, which is Σ_i ω_i times the gradient for equal weights. It is no
gradient of this loss or of any other, and the judge refutes it (`jw2v.ledger.peers.cbow`).

A window in which every weight is 0 has no loss and no gradient.

Source: Mikolov et al. 2013, arXiv 1301.3781, section 3.1; the missing factor: İrsoy, Benton and
Stratos 2020, arXiv 2012.15332.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss


def shares(weight: Float[Array, "*windows ctx"], *, mean: bool) -> Float[Array, "*windows ctx"]:
    """a_j: what each word around counts in h; 0 in an empty window.

    >>> print(shares(jnp.array([1.0, 0.5, 0.5]), mean=True))
    [0.5  0.25 0.25]
    """
    if not mean:
        return weight
    total = jnp.sum(weight, axis=-1, keepdims=True)
    return weight / (total + (1 - jnp.sign(total)))


def counts(weight: Float[Array, "*windows ctx"]) -> Float[Array, "*windows"]:
    """1 for a window that holds words, 0 for an empty one.

    >>> print(counts(jnp.array([[1.0, 0.5], [0.0, 0.0]])))
    [1. 0.]
    """
    return jnp.sign(jnp.sum(weight, axis=-1))


def loss(
    v_ctx: Float[Array, "ctx dim"],
    outside: Float[Array, " dim"] | Int[Array, "..."],
    rest: Float[Array, "rest dim"],
    weight: Float[Array, " ctx"],
    *,
    pair: Loss = NEGATIVE_SAMPLING,
    mean: bool = True,
) -> Float[Array, ""]:
    """J_cbow = J(Σ_j a_j v_j, outside, rest).

    Args:
      v_ctx: input vectors of the words around, `[ctx, dim]`.
      outside: the predicted word: its row `[dim]`, its id, or the sides of the way to it.
      rest: negatives `[neg, dim]`, the table `[vocab, dim]`, or the way's rows `[depth, dim]`.
      weight: ω, `[ctx]`; 0 leaves a word out.
      pair: the pair loss J.
      mean: average the words around; else sum them.

    Returns:
      The loss in nats, a scalar.

    >>> v_ctx, u_o, u_neg = jnp.ones((4, 2)), jnp.zeros(2), jnp.zeros((5, 2))
    >>> print(f"{loss(v_ctx, u_o, u_neg, jnp.ones(4)):.4f}")  # 6 log 2
    4.1589
    """
    h = shares(weight, mean=mean) @ v_ctx
    return counts(weight) * pair.loss(h, outside, rest)


def loss_and_grads(
    v_ctx: Float[Array, "ctx dim"],
    outside: Float[Array, " dim"] | Int[Array, "..."],
    rest: Float[Array, "rest dim"],
    weight: Float[Array, " ctx"],
    *,
    pair: Loss = NEGATIVE_SAMPLING,
    mean: bool = True,
    word2vec: bool = False,
) -> tuple[Float[Array, ""], tuple[Float[Array, "..."], ...]]:
    """J_cbow and its gradients by hand, from the pair's own at h; arguments as in `loss`.

    Args:
      v_ctx: as in `loss`, like the four after it.
      outside: see `loss`.
      rest: see `loss`.
      weight: see `loss`.
      pair: see `loss`.
      mean: see `loss`.
      word2vec: in the place of ∂J/∂v_ctx the update of word2vec.c, which is not the gradient.

    Raises:
      TypeError: the pair loss has no gradient by hand.

    >>> v_ctx, u_o, u_neg = jnp.ones((2, 1)), jnp.array([1.0]), jnp.zeros((5, 1))
    >>> _, (d_v_ctx, d_u_o, d_u_neg) = loss_and_grads(v_ctx, u_o, u_neg, jnp.ones(2))
    >>> print(d_v_ctx[:, 0].round(4))  # (σ(1) − 1) / 2
    [-0.1345 -0.1345]
    """
    if pair.loss_and_grads is None:
        raise TypeError("the pair loss has no gradient by hand; use loss_and_grads_autodiff")
    held = counts(weight)
    value, (d_h, *others) = pair.loss_and_grads(shares(weight, mean=mean) @ v_ctx, outside, rest)
    a = given(weight, mean=mean, word2vec=word2vec)
    return held * value, (jnp.outer(held * a, d_h), *(held * d for d in others))


def given(
    weight: Float[Array, "*windows ctx"], *, mean: bool, word2vec: bool
) -> Float[Array, "*windows ctx"]:
    """How much of ∂J/∂h each word around is given: a_j, or by word2vec.c 1 where it is in h.

    >>> print(given(jnp.array([1.0, 1.0, 0.0]), mean=True, word2vec=True))
    [1. 1. 0.]
    """
    if word2vec:
        return jnp.sign(weight)
    return shares(weight, mean=mean)


def loss_and_grads_autodiff(
    v_ctx: Float[Array, "ctx dim"],
    outside: Float[Array, " dim"] | Int[Array, "..."],
    rest: Float[Array, "rest dim"],
    weight: Float[Array, " ctx"],
    *,
    pair: Loss = NEGATIVE_SAMPLING,
    mean: bool = True,
) -> tuple[Float[Array, ""], tuple[Float[Array, "..."], ...]]:
    """J_cbow and its gradients by `jax.value_and_grad` of `loss`; arguments as in `loss`."""
    of = partial(loss, pair=pair, mean=mean)
    return jax.value_and_grad(of, argnums=pair.wrt)(v_ctx, outside, rest, weight)
