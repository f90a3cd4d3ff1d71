"""Which ids coincide: all that a claim can depend on, and few enough to be tried all.

A loss reads rows by ids, so of the ids (o, w₁ … w_K) only the pattern matters: which of them are
the same word. There are Bell(K + 1) patterns, 203 for K = 5. A `.set` in place of `.add` is right
on one of them, the usual test case: all distinct.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Int

from jw2v.errors import UsageError
from jw2v.judge.compare import Finding, Leaf, Measured, find, measure
from jw2v.judge.sampling import anew, are_ids
from jw2v.judge.witness import true_gradient

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

    Word 0 is the one that stands most often: where several ids are 0, a mistake at 0 is largest.

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
    at = [i for i, x in enumerate(arrays) if x.dtype.kind in "iu" and are_ids(x)]
    sizes = [arrays[i].size for i in at]
    rng = np.random.default_rng(seed)
    words = min((int(arrays[i].max(initial=0)) + 1 for i in at), default=0)
    for pattern in patterns(sum(sizes)):
        if pattern.max(initial=0) >= words:
            continue
        often = np.bincount(pattern, minlength=1)
        chosen = rng.choice(words, len(often), replace=False)
        chosen[chosen == 0], chosen[np.argmax(often)] = chosen[np.argmax(often)], 0
        ids = chosen[pattern]
        parts = iter(np.split(ids, np.cumsum(sizes)[:-1]))
        point = tuple(
            next(parts).reshape(x.shape).astype(x.dtype) if i in at else anew(rng, x)
            for i, x in enumerate(arrays)
        )
        if domain is None or domain(*point):
            yield point


def check_patterns(
    loss: Callable[..., Any],
    claimed: Callable[..., Any],
    example: tuple[Any, ...],
    *,
    wrt: int | tuple[int, ...] = 0,
    domain: Callable[..., bool] | None = None,
    dtype: str = "float64",
    seed: int = 0,
) -> Finding:
    """Judge a claimed gradient on every pattern of its ids, thousands in one run.

    Args:
      loss: plain scalar function of the arguments.
      claimed: takes the same arguments and returns the gradient, a tuple where `wrt` is one.
      example: arguments; ids are in 0 … the largest of their argument, which bounds the patterns.
      wrt: position, or positions, of the arguments the gradient is taken of.
      domain: predicate of the arguments; patterns it is false for are left out.
      dtype: precision of the claim.
      seed: of the generic point of each pattern.

    Returns:
      The verdict on all patterns together; every entry of every pattern counts. An `entry` of the
      worst is that of its pattern, whose ids are beside it.

    Raises:
      UsageError: no pattern is in the domain, or the loss is no independent witness.

    >>> import jax.numpy as jnp
    >>> loss = lambda U, ids: jnp.sum(U[ids] ** 2) / 2
    >>> example = np.ones((5, 2)), np.array([1, 2, 4])
    >>> check_patterns(loss, lambda U, ids: jnp.zeros_like(U).at[ids].add(U[ids]), example).verdict
    'holds'
    >>> wrong = check_patterns(loss, lambda U, ids: jnp.zeros_like(U).at[ids].set(U[ids]), example)
    >>> wrong.verdict, len(set(wrong.worst["ids"])) < 3
    ('refuted', True)
    """
    truth = true_gradient(loss, wrt, example)
    measured = measure_patterns(claimed, truth, example, domain=domain, dtype=dtype, seed=seed)
    as_one_point = measured._replace(
        points=tuple(x[None] for x in measured.points),
        leaves=tuple(Leaf(*(x[None] for x in leaf)) for leaf in measured.leaves),
    )
    finding = find([as_one_point])
    if finding.worst is None:
        return finding
    which, *entry = finding.worst["entry"]
    ids = [int(i) for x in measured.points if x.dtype.kind in "iu" for i in x[which].ravel()]
    return finding._replace(worst={**finding.worst, "entry": tuple(entry), "ids": ids})


def measure_patterns(
    claimed: Callable[..., Any],
    true: Callable[..., Any],
    example: tuple[Any, ...],
    *,
    domain: Callable[..., bool] | None = None,
    dtype: str = "float64",
    seed: int = 0,
) -> Measured:
    """A claim beside a plain function on every pattern of the ids, all in one run.

    Args:
      claimed: function of the arguments.
      true: plain function of the same.
      example: as of `check_patterns`.
      domain: as of `check_patterns`.
      dtype: precision of the claim.
      seed: of the points.

    Returns:
      The numbers, one point for each pattern.

    Raises:
      UsageError: no pattern is in the domain.

    >>> example = np.ones(2), np.array([0, 1, 2])
    >>> measured = measure_patterns(lambda x, i: 2 * x, lambda x, i: x + x, example)
    >>> measured.leaves[0].claimed.shape
    (5, 2)
    """
    points = list(id_points(example, seed=seed, domain=domain))
    if not points:
        raise UsageError("no pattern of the ids is in the domain; give a wider domain")
    stacked = tuple(np.stack(parts) for parts in zip(*points, strict=True))
    at_once = tuple(x[None] for x in stacked)
    measured = measure(jax.vmap(claimed), jax.vmap(true), at_once, dtype=dtype)
    leaves = tuple(Leaf(*(x[0] for x in leaf)) for leaf in measured.leaves)
    return measured._replace(points=tuple(x[0] for x in measured.points), leaves=leaves)


def agreeing(measured: Measured) -> Bool[np.ndarray, " patterns"]:
    """At which points every output is within its bound.

    >>> import jax.numpy as jnp
    >>> added = lambda ids: jnp.zeros(3).at[ids].add(1.0)
    >>> overwritten = lambda ids: jnp.zeros(3).at[ids].set(1.0)
    >>> agreeing(measure_patterns(overwritten, added, (np.array([0, 1, 2]),))).tolist()
    [False, False, False, False, True]
    """
    within = [np.abs(leaf.claimed - leaf.true) <= leaf.bound for leaf in measured.leaves]
    return np.all([w.reshape(len(w), -1).all(axis=1) for w in within], axis=0)
