"""A run made ready to train: in this process, or in as many as the config says."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from jw2v.blocks.tables import Tables
from jw2v.corpus import Corpus
from jw2v.losses.record import Loss
from jw2v.training import checkpoint, crew, loop
from jw2v.training.checkpoint import Found, Saver, Saving
from jw2v.training.config import Config
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


@contextmanager
def ready(
    run: Run, *, scratch: Path, guard: Callable[[], None]
) -> Iterator[Callable[..., loop.Result]]:
    """Make a run ready; the guard, which raises where it does not agree, has its say meanwhile.

    Args:
      run: the run.
      scratch: folder for what several processes tell each other.
      guard: judges what is about to train.

    Yields:
      The run, given `callback` and `stop`.
    """
    if run.resumed is not None:
        LOG.info("going on after call %d", run.resumed.calls)
    workers = run.config.workers or 1
    if workers == 1:
        guard()
        own = {"optimizer": run.optimizer, "loss": run.loss, "initial": run.initial}
        yield partial(_alone, run, prepare(run.text, run.config, **own))
        return
    place = scratch / "crew"
    place.mkdir()
    with crew.started(
        run.text,
        run.config,
        place,
        initial=run.initial,
        resumed=run.resumed,
        saving=run.saving,
    ) as processes:
        LOG.info("%d processes, each on a part of the text, merge what they learn", workers)
        guard()  # while they make ready
        yield partial(processes.run, run.text)


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
