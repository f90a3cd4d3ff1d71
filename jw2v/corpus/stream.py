"""An epoch's tokens: the corpus, subsampled anew, in segments of whole sentences."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jw2v.corpus.store import Sentences
from jw2v.errors import UsageError


class Segment(NamedTuple):
    """Tokens in the order of the text; a window never leaves its sentence."""

    ids: Int[np.ndarray, " tokens"]  # int32
    sentence: Int[np.ndarray, " tokens"]  # int32, at least 0, differs between neighbours


def segments(
    sentences: Sentences,
    keep: Float[np.ndarray, " vocab"],
    *,
    seed: int,
    epoch: int,
    size: int = 1 << 20,
) -> Iterator[Segment]:
    """The tokens of one epoch, each kept with the probability of its word.

    The draws are those of a Philox generator with the key (seed, epoch), one for each token of
    the sentences in their order: an epoch is a pure function of these arguments, and its tokens do
    not depend on `size`. Sentences of which fewer than two tokens are kept are left out.

    Args:
      sentences: ids and offsets of the corpus.
      keep: probability in [0, 1] for each id, as of `keep_probability`, `[vocab]`.
      seed: 0 to 2⁶⁴ - 1.
      epoch: number of the epoch, from 0.
      size: tokens of the corpus in a segment at most, before the draw; at least 1. A longer
        sentence is a segment of its own.

    Yields:
      Segments with at least two tokens.

    Raises:
      UsageError: `seed`, `epoch` or `size` is out of range.

    Example:
      >>> sentences = Sentences(np.array([0, 1, 0, 2, 1], np.int32), np.array([0, 2, 5]))
      >>> for segment in segments(sentences, np.ones(3), seed=1, epoch=0):
      ...     print(segment.ids, segment.sentence)
      [0 1 0 2 1] [0 0 1 1 1]
    """
    if not (0 <= seed < 1 << 64 and 0 <= epoch < 1 << 64):
        raise UsageError(f"seed {seed}, epoch {epoch}: give 0 or more, below 2**64 (--seed)")
    if size < 1:
        raise UsageError(f"a segment of {size} tokens is too small; give at least 1")
    return _segments(sentences, keep.astype(np.float32), _generator(seed, epoch), size)


def part(sentences: Sentences, index: int, parts: int) -> Sentences:
    """One of `parts` stretches of consecutive sentences, of about as many tokens each.

    Example:
      >>> sentences = Sentences(np.array([0, 1, 0, 2, 1, 3], np.int32), np.array([0, 2, 4, 6]))
      >>> [part(sentences, i, 2).offsets.tolist() for i in range(2)]
      [[0, 2, 4], [4, 6]]
    """
    offsets = sentences.offsets
    bounds = np.searchsorted(offsets, np.arange(parts + 1) * int(offsets[-1]) / parts)
    return Sentences(sentences.ids, offsets[bounds[index] : bounds[index + 1] + 1])


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.array([seed, epoch], np.uint64)))


def _segments(
    sentences: Sentences, keep: np.ndarray, rng: np.random.Generator, size: int
) -> Iterator[Segment]:
    offsets = sentences.offsets
    first, last = 0, len(offsets) - 1
    while first < last:
        fits = int(np.searchsorted(offsets, offsets[first] + size, side="right")) - 1
        stop = max(fits, first + 1)
        segment = _subsample(sentences, first, stop, keep, rng)
        if len(segment.ids):
            yield segment
        first = stop


def _subsample(
    sentences: Sentences, first: int, stop: int, keep: np.ndarray, rng: np.random.Generator
) -> Segment:
    bounds = sentences.offsets[first : stop + 1]
    ids = np.asarray(sentences.ids[bounds[0] : bounds[-1]])
    kept = np.flatnonzero(rng.random(len(ids), np.float32) < keep[ids])
    places = np.searchsorted(kept, bounds - bounds[0])
    lengths = np.diff(places)
    if (lengths == 1).any():
        kept = np.delete(kept, places[:-1][lengths == 1])
        lengths[lengths == 1] = 0
    numbers = np.arange(first, stop) & np.iinfo(np.int32).max
    return Segment(ids[kept], np.repeat(numbers.astype(np.int32), lengths))
