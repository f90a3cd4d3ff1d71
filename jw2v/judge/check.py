"""The check of one claimed gradient against autodiff of the plain loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.errors import UsageError
from jw2v.judge.arithmetic.bounds import UNIT_ROUNDOFF
from jw2v.judge.compare import Measured, Points, find, fresh, measure, rounded_to, traced
from jw2v.judge.diagnosis.diagnose import diagnose
from jw2v.judge.patterns import MOST_IDS, id_points
from jw2v.judge.records import Verdict
from jw2v.judge.sampling import are_ids, border_points, points
from jw2v.judge.text import rows
from jw2v.judge.witness import hear, true_gradient


@dataclass(frozen=True)
class Report:
    """What the judge says of a claim.

    Attributes:
      verdict: "holds" (every entry within its bound at every point), "refuted", or "undecided": at
        some precision more than 1 % of the entries are nowhere ten times their bound, all gradients
        are zero everywhere, one is not finite somewhere (narrow the domain), one is farther off
        than a bound that is coarse, or the witnesses disagree.
      diagnosis: what is wrong, "unknown" where no cause explains it; why nothing is decided. None
        if it holds.
      counterexample: arguments of small numbers where there are some, and the argument and entry of
        the gradient with its claimed and true value; None if it holds.
      margin: the worst error in bounds.
      power: for each dtype, the smallest relative change that would have failed in every entry.
      scope: what was tried.
    """

    verdict: Verdict
    diagnosis: str | None
    counterexample: dict[str, Any] | None
    margin: float
    power: dict[str, float]
    scope: str

    def __str__(self) -> str:
        """The verdict in a line or two."""
        power = ", ".join(f"{share:.1g} in {dtype}" for dtype, share in self.power.items())
        lines = [f"{self.verdict} ({self.scope}; worst error {self.margin:.2g} of its bound)"]
        if self.verdict == "holds":
            lines.append(f"  a relative change of {power} in any entry would have failed")
        if self.diagnosis:
            lines.append(f"  {self.diagnosis}")
        if self.counterexample:
            shown = ", ".join(f"{name} = {value}" for name, value in rows(self.counterexample))
            lines.append(f"  {shown}")
        return "\n".join(lines)


def check_gradient(
    loss: Callable[..., Any],
    claimed: Callable[..., Any],
    args: Sequence[Any],
    *,
    wrt: int | tuple[int, ...] = 0,
    domain: Callable[..., bool] | None = None,
    dtypes: Sequence[str] = ("float64", "float32"),
    samples: int = 8,
    seed: int = 0,
    twin: Callable[..., Any] | None = None,
    explain: bool = True,
) -> Report:
    """Judge a claimed gradient against `jax.grad` of the loss, entry by entry.

    The truth is computed in float64 in NumPy, the claim at each dtype on the backend, at the same
    points rounded to it. An entry may differ by as much as the roundings of its own arithmetic can
    add up to (`jw2v.judge.arithmetic.rules`); there is no other tolerance. Of up to five ids all
    patterns of coincidence are tried that so many words allow. Where an operation has no rule, its
    bound is a coarse one, which may confirm a claim, and refutes only what is off by far more.

    Args:
      loss: scalar function of `args`; it must be plain, without derivatives of its own.
      claimed: takes the same arguments and returns the gradient, a tuple where `wrt` is one.
      args: an example; float arrays are redrawn at its shapes. Integer arrays are ids, drawn from 0
        to the largest of each, or labels, drawn from their own, where one is negative.
      wrt: position, or positions, of the arguments the gradient is taken of.
      domain: predicate of the arguments that the claim is made for; None is everywhere.
      dtypes: of "float64", "float32", "bfloat16" and "float16".
      samples: points tried at each dtype, besides those of the patterns.
      seed: of the points.
      twin: the loss once more, in operations that are analytic in complex arguments; its complex
        step is then a further witness.
      explain: name the mistake of a refuted claim and search small numbers that show it; takes
        seconds at most.

    Returns:
      The report; `print(report)` shows it.

    Raises:
      UsageError: an option that cannot be used, a loss that is no independent witness, a claim of
        shapes that are not even the transposed ones, or a domain that no point is found in.

    >>> import jax.numpy as jnp
    >>> loss = lambda x, y: jnp.sum(x * y**2)
    >>> print(check_gradient(loss, lambda x, y: y**2, (jnp.ones(3), jnp.ones(3))).verdict)
    holds
    >>> report = check_gradient(loss, lambda x, y: -2 * x * y, (jnp.ones(3), jnp.ones(3)), wrt=1)
    >>> report.verdict, report.diagnosis
    ('refuted', 'sign: claimed = -1 × true')
    """
    positions = (wrt,) if isinstance(wrt, int) else wrt
    check_options(args, dtypes, samples)
    loss, claimed = fresh(loss), fresh(claimed)
    _check_positions(args, positions)
    truth = true_gradient(loss, wrt, tuple(args))
    where = stacked_points(
        tuple(args), samples=samples, seed=seed, domain=domain, dtypes=tuple(dtypes)
    )
    if turned := transposed(claimed, truth, tuple(args)):
        return Report("refuted", turned, None, float("inf"), {}, "shapes alone")
    measured = [measure(claimed, truth, where, dtype=dtype) for dtype in dtypes]
    finding, scope = find(measured), scope_of(measured)
    hearing = hear(loss, truth, positions, where, twin=twin, seed=seed)
    if not hearing.agree:
        why = (
            f"the witnesses disagree: Taylor slope {hearing.taylor}, complex step off by "
            f"{hearing.complex_step}; autodiff of this loss may not be its derivative"
        )
        return Report("undecided", why, None, finding.margin, finding.power, scope)
    diagnosis, counterexample = finding.why, None
    if finding.worst is not None:
        worst = dict(finding.worst)
        counterexample = {"argument": positions[worst.pop("output")], **worst}
    if finding.worst is not None and explain:
        options: dict[str, Any] = {"loss": loss, "wrt": wrt, "domain": domain, "seed": seed}
        found = diagnose(claimed, truth, args, **options)
        diagnosis, counterexample = found.text, found.counterexample or counterexample
    return Report(finding.verdict, diagnosis, counterexample, finding.margin, finding.power, scope)


def stacked_points(
    args: tuple[Any, ...],
    *,
    samples: int,
    seed: int,
    domain: Callable[..., bool] | None,
    dtypes: tuple[str, ...],
) -> Points:
    """Generic points of the domain, those of `border_points` and `id_points`, stacked.

    Raises:
      UsageError: no point of the domain is found.
    """

    def within(*point: np.ndarray) -> bool:
        return domain is None or all(
            _one_bool(domain(*(rounded_to(x, d) for x in point))) for d in dtypes
        )

    drawn = list(points(args, samples=samples, seed=seed, domain=within))
    drawn += border_points(args, seed=seed, domain=within)
    ids = sum(np.size(x) for x in args if are_ids(np.asarray(x)))
    if 1 < ids <= MOST_IDS:
        drawn += id_points(args, seed=seed, domain=within)
    return tuple(np.stack(parts) for parts in zip(*drawn, strict=True))


def _one_bool(inside: Any) -> bool:
    if np.ndim(inside):
        raise UsageError("the domain gives an array; give one bool, as with .all()")
    return bool(inside)


def check_options(args: Sequence[Any], dtypes: Sequence[str], samples: int) -> None:
    """Refuse arguments that are no arrays of numbers, unknown dtypes, fewer samples than one.

    Raises:
      UsageError: one of them.
    """
    if not isinstance(args, (tuple, list)):
        raise UsageError("args is no tuple; give one, as (x,) for a single argument")
    for i, x in enumerate(args):
        if why := _no_numbers(x):
            raise UsageError(f"argument {i} is {why}")
    if not dtypes or not set(dtypes) <= set(UNIT_ROUNDOFF):
        raise UsageError(f"dtypes are {tuple(dtypes)}; give some of {', '.join(UNIT_ROUNDOFF)}")
    if samples < 1:
        raise UsageError(f"samples is {samples}; give 1 or more")


def _no_numbers(x: Any) -> str | None:
    """What an argument is, and what to do, where it is no array of numbers."""
    if isinstance(x, (dict, list, tuple, set, str)) or x is None:
        return f"a {type(x).__name__}; give an array of numbers"
    dtype = jnp.result_type(x)
    if jnp.issubdtype(dtype, jax.dtypes.extended):
        return "a random key; have the functions make it, so that it is the same everywhere"
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return "complex; give its real and imaginary parts"
    return None


def _check_positions(args: Sequence[Any], positions: tuple[int, ...]) -> None:
    floating = [i for i, x in enumerate(args) if _is_float(x)]
    if not positions or not set(positions) <= set(floating):
        raise UsageError(f"wrt is {positions}; give positions of float arguments, of {floating}")


def transposed(
    claimed: Callable[..., Any], true: Callable[..., Any], args: tuple[Any, ...]
) -> str | None:
    """What to say of a claim whose shapes are the true ones, read backwards; None of others.

    >>> transposed(lambda x: 2 * x.T, lambda x: 2 * x, (np.ones((2, 3)),))
    'transpose: the claim has shapes [(3, 2)], the arguments [(2, 3)]'
    """
    claim, truth = (
        [tuple(aval.shape) for aval in traced(fn, args).out_avals] for fn in (claimed, true)
    )
    if claim == truth or len(claim) != len(truth):
        return None
    if any(c not in (t, t[::-1]) for c, t in zip(claim, truth, strict=True)):
        return None
    return f"transpose: the claim has shapes {claim}, the arguments {truth}"


def _is_float(x: Any) -> bool:
    return bool(jnp.issubdtype(jnp.result_type(x), jnp.floating))


def scope_of(measured: Sequence[Measured]) -> str:
    """What was tried, in words."""
    dtypes = ", ".join(m.dtype for m in measured)
    coarse = {m.coarse for m in measured if m.coarse}
    bound = f", coarse bound for {', '.join(sorted(coarse))}" if coarse else ""
    return f"{len(measured[0].points[0])} points, {dtypes}, {jax.default_backend()}{bound}"
