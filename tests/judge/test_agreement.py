"""Agreement is relative: what is small beside nothing else is as far apart as what is large."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jw2v.judge.arithmetic.agreement import agree, agreement

ONE = np.array([[1.0, 2.0], [3.0, 0.0]])


@given(st.integers(-900, 900))
def test_a_power_of_two_changes_nothing(exponent):
    scale = 2.0**exponent
    other = ONE * (1 + np.array([[1e-10, 0.0], [0.0, 0.0]]))
    far = ONE + np.array([[0.0, 1e-8], [0.0, 0.0]])
    assert agree(scale * ONE, scale * other)
    assert agreement(scale * ONE, scale * far).tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_agrees_with_nothing(wrong):
    other = np.where(ONE == 2, wrong, ONE)
    assert not agree(ONE, other)
    assert not agree(other, other)


def test_of_nothing_nothing_agrees():
    assert not agree(np.zeros((0, 2)), np.zeros((0, 2)))
    assert not agree(ONE, ONE[:1])
