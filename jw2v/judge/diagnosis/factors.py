"""A line that is the true one times a factor, and what the factor is."""

from collections.abc import Callable, Iterator
from functools import partial
from math import isclose, log

import numpy as np

from jw2v.judge.arithmetic.agreement import agree, column, tidy
from jw2v.judge.diagnosis.resizing import axes_by_size, resized
from jw2v.judge.diagnosis.trial import Guess, Samples, Trial

POWERS = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
SHIFTS = (0, -1, 1)  # of a size: n, n − 1, n + 1
ROUND = 1e-6


def multiples(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """The true line times one number, or times a power of a scalar argument."""
    share = factor(samples)
    if share is None:
        yield from _powers_of_an_argument(trial, samples)
    elif share == 0:
        yield Guess("missing term", "missing term: claimed = 0", _is_multiple(0.0))
    elif share == -1:
        yield Guess("sign", "sign: claimed = -1 × true", _is_multiple(-1.0))
    else:
        law = law_of(trial, share, lambda other: factor(other.draw(seed=1, count=3)))
        text = f"factor: claimed = {number(share)} × true{law}"
        yield Guess("factor", text, _is_multiple(share))


def factor(samples: Samples) -> float | None:
    """The number that the true line is multiplied by at all points; None where there is none.

    >>> factor(Samples((), np.array([[2.0, 4.0]]), np.array([[1.0, 2.0]])))
    2.0
    """
    claimed, true = samples.claimed, samples.true
    if claimed.shape != true.shape or not true.any():
        return None
    share = tidy(float(np.vdot(true, claimed) / np.vdot(true, true)))
    return share if agree(claimed, share * true) else None


def _is_multiple(share: float) -> Callable[[Samples], bool]:
    return lambda fresh: agree(fresh.claimed, share * fresh.true)


def law_of(trial: Trial, share: float, measured: Callable[[Trial], float | None]) -> str:
    """What a factor is made of, measured with one axis after the other longer.

    Args:
      trial: at which the factor is `share`.
      share: the factor.
      measured: the factor for a trial with arguments of other sizes.

    Returns:
      Such as ", which is 1/n (n = 3, axis 0 of u_neg)"; empty where it depends on no size.
    """
    parts, rest = [], share
    for size, axes in axes_by_size(trial.args).items():
        law = _law(size, share, partial(_measured, trial, measured, size))
        if law is not None:
            power, shift = law
            rest /= (size + shift) ** power
            parts.append((size, axes[0], power, shift))
    if not parts or not isclose(rest, round(rest, 6), rel_tol=ROUND):
        return ""
    letters = "nmkl"[: len(parts)]
    where = ", ".join(
        f"{letter} = {size}, axis {axis} of {trial.names[position]}"
        for letter, (size, (position, axis), _, _) in zip(letters, parts, strict=False)
    )
    product = [_power(x, shift, p) for x, (_, _, p, shift) in zip(letters, parts, strict=False)]
    shown = " × ".join(([] if isclose(rest, 1, rel_tol=ROUND) else [number(rest)]) + product)
    return f", which is {shown} ({where})"


def _measured(
    trial: Trial, measured: Callable[[Trial], float | None], size: int, more: int
) -> float | None:
    """The factor with all axes of a size longer by so many."""
    try:
        return measured(trial.resized(resized(trial.args, {size: size + more}, trial.tables)))
    except Exception:  # whatever a stranger's function raises at a size that it is not made for
        return None


def _law(
    size: int, share: float, measured: Callable[[int], float | None]
) -> tuple[float, int] | None:
    """Power and shift so that the factor goes as (size + shift) ** power."""
    ratios: list[float] = []
    for more in (1, 2):
        longer = measured(more)
        if longer is None or longer * share <= 0 or isclose(longer, share, rel_tol=ROUND):
            return None
        ratios.append(longer / share)
    for shift in (s for s in SHIFTS if size + s > 0):
        powers = [
            log(ratio) / log((size + more + shift) / (size + shift))
            for more, ratio in zip((1, 2), ratios, strict=True)
        ]
        nearest = round(2 * powers[0]) / 2
        if nearest and all(abs(p - nearest) < ROUND for p in powers):
            return nearest, shift
    return None


def _power(letter: str, shift: int, power: float) -> str:
    base = f"({letter} {'-' if shift < 0 else '+'} {abs(shift)})" if shift else letter
    size = abs(power)
    raised = base if size == 1 else f"√{base}" if size == 0.5 else f"{base}^{size:g}"
    return raised if power > 0 else f"1/{raised}"


def _powers_of_an_argument(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """A scalar argument left out, or once too often."""
    if not samples.are_alike:
        return
    for position, x in enumerate(trial.args):
        if x.size != 1 or x.dtype.kind != "f":
            continue
        for power in POWERS:
            prediction = _of_argument(position, power)
            if prediction(samples):
                name = trial.names[position]
                shown = _power(name, 0, power)
                text = f"factor: claimed = {shown} × true"
                yield Guess("factor", text, prediction)


def _of_argument(position: int, power: float) -> Callable[[Samples], bool]:
    def confirmed(samples: Samples) -> bool:
        with np.errstate(all="ignore"):
            scale = samples.points[position].reshape(len(samples.true)) ** power
        return bool(np.isfinite(scale).all()) and agree(
            samples.claimed, column(scale, samples.true) * samples.true
        )

    return confirmed


def number(value: float) -> str:
    """Three digits, more where they would hide that it is not 1.

    >>> number(1 / 3), number(1.00001), number(2.0)
    ('0.333', '(1 + 1e-05)', '2')
    """
    shown = f"{value:.3g}"
    return f"(1 + {value - 1:.2g})" if shown == "1" and value != 1 else shown
