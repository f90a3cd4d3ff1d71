"""Points to try a claim at: generic, never the initial one, shapes as in the example."""

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from jw2v.errors import UsageError

TRIES = 1000
FEW_WORDS = 16
FEW_IDS = 6


def points(
    example: tuple[Any, ...],
    *,
    samples: int,
    seed: int,
    domain: Callable[..., bool] | None = None,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Draw arguments of the example's shapes.

    Floating arguments are standard normal, signs mixed, in float64. Integer arguments are ids, in
    0 … the example's largest; those of which one is negative are labels, drawn from the example's.
    Every second point keeps the example's own; of the others every second has one id throughout,
    where the domain lets it, and the rest draw from a pool of a few ids or many, so that ids repeat
    and coincide however many words there are.

    Args:
      example: arguments of the claim; shapes and the range of ids are taken from them.
      samples: number of points.
      seed: of the draws.
      domain: points it is false for are drawn again.

    Raises:
      UsageError: no point of the domain is found.

    >>> (x, ids), = points((np.ones(3), np.array([0, 4])), samples=1, seed=0)
    >>> x.shape, ids.tolist()
    ((3,), [0, 4])
    """
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(x) for x in example]
    ids = [x for x in arrays if x.size and are_ids(x)]
    for number in range(samples):
        for attempt in range(TRIES):
            pool = None if number % 2 == 0 else _pool(rng, ids, attempt == 0 and number % 4 == 1)
            point = tuple(_draw(rng, x, pool) for x in arrays)
            if domain is None or domain(*point):
                yield point
                break
        else:
            raise UsageError(f"no point of the domain in {TRIES} draws; give a wider domain")


def border_points(
    example: tuple[Any, ...],
    *,
    seed: int,
    domain: Callable[..., bool] | None = None,
) -> Iterator[tuple[np.ndarray, ...]]:
    """For each integer argument, points where an id of it is 0, and where it is the largest.

    A mistake at the first or the last word alone, as a row kept for padding makes it, is seen
    nowhere else. Each of a few ids has its turn, of many the first; a single id of few words is
    each of them once.

    Args:
      example: arguments of the claim; shapes and the range of ids are taken from them.
      seed: of all else.
      domain: points it is false for are drawn again, and left out after `TRIES`.

    >>> points = border_points((np.ones(2), np.array(2), np.array([7, 1])), seed=0)
    >>> [(int(o), neg.tolist()) for _, o, neg in points]  # doctest: +NORMALIZE_WHITESPACE
    [(0, [0, 0]), (1, [4, 4]), (2, [7, 2]),
     (2, [0, 0]), (0, [7, 0]), (1, [3, 0]), (1, [5, 7])]
    """
    arrays = [np.asarray(x) for x in example]
    rng = np.random.default_rng(seed)
    for at in (i for i, x in enumerate(arrays) if x.size and not _is_float(x)):
        for position, word in _borders(arrays[at]):
            for _ in range(TRIES):
                point = tuple(anew(rng, x) for x in arrays)
                point[at].flat[position] = word
                if domain is None or domain(*point):
                    yield point
                    break


def _borders(ids: np.ndarray) -> list[tuple[int, int]]:
    """Positions, and words to stand there."""
    first, largest = min(0, int(ids.min())), int(ids.max())
    if are_ids(ids) and ids.size == 1 and largest < FEW_WORDS:
        return [(0, word) for word in range(largest + 1)]
    positions = range(ids.size if ids.size <= FEW_IDS else 1)
    return [(position, word) for position in positions for word in (first, largest)]


def are_ids(example: np.ndarray) -> bool:
    """Whether an argument counts from 0, as ids do, and not labels such as −1 and 1.

    >>> are_ids(np.array([0, 4])), are_ids(np.array([-1, 1])), are_ids(np.ones(2))
    (True, False, False)
    """
    return not _is_float(example) and int(example.min(initial=0)) >= 0


def anew(rng: np.random.Generator, example: np.ndarray) -> np.ndarray:
    """An argument drawn from all that it can be: normal floats, ids, or labels of the example's."""
    if _is_float(example):
        return rng.standard_normal(example.shape)
    if not example.size:
        return example
    if not are_ids(example):
        return rng.choice(np.unique(example), example.shape)
    return rng.integers(0, int(example.max()) + 1, example.shape).astype(example.dtype)


def _pool(rng: np.random.Generator, ids: list[np.ndarray], one_id: bool) -> np.ndarray:
    """Ids to draw from: one that every argument can have, or few to four times as many as drawn."""
    largest = [int(x.max()) for x in ids] or [0]
    if one_id:
        return rng.integers(0, min(largest) + 1, 1)
    size = int((4 * sum(x.size for x in ids) + 2) ** rng.uniform())
    return rng.integers(0, max(largest) + 1, size)


def _draw(rng: np.random.Generator, example: np.ndarray, pool: np.ndarray | None) -> np.ndarray:
    """Normal floats; ids from the pool, and labels; the example's own where there is no pool."""
    if _is_float(example) or (pool is not None and not are_ids(example)):
        return anew(rng, example)
    if pool is None or not example.size:
        return example
    drawn = rng.choice(pool, example.shape) % (int(example.max()) + 1)
    return np.asarray(drawn, example.dtype)


def _is_float(x: np.ndarray) -> bool:
    return bool(jnp.issubdtype(x.dtype, jnp.floating))  # bfloat16 too
