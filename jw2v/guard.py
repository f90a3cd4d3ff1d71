"""The guard of a run: what is about to train is judged, and refused where it does not hold."""

import json
import logging
import time

from jw2v.errors import GradientError
from jw2v.judge import verify_derivations
from jw2v.ledger.kernels import claims_of
from jw2v.losses.record import Loss
from jw2v.training.config import Config

LOG = logging.getLogger("jw2v")
SAMPLES = 16  # with few points, bfloat16 operands leave entries untested


def guard(config: Config, loss: Loss | None, *, check: bool) -> None:
    """Judge what is about to train.

    Args:
      config: options of the run.
      loss: of the user's own.
      check: whether that is wanted; else the log says that it was not done.

    Raises:
      GradientError: a claim does not hold.

    >>> halved = Loss(lambda v, o, n: v @ o, lambda v, o, n: (v @ o, (o / 2, v, 0 * n)))
    >>> guard(Config(), halved, check=True)
    Traceback (most recent call last):
    ...
    jw2v.errors.GradientError: the gradient of loss of your own is refuted (factor: claimed = ...
    """
    if not check:
        LOG.info("gradients not checked (--no-check)")
        return
    began = time.perf_counter()
    held = []
    # One after the other: a run that is refused need not wait for the rest.
    for claim in claims_of(config, loss):
        (entry,) = verify_derivations([claim], ledger="guard", samples=SAMPLES)
        if entry.expected == "refuted" == entry.verdict_value:
            LOG.warning("as asked, no gradient: %s (%s)", entry.id, entry.diagnosis or "refuted")
        elif entry.verdict_value == "holds":
            held.append(entry.id)
        else:
            told = entry.counterexample and f"counterexample {json.dumps(entry.counterexample)}"
            why = entry.diagnosis or told or "no reason found"
            raise GradientError(
                f"the gradient of {entry.id} is {entry.verdict_value} ({why}); "
                "correct it, or train with autodiff (--gradient autodiff)"
            )
    LOG.info("gradients hold: %s (%.1f s)", ", ".join(held), time.perf_counter() - began)
