"""The text of a run, subsampled where it is trained on.

An accelerator trains faster than a host subsamples for it and copies what is left. It is sent the
ids as they are, once where they are few, and draws what it keeps of them each epoch anew: by the
law of `jw2v.corpus.segments`, with draws of its own.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jw2v.corpus import Sentences
from jw2v.corpus.ahead import in_order
from jw2v.corpus.columns import Column, release
from jw2v.corpus.stream import Span, numbered, read
from jw2v.training.feed import Feed

CHUNK = 1 << 24
"""Tokens sent at once; while they are trained on, the next are on their way."""
ROOM = 1 << 16
"""Chunks are so many tokens or a multiple, so that those of a text have one shape or two."""
DRAWS = 2
"""Their branch of a run's keys, beside that of `jw2v.training.loop`."""


class Tokens(NamedTuple):
    """Whole sentences, end to end; sentence -1 where there is no text."""

    ids: Int[Array, " room"]
    sentence: Int[Array, " room"]


def feeds(
    sentences: Sentences,
    keep: Float[np.ndarray, " vocab"],
    spans: Callable[[], Iterator[Span]],
    *,
    seed: int,
    epochs: int,
    block: int,
    window: int,
    blocks_per_call: int,
    chunk: int = CHUNK,
) -> Iterator[Feed]:
    """The calls of a run, as `jw2v.training.feed.feeds` cuts them, of arrays on the device.

    A chunk ends with a call of its own, which may be short.

    Args:
      sentences: ids and offsets of the corpus.
      keep: probability in [0, 1] for each id, `[vocab]`.
      spans: of sentences, those that are trained on, in the order of the text, each epoch anew.
      seed: of the draws.
      epochs: how many.
      block: centre words a block.
      window: words of halo on either side.
      blocks_per_call: blocks a call.
      chunk: tokens sent at once, about.
    """
    size = block * blocks_per_call
    key, kept = jax.random.fold_in(jax.random.key(seed), DRAWS), jnp.asarray(keep, jnp.float32)

    sent = lru_cache(maxsize=1)(partial(_sent, sentences))

    def every() -> Iterator[tuple[int, int, tuple[Span, ...]]]:
        for epoch in range(epochs):
            groups = _grouped(sentences.offsets, spans(), chunk)
            yield from ((epoch, number, group) for number, group in enumerate(groups))

    def draw(which: tuple[int, int, tuple[Span, ...]]) -> tuple[Tokens, Array]:
        epoch, number, group = which
        own = jax.random.fold_in(jax.random.fold_in(key, epoch), number)
        return _drawn(own, sent(group), kept, before=window, behind=size + window)

    for text, kept_tokens in in_order(draw, every(), threads=1):
        tokens = int(kept_tokens)
        for start in range(0, tokens, size):
            words = min(size, tokens - start)
            call = _cut(text, start, size + 2 * window)
            yield Feed(call.ids, call.sentence, -(-words // block), words)


def _grouped(offsets: Column, spans: Iterator[Span], most: int) -> Iterator[tuple[Span, ...]]:
    """Spans together, of so many tokens at most, or one."""
    group: list[Span] = []
    held = 0
    for span in spans:
        tokens = int(offsets[span.stop] - offsets[span.first])
        if group and held + tokens > most:
            yield tuple(group)
            group, held = [], 0
        group.append(span)
        held += tokens
    if group:
        yield tuple(group)


def _sent(sentences: Sentences, spans: tuple[Span, ...]) -> Tokens:
    bounds, ids = zip(*(read(sentences, span) for span in spans), strict=True)
    numbers = [numbered(s.first, np.diff(b)) for s, b in zip(spans, bounds, strict=True)]
    none = np.zeros(-sum(map(len, ids)) % ROOM, np.int32)
    padded = np.concatenate([*ids, none]), np.concatenate([*numbers, none - 1])
    for pages in (*bounds, *ids):
        release(pages)
    return Tokens(*jax.device_put(padded))


@partial(jax.jit, static_argnames=("before", "behind"))
def _drawn(
    key: Array, chunk: Tokens, keep: Float[Array, " vocab"], *, before: int, behind: int
) -> tuple[Tokens, Int[Array, ""]]:
    """What is kept of a chunk, with no text before and behind it; and how many tokens."""
    room = len(chunk.ids)
    drawn = (chunk.sentence >= 0) & (jax.random.uniform(key, (room,)) < keep[chunk.ids])
    place = jnp.cumsum(drawn)
    none = jnp.zeros(before + room + behind, jnp.int32)
    at = jnp.where(drawn, before + place - 1, len(none))
    text = Tokens(
        none.at[at].set(chunk.ids, mode="drop"), (none - 1).at[at].set(chunk.sentence, mode="drop")
    )
    return text, place[-1]


@partial(jax.jit, static_argnames="length")
def _cut(text: Tokens, start: Int[Array, ""], length: int) -> Tokens:
    return Tokens(*(jax.lax.dynamic_slice(x, (start,), (length,)) for x in text))
