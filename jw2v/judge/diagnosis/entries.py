"""A line that is right in some entries and not in others, by what stands in the others."""

from collections.abc import Callable, Iterator

import numpy as np

from jw2v.judge.arithmetic.agreement import agree, agreement, sizes
from jw2v.judge.diagnosis.trial import MANY, Guess, Samples, Trial

TESTED = 3  # points at which a pattern must show


def left_out(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """Right where it is not zero: entries that nothing was added to."""
    text = "missing term: right where it is not zero; the other entries are left out"
    return _wrong_at_zeros(trial, "missing term", text, lambda samples: samples.claimed)


def unmasked(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """Right where the true line is not zero: a condition under which it is zero is not there."""
    text = "edit: right where true is not zero; the condition under which it is zero is missing"
    return _wrong_at_zeros(trial, "edit", text, lambda samples: samples.true)


def _wrong_at_zeros(
    trial: Trial, cause: str, text: str, side: Callable[[Samples], np.ndarray]
) -> Iterator[Guess]:
    """The lines differ only where `side`, one of them, is zero, and agree elsewhere."""

    def told(samples: Samples) -> bool:
        if not samples.are_alike:
            return False
        right = agreement(samples.claimed, samples.true)
        zero = side(samples) == 0
        return bool(zero[~right].all()) and _often(right & ~zero) and _often(~right)

    if told(trial.draw(1, MANY)):
        yield Guess(cause, text, lambda fresh: told(trial.draw(2, MANY)))


def _often(entries: np.ndarray) -> bool:
    at_point = entries.reshape(len(entries), -1).any(axis=1)
    return int(at_point.sum()) >= TESTED


def other_rows(trial: Trial, samples: Samples) -> Iterator[Guess]:
    """The right sum over the rows of a table, in rows of other ids."""
    ids = [i for i, x in enumerate(trial.args) if x.dtype.kind in "iu"]
    if ids and _is_elsewhere(samples):
        rows = [trial.names[i] for i in ids if _stand_in_rows(samples.claimed, samples.points[i])]
        where = f"those of {' or '.join(rows)}" if rows else "rows of other ids"
        text = f"edit: right in sum over the rows, but added to {where}"
        yield Guess("edit", text, _is_elsewhere)


def _is_elsewhere(samples: Samples) -> bool:
    claimed, true = samples.claimed, samples.true
    if claimed.shape != true.shape or true.ndim < 3:
        return False
    sums = true.sum(axis=1)
    size = sizes(sums)
    whole = bool((size > 1e-6 * sizes(true)).all()) and true.shape[1] > 1
    return whole and agree(claimed.sum(axis=1), sums) and not agree(claimed, true)


def _stand_in_rows(claimed: np.ndarray, ids: np.ndarray) -> bool:
    """Whether only rows of the ids are not zero, at each point."""
    return all(
        set(np.flatnonzero(table.reshape(len(table), -1).any(axis=1))) <= set(np.ravel(named))
        for table, named in zip(claimed, ids, strict=True)
    )
