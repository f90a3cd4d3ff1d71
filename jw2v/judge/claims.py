"""Claims as data, and their verdicts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jw2v.judge.check import Verdict, check_gradient


@dataclass(frozen=True)
class Claim:
    """A claimed gradient with the loss it belongs to.

    Attributes:
      id: such as "f3.9".
      latex: the written line; a label, never parsed.
      loss: the plain loss.
      claimed: the gradient claimed, of the same arguments.
      args: example arguments; shapes, and the range of ids.
      wrt: position or positions of the gradient.
      domain: predicate of the arguments the claim is made for.
      dtypes: the precisions it is made for.
      expected: "holds", or "refuted" for a line that is known to be wrong; the verdict is computed
        all the same.
      correct: the right expression where the line is wrong.
      reading: "letter", or "meant" where the line is read as evidently meant.
      kind: "gradient", or "kernel" for a gradient by whole tables.
      terms: length of the longest sum, where no axis of an argument shows it.
    """

    id: str
    latex: str
    loss: Callable[..., Any]
    claimed: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: int | tuple[int, ...] = 0
    domain: Callable[..., bool] | None = None
    dtypes: tuple[str, ...] = ("float64", "float32")
    expected: Verdict = "holds"
    correct: str | None = None
    reading: Literal["letter", "meant"] = "letter"
    kind: str = "gradient"
    terms: int | None = None


@dataclass(frozen=True)
class Entry:
    """A claim and its verdict, as `jw2v verify --json` writes it."""

    ledger: str
    id: str
    reading: str
    kind: str
    latex: str
    verdict_value: Verdict
    verdict_step: Verdict | None
    expected: Verdict
    margin: float
    power: dict[str, float]
    diagnosis: str | None
    counterexample: dict[str, Any] | None
    correct_expression: str | None

    @property
    def as_expected(self) -> bool:
        """Whether the computed verdict is the expected one."""
        return self.verdict_value == self.expected


def verify_claims(
    claims: Sequence[Claim],
    *,
    ledger: str = "",
    dtypes: Sequence[str] | None = None,
    samples: int = 8,
    seed: int = 0,
) -> list[Entry]:
    """Judge each claim.

    Args:
      claims: in the order of the document.
      ledger: name of the ledger, for the entries.
      dtypes: instead of each claim's own.
      samples: points a claim.
      seed: of the points.

    Returns:
      One entry for each claim, in order.

    >>> import jax.numpy as jnp
    >>> claim = Claim("1", "2x", lambda x: jnp.sum(x**2), lambda x: 2 * x, (jnp.ones(2),))
    >>> [entry.verdict_value for entry in verify_claims([claim])]
    ['holds']
    """
    return [_entry(claim, ledger, dtypes or claim.dtypes, samples, seed) for claim in claims]


def _entry(claim: Claim, ledger: str, dtypes: Sequence[str], samples: int, seed: int) -> Entry:
    report = check_gradient(
        claim.loss,
        claim.claimed,
        claim.args,
        wrt=claim.wrt,
        domain=claim.domain,
        dtypes=dtypes,
        samples=samples,
        seed=seed,
        terms=claim.terms,
    )
    return Entry(
        ledger,
        claim.id,
        claim.reading,
        claim.kind,
        claim.latex,
        report.verdict,
        None,
        claim.expected,
        report.margin,
        report.power,
        report.diagnosis,
        report.counterexample,
        claim.correct,
    )
