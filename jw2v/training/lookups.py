"""What a call to the device looks up by word."""

from functools import lru_cache
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jw2v.blocks import noise
from jw2v.blocks.huffman import Tree, huffman
from jw2v.blocks.subwords import Spelling
from jw2v.blocks.windows import Paths
from jw2v.corpus import Vocabulary
from jw2v.training.config import Config
from jw2v.training.pieces import subwords_of
from jw2v.training.shares import shares


class Lookups(NamedTuple):
    """Tables by word; arguments of a call, since a program would hold each number as a constant."""

    noise: noise.Table
    tree: Paths | None = None
    spelling: Spelling | None = None
    ratio: Float[Array, " vocab"] | None = None  # ρ of in-batch negatives


@lru_cache(maxsize=1)  # several ask for that of one run, and of a million words it takes seconds
def tree_of(vocab: Vocabulary) -> Tree:
    """The Huffman tree of a vocabulary."""
    return huffman(vocab.counts)


def lookups_of(vocab: Vocabulary, config: Config) -> Lookups:
    """The tables that a run needs."""
    tree = None
    if config.has_tree:
        tree = Paths(*map(jnp.asarray, tree_of(vocab)))
    law = noise.table(vocab.counts, exponent=config.ns_exponent)
    return Lookups(law, tree, _spelling(vocab, config), _ratio(vocab, config))


def _ratio(vocab: Vocabulary, config: Config) -> Float[Array, " vocab"] | None:
    if not config.in_batch:
        return None
    of_noise = noise.law(vocab.counts, exponent=config.ns_exponent)
    return jnp.asarray(of_noise / shares(vocab, config), jnp.float32)


def _spelling(vocab: Vocabulary, config: Config) -> Spelling | None:
    if config.ngrams is None:
        return None
    made = subwords_of(vocab, config.ngrams)
    arrays = made.offsets[:-1], made.sizes, made.rows
    return Spelling(*(jnp.asarray(x, jnp.int32) for x in arrays))
