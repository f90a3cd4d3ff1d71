"""The fewest terms of a sum that explain a difference."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from jw2v.judge.arithmetic.agreement import TOLERANCE, sizes, tidy

WHOLE = (-1.0, -2.0, 1.0)
"""Coefficients of a term that is left out, has the other sign, or is counted twice."""
MOST_TOGETHER = 3
MOST_TERMS = 40  # of which any three are tried
NEAR = 1e-6  # of the squared difference; what is nearer is looked at entry by entry


class Explanation(NamedTuple):
    """Terms by number, and the coefficient of each."""

    terms: tuple[int, ...]
    coefficients: tuple[float, ...]


def room_for_rounding(terms: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """What rounding may leave of a difference, for each entry at each point, flat.

    Args:
      terms: `[terms, points, *shape]`.
      others: what is compared, `[points, *shape]` each.
    """
    largest = np.abs(terms).max(axis=0, initial=0.0)
    per_point = TOLERANCE * sizes(largest, *others)
    return np.repeat(per_point, largest[0].size)


def explanations(excess: np.ndarray, terms: np.ndarray, room: np.ndarray) -> Iterator[Explanation]:
    """Few terms that make up a difference; the fewest first, whole coefficients before others.

    One term may have any coefficient, several one that all have; or one stands for another.

    Args:
      excess: the difference, flat.
      terms: `[terms, *]`, flat each.
      room: what may be left, flat.

    >>> terms = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> next(explanations(np.array([0.0, -4.0]), terms, np.full(2, 1e-9)))
    Explanation(terms=(1,), coefficients=(-2.0,))
    """
    distinct = _distinct(terms, room)
    for count in range(1, MOST_TOGETHER + 1):
        some = distinct if count == 1 else distinct[:MOST_TERMS]
        found = list(_of_one_coefficient(excess, terms, some, room, count))
        yield from sorted(found, key=lambda e: e.coefficients[0] not in WHOLE)
        if count == 2:
            yield from _of_one_for_another(excess, terms, some, room)


def _distinct(terms: np.ndarray, room: np.ndarray) -> list[int]:
    """One of each group of equal terms, without those that are zero."""
    kept: list[int] = []
    for i, term in enumerate(terms):
        if np.all(np.abs(term) <= room):
            continue
        if not any(np.all(np.abs(term - terms[j]) <= room) for j in kept):
            kept.append(i)
    return kept


def _of_one_coefficient(
    excess: np.ndarray, terms: np.ndarray, some: Sequence[int], room: np.ndarray, count: int
) -> Iterator[Explanation]:
    index = np.array(list(combinations(some, count)), int).reshape(-1, count)
    gram, along = terms @ terms.T, terms @ excess
    squares = gram[index[:, :, None], index[:, None, :]].sum(axis=(1, 2))
    products = along[index].sum(axis=1)
    with np.errstate(all="ignore"):
        coefficients = products / squares
        left = excess @ excess - products * coefficients
    near = np.isfinite(coefficients) & (left <= NEAR * (excess @ excess))
    for i in np.flatnonzero(near):
        coefficient = tidy(float(coefficients[i]))
        if _fits(excess, coefficient * terms[index[i]].sum(axis=0), room):
            yield Explanation(tuple(map(int, index[i])), (coefficient,) * count)


def _of_one_for_another(
    excess: np.ndarray, terms: np.ndarray, some: Sequence[int], room: np.ndarray
) -> Iterator[Explanation]:
    """One term twice, and another not at all."""
    for i in some:
        for j in some:
            if i != j and _fits(excess, terms[i] - terms[j], room):
                yield Explanation((i, j), (1.0, -1.0))


def _fits(excess: np.ndarray, explained: np.ndarray, room: np.ndarray) -> bool:
    return bool(np.all(np.abs(excess - explained) <= room))
