"""Which ids coincide: all that a claim can depend on, and few enough to be tried all.

A loss reads rows by ids, so of the ids (o, w₁ … w_K) only the pattern matters: which of them are
the same word. There are Bell(K + 1) patterns, 203 for K = 5. A `.set` in place of `.add` is right
on one of them, the usual test case: all distinct.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Int

MOST_IDS = 5
"""Ids of which `check_gradient` tries all patterns, 52."""


def patterns(n: int) -> Int[np.ndarray, "patterns n"]:
    """All ways in which n ids coincide: row i names the class of each id, in order of appearance.

    >>> patterns(3).tolist()
    [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1], [0, 1, 2]]
    >>> [len(patterns(n)) for n in range(1, 7)]  # Bell numbers
    [1, 2, 5, 15, 52, 203]
    """
    rows = [[0]] if n else [[]]
    for _ in range(n - 1):
        rows = [[*row, new] for row in rows for new in range(max(row) + 2)]
    return np.array(rows, np.int64)


def id_points(
    example: tuple[Any, ...],
    *,
    seed: int = 0,
    domain: Callable[..., bool] | None = None,
) -> Iterator[tuple[np.ndarray, ...]]:
    """A generic point for each pattern of the ids of all integer arguments together.

    Args:
      example: arguments; the ids of each are in 0 … its largest.
      seed: of the floats, and of the words that a pattern's classes are.
      domain: points it is false for are left out, and so are patterns of more classes than words.

    Yields:
      Points of the example's shapes, floats standard normal.

    >>> points = id_points((np.ones(2), np.array(3), np.array([0, 1])))
    >>> [(int(o), *map(int, neg)) for _, o, neg in points][0]
    (0, 0, 0)
    """
    arrays = [np.asarray(x) for x in example]
    at = [i for i, x in enumerate(arrays) if x.dtype.kind in "iu"]
    sizes = [arrays[i].size for i in at]
    rng = np.random.default_rng(seed)
    words = min((int(arrays[i].max(initial=0)) + 1 for i in at), default=0)
    for pattern in patterns(sum(sizes)):
        if pattern.max(initial=0) >= words:
            continue
        ids = rng.permutation(words)[pattern]
        parts = iter(np.split(ids, np.cumsum(sizes)[:-1]))
        point = tuple(
            next(parts).reshape(x.shape).astype(x.dtype)
            if i in at
            else rng.standard_normal(x.shape)
            for i, x in enumerate(arrays)
        )
        if domain is None or domain(*point):
            yield point
