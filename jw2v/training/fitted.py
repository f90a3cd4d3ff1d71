"""Options that were left open, as the backend and the number of replicas want them."""

import logging
from dataclasses import replace

import jax

from jw2v.training.backend import Platform
from jw2v.training.config import Config

LOG = logging.getLogger("jw2v")
LARGEST = 16_384
"""Centre words of a block; of more, training learns less (experiments/block_size)."""
STEPS = 1000
"""Of a run, at least: with fewer it is over before its rows have moved."""
LARGE = 4096
"""From here on a rate twice as high learns more, since rows are damped (experiments/block_size)."""


def fitted(config: Config, words: int, *, backend: Platform | None = None) -> Config:
    """The options of a run, the block and its rate filled in for an accelerator.

    A step costs an accelerator some twenty launches whatever its block, so it is given blocks as
    large as the text allows, where none is asked for. Negatives cost it little, so each tile has
    its own: where more share them, such blocks learn less.

    Args:
      config: options.
      words: of an epoch, after subsampling.
      backend: by default JAX's.

    >>> config = fitted(Config(epochs=1), 9_000_000, backend="gpu")
    >>> config.block, config.lr, config.group
    (8192, 0.1, 16)
    >>> fitted(Config(), 9_000_000, backend="cpu") == Config()
    True
    """
    here = backend or jax.default_backend()
    if here == "cpu" or config.block is not None or not config.has_tiles:
        return config
    block = config.block_size
    while 2 * block <= min(LARGEST, words * config.epochs / STEPS):
        block *= 2
    lr = config.lr
    if lr is None and block >= LARGE and config.optimizer == "sgd":
        lr = 2 * config.start_lrs.V
    LOG.info("blocks of %s words, for an accelerator (--block)", f"{block:,}")
    return replace(config, block=block, lr=lr, group=config.group or config.tile_size)


def merged_often(config: Config, replicas: int) -> Config:
    """The options of a run of so many replicas, with calls after which they merge soon enough.

    What counts for the words met most is how many blocks all replicas train between two merges.

    >>> [merged_often(Config(), n).call_blocks for n in (1, 2, 4, 8)]
    [256, 256, 128, 64]
    """
    if config.blocks_per_call is not None or replicas <= 2:
        return config
    return replace(config, blocks_per_call=max(1, 2 * config.call_blocks // replicas))
