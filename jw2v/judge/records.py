"""A page of algebra as data: a derivation and its lines.

The LaTeX of a line is a label and never parsed; its callable is the claim. Two things are asked of
a line: is it what the derivation is of (*value*), and does it follow from the line before (*step*)?
Two slips can cancel, so both are needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

Verdict = Literal["holds", "refuted", "undecided"]
Reading = Literal["letter", "meant"]
Kind = Literal[
    "defines",
    "equals",
    "gradient",
    "vjp",
    "zero",
    "accumulates",
    "invariant",
    "complexity",
    "kernel",
    "update",
    "bound",
]


@dataclass(frozen=True)
class Step:
    """One line: what it says, and what is expected of it (the verdicts are computed all the same).

    Attributes:
      id: such as "f3.9".
      latex: the written line; a label.
      fn: the line as a function of the derivation's arguments.
      kind: "equals" for a line of a chain; "gradient" for an answer; "defines" for a definition;
        "zero" for exact zeros, compared bit for bit; "vjp" for a function whose last argument is a
        cotangent, drawn at random; "accumulates", "invariant", "kernel" and "update" for claims
        about repeated ids, sums, blocks and optimizers; "bound" for an error that is nowhere
        above its bound; "complexity" for an order of growth, of
        which `fn(n)` gives `(function, arguments)` at size n.
      target: what the line must equal, a plain function of the same arguments; None: what the
        derivation is of.
      after: id of the line it follows from; None: the line before it in the derivation; "": none.
      expect: of the value.
      expect_step: of the step.
      correct: the right expression in LaTeX where the line is wrong.
      correct_fn: the right expression; judged too.
      reading: "letter", or "meant" where the line is read as evidently meant.
      note: what is wrong with the notation, or how the line is read.
      order: of a complexity, the exponent of n.
      domain: instead of the derivation's.
    """

    id: str
    latex: str
    fn: Callable[..., Any]
    kind: Kind = "equals"
    target: Callable[..., Any] | None = None
    after: str | None = None
    expect: Verdict = "holds"
    expect_step: Verdict = "holds"
    correct: str | None = None
    correct_fn: Callable[..., Any] | None = None
    reading: Reading = "letter"
    note: str = ""
    order: float | None = None
    domain: Callable[..., bool] | None = None


@dataclass(frozen=True)
class Derivation:
    """What the lines are of, where they are claimed, and the lines.

    Attributes:
      id: such as "f1".
      of: plain function of `args`: a scalar loss where `wrt` is given.
      args: example arguments; float arrays are redrawn at their shapes, integer arrays are ids.
      steps: the lines in their order.
      wrt: the lines are the gradient of `of` with respect to the argument at this position (a tuple
        of positions: of these); None: the lines are `of` itself.
      domain: predicate of the arguments that the lines are claimed for; None is everywhere.
      dtypes: the precisions they are claimed at; algebra on paper is tried in float64 alone.
      cite: where they are written.

    >>> import jax.numpy as jnp
    >>> square = Derivation("square", lambda x: x @ x, (jnp.ones(3),), wrt=0, steps=(
    ...     Step("1", "2x", lambda x: 2 * x),
    ... ))
    >>> square.steps[0].kind
    'equals'
    """

    id: str
    of: Callable[..., Any]
    args: tuple[Any, ...]
    steps: tuple[Step, ...]
    wrt: int | tuple[int, ...] | None = None
    domain: Callable[..., bool] | None = None
    dtypes: Sequence[str] = ("float64",)
    cite: str = ""


def claim(
    id: str,
    loss: Callable[..., Any],
    claimed: Callable[..., Any],
    args: tuple[Any, ...],
    *,
    wrt: int | tuple[int, ...] = 0,
    latex: str = "",
    kind: Kind = "gradient",
    expect: Verdict = "holds",
    domain: Callable[..., bool] | None = None,
    dtypes: Sequence[str] = ("float64", "float32"),
    cite: str = "",
) -> Derivation:
    """A derivation of one line: a gradient that is code; arguments as of the two records.

    >>> claim("1", lambda x: x @ x, lambda x: 2 * x, (1.0,)).steps[0].kind
    'gradient'
    """
    step = Step(id, latex, claimed, kind=kind, expect=expect)
    return Derivation(id, loss, args, (step,), wrt=wrt, domain=domain, dtypes=dtypes, cite=cite)


def fault_of(derivations: Any) -> str | None:
    """What is wrong with what a ledger names DERIVATIONS, in one line; None where nothing is.

    >>> fault_of(claim("1", lambda x: x @ x, lambda x: 2 * x, (1.0,)))
    'DERIVATIONS is no tuple of jw2v.judge.Derivation; write DERIVATIONS = (Derivation(...),)'
    """
    if not isinstance(derivations, tuple) or not all(
        isinstance(derivation, Derivation) for derivation in derivations
    ):
        return (
            "DERIVATIONS is no tuple of jw2v.judge.Derivation; write "
            "DERIVATIONS = (Derivation(...),)"
        )
    faults = (_fault_of_steps(derivation) for derivation in derivations)
    return next((fault for fault in faults if fault is not None), None)


def _fault_of_steps(derivation: Derivation) -> str | None:
    steps = derivation.steps
    if not isinstance(steps, (tuple, list)) or not all(isinstance(step, Step) for step in steps):
        return f"steps of {derivation.id} is no tuple of Step; write steps=(Step(...),)"
    for step in steps:
        for name, known in (("kind", Kind), ("expect", Verdict), ("expect_step", Verdict)):
            if getattr(step, name) not in get_args(known):
                return f"{name} of {step.id} is {getattr(step, name)}, not one of " + ", ".join(
                    get_args(known)
                )
    return None


@dataclass(frozen=True)
class Entry:
    """A line and its verdicts, as `jw2v verify --json` writes them."""

    ledger: str
    id: str
    reading: Reading
    kind: Kind
    latex: str
    verdict_value: Verdict
    verdict_step: Verdict | None  # None for the first line of a derivation, and for definitions
    expected: Verdict
    expected_step: Verdict | None
    margin: float  # the worst error in bounds
    power: dict[str, float]  # by dtype: the smallest relative change that would have failed
    diagnosis: str | None
    counterexample: dict[str, Any] | None
    correct_expression: str | None
    scope: str  # what was tried
    note: str
    source: str  # of the callable: the code that was judged
    seconds: float

    @property
    def as_expected(self) -> bool:
        """Whether both computed verdicts are the expected ones."""
        return (self.verdict_value, self.verdict_step) == (self.expected, self.expected_step)
