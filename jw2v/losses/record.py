"""A loss and its two gradients, kept together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax

LossFn = Callable[..., Any]
"""`loss(*rows) -> scalar`."""

LossAndGradsFn = Callable[..., tuple[Any, tuple[Any, ...]]]
"""`loss_and_grads(*rows) -> (loss, gradients of the rows)`."""


@dataclass(frozen=True)
class Loss:
    """A loss, its gradient by hand, and its gradient by autodiff: one signature, three functions.

    Attributes:
      loss: a pure function of gathered rows to a scalar. Over a pair it takes
        `(v_c, u_o, u_neg)` with shapes `[dim]`, `[dim]`, `[neg, dim]`; over a window it takes
        `(v_c, u_ctx, u_neg, weight)` with shapes `[dim]`, `[ctx, dim]`, `[neg, dim]`, `[ctx]`.
      loss_and_grads: the same arguments to `(loss, gradients)`, derived by hand, one gradient for
        each row argument in order (`weight` has none). None where there is no page of algebra yet:
        such a loss trains with `gradient="autodiff"`.
      over: "pair" (a centre word and one outside word; a window sums over its pairs) or "window".
      wrt: positions of the arguments that have a gradient.
      way: whether what follows `v_c` is a way through a tree: its sides and its nodes' rows, as of
        `jw2v.losses.hierarchical_softmax`.

    Example: half the squared distance, which no negative enters.

    >>> import jax.numpy as jnp
    >>> def loss(v_c, u_o, u_neg):
    ...     return 0.5 * jnp.sum((v_c - u_o) ** 2)
    >>> def loss_and_grads(v_c, u_o, u_neg):
    ...     return loss(v_c, u_o, u_neg), (v_c - u_o, u_o - v_c, jnp.zeros_like(u_neg))
    >>> mine = Loss(loss, loss_and_grads)
    >>> v_c, u_o, u_neg = jnp.array([1.0, 2.0]), jnp.array([3.0, 1.0]), jnp.ones((5, 2))
    >>> print(mine.loss_and_grads(v_c, u_o, u_neg)[1][0])
    [-2.  1.]
    >>> print(mine.loss_and_grads_autodiff(v_c, u_o, u_neg)[1][0])
    [-2.  1.]
    """

    loss: LossFn
    loss_and_grads: LossAndGradsFn | None = None
    over: Literal["pair", "window"] = "pair"
    wrt: tuple[int, ...] = (0, 1, 2)
    way: bool = False

    @property
    def loss_and_grads_autodiff(self) -> LossAndGradsFn:
        """`jax.value_and_grad` of the plain loss: the hand gradient plays no part in it."""
        return jax.value_and_grad(self.loss, argnums=self.wrt)
