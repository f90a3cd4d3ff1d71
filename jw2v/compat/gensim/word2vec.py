"""gensim's Word2Vec, trained by jw2v."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from inspect import signature
from typing import Any, TypeVar

import numpy as np

from jw2v.compat.gensim import saved
from jw2v.compat.gensim.keyedvectors import KeyedVectors
from jw2v.compat.gensim.model import sentences_of
from jw2v.compat.gensim.queries import LOG
from jw2v.compat.gensim.scores import scores
from jw2v.compat.gensim.trains import Trains
from jw2v.compat.gensim.vocabulary import TrimRule

M = TypeVar("M", bound="Word2Vec")
OF_A_RUN = (
    "corpus_count", "corpus_total_words", "running_training_loss", "min_alpha_yet_reached",
    "train_count", "total_train_time", "effective_min_count",
)  # fmt: skip
OUTSIDE = ("syn1", "syn1neg")
NOT_KEPT = {"self", "sentences", "corpus_file", "trim_rule", "callbacks", "hashfxn"}


class Loads(type):
    """Gives a class `load`, and its objects none: on a model it would seem to load into it."""

    def load(cls: type[M], fname: Any, mmap: str | None = None, rethrow: bool = False) -> M:  # pyright: ignore[reportGeneralTypeIssues]
        """Read what `save` wrote; `mmap` and `rethrow` are passed over.

        Raises:
          DataError: it is none of our files.
          AttributeError: it holds vectors alone, no model.
        """
        tensors, rest = saved.read(fname, "Word2Vec")
        model = cls(**rest["options"])
        for name in OUTSIDE:
            setattr(model, name, tensors.pop(name, None))
        saved.fill(model.wv, tensors, rest)
        for name, value in rest["run"].items():
            setattr(model, name, value)
        return model


class Word2Vec(Trains, metaclass=Loads):
    """gensim 4's Word2Vec by its names, arguments and defaults; what trains is jw2v.

    Skip-gram (`sg=1`) or CBOW, with negative sampling or hierarchical softmax (`hs=1, negative=0`),
    not with both at once. CBOW is trained by its gradient where gensim has an update that is none:
    a word is given its share of it, so that `alpha` counts four times. `batch_words` and `hashfxn`
    are passed over, and of `workers` only 1 is looked at: jw2v starts a process a core where a text
    is long enough.

    >>> model = Word2Vec([["the", "king"], ["the", "queen"]] * 20, min_count=1, sg=1, vector_size=8)
    >>> model.wv.index_to_key[0], model.wv["king"].shape, model.corpus_count
    ('the', (8,), 40)
    """

    def __init__(
        self,
        sentences: Iterable[Any] | None = None,
        corpus_file: Any = None,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 0.0001,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Callable[..., int] = hash,
        epochs: int = 5,
        null_word: int = 0,
        trim_rule: TrimRule = None,
        sorted_vocab: int = 1,
        batch_words: int = 10000,
        compute_loss: bool = False,
        callbacks: Iterable[Any] = (),
        comment: str | None = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
    ) -> None:
        self.vector_size = self.layer1_size = int(vector_size)
        self.alpha, self.min_alpha = float(alpha), float(min_alpha)
        self.window, self.shrink_windows = int(window), bool(shrink_windows)
        self.min_count, self.max_final_vocab = min_count, max_final_vocab
        self.max_vocab_size, self.sorted_vocab = max_vocab_size, sorted_vocab
        self.null_word, self.sample, self.epochs = null_word, sample, epochs
        self.sg, self.hs, self.negative = int(sg), int(hs), int(negative)
        self.ns_exponent, self.cbow_mean = ns_exponent, int(cbow_mean)
        self.seed, self.hashfxn, self.workers = seed, hashfxn, int(workers)
        self.batch_words, self.comment = batch_words, comment
        self.compute_loss, self.running_training_loss = bool(compute_loss), 0.0
        self.corpus_count = self.corpus_total_words = self.train_count = 0
        self.total_train_time = 0.0
        self.min_alpha_yet_reached, self.effective_min_count = self.alpha, min_count
        self.raw_vocab, self.syn1, self.syn1neg = {}, None, None
        self.wv = KeyedVectors(self.vector_size)
        if sentences is None and corpus_file is None:
            if trim_rule is not None or callbacks:
                LOG.warning("no text: give trim_rule to build_vocab, and callbacks to train")
            return
        sentences_of(sentences, corpus_file, passes=epochs + 1)
        self.build_vocab(sentences, corpus_file, trim_rule=trim_rule)
        self.train(
            sentences,
            corpus_file,
            total_examples=self.corpus_count,
            total_words=self.corpus_total_words,
            epochs=epochs,
            compute_loss=self.compute_loss,
            callbacks=callbacks,
        )

    def score(
        self,
        sentences: Iterable[Any],
        total_sentences: int = 1_000_000,
        chunksize: int = 100,
        queue_factor: int = 2,
        report_delay: int = 1,
    ) -> np.ndarray:
        """The log probability of each of the first `total_sentences`; see `scores`.

        Raises:
          RuntimeError: there is no vocabulary yet, or no hierarchical softmax.
        """
        if not self.wv.key_to_index:
            raise RuntimeError("you must first build vocabulary before scoring new data")
        if not self.hs:
            raise RuntimeError("only hierarchical softmax has scores; give hs=1, negative=0")
        scored = scores(self, itertools.islice(sentences, total_sentences))
        return np.fromiter(scored, np.float32)

    def predict_output_word(
        self, context_words_list: Sequence[Any], topn: int = 10
    ) -> list[tuple[Any, float]] | None:
        """The words most probable amid others, by a softmax over all; None where none is known.

        Raises:
          RuntimeError: the model was not trained with negative sampling.
        """
        if not self.negative or self.syn1neg is None:
            raise RuntimeError("only models trained with negative sampling predict words")
        rows = [self.wv.get_index(word) for word in context_words_list if word in self.wv]
        if not rows:
            LOG.warning("none of the words is in the vocabulary")
            return None
        h = self.wv.vectors[rows].sum(axis=0) / (len(rows) if self.cbow_mean else 1)
        logits = self.syn1neg @ h
        chances = np.exp(logits - logits.max())
        best = np.argsort(-chances, kind="stable")[:topn]
        return [(self.wv.index_to_key[i], float(chances[i] / chances.sum())) for i in best]

    def init_sims(self, replace: bool = False) -> None:
        """Of older gensim, see `KeyedVectors.init_sims`."""
        self.wv.init_sims(replace)

    def save(self, fname: Any, **options: Any) -> None:
        """Write one safetensors file; gensim's options on how to pickle are passed over."""
        tensors, rest = saved.parts_of(self.wv)
        outside = {name: getattr(self, name) for name in OUTSIDE}
        outside = {name: table for name, table in outside.items() if table is not None}
        kept = [name for name in signature(type(self).__init__).parameters if name not in NOT_KEPT]
        told = {"options": kept, "run": OF_A_RUN}
        values = {k: {name: getattr(self, name) for name in names} for k, names in told.items()}
        saved.write(fname, "Word2Vec", tensors | outside, rest | values)
