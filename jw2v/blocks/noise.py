"""The noise law of negative sampling: P(w) ∝ count(w)^exponent, drawn by inverse transform.

The cumulative law is kept as 32-bit integers, so a draw is one random word and one binary search,
and every probability is right to 2⁻³², whatever the size of the vocabulary. The search begins among
the few words that the word's first 16 bits leave.

A negative that hits the target is kept. Then E[Σ_k log σ(−u_k·v_c)] = K Σ_w P(w) log σ(−u_w·v_c)
for every pair, which is the objective whose optimum is PMI − log K (Levy and Goldberg 2014).
word2vec.c and gensim drop such a draw, fastText draws again: there the objective of a pair
depends on its target by a factor 1 − P(target).

Source: Mikolov et al. 2013, arXiv 1310.4546, section 2.2 (exponent 3/4).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32, UInt32

FIRST = 16  # bits of a random word, which say where to search


class Table(NamedTuple):
    """What `draw` searches; made by `table`."""

    cumulative: UInt32[Array, " vocab"]
    first: Int32[Array, " starts"]
    """How many entries are at most 2¹⁶ i, for i = 0 … 2¹⁶: between two stands what i begins."""


def law(counts: Int[np.ndarray, " vocab"], *, exponent: float) -> Float[np.ndarray, " vocab"]:
    """P(w) ∝ count(w)^exponent.

    >>> law(np.array([3, 1]), exponent=1.0).tolist()
    [0.75, 0.25]
    """
    weight = counts.astype(np.float64) ** exponent
    return weight / weight.sum()


def cumulative(
    counts: Int[np.ndarray, " vocab"], *, exponent: float
) -> UInt32[np.ndarray, " vocab"]:
    """2³² P(id ≤ w), rounded.

    Args:
      counts: occurrences of each word, `[vocab]`, positive.
      exponent: 1 is the unigram law, 0 the uniform law, 0.75 the field's default.

    >>> print(cumulative(np.array([3, 1]), exponent=1.0) / 2**32)
    [0.75 1.  ]
    """
    below = np.cumsum(law(counts, exponent=exponent))
    return np.minimum(np.round(below / below[-1] * 2.0**32), 2.0**32 - 1).astype(np.uint32)


def table(counts: Int[np.ndarray, " vocab"], *, exponent: float) -> Table:
    """The law as it is searched; see `cumulative`.

    >>> print(table(np.array([3, 1]), exponent=1.0).first[np.array([0, 49151, 49152, 65536])])
    [0 0 1 2]
    """
    law = cumulative(counts, exponent=exponent)
    starts = np.arange(1 << FIRST, dtype=np.uint32) << (32 - FIRST)
    first = np.append(np.searchsorted(law, starts, side="right"), len(law))
    return Table(jnp.asarray(law), jnp.asarray(first, jnp.int32))


def draw(key: Array, table: Table, shape: tuple[int, ...]) -> Int[Array, "..."]:
    """Independent draws from the law, ids of shape `shape`, int32.

    >>> law = table(np.array([1, 0, 1]), exponent=1.0)
    >>> 1 in draw(jax.random.key(0), law, (100,))
    False
    """
    law, first = table
    uniform = jax.random.bits(key, shape, jnp.uint32)
    start = (uniform >> (32 - FIRST)).astype(jnp.int32)
    low, high = first[start], first[start + 1]

    def halve(_: Array, between: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = between
        middle = (low + high) // 2
        more, beyond = low < high, law.at[middle].get(mode="clip") <= uniform
        return jnp.where(more & beyond, middle + 1, low), jnp.where(more & ~beyond, middle, high)

    halvings = 32 - jax.lax.clz(jnp.max(high - low, initial=0))
    ids, _ = jax.lax.fori_loop(0, halvings, halve, (low, high))
    return jnp.minimum(ids, len(law) - 1)
