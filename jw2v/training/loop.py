"""The training loop: feeds text to the jitted call, evaluates, reports, stops when told to."""

import itertools
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from jw2v.blocks.tables import Tables
from jw2v.corpus import Corpus
from jw2v.optim.finite import count_skipped
from jw2v.optim.rows import result
from jw2v.training import call
from jw2v.training.config import Config
from jw2v.training.exchange import ALONE, Exchange
from jw2v.training.feed import Feed
from jw2v.training.merge import Replica, Replicas, all_of, due
from jw2v.training.meter import Meter, Progress, mean_loss, total
from jw2v.training.sampled import Watcher, sampled
from jw2v.training.setting import Setting
from jw2v.training.state import TrainState, narrowed
from jw2v.training.step import StepInfo
from jw2v.training.texts import (
    empty,
    feeds_of,
    full_call,
    heldout_of,
    is_resident,
    text_of,
    texts_of,
)

LOG = logging.getLogger("jw2v")
HELDOUT_CALLS = 16  # held-out text is measured on at most this many calls' words


class Result(NamedTuple):
    """What a run ends with."""

    state: TrainState
    calls: int  # made so far, over all sittings of the run, by each of its processes
    finished: bool  # False where `stop` ended it
    loss: float | None  # mean per pair over the last twentieth of the run, in nats
    heldout_loss: float | None
    seconds: dict[str, float]  # compile, train, evaluate
    words_per_s: float  # words of the text, before subsampling, per second of training


def run(
    corpus: Corpus,
    config: Config,
    setting: Setting,
    *,
    exchange: Exchange = ALONE,
    resumed: tuple[TrainState, int] | None = None,
    callback: Callable[[Progress], None] | None = None,
    report_every: float = 0.0,
    stop: Callable[[], bool] = lambda: False,
    save: Callable[[Callable[[], TrainState], int], None] | None = None,
    watcher: Watcher | None = None,
) -> Result:
    """Train on a corpus, or on this process's part of it.

    Args:
      corpus: encoded text.
      config: options.
      setting: of `prepare`, for the same corpus, config and number of processes.
      exchange: the processes of the run; each makes the same calls.
      resumed: to go on with an earlier sitting: its last state, and the calls made up to it.
      callback: given the progress after a call to the device.
      report_every: seconds between two reports; 0 reports each call.
      stop: asked after each call; True in one process ends the run in all, where all rows are
        merged.
      save: given how to make the state that is saved, a copy, and the calls made, where all rows
        are merged.
      watcher: looks at blocks that are about to train.

    Returns:
      The state, the losses and the times.

    Raises:
      DataError: the loss, the held-out loss or the tables are not finite any more.
    """
    state, done = resumed or (setting.start, 0)
    replicas: Replicas = setting.mesh or Replica(
        exchange, setting.writes, setting.weights, width=setting.width
    )
    state, lookups = replicas.spread(state), replicas.shared(setting.lookups)
    key, heldout_key = jax.random.split(jax.random.fold_in(jax.random.key(config.seed), 1))
    own_key = key if replicas.size == 1 else jax.random.fold_in(key, replicas.parts[0])
    train_key = key if setting.mesh else own_key  # a mesh's replicas take their own in the program
    meter = Meter(corpus, config, setting.words, setting.schedule, replicas=replicas.size)
    heldout = list(itertools.islice(heldout_of(corpus, config), HELDOUT_CALLS))
    measured = partial(text_of, rungs=setting.ladder)

    def given(feeds: Sequence[Feed]) -> call.Text:
        full, largest = full_call(config), replicas.largest
        return replicas.text(texts_of(feeds, setting.ladder, full=full, largest=largest))

    def heldout_loss(tables: Tables) -> float | None:
        if setting.evaluate is None:
            return None
        infos = [
            setting.evaluate(tables, measured(feed), heldout_key, np.int32(i), setting.lookups)
            for i, feed in enumerate(heldout)
            if i % replicas.share[1] == replicas.share[0]
        ]
        return mean_loss([StepInfo(*replicas.total(*total(infos)))])

    def whole(state: TrainState) -> TrainState:
        """The state with all rows merged."""
        return replicas.merge(state, all_of(setting.start.tables), StepInfo(0.0, 0.0))[0]

    def saved(state: TrainState) -> TrainState:
        return narrowed(replicas.one(state), config.dim)

    resident = setting.mesh is None and is_resident(config)
    began = time.perf_counter()
    texts = [
        feeds_of(corpus, config, (part, replicas.size), resident=resident)
        for part in replicas.parts
    ]
    compiling = setting.compile_seconds + time.perf_counter() - began
    skipped = sum(feed.words for text in texts for feed in itertools.islice(text, done))
    (skipped,) = replicas.total(skipped)
    meter.skip(done, int(skipped))
    nothing = empty(config)
    feeds = [next(text, nothing) for text in texts]
    wish = stop()
    more, asked = replicas.total(_words(feeds), wish)
    calls = done
    while more and not (asked and replicas.rests(calls)):
        index, words = np.int32(calls), _words(feeds)
        if watcher is not None and watcher.wants():
            block = setting.first_block(measured(feeds[0]), own_key, index, setting.lookups)
            block = jax.tree.map(np.asarray, block)
            watcher.look(sampled(replicas.one(state).tables, block, config))
        state, info = setting.train(state, given(feeds), train_key, index, lookups)
        calls += 1
        feeds = [next(text, nothing) for text in texts]  # while the device computes
        state, info, (words, more, stops) = replicas.merge(
            state, due(setting.tiers, calls), info, words, _words(feeds), wish
        )
        meter.add(int(words), info, partial(_tables, replicas, state))
        if meter.ends_epoch and setting.evaluate is not None:
            state = whole(state)  # else each would measure with rare words as it alone met them
            meter.evaluate(heldout_loss, found(replicas.one(state)))
        if callback is not None and (not more or meter.silence() >= report_every):
            callback(meter.progress())
        if save is not None and more and replicas.rests(calls):
            save(partial(saved, state), calls)
        wish = stop()
        asked = wish if replicas.share[1] == 1 else asked or stops
    last = replicas.one(whole(state))
    meter.stop(last.tables)
    if count := count_skipped(last.opt_state):
        LOG.warning("%d blocks with a gradient that was not finite were skipped", count)
    if not more:
        meter.evaluate(heldout_loss, found(last))
    return Result(
        narrowed(last, config.dim),
        calls,
        not more,
        meter.final_loss(),
        meter.heldout_loss,
        {"compile": compiling, **meter.seconds()},
        meter.words_per_s(),
    )


def found(state: TrainState) -> Tables:
    """The tables that a run has come to, which are not those it trains where it averages them."""
    return result(state.tables, state.opt_state)


def _tables(replicas: Replicas, state: TrainState) -> Tables:
    return replicas.one(state).tables


def _words(feeds: Sequence[Feed]) -> int:
    return sum(feed.words for feed in feeds)
