"""What a run needs before it can begin: its programs, compiled, and its tables of numbers."""

import logging
import time
from collections.abc import Callable
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
from jw2v.corpus import Corpus, Vocabulary
from jw2v.errors import UsageError
from jw2v.losses.record import Loss
from jw2v.optim.damping import damp
from jw2v.optim.finite import skip_not_finite
from jw2v.optim.named import table_optimizer
from jw2v.training import call
from jw2v.training.backend import compiler_options
from jw2v.training.compiled import table_copies
from jw2v.training.config import Config
from jw2v.training.exchange import LINE
from jw2v.training.expected import expected, pulls, uses
from jw2v.training.lookups import Lookups, lookups_of
from jw2v.training.merge import NO_NGRAMS, Rows, Tier, Write, intervals, tiers, weights, with_rows
from jw2v.training.mesh import Grid, grid_of, mesh_of
from jw2v.training.pieces import Ladder, Programs, ladder, subwords_of
from jw2v.training.replicas import MeshReplicas
from jw2v.training.shares import kept, shares
from jw2v.training.state import TrainState, init, initial_tables, widened
from jw2v.training.step import StepInfo, kernel_of, make_step
from jw2v.training.texts import empty, full_call, text_of

LOG = logging.getLogger("jw2v")
WHOLE = 0.97  # rows that weigh more count whole: to multiply them would be a seventh of a merge


class Setting(NamedTuple):
    """What stays the same over a run: its functions, compiled, and its tables of numbers."""

    train: Callable[..., tuple[TrainState, StepInfo]]
    evaluate: Callable[..., StepInfo] | None  # None where no text is held out
    first_block: Callable[..., Block]  # of a call
    tiers: tuple[Tier, ...]
    weights: Tables  # of what replicas learn; see `merge.weights`
    writes: dict[Rows, Write]  # of merged rows
    lookups: Lookups
    mesh: MeshReplicas | None  # of several devices
    ladder: Ladder | None  # None where words are not made of pieces
    schedule: optax.Schedule  # of the centre words' table
    start: TrainState
    width: int  # of the tables' rows as they train, `row_width`
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


def state_like(
    corpus: Corpus, config: Config, *, optimizer: Any = None, loss: Loss | None = None
) -> TrainState:
    """Shapes and dtypes of the state of a run."""
    tx = update_of(corpus, config, config.schedules(1), optimizer=optimizer, loss=loss)
    return jax.eval_shape(lambda: init(start_tables(config, corpus.vocab), tx))


def grid_for(config: Config, optimizer: Any = None) -> Grid:
    """The devices of a run; those of sgd on blocks are replicas unasked.

    Raises:
      UsageError: they cannot be had.
    """
    adds = config.has_small_products and optimizer is None
    return grid_of(config.mesh, dim=config.dim, adds=adds)


def row_width(
    config: Config, grid: Grid, *, optimizer: Any = None, loss: Loss | None = None
) -> int:
    """Numbers of a row of the tables as they train.

    Where steps on one device are short they are whole lines of a processor's cache, which are
    gathered and multiplied sooner; what is beside a vector's own numbers is zero.

    >>> row_width(Config(dim=100), Grid()), row_width(Config(dim=100, optimizer="adam"), Grid())
    (112, 100)
    """
    own = optimizer is not None or loss is not None
    alone = grid.devices == 1 and jax.default_backend() == "cpu"
    if own or not alone or not config.has_short_steps:
        return config.dim
    line = LINE // np.dtype(np.float32).itemsize
    return -(-config.dim // line) * line


def epoch_words(corpus: Corpus, config: Config) -> int:
    """Words of one epoch after subsampling, expected."""
    return max(1, round(float(kept(corpus.vocab, config).sum()) * corpus.share))


def prepare(
    corpus: Corpus,
    config: Config,
    *,
    optimizer: Any = None,
    loss: Loss | None = None,
    initial: Tables | None = None,
    replicas: int = 1,
) -> Setting:
    """Build and compile what a run needs.

    Args:
      corpus: encoded text.
      config: options.
      optimizer: given as an object, in the place of the config's.
      loss: of the user's own.
      initial: tables to start from.
      replicas: processes that meet in an exchange; a mesh has its own number.

    Raises:
      UsageError: the mesh cannot be had.
    """
    words = epoch_words(corpus, config)
    grid = grid_for(config, optimizer)
    mesh = mesh_of(grid)
    replicas = replicas if mesh is None else grid.data
    merged = tiers_of(corpus.vocab, config, replicas) if replicas > 1 else ()
    adds = config.is_sgd and optimizer is None
    outer = config.outer or ("sum" if adds else "mean")
    weighted = weights_of(corpus.vocab, config, merged, replicas, outer=outer, adds=adds)
    meshed = None if mesh is None else MeshReplicas(mesh, weighted, dim=config.dim, outer=outer)
    steps = max(1, -(-words * config.epochs // (config.block_size * replicas)))
    schedules = config.schedules(steps)
    tx = update_of(corpus, config, schedules, optimizer=optimizer, loss=loss)
    start = init(initial or start_tables(config, corpus.vocab), tx)
    if left := [len(table) for table in start.tables if len(table) % grid.vocab]:
        raise UsageError(
            f"mesh {config.mesh}: a table of {left[0]:,} rows is not {grid.vocab} equal parts; "
            f"give a vocabulary that is (--max-vocab {left[0] - left[0] % grid.vocab})"
        )
    lookups = lookups_of(corpus.vocab, config)

    kernel = kernel_of(config, loss)
    measured = replace(config, sigmoid="exact", negatives_from="noise")
    exact = kernel_of(measured, loss)
    step = make_step(kernel, tx, config)
    draw, draw_measured = (
        partial(call.draw_blocks, config=c, negatives=call.negatives_shape(c, loss))
        for c in (config, measured)
    )

    def train(state: TrainState, text: call.Text, key: Array, index: Array, lookups: Lookups):
        key = jax.random.fold_in(key, index)
        blocks = draw(key, text, lookups)
        if config.in_batch:
            blocks = call.with_mean(jax.random.fold_in(key, 1), blocks, state.tables.U, lookups)
        return call.run_steps(step, state, blocks, text.blocks, loss_every=config.loss_every)

    def evaluate(tables: Tables, text: call.Text, key: Array, index: Array, lookups: Lookups):
        blocks = draw_measured(jax.random.fold_in(key, index), text, lookups)
        assert text.blocks is not None  # held-out text has no program of full calls
        return call.summed_loss(exact, tables, blocks, text.blocks, config=config)

    def first_block(text: call.Text, key: Array, index: Array, lookups: Lookups) -> Block:
        return jax.tree.map(lambda x: x[0], draw(jax.random.fold_in(key, index), text, lookups))

    began = time.perf_counter()
    rungs = ladder_of(corpus.vocab, config)
    text = text_of(empty(config), rungs)
    heldout = len(corpus.heldout.ids) > 0
    draws = jax.random.key(0), np.int32(0), lookups
    evaluated = Programs(jax.jit(evaluate).lower)
    writes = {}
    width = row_width(config, grid, optimizer=optimizer, loss=loss)
    if meshed is None:
        wide = jax.eval_shape(partial(widened, width=width), start)
        options = compiler_options()
        trained = Programs(jax.jit(train, donate_argnums=0, compiler_options=options).lower)
        program = trained.program(wide, text, *draws)
        if full_call(config) is not None:
            trained.program(wide, text._replace(blocks=None), *draws)
        if heldout:
            evaluated.program(wide.tables, text, *draws)
        if config.has_small_products and optimizer is None:
            _warn_of_copies(program.as_text() or "", wide.tables)
        writes = {tier.rows: write_of(wide.tables, tier.rows) for tier in merged}
    else:  # compiled when first called, for where its arguments lie
        trained, start = Programs(meshed.lower(train)), meshed.start(start)
    return Setting(
        trained,
        evaluated if heldout else None,
        jax.jit(first_block),
        merged,
        weighted,
        writes,
        lookups,
        meshed,
        rungs,
        schedules.V,
        start,
        width,
        words,
        time.perf_counter() - began,
    )


def tiers_of(vocab: Vocabulary, config: Config, replicas: int) -> tuple[Tier, ...]:
    """When replicas merge which rows."""
    words, ngrams = uses(vocab, config), NO_NGRAMS
    if config.ngrams is not None:
        made = subwords_of(vocab, config.ngrams)
        ngrams = made.met(words / made.sizes)[len(vocab) :]  # for a share of a word each time
    centres = config.call_blocks * config.block_size
    return tiers(centres * words, replicas, ngrams=centres * ngrams)


def weights_of(
    vocab: Vocabulary,
    config: Config,
    tiers: tuple[Tier, ...],
    replicas: int,
    *,
    outer: str,
    adds: bool,
) -> Tables:
    """What weighs what replicas learn of each row of V and of U.

    Args:
      vocab: of the text.
      config: options.
      tiers: when rows are merged; none in a run of one.
      replicas: how many there are.
      outer: what is taken of what they learn, the "sum" or else the mean.
      adds: whether sgd trains: of its sums it is known how far rows have gone, of others' nothing.
    """
    if not tiers:
        return Tables(np.ones(0), np.ones(0))
    every = intervals(tiers)
    if outer != "sum" or not adds:
        alike = 1.0 if outer == "sum" else 1 / replicas
        return jax.tree.map(lambda often: np.full(often.shape, alike, np.float32), every)
    exact = (
        weights(config.call_blocks * pull, often, replicas)
        for pull, often in zip(pulls(vocab, config), every, strict=True)
    )
    return Tables(*(np.where(w > WHOLE, 1, w).astype(np.float32) for w in exact))


def ladder_of(vocab: Vocabulary, config: Config) -> Ladder | None:
    """The room for the pieces of blocks; None where words are not made of pieces."""
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


def write_of(tables: Tables, rows: Rows) -> Write:
    """The program that writes merged rows."""
    parts = [
        jax.ShapeDtypeStruct((span.stop - span.start, tables.U.shape[1]), tables[table].dtype)
        for table, span in rows.spans(len(tables.U))
    ]
    writes = jax.jit(partial(with_rows, rows=rows), donate_argnums=0)
    return writes.lower(tables, *parts).compile()
