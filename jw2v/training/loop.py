"""The training loop: feeds text to the jitted call, evaluates, reports, stops when told to."""

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from jw2v.blocks.tables import Tables
from jw2v.blocks.windows import Block
from jw2v.corpus import Corpus, Segment, Vocabulary, keep_probability, part, segments
from jw2v.errors import UsageError
from jw2v.losses.record import Loss
from jw2v.optim.damping import damp
from jw2v.optim.finite import count_skipped, skip_not_finite
from jw2v.optim.named import table_optimizer
from jw2v.optim.rows import result
from jw2v.training import call
from jw2v.training.compiled import table_copies
from jw2v.training.config import Config
from jw2v.training.exchange import ALONE, Exchange
from jw2v.training.expected import expected, kept, shares, uses
from jw2v.training.feed import Feed, feeds
from jw2v.training.lookups import Lookups, lookups_of
from jw2v.training.merge import Replica, Tier, Write, due, tiers, with_first_rows
from jw2v.training.meter import Meter, Progress, mean_loss, total
from jw2v.training.pieces import Ladder, Programs, ladder, subwords_of
from jw2v.training.sampled import Watcher, sampled
from jw2v.training.state import TrainState, init, initial_tables
from jw2v.training.step import StepInfo, kernel_of, make_step

LOG = logging.getLogger("jw2v")
HELDOUT_CALLS = 16  # held-out text is measured on at most this many calls' words
NOTHING = StepInfo(0.0, 0.0)


class Result(NamedTuple):
    """What a run ends with."""

    state: TrainState
    calls: int  # made so far, over all sittings of the run, by each of its processes
    finished: bool  # False where `stop` ended it
    loss: float | None  # mean per pair over the last twentieth of the run, in nats
    heldout_loss: float | None
    seconds: dict[str, float]  # compile, train, evaluate
    words_per_s: float  # words of the text, before subsampling, per second of training


class Setting(NamedTuple):
    """What stays the same over a run: its functions, compiled, and its tables of numbers."""

    train: Callable[..., tuple[TrainState, StepInfo]]
    evaluate: Callable[..., StepInfo] | None  # None where no text is held out
    first_block: Callable[..., Block]  # of a call
    tiers: tuple[Tier, ...]
    writes: dict[int, Write]  # of merged rows, by their number
    lookups: Lookups
    ladder: Ladder | None  # None where words are not made of pieces
    schedule: optax.Schedule  # of the centre words' table
    start: TrainState
    words: int  # of one epoch after subsampling, expected
    compile_seconds: float


def start_tables(config: Config, vocab: Vocabulary) -> Tables:
    """word2vec's tables at the start of a run, a function of seed and shape."""
    dtype = jnp.float64 if config.precision == "float64" else jnp.float32
    ngrams = config.ngrams and len(subwords_of(vocab, config.ngrams).buckets)
    key = jax.random.key(config.seed)
    return initial_tables(key, len(vocab), config.dim, dtype, ngrams=ngrams or 0)


def update_of(
    corpus: Corpus,
    config: Config,
    schedules: Tables,
    *,
    optimizer: Any = None,
    loss: Loss | None = None,
) -> optax.GradientTransformation:
    """The update of the tables: the optimizer, and the damping of what it is given.

    Raises:
      UsageError: an optimizer given as an object, and one by name for the outside words' table.
    """
    if optimizer is not None and config.optimizer_outside is not None:
        raise UsageError(
            "an optimizer is given as an object and optimizer_outside by name; give one object, "
            "such as optax.multi_transform(..., Tables('V', 'U'))"
        )
    tx = table_optimizer(
        config.optimizers if optimizer is None else Tables(optimizer, optimizer),
        schedules,
        jax.eval_shape(lambda: start_tables(config, corpus.vocab)),
        dense_updates=config.dense_updates,
    )
    before = [] if config.on_nan == "stop" else [skip_not_finite()]
    if config.damping != "none":
        factors = expected(corpus.vocab, config, loss).factors(*config.start_lrs)
        before.append(damp(factors))
    return optax.chain(*before, tx) if before else tx


def state_like(corpus: Corpus, config: Config) -> TrainState:
    """Shapes and dtypes of the state of a run with a named optimizer."""
    tx = update_of(corpus, config, config.schedules(1))
    return jax.eval_shape(lambda: init(start_tables(config, corpus.vocab), tx))


def prepare(
    corpus: Corpus,
    config: Config,
    *,
    optimizer: Any = None,
    loss: Loss | None = None,
    initial: Tables | None = None,
    replicas: int = 1,
) -> Setting:
    """Build and compile what a run of so many processes needs; arguments as in `run`."""
    words = max(1, round(float(kept(corpus.vocab, config).sum()) * corpus.share))
    steps = max(1, -(-words * config.epochs // (config.block_size * replicas)))
    schedules = config.schedules(steps)
    tx = update_of(corpus, config, schedules, optimizer=optimizer, loss=loss)
    start = init(initial or start_tables(config, corpus.vocab), tx)
    lookups = lookups_of(corpus.vocab, config)

    kernel = kernel_of(config, loss)
    exact = kernel_of(replace(config, sigmoid="exact"), loss)
    step = make_step(kernel, tx, config)
    draw = partial(call.draw_blocks, config=config, negatives=call.negatives_shape(config, loss))

    def train(state: TrainState, text: call.Text, key: Array, index: Array, lookups: Lookups):
        blocks = draw(jax.random.fold_in(key, index), text, lookups)
        return call.run_steps(step, state, blocks, text.blocks, loss_every=config.loss_every)

    def evaluate(tables: Tables, text: call.Text, key: Array, index: Array, lookups: Lookups):
        blocks = draw(jax.random.fold_in(key, index), text, lookups)
        return call.summed_loss(exact, tables, blocks, text.blocks, config=config)

    def first_block(text: call.Text, key: Array, index: Array, lookups: Lookups) -> Block:
        return jax.tree.map(lambda x: x[0], draw(jax.random.fold_in(key, index), text, lookups))

    began = time.perf_counter()
    centres = config.blocks_per_call * config.block_size
    length = centres + 2 * config.window
    rungs = _ladder(corpus.vocab, config)
    text = text_of(Feed(np.zeros(length, np.int32), np.zeros(length, np.int32), 0, 0), rungs)
    heldout = len(corpus.heldout.ids) > 0
    draws = text, jax.random.key(0), np.int32(0), lookups
    trained = Programs(jax.jit(train, donate_argnums=0).lower)
    program = trained.program(start, *draws)
    evaluated = Programs(jax.jit(evaluate).lower)
    if heldout:
        evaluated.program(start.tables, *draws)
    if config.has_small_products and optimizer is None:
        _warn_of_copies(program.as_text() or "", start.tables)
    merged = tiers(centres * uses(corpus.vocab, config)) if replicas > 1 else ()
    return Setting(
        trained,
        evaluated if heldout else None,
        jax.jit(first_block),
        merged,
        {tier.rows: _write_of(start.tables, tier.rows) for tier in merged},
        lookups,
        rungs,
        schedules.V,
        start,
        words,
        time.perf_counter() - began,
    )


def _ladder(vocab: Vocabulary, config: Config) -> Ladder | None:
    if config.ngrams is None:
        return None
    sizes = subwords_of(vocab, config.ngrams).sizes
    text = shares(vocab, config)
    return ladder(sizes, text, block=config.block_size, window=config.window)


def _warn_of_copies(program: str, tables: Tables) -> None:
    copies = len(table_copies(program, tables.V.shape))
    if copies:
        LOG.warning(
            "XLA copies a whole table %d times a step here (jax %s, jaxlib %s): training is slow; "
            "take another version of jaxlib",
            copies,
            jax.__version__,
            version("jaxlib"),
        )


def _write_of(tables: Tables, rows: int) -> Write:
    first = [jax.ShapeDtypeStruct((rows, table.shape[1]), table.dtype) for table in tables]
    return jax.jit(with_first_rows, donate_argnums=0).lower(tables, *first).compile()


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
    save: Callable[[TrainState, int], None] | None = None,
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
      save: given the state and the calls made, where all rows are merged, to be saved.
      watcher: looks at blocks that are about to train.

    Returns:
      The state, the losses and the times.

    Raises:
      DataError: the loss is not finite any more.
    """
    state, done = resumed or (setting.start, 0)
    train_key, heldout_key = jax.random.split(jax.random.fold_in(jax.random.key(config.seed), 1))
    if exchange.size > 1:
        train_key = jax.random.fold_in(train_key, exchange.rank)
    replica = Replica(exchange, state.tables, setting.writes)
    meter = Meter(corpus, config, setting.words, setting.schedule, replicas=exchange.size)
    heldout = list(itertools.islice(_heldout(corpus, config), HELDOUT_CALLS))
    given = partial(text_of, rungs=setting.ladder)

    def heldout_loss(tables: Tables) -> float | None:
        if setting.evaluate is None:
            return None
        infos = [
            setting.evaluate(tables, given(feed), heldout_key, np.int32(i), setting.lookups)
            for i, feed in enumerate(heldout)
            if i % exchange.size == exchange.rank
        ]
        return mean_loss([StepInfo(*replica.total(*total(infos)))])

    def whole(state: TrainState) -> TrainState:
        """The state with all rows merged."""
        return state._replace(tables=replica.merge(state.tables, len(corpus.vocab.words))[0])

    texts = feeds_of(corpus, config, exchange)
    skipped = sum(feed.words for feed in itertools.islice(texts, done))
    feed = next(texts, None)
    wish = stop()
    skipped, more, asked = replica.total(skipped, feed is not None, wish)
    meter.skip(done, int(skipped))
    calls = done
    while more and not (asked and replica.rests(calls)):
        info, words = NOTHING, 0
        if feed is not None:
            index = np.int32(calls)
            if watcher is not None and watcher.wants():
                block = setting.first_block(given(feed), train_key, index, setting.lookups)
                watcher.look(sampled(state.tables, jax.tree.map(np.asarray, block), config))
            state, info = setting.train(state, given(feed), train_key, index, setting.lookups)
            words = feed.words
        calls += 1
        feed = next(texts, None)  # while the device computes
        tables, (loss, pairs, words, more, stops) = replica.merge(
            state.tables, due(setting.tiers, calls), *info, words, feed is not None, wish
        )
        state = state._replace(tables=tables)
        meter.add(int(words), StepInfo(loss, pairs), state.tables)
        if meter.ends_epoch:
            state = whole(state)  # else each would measure with rare words as it alone met them
            meter.evaluate(partial(heldout_loss, found(state)))
        if callback is not None and (not more or meter.silence() >= report_every):
            callback(meter.progress())
        if save is not None and more and replica.rests(calls):
            save(state, calls)
        wish = stop()
        asked = wish if exchange.size == 1 else asked or stops
    state = whole(state)
    meter.stop(state.tables)
    if count := count_skipped(state.opt_state):
        LOG.warning("%d blocks with a gradient that was not finite were skipped", count)
    if not more:
        meter.evaluate(partial(heldout_loss, found(state)))
    return Result(
        state,
        calls,
        not more,
        meter.final_loss(),
        meter.heldout_loss,
        {"compile": setting.compile_seconds, **meter.seconds()},
        meter.words_per_s(),
    )


def found(state: TrainState) -> Tables:
    """The tables that a run has come to, which are not those it trains where it averages them."""
    return result(state.tables, state.opt_state)


def feeds_of(corpus: Corpus, config: Config, exchange: Exchange = ALONE) -> Iterator[Feed]:
    """The calls of a run: this process's part of the text, all epochs."""
    return _cut(_epochs(corpus, config, exchange), config)


def _epochs(corpus: Corpus, config: Config, exchange: Exchange) -> Iterator[Segment]:
    """This process's part of the text, subsampled anew each epoch.

    Sentence numbers are told apart across epochs.
    """
    keep = keep_probability(corpus.vocab.counts, config.sample)
    sentences = part(corpus.train, exchange.rank, exchange.size)
    first = 0
    for epoch in range(config.epochs):
        last = first
        draws = epoch * exchange.size + exchange.rank
        for segment in segments(sentences, keep, seed=config.seed, epoch=draws):
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


def text_of(feed: Feed, rungs: Ladder | None = None) -> call.Text:
    """What the programs of a setting are given of a feed."""
    blocks: Any = np.asarray(feed.blocks, np.int32)
    return call.Text(feed.ids, feed.sentence, blocks, rungs and rungs.room(feed))
