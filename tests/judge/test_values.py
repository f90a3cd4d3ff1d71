"""The values without bounds are those of the rules that have them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from judge.mistakes import MISTAKES

from jw2v.judge.arithmetic.bounds import UnsupportedError, evaluate, trace
from jw2v.judge.arithmetic.values import EXACT, VALUES, values
from jw2v.judge.diagnosis.trial import as_arrays, stacked


def both(fn, args):
    closed = trace(fn, args)
    with jax.enable_x64(True):
        return values(closed, args), [b.value for b in evaluate(closed, args, arithmetic=EXACT)]


@pytest.mark.parametrize("mistake", MISTAKES[::3], ids=lambda mistake: mistake.id)
def test_values_are_those_of_the_rules(mistake):
    points = stacked(as_arrays(mistake.args), 3, 0, mistake.domain)
    for fn in (mistake.claimed, jax.grad(mistake.loss, mistake.wrt)):
        for one, other in zip(*both(jax.vmap(fn), points), strict=True):
            np.testing.assert_array_equal(one, other)


X = np.array([[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]])


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: jnp.cumsum(x, axis=1) + jax.scipy.special.erf(x),
        lambda x: jnp.argmax(x, axis=1) // 2 + jnp.floor(x[:, 0]).astype(int),
        lambda x: jax.lax.scan(lambda c, r: (c + jnp.sum(r), c * r), 0.0, x),
        lambda x: jnp.einsum("ij,ik->ijk", x, x) @ x.T,
        lambda x: jnp.where(x > 0, x**3, jnp.abs(x) ** -2.0) / (1 + x**2),
        lambda x: jnp.linalg.norm(x, axis=1, keepdims=True) * jnp.expm1(x) - jax.lax.rsqrt(x * x),
        lambda x: x.at[jnp.array([0, 0, 1])].add(1.5).at[1, 2].set(x[0, 0])[::-1],
        lambda x: jnp.concatenate([x, -x]).astype(int) % 3,
        lambda x: jnp.stack([jnp.tile(row, 2) for row in jnp.unstack(x)], axis=1),
        lambda x: jnp.diagonal(x @ x.T) + jnp.max(x, axis=1),
    ],
)
def test_other_operations_are_followed_too(fn):
    with np.errstate(all="ignore"):
        found, by_rules = both(fn, (X,))
        wanted = jax.tree.leaves(jax.jit(fn)(X))
    for one, other, compiled in zip(found, by_rules, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, compiled, rtol=2e-5)


def test_an_operation_can_be_given_another_meaning():
    closed = trace(lambda x: jnp.exp(x), (X,))
    (found,) = values(closed, (X,), {"exp": lambda params, x: x + 1})
    np.testing.assert_array_equal(found, X + 1)
    assert set(VALUES) >= {"exp"}


def test_an_operation_without_a_rule_is_named():
    closed = trace(lambda x: jnp.linalg.inv(x @ x.T), (X,))
    with pytest.raises(UnsupportedError):
        values(closed, (X,))
