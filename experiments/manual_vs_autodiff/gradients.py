"""The gradients that are compared, each by hand and by autodiff, with arguments drawn for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jw2v import Config
from jw2v.blocks import naive_softmax, negative_sampling
from jw2v.blocks.kernel import Kernel
from jw2v.blocks.windowed import over_window
from jw2v.blocks.windows import Block
from jw2v.losses import Loss, over_windows
from jw2v.losses.naive_softmax import PAIR as SOFTMAX
from jw2v.losses.negative_sampling import EXACT, POLYNOMIAL, Sigmoid
from jw2v.losses.negative_sampling import PAIR as SAMPLING

WAYS = BY_HAND, AUTODIFF = "by hand", "autodiff"
CONFIG = Config(group=16)
CONTEXTS = 2 * CONFIG.window


class Gradient(NamedTuple):
    """The ways to `(loss, gradients)`, by name, and what they are given."""

    ways: Mapping[str, Callable[..., Any]]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Draws:
    """Arguments of so many windows over a vocabulary; their scores have a standard deviation."""

    windows: int
    vocab: int
    scores: float
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def rows(self, *shape: int) -> Array:
        """Vectors, `[*shape, dim]`."""
        entry = np.sqrt(self.scores / np.sqrt(CONFIG.dim))  # a score sums dim products of two
        return jnp.asarray(entry * self.rng.normal(size=(*shape, CONFIG.dim)), jnp.float32)

    def ids(self, *shape: int) -> Array:
        """Words."""
        return jnp.asarray(self.rng.integers(self.vocab, size=shape), jnp.int32)


class Case(NamedTuple):
    """A gradient to draw, with how many windows, of which vocabulary."""

    gradient: Callable[[Draws], Gradient]
    windows: int
    vocab: int


def sampling_pair(draws: Draws) -> Gradient:
    """Negative sampling of one pair, vmapped over pairs."""
    n = draws.windows
    return _vmapped(SAMPLING, draws.rows(n), draws.rows(n), draws.rows(n, CONFIG.negatives))


def softmax_pair(draws: Draws) -> Gradient:
    """Naive softmax of one pair, vmapped over pairs; each has a gradient of U of its own."""
    n = draws.windows
    return _vmapped(SOFTMAX, draws.rows(n), draws.ids(n), draws.rows(draws.vocab), shared=(2,))


def sampling_window(draws: Draws) -> Gradient:
    """The skip-gram sum of negative sampling, vmapped over windows."""
    n = draws.windows
    rows = draws.rows(n), draws.rows(n, CONTEXTS), draws.rows(n, CONFIG.negatives)
    return _vmapped(over_window(SAMPLING), *rows, jnp.ones((n, CONTEXTS)))


def softmax_window(draws: Draws) -> Gradient:
    """The skip-gram sum of naive softmax, vmapped over windows."""
    n = draws.windows
    arguments = draws.rows(n), draws.ids(n, CONTEXTS), draws.rows(draws.vocab)
    return _vmapped(over_window(SOFTMAX), *arguments, jnp.ones((n, CONTEXTS)), shared=(2,))


def sampling_block(draws: Draws, by: Sigmoid = EXACT) -> Gradient:
    """The kernel that trains, over the rows it has gathered."""
    kernel = negative_sampling.kernel(negatives=CONFIG.negatives, tile=CONFIG.tile_size, by=by)
    block = _block(draws)
    outside = kernel.ids(block).outside
    assert outside is not None
    return _of_kernel(kernel, draws.rows(draws.windows), draws.rows(len(outside)), block)


def polynomial_block(draws: Draws) -> Gradient:
    """The same with the sigmoid that trains; both ways differentiate the polynomial loss."""
    return sampling_block(draws, POLYNOMIAL)


def softmax_block(draws: Draws) -> Gradient:
    """The kernel of naive softmax, over the centres' rows and the whole table."""
    rows = draws.rows(draws.windows), draws.rows(draws.vocab)
    return _of_kernel(naive_softmax.kernel(), *rows, _block(draws))


CASES = {
    "pair, negative sampling": Case(sampling_pair, 512, 1_000),
    "pair, naive softmax": Case(softmax_pair, 32, 1_000),
    "window, negative sampling": Case(sampling_window, 512, 1_000),
    "window, naive softmax": Case(softmax_window, 32, 1_000),
    "block, negative sampling": Case(sampling_block, 512, 1_000),
    "block, negative sampling, polynomial σ": Case(polynomial_block, 512, 1_000),
    "block, naive softmax": Case(softmax_block, 256, 10_000),
}


def _vmapped(loss: Loss, *arguments: Array, shared: tuple[int, ...] = ()) -> Gradient:
    assert loss.loss_and_grads is not None
    batched = partial(over_windows, shared=shared, args=len(arguments))
    ways = {BY_HAND: loss.loss_and_grads, AUTODIFF: loss.loss_and_grads_autodiff}
    return Gradient({name: batched(way) for name, way in ways.items()}, arguments)


def _of_kernel(kernel: Kernel, v: Array, u: Array, block: Block) -> Gradient:
    assert kernel.loss_and_grads is not None
    ways = {BY_HAND: kernel.loss_and_grads, AUTODIFF: kernel.loss_and_grads_autodiff}
    return Gradient(ways, (v, u, block))


def _block(draws: Draws) -> Block:
    """Centres of one sentence, with negatives for each group."""
    n = draws.windows
    halo = n + CONTEXTS
    return Block(
        draws.ids(halo),
        jnp.zeros(halo, jnp.int32),
        jnp.full(n, CONFIG.window),
        draws.ids(n // CONFIG.group_size, CONFIG.group_negatives),
    )
