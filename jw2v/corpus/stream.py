"""The tokens of epochs: the corpus, each time subsampled anew, in segments of whole sentences."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jw2v.corpus.ahead import in_order
from jw2v.corpus.columns import release
from jw2v.corpus.sentences import Sentences
from jw2v.errors import UsageError

DRAWS = 8  # float32 of a step of Philox's counter


class Segment(NamedTuple):
    """Tokens in the order of the text; a window never leaves its sentence."""

    ids: Int[np.ndarray, " tokens"]  # int32
    sentence: Int[np.ndarray, " tokens"]  # int32, at least 0, differs between neighbours


class Span(NamedTuple):
    """The sentences of a segment: the first, and the one after its last."""

    epoch: int
    first: int
    stop: int


def spans_of(
    offsets: Any, size: int, epoch: int = 0, *, part: tuple[int, int] = (0, 1)
) -> Iterator[Span]:
    """The sentences of each segment of a part; `size` and `part` as of `segments`."""
    return islice(_spans(offsets, size, epoch), part[0], None, part[1])


def _spans(offsets: Any, size: int, epoch: int) -> Iterator[Span]:
    first, last = 0, len(offsets) - 1
    while first < last:
        stop = max(bisect_right(offsets, offsets[first] + size) - 1, first + 1)
        yield Span(epoch, first, stop)
        first = stop


def read(sentences: Sentences, span: Span) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of a span's sentences and their ids, to be released by who has read them."""
    bounds = np.asarray(sentences.offsets[span.first : span.stop + 1])
    return bounds, np.asarray(sentences.ids[bounds[0] : bounds[-1]])


def _numbered(first: int, lengths: Int[np.ndarray, " sentences"]) -> Int[np.ndarray, " tokens"]:
    """The number of each token's sentence, the first of which has this one; int32, at least 0.

    >>> _numbered(7, np.array([2, 0, 1])).tolist()
    [7, 7, 9]
    """
    numbers = np.arange(first, first + len(lengths)) & np.iinfo(np.int32).max
    return np.repeat(numbers.astype(np.int32), lengths)


def segments(
    sentences: Sentences,
    keep: Float[np.ndarray, " vocab"],
    *,
    seed: int,
    epoch: int,
    epochs: int = 1,
    size: int = 1 << 18,
    part: tuple[int, int] = (0, 1),
    threads: int = 1,
) -> Iterator[Segment]:
    """The tokens of one epoch or several, each kept with the probability of its word.

    The draws are those of a Philox generator with the key (seed, epoch), one for each token of
    the sentences in their order: an epoch is a pure function of these arguments, and its tokens do
    not depend on `epochs`, `size`, `part` or `threads`. Sentences of which fewer than two tokens
    are kept are left out.

    Args:
      sentences: ids and offsets of the corpus.
      keep: probability in [0, 1] for each id, as of `keep_probability`, `[vocab]`.
      seed: 0 to 2⁶⁴ - 1.
      epoch: number of the epoch, from 0.
      epochs: how many, from that one on; sentences of different epochs have different numbers.
      size: tokens of the corpus in a segment at most, before the draw; at least 1. A longer
        sentence is a segment of its own.
      part: which of how many parts; segments are dealt out to them in turn, so that parts that are
        read side by side are at the same place of the text, of whatever kinds it is made.
      threads: that prepare segments ahead of the one asked for; with one, none is.

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
    make = partial(_subsample, sentences, keep.astype(np.float32), seed=seed, begin=epoch)
    of_epoch = partial(spans_of, sentences.offsets, size, part=part)
    spans = chain.from_iterable(map(of_epoch, range(epoch, epoch + epochs)))
    made = in_order(make, spans, threads=threads if threads > 1 else 0)
    return (segment for segment in made if len(segment.ids))


def _draws(key: np.ndarray, first: int, count: int) -> np.ndarray:
    """The numbers `first` to `first + count` of the generator with a key."""
    before = first % DRAWS
    generator = np.random.Generator(np.random.Philox(key=key, counter=first // DRAWS))
    return generator.random(before + count, np.float32)[before:]


def _subsample(
    sentences: Sentences, keep: np.ndarray, span: Span, *, seed: int, begin: int
) -> Segment:
    bounds, ids = read(sentences, span)
    drawn = _draws(np.array([seed, span.epoch], np.uint64), int(bounds[0]), len(ids))
    kept = np.flatnonzero(drawn < keep.take(ids))
    places = np.searchsorted(kept, bounds - bounds[0])
    lengths = np.diff(places)
    if (lengths == 1).any():
        kept = np.delete(kept, places[:-1][lengths == 1])
        lengths[lengths == 1] = 0
    before = (span.epoch - begin) * (len(sentences.offsets) - 1)
    segment = Segment(ids.take(kept), _numbered(before + span.first, lengths))
    for pages in (bounds, ids):
        release(pages)
    return segment
