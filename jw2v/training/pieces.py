"""The pieces of words in a run: how many a block has, which decides the programs that train.

A program is compiled for arrays of fixed lengths, while the words of a block have a thousand pieces
or ten thousand, each word counted once. Room is taken by a ladder: its first rung does for what is
typical, each other has twice the room, the last does for any block. A call takes the lowest
rung that holds its fullest block, so that no piece is ever left out.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jw2v.corpus import Vocabulary
from jw2v.corpus.subwords import Ngrams, Subwords, subwords
from jw2v.training.feed import Feed

SPREAD = 2  # standard deviations above the mean of independent words; those of texts repeat more
STEP = 2  # from a rung to the next: few, since each that is met costs a compilation


@lru_cache(maxsize=1)  # several ask for those of one run
def subwords_of(vocab: Vocabulary, ngrams: Ngrams) -> Subwords:
    """The pieces of a vocabulary."""
    return subwords(vocab.words, vocab.counts, ngrams)


class Room(NamedTuple):
    """What a call's blocks are told of their pieces."""

    first: Int[np.ndarray, "blocks halo"]  # where the word of each place stands first
    numbers: Int[np.ndarray, " room"]  # 0, 1, 2 … for each piece of the fullest block, and more

    def for_pieces(self, number: int) -> "Room":
        """The same for so many."""
        return self._replace(numbers=np.arange(number, dtype=np.int32))


class Ladder(NamedTuple):
    """Room for the pieces of a call's blocks.

    Attributes:
      sizes: pieces of each word.
      block: centre words a block.
      window: words of its halo on either side.
      rungs: numbers of pieces, rising.
    """

    sizes: Int[np.ndarray, " vocab"]
    block: int
    window: int
    rungs: tuple[int, ...]

    def room(self, feed: Feed) -> Room:
        """Room on the lowest rung that holds each block of a call."""
        halo = np.arange(self.block + 2 * self.window)
        starts = np.arange(0, len(feed.ids) - 2 * self.window, self.block)
        blocks = np.asarray(feed.ids)[starts[:, None] + halo]
        first = first_places(blocks)
        most = (self.sizes[blocks] * (first == halo)).sum(axis=1).max()
        rung = next(rung for rung in self.rungs if rung >= most)
        return Room(first, np.arange(rung, dtype=np.int32))


def first_places(blocks: Int[np.ndarray, "blocks halo"]) -> Int[np.ndarray, "blocks halo"]:
    """Where the word of each place stands first in its block.

    >>> first_places(np.array([[7, 3, 7, 3, 5]])).tolist()
    [[0, 1, 0, 1, 4]]
    """
    place = np.empty(blocks.max(initial=0) + 1, np.int32)  # of each word; others' is never read
    back = np.arange(blocks.shape[1], dtype=np.int32)[::-1]
    first = np.empty(blocks.shape, np.int32)
    for words, found in zip(blocks, first, strict=True):
        place[words[::-1]] = back  # of several that are assigned to one word the last stays
        found[:] = place[words]
    return first


def ladder(
    sizes: Int[np.ndarray, " vocab"],
    text: Float[np.ndarray, " vocab"],
    *,
    block: int,
    window: int,
) -> Ladder:
    """The ladder of a text.

    Args:
      sizes: pieces of each word.
      text: the share of each word in the text.
      block: centre words a block.
      window: words of its halo on either side.

    >>> ladder(np.array([1, 20, 10]), np.array([0.99, 5e-3, 5e-3]), block=8, window=1).rungs
    (13, 26, 31)
    """
    words = block + 2 * window
    here = 1 - (1 - text) ** words  # the chance that a block has the word
    spread = math.sqrt(float(here * (1 - here) @ sizes**2))
    rungs = [math.ceil(float(here @ sizes) + SPREAD * spread)]
    most = int(np.sort(sizes)[-words:].sum())
    while rungs[-1] < most:
        rungs.append(math.ceil(STEP * rungs[-1]))
    return Ladder(sizes, block, window, (*rungs[:-1], min(rungs[-1], most)))


class Programs:
    """A function of a state, a call's text and more, compiled for each room when that is met."""

    def __init__(self, lower: Callable[..., Any]) -> None:
        """Take what makes a program of arguments, such as `jax.jit(f).lower`."""
        self._lower = lower
        self._compiled: dict[Any, Any] = {}

    def __call__(self, state: Any, text: Any, *others: Any) -> Any:
        """The function's value."""
        return self.program(state, text, *others)(state, text, *others)

    def program(self, state: Any, text: Any, *others: Any) -> Any:
        """The program for such arguments."""
        room = 0 if text.room is None else text.room.numbers.shape[-1]  # of replicas stacked, too
        which = room, text.blocks is None
        if which not in self._compiled:
            self._compiled[which] = self._lower(state, text, *others).compile()
        return self._compiled[which]
