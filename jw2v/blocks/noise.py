"""The noise law of negative sampling: P(w) ∝ count(w)^exponent, drawn by inverse transform.

The cumulative law is kept as 32-bit integers, so a draw is one random word and one binary search,
and every probability is right to 2⁻³², whatever the size of the vocabulary.

A negative that hits the target is kept. Then E[Σ_k log σ(−u_k·v_c)] = K Σ_w P(w) log σ(−u_w·v_c)
for every pair, which is the objective whose optimum is PMI − log K (Levy and Goldberg 2014).
word2vec.c and gensim drop such a draw, fastText draws again: there the objective of a pair
depends on its target by a factor 1 − P(target).

Source: Mikolov et al. 2013, arXiv 1310.4546, section 2.2 (exponent 3/4).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32


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
    """2³² P(id ≤ w), rounded: the table that `draw` searches.

    Args:
      counts: occurrences of each word, `[vocab]`, positive.
      exponent: 1 is the unigram law, 0 the uniform law, 0.75 the field's default.

    >>> print(cumulative(np.array([3, 1]), exponent=1.0) / 2**32)
    [0.75 1.  ]
    """
    below = np.cumsum(law(counts, exponent=exponent))
    return np.minimum(np.round(below / below[-1] * 2.0**32), 2.0**32 - 1).astype(np.uint32)


def draw(key: Array, table: UInt32[Array, " vocab"], shape: tuple[int, ...]) -> Int[Array, "..."]:
    """Independent draws from the law, ids of shape `shape`, int32.

    >>> table = jnp.asarray(cumulative(np.array([1, 0, 1]), exponent=1.0))
    >>> 1 in draw(jax.random.key(0), table, (100,))
    False
    """
    uniform = jax.random.bits(key, shape, jnp.uint32)
    ids = jnp.searchsorted(table, uniform, side="right")
    return jnp.minimum(ids, table.shape[0] - 1).astype(jnp.int32)
