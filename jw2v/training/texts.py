"""The text of a run, call by call: an epoch after the other, subsampled, cut into blocks."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from jw2v.corpus import Corpus, Segment, keep_probability, segments
from jw2v.training import backend, call
from jw2v.training.config import Config
from jw2v.training.feed import Feed, feeds
from jw2v.training.pieces import Ladder

READERS = 8  # threads that subsample ahead, where there are cores for them
DEALT = 1 << 16  # tokens dealt out to a replica at once: more, and the others wait for it
ROUNDS = 16  # at least, so that replicas have as much of a short text


def empty(config: Config) -> Feed:
    """What a replica is fed whose text is at its end."""
    none = np.zeros(config.call_blocks * config.block_size + 2 * config.window, np.int32)
    return Feed(none, none - 1, 0, 0)


def feeds_of(corpus: Corpus, config: Config, which: tuple[int, int] = (0, 1)) -> Iterator[Feed]:
    """The calls of a run: a part of the text, by its number and how many there are, all epochs."""
    return _cut(_epochs(corpus, config, *which), config)


def _epochs(corpus: Corpus, config: Config, number: int, parts: int) -> Iterator[Segment]:
    """A part of the text, subsampled anew each epoch; all parts together are that of a run alone.

    Sentence numbers are told apart across epochs.
    """
    keep = keep_probability(corpus.vocab.counts, config.sample)
    drawn = partial(segments, corpus.train, keep, threads=min(backend.cores(), READERS))
    if parts > 1:
        size = len(corpus.train.ids) // (parts * ROUNDS)
        drawn = partial(drawn, part=(number, parts), size=min(max(size, 1), DEALT))
    first = 0
    for epoch in range(config.epochs):
        last = first
        for segment in drawn(seed=config.seed, epoch=epoch):
            yield Segment(segment.ids, segment.sentence + np.int32(first))
            last = first + int(segment.sentence.max(initial=-1)) + 1
        first = last % 2**30


def heldout_of(corpus: Corpus, config: Config) -> Iterator[Feed]:
    """The calls of the text that is held out."""
    keep = keep_probability(corpus.vocab.counts, config.sample)
    return _cut(segments(corpus.heldout, keep, seed=config.seed, epoch=0), config)


def _cut(text: Iterator[Segment], config: Config) -> Iterator[Feed]:
    return feeds(
        text,
        block=config.block_size,
        window=config.window,
        blocks_per_call=config.call_blocks,
    )


def full_call(config: Config) -> int | None:
    """Blocks of a call that is full, where such calls have a program of their own.

    On an accelerator they have: loops of a known length do not wait for the host. On a processor
    the second program would cost its compilation alone.
    """
    return None if jax.default_backend() == "cpu" else config.call_blocks


def text_of(feed: Feed, rungs: Ladder | None = None, *, full: int | None = None) -> call.Text:
    """What the programs of a setting are given of a feed; `full` as of `full_call`."""
    blocks: Any = None if feed.blocks == full else np.asarray(feed.blocks, np.int32)
    return call.Text(feed.ids, feed.sentence, blocks, rungs and rungs.room(feed))


def texts_of(
    feeds: Sequence[Feed],
    rungs: Ladder | None,
    *,
    full: int | None,
    largest: Callable[[int], int],
) -> list[call.Text]:
    """What is given of the feeds of replicas that train by one program, with as much room each.

    Args:
      feeds: of the replicas that are trained here.
      rungs: as `text_of` takes them.
      full: as `text_of` takes it, where all feeds are.
      largest: of a number, the largest that any process has whose replicas that program trains.
    """
    full = full if all(feed.blocks == full for feed in feeds) else None
    texts = [text_of(feed, rungs, full=full) for feed in feeds]
    rooms = [text.room for text in texts if text.room is not None]
    if not rooms:
        return texts
    most = largest(max(len(room.numbers) for room in rooms))
    return [
        text._replace(room=room.for_pieces(most)) for text, room in zip(texts, rooms, strict=True)
    ]
