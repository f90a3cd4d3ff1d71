"""The text of a run, subsampled where it is trained on.

An accelerator trains faster than a host subsamples for it and copies what is left. It is sent the
ids as they are, once where they are few, and draws what it keeps of them each epoch anew: by the
law of `jw2v.corpus.segments`, with draws of its own.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import chain, pairwise
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


MOST = np.iinfo(np.int32).max


class Tokens(NamedTuple):
    """Whole sentences, end to end; sentence -1 where there is no text."""

    ids: Int[Array, " room"]
    sentence: Int[Array, " room"]


class Rest(NamedTuple):
    """What calls have left of the text before a chunk, less than one of them holds."""

    text: Tokens  # a halo, then the tokens
    tokens: Int[Array, ""] | np.int32


class Drawn(NamedTuple):
    """What there is to train when a chunk has been drawn."""

    text: Tokens  # a halo, then the tokens, then none
    tokens: Int[Array, ""]
    whole: Int[Array, ""]  # of them, the first, of calls that have all of their halo
    rest: Rest


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

    Compiles what it takes at once, before the first is asked for.

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
    count = np.int32(len(sentences.offsets) - 1 & MOST)
    draw = partial(_drawn, key, count=count, keep=kept, size=size, window=window)
    cut = partial(_cut, length=size + 2 * window)
    nothing = Rest(_none(size + 2 * window), np.int32(0))

    def groups() -> Iterator[tuple[Span, ...]]:
        return _grouped(sentences.offsets, spans(), chunk)

    for room in {_room(_tokens(sentences.offsets, group)) for group in groups()}:
        cut(draw(np.int32(0), np.int32(0), _none(room), nothing).text, np.int32(0))  # is compiled
    sent = lru_cache(maxsize=1)(partial(_sent, sentences))

    def send(which: tuple[int, int, tuple[Span, ...]]) -> tuple[np.int32, np.int32, Tokens]:
        epoch, number, group = which
        return np.int32(epoch), np.int32(number), sent(group)

    def drawn() -> Iterator[Drawn]:
        rest = nothing
        every = ((e, i, group) for e in range(epochs) for i, group in enumerate(groups()))
        for epoch, number, tokens in in_order(send, every, threads=1):
            now = draw(epoch, number, tokens, rest)
            yield now
            rest = now.rest

    def calls() -> Iterator[Feed]:
        # The next is drawn before this is trained, so that the host knows how much it is.
        for now, after in pairwise(chain(drawn(), [None])):
            assert now is not None
            tokens = int(now.tokens)
            for start in range(0, int(now.whole) if after else tokens, size):
                words = min(size, tokens - start)
                ids, sentence = cut(now.text, np.int32(start))
                yield Feed(ids, sentence, -(-words // block), words)

    return calls()


def _grouped(offsets: Column, spans: Iterator[Span], most: int) -> Iterator[tuple[Span, ...]]:
    """Spans together, of so many tokens at most, or one."""
    group: list[Span] = []
    held = 0
    for span in spans:
        tokens = _tokens(offsets, (span,))
        if group and held + tokens > most:
            yield tuple(group)
            group, held = [], 0
        group.append(span)
        held += tokens
    if group:
        yield tuple(group)


def _tokens(offsets: Column, spans: tuple[Span, ...]) -> int:
    return sum(int(offsets[span.stop] - offsets[span.first]) for span in spans)


def _room(tokens: int) -> int:
    return tokens + -tokens % ROOM


def _sent(sentences: Sentences, spans: tuple[Span, ...]) -> Tokens:
    bounds, ids = zip(*(read(sentences, span) for span in spans), strict=True)
    numbers = [numbered(s.first, np.diff(b)) for s, b in zip(spans, bounds, strict=True)]
    tokens = sum(map(len, ids))
    none = np.zeros(_room(tokens) - tokens, np.int32)
    padded = np.concatenate([*ids, none]), np.concatenate([*numbers, none - 1])
    for pages in (*bounds, *ids):
        release(pages)
    return Tokens(*jax.device_put(padded))


def _none(room: int) -> Tokens:
    return Tokens(jnp.zeros(room, jnp.int32), jnp.full(room, -1, jnp.int32))


@partial(jax.jit, static_argnames=("size", "window"))
def _drawn(
    key: Array,
    epoch: Int[Array, ""],
    number: Int[Array, ""],
    chunk: Tokens,
    rest: Rest,
    *,
    count: Int[Array, ""],
    keep: Float[Array, " vocab"],
    size: int,
    window: int,
) -> Drawn:
    """What is kept of a chunk, after the rest of the one before it.

    Args:
      key: of all draws.
      epoch: its number; sentences of different epochs have different numbers.
      number: of the chunk.
      chunk: the text.
      rest: of the text before.
      count: sentences of an epoch.
      keep: as of `feeds`.
      size: tokens of a call.
      window: words of halo on either side.
    """
    own = jax.random.fold_in(jax.random.fold_in(key, epoch), number)
    drawn = (chunk.sentence >= 0) & (jax.random.uniform(own, chunk.ids.shape) < keep[chunk.ids])
    place = jnp.cumsum(drawn)
    behind = len(chunk.ids) + size + window
    at = jnp.where(drawn, window + rest.tokens + place - 1, len(rest.text.ids) + behind)
    sentence = (chunk.sentence + epoch * count) & MOST
    ids = jnp.pad(rest.text.ids, (0, behind))
    numbers = jnp.pad(rest.text.sentence, (0, behind), constant_values=-1)
    text = Tokens(ids.at[at].set(chunk.ids, mode="drop"), numbers.at[at].set(sentence, mode="drop"))
    tokens = rest.tokens + place[-1]
    whole = jnp.maximum(tokens - window, 0) // size * size
    left = _cut(text, whole, length=size + 2 * window)
    return Drawn(text, tokens, whole, Rest(left, tokens - whole))


@partial(jax.jit, static_argnames="length")
def _cut(text: Tokens, start: Int[Array, ""], *, length: int) -> Tokens:
    return Tokens(*(jax.lax.dynamic_slice(x, (start,), (length,)) for x in text))
