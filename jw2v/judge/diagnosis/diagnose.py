"""What is wrong with a line that was refuted: the first cause that explains it, or none.

Guesses are tried from the plainest to the most contrived, and one is stated only if it explains
fresh samples too.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np

from jw2v.judge.arithmetic.agreement import TOLERANCE, agree
from jw2v.judge.arithmetic.bounds import UnsupportedError, trace
from jw2v.judge.diagnosis.counterexample import smallest
from jw2v.judge.diagnosis.entries import left_out, other_rows, unmasked
from jw2v.judge.diagnosis.factors import multiples
from jw2v.judge.diagnosis.mirrors import mirrored
from jw2v.judge.diagnosis.occurrences import parts, terms
from jw2v.judge.diagnosis.regimes import accumulated, coincidences
from jw2v.judge.diagnosis.relabel import exchanged, other_variables, transposes
from jw2v.judge.diagnosis.repair import repaired
from jw2v.judge.diagnosis.resizing import compact, indexed
from jw2v.judge.diagnosis.trial import MANY, Guess, Stage, Trial, as_arrays, batched, names_of

SECONDS = 2.0
"""Of the processor, after which no further cause is searched for."""
MOST_SECONDS = 3.0
"""On the clock, likewise."""

UNKNOWN = Guess("unknown", "unknown", lambda fresh: True)
NOT_FINITE = Guess("unknown", "unknown: not finite at any of the points", lambda fresh: True)

WHOLE: tuple[Stage, ...] = (multiples, transposes)
"""What is told of the line at the sizes that it is given at, if they are not too large."""
MOST_NUMBERS = 50_000  # in its arguments
PARTS: tuple[Stage, ...] = (
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
        "repeated ids", "sigma(-x)", "edit", or "unknown".
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
    """Name the mistake in a line that was refuted; "unknown" of what NumPy cannot follow.

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
    try:
        return _diagnosed(claimed, true, as_arrays(args), loss, wrt, domain, seed)
    except UnsupportedError as missing:
        return Diagnosis("unknown", f"unknown: {missing} cannot be followed in NumPy", None)


def _diagnosed(
    claimed: Callable[..., Any],
    true: Callable[..., Any],
    arrays: tuple[np.ndarray, ...],
    loss: Callable[..., Any] | None,
    wrt: int | tuple[int, ...] | None,
    domain: Callable[..., bool] | None,
    seed: int,
) -> Diagnosis:
    remaining = partial(_remaining, time.thread_time() + SECONDS, time.monotonic() + MOST_SECONDS)
    trial = trial_of(claimed, true, arrays, loss=loss, wrt=wrt, domain=domain)
    count = len(trace(true, arrays).out_avals)
    trials = [_compacted(of_output(trial, number, wrt), seed) for number in range(count)]
    wrong = [trial for trial in trials if _is_wrong(trial, seed)]
    if not wrong:
        return Diagnosis("unknown", f"unknown: right to {TOLERANCE:g} in float64", None)
    guesses = [_first_confirmed(trial, arrays, seed, remaining) for trial in wrong]
    first = next((guess for guess in guesses if guess.cause != "unknown"), UNKNOWN)
    return Diagnosis(first.cause, _texts(wrong, guesses), smallest(wrong[0], seed), first.line)


def _is_wrong(trial: Trial, seed: int) -> bool:
    here = trial.draw(seed, MANY)
    return not agree(here.claimed, here.true)


def trial_of(
    claimed: Callable[..., Any],
    true: Callable[..., Any],
    args: tuple[np.ndarray, ...],
    *,
    loss: Callable[..., Any] | None = None,
    wrt: int | tuple[int, ...] | None = None,
    domain: Callable[..., bool] | None = None,
) -> Trial:
    """The first output of a line, beside the true one; arguments as of `diagnose`."""
    first = wrt if isinstance(wrt, int) or wrt is None else wrt[0]
    return Trial(
        line=claimed,
        truth=true,
        number=0,
        args=args,
        loss=None if wrt is None else loss,
        position=None if loss is None else first,
        domain=domain,
        names=names_of((loss, true, claimed), len(args)),
        tables=indexed(trace(true, args)),
        line_at=batched(claimed),
        truth_at=batched(true),
    )


def of_output(trial: Trial, number: int, wrt: int | tuple[int, ...] | None) -> Trial:
    """The same for another output."""
    position = wrt[number] if isinstance(wrt, tuple) and trial.loss is not None else trial.position
    return replace(trial, number=number, position=position)


def _first_confirmed(
    trial: Trial, args: tuple[np.ndarray, ...], seed: int, remaining: Callable[[], float]
) -> Guess:
    """The first guess that explains fresh samples too."""
    whole = trial.resized(args) if sum(x.size for x in args) < MOST_NUMBERS else trial
    stages = [
        *((stage, whole) for stage in WHOLE),
        *((stage, trial) for stage in PARTS),
        (partial(repaired, remaining=remaining), trial),
        (exchanged, trial),
    ]
    draw = cache(Trial.draw)
    for stage, of in stages:
        if remaining() <= 0:
            break
        samples, fresh = draw(of, seed), draw(of, seed + 1)
        if min(len(samples.true), len(fresh.true)) == 0:
            return NOT_FINITE
        for guess in stage(of, samples):
            if guess.confirmed(fresh):
                small = "" if _are_of_one_shape(of.args, args) else " (tried at small sizes)"
                return replace(guess, text=guess.text + small)
    return UNKNOWN


def _compacted(trial: Trial, seed: int) -> Trial:
    """The trial at small sizes, if the line is wrong there too; else as it is."""
    args = compact(trial.args, trial.tables)
    if _are_of_one_shape(args, trial.args):
        return trial
    short = trial.resized(args)
    try:
        return short if short.are_alike == trial.are_alike and _is_wrong(short, seed) else trial
    except Exception:  # whatever a stranger's function raises at a size that it is not made for
        return trial


def _are_of_one_shape(some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    return [x.shape for x in some] == [x.shape for x in others]


def _remaining(end: float, last: float) -> float:
    return min(end - time.thread_time(), last - time.monotonic())


def _texts(trials: Sequence[Trial], guesses: Sequence[Guess]) -> str:
    """The guesses in a line, each with the variable where they differ."""
    told = [guess.text for guess in guesses]
    if len(set(told)) == 1:
        return told[0]
    return "; ".join(f"{_title(trial)}: {text}" for trial, text in zip(trials, told, strict=True))


def _title(trial: Trial) -> str:
    if trial.position is None:
        return f"output {trial.number + 1}"
    return f"gradient of {trial.names[trial.position]}"
