"""What memory a run takes: estimated before it is taken, and told where there is too little."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jw2v.corpus import Corpus
from jw2v.errors import DataError
from jw2v.losses.record import Loss
from jw2v.training import checkpoint
from jw2v.training.call import negatives_shape
from jw2v.training.config import Config
from jw2v.training.limits import host_limit
from jw2v.training.mesh import Grid
from jw2v.training.pieces import subwords_of
from jw2v.training.setting import row_width, state_like
from jw2v.training.state import TrainState, widened

LOG = logging.getLogger("jw2v")
MOST_IDS = np.iinfo(np.int32).max
TIGHT = 0.8  # of what there is: more is warned of


def check(
    corpus: Corpus, config: Config, grid: Grid, *, optimizer: Any = None, loss: Loss | None = None
) -> None:
    """Refuse a run that needs more memory than there is, before any is taken.

    Args:
      corpus: encoded text.
      config: options; `workers` is how many processes.
      grid: the devices.
      optimizer: given as an object, in the place of the config's.
      loss: of the user's own.

    Raises:
      DataError: there is too little, or there are more rows than ids.
    """
    if (most := _ids(corpus, config)) > MOST_IDS:
        raise DataError(
            f"{most:,} rows or pieces of words, and there are {MOST_IDS:,} ids; "
            f"give fewer ({_ways(config)})"
        )
    state = state_like(corpus, config, optimizer=optimizer, loss=loss)
    width = row_width(config, grid, optimizer=optimizer, loss=loss)
    state = jax.eval_shape(partial(widened, width=width), state)
    need, (place, limit) = needed(state, config, grid, loss=loss), _limit(config)
    if limit is None or need <= TIGHT * limit:
        return
    rows = f"{sum(map(len, state.tables)):,} rows of {config.dim:,} numbers"
    told = (
        f"{rows} take {_megabytes(need)} at least to train, and {place} has {_megabytes(limit)}; "
        f"give fewer or shorter ones ({_ways(config)})"
    )
    if need > limit:
        raise DataError(told)
    LOG.warning("%s if that does not do", told)


def needed(state: TrainState, config: Config, grid: Grid, *, loss: Loss | None = None) -> int:
    """Bytes that a run needs at least, on each device or, of processors, on this machine.

    Tables and the optimizer's state, for each replica once more the tables as they were last
    merged, a gradient that is a whole table, and what a call draws and gathers.

    Args:
      state: of one replica, or its shapes.
      config: options; `workers` is how many processes.
      grid: the devices.
      loss: of the user's own.

    >>> from jw2v.training.state import Tables, TrainState
    >>> table = jax.ShapeDtypeStruct((1_000_000, 300), np.float32)
    >>> needed(TrainState(Tables(table, table), (), ()), Config(dim=300), Grid()) // 1_000_000
    2401
    """
    replicas = (config.workers or 1) * grid.data
    each = _bytes(state) + (replicas > 1) * _bytes(state.tables)
    if config.dense_updates:
        each += _bytes(state.tables)
    elif config.loss == "naive_softmax":
        each += _bytes(state.tables.U)
    each += _bytes_of_call(config, loss)
    if jax.default_backend() == "cpu":  # all its devices have one memory
        return each * replicas // jax.process_count()
    return each // (grid.dim * grid.vocab)


@contextmanager
def exhaustion_told(config: Config, folder: Path | None) -> Iterator[None]:
    """Tell in one line where memory runs out, and what is left to go on from.

    Args:
      config: options.
      folder: of the run, which keeps its checkpoints; None where there is none.

    Raises:
      DataError: JAX asked for memory and got none.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        told = str(error).splitlines()[0].rstrip(".")
        if not told.startswith("RESOURCE_EXHAUSTED:"):
            raise
        kept = [] if folder is None else checkpoint.saved(folder)
        go_on = f", or free memory and go on from {kept[0]} (--resume)" if kept else ""
        raise DataError(
            f"no memory left on {jax.devices()[0].device_kind} ({told}); "
            f"give smaller blocks (--block {_half(config)}){go_on}"
        ) from error


def _ways(config: Config) -> str:
    """The options that shrink a run."""
    here = {"--buckets": config.ngrams is not None, "--workers": (config.workers or 1) > 1}
    return ", ".join(["--dim", "--max-vocab", "--min-count", *(way for way in here if here[way])])


def _half(config: Config) -> int:
    """Half a block, in whole groups."""
    half = max(1, config.block_size // 2)
    return half - half % config.group_size or half


def _ids(corpus: Corpus, config: Config) -> int:
    """The largest number that an id or a place in a list of ids has to be."""
    if config.ngrams is None:
        return len(corpus.vocab)
    made = subwords_of(corpus.vocab, config.ngrams)
    return max(made.height, int(made.offsets[-1]))


def _bytes(tree: Any) -> int:
    return sum(math.prod(x.shape) * x.dtype.itemsize for x in jax.tree.leaves(tree))


def _bytes_of_call(config: Config, loss: Loss | None) -> int:
    """Ids, sentences, widths and negatives of a call, and a block's rows and their gradients."""
    groups, negatives = negatives_shape(config, loss)
    words, drawn = config.block_size + 2 * config.window, groups * negatives
    return 4 * (config.call_blocks * (3 * words + drawn) + 2 * (words + drawn) * config.dim)


def _limit(config: Config) -> tuple[str, int | None]:
    """Where the tables lie, and how much memory there is."""
    if jax.default_backend() == "cpu":
        return "this machine", host_limit(config.workers or 1)
    device = jax.local_devices()[0]
    return f"a {device.device_kind}", (device.memory_stats() or {}).get("bytes_limit")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
