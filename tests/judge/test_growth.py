"""Operations, counted by hand and by the jaxpr."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v.judge.growth import growth, operations


def shape(*size):
    return jax.ShapeDtypeStruct(size, "float32")


@pytest.mark.parametrize(
    ("fn", "args", "count"),
    [
        (lambda x: x + x * x, (shape(10),), 20),
        (lambda A, B: A @ B, (shape(3, 5), shape(5, 7)), 2 * 3 * 5 * 7),
        (lambda x: 2.0 * x, (shape(1000),), 1000),
        (jnp.sum, (shape(4, 6),), 24),
        (jax.jit(lambda x: jnp.exp(x)), (shape(8),), 8),
        (lambda x: x.reshape(2, 4).T, (shape(8),), 8),
        (lambda x, y: x.at[np.array([0, 1])].add(y), (shape(1000, 3), shape(2, 3)), 6),
        (lambda x: jax.lax.scan(lambda c, y: (c + y, None), x[0], x)[0], (shape(9),), 9),
    ],
)
def test_operations_by_hand(fn, args, count):
    assert operations(fn, args) >= count
    assert operations(fn, args) <= count + 10  # indices that wrap


@pytest.mark.parametrize(("power", "order"), [(0, 0.0), (1, 1.0), (2, 2.0)])
def test_growth_is_the_exponent(power, order):
    def sized(n):
        return lambda x: jnp.exp(x), (shape(*(n,) * power),)

    assert growth(sized, sizes=(10, 100, 1000)) == pytest.approx(order, abs=0.01)
