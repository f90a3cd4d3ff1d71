"""The bare verdict on a line: what the judge finds in the numbers, without diagnosis."""

from collections.abc import Sequence

from jw2v.judge import Derivation
from jw2v.judge.check import stacked_points
from jw2v.judge.compare import find, measure
from jw2v.judge.records import Verdict
from jw2v.judge.witness import true_gradient


def verdicts(
    derivation: Derivation, *, samples: int = 2, dtypes: Sequence[str] = ("float64",)
) -> list[Verdict]:
    """The value verdict on each line of a derivation."""
    d = derivation
    target = d.of if d.wrt is None else true_gradient(d.of, d.wrt, d.args)
    points = stacked_points(d.args, samples=samples, seed=0, domain=d.domain, dtypes=tuple(dtypes))
    return [
        find([measure(step.fn, target, points, dtype=dtype) for dtype in dtypes]).verdict
        for step in d.steps
    ]


def verdict(derivation: Derivation) -> Verdict:
    """The verdict on a derivation of one line, at two points in float64."""
    (found,) = verdicts(derivation)
    return found
