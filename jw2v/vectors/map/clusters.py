"""Clusters of words by the directions of their vectors, and words that stand for each."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float, Int

from jw2v.vectors.neighbors import unit_rows

ROUNDS = 50
FREQUENT = 5000  # the words that clusters start from and are named by
SEED = 1


def clusters(unit: Float[Array, "word dim"], *, count: int) -> Int[np.ndarray, " word"]:
    """The cluster of each word, by k-means of directions (cosine), started from words by chance.

    Args:
      unit: vectors of length 1, the most frequent words first.
      count: clusters wanted; fewer words than that are a cluster each.

    >>> unit = unit_rows(jnp.array([[1.0, 0.1], [0.0, 1.0], [1.0, 0.0], [0.1, 1.0]]))
    >>> a, b, c, d = clusters(unit, count=2).tolist()
    >>> (a == c, b == d, a == b)
    (True, True, False)
    """
    frequent = min(FREQUENT, len(unit))
    rng = np.random.default_rng(SEED)
    start = rng.choice(frequent, min(count, frequent), replace=False)
    return np.asarray(_kmeans(unit, unit[np.sort(start)]))


def names(
    unit: Float[Array, "word dim"], cluster: Int[np.ndarray, " word"], *, count: int, few: int = 3
) -> list[list[int]]:
    """For each of `count` clusters, of its frequent words, the few that are nearest to its centre.

    >>> unit = unit_rows(jnp.array([[1.0, 0.5], [1.0, 0.0], [1.0, -0.1], [0.0, 1.0]]))
    >>> names(unit, np.array([0, 0, 0, 1]), count=2, few=1)
    [[1], [3]]
    """
    centres = np.asarray(_centres(unit, jnp.asarray(cluster), count=count))
    near = np.asarray(unit[:FREQUENT]) @ centres.T
    near[cluster[:FREQUENT, None] != np.arange(count)] = -np.inf
    best = np.argsort(-near, axis=0, kind="stable")[:few].T
    return [[word for word in row.tolist() if cluster[word] == c] for c, row in enumerate(best)]


@jax.jit
def _kmeans(
    unit: Float[Array, "word dim"], start: Float[Array, "cluster dim"]
) -> Int[Array, " word"]:
    def closest(centres: Array) -> Array:
        return jnp.argmax(unit @ centres.T, axis=1)

    def move(_: Array, centres: Array) -> Array:
        return _centres(unit, closest(centres), count=len(start))

    return closest(lax.fori_loop(0, ROUNDS, move, start))


@partial(jax.jit, static_argnames="count")
def _centres(
    unit: Float[Array, "word dim"], cluster: Int[Array, " word"], *, count: int
) -> Float[Array, "cluster dim"]:
    return unit_rows(jax.ops.segment_sum(unit, cluster, num_segments=count))
