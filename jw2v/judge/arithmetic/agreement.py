"""Whether numbers at points are the same but for float64's rounding."""

import numpy as np

TOLERANCE = 1e-9
"""Of the largest entry at a point: far above float64's rounding, far below a mistake."""


def sizes(*arrays: np.ndarray) -> np.ndarray:
    """The largest entry at each point, over all the arrays."""
    flat = [np.abs(x).reshape(len(x), -1).max(axis=1, initial=0.0) for x in arrays]
    return np.max(flat, axis=0)


def column(per_point: np.ndarray, like: np.ndarray) -> np.ndarray:
    """One number for each point, to be used with an array of entries.

    >>> column(np.ones(2), np.ones((2, 3, 4))).shape
    (2, 1, 1)
    """
    return per_point.reshape(-1, *(1,) * (like.ndim - 1))


def agreement(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether entries are equal but for rounding.

    >>> agreement(np.array([[1.0, 2.0]]), np.array([[1.0, 2.1]])).tolist()
    [[True, False]]
    """
    room = column(TOLERANCE * sizes(one, other), one)
    with np.errstate(invalid="ignore"):
        return (np.abs(one - other) <= room) & np.isfinite(room)


def agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether all entries are equal but for rounding, and there are some."""
    return one.shape == other.shape and one.size > 0 and bool(agreement(one, other).all())


def tidy(x: float) -> float:
    """A number without what rounding has left on it.

    >>> tidy(1.9999999999999996), tidy(1 / 3) == 1 / 3
    (2.0, True)
    """
    near = round(x, 9)
    return near if abs(near - x) <= 1e-12 * abs(x) else x
