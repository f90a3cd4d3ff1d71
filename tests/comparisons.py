"""The comparison that every gradient test uses; `tests/losses/test_mistakes.py` proves it bites."""

from typing import Any

import chex
import jax
import numpy as np


def assert_same(hand: Any, autodiff: Any, *, rtol: float = 1e-12, atol: float = 0.0) -> None:
    """Hand and autodiff agree entry by entry, in float64, in shape and in structure.

    The bound is relative and atol is 0: at generic points no sum of a few terms cancels three of
    float64's sixteen digits, and an absolute tolerance would pass small gradients that are wrong.
    """
    assert {leaf.dtype for leaf in jax.tree.leaves((hand, autodiff))} == {np.dtype("float64")}
    chex.assert_tree_all_finite(hand)
    chex.assert_trees_all_close(hand, autodiff, rtol=rtol, atol=atol, strict=True)


def assert_bitwise_zero(x: Any) -> None:
    """Every entry is +0.0, bit by bit."""
    assert not any(np.asarray(x).tobytes())
