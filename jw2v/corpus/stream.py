"""The tokens of epochs: the corpus, each time subsampled anew, in segments of whole sentences."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
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
MIXED = 8  # segments from anywhere in the text whose sentences are shuffled together


class Segment(NamedTuple):
    """Tokens of whole sentences; a window never leaves its own."""

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


def _mixed_spans(
    offsets: Any, size: int, epoch: int = 0, *, seed: int, part: tuple[int, int] = (0, 1)
) -> Iterator[tuple[Span, ...]]:
    """Segments of a part in random order, in groups of `MIXED`; the order is one for all parts."""
    firsts = np.fromiter((span.first for span in _spans(offsets, size, epoch)), np.int64)
    stops = np.append(firsts[1:], len(offsets) - 1)
    order = np.random.default_rng([seed, epoch]).permutation(len(firsts))
    groups = (order[first : first + MIXED] for first in range(0, len(order), MIXED))
    for group in islice(groups, (part[0] + epoch) % part[1], None, part[1]):
        yield tuple(Span(epoch, int(firsts[i]), int(stops[i])) for i in group)


def read(sentences: Sentences, span: Span) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of a span's sentences and their ids, to be released by who has read them."""
    bounds = np.asarray(sentences.offsets[span.first : span.stop + 1])
    return bounds, np.asarray(sentences.ids[bounds[0] : bounds[-1]])


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
    mixed: bool = False,
) -> Iterator[Segment]:
    """The tokens of one epoch or several, each kept with the probability of its word.

    The draws are those of a Philox generator with the key (seed, epoch), one for each token of
    the sentences in their order: an epoch is a pure function of these arguments, and its tokens do
    not depend on `epochs`, `size`, `part`, `threads` or `mixed`. Sentences of which fewer than two
    tokens are kept are left out.

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
      mixed: the sentences in random order: segments from anywhere in the text, eight at a time,
        shuffled together. What stands side by side is then of no one kind of text.

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
    kept = partial(_kept, sentences, keep.astype(np.float32), seed=seed, begin=epoch)
    if mixed:
        of_epoch: Any = partial(_mixed_spans, sentences.offsets, size, seed=seed, part=part)

        def make(spans: Any) -> Segment:
            return _mixed(list(map(kept, spans)), seed=seed)
    else:
        of_epoch = partial(spans_of, sentences.offsets, size, part=part)

        def make(spans: Any) -> Segment:
            return _in_order(kept(spans))

    spans = chain.from_iterable(map(of_epoch, range(epoch, epoch + epochs)))
    made = in_order(make, spans, threads=threads if threads > 1 else 0)
    return (segment for segment in made if len(segment.ids))


def _draws(key: np.ndarray, first: int, count: int) -> np.ndarray:
    """The numbers `first` to `first + count` of the generator with a key."""
    before = first % DRAWS
    generator = np.random.Generator(np.random.Philox(key=key, counter=first // DRAWS))
    return generator.random(before + count, np.float32)[before:]


class _Kept(NamedTuple):
    """What the draw leaves of a span: its tokens, and how many are of which sentence."""

    ids: Int[np.ndarray, " tokens"]
    lengths: Int[np.ndarray, " sentences"]
    first: int  # number of the first sentence


def _kept(sentences: Sentences, keep: np.ndarray, span: Span, *, seed: int, begin: int) -> _Kept:
    bounds, ids = read(sentences, span)
    drawn = _draws(np.array([seed, span.epoch], np.uint64), int(bounds[0]), len(ids))
    kept = np.flatnonzero(drawn < keep.take(ids))
    places = np.searchsorted(kept, bounds - bounds[0])
    lengths = np.diff(places)
    if (lengths == 1).any():
        kept = np.delete(kept, places[:-1][lengths == 1])
        lengths[lengths == 1] = 0
    before = (span.epoch - begin) * (len(sentences.offsets) - 1)
    made = _Kept(ids.take(kept), lengths, before + span.first)
    for pages in (bounds, ids):
        release(pages)
    return made


def _in_order(made: _Kept) -> Segment:
    return Segment(made.ids, np.repeat(_numbers(made), made.lengths))


def _mixed(parts: Sequence[_Kept], *, seed: int) -> Segment:
    """The sentences of several spans in random order."""
    ids = np.concatenate([part.ids for part in parts])
    lengths = np.concatenate([part.lengths for part in parts]).astype(np.int32)
    numbers = np.concatenate(list(map(_numbers, parts)))
    order = np.random.default_rng([seed, parts[0].first]).permutation(len(lengths))
    shift = (np.cumsum(lengths, dtype=np.int32) - lengths)[order]  # where each begins, and is to
    lengths = lengths[order]
    shift -= np.cumsum(lengths, dtype=np.int32) - lengths
    at = np.repeat(shift, lengths) + np.arange(len(ids), dtype=np.int32)
    return Segment(ids.take(at), np.repeat(numbers[order], lengths))


def _numbers(made: _Kept) -> Int[np.ndarray, " sentences"]:
    """The number of each sentence; int32, at least 0.

    >>> _numbers(_Kept(np.arange(3), np.array([2, 0, 1]), 7)).tolist()
    [7, 8, 9]
    """
    numbers = np.arange(made.first, made.first + len(made.lengths)) & np.iinfo(np.int32).max
    return numbers.astype(np.int32)
