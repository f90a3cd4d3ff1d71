"""What a run expects of its text: how often it meets each word, and each row of its tables."""

import math

import numpy as np
from jaxtyping import Float

from jw2v.blocks import noise
from jw2v.blocks.tables import Tables
from jw2v.corpus import Vocabulary
from jw2v.losses.record import Loss
from jw2v.optim.damping import Expected, PieceLaw
from jw2v.training.call import negatives_shape
from jw2v.training.config import Config
from jw2v.training.lookups import tree_of
from jw2v.training.pieces import subwords_of
from jw2v.training.shares import shares
from jw2v.training.step import pairs_of

CURVATURE = 0.005
"""|x|² σ(s) σ(−s) over the length of x, about. After an epoch of mix.txt in two processes analogies
are .132 so, .130 with five times that and .129 with none, where one process has .132."""


def uses(vocab: Vocabulary, config: Config) -> Float[np.ndarray, " vocab"]:
    """How often the rows of a number are met for each centre, those of V or of U."""
    text = shares(vocab, config)
    return np.maximum(text, tree_of(vocab).met(text)) if config.has_tree else text


def expected(vocab: Vocabulary, config: Config, loss: Loss | None = None) -> Expected:
    """What a block is expected to hold, for damping."""
    text = shares(vocab, config)
    return Expected(
        text,
        noise.law(vocab.counts, exponent=config.ns_exponent),
        centres=config.block_size,
        words=config.block_size + 2 * config.window,
        draws=math.prod(negatives_shape(config, loss)),
        in_batch=config.in_batch,
        pairs=pairs_of(config),
        negatives=config.negatives,
        inward=config.inward,
        bag=config.model == "cbow",
        met=tree_of(vocab).met(text) if config.has_tree else None,
        pieces=_pieces(vocab, config, text),
    )


def pulls(vocab: Vocabulary, config: Config) -> Tables:
    """The share of its way to where it is drawn that each row goes in a block, expected, `[rows]`.

    By the curvature of the loss it is lr M D |x|² σ(s) σ(−s) where x is along the way
    (`jw2v.optim.damping`), and over all directions a part of that, `CURVATURE`. A piece is a share
    of a word, in its gradient and in what its step does to the word: of it, the share² of that.
    """
    law, rates = expected(vocab, config), config.start_lrs
    damped = law.factors(*rates) if config.damping != "none" else Tables(1.0, 1.0)
    of_word = Tables(1.0 if law.pieces is None else law.pieces.share**2, 1.0)
    return Tables(
        *(
            CURVATURE * rate * np.asarray(factor) * part * np.minimum(1, places - 1) * touches
            for rate, factor, part, places, touches in zip(
                rates, damped, of_word, law.places(), law.touches(), strict=True
            )
        )
    )


def _pieces(
    vocab: Vocabulary, config: Config, text: Float[np.ndarray, " vocab"]
) -> PieceLaw | None:
    if config.ngrams is None:
        return None
    made = subwords_of(vocab, config.ngrams)
    met = made.met(text)
    return PieceLaw(met, made.met(text / made.sizes) / met)
