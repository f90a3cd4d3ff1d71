"""Cosines between rows of a table, and the rows nearest to sums of rows: exact, on the device."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float, Int


class Neighbors(NamedTuple):
    """The `topn` nearest rows of each query, best first; the score of an excluded row is -inf."""

    scores: Float[np.ndarray, "query topn"]
    ids: Int[np.ndarray, "query topn"]


@jax.jit
def unit_rows(table: Float[Array, "vocab dim"]) -> Float[Array, "vocab dim"]:
    """Scale every row to length 1; a row of zeros stays zero.

    >>> unit_rows(jnp.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6..., 0.8...], [0.0, 0.0]]
    """
    peaks = jnp.max(jnp.abs(table), axis=1, keepdims=True)
    scaled = table / jnp.where(peaks > 0, peaks, 1)  # squares neither vanish nor overflow
    return scaled / jnp.maximum(jnp.linalg.norm(scaled, axis=1, keepdims=True), 1)


@jax.jit
def cosines(
    unit: Float[Array, "vocab dim"], left: Int[Array, " pair"], right: Int[Array, " pair"]
) -> Float[Array, " pair"]:
    """Cosine of row `left[i]` with row `right[i]` of a table of unit rows.

    >>> cosines(jnp.eye(2), jnp.array([0, 0]), jnp.array([0, 1])).tolist()
    [1.0, 0.0]
    """
    return jnp.sum(unit[left] * unit[right], axis=1)


def nearest(
    unit: Float[Array, "vocab dim"],
    ids: Int[np.ndarray, "query term"],
    signs: Float[np.ndarray, " term"],
    *,
    topn: int,
    batch: int = 64,
) -> Neighbors:
    """The `topn` rows of largest cosine with `Σ_t signs[t] unit[ids[q, t]]`, for every query q.

    The rows a query is made of are excluded: their score is -inf, so they come last. With signs
    `(1,)` these are neighbours of words, with `(-1, 1, 1)` answers to analogies (3CosAdd).

    Args:
      unit: table of unit rows, as `unit_rows` gives it.
      ids: the rows that make up each query.
      signs: the factor of each term, the same for all queries.
      topn: rows wanted per query, at most vocab.
      batch: queries scored at once; the device holds `batch * vocab` scores.

    Returns:
      `Neighbors(scores, ids)`, both `[query, topn]`.

    >>> unit = unit_rows(jnp.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
    >>> nearest(unit, np.array([[0]]), np.array([1.0], np.float32), topn=2).ids.tolist()
    [[1, 2]]
    """
    size = min(batch, len(ids))
    found = [Neighbors(np.empty((0, topn), np.float32), np.empty((0, topn), np.int32))]
    for start in range(0, len(ids), batch):
        part = ids[start : start + batch]
        padded = np.pad(part, ((0, size - len(part)), (0, 0)))  # one shape: compiled once
        scores, rows = _nearest(unit, padded, signs, topn=topn)
        found.append(Neighbors(np.asarray(scores)[: len(part)], np.asarray(rows)[: len(part)]))
    return Neighbors(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


@partial(jax.jit, static_argnames="topn")
def _nearest(
    unit: Float[Array, "vocab dim"],
    ids: Int[Array, "query term"],
    signs: Float[Array, " term"],
    *,
    topn: int,
) -> tuple[Float[Array, "query topn"], Int[Array, "query topn"]]:
    queries = unit_rows(jnp.einsum("t,qtd->qd", signs, unit[ids]))
    # Accelerators multiply in fewer bits unless told not to, which would reorder near ties.
    scores = jnp.matmul(queries, unit.T, precision=lax.Precision.HIGHEST)
    scores = scores.at[jnp.arange(len(ids))[:, None], ids].set(-jnp.inf)
    top_scores, top_ids = lax.top_k(scores, topn)
    return top_scores, top_ids
