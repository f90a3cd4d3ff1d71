"""gensim's `train`: its checks, its callbacks, its bookkeeping; what trains is jw2v."""

import itertools
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from jw2v.compat.gensim.encoded import encoded
from jw2v.compat.gensim.model import Model, sentences_of
from jw2v.compat.gensim.queries import LOG
from jw2v.compat.gensim.training import config_of, fit, kept_words
from jw2v.errors import UsageError


class Trains(Model):
    """A model that can be trained; `Word2Vec` sets the attributes."""

    def train(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: Any = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool = False,
        callbacks: Iterable[Any] = (),
        **kwargs: Any,
    ) -> tuple[int, int]:
        """Train on a text, which is read once; gives words trained on and words read, all epochs'.

        Raises:
          ValueError: the number of epochs or the length of the text is missing, or neither negative
            sampling nor hierarchical softmax is asked for.
          RuntimeError: there is no vocabulary yet.
          TypeError: not exactly one text, or one that cannot be read.
          UsageError: both of them are, or vectors are locked.
        """
        self.alpha = start_alpha or self.alpha
        self.min_alpha = end_alpha or self.min_alpha
        self._check_training(epochs, total_examples, total_words)
        assert epochs is not None
        sentences = sentences_of(corpus_iterable, corpus_file, passes=epochs)
        self.epochs, self.compute_loss, self.running_training_loss = epochs, compute_loss, 0.0
        heard, began, trained = list(callbacks), time.perf_counter(), 0.0
        with encoded(sentences, self.wv) as text:
            read = text.corpus.stats
            if total_examples not in (None, read.lines) and corpus_file is None:
                LOG.warning("%d sentences, where %d were told", read.lines, total_examples)
            _tell(heard, "on_train_begin", self)
            for sitting, lr, lr_end, number in self._sittings(one_by_one=bool(heard)):
                _tell(heard, "on_epoch_begin", self)
                if text.has_pairs:
                    seed = self.seed + self.train_count + number
                    config = config_of(self, text, epochs=sitting, lr=lr, lr_end=lr_end, seed=seed)
                    self.running_training_loss += fit(self, text, config, check=number == 0)
                    trained += kept_words(text, config)
                _tell(heard, "on_epoch_end", self)
        self.min_alpha_yet_reached = self.min_alpha
        self.train_count += 1
        self.total_train_time += time.perf_counter() - began
        _tell(heard, "on_train_end", self)
        return round(trained), read.words * epochs

    def _sittings(self, *, one_by_one: bool) -> Iterator[tuple[int, float, float, int]]:
        """Epochs, rate at the start and at the end, and number; one each where each is told of."""
        parts = self.epochs if one_by_one else 1
        rates = np.linspace(self.alpha, self.min_alpha, parts + 1).tolist()
        for number, (lr, lr_end) in enumerate(itertools.pairwise(rates)):
            yield self.epochs // parts, lr, lr_end, number

    def _check_training(
        self, epochs: int | None, total_examples: int | None, total_words: int | None
    ) -> None:
        if not self.hs and not self.negative:
            raise ValueError("hs and negative are both 0; give negative=5, or another number")
        if self.hs and self.negative:
            LOG.warning("Both hierarchical softmax and negative sampling are activated. Give one.")
        if self.alpha > self.min_alpha_yet_reached:
            LOG.warning("Effective 'alpha' higher than previous training cycles")
        if not self.wv.key_to_index:
            raise RuntimeError("you must first build vocabulary before training the model")
        if total_words is None and total_examples is None:
            raise ValueError("give total_examples (model.corpus_count) or total_words")
        if epochs is None or epochs <= 0:
            raise ValueError("give the number of epochs, such as epochs=model.epochs")
        if self.hs and self.negative:
            raise UsageError("jw2v trains one loss at a time; give hs=0, or negative=0")
        if (self.wv.vectors_lockf != 1).any():
            raise UsageError("vectors_lockf has entries other than 1; jw2v trains all vectors")

    def get_latest_training_loss(self) -> float:
        """The loss of all pairs of the last `train`, estimated from the mean of those measured."""
        return self.running_training_loss


def _tell(callbacks: Iterable[Any], what: str, model: Trains) -> None:
    for callback in callbacks:
        getattr(callback, what)(model)
