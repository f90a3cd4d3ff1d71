"""Edits of a jaxpr: forwards, mutants of a right gradient; backwards, repairs of a wrong one.

A mistake that a person makes is often one local change of a right expression, so the change that
undoes it names the mistake and its line.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from jax.extend.core import ClosedJaxpr

from jw2v.judge.mutation.planned import Edit, planned
from jw2v.judge.mutation.sites import Kind
from jw2v.judge.mutation.surgery import inlined

__all__ = ["Edit", "edits", "inlined", "repairs", "two_edits"]

LIKELY: frozenset[Kind] = frozenset(
    {"sign", "complement", "factor", "scatter", "missing", "swap", "reduction", "transpose"}
)
"""The families of which a search for two edits tries all pairs first."""


def edits(closed: ClosedJaxpr, *, outputs: Sequence[int] | None = None) -> Iterator[Edit]:
    """All changes of one equation, or of what is returned.

    Inner jaxprs of calls are inlined first, so that edits reach them.

    Args:
      closed: a jaxpr.
      outputs: positions; only what these depend on is changed. None: all.

    Yields:
      Edits in the order of the equations.

    >>> import jax, jax.numpy as jnp
    >>> jaxpr = jax.make_jaxpr(lambda x: jnp.sin(x))(1.0)
    >>> [edit.what for edit in edits(jaxpr)]
    ['neg', 'x2', 'x1/2', 'sin -> cos', 'zero of output 1']
    """
    yield from (make() for make in planned(closed, outputs))


def two_edits(closed: ClosedJaxpr, *, count: int, seed: int = 0) -> Iterator[Edit]:
    """A sample of edits of edits; the second may undo the first.

    >>> import jax
    >>> jaxpr = jax.make_jaxpr(lambda x: 3 * x)(1.0)
    >>> print(next(two_edits(jaxpr, count=1)))
    3.0 -> 6 (mul, ...) and 6.0 -> -6 (mul, ...)
    """
    rng = np.random.default_rng(seed)
    firsts = list(planned(closed, None))
    for _ in range(count if firsts else 0):
        first = firsts[rng.integers(len(firsts))]()
        seconds = list(planned(first.jaxpr, None))
        if seconds:
            yield replace(seconds[rng.integers(len(seconds))](), before=first)


def repairs(
    closed: ClosedJaxpr,
    truth_at: Callable[[ClosedJaxpr], bool],
    *,
    depth: int = 2,
    seconds: float = 4.0,
    outputs: Sequence[int] | None = None,
) -> list[Edit]:
    """Edits that make a jaxpr agree with the truth.

    Args:
      closed: the jaxpr of a wrong gradient.
      truth_at: whether an edited jaxpr agrees with the truth, at points of the caller's.
      depth: 1, or 2 to try two edits where no single one repairs.
      seconds: after which the search ends with what it has.
      outputs: positions of the wrong outputs; only what these depend on is changed. None: all.

    Returns:
      All single edits that repair, the likelier families first; where there is none, the first two
      edits that do; empty where there is none either, or time is up.

    >>> import jax, numpy as np
    >>> from jw2v.judge.arithmetic.bounds import evaluate
    >>> jaxpr = jax.make_jaxpr(lambda x, y: x - y)(1.0, 1.0)
    >>> found = repairs(jaxpr, lambda j: evaluate(j, (2.0, 3.0))[0].value == 5)
    >>> [edit.what for edit in found]
    ['sub -> add']
    """
    end = time.monotonic() + seconds
    singles = sorted(edits(closed, outputs=outputs), key=lambda edit: edit.kind not in LIKELY)
    found = [edit for edit in _while_time(singles, end) if truth_at(edit.jaxpr)]
    if found or depth < 2:
        return found
    pairs = _while_time(_pairs(singles, outputs), end)
    return next(([pair] for pair in pairs if truth_at(pair.jaxpr)), [])


def _while_time(candidates: Iterable[Edit], end: float) -> Iterator[Edit]:
    for candidate in candidates:
        if time.monotonic() > end:
            return
        yield candidate


def _pairs(singles: Sequence[Edit], outputs: Sequence[int] | None) -> Iterator[Edit]:
    """Two edits, the earlier equation's first; pairs of two likely ones before all others."""
    for likely in (True, False):
        for first in singles:
            if likely and first.kind not in LIKELY:
                continue
            for make in planned(first.jaxpr, outputs, start=first.index):
                if (first.kind in LIKELY and make.kind in LIKELY) == likely:
                    yield replace(make(), before=first)
