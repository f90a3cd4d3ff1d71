"""What gensim's Word2Vec is before it is trained: a vocabulary, and tables for it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import GeneratorType
from typing import Any

import numpy as np

from jw2v.compat.gensim import vocabulary
from jw2v.compat.gensim.keyedvectors import KeyedVectors
from jw2v.compat.gensim.sentences import LineSentence
from jw2v.compat.gensim.state import State
from jw2v.compat.gensim.tree import set_ways
from jw2v.compat.gensim.vocabulary import TrimRule
from jw2v.compat.gensim.word2vec_format import OPENERS

NULL = "\0"  # the pseudo-word of `null_word`


class Model(State):
    """A vocabulary and its tables; `Word2Vec` sets the attributes."""

    def __str__(self) -> str:
        size = f"vocab={len(self.wv)}, vector_size={self.wv.vector_size}, alpha={self.alpha}"
        return f"{type(self).__name__}<{size}>"

    def build_vocab(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: Any = None,
        update: bool = False,
        progress_per: int = 10000,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule = None,
        **kwargs: Any,
    ) -> None:
        """Count a text's words and make tables for them; with `update` add them to the model's.

        Raises:
          TypeError: not exactly one text, or one that cannot be read.
          RuntimeError: `update` of a model without a vocabulary.
        """
        sentences = sentences_of(corpus_iterable, corpus_file, passes=1)
        found = self.scan_vocab(sentences, progress_per=progress_per, trim_rule=trim_rule)
        self.corpus_total_words, self.corpus_count = found
        self.prepare_vocab(
            update=update, keep_raw_vocab=keep_raw_vocab, trim_rule=trim_rule, **kwargs
        )
        self.prepare_weights(update=update)

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[Any, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: TrimRule = None,
        update: bool = False,
    ) -> None:
        """As `build_vocab`, from the counts of the words."""
        self.corpus_count = corpus_count or 0
        self.raw_vocab = dict(word_freq)
        self.prepare_vocab(update=update, keep_raw_vocab=keep_raw_vocab, trim_rule=trim_rule)
        self.prepare_weights(update=update)

    def scan_vocab(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: Any = None,
        progress_per: int = 10000,
        workers: int | None = None,
        trim_rule: TrimRule = None,
    ) -> tuple[int, int]:
        """Count words into `raw_vocab`; gives the numbers of words and of sentences."""
        sentences = sentences_of(corpus_iterable, corpus_file, passes=1)
        found = vocabulary.scan(sentences, self.max_vocab_size, trim_rule)
        self.raw_vocab = found.raw_vocab
        return found.words, found.sentences

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, int]:
        """Choose the words of the vocabulary among `raw_vocab`; gives what came of it."""
        least, sample = min_count or self.min_count, sample or self.sample
        raw = self.raw_vocab
        least_of_all = vocabulary.effective_min_count(raw, least, self.max_final_vocab)
        kept = {
            word: count
            for word, count in raw.items()
            if vocabulary.keeps(word, count, least_of_all, trim_rule)
        }
        self.effective_min_count = least_of_all
        if not dry_run:
            if not update:
                self.min_count, self.sample = least, sample
                self._empty()
            null = {NULL: 1} if self.null_word and NULL not in self.wv else {}
            vocabulary.grow(self.wv, kept | null)
            if self.sorted_vocab and not update:
                self.wv.sort_by_descending_frequency()
            if self.hs:
                set_ways(self.wv)
            self.raw_vocab = raw if keep_raw_vocab else {}
        return vocabulary.report(raw, kept, sample)

    def _empty(self) -> None:
        self.wv.index_to_key, self.wv.key_to_index, self.wv.expandos = [], {}, {}
        self.wv.vectors = np.zeros((0, self.vector_size), np.float32)

    def prepare_weights(self, update: bool = False) -> None:
        """Make the tables, or with `update` rows for the words that are new.

        Raises:
          RuntimeError: `update` of a model without a vocabulary.
        """
        if not update:
            self.init_weights()
            return
        if not len(self.wv.vectors):
            raise RuntimeError(
                "update is for a model that has a vocabulary; build its first one without update"
            )
        gained = len(self.wv) - len(self.wv.vectors)
        self.wv.resize_vectors(self.seed)
        if self.syn1neg is not None:
            self.syn1neg = np.concatenate([self.syn1neg, self._zeros(gained)])
        if self.syn1 is not None:
            # Other counts make another tree, whose nodes the old rows were not trained for.
            self.syn1 = self._zeros(len(self.wv))

    def init_weights(self) -> None:
        """Make the tables anew, for the vocabulary there is."""
        self.wv.vectors = np.zeros((0, self.vector_size), np.float32)
        self.wv.resize_vectors(self.seed)
        self.syn1 = self._zeros(len(self.wv)) if self.hs else None
        self.syn1neg = self._zeros(len(self.wv)) if self.negative else None

    def _zeros(self, rows: int) -> np.ndarray:
        return np.zeros((rows, self.layer1_size), np.float32)

    def reset_from(self, other_model: "Model") -> None:
        """Take another model's vocabulary, and make the tables anew."""
        self.wv = KeyedVectors(self.vector_size)
        for name in ("index_to_key", "key_to_index", "expandos"):
            setattr(self.wv, name, getattr(other_model.wv, name))
        self.corpus_count = other_model.corpus_count
        self.init_weights()

    def estimate_memory(
        self, vocab_size: int | None = None, report: dict[str, int] | None = None
    ) -> dict[str, int]:
        """Bytes that the vocabulary and the tables take, about."""
        words = vocab_size or len(self.wv)
        table = words * self.vector_size * np.dtype(np.float32).itemsize
        tables = {"vectors": True, "syn1": self.hs, "syn1neg": self.negative}
        sizes = (report or {}) | {"vocab": words * (700 if self.hs else 500)}
        sizes |= {name: table for name, made in tables.items() if made}
        return {**sizes, "total": sum(sizes.values())}


def sentences_of(corpus_iterable: Any, corpus_file: Any, *, passes: int) -> Iterable[Any]:
    """The one text that is given.

    Raises:
      TypeError: there is none, or two, or it cannot be read as often as that.
    """
    if (corpus_iterable is None) == (corpus_file is None):
        raise TypeError("give exactly one of corpus_iterable and corpus_file")
    if corpus_file is not None:
        if not Path(corpus_file).is_file() or Path(corpus_file).suffix.lower() in OPENERS:
            raise TypeError(f"corpus_file is {corpus_file!r}; give a file that is not compressed")
        return LineSentence(corpus_file)
    if not isinstance(corpus_iterable, Iterable):
        raise TypeError(f"sentences are {corpus_iterable!r}; give an iterable of lists of words")
    if isinstance(corpus_iterable, GeneratorType) and passes > 1:
        raise TypeError(f"a generator cannot be read {passes} times; give a list of sentences")
    return corpus_iterable
