"""A model of gensim's trained by `jw2v.api.train`: the text as ids, the tables as a start."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jw2v import api
from jw2v.blocks.windows import pairs_per_centre
from jw2v.compat.gensim.keyedvectors import KeyedVectors
from jw2v.compat.gensim.state import State
from jw2v.compat.gensim.vocabulary import share_of
from jw2v.corpus import keep_probability
from jw2v.training.config import BAG_RATE, Config
from jw2v.vectors import Vectors

STEPS = 1000  # that an epoch of a short text is made of, about
SHORT = 1_000_000  # words of a text of which every loss is measured


class Text(NamedTuple):
    """The sentences of a model as ids, one a line."""

    path: Path
    sentences: int
    raw_words: int
    counts: np.ndarray  # of each of the model's words
    has_pairs: bool  # whether a sentence has two words of the vocabulary

    @property
    def words(self) -> int:
        """Words in the model's vocabulary."""
        return int(self.counts.sum())


@contextmanager
def as_ids(sentences: Iterable[Any], words: KeyedVectors) -> Iterator[Text]:
    """The sentences, written to a file that is gone afterwards.

    >>> words = KeyedVectors(1)
    >>> words.add_vectors(["a", "new york"], np.ones((2, 1)))
    >>> with as_ids([["new york", "b", "a"], []], words) as text:
    ...     print(text.path.read_text().splitlines(), text.raw_words, text.counts)
    ['1 0'] 3 [1 1]
    """
    rows = words.key_to_index
    seen: Counter[int] = Counter()
    number = raw = longest = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "text")
        with path.open("w") as file:
            for sentence in sentences:
                number += 1
                raw += len(sentence)
                ids = [rows[word] for word in sentence if word in rows]
                seen.update(ids)
                longest = max(longest, len(ids))
                if ids:
                    file.write(" ".join(map(str, ids)) + "\n")
        counts = np.zeros(len(words), np.int64)
        counts[list(seen)] = list(seen.values())
        yield Text(path, number, raw, counts, has_pairs=longest > 1 and len(seen) > 1)


def config_of(
    model: State, text: Text, *, epochs: int, lr: float, lr_end: float, seed: int
) -> Config:
    """The options of jw2v that are a model's."""
    shrunk = "linear" if model.sg else "dynamic"  # the mean of drawn widths is exact for pairs
    config = Config(
        dim=model.vector_size,
        window=model.window,
        negatives=model.negative,
        epochs=epochs,
        min_count=1,
        sample=share_of(model.sample, text.words),
        ns_exponent=float(model.ns_exponent),
        model="skipgram" if model.sg else "cbow",
        cbow_mean=bool(model.cbow_mean),
        window_weights=shrunk if model.shrink_windows else "fixed",
        loss_every=1 if text.words < SHORT else 16,
        workers=1 if model.workers == 1 else None,
        heldout_every=0,
        seed=seed % 2**32,
    )
    block = 1 << (text.words // STEPS).bit_length()
    rate = BAG_RATE if config.gives_shares else 1.0
    return replace(
        config,
        block=min(max(block, config.group_size), config.block_size),
        lr=rate * lr,
        lr_end=rate * max(lr_end, lr * 1e-6),
    )


def fit(model: State, text: Text, config: Config, *, check: bool) -> float:
    """Train the model's tables in place; gives the loss of all pairs, estimated from their mean."""
    names = tuple(map(str, range(len(model.wv))))
    if model.syn1neg is None:
        model.syn1neg = np.zeros((len(names), model.vector_size), np.float32)
    start = Vectors(names, model.wv.vectors.astype(np.float32), model.syn1neg)
    found = api.train(text.path, config, init=start, check=check)
    rows = [int(word) for word in found.words]
    model.wv.vectors[rows] = found.vectors
    model.syn1neg[rows] = found.outside
    model.wv.norms = None
    losses = [told["loss"] for told in found.run["history"] if told["loss"] is not None]
    pairs = pairs_per_centre(config.window, config.weights) if model.sg else 1
    return float(np.mean(losses)) * pairs * kept_words(text, config) if losses else 0.0


def kept_words(text: Text, config: Config) -> float:
    """Words of all epochs that subsampling leaves, expected."""
    counts = text.counts[text.counts > 0]
    return float(keep_probability(counts, config.sample) @ counts) * config.epochs
