"""What subsampling leaves of each word: how many, and which share of the text that trains."""

import numpy as np
from jaxtyping import Float

from jw2v.corpus import Vocabulary, keep_probability
from jw2v.training.config import Config


def kept(vocab: Vocabulary, config: Config) -> Float[np.ndarray, " vocab"]:
    """How many of each word subsampling leaves an epoch."""
    return vocab.counts * keep_probability(vocab.counts, config.sample)


def shares(vocab: Vocabulary, config: Config) -> Float[np.ndarray, " vocab"]:
    """The share of each word in the text as it is trained on."""
    left = kept(vocab, config)
    return left / left.sum()
