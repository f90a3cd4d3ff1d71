"""What a run measures of itself: words, seconds, losses."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from jw2v.blocks.tables import Tables
from jw2v.corpus import Corpus
from jw2v.errors import DataError
from jw2v.training.config import Config
from jw2v.training.step import StepInfo

MOST = 1000.0
"""Nats a pair, where zero scores have 4 with the usual negatives; rows that explode go beyond."""


class Progress(NamedTuple):
    """What a callback is given after each call to the device."""

    calls: int  # made so far
    epoch: float  # passes over the text so far
    loss: float | None  # mean per pair over the measured blocks of a call, in nats
    heldout_loss: float | None  # mean per pair on held-out text, last measured
    lr: float  # where the call began
    words_per_s: float  # words of the text, before subsampling, per second of training
    seconds_left: float


def total(infos: Iterable[StepInfo]) -> tuple[float, float]:
    """The losses and the pairs, summed.

    >>> total([StepInfo(np.array(6.0), np.array(2.0)), StepInfo(np.array(2.0), np.array(2.0))])
    (8.0, 4.0)
    """
    summed = np.array([(float(info.loss), float(info.pairs)) for info in infos]).reshape(-1, 2)
    loss, pairs = summed.sum(axis=0).tolist()
    return loss, pairs


def mean_loss(infos: Iterable[StepInfo]) -> float | None:
    """Mean loss per pair in nats; None where there is no pair.

    >>> mean_loss([StepInfo(np.array(6.0), np.array(2.0)), StepInfo(np.array(2.0), np.array(2.0))])
    2.0
    """
    loss, pairs = total(infos)
    return loss / pairs if pairs > 0 else None


class Meter:
    """Counts the words, seconds and losses of one sitting of a run.

    A call's loss is read when the next call is under way, and the rate where a call begins is asked
    for before it, so that the device never waits for the host; a loss that is not finite is raised
    then. The time of `evaluate` is kept apart.
    """

    def __init__(
        self,
        corpus: Corpus,
        config: Config,
        epoch_words: int,
        schedule: optax.Schedule,
        *,
        replicas: int = 1,
    ) -> None:
        self.calls = 0
        self.heldout_loss: float | None = None
        self._config, self._words_of = config, corpus.vocab.words
        self._schedule = jax.jit(schedule)
        self._epoch_words = epoch_words
        self._raw_per_word = len(corpus.train.ids) / epoch_words
        self._step_words = config.block_size * replicas
        call_words = self._step_words * config.call_blocks
        twentieth = epoch_words * config.epochs // call_words // 20
        self._infos: deque[StepInfo] = deque(maxlen=max(2, twentieth))
        self._words = self._words_before = self._skipped = 0
        self._lr = self._next_lr = self._rate()
        self._began = time.perf_counter()
        self._ended: float | None = None
        self._evaluating = self._paused = 0.0
        self._told = 0.0

    def skip(self, calls: int, words: int) -> None:
        """Pass over the calls that earlier sittings made, and start the clock."""
        self.calls = calls
        self._words = self._skipped = words
        self._next_lr = self._rate()
        self._began = time.perf_counter()

    def add(self, words: int, info: StepInfo, tables: Callable[[], Tables]) -> None:
        """Count a call that was just dispatched, after which the tables are what is given.

        Raises:
          DataError: the loss of the call before it is not finite, or beyond `MOST`.
        """
        if self._infos:
            self._check(self._infos[-1], tables)
        self.calls += 1
        self._words_before, self._words = self._words, self._words + words
        self._infos.append(info)
        self._lr, self._next_lr = self._next_lr, self._rate()

    @property
    def ends_epoch(self) -> bool:
        """Whether the call just added ends an epoch that is not the last."""
        epoch = self._words // self._epoch_words
        return self._words_before // self._epoch_words < epoch < self._config.epochs

    def evaluate(self, heldout_loss: Callable[[Tables], float | None], tables: Tables) -> None:
        """Measure the held-out loss.

        Raises:
          DataError: it is not finite, where that stops a run, or beyond `MOST`.
        """
        jax.block_until_ready(list(self._infos)[-1:])
        began = time.perf_counter()
        loss = self.heldout_loss = heldout_loss(tables)
        seconds = time.perf_counter() - began
        self._evaluating += seconds
        if self._ended is None:
            self._paused += seconds
        skips = self._config.on_nan == "skip"
        if loss is not None and not (loss <= MOST or (skips and not np.isfinite(loss))):
            raise self._lost(f"the held-out loss is {loss:.4g}", tables)

    def stop(self, tables: Tables) -> None:
        """Wait for the tables that the run made and stop the clock.

        Raises:
          DataError: the last loss is not finite, or beyond `MOST`, or the tables are not finite,
            as where no block was measured since.
        """
        jax.block_until_ready(tables)
        self._ended = time.perf_counter()
        if self._infos:
            self._check(self._infos[-1], lambda: tables)
        if not _are_finite(tables):
            raise self._lost("the tables are not finite", tables)

    def silence(self) -> float:
        """Seconds since the last progress."""
        return time.perf_counter() - self._told

    def progress(self) -> Progress:
        """How the run stands, for a person to look at."""
        self._told = time.perf_counter()
        rate = self.words_per_s()
        left = max(0, self._epoch_words * self._config.epochs - self._words)
        return Progress(
            self.calls,
            self._words / self._epoch_words,
            mean_loss([self._infos[max(0, len(self._infos) - 2)]]),
            self.heldout_loss,
            float(self._lr),
            rate,
            left * self._raw_per_word / max(rate, 1e-9),
        )

    def final_loss(self) -> float | None:
        """Mean loss per pair over the last twentieth of the run."""
        return mean_loss(self._infos)

    def seconds(self) -> dict[str, float]:
        """Seconds of training and of evaluation."""
        now = time.perf_counter() if self._ended is None else self._ended
        return {"train": now - self._began - self._paused, "evaluate": self._evaluating}

    def words_per_s(self) -> float:
        """Words of the text, before subsampling, per second of training."""
        words = (self._words - self._skipped) * self._raw_per_word
        return words / max(self.seconds()["train"], 1e-9)

    def _rate(self) -> Array:
        return self._schedule(self._words // self._step_words)

    def _check(self, info: StepInfo, tables: Callable[[], Tables]) -> None:
        loss = float(info.loss) / max(float(info.pairs), 1.0)
        if not loss <= MOST:
            raise self._lost(f"the loss is {loss:.4g}", tables())

    def _lost(self, what: str, tables: Tables) -> DataError:
        blocks = self.calls * self._config.call_blocks
        lr = float(self._next_lr)
        return DataError(
            f"{what} after {blocks} blocks, at learning rate {lr:.4g}, and "
            f"{largest_row(tables, self._words_of)}; lower the rate (--lr) or take "
            "smaller blocks (--block)"
        )


@jax.jit
def _are_finite(tables: Tables) -> Array:
    return jnp.array([jnp.isfinite(table).all() for table in tables]).all()


def largest_row(tables: Tables, words: Sequence[str]) -> str:
    """Which row of the tables is the longest, or the first that is not finite.

    >>> largest_row(Tables(np.ones((2, 1)), np.array([[3.0], [4.0]])), ["a", "b"])
    "the longest row is that of 'b' in U, 4"
    """
    found = []
    for name, table in tables._asdict().items():
        norms = np.linalg.norm(np.asarray(table, np.float64), axis=1)
        row = int(np.argmax(np.where(np.isnan(norms), np.inf, norms)))
        found.append((norms[row], row, name))
    norm, row, name = max(found, key=lambda x: np.inf if np.isnan(x[0]) else x[0])
    whose = repr(words[row]) if row < len(words) else f"n-gram {row - len(words)}"
    return f"the longest row is that of {whose} in {name}, {norm:.4g}"
