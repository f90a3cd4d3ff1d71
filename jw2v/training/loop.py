"""The training loop: feeds text to the jitted call, evaluates, reports, stops when told to."""

import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from jw2v.blocks import noise
from jw2v.blocks.tables import Tables
from jw2v.corpus import Corpus, Segment, keep_probability, segments
from jw2v.losses.record import Loss
from jw2v.optim.named import table_optimizer
from jw2v.training import call
from jw2v.training.config import Config
from jw2v.training.feed import Feed, feeds
from jw2v.training.meter import Meter, Progress, mean_loss
from jw2v.training.state import TrainState, init, initial_tables
from jw2v.training.step import StepInfo, kernel_of, make_step

HELDOUT_CALLS = 16  # held-out text is measured on at most this many calls' words


class Result(NamedTuple):
    """What a run ends with."""

    state: TrainState
    calls: int  # made so far, over all sittings of the run
    finished: bool  # False where `stop` ended it
    loss: float | None  # mean per pair over the last twentieth of the run, in nats
    heldout_loss: float | None
    seconds: dict[str, float]  # compile, train, evaluate
    words_per_s: float  # words of the text, before subsampling, per second of training


class Setting(NamedTuple):
    """What stays the same over a run: its functions, compiled, and its tables of numbers."""

    train: Callable[..., tuple[TrainState, StepInfo]]
    evaluate: Callable[..., StepInfo]
    noise: Array
    schedule: optax.Schedule
    start: TrainState
    words: int  # of one epoch after subsampling, expected
    compile_seconds: float


def start_tables(config: Config, vocab: int) -> Tables:
    """word2vec's tables at the start of a run, a function of seed and shape."""
    dtype = jnp.float64 if config.precision == "float64" else jnp.float32
    return initial_tables(jax.random.key(config.seed), vocab, config.dim, dtype)


def prepare(
    corpus: Corpus,
    config: Config,
    *,
    optimizer: Any = None,
    loss: Loss | None = None,
    initial: Tables | None = None,
) -> Setting:
    """Build and compile what a run needs; arguments as in `run`."""
    keep = keep_probability(corpus.vocab.counts, config.sample)
    words = max(1, round(float(corpus.vocab.counts @ keep)))
    steps = max(1, -(-words * config.epochs // config.block_size))
    schedule = optax.linear_schedule(config.start_lr, config.end_lr, steps)
    tx = table_optimizer(config.optimizer if optimizer is None else optimizer, schedule)
    start = init(initial or start_tables(config, len(corpus.vocab.words)), tx)
    table = jnp.asarray(noise.cumulative(corpus.vocab.counts, exponent=config.ns_exponent))

    kernel = kernel_of(config, loss)
    step = make_step(kernel, tx, config)
    draw = partial(call.draw_blocks, config=config, negatives=call.negatives_shape(config, loss))

    def train(state: TrainState, text: call.Text, key: Array, table: Array):
        blocks = draw(key, text, table)
        return call.run_steps(step, state, blocks, text.blocks, loss_every=config.loss_every)

    def evaluate(tables: Tables, text: call.Text, key: Array, table: Array):
        return call.summed_loss(kernel, tables, draw(key, text, table), text.blocks, config=config)

    began = time.perf_counter()
    size = config.blocks_per_call * config.block_size + 2 * config.window
    text = call.Text(*(jnp.zeros(shape, jnp.int32) for shape in ((size,), (size,), ())))
    key = jax.random.key(0)
    evaluated = jax.jit(evaluate)
    if len(corpus.heldout.ids):
        evaluated = evaluated.lower(start.tables, text, key, table).compile()
    return Setting(
        jax.jit(train, donate_argnums=0).lower(start, text, key, table).compile(),
        evaluated,
        table,
        schedule,
        start,
        words,
        time.perf_counter() - began,
    )


def run(
    corpus: Corpus,
    config: Config,
    setting: Setting,
    *,
    resumed: tuple[TrainState, int] | None = None,
    callback: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Result:
    """Train on a corpus.

    Args:
      corpus: encoded text.
      config: options.
      setting: of `prepare`, for the same corpus and config.
      resumed: to go on with an earlier sitting: its last state, and the calls made up to it.
      callback: given the progress after each call to the device.
      stop: asked after each call; True ends the run there.

    Returns:
      The state, the losses and the times.

    Raises:
      DataError: the loss is not finite any more.
    """
    state, done = resumed or (setting.start, 0)
    train_key, heldout_key = jax.random.split(jax.random.fold_in(jax.random.key(config.seed), 1))
    heldout = [_text(feed) for feed in itertools.islice(_heldout(corpus, config), HELDOUT_CALLS)]
    meter = Meter(corpus, config, setting.words, setting.schedule)

    def heldout_loss(tables: Tables) -> float | None:
        return mean_loss(
            setting.evaluate(tables, text, jax.random.fold_in(heldout_key, i), setting.noise)
            for i, text in enumerate(heldout)
        )

    stopped = False
    for index, feed in enumerate(_cut(_epochs(corpus, config), config)):
        if index < done:
            meter.skip(feed)
            continue
        if stopped := stop():
            break
        key = jax.random.fold_in(train_key, index)
        state, info = setting.train(state, _text(feed), key, setting.noise)
        meter.add(feed, info)
        if meter.ends_epoch:
            meter.evaluate(partial(heldout_loss, state.tables))
        if callback is not None:
            callback(meter.progress())
    meter.stop()
    if not stopped:
        meter.evaluate(partial(heldout_loss, state.tables))
    return Result(
        state,
        meter.calls,
        not stopped,
        meter.final_loss(),
        meter.heldout_loss,
        {"compile": setting.compile_seconds, **meter.seconds()},
        meter.words_per_s(),
    )


def _epochs(corpus: Corpus, config: Config) -> Iterator[Segment]:
    """The subsampled text of all epochs, sentence numbers told apart across epochs."""
    keep = keep_probability(corpus.vocab.counts, config.sample)
    first = 0
    for epoch in range(config.epochs):
        last = first
        for segment in segments(corpus.train, keep, seed=config.seed, epoch=epoch):
            yield Segment(segment.ids, segment.sentence + np.int32(first))
            last = first + int(segment.sentence.max(initial=-1)) + 1
        first = last % 2**30


def _heldout(corpus: Corpus, config: Config) -> Iterator[Feed]:
    keep = keep_probability(corpus.vocab.counts, config.sample)
    return _cut(segments(corpus.heldout, keep, seed=config.seed, epoch=0), config)


def _cut(text: Iterator[Segment], config: Config) -> Iterator[Feed]:
    return feeds(
        text,
        block=config.block_size,
        window=config.window,
        blocks_per_call=config.blocks_per_call,
    )


def _text(feed: Feed) -> call.Text:
    return call.Text(jnp.asarray(feed.ids), jnp.asarray(feed.sentence), jnp.int32(feed.blocks))
