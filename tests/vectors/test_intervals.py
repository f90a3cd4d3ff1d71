"""Intervals against scipy, a published example and draws whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from jw2v.vectors.evaluate import spearman
from jw2v.vectors.intervals import spearman_interval, wilson_interval


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (7, 7), (3, 10), (5_000, 19_544), (1, 1)])
def test_wilson_equals_scipy(successes, n):
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson_interval(successes, n) == pytest.approx(expected, abs=1e-6)


def test_the_spearman_interval_is_the_published_one():
    """The example of `ci.spear` in Bonett's own statpsych, to all its digits."""
    y = [21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19]
    x = [67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51]
    rho = spearman(np.array(y, float), np.array(x, float))
    assert rho == pytest.approx(0.8699639, abs=1e-7)
    assert spearman_interval(rho, 15) == pytest.approx((0.5840951, 0.9638297), abs=1e-6)


@pytest.mark.parametrize(("rho", "n"), [(None, 9), (0.5, 3), (1.0, 9), (-1.0, 9)])
def test_a_rho_without_spread_has_no_interval(rho, n):
    assert spearman_interval(rho, n) is None


def test_the_intervals_hold_the_true_value_nineteen_times_in_twenty():
    rng = np.random.default_rng(11)
    rho = 6 / np.pi * np.arcsin(0.6 / 2)  # Spearman's of a normal law with correlation 0.6
    held = 0
    for _ in range(500):
        x = rng.normal(size=60)
        y = 0.6 * x + 0.8 * rng.normal(size=60)
        ends = spearman_interval(spearman(x, y), 60)
        held += ends is not None and ends[0] < rho < ends[1]
    assert 0.92 < held / 500 < 0.98
