"""From the token stream to the arrays of one call: several blocks with their halo."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Int

from jw2v.corpus import Segment


class Feed(NamedTuple):
    """The text of one call: `blocks` blocks of centre words, with a halo at either end."""

    ids: Int[np.ndarray, " text"] | Int[Array, " text"]  # blocks_per_call · block + 2 window
    sentence: Int[np.ndarray, " text"] | Int[Array, " text"]  # -1 where there is no word
    blocks: int  # how many of them hold words
    words: int


def feeds(
    segments: Iterable[Segment], *, block: int, window: int, blocks_per_call: int
) -> Iterator[Feed]:
    """Cut a token stream into calls, each centre word in exactly one block.

    Args:
      segments: the stream; sentence numbers differ between neighbours.
      block: centre words a block.
      window: words of halo on either side.
      blocks_per_call: blocks a call.

    Yields:
      Feeds of one shape; the last is padded with sentence -1.

    >>> text = Segment(np.arange(5, dtype=np.int32), np.zeros(5, np.int32))
    >>> [feed.ids.tolist() for feed in feeds([text], block=2, window=1, blocks_per_call=2)]
    [[0, 0, 1, 2, 3, 4], [3, 4, 0, 0, 0, 0]]
    """
    size = block * blocks_per_call
    parts = [Segment(np.zeros(window, np.int32), np.full(window, -1, np.int32))]
    held = window
    for segment in segments:
        parts.append(segment)
        held += len(segment.ids)
        full = (held - 2 * window) // size
        if full < 1:
            continue
        ids, sentence = map(np.concatenate, zip(*parts, strict=True))
        for start in range(0, full * size, size):
            end = start + size + 2 * window
            yield Feed(ids[start:end], sentence[start:end], blocks_per_call, size)
        parts = [Segment(ids[full * size :], sentence[full * size :])]
        held -= full * size
    ids, sentence = map(np.concatenate, zip(*parts, strict=True))
    for start in range(0, len(ids) - window, size):
        end = start + size + 2 * window
        words = min(size, len(ids) - window - start)
        missing = max(0, end - len(ids))
        yield Feed(
            np.pad(ids[start:end], (0, missing)),
            np.pad(sentence[start:end], (0, missing), constant_values=-1),
            -(-words // block),
            words,
        )
