"""A run made ready to train: in this process, or in as many as the config says."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from jw2v.blocks.tables import Tables
from jw2v.corpus import Corpus
from jw2v.losses.record import Loss
from jw2v.training import checkpoint, loop
from jw2v.training.checkpoint import Found, Saver, Saving
from jw2v.training.children import Children
from jw2v.training.config import Config
from jw2v.training.crew import Crew
from jw2v.training.setting import Setting, prepare

LOG = logging.getLogger("jw2v")


class Run(NamedTuple):
    """What a run is made of.

    Attributes:
      text: the encoded text.
      config: options; `workers` is how many processes.
      optimizer: given as an object, in the place of the config's.
      loss: of the user's own.
      initial: tables to start from.
      resumed: the checkpoint to go on from.
      saving: where and when the state is saved; None nowhere.
    """

    text: Corpus
    config: Config
    optimizer: Any = None
    loss: Loss | None = None
    initial: Tables | None = None
    resumed: Found | None = None
    saving: Saving | None = None


def ready(run: Run, children: Children, guard: Callable[[], None]) -> Callable[..., loop.Result]:
    """Make a run ready; the guard, which raises where it does not agree, has its say meanwhile.

    Args:
      run: the run.
      children: processes that may have been started for it.
      guard: judges what is about to train.

    Returns:
      The run, given `callback` and `stop`.
    """
    if run.resumed is not None:
        LOG.info("going on after call %d", run.resumed.calls)
    workers = run.config.workers or 1
    if workers == 1:
        children.keep(0)
        guard()
        own = {"optimizer": run.optimizer, "loss": run.loss, "initial": run.initial}
        return partial(_alone, run, prepare(run.text, run.config, **own))
    shared = {"initial": run.initial, "resumed": run.resumed, "saving": run.saving}
    crew = Crew(children, run.text, run.config, **shared)
    LOG.info("%d processes, each on a part of the text, merge what they learn", workers)
    guard()  # while they make ready
    return crew.run


def _alone(run: Run, setting: Setting, **told: Any) -> loop.Result:
    resumed = run.resumed and checkpoint.load(run.resumed.path, setting.start)
    return loop.run(
        run.text,
        run.config,
        setting,
        resumed=(resumed.state, resumed.calls) if resumed else None,
        save=run.saving and Saver(run.saving),
        **told,
    )
