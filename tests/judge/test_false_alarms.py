"""No false alarm: right gradients stay below their bound at as many points as fifty seeds give."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v import check_gradient

POINTS = 400  # eight for each of fifty seeds
sigma = jax.nn.sigmoid


def logistic(w, X):
    return jnp.sum(jnp.logaddexp(0, X @ w))


def softmax(v, U, o):
    return jax.nn.logsumexp(U @ v) - U[o] @ v


def softmax_by_hand(v, U, o):
    err = jax.nn.softmax(U @ v).at[o].add(-1)
    return err @ U, jnp.outer(err, v)


def tables(V, ids):
    return jnp.sum(V[ids] ** 2) / 2


def quadratic(x, A):
    return x @ A @ x


def product(x, y):
    return jnp.sum(x * y**2)


CASES = {
    "logistic": (logistic, lambda w, X: sigma(X @ w) @ X, (np.ones(6), np.ones((20, 6))), 0),
    "softmax": (softmax, softmax_by_hand, (np.ones(5), np.ones((7, 5)), np.array(6)), (0, 1)),
    "tables": (
        tables,
        lambda V, ids: jnp.zeros_like(V).at[ids].add(V[ids]),
        (np.ones((5, 3)), np.arange(5)),
        0,
    ),
    "quadratic": (quadratic, lambda x, A: (A + A.T) @ x, (np.ones(9), np.ones((9, 9))), 0),
    "product": (product, lambda x, y: (y**2, 2 * x * y), (np.ones(30), np.ones(30)), (0, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_right_gradients_stay_below_their_bound(name):
    loss, by_hand, args, wrt = CASES[name]
    report = check_gradient(loss, by_hand, args, wrt=wrt, samples=POINTS)
    assert report.verdict == "holds"
    assert report.margin < 0.7
    assert report.power["float32"] < 1e-4
    assert report.power["float64"] < 1e-12
