"""Options that were left open, as the backend and the number of replicas want them."""

import logging
import math
from dataclasses import replace

import jax

from jw2v.training.backend import Platform, Units, bfloat16_units
from jw2v.training.config import CALL, Config

LOG = logging.getLogger("jw2v")
LARGEST = 16_384
"""Centre words of a block; of more, training learns less (experiments/block_size)."""
STEPS = 1000
"""Of a run, at least: with fewer it is over before its rows have moved."""
LARGE = 4096
"""From here on a higher rate learns more, since rows are damped (experiments/block_size)."""
LONG = 128
"""Blocks of a call: of 32 large ones an H200 waits a third of the time, 1.1 ms a call."""
UNIT_TILE = 64
"""Centre words of a tile on matrix units: of half as many a step takes a tenth longer."""
MORE = 40
"""Negatives of a group about, where blocks are large: of 22 they learn less."""
LEAST_TILE = 32
"""Smaller tiles, as where many negatives are few centres' own, gain nothing by AMX."""
UNIT = 16
"""Columns that are multiplied at once."""
MIXED = 8_000_000
"""Words of a run from which on its sentences are mixed: shorter ones are done in seconds."""
EACH = 3
"""Words of another passage for each negative that a pair counts with, at least."""


def fitted(
    config: Config,
    words: int,
    *,
    backend: Platform | None = None,
    units: Units | None = None,
    own_loss: bool = False,
) -> Config:
    """The options of a run, filled in as its devices want them where they were left open.

    A step costs an accelerator some twenty launches whatever its block, so it is given blocks as
    large as the text allows, a rate that suits these and more negatives, without which they learn
    less. An accelerator, and a processor that multiplies bfloat16, is given operands in it, where
    that is faster in tiles of whole units.

    Args:
      config: options.
      words: of an epoch, after subsampling.
      backend: by default JAX's.
      units: what a processor multiplies bfloat16 in; by default looked up.
      own_loss: whether a loss is given as an object.

    >>> config = fitted(Config(epochs=1), 9_000_000, backend="gpu")
    >>> config.block, config.lr, config.precision
    (8192, 0.1, 'bfloat16')
    >>> config.tile, config.group, config.shared_negatives
    (64, 64, 38)
    >>> config = fitted(Config(), 9_000_000, backend="cpu", units="matrix")
    >>> config.precision, config.tile, config.group, config.shared_negatives
    ('bfloat16', 64, 64, 22)
    >>> config = fitted(Config(), 9_000_000, backend="cpu", units="vector")
    >>> config.precision, config.tile, config.group, config.shared_negatives
    ('bfloat16', 16, 64, 22)
    >>> plain = fitted(Config(), 9_000_000, backend="cpu", units="none")
    >>> plain == Config(precision="float32", negatives_from="batch")
    True
    """
    if (backend or jax.default_backend()) != "cpu":
        config = _in_bfloat16(_on_matrix_units(config, negatives=MORE))
        config = _in_large_blocks(config, words)
    elif (units := units or bfloat16_units()) == "matrix":
        config = _on_matrix_units(config, negatives=config.group_negatives)
    else:
        in_batch = not own_loss and _suits_in_batch(config, words)
        if units == "vector":
            negatives = config.group_negatives
            config = _in_bfloat16(_in_units(config, tile=config.tile_size, negatives=negatives))
        if in_batch:
            config = replace(config, negatives_from="batch")
    return replace(config, precision=config.precision or "float32")


def _suits_in_batch(config: Config, words: int) -> bool:
    """Whether a run is long and a passage has words enough, where how to draw was left open."""
    is_open = config.negatives_from is config.shared_negatives is config.group is None
    is_long = words * config.epochs >= MIXED and jax.device_count() == 1
    enough = config.passage_words >= EACH * config.negatives
    return is_open and is_long and enough and config.has_short_steps and config.suits_in_batch


def _on_matrix_units(config: Config, *, negatives: int) -> Config:
    tile = config.tile or math.gcd(UNIT_TILE, config.group_size)
    return _in_units(config, tile=tile, negatives=negatives) if tile >= LEAST_TILE else config


def _in_units(config: Config, *, tile: int, negatives: int) -> Config:
    """In bfloat16 where steps are short, with about so many negatives: as make whole units."""
    if not (_takes_bfloat16(config) and config.has_short_steps):
        return config
    around = tile + 2 * config.window
    drawn = UNIT * round((around + negatives) / UNIT) - around
    return replace(
        config,
        precision="bfloat16",
        tile=tile,
        group=config.group_size,
        shared_negatives=config.shared_negatives or drawn,
    )


def _in_bfloat16(config: Config) -> Config:
    """In its own tiles."""
    return replace(config, precision="bfloat16") if _takes_bfloat16(config) else config


def _takes_bfloat16(config: Config) -> bool:
    return config.suits_bfloat16 and config.precision in (None, "bfloat16")


def _in_large_blocks(config: Config, words: int) -> Config:
    if config.block is not None or not config.has_tiles:
        return config
    block = config.block_size
    while 2 * block <= min(LARGEST, words * config.epochs / STEPS):
        block *= 2
    lr = config.lr
    if lr is None and block >= LARGE and config.optimizer == "sgd":
        lr = _haste(config) * config.start_lrs.V
    LOG.info("blocks of %s words, for an accelerator (--block)", f"{block:,}")
    return replace(config, block=block, lr=lr, group=config.group or config.tile_size)


def _haste(config: Config) -> float:
    """How many times a small block's rate a large one has: with these held-out loss is least."""
    if config.has_tree:
        return 1.0
    return 1.5 if config.gives_shares else 2.0


def paced(config: Config, replicas: int, *, backend: Platform | None = None) -> Config:
    """The options of a run of so many replicas, with calls of the length that suits them.

    What counts for the words met most is how many blocks all replicas train between two merges:
    more than two replicas learn less where it is more than two calls of the usual length. Alone, an
    accelerator has calls so long that what the host does between two of them does not count.

    >>> [paced(Config(), n, backend="cpu").call_blocks for n in (1, 2, 4, 8)]
    [512, 512, 128, 64]
    >>> [paced(Config(optimizer="adam"), n, backend="cpu").call_blocks for n in (1, 2, 4, 8)]
    [64, 64, 32, 16]
    >>> [paced(Config(block=8192), n, backend="gpu").call_blocks for n in (1, 2)]
    [128, 32]
    """
    if config.blocks_per_call is not None:
        return config
    if replicas > 2:
        return replace(config, blocks_per_call=max(1, 2 * config.blocks_of(CALL) // replicas))
    alone = replicas == 1 and (backend or jax.default_backend()) != "cpu"
    return replace(config, blocks_per_call=LONG) if alone and config.block_size >= LARGE else config
