"""One step, pure: gather rows, take the gradient, update the touched rows."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jw2v.blocks import in_batch, inward, naive_softmax, negative_sampling, subwords, windowed
from jw2v.blocks.kernel import Kernel, KernelGrads
from jw2v.blocks.tables import RowGrads, Tables
from jw2v.blocks.windows import Block, pairs_per_centre
from jw2v.errors import UsageError
from jw2v.losses.hierarchical_softmax import PAIR as HIERARCHICAL_SOFTMAX
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import EXACT, POLYNOMIAL, Sigmoid
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss
from jw2v.optim.rows import apply_updates
from jw2v.training.config import Config
from jw2v.training.state import TrainState


class StepInfo(NamedTuple):
    """What a person wants to see of a step."""

    loss: Float[Array, ""] | float  # summed over pairs, weighted
    pairs: Float[Array, ""] | float  # summed weight; of CBOW the windows


Step = Callable[[TrainState, Block], tuple[TrainState, StepInfo]]


def kernel_of(config: Config, loss: Loss | None = None) -> Kernel:
    """The kernel that a config names, or the one of a loss of the user's own.

    Raises:
      UsageError: the kernel has no gradient by hand and the config asks for it, or the loss is of
        another model than the config's.
    """
    kernel = _kernel(config, loss)
    if config.ngrams is not None:
        kernel = subwords.kernel(kernel)
    if config.gradient == "manual" and kernel.loss_and_grads is None:
        raise UsageError(
            "this loss has no loss_and_grads; give one, or train without it (--gradient autodiff)"
        )
    return kernel


def _kernel(config: Config, loss: Loss | None) -> Kernel:
    weights = config.weights
    if loss is not None:
        if config.inward:
            raise UsageError(
                "a loss given as an object is of a centre and the words around it; leave out "
                "cbow, reverse and hierarchical_softmax (--model, --reverse, --loss)"
            )
        return windowed.kernel(loss, weights=weights)
    if config.inward:
        return _inward(config)
    if config.kernel == "windows":
        return windowed.kernel(pair_of(config), weights=weights)
    if config.loss == "naive_softmax":
        return naive_softmax.kernel(weights=weights, chunk=config.softmax_chunk)
    how: dict[str, Any] = {
        "negatives": config.negatives,
        "weights": weights,
        "operands": _operands(config),
        "by": sigmoid_of(config),
    }
    if config.in_batch:
        return in_batch.kernel(passage=config.passage, **how)
    return negative_sampling.kernel(tile=config.tile_size, **how)


def _inward(config: Config) -> Kernel:
    bag = {"mean": config.cbow_mean, "word2vec": config.cbow_update == "word2vec"}
    if config.kernel == "windows":
        if config.model == "cbow":
            return windowed.bag_kernel(pair_of(config), weights=config.weights, **bag)
        return windowed.reverse_kernel(pair_of(config), weights=config.weights)
    if config.loss == "naive_softmax":
        how = {"weights": config.weights, "chunk": config.softmax_chunk}
        if config.model == "cbow":
            return naive_softmax.bag_kernel(**bag, **how)
        return naive_softmax.reverse_kernel(**how)
    return inward.kernel(
        rows=inward.bag(**bag) if config.model == "cbow" else inward.EACH,
        columns=inward.tree() if config.has_tree else inward.negatives(config.negatives),
        weights=config.weights,
        tile=config.tile_size,
        operands=_operands(config),
        by=sigmoid_of(config),
    )


def _operands(config: Config) -> str | None:
    return "bfloat16" if config.precision == "bfloat16" else None


def pairs_of(config: Config) -> float:
    """What a place of V counts in a step: the pairs of a centre; of a bag's word, its shares."""
    if config.gives_shares:
        return 1.0
    return float(pairs_per_centre(config.window, config.weights))


def sigmoid_of(config: Config) -> Sigmoid:
    """σ as a config has it computed."""
    return POLYNOMIAL if config.sigmoid == "polynomial" else EXACT


def pair_of(config: Config) -> Loss:
    """The pair loss of a config; of negative sampling with N shared negatives that count as K."""
    if config.loss == "naive_softmax":
        return NAIVE_SOFTMAX
    if config.has_tree:
        return _with(HIERARCHICAL_SOFTMAX, by=sigmoid_of(config))
    counting = config.negatives / config.group_negatives
    return _with(NEGATIVE_SAMPLING, neg_weight=counting, by=sigmoid_of(config))


def _with(pair: Loss, **how: Any) -> Loss:
    assert pair.loss_and_grads is not None
    by_hand = partial(pair.loss_and_grads, **how)
    return replace(pair, loss=partial(pair.loss, **how), loss_and_grads=by_hand)


def gradient_of(kernel: Kernel, gradient: str) -> KernelGrads:
    """The side of the kernel that trains: "manual" or "autodiff"."""
    if gradient == "autodiff":
        return kernel.loss_and_grads_autodiff
    assert kernel.loss_and_grads is not None
    return kernel.loss_and_grads


def row_gradients(
    kernel: Kernel, gradient: str, tables: Tables, block: Block
) -> tuple[Float[Array, ""], Tables]:
    """The loss of a block, and the gradients of both tables, in rows where rows are gathered."""
    ids = kernel.ids(block)
    u = tables.U if ids.outside is None else tables.U[ids.outside]
    loss, (d_v, d_u) = gradient_of(kernel, gradient)(tables.V[ids.centre], u, block)
    outside = d_u if ids.outside is None else RowGrads(ids.outside, d_u)
    return loss, Tables(RowGrads(ids.centre, d_v), outside)


def make_step(kernel: Kernel, optimizer: optax.GradientTransformation, config: Config) -> Step:
    """The pure training step: `(state, block) -> (state, info)`.

    Args:
      kernel: the loss of a block and its gradient.
      optimizer: update of the tables.
      config: gradient and window weights.

    Returns:
      The step; it is not jitted, and an unused `info` costs nothing under jit.
    """

    def step(state: TrainState, block: Block) -> tuple[TrainState, StepInfo]:
        tables = state.tables
        loss, grads = row_gradients(kernel, config.gradient, tables, block)
        updates, opt_state = optimizer.update(grads, state.opt_state, tables)
        tables = apply_updates(tables, updates)
        info = StepInfo(loss, kernel.terms(block))
        if config.on_nan == "skip":
            info = StepInfo(*(jnp.where(jnp.isfinite(loss), x, 0) for x in info))
        return TrainState(tables, opt_state, state.blocks + 1), info

    return step
