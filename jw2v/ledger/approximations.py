"""What the fast path computes otherwise than the written loss, each as a claim: a bound or a mean.

    polynomial sigmoid   |σ̃ − σ| < 0.0067, and what trains is the exact gradient of J̃, s̃' = σ̃
    linear weights       the mean over windows of drawn width
    shared negatives     the mean over the noise law, K negatives a pair
    in-batch negatives   the same mean, over what another passage may hold
    a control variate    the same mean with it: of its own it has none
    the noise law        a table of 32-bit integers, right to 2⁻³²

(Operands in bfloat16 are claims of the kernel itself, whose bound is that of the casts.) That f is
within ε is claimed as max(|f̃ − f|, ε) = ε.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.blocks import noise
from jw2v.blocks.tables import Tables
from jw2v.blocks.windows import Block, contexts
from jw2v.judge.records import Derivation, Step, claim
from jw2v.ledger.example import (
    BOTH,
    TABLES,
    VOCAB,
    example_block,
    on_device,
    plain_loss,
    small,
    table_gradients,
)
from jw2v.losses import fast_sigmoid
from jw2v.training.config import Config

WORST, WORST_WITHIN_4, WORST_SOFTPLUS = 0.0067, 0.0048, 0.0051
GRID = 100  # points a quarter of the reach
EXACT = Config(sigmoid="exact", window=3)
COUNTS = np.arange(VOCAB, 0, -1)
LAW = noise.law(COUNTS, exponent=1.0)


def sigmoid_claims() -> tuple[Derivation, ...]:
    """σ̃ is the derivative of s̃, and both keep to their bounds.

    >>> [derivation.id for derivation in sigmoid_claims()][:2]
    ['polynomial sigmoid', 'polynomial sigmoid, bound']
    """
    sigmoid, softplus = fast_sigmoid.sigmoid, fast_sigmoid.softplus
    gradient = claim(
        "polynomial sigmoid",
        lambda x: jnp.sum(softplus(x)),
        sigmoid,
        (np.ones(7),),
        latex=r"\tilde s'(x) = \tilde\sigma(x)",
    )
    return (
        gradient,
        bound_claim("polynomial sigmoid, bound", sigmoid, jax.nn.sigmoid, WORST, reach=12.0),
        bound_claim(
            "polynomial sigmoid, bound within 4", sigmoid, jax.nn.sigmoid, WORST_WITHIN_4, reach=4.0
        ),
        bound_claim(
            "polynomial softplus, bound", softplus, jax.nn.softplus, WORST_SOFTPLUS, reach=12.0
        ),
    )


def bound_claim(
    name: str, approximate: Any, exact: Any, bound: float, *, reach: float
) -> Derivation:
    """|f̃ − f| < bound on ±reach, on a fine grid that every sample shifts."""
    grid = np.linspace(-reach, reach, 4 * GRID)

    def worst(x: Any) -> Any:
        points = jnp.clip(jnp.asarray(grid, x.dtype) + x / GRID, -reach, reach)
        return jnp.maximum(jnp.abs(approximate(points) - exact(points)), bound)

    def kept(x: Any) -> Any:
        return jnp.full(grid.shape, bound, x.dtype)

    step = Step(name, rf"\max(|\tilde f - f|, {bound}) = {bound}", worst, kind="bound")
    return Derivation(name, kept, (np.float64(1),), (step,), dtypes=BOTH)


def linear_weights_claim() -> Derivation:
    """The block with linear weights, against the mean of the losses at each width."""
    config = small(EXACT)
    drawn = replace(config, window_weights="dynamic")
    widths = range(1, config.window + 1)
    block = example_block(config)
    block = block._replace(width=np.full_like(block.width, config.window))

    def mean(V: Any, U: Any) -> Any:
        blocks = (block._replace(width=np.full_like(block.width, b)) for b in widths)
        loss = plain_loss(drawn)
        return sum(loss(V, U, on_device(b)) for b in blocks) / len(widths)

    return _kernel_claim(
        "linear weights", r"E_b[\partial J / \partial (V, U)]", mean, config, block
    )


def shared_negatives_claim() -> Derivation:
    """The block whose negatives are the law itself, against K expected negatives of each pair."""
    config = small(EXACT)
    block = example_block(config)
    every = np.repeat(np.arange(VOCAB, dtype=np.int32), COUNTS)
    block = block._replace(neg_ids=np.stack([every] * len(block.neg_ids)))
    latex = r"\partial E_{w_k \sim P}[J] / \partial (V, U)"
    expected = partial(_expected, config=config, block=block)
    return _kernel_claim("shared negatives", latex, expected, config, block)


def in_batch_claim(*, control: bool = False) -> Derivation:
    """The mean over what other passages may hold, against K expected negatives of each pair.

    In the first passages stands a sentence. In those half a block on, which are no centres, each
    place has each word of the vocabulary once: Q is uniform, and ρ = P / Q.

    Args:
      control: whether the block has the mean row of U, so that V's gradient has its variate.
    """
    config = replace(small(EXACT), negatives_from="batch", window=1, block=8, group=8, tile=4)
    halo = config.block_size + 2 * config.window
    later = np.arange(halo) >= halo - config.block_size // 2 - 2 * config.window
    ids = np.random.default_rng(0).integers(0, VOCAB, halo)
    each = [np.where(later, (ids + k) % VOCAB, ids).astype(np.int32) for k in range(VOCAB)]
    arrays = ids, np.where(later, -1, 0), np.ones(8), np.zeros((1, 0))
    block = Block(*(np.asarray(x, np.int32) for x in arrays))  # pyright: ignore[reportArgumentType]

    def trained(V: Any, U: Any) -> Any:
        mean = jnp.asarray(LAW, V.dtype) @ U if control else None
        made = (block._replace(ids=ids, ratio=(VOCAB * LAW)[ids], mean=mean) for ids in each)
        grads = [table_gradients(config, Tables(V, U), one) for one in made]
        return jax.tree.map(lambda *parts: sum(parts) / len(parts), *grads)

    name = "control variate" if control else "in-batch negatives"
    step = Step(name, r"E_Q[\partial J / \partial (V, U)]", trained, kind="kernel")
    expected = partial(_expected, config=config, block=block)
    return Derivation(name, expected, TABLES, (step,), wrt=(0, 1), dtypes=BOTH)


def _expected(V: Any, U: Any, *, config: Config, block: Block) -> Any:
    """The loss of a block with K expected negatives of each pair."""
    o, omega = contexts(on_device(block), weights=config.weights, dtype=V.dtype)
    v = V[block.ids[block.centres]]
    positive = jax.nn.softplus(-jnp.einsum("rd,rod->ro", v, U[o]))
    negative = jax.nn.softplus(v @ U.T) @ jnp.asarray(LAW, V.dtype)
    return jnp.sum(omega * (positive + config.negatives * negative[:, None]))


def noise_law_claim() -> Derivation:
    """The probabilities of the table that is searched, against the law's, of a Zipf vocabulary."""
    counts = np.maximum(10**7 // np.arange(1, 1001), 5)
    edges = noise.cumulative(counts, exponent=0.75)[:-1]
    drawn = np.diff(edges / 2.0**32, prepend=0.0, append=1.0)  # what is beyond is the last word
    off = np.abs(drawn - noise.law(counts, exponent=0.75))

    def worst(x: Any) -> Any:
        return x * jnp.maximum(jnp.asarray(off, x.dtype), 2.0**-32)

    step = Step("noise law", r"|P_{table}(w) - P(w)| \le 2^{-32}", worst, kind="bound")

    def kept(x: Any) -> Any:
        return x * jnp.full(off.shape, 2.0**-32, x.dtype)

    return Derivation("noise law", kept, (np.float64(1),), (step,), dtypes=BOTH)


def _kernel_claim(name: str, latex: str, mean: Any, config: Config, block: Block) -> Derivation:
    def trained(V: Any, U: Any) -> Any:
        return table_gradients(config, Tables(V, U), block)

    step = Step(name, latex, trained, kind="kernel")
    return Derivation(name, mean, TABLES, (step,), wrt=(0, 1), dtypes=BOTH)


DERIVATIONS = (
    *sigmoid_claims(),
    linear_weights_claim(),
    shared_negatives_claim(),
    in_batch_claim(),
    in_batch_claim(control=True),
    noise_law_claim(),
)
