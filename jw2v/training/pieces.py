"""The pieces of words in a run: how many a block has, which decides the programs that train.

A program is compiled for arrays of fixed lengths, while the words of a block have a thousand pieces
or ten thousand. Room is taken by a ladder: its first rung does for what is typical, each other has
twice the room of the one before, the last does for any block. A call takes the lowest rung that
holds its fullest block, so that no piece is ever left out.
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

SPREAD = 6  # standard deviations that are still typical


@lru_cache(maxsize=1)  # several ask for those of one run
def subwords_of(vocab: Vocabulary, ngrams: Ngrams) -> Subwords:
    """The pieces of a vocabulary."""
    return subwords(vocab.words, vocab.counts, ngrams)


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

    def room(self, feed: Feed) -> Int[np.ndarray, " room"]:
        """0, 1, 2 … on the lowest rung that holds each block of a call."""
        pieces = np.append(0, self.sizes[feed.ids].cumsum())
        starts = np.arange(0, len(feed.ids) - 2 * self.window, self.block)
        most = (pieces[starts + self.block + 2 * self.window] - pieces[starts]).max()
        return np.arange(next(rung for rung in self.rungs if rung >= most), dtype=np.int32)


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

    >>> ladder(np.array([1, 90]), np.array([0.9, 0.1]), block=8, window=1).rungs
    (606, 900)
    """
    words, mean = block + 2 * window, float(text @ sizes)
    spread = math.sqrt(words * float(text @ (sizes - mean) ** 2))
    rungs, most = [math.ceil(words * mean + SPREAD * spread)], words * int(sizes.max())
    while rungs[-1] < most:
        rungs.append(2 * rungs[-1])
    return Ladder(sizes, block, window, (*rungs[:-1], min(rungs[-1], most)))


class Programs:
    """A function of a state, a call's text and more, compiled for each room when that is met."""

    def __init__(self, lower: Callable[..., Any]) -> None:
        """Take what makes a program of arguments, such as `jax.jit(f).lower`."""
        self._lower = lower
        self._compiled: dict[int, Any] = {}

    def __call__(self, state: Any, text: Any, *others: Any) -> Any:
        """The function's value."""
        return self.program(state, text, *others)(state, text, *others)

    def program(self, state: Any, text: Any, *others: Any) -> Any:
        """The program for such arguments."""
        room = 0 if text.room is None else len(text.room)
        if room not in self._compiled:
            self._compiled[room] = self._lower(state, text, *others).compile()
        return self._compiled[room]
