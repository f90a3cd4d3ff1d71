"""A block of a run under way, its gradient judged as the chain's kernels are.

The ledger judges kernels on small blocks of made-up numbers before a run; a certificate is for the
numbers that train. The block's own rows and words are taken as they are, the kernel's gradient is
computed anew on the backend, and held against the plain loss of its windows in float64.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jw2v.blocks.tables import Tables
from jw2v.blocks.windows import Block
from jw2v.errors import GradientError
from jw2v.judge.compare import Finding, find, measure
from jw2v.ledger.example import on_device, plain_loss, table_gradients
from jw2v.losses.record import Loss
from jw2v.training.config import Config
from jw2v.training.sampled import Sample

LOG = logging.getLogger("jw2v")


class Certificates:
    """Judges blocks of a run, in a share of its time; a breach ends it."""

    def __init__(
        self,
        config: Config,
        loss: Loss | None = None,
        *,
        share: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with the first block; `share` of the time is spent in the long run."""
        self._config, self._loss, self._share, self._clock = config, loss, share, clock
        self._began, self._spent = clock(), 0.0
        self.made = 0

    def wants(self) -> bool:
        """Whether the time spent so far is within the share."""
        return self._spent <= self._share * (self._clock() - self._began)

    def look(self, sample: Sample) -> None:
        """Judge a block.

        Raises:
          GradientError: what trains is not the gradient.
        """
        began = self._clock()
        finding = certify(sample, self._config, self._loss)
        self._spent += self._clock() - began
        self.made += 1
        if finding.verdict == "refuted":
            raise GradientError(
                f"the gradient of a block that trains is refuted ({finding.worst}), after "
                f"{self.made - 1} that were not; train with autodiff (--gradient autodiff), or "
                "look at the machine"
            )
        LOG.debug("a block's gradient is within %.2g of its bound", finding.margin)


def certify(sample: Sample, config: Config, loss: Loss | None = None) -> Finding:
    """Judge the gradient of a sample by the side of the kernel that trains.

    Args:
      sample: of the run.
      config: its options.
      loss: of the user's own.

    Returns:
      The verdict with margin and power, and the entry that is farthest off where it is refuted.
    """
    plain = plain_loss(config, loss, shares=_shares(sample))

    def trained(V: Any, U: Any) -> Any:
        return table_gradients(config, Tables(V, U), sample.block, loss=loss)

    def true(V: Any, U: Any) -> Any:
        return jax.grad(plain, argnums=(0, 1))(V, U, on_device(sample.block))

    points = tuple(np.asarray(table, np.float64)[None] for table in sample.tables)
    dtype = "float64" if config.precision == "float64" else "float32"
    return find([measure(trained, true, points, dtype=dtype)])


def _shares(sample: Sample) -> np.ndarray | None:
    """What each row of V counts in each word, where words are made of pieces."""
    block: Block = sample.block
    if block.pieces is None:
        return None
    rows, place, share, _ = map(np.asarray, block.pieces)
    ids = np.asarray(block.ids)
    table = np.zeros((ids.max() + 1, len(sample.tables.V)))
    np.add.at(table, (ids[place], rows), share)
    return table
