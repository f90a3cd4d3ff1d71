"""The small blocks that the claims of the chain are made on, and their plain loss."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.blocks.kernel import Kernel
from jw2v.blocks.tables import Tables, whole_table
from jw2v.blocks.windows import Block, Paths
from jw2v.corpus.huffman import huffman
from jw2v.judge.records import Verdict
from jw2v.losses.record import Loss
from jw2v.training.config import Config
from jw2v.training.step import kernel_of, row_gradients

VOCAB, DIM, NEG, CTX = 13, 5, 3, 4  # pairwise distinct, so that a transpose cannot pass
BLOCK, GROUP, WINDOW = 12, 6, 3
TABLES = (np.ones((VOCAB, DIM)), np.ones((VOCAB, DIM)))
"""Example arguments: V and U."""
BOTH = ("float64", "float32")
SIDES = np.array([1, -1, -1, 1, -1, 0])
"""Of a way that is over before its last place."""
COUNTS = np.arange(VOCAB, 0, -1) ** 2
"""Of the words, for a tree with short ways and long ones."""
SUMMED = r"\sum_{\text{block}} \partial J / \partial (V, U)"


def small(config: Config) -> Config:
    """The config with a block of a few narrow windows.

    >>> small(Config(negatives=15)).block_size
    12
    """
    window = min(config.window, WINDOW)
    return replace(
        config, block=BLOCK, group=GROUP, shared_negatives=NEG, negatives=2, window=window
    )


def example_block(config: Config, loss: Loss | None = None, *, seed: int = 0) -> Block:
    """A block with repeated words, two sentences and padding; negatives that repeat and hit.

    It has two tiles of the block kernel. It is of NumPy arrays: making it needs no backend.

    >>> example_block(small(Config(window=3))).ids.shape
    (18,)
    """
    halo = BLOCK + 2 * config.window
    rng = np.random.default_rng(seed)
    sentence = np.where(np.arange(halo) < halo // 2, 0, 1)
    sentence[-config.window - 2 :] = -1  # so the last two centres are none
    groups, neg = (BLOCK // GROUP, NEG) if loss is None else (BLOCK, config.negatives)
    arrays = (
        rng.integers(0, VOCAB, halo),
        sentence,
        rng.integers(1, config.window + 1, BLOCK),
        rng.integers(0, VOCAB, (groups, neg)),
    )
    block = Block(*(np.asarray(x, np.int32) for x in arrays))  # pyright: ignore[reportArgumentType]
    if not config.has_tree:
        return block
    ways = (by_word[block.ids[block.centres]] for by_word in huffman(COUNTS))
    return block._replace(paths=Paths(*ways))


def on_device(block: Block) -> Block:
    """The block as JAX's arrays."""
    return jax.tree.map(jnp.asarray, block)


def plain_loss(config: Config, loss: Loss | None = None) -> Callable[[Any, Any, Block], Any]:
    """The loss of a block by whole tables: summed over its windows, each on its own."""
    exact = replace(
        config,
        kernel="windows",
        gradient="autodiff",
        precision="float64",
        cbow_update="gradient",
    )
    plain = kernel_of(exact, loss)

    def summed(V: Any, U: Any, block: Block) -> Any:
        ids = plain.ids(block)
        return plain.loss(V[ids.centre], U if ids.outside is None else U[ids.outside], block)

    return summed


def by_step(rates: Sequence[float]) -> Callable[[Any], Any]:
    """The learning rate of each update, as a schedule."""

    def rate(count: Any) -> Any:
        return jnp.asarray(rates)[count]

    return rate


def expected_of(config: Config, gradient: str) -> Verdict:
    """What the judge finds of a config's gradient: word2vec.c's update of CBOW is none.

    Of words that are summed, each counting 1, it is.
    """
    own = (config.model, config.cbow_update, gradient) == ("cbow", "word2vec", "manual")
    return "refuted" if own and (config.cbow_mean or config.weights == "linear") else "holds"


def dtypes_of(config: Config) -> tuple[str, ...]:
    """The precisions a config's kernel is claimed at; bfloat16 operands are cast inside it."""
    return ("float32",) if config.precision == "bfloat16" else BOTH


def table_gradients(kernel: Kernel, gradient: str, tables: Tables, block: Block) -> tuple[Any, Any]:
    """What a kernel trains on, as gradients of whole tables."""
    _, grads = row_gradients(kernel, gradient, tables, on_device(block))
    d_V, d_U = (whole_table(g, table) for g, table in zip(grads, tables, strict=True))
    return d_V, d_U
