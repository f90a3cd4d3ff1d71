"""Wrong gradients: right ones edited once or twice, and the mistakes of people.

Wrong means not equivalent, and that is computed: a gradient is equivalent that is bit-equal to the
right one, or within the bounds of both, at generic points of three seeds that no checker uses and
on all patterns of the ids. What differs from another wrong gradient of the same loss by less than
rounding is that one again, and is left out too.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from judge.mistakes_shootout import SHOOTOUT
from narrowing import at_both
from subjects import Subject, mistakes_of, positions

from jw2v.judge.arithmetic.bounds import evaluate, trace
from jw2v.judge.mutation.edits import Edit, edits, inlined
from jw2v.judge.patterns import id_points
from jw2v.judge.sampling import points

Source = Literal["1 edit", "2 edits", "human"]
SOURCES: tuple[Source, ...] = ("1 edit", "2 edits", "human")
FRESH_SEEDS = (101, 102, 103)
SAMPLES = 8  # points of each seed
CHUNK = 512  # points that are compared at once


class Wrong(NamedTuple):
    """A wrong gradient of one example's loss."""

    source: Source
    what: str
    wrt: tuple[int, ...]
    gradient: Callable[..., Any]  # at float64 and at float32


class Made(NamedTuple):
    """The wrong gradients of a subject, and what became of all that were made, by source."""

    wrong: tuple[Wrong, ...]
    made: Counter[Source]
    bit_equal: Counter[Source]  # to the right one
    within_bounds: Counter[Source]  # of it, and so equivalent
    again: Counter[Source]  # the same as another wrong one
    largest_equivalent: float  # relative difference from the right one; 0 where none was made
    smallest_wrong: float


def wrong_gradients(subject: Subject, *, ones: int, twos: int, seed: int) -> Made:
    """Make the wrong gradients of a subject.

    Args:
      subject: whose gradient is edited.
      ones: at most so many are made by one edit; of more, a random choice.
      twos: so many are made by two edits.
      seed: of the choices.
    """
    wrong: dict[bytes, Wrong] = {}
    made, bit_equal, within_bounds, again = (Counter[Source]() for _ in range(4))
    equivalent, different = [0.0], []
    for candidate in (*_human(subject), *_edited(subject, ones, twos, seed)):
        source = candidate.source
        made[source] += 1
        difference = compare(subject, candidate.gradient, candidate.wrt)
        name = repr(candidate.wrt).encode() + difference.first_values
        if difference.equivalent:
            (bit_equal if difference.bit_equal else within_bounds)[source] += 1
            equivalent.append(difference.size)
        elif name in wrong:
            again[source] += 1
        else:
            wrong[name] = candidate
            different.append(difference.size)
    sizes = max(equivalent), min(different)
    return Made(tuple(wrong.values()), made, bit_equal, within_bounds, again, *sizes)


def _human(subject: Subject) -> Iterator[Wrong]:
    for mistake in mistakes_of(subject, SHOOTOUT):
        yield Wrong("human", mistake.id, positions(mistake.wrt), mistake.claimed)


def _edited(subject: Subject, ones: int, twos: int, seed: int) -> Iterator[Wrong]:
    rng = np.random.default_rng(seed)
    right = inlined(trace(subject.right, subject.example(rng)))
    firsts = list(edits(right))

    def wrong(source: Source, *changes: Edit) -> Wrong:
        what = " and ".join(f"{e.what} ({e.operation}, equation {e.index})" for e in changes)
        return Wrong(source, what, subject.wrt, at_both(changes[-1].jaxpr))

    for i in sorted(rng.permutation(len(firsts))[:ones]):
        yield wrong("1 edit", firsts[i])
    for i in rng.integers(len(firsts), size=twos):
        seconds = list(edits(firsts[i].jaxpr))
        yield wrong("2 edits", firsts[i], seconds[rng.integers(len(seconds))])


class Difference(NamedTuple):
    """How a gradient differs from the right one."""

    equivalent: bool
    bit_equal: bool
    size: float  # the largest, relative to the largest entry of the right one
    first_values: bytes  # of the gradient at the first seed's points, rounded


def compare(subject: Subject, gradient: Callable[..., Any], wrt: tuple[int, ...]) -> Difference:
    """A gradient beside the right one, until they are found to differ."""
    bit_equal, size, first = True, 0.0, b""
    for where in _places(subject):
        claimed, true = (
            evaluate(trace(jax.vmap(fn), where), where) for fn in (gradient, _only(subject, wrt))
        )
        with np.errstate(over="ignore"):
            first = first or b"".join(c.value.astype(np.float32).tobytes() for c in claimed)
        for c, t in zip(claimed, true, strict=True):
            apart = np.abs(c.value - t.value)
            size = max(size, _relative(apart, t.value))
            bit_equal = bit_equal and np.array_equal(c.value, t.value)
            bound = c.error + t.error
            if not np.all((apart == 0) | ((apart <= bound) & np.isfinite(bound))):
                return Difference(False, False, size, first)
    return Difference(True, bit_equal, size, first)


def _relative(apart: np.ndarray, true: np.ndarray) -> float:
    largest = float(np.max(apart, initial=0.0)) / max(float(np.abs(true).max(initial=0.0)), 1e-300)
    return largest if np.isfinite(largest) else np.inf


def _only(subject: Subject, wrt: tuple[int, ...]) -> Callable[..., Any]:
    """The right gradient at some of its positions."""

    def right(*args: Any) -> tuple[Any, ...]:
        leaves = dict(zip(subject.wrt, jax.tree.leaves(subject.right(*args)), strict=True))
        return tuple(leaves[i] for i in wrt)

    return right


def _places(subject: Subject) -> Iterator[tuple[np.ndarray, ...]]:
    """Stacked points: of three fresh seeds, then of all patterns of the ids."""
    example = subject.example(np.random.default_rng(FRESH_SEEDS[0]))
    drawn = [p for seed in FRESH_SEEDS for p in points(example, samples=SAMPLES, seed=seed)]
    yield _stacked(drawn)
    if not subject.ids:
        return
    patterns = list(id_points(example, seed=FRESH_SEEDS[0]))
    for start in range(0, len(patterns), CHUNK):
        yield _stacked(patterns[start : start + CHUNK])


def _stacked(drawn: list[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    return tuple(np.stack(parts) for parts in zip(*drawn, strict=True))
