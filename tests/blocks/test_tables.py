"""Row gradients to whole-table gradients."""

import jax.numpy as jnp
import numpy as np
import pytest
from comparisons import assert_bitwise_zero, assert_same
from hypothesis import given
from hypothesis import strategies as st
from strategies import DIM, VOCAB, few, ids, normal, seeds

from jw2v.blocks.tables import RowGrads, whole_table

pytestmark = pytest.mark.usefixtures("x64")


@few
@given(seed=seeds, n=st.sampled_from([1, 7, 40]))
def test_scatter_add_is_the_one_hot_product(seed: int, n: int):
    words, rows = ids(seed, n), normal(seed, n, DIM)
    got = whole_table(RowGrads(words, rows), normal(0, VOCAB, DIM))
    expected = np.zeros((VOCAB, DIM))
    for word, row in zip(np.asarray(words), np.asarray(rows), strict=True):
        expected[word] += row
    assert_same(got, expected, atol=n * 2.0**-53 * float(jnp.abs(rows).sum()))
    assert_bitwise_zero(np.delete(np.asarray(got), np.asarray(words), axis=0))


def test_whole_gradients_pass_through():
    d_U = normal(1, VOCAB, DIM)
    assert whole_table(d_U, normal(0, VOCAB, DIM)) is d_U


def test_no_rows_give_a_table_of_zeros():
    none = RowGrads(jnp.zeros(0, "int32"), jnp.zeros((0, DIM)))
    assert_bitwise_zero(whole_table(none, normal(0, VOCAB, DIM)))
