"""Cosines between rows of a table, and the rows nearest to sums of rows: exact, on the device."""

from functools import partial, reduce
from typing import Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float, Int, Shaped

from jw2v.errors import unknown

Method = Literal["3cosadd", "3cosmul"]
_SCORES = 1 << 26  # numbers that the device holds at once: 256 MiB, whatever the vocabulary


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


def unit_table(table: Shaped[np.ndarray, "vocab dim"]) -> Float[Array, "vocab dim"]:
    """A table on the device in float32, every row scaled to length 1 as `unit_rows` does.

    A power of two brings each row's largest number near 1 first, so that neither float32 nor a
    division on the device, which takes what is below 1.2e-38 for zero, loses it.

    >>> unit_table(np.array([[3e300, 4e300], [3e-42, 4e-42]])).tolist()
    [[0.6..., 0.8...], [0.6..., 0.8...]]
    """
    peaks = np.maximum(table.max(axis=1, keepdims=True), -table.min(axis=1, keepdims=True))
    powers = np.ldexp(np.ones((), table.dtype), np.frexp(peaks)[1] - 1)
    return unit_rows(jnp.asarray(table / powers, np.float32))


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
    method: Method = "3cosadd",
) -> Neighbors:
    """The `topn` rows nearest to what rows are made into, for every query q.

    "3cosadd" scores row v by its cosine with `Σ_t signs[t] unit[ids[q, t]]`; "3cosmul" (Levy and
    Goldberg 2014, eq. 4) by the product of its `(1 + cosine) / 2` with the rows of positive sign,
    divided by that with the rows of negative sign plus 10⁻⁶. The rows a query is made of are
    excluded: their score is -inf, so they come last. With signs `(1,)` these are neighbours of
    words, with `(-1, 1, 1)` answers to analogies.

    Args:
      unit: table of unit rows, as `unit_rows` gives it.
      ids: the rows that make up each query.
      signs: the factor of each term, the same for all queries.
      topn: rows wanted per query, at most vocab.
      batch: queries scored at once, fewer where the vocabulary is large: the device holds at most
        2²⁶ scores, or those of one query.
      method: how the terms of a query are joined.

    Returns:
      `Neighbors(scores, ids)`, both `[query, topn]`.

    Raises:
      UsageError: there is no such method.

    >>> unit = unit_rows(jnp.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
    >>> nearest(unit, np.array([[0]]), np.array([1.0], np.float32), topn=2).ids.tolist()
    [[1, 2]]
    """
    if method not in get_args(Method):
        raise unknown("method", method, get_args(Method))
    terms = len(signs) if method == "3cosmul" else 1
    size = min(batch, len(ids), max(1, _SCORES // max(1, terms * len(unit))))
    found = [Neighbors(np.empty((0, topn), np.float32), np.empty((0, topn), np.int32))]
    for start in range(0, len(ids), max(1, size)):
        part = ids[start : start + size]
        padded = np.pad(part, ((0, size - len(part)), (0, 0)))  # one shape: compiled once
        scores, rows = _nearest(unit, padded, signs, topn=topn, method=method)
        found.append(Neighbors(np.asarray(scores)[: len(part)], np.asarray(rows)[: len(part)]))
    return Neighbors(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


@partial(jax.jit, static_argnames=("topn", "method"))
def _nearest(
    unit: Float[Array, "vocab dim"],
    ids: Int[Array, "query term"],
    signs: Float[Array, " term"],
    *,
    topn: int,
    method: Method,
) -> tuple[Float[Array, "query topn"], Int[Array, "query topn"]]:
    scores = (_sums if method == "3cosadd" else _products)(unit, ids, signs)
    scores = scores.at[jnp.arange(len(ids))[:, None], ids].set(-jnp.inf)
    top_scores, top_ids = lax.top_k(scores, topn)
    return top_scores, top_ids


def _sums(
    unit: Float[Array, "vocab dim"], ids: Int[Array, "query term"], signs: Float[Array, " term"]
) -> Float[Array, "query vocab"]:
    return _dots(unit_rows(jnp.einsum("t,qtd->qd", signs, unit[ids])), unit)


def _products(
    unit: Float[Array, "vocab dim"], ids: Int[Array, "query term"], signs: Float[Array, " term"]
) -> Float[Array, "query vocab"]:
    near = [(1 + _dots(unit[column], unit)) / 2 for column in ids.T]
    over = [jnp.where(sign > 0, x, 1) for sign, x in zip(signs, near, strict=True)]
    under = [jnp.where(sign < 0, x, 1) for sign, x in zip(signs, near, strict=True)]
    return reduce(jnp.multiply, over) / (reduce(jnp.multiply, under) + 1e-6)


def _dots(
    queries: Float[Array, "query dim"], unit: Float[Array, "vocab dim"]
) -> Float[Array, "query vocab"]:
    # Accelerators multiply in fewer bits unless told not to, which would reorder near ties.
    return jnp.matmul(queries, unit.T, precision=lax.Precision.HIGHEST)
