"""The check of one claimed gradient against autodiff of the plain loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jw2v.errors import UsageError
from jw2v.judge.sampling import points
from jw2v.judge.witness import witness

Verdict = Literal["holds", "refuted", "undecided"]

UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "bfloat16": 2.0**-8}
ROUNDINGS = 4  # roundings that a term of a gradient goes through, besides the sum it stands in
LIVE = 0.1  # a bound above this share of the largest true entry tests nothing


@dataclass(frozen=True)
class Trial:
    """The worst entry of one argument's gradient at one precision."""

    dtype: str
    argument: int
    entry: tuple[int, ...]
    claimed: float
    true: float
    bound: float
    scale: float  # largest true entry
    factor: float | None  # claimed = factor × true, where one factor explains every entry

    @property
    def error(self) -> float:
        """|claimed − true|; infinite where the claim is not finite."""
        error = abs(self.claimed - self.true)
        return error if np.isfinite(error) else float("inf")

    @property
    def margin(self) -> float:
        """Error in bounds: above 1 the claim is refuted."""
        if self.scale == 0:
            return 0.0 if self.error == 0 else float("inf")
        return self.error / self.bound

    @property
    def power(self) -> float:
        """The smallest change of the largest entry that would have failed, relative to it."""
        return 0.0 if self.scale == 0 else self.bound / self.scale


@dataclass(frozen=True)
class Report:
    """What the judge says of a claim.

    Attributes:
      verdict: "holds" (every entry within its bound at every point), "refuted", or "undecided": at
        some precision an argument's true gradient is nowhere ten times its bound, all gradients
        are zero everywhere, or one is not finite somewhere (narrow the domain).
      diagnosis: what is wrong, where one factor explains it; else None.
      counterexample: argument, entry, claimed and true value at the worst point; None if it holds.
      margin: the worst error in bounds.
      power: for each dtype, the smallest relative change of an argument's largest entry that would
        have failed at its best point, of the worst argument.
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
        lines = [f"{self.verdict} ({self.scope}; worst error {self.margin:.2g} of its bound)"]
        if self.diagnosis:
            lines.append(f"  {self.diagnosis}")
        if self.counterexample:
            c = self.counterexample
            lines.append(
                f"  argument {c['argument']}, entry {c['entry']} in {c['dtype']}: "
                f"claimed {c['claimed']:.6g}, true {c['true']:.6g}"
            )
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
    terms: int | None = None,
) -> Report:
    """Judge a claimed gradient against `jax.grad` of the loss, entry by entry.

    The truth is computed in float64; the claim at each dtype, at the same points rounded to it.
    An entry may differ by at most (n + 4) u (max |true| + max |argument|), where u is the dtype's
    unit roundoff and n the longest axis of an argument: a sum of n terms, each an argument times
    factors of at most 1, rounded a few times. A true gradient of exact zeros must be met exactly.

    Args:
      loss: scalar function of `args`; it must be plain, without derivatives of its own.
      claimed: takes the same arguments and returns the gradient, a tuple where `wrt` is one.
      args: an example; float arrays are redrawn at its shapes, integer arrays are ids.
      wrt: position, or positions, of the arguments the gradient is taken of.
      domain: predicate of the arguments that the claim is made for; None is everywhere.
      dtypes: "float64", "float32" or "bfloat16" (inputs rounded to it, arithmetic as claimed).
      samples: points tried at each dtype.
      seed: of the points.
      terms: n, where the longest sum is another.

    Returns:
      The report; `print(report)` shows it.

    Raises:
      UsageError: an option that cannot be used, a loss that is no independent witness, a claim of
        other shapes, or a domain that no point is found in.

    >>> import jax.numpy as jnp
    >>> loss = lambda x, y: jnp.sum(x * y**2)
    >>> print(check_gradient(loss, lambda x, y: y**2, (jnp.ones(3), jnp.ones(3))).verdict)
    holds
    >>> report = check_gradient(loss, lambda x, y: -2 * x * y, (jnp.ones(3), jnp.ones(3)), wrt=1)
    >>> report.verdict, report.diagnosis
    ('refuted', 'sign: claimed = -1 × true')
    """
    positions = (wrt,) if isinstance(wrt, int) else wrt
    _check_options(args, positions, dtypes, samples)

    def within(*point: np.ndarray) -> bool:
        return domain is None or all(domain(*(_rounded(x, d) for x in point)) for d in dtypes)

    longest = terms or max(size for x in args for size in (1, *np.shape(x)))
    true_gradient = witness(loss, positions, tuple(args))
    compiled = jax.jit(claimed)
    trials: list[Trial] = []
    for point in points(tuple(args), samples=samples, seed=seed, domain=within):
        for dtype in dtypes:
            rounded = tuple(_rounded(x, dtype) for x in point)
            truth = true_gradient(*rounded)
            claim = _claim(compiled, rounded, dtype)
            _check_shapes(claim, truth)
            unit = (longest + ROUNDINGS) * UNIT_ROUNDOFF[dtype]
            slack = unit * max(
                (
                    np.max(np.abs(x), initial=0.0)
                    for x in (x for x in rounded if np.issubdtype(x.dtype, np.floating))
                ),
                default=0,
            )
            trials += [
                _trial(dtype, where, c, t, unit, slack)
                for where, c, t in zip(positions, claim, truth, strict=True)
            ]
    scope = f"{samples} points, {', '.join(dtypes)}, {jax.default_backend()}"
    return _report(trials, scope)


def _check_options(
    args: Sequence[Any], positions: tuple[int, ...], dtypes: Sequence[str], samples: int
) -> None:
    floating = [i for i, x in enumerate(args) if jnp.issubdtype(jnp.result_type(x), jnp.floating)]
    if not positions or not set(positions) <= set(floating):
        raise UsageError(f"wrt is {positions}; give positions of float arguments, of {floating}")
    if not dtypes or not set(dtypes) <= set(UNIT_ROUNDOFF):
        raise UsageError(f"dtypes are {tuple(dtypes)}; give some of {', '.join(UNIT_ROUNDOFF)}")
    if samples < 1:
        raise UsageError(f"samples is {samples}; give 1 or more")


def _rounded(x: np.ndarray, dtype: str) -> np.ndarray:
    if not np.issubdtype(x.dtype, np.floating):
        return x
    if dtype == "bfloat16":
        return x.astype(jnp.bfloat16).astype(np.float64)
    return x.astype(dtype).astype(np.float64)


def _claim(
    claimed: Callable[..., Any], point: tuple[np.ndarray, ...], dtype: str
) -> list[np.ndarray]:
    kept = "float64" if dtype == "float64" else "float32"
    with jax.enable_x64(dtype == "float64"):
        floats = tuple(x.astype(kept) if np.issubdtype(x.dtype, np.floating) else x for x in point)
        return [np.asarray(g, np.float64) for g in jax.tree.leaves(claimed(*floats))]


def _check_shapes(claim: list[np.ndarray], truth: list[np.ndarray]) -> None:
    try:
        chex.assert_trees_all_equal_shapes(claim, truth)
    except AssertionError as error:
        shapes = [c.shape for c in claim], [t.shape for t in truth]
        raise UsageError(
            f"the claimed gradient has shapes {shapes[0]}, its arguments {shapes[1]}; "
            "return one gradient of the argument's shape for each position in wrt"
        ) from error


def _trial(
    dtype: str, argument: int, claim: np.ndarray, truth: np.ndarray, unit: float, slack: float
) -> Trial:
    scale = float(np.max(np.abs(truth), initial=0.0))
    if not np.isfinite(scale):  # there is no truth to hold the claim against
        return Trial(dtype, argument, (), 0.0, 0.0, np.inf, 1.0, None)
    bound = unit * scale + slack
    error = np.abs(claim - truth)
    error = np.where(np.isfinite(error), error, np.inf)
    if not error.size:
        return Trial(dtype, argument, (), 0.0, 0.0, bound, scale, 1.0)
    entry = np.unravel_index(int(np.argmax(error)), error.shape)
    return Trial(
        dtype,
        argument,
        tuple(int(i) for i in entry),
        float(claim[entry]),
        float(truth[entry]),
        bound,
        scale,
        _factor(claim, truth, 2 * bound),
    )


def _factor(claim: np.ndarray, truth: np.ndarray, bound: float) -> float | None:
    norm = np.sum(truth**2)
    if norm == 0 or not np.all(np.isfinite(claim)):
        return None
    factor = float(np.sum(claim * truth) / norm)
    explained = np.max(np.abs(claim - factor * truth)) <= bound * max(1.0, abs(factor))
    return factor if explained else None


def _report(trials: list[Trial], scope: str) -> Report:
    worst = max(trials, key=lambda t: t.margin)
    failed = [t for t in trials if t.margin > 1]
    power = {dtype: _power(trials, dtype) for dtype in {t.dtype: None for t in trials}}
    tested = max(power.values()) <= LIVE and any(t.scale > 0 for t in trials)
    tested = tested and all(np.isfinite(t.bound) for t in trials)
    verdict: Verdict = "refuted" if failed else "holds" if tested else "undecided"
    if not failed:
        return Report(verdict, None, None, worst.margin, power, scope)
    counterexample = {
        "argument": worst.argument,
        "entry": worst.entry,
        "dtype": worst.dtype,
        "claimed": worst.claimed,
        "true": worst.true,
    }
    return Report(verdict, _diagnosis(failed), counterexample, worst.margin, power, scope)


def _power(trials: list[Trial], dtype: str) -> float:
    by_argument: dict[int, float] = {}
    for t in trials:
        if t.dtype == dtype:
            by_argument[t.argument] = min(t.power, by_argument.get(t.argument, np.inf))
    return max(by_argument.values())


def _diagnosis(failed: list[Trial]) -> str | None:
    factors = [t.factor for t in failed]
    first = factors[0]
    if first is None or any(f is None or abs(f - first) > 1e-3 for f in factors):
        return None
    if first == 0:
        return "missing: claimed = 0"
    near = round(first, 3)
    if near == -1:
        return "sign: claimed = -1 × true"
    if near == 1:
        return f"factor: claimed = (1 + {first - 1:.2g}) × true"
    return f"factor: claimed = {near or first:.4g} × true"
