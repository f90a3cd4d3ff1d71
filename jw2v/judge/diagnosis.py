"""What is wrong with a line that was refuted: the first cause that explains it, or none.

Guesses are tried from the plainest to the most contrived, and one is stated only if it explains
fresh samples too.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from jw2v.judge.causes import repaired
from jw2v.judge.counterexample import smallest
from jw2v.judge.entries import left_out, other_rows, unmasked
from jw2v.judge.factors import multiples
from jw2v.judge.mirrors import mirrored
from jw2v.judge.occurrences import parts, terms
from jw2v.judge.regimes import accumulated, coincidences
from jw2v.judge.relabel import exchanged, other_variables, transposes
from jw2v.judge.trial import (
    Guess,
    Stage,
    Trial,
    agree,
    as_arrays,
    batched,
    names_of,
    outputs,
)

SECONDS = 4.0
"""After which no repair is searched for."""

STAGES: tuple[Stage, ...] = (
    multiples,
    transposes,
    accumulated,
    coincidences,
    other_variables,
    terms,
    mirrored,
    left_out,
    unmasked,
    other_rows,
    parts,
)


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a line.

    Attributes:
      cause: in a word or two: "sign", "factor", "missing term", "doubled term", "transpose",
        "other variable", "overwrite", "o among the negatives" (ids that coincide across arguments),
        "sigma(-x)", "edit", or "unknown".
      text: the cause and what was found, in a line.
      counterexample: small numbers where the line is wrong; None where none was found.
      line: of the user's code, "file:line", where one is to blame.
    """

    cause: str
    text: str
    counterexample: dict[str, Any] | None
    line: str | None = None


def diagnose(
    claimed: Callable[..., Any],
    true: Callable[..., Any],
    args: Sequence[Any],
    *,
    loss: Callable[..., Any] | None = None,
    wrt: int | tuple[int, ...] | None = None,
    domain: Callable[..., bool] | None = None,
    seed: int = 0,
) -> Diagnosis:
    """Name the mistake in a line that was refuted.

    Args:
      claimed: the line, a function of `args`: one array or a tuple.
      true: what it should equal.
      args: example arguments; floats are redrawn, integers are ids.
      loss: of which `true` is the gradient; None: the line is a value.
      wrt: position or positions of the gradient's variables.
      domain: predicate of the arguments.
      seed: of the samples.

    >>> import jax
    >>> loss = lambda x: (x**2).sum()
    >>> diagnose(lambda x: -2 * x, jax.grad(loss), (np.ones(3),), loss=loss, wrt=0).text
    'sign: claimed = -1 × true'
    """
    end = time.monotonic() + SECONDS
    trials = list(_wrong(claimed, true, as_arrays(args), loss, wrt, domain, seed))
    if not trials:
        return Diagnosis("unknown", "unknown: right in float64, wrong in lower precision", None)
    guesses = [_first_confirmed(trial, seed, end) for trial in trials]
    texts = _texts(trials, guesses)
    known = [guess for guess in guesses if guess is not None]
    example = smallest(trials[0], seed)
    if not known:
        return Diagnosis("unknown", "unknown", example)
    return Diagnosis(known[0].cause, texts, example, known[0].line)


def _wrong(
    claimed: Callable[..., Any],
    true: Callable[..., Any],
    args: tuple[np.ndarray, ...],
    loss: Callable[..., Any] | None,
    wrt: int | tuple[int, ...] | None,
    domain: Callable[..., bool] | None,
    seed: int,
) -> Iterator[Trial]:
    """One trial for each output that is wrong somewhere."""
    positions = (wrt,) if isinstance(wrt, int) else wrt
    count = len(jax.tree.leaves(jax.eval_shape(true, *args)))
    names = names_of((loss, true, claimed), len(args))
    for number in range(count):
        one, other = outputs(claimed, number), outputs(true, number)
        position = None if positions is None or loss is None else positions[number]
        trial = Trial(
            one, other, args, loss if position is not None else None, position, domain, names,
            batched(one), batched(other),
        )  # fmt: skip
        here = trial.draw(seed, count=64)
        if not agree(here.claimed, here.true):
            yield trial


def _first_confirmed(trial: Trial, seed: int, end: float) -> Guess | None:
    samples, fresh = trial.draw(seed), trial.draw(seed + 1)
    if not len(samples.true) or not len(fresh.true):
        return None
    remaining = partial(_remaining, end)
    for stage in (*STAGES, partial(repaired, remaining=remaining), exchanged):
        for guess in stage(trial, samples):
            if guess.confirmed(fresh):
                return guess
    return None


def _remaining(end: float) -> float:
    return max(0.0, end - time.monotonic())


def _texts(trials: Sequence[Trial], guesses: Sequence[Guess | None]) -> str:
    """The guesses in a line, each with the variable where they differ."""
    told = [guess.text if guess else "unknown" for guess in guesses]
    if len(set(told)) == 1:
        return told[0]
    return "; ".join(
        text if trial.position is None else f"gradient of {trial.names[trial.position]}: {text}"
        for trial, text in zip(trials, told, strict=True)
    )
