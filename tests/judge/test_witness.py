"""The witness: autodiff is believed only where nobody else wrote the derivative."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v import check_gradient
from jw2v.errors import UsageError
from jw2v.judge.witness import JAX_HOME, hear, true_gradient

X = np.ones(3)


@jax.custom_vjp
def by_vjp(x):
    return jnp.sum(x**2)


by_vjp.defvjp(lambda x: (by_vjp(x), x), lambda x, g: (3 * g * x,))


@jax.custom_jvp
def by_jvp(x):
    return jnp.sum(x**2)


by_jvp.defjvp(lambda p, t: (by_jvp(*p), jnp.sum(3 * p[0] * t[0])))


@jax.custom_jvp
def by_jvps(x):
    return jnp.sum(x**2)


by_jvps.defjvps(lambda t, value, x: jnp.sum(3 * x * t))


@jax.custom_gradient
def by_gradient(x):
    return jnp.sum(x**2), lambda g: 3 * g * x


# A function of JAX's own under a rule of somebody else's.
sine_by_vjp = jax.custom_vjp(jnp.sin)
sine_by_vjp.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (3 * g * x,))
sine_by_jvp = jax.custom_jvp(jnp.sin)
sine_by_jvp.defjvp(lambda p, t: (jnp.sin(*p), 3 * p[0] * t[0]))

FOREIGN = {
    "custom_vjp": by_vjp,
    "custom_jvp": by_jvp,
    "defjvps": by_jvps,
    "custom_gradient": by_gradient,
    "custom_vjp of a function of JAX": lambda x: jnp.sum(sine_by_vjp(x)),
    "custom_jvp of a function of JAX": lambda x: jnp.sum(sine_by_jvp(x)),
    "in jit": lambda x: jax.jit(by_vjp)(x),
    "in vmap": lambda x: jnp.sum(jax.vmap(by_vjp)(x[:, None])),
    "in scan": lambda x: jax.lax.scan(lambda c, y: (c + by_jvp(y), None), 0.0, x)[0],
    "in cond": lambda x: jax.lax.cond(x[0] > 0, by_vjp, jnp.sum, x),
    "in a loop": lambda x: jax.lax.fori_loop(0, 3, lambda i, c: c + by_jvp(x), 0.0),
    "in checkpoint": lambda x: jax.checkpoint(by_vjp)(x),
    "in jit in vmap in scan": lambda x: jax.lax.scan(
        lambda c, y: (c + jnp.sum(jax.vmap(jax.jit(by_vjp))(y)), None), 0.0, x[:, None, None]
    )[0],
    "beside JAX's own": lambda x: jnp.sum(jax.nn.relu(x)) + by_vjp(x),
}
OWN = {
    "log_sigmoid": lambda x: jnp.sum(jax.nn.log_sigmoid(x)),
    "relu": lambda x: jnp.sum(jax.nn.relu(x)),
    "relu6": lambda x: jnp.sum(jax.nn.relu6(x)),
    "logaddexp": lambda x: jnp.sum(jnp.logaddexp(x, 0)),
    "log_softmax": lambda x: jax.nn.log_softmax(x)[0],
    "solve": lambda x: jnp.sum(jnp.linalg.solve(2 * jnp.eye(3), x)),
    "relu in jit in vmap": lambda x: jnp.sum(jax.vmap(jax.jit(jax.nn.relu))(x)),
    "softplus in scan": lambda x: jax.lax.scan(lambda c, y: (c + jax.nn.softplus(y), None), 0.0, x)[
        0
    ],
}


@pytest.mark.parametrize("loss", FOREIGN.values(), ids=list(FOREIGN))
def test_a_derivative_of_somebody_elses_is_no_witness(loss):
    """Autodiff of these agrees with the wrong claim 3x, so that it may not be asked."""
    with pytest.raises(UsageError, match=r"has a derivative of its own \(.*no independent witness"):
        check_gradient(loss, lambda x: 3 * x, (X,))


@pytest.mark.parametrize("loss", OWN.values(), ids=list(OWN))
def test_derivatives_of_jaxs_own_are_witnesses(loss):
    assert check_gradient(loss, jax.grad(loss), (X,), dtypes=("float64",)).verdict == "holds"


def test_the_message_names_the_place():
    with pytest.raises(UsageError, match=r"\(<lambda> at .*test_witness\.py:\d+\), so autodiff"):
        true_gradient(by_vjp, 0, (X,))


def test_a_package_beside_jax_is_not_jax():
    source = (
        "@jax.custom_jvp\ndef f(x): return jnp.sum(x)\n"
        "@f.defjvp\ndef rule(p, t): return f(*p), jnp.sum(3 * t[0])\n"
    )
    names: dict[str, Any] = {"jax": jax, "jnp": jnp}
    exec(compile(source, f"{JAX_HOME}_extras/losses.py", "exec"), names)
    with pytest.raises(UsageError, match="has a derivative of its own"):
        true_gradient(names["f"], 0, (X,))


def test_a_loss_has_to_be_a_scalar():
    with pytest.raises(UsageError, match=r"gives arrays of shapes \[\(3,\)\]; give one that is"):
        true_gradient(lambda x: x**2, 0, (X,))


def points_of(*shapes, count=6):
    rng = np.random.default_rng(0)
    return tuple(rng.standard_normal((count, *shape)) for shape in shapes)


def test_the_taylor_remainder_tells_right_from_wrong():
    def loss(x, y):
        return jnp.sum(jnp.logaddexp(0, x * y))

    right = jax.grad(loss, (0, 1))
    where = points_of((3,), (3,))
    slope = hear(loss, right, (0, 1), where).taylor
    assert slope == pytest.approx(2, abs=0.05)
    for wrong in (
        lambda x, y: (right(x, y)[0], -right(x, y)[1]),
        lambda x, y: tuple(1.001 * g for g in right(x, y)),
    ):
        heard = hear(loss, wrong, (0, 1), where)
        assert heard.taylor is not None
        assert heard.taylor < 1.3
        assert not heard.agree


def test_a_linear_loss_has_no_remainder():
    heard = hear(jnp.sum, jax.grad(jnp.sum), (0,), points_of((3,)))
    assert heard.taylor is None
    assert heard.agree


def test_a_piecewise_linear_loss_has_one_at_few_points():
    def hinge(x, y):
        return jnp.sum(jnp.maximum(0, 1 - x + y))

    right = jax.grad(hinge, (0, 1))

    def wrong(x, y):
        return tuple(2 * g for g in right(x, y))

    where = points_of((50,), (50,), count=16)
    assert hear(hinge, right, (0, 1), where).agree
    assert not hear(hinge, wrong, (0, 1), where).agree


def test_the_complex_step_of_a_twin():
    def loss(x):
        return jnp.sum(jnp.exp(x) * x)

    gradient, where = jax.grad(loss), points_of((3,))
    heard = hear(loss, gradient, (0,), where, twin=loss)
    assert heard.agree
    assert heard.complex_step is not None
    assert heard.complex_step < 1e-14
    assert not hear(loss, gradient, (0,), where, twin=lambda x: jnp.sum(jnp.exp(x))).agree
