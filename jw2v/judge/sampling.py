"""Points to try a claim at: generic, never the initial one, shapes as in the example."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jw2v.errors import UsageError

TRIES = 1000


def points(
    example: tuple[Any, ...],
    *,
    samples: int,
    seed: int,
    domain: Callable[..., bool] | None = None,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Draw arguments of the example's shapes.

    Floating arguments are standard normal, signs mixed, in float64. Integer arguments are ids:
    uniform in 0 … the example's largest, so that they repeat and coincide; every second point keeps
    the example's own ids.

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
    for number in range(samples):
        for _ in range(TRIES):
            point = tuple(_draw(rng, x, keep_ids=number % 2 == 0) for x in arrays)
            if domain is None or domain(*point):
                yield point
                break
        else:
            raise UsageError(f"no point of the domain in {TRIES} draws; give a wider domain")


def _draw(rng: np.random.Generator, example: np.ndarray, *, keep_ids: bool) -> np.ndarray:
    if np.issubdtype(example.dtype, np.floating):
        return rng.standard_normal(example.shape)
    if keep_ids or not example.size:
        return example
    return rng.integers(0, int(example.max()) + 1, example.shape).astype(example.dtype)
