"""The text of a run, call by call: an epoch after the other, subsampled, cut into blocks."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from jw2v.corpus import Corpus, keep_probability, segments
from jw2v.corpus.stream import spans_of
from jw2v.training import backend, call
from jw2v.training.config import Config
from jw2v.training.feed import Feed, feeds
from jw2v.training.pieces import Ladder
from jw2v.training.resident import feeds as resident_feeds

READERS = 8  # threads that subsample ahead, where there are cores for them
DEALT = 1 << 16  # tokens dealt out to a replica at once: more, and the others wait for it
ROUNDS = 16  # at least, so that replicas have as much of a short text


def empty(config: Config) -> Feed:
    """What a replica is fed whose text is at its end."""
    none = np.zeros(config.call_blocks * config.block_size + 2 * config.window, np.int32)
    return Feed(none, none - 1, 0, 0)


def feeds_of(
    corpus: Corpus, config: Config, which: tuple[int, int] = (0, 1), *, resident: bool = False
) -> Iterator[Feed]:
    """The calls of a run, all epochs of a part of the text; all parts are that of a run alone.

    Args:
      corpus: encoded text.
      config: options.
      which: the number of the part, and how many there are.
      resident: whether it is subsampled on the device.
    """
    keep = keep_probability(corpus.vocab.counts, config.sample)
    how: dict[str, Any] = {"seed": config.seed, "epochs": config.epochs}
    if resident:
        spans = partial(spans_of, corpus.train.offsets, _dealt(corpus, which[1]), part=which)
        return resident_feeds(corpus.train, keep, spans, **how, **_form(config))
    how |= {"threads": min(backend.cores(), READERS)}
    if config.in_batch:
        how |= {"size": max(1, _dealt(corpus, which[1]) // 2), "mixed": True}
    elif which[1] > 1:
        how |= {"size": _dealt(corpus, which[1])}
    drawn = segments(corpus.train, keep, epoch=0, part=which, **how)
    return feeds(drawn, **_form(config))


def is_resident(config: Config) -> bool:
    """Whether the text is subsampled on the device.

    On an accelerator it is, but where words are made of pieces, which the host looks up.
    """
    return jax.default_backend() != "cpu" and config.ngrams is None and not config.in_batch


def _dealt(corpus: Corpus, parts: int) -> int:
    return min(max(len(corpus.train.ids) // (parts * ROUNDS), 1), DEALT)


def heldout_of(corpus: Corpus, config: Config) -> Iterator[Feed]:
    """The calls of the text that is held out."""
    keep = keep_probability(corpus.vocab.counts, config.sample)
    return feeds(segments(corpus.heldout, keep, seed=config.seed, epoch=0), **_form(config))


def _form(config: Config) -> dict[str, int]:
    size, calls = config.block_size, config.call_blocks
    return {"block": size, "window": config.window, "blocks_per_call": calls}


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
