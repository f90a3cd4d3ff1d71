"""A model of gensim's trained by `jw2v.api.train`: its options, and its tables as a start."""

from dataclasses import replace

import numpy as np

from jw2v import api
from jw2v.blocks.windows import pairs_per_centre
from jw2v.compat.gensim.encoded import Text
from jw2v.compat.gensim.state import State
from jw2v.compat.gensim.tree import places
from jw2v.compat.gensim.vocabulary import share_of
from jw2v.corpus import keep_probability
from jw2v.training.config import BAG_RATE, Config, fields_of
from jw2v.vectors import Vectors

STEPS = 1000  # that an epoch of a short text is made of, about
SHORT = 1_000_000  # words of a text of which every loss is measured


def config_of(
    model: State, text: Text, *, epochs: int, lr: float, lr_end: float, seed: int
) -> Config:
    """The options of jw2v that are a model's."""
    words, counted = text.corpus.stats.kept, int(text.corpus.vocab.counts.sum())
    shrunk = "linear" if model.sg else "dynamic"  # the mean of drawn widths is exact for pairs
    config = Config(
        dim=model.vector_size,
        window=model.window,
        negatives=model.negative or 1,
        epochs=epochs,
        sample=share_of(model.sample, counted),
        ns_exponent=float(model.ns_exponent),
        model="skipgram" if model.sg else "cbow",
        loss="hierarchical_softmax" if model.hs else "negative_sampling",
        cbow_mean=bool(model.cbow_mean),
        window_weights=shrunk if model.shrink_windows else "fixed",
        loss_every=1 if words < SHORT else 16,
        workers=1 if model.workers == 1 else None,
        seed=seed % 2**32,
    )
    block = 1 << (words // STEPS).bit_length()
    # More than the words that share the error would move a small bag further than gensim does.
    most = min(BAG_RATE, pairs_per_centre(config.window, config.weights))
    rate = most if config.gives_shares else 1.0
    return replace(
        config,
        block=min(max(block, config.tile_size), config.block_size),
        lr=rate * lr,
        lr_end=rate * max(lr_end, lr * 1e-6),
    )


def fit(model: State, text: Text, config: Config, *, check: bool) -> float:
    """Train the model's tables in place; gives the loss of all pairs, estimated from their mean."""
    vocab, table = text.corpus.vocab, outside_of(model)
    rows = places(len(vocab)) if model.hs else text.rows
    V = model.wv.vectors[text.rows].astype(np.float32)
    start = Vectors(vocab.words, V, table[rows], vocab.counts, {"config": fields_of(config)})
    found = api.train(text.corpus, config, init=start, check=check)
    model.wv.vectors[text.rows], table[rows] = found.vectors, found.outside
    model.wv.norms = None
    losses = [told["loss"] for told in found.run["history"] if told["loss"] is not None]
    pairs = pairs_per_centre(config.window, config.weights) if model.sg else 1
    return float(np.mean(losses)) * pairs * kept_words(text, config) if losses else 0.0


def outside_of(model: State) -> np.ndarray:
    """The outside table that the model's loss trains; zeros where it has been given words alone."""
    name = "syn1" if model.hs else "syn1neg"
    if getattr(model, name) is None:
        setattr(model, name, np.zeros((len(model.wv), model.vector_size), np.float32))
    return getattr(model, name)


def kept_words(text: Text, config: Config) -> float:
    """Words of all epochs that subsampling leaves, expected."""
    keep = keep_probability(text.corpus.vocab.counts, config.sample)
    return float(keep @ text.counts) * config.epochs
