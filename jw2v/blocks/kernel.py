"""A kernel: the loss of a whole block of windows, as a function of the rows it gathers."""

from collections.abc import Callable
from typing import NamedTuple

import jax
from jaxtyping import Array, Float, Int

from jw2v.blocks.windows import Block

Rows = tuple[Float[Array, "centre dim"], Float[Array, "outside dim"]]
KernelLoss = Callable[[Float[Array, "c dim"], Float[Array, "o dim"], Block], Float[Array, ""]]
KernelGrads = Callable[
    [Float[Array, "c dim"], Float[Array, "o dim"], Block], tuple[Float[Array, ""], Rows]
]


def as_gathered(*rows: Array) -> tuple[Array, ...]:
    """Gathered rows, shaped as a kernel's products take them, behind a barrier.

    Without it XLA rewrites gather and scatter into copies of the whole tables; before the rows are
    shaped, it would copy them once for each shape.
    """
    return jax.lax.optimization_barrier(rows)


class RowIds(NamedTuple):
    """The rows a kernel gathers from V and from U; None is the whole table."""

    centre: Int[Array, " centre"]
    outside: Int[Array, " outside"] | None


class Kernel(NamedTuple):
    """A loss over a block, beside its gradient by hand.

    Attributes:
      ids: the block to the rows it gathers; an id may stand twice, its gradients then add.
      loss: (rows of V, rows of U, block) to the summed loss of the block's pairs.
      loss_and_grads: the same arguments to `(loss, (gradient of V's rows, of U's rows))`, by hand;
        None where there is none.
      terms: the block to the summed weight of the losses that are summed, the divisor of a mean.
    """

    ids: Callable[[Block], RowIds]
    loss: KernelLoss
    loss_and_grads: KernelGrads | None
    terms: Callable[[Block], Float[Array, ""]]

    @property
    def loss_and_grads_autodiff(self) -> KernelGrads:
        """`jax.value_and_grad` of the plain block loss."""
        return jax.value_and_grad(self.loss, argnums=(0, 1))
