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
from jw2v.corpus.stream import Span, read
from jw2v.training.feed import Feed

CHUNK = 1 << 24
"""Tokens sent at once; while they are trained on, the next are on their way."""
ROOM = 1 << 16
"""Chunks are so many tokens or a multiple, so that those of a text have one shape or two."""
DRAWS = 2
"""Their branch of a run's keys, beside that of `jw2v.training.loop`."""
SENDERS = 4  # threads that read and send a text of several chunks
MOST = np.iinfo(np.int32).max


class Chunk(NamedTuple):
    """Whole sentences, end to end, as they are sent."""

    ids: Int[Array, " room"]  # ~id where a sentence begins
    tokens: np.int32  # those after them are none


class Tokens(NamedTuple):
    """Text to train; sentence -1 where there is none."""

    ids: Int[Array, " room"]
    sentence: Int[Array, " room"]


class Rest(NamedTuple):
    """What calls have left of the text before a chunk, less than one of them holds."""

    text: Tokens  # a halo, then the tokens
    tokens: Int[Array, ""] | np.int32
    sentences: Int[Array, ""] | np.int32  # that have been numbered


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
    most: int = CHUNK,
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
      most: tokens sent at once, but for a span that has more.
    """
    size = block * blocks_per_call
    key, kept = jax.random.fold_in(jax.random.key(seed), DRAWS), jnp.asarray(keep, jnp.float32)
    draw = partial(_drawn, key, keep=kept, size=size, window=window)
    cut = partial(_cut, length=size + 2 * window)
    none, zero = np.zeros(size + 2 * window, np.int32), np.int32(0)
    nothing = Rest(Tokens(*jax.device_put((none, none - 1))), zero, zero)

    def groups() -> Iterator[tuple[Span, ...]]:
        return _grouped(sentences.offsets, spans(), most)

    rooms = [_room(_tokens(sentences.offsets, group)) for group in groups()]
    for room in set(rooms):
        chunk = Chunk(jnp.zeros(room, jnp.int32), zero)
        cut(draw(zero, zero, chunk, nothing).text, zero)  # compiles them
    threads = SENDERS if len(rooms) > 1 else 0
    sent = lru_cache(maxsize=1)(partial(_sent, sentences))  # one chunk stays where it is

    def send(which: tuple[int, int, tuple[Span, ...]]) -> tuple[np.int32, np.int32, Chunk]:
        epoch, number, group = which
        return np.int32(epoch), np.int32(number), sent(group)

    def drawn() -> Iterator[Drawn]:
        rest = nothing
        every = ((e, i, group) for e in range(epochs) for i, group in enumerate(groups()))
        for epoch, number, chunk in in_order(send, every, threads=threads):
            now = draw(epoch, number, chunk, rest)
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


def _sent(sentences: Sentences, spans: tuple[Span, ...]) -> Chunk:
    tokens = _tokens(sentences.offsets, spans)
    sent = np.zeros(_room(tokens), np.int32)
    at = 0
    for span in spans:
        bounds, ids = read(sentences, span)
        part = sent[at : at + len(ids)]
        part[:] = ids
        starts = (bounds[:-1] - bounds[0])[np.diff(bounds) > 0]
        part[starts] = ~part[starts]
        at += len(ids)
        for pages in (bounds, ids):
            release(pages)
    return Chunk(jax.device_put(sent), np.int32(tokens))


@partial(jax.jit, static_argnames=("size", "window"))
def _drawn(
    key: Array,
    epoch: Int[Array, ""],
    number: Int[Array, ""],
    chunk: Chunk,
    rest: Rest,
    *,
    keep: Float[Array, " vocab"],
    size: int,
    window: int,
) -> Drawn:
    """What is kept of a chunk, after the rest of the one before it.

    Args:
      key: of all draws.
      epoch: its number.
      number: of the chunk.
      chunk: the text.
      rest: of the text before.
      keep: as of `feeds`.
      size: tokens of a call.
      window: words of halo on either side.
    """
    own, room = jax.random.fold_in(jax.random.fold_in(key, epoch), number), len(chunk.ids)
    starts = chunk.ids < 0
    ids = jnp.where(starts, ~chunk.ids, chunk.ids)
    begun = rest.sentences + jnp.cumsum(starts)
    drawn = (jnp.arange(room) < chunk.tokens) & (jax.random.uniform(own, (room,)) < keep[ids])
    place = jnp.cumsum(drawn)
    behind = room + size + window
    at = jnp.where(drawn, window + rest.tokens + place - 1, len(rest.text.ids) + behind)

    def joined(before: Array, after: Array, none: int) -> Array:
        return jnp.pad(before, (0, behind), constant_values=none).at[at].set(after, mode="drop")

    sentence = (begun - 1) & MOST
    text = Tokens(joined(rest.text.ids, ids, 0), joined(rest.text.sentence, sentence, -1))
    tokens = rest.tokens + place[-1]
    whole = jnp.maximum(tokens - window, 0) // size * size
    left = _cut(text, whole, length=size + 2 * window)
    return Drawn(text, tokens, whole, Rest(left, tokens - whole, begun[-1]))


@partial(jax.jit, static_argnames="length")
def _cut(text: Tokens, start: Int[Array, ""], *, length: int) -> Tokens:
    return Tokens(*(jax.lax.dynamic_slice(x, (start,), (length,)) for x in text))
