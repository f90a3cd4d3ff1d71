"""The judge's own measure: it must refute every wrong gradient that one edit makes of a right one.

The mutants of a right gradient are judged by the rule that judges claims, in float64, in NumPy. One
that is not refuted must be equivalent, and that is computed: it gives the original's bits on all
patterns of ids and at three fresh seeds, or agrees with it to forty digits there, as expressions
do that are equal after simplification (an index wrapped for negative ids that cannot occur, another
shift of a softmax). What is neither is alive: a wrong gradient that the judge let pass.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from jw2v.errors import UsageError
from jw2v.judge.arithmetic.bounds import UnsupportedError, trace
from jw2v.judge.arithmetic.digits import DECIMAL, fifty_digits, same
from jw2v.judge.arithmetic.rules import Bounded
from jw2v.judge.check import stacked_points
from jw2v.judge.compare import Leaf, Measured, Points, find, rounded_to, true_values
from jw2v.judge.mutation.edits import Edit, edits
from jw2v.judge.mutation.replay import Replay
from jw2v.judge.records import Derivation, Kind, Step
from jw2v.judge.witness import true_gradient

MOST_EQUIVALENT = 0.4  # share of the mutants: with more the score measures nothing
FRESH_SEEDS = 3
SCORED: frozenset[Kind] = frozenset({"equals", "gradient", "kernel", "update", "accumulates"})
"""Kinds of lines that have mutants: functions of the derivation's arguments."""
BITS, FORTY_DIGITS = "bit-equal", "equal to forty digits"


@dataclass(frozen=True)
class Equivalent:
    """A mutant that is the original after all, and why."""

    edit: Edit
    reason: str

    def __str__(self) -> str:
        """The edit and the reason."""
        return f"{self.edit}: {self.reason}"


@dataclass(frozen=True)
class Score:
    """What became of the mutants of a right line.

    Attributes:
      name: of the line.
      mutants: how many were judged.
      killed: how many were refuted.
      equivalent: those that are the original after all.
      alive: those that are neither.
    """

    name: str
    mutants: int
    killed: int
    equivalent: tuple[Equivalent, ...]
    alive: tuple[Edit, ...]

    @property
    def share(self) -> float:
        """Of the equivalents among the mutants."""
        return len(self.equivalent) / max(self.mutants, 1)

    @property
    def fails(self) -> bool:
        """Whether a wrong mutant is alive, or too many are equivalent for the score to count."""
        return bool(self.alive) or self.share > MOST_EQUIVALENT

    def __str__(self) -> str:
        """The numbers, then the equivalents with their reasons, and what is alive."""
        head = (
            f"{self.name}: {self.killed} of {self.mutants - len(self.equivalent)} mutants refuted, "
            f"{len(self.equivalent)} more equivalent ({self.share:.0%})"
        )
        rest = [f"  {e}" for e in self.equivalent] + [f"  ALIVE {edit}" for edit in self.alive]
        return "\n".join([head, *rest])


def mutation_score(
    derivation: Derivation,
    step: Step | None = None,
    *,
    samples: int = 8,
    seed: int = 0,
    most: int | None = None,
    dtype: str = "float64",
) -> Score:
    """Judge all one-edit mutants of a right line.

    Args:
      derivation: what the line is of; of a gradient of a stranger's, `claim(...)`.
      step: the line, which holds; None: the last.
      samples: points of the judge, besides those of the id patterns.
      seed: of the points, and of the sample of mutants.
      most: mutants; where there are more, a sample of so many is judged.
      dtype: the precision the line is traced and judged at.

    Raises:
      UsageError: the line does not hold itself, or has an operation that the bounds have no rule
        for.

    >>> from jw2v.judge.records import claim
    >>> square = claim("square", lambda x: x @ x, lambda x: 2 * x, (np.ones(3),))
    >>> print(mutation_score(square))
    square: 8 of 8 mutants refuted, 0 more equivalent (0%)
    """
    step = step or derivation.steps[-1]
    trial = _Trial(derivation, step, samples=samples, seed=seed, dtype=dtype)
    mutants = _sample(list(edits(trial.closed)), most, seed)
    alive = [edit for edit in mutants if not trial.refutes(edit)]
    reasons = [(edit, trial.equivalence(edit)) for edit in alive]
    return Score(
        step.id,
        len(mutants),
        len(mutants) - len(alive),
        tuple(Equivalent(edit, reason) for edit, reason in reasons if reason),
        tuple(edit for edit, reason in reasons if not reason),
    )


def score_entries(
    derivations: Iterable[Derivation], *, most: int | None = None, seed: int = 0
) -> list[dict[str, Any]]:
    """The scores of all lines that are expected to hold, as data for a report.

    Args:
      derivations: their lines of the kinds in `SCORED` are taken.
      most: mutants of a line.
      seed: of points and samples.

    Returns:
      For each line its id, the numbers of mutants, killed and equivalent, the share of equivalents,
      the equivalents and those alive in words, and whether the score fails.
    """
    return [
        {
            "id": score.name,
            "mutants": score.mutants,
            "killed": score.killed,
            "equivalent": len(score.equivalent),
            "share": score.share,
            "equivalents": [str(e) for e in score.equivalent],
            "alive": [str(edit) for edit in score.alive],
            "fails": score.fails,
        }
        for derivation in derivations
        for step in derivation.steps
        if step.kind in SCORED and step.expect == "holds"
        for dtype in [derivation.dtypes[0]]
        for score in [mutation_score(derivation, step, most=most, seed=seed, dtype=dtype)]
    ]


class _Trial:
    """A right line, what the judge knows of it, and its mutants' fate."""

    def __init__(
        self, derivation: Derivation, step: Step, *, samples: int, seed: int, dtype: str
    ) -> None:
        if step.kind not in SCORED:
            raise UsageError(f"{step.id} is of kind {step.kind}; mutants are of {sorted(SCORED)}")
        self.args, self.seed, self.dtype = derivation.args, seed, dtype
        self.domain = step.domain or derivation.domain
        self.points = self._points(samples, seed)
        self.truth = true_values(_target(derivation, step), self.points, dtype=dtype)
        traced = trace(step.fn, self.args, dtype=dtype)
        self.replay = Replay(traced, _apart(self.points))
        self.closed = self.replay.closed
        if self._verdict(self.replay.outputs(self.closed), range(len(self.replay))) != "holds":
            raise UsageError(f"{step.id} does not hold; mutants are of lines that do")

    def _points(self, samples: int, seed: int) -> Points:
        points = stacked_points(
            self.args, samples=samples, seed=seed, domain=self.domain, dtypes=(self.dtype,)
        )
        return tuple(rounded_to(x, self.dtype) for x in points)

    def refutes(self, edit: Edit) -> bool:
        """Whether the judge refutes a mutant: at one point, so at all of them together."""
        outputs = self.replay.outputs(edit.jaxpr)
        return any(self._verdict([out], [i]) == "refuted" for i, out in enumerate(outputs))

    def _verdict(self, outputs: Iterable[Sequence[Bounded]], points: Sequence[int]) -> str:
        """The judge's, of outputs at some of the points."""
        leaves = tuple(
            Leaf(
                np.stack([x.value for x in claimed]),
                true.value[points],
                np.stack([x.error for x in claimed]) + true.error[points],
            )
            for claimed, true in zip(zip(*outputs, strict=True), self.truth.outputs, strict=True)
        )
        at = tuple(x[points] for x in self.points)
        return find([Measured(self.dtype, at, leaves, self.truth.no_rule)]).verdict

    def equivalence(self, edit: Edit) -> str | None:
        """Why a mutant is the original after all; None where it is not."""
        mutant, original = self.fresh.follow(edit.jaxpr), self.fresh.follow(self.closed)
        differ = [
            i
            for i in range(len(self.fresh))
            if not _all_agree(mutant(i), original(i), np.array_equal)
        ]
        if not differ:
            return BITS
        return FORTY_DIGITS if self._same_function(edit, differ) else None

    def _same_function(self, edit: Edit, points: Sequence[int]) -> bool:
        mutant, original = self.exact.follow(edit.jaxpr), self.exact.follow(self.closed)
        try:
            with fifty_digits():
                return all(_all_agree(mutant(i), original(i), same) for i in points)
        except UnsupportedError:
            return False

    @cached_property
    def fresh(self) -> Replay:
        """At points the judge has not seen: of three seeds, all id patterns among them."""
        return Replay(self.closed, self._fresh_points())

    @cached_property
    def exact(self) -> Replay:
        """The same points, in decimals."""
        return Replay(self.closed, self._fresh_points(), arithmetic=DECIMAL)

    def _fresh_points(self) -> list[tuple[np.ndarray, ...]]:
        ids = any(np.asarray(x).dtype.kind in "iu" for x in self.args)
        seeds = range(self.seed + 1, self.seed + 1 + FRESH_SEEDS)
        return [p for s in seeds for p in _apart(self._points(4 if ids else 1, s))]


def _all_agree(
    some: Sequence[Bounded], others: Sequence[Bounded], agree: Callable[..., bool]
) -> bool:
    return all(agree(one.value, other.value) for one, other in zip(some, others, strict=True))


def _target(derivation: Derivation, step: Step) -> Callable[..., Any]:
    if step.target is not None or derivation.wrt is None:
        return step.target or derivation.of
    return true_gradient(derivation.of, derivation.wrt, derivation.args)


def _apart(points: Points) -> list[tuple[np.ndarray, ...]]:
    return list(zip(*points, strict=True))


def _sample(mutants: list[Edit], most: int | None, seed: int) -> list[Edit]:
    if most is None or len(mutants) <= most:
        return mutants
    chosen = np.random.default_rng(seed).choice(len(mutants), most, replace=False)
    return [mutants[i] for i in sorted(chosen)]
