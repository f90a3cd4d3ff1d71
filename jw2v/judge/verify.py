"""The verdicts on the lines of derivations."""

import inspect
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import jax

from jw2v.errors import UsageError
from jw2v.judge.check import check_options, scope_of, stacked_points, transposed
from jw2v.judge.compare import (
    Claimed,
    Finding,
    Measured,
    Points,
    Truth,
    beside,
    claimed_values,
    find,
    fresh,
    true_values,
)
from jw2v.judge.diagnosis.diagnose import diagnose
from jw2v.judge.growth import growth
from jw2v.judge.records import Derivation, Entry, Step
from jw2v.judge.witness import hear, true_gradient

ORDER_TOLERANCE = 0.05  # of a measured exponent


def verify_derivations(
    derivations: Iterable[Derivation],
    *,
    ledger: str = "",
    dtypes: Sequence[str] | None = None,
    samples: int = 8,
    seed: int = 0,
) -> list[Entry]:
    """Judge every line.

    Args:
      derivations: in the order of the document.
      ledger: its name, for the entries.
      dtypes: instead of each derivation's own.
      samples: points a line, besides those of the id patterns.
      seed: of the points.

    Returns:
      One entry for each line, in order.

    >>> import numpy as np
    >>> square = Derivation("square", lambda x: x @ x, (np.ones(3),), wrt=0, steps=(
    ...     Step("1", "2x", lambda x: 2 * x), Step("2", "x + x", lambda x: x + x)))
    >>> [(entry.verdict_value, entry.verdict_step) for entry in verify_derivations([square])]
    [('holds', None), ('holds', 'holds')]
    """
    entries: list[Entry] = []
    for derivation in derivations:
        court = _Court(derivation, dtypes=dtypes, samples=samples, seed=seed)
        entries += [court.judge(step, ledger) for step in derivation.steps]
    return entries


def judge_step(
    derivation: Derivation,
    step: Step,
    *,
    ledger: str = "",
    dtypes: Sequence[str] | None = None,
    samples: int = 8,
    seed: int = 0,
) -> Entry:
    """Judge one line of a derivation; see `verify_derivations`.

    Raises:
      UsageError: as `jw2v.check_gradient`, or the line follows from one that is not there.
    """
    return _Court(derivation, dtypes=dtypes, samples=samples, seed=seed).judge(step, ledger)


def line_before(derivation: Derivation, step: Step) -> Step | None:
    """The line that a line follows from; None for the first, a definition, or `after=""`.

    Raises:
      UsageError: there is no line of the id that `after` names.

    >>> one, two = Step("1", "", abs), Step("2", "", abs)
    >>> d = Derivation("d", abs, (1.0,), (one, two))
    >>> line_before(d, two) is one, line_before(d, one)
    (True, None)
    """
    if step.kind in ("defines", "complexity") or step.after == "":
        return None
    earlier = derivation.steps[: derivation.steps.index(step)]
    if step.after is None:
        return earlier[-1] if earlier else None
    named = [other for other in earlier if other.id == step.after]
    if not named:
        raise UsageError(f"it follows from {step.after}, which is not before it")
    alike = [other for other in named if other.reading == step.reading]
    return (alike or named)[-1]


class _Court:
    """One derivation: its points and truths are computed once for all its lines."""

    def __init__(
        self, derivation: Derivation, *, dtypes: Sequence[str] | None, samples: int, seed: int
    ) -> None:
        self.derivation = derivation
        self.dtypes = tuple(dtypes or derivation.dtypes)
        self.known: dict[int, Callable[..., Any]] = {}
        own = self.own
        check_options(derivation.args, self.dtypes, samples)

        @cache
        def points(domain: Callable[..., bool] | None) -> Points:
            return stacked_points(
                derivation.args, samples=samples, seed=seed, domain=domain, dtypes=self.dtypes
            )

        @cache
        def truth(fn: Callable[..., Any], domain: Any, dtype: str) -> Truth:
            if dtype == "float64" and any(fn is own(step.fn) for step in derivation.steps):
                line = claimed(fn, domain, dtype)  # evaluated in float64 already, for its bound
                if line.bounded is not None:
                    return Truth(line.bounded, None)
            return true_values(fn, points(domain), dtype=dtype)

        @cache
        def claimed(fn: Callable[..., Any], domain: Any, dtype: str) -> Claimed:
            return claimed_values(fn, points(domain), dtype=dtype)

        @cache
        def target() -> Callable[..., Any]:
            of = own(derivation.of)
            return of if derivation.wrt is None else _gradient(derivation, of)

        @cache
        def witnesses_agree(domain: Callable[..., bool] | None) -> bool:
            wrt = derivation.wrt
            if wrt is None or any(step.kind == "vjp" for step in derivation.steps):
                return True
            positions = (wrt,) if isinstance(wrt, int) else wrt
            return hear(own(derivation.of), target(), positions, points(domain), seed=seed).agree

        self.claimed, self.truth, self.target = claimed, truth, target
        self.witnesses_agree = witnesses_agree

    def own(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """A function as it is here and now; of one function always the same."""
        return self.known.setdefault(id(fn), fresh(fn))

    def judge(self, step: Step, ledger: str) -> Entry:
        try:
            return self._judged(step, ledger)
        except UsageError as error:
            raise UsageError(f"line {step.id}: {error}") from error

    def _judged(self, step: Step, ledger: str) -> Entry:
        began = time.perf_counter()
        of_step = diagnosis = counterexample = None
        if step.kind == "complexity":
            finding, scope = _of_growth(step)
        elif turned := self.turned(step):
            finding, scope = Finding("refuted", float("inf"), {}, None), "shapes alone"
            of_step = None if line_before(self.derivation, step) is None else "refuted"
            diagnosis = turned
        else:
            measured = self.measured(step, self.value_target(step))
            finding = find(measured, zeros=step.kind in ("zero", "invariant"))
            if step.target is None and not self.witnesses_agree(self.domain(step)):
                finding = finding._replace(verdict="undecided", why="the witnesses disagree")
            of_step = self.follows(step)
            scope, diagnosis = scope_of(measured), finding.why
            if finding.verdict == "refuted" and step.kind != "kernel":  # too large to take apart
                diagnosis, counterexample = self.diagnosed(step)
        return Entry(
            ledger=ledger,
            id=step.id,
            reading=step.reading,
            kind=step.kind,
            latex=step.latex,
            verdict_value=finding.verdict,
            verdict_step=of_step,
            expected=step.expect,
            expected_step=None if of_step is None else step.expect_step,
            margin=finding.margin,
            power=finding.power,
            diagnosis=diagnosis,
            counterexample=counterexample or finding.worst,
            correct_expression=step.correct if self.is_corrected(step) else None,
            scope=scope,
            note=step.note,
            source=_source(step.fn),
            seconds=time.perf_counter() - began,
        )

    def domain(self, step: Step) -> Callable[..., bool] | None:
        return step.domain or self.derivation.domain

    def value_target(self, step: Step) -> Callable[..., Any]:
        return self.target() if step.target is None else self.own(step.target)

    def turned(self, step: Step) -> str | None:
        return transposed(self.own(step.fn), self.value_target(step), self.derivation.args)

    def measured(self, step: Step, target: Callable[..., Any], fn: Any = None) -> list[Measured]:
        """The line, or `fn` in its place, beside a target at each precision."""
        domain, line = self.domain(step), self.own(fn or step.fn)
        return [
            beside(self.claimed(line, domain, dtype), self.truth(target, domain, dtype))
            for dtype in self.dtypes
        ]

    def follows(self, step: Step) -> Any:
        before = line_before(self.derivation, step)
        if before is None:
            return None
        return find(
            self.measured(step, self.own(before.fn)), zeros=step.kind in ("zero", "invariant")
        ).verdict

    def diagnosed(self, step: Step) -> tuple[str, dict[str, Any] | None]:
        d = self.derivation
        gradient = step.target is None and step.kind != "vjp" and d.wrt is not None
        found = diagnose(
            self.own(step.fn),
            self.value_target(step),
            d.args,
            loss=self.own(d.of) if gradient else None,
            wrt=d.wrt if gradient else None,
            domain=self.domain(step),
        )
        return found.text, found.counterexample

    def is_corrected(self, step: Step) -> bool:
        """Whether the right expression that the ledger gives is right."""
        if step.correct is None or step.correct_fn is None:
            return False
        return (
            find(self.measured(step, self.value_target(step), step.correct_fn)).verdict == "holds"
        )


def _gradient(derivation: Derivation, of: Callable[..., Any]) -> Callable[..., Any]:
    wrt = derivation.wrt
    assert wrt is not None
    if not any(step.kind == "vjp" for step in derivation.steps):
        return true_gradient(of, wrt, derivation.args)

    def pulled_back(*args: Any) -> Any:
        *point, cotangent = args
        _, pull = jax.vjp(of, *point)
        grads = pull(cotangent)
        return grads[wrt] if isinstance(wrt, int) else tuple(grads[i] for i in wrt)

    return pulled_back


def _of_growth(step: Step) -> tuple[Finding, str]:
    order = growth(step.fn)
    off = abs(order - (step.order or 0.0)) / ORDER_TOLERANCE
    worst = {"claimed": step.order, "true": round(order, 3)} if off > 1 else None
    verdict = "holds" if off <= 1 else "refuted"
    return Finding(verdict, off, {}, worst), f"operations counted, growing as n^{order:.3f}"


def _source(fn: Callable[..., Any]) -> str:
    """The code of a line, as its file has it; its name where there is no file."""
    try:
        return textwrap.dedent(inspect.getsource(fn)).strip()
    except (OSError, TypeError):
        return getattr(fn, "__name__", repr(fn))
