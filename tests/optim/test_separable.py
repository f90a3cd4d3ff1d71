"""What mixes rows is refused, however it is written; what keeps them apart is not."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from strategies import normal

from jw2v.blocks.tables import RowGrads
from jw2v.optim import RowwiseError, rowwise, why_not_rowwise

Rule = Callable[[Any, Any], Any]
SHAPE = (9, 4)


def why(rule: Rule) -> str | None:
    """Why a rule of gradient and parameter is refused."""
    tx = optax.stateless_with_tree_map(rule)
    return why_not_rowwise(tx, jnp.zeros(SHAPE))


def with_state(rule: Callable[[Any, Any, Any], Any], start: Callable[[Any], Any]) -> str | None:
    """Why `(g, state, count) -> state` is refused."""

    def init(params: Any) -> Any:
        return start(params), jnp.zeros((), jnp.int32)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        return updates, (rule(updates, *state), state[1] + 1)

    return why_not_rowwise(optax.GradientTransformation(init, update), jnp.zeros(SHAPE))


def loop(g: Any, p: Any) -> Any:
    return jax.lax.fori_loop(0, 3, lambda i, x: x / (1 + jnp.abs(x)), g)


def loop_with_mean(g: Any, p: Any) -> Any:
    return jax.lax.fori_loop(0, 3, lambda i, x: x - x.mean(axis=0), g)


APART: dict[str, Rule] = {
    "itself": lambda g, p: g,
    "row norm": lambda g, p: g / (1e-3 + jnp.linalg.norm(g, axis=-1, keepdims=True)),
    "row norm of the parameter": lambda g, p: g * jnp.linalg.norm(p, axis=-1, keepdims=True),
    "softmax along the row": lambda g, p: jax.nn.softmax(g, axis=-1),
    "product with a matrix": lambda g, p: g @ jnp.ones((4, 4)),
    "norm of the gradient": lambda g, p: g / (1 + jnp.sqrt(jnp.sum(g**2))),
    "inner product with the gradient": lambda g, p: g * jnp.vdot(g, p),
    "are all finite": lambda g, p: jnp.where(jnp.all(jnp.isfinite(g)), g, 0),
    "is any negative": lambda g, p: jnp.where(jnp.any(g < 0), g, 2 * g),
    "loop": loop,
    "vmap over rows": lambda g, p: jax.vmap(lambda x, y: x / (1 + x @ x) + y)(g, p),
    "flat and back": lambda g, p: (2 * g.reshape(-1)).reshape(g.shape),
    "branch by the gradient": lambda g, p: jax.lax.cond(
        jnp.all(jnp.isfinite(g)), lambda: g, lambda: jnp.zeros_like(g)
    ),
    "zeros": lambda g, p: jnp.zeros_like(g),
    "weight decay": lambda g, p: g + 0.1 * p,
    "inner products with gradients": lambda g, p: p @ (p.T @ g),
    "products with all rows": lambda g, p: (p @ p.T) @ g,
}

MIXING: dict[str, Rule] = {
    "norm of the parameter": lambda g, p: g * jnp.sqrt(jnp.sum(p**2)),
    "sum of all but zero gradients": lambda g, p: g * jnp.sum(jnp.cos(g)),
    "mean over rows": lambda g, p: g - g.mean(axis=0),
    "rms of the gradient": lambda g, p: g / jnp.sqrt(jnp.mean(g**2)),
    "largest gradient": lambda g, p: g / jnp.max(jnp.abs(g)),
    "are all parameters finite": lambda g, p: jnp.where(jnp.all(jnp.isfinite(p)), g, 0),
    "is any zero": lambda g, p: jnp.where(jnp.any(g == 0), g, 2 * g),
    "the row above": lambda g, p: jnp.roll(g, 1, axis=0),
    "rows backwards": lambda g, p: g[::-1],
    "first row": lambda g, p: g + g[0],
    "sorted": lambda g, p: jnp.sort(g, axis=0),
    "running sum": lambda g, p: jnp.cumsum(g, axis=0),
    "its place": lambda g, p: g * jnp.arange(g.shape[0])[:, None],
    "number of rows": lambda g, p: g / g.shape[0],
    "number of numbers": lambda g, p: g * g.size,
    "few rows or many": lambda g, p: g if g.shape[0] > 4 else 2 * g,
    "Gram matrix": lambda g, p: g @ (p.T @ p),
    "loop with a mean": loop_with_mean,
    "noise": lambda g, p: g + jax.random.normal(jax.random.key(0), g.shape),
    "scan over rows": lambda g, p: jax.lax.scan(lambda c, x: (c + x, c + x), g[0], g)[1],
    "singular values": lambda g, p: g * jnp.linalg.svd(p, compute_uv=False)[0],
    "branch by the parameters": lambda g, p: jax.lax.cond(
        jnp.sum(p) > 0, lambda: g, lambda: jnp.zeros_like(g)
    ),
}


@pytest.mark.parametrize("name", APART)
def test_what_keeps_rows_apart_is_taken(name: str):
    assert why(APART[name]) is None


@pytest.mark.parametrize("name", APART)
def test_what_is_taken_is_right(name: str):
    """Of a table with rows at rest the named rows come out as on the whole table."""
    tx = rowwise(optax.stateless_with_tree_map(APART[name]))
    table, ids = normal(1, *SHAPE, dtype="float32"), jnp.array([7, 2, 7, 5])
    rows = normal(2, 4, 4, dtype="float32")
    got: Any
    got, _ = tx.update(RowGrads(ids, rows), tx.init(table), table)
    whole = APART[name](jnp.zeros(SHAPE, "float32").at[ids].add(rows), table)
    found = jnp.zeros(SHAPE, "float32").at[got.ids].add(got.rows, mode="drop")
    named = jnp.array([2, 5, 7])
    np.testing.assert_allclose(found[named], whole[named], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", MIXING)
def test_what_mixes_rows_is_refused(name: str):
    reason = why(MIXING[name])
    assert reason is not None
    assert "\n" not in reason


def swapped(g: Any, p: Any) -> Any:
    return g.reshape(4, -1).reshape(g.shape)


def test_rows_may_be_as_many_as_columns():
    """Shapes alone would not tell a reshape that swaps them from one that keeps them."""
    tx = rowwise(optax.stateless_with_tree_map(swapped))
    table = jnp.ones(SHAPE)
    with pytest.raises(RowwiseError):
        tx.update(RowGrads(jnp.arange(4), jnp.ones((4, 4))), tx.init(table), table)


TABLE = (lambda p: jnp.zeros_like(p),)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (lambda g, s, t: 0.9 * s + g, None),
        (lambda g, s, t: s + g / (1 + t), None),
        (lambda g, s, t: jnp.where(t % 3 == 0, g, s + g), "at some steps"),
        (lambda g, s, t: s * (t % 3 != 0) + g, "at some steps"),
        (lambda g, s, t: jnp.where(t > 0, 0.9, 0.0) * s + g, "at some steps"),
        (lambda g, s, t: s * (1 - (t == 2).astype("int32")) + g, "at some steps"),
        (lambda g, s, t: jax.lax.cond(t == 2, lambda: g, lambda: s), "at some steps"),
        (lambda g, s, t: s + jnp.where(t < 5, 0.1, 0.2) * g, None),  # a schedule
        (lambda g, s, t: jnp.where(jnp.all(jnp.isfinite(g)), s + g, s), None),
        (lambda g, s, t: s.mean(axis=0, keepdims=True) + g, "depends on the number|mixes"),
    ],
)
def test_a_state_of_rows_is_not_for_a_clock_to_choose(rule: Any, reason: str | None):
    found = with_state(rule, *TABLE)
    if reason is None:
        assert found is None
    else:
        assert found is not None
        assert any(part in found for part in reason.split("|"))


@pytest.mark.parametrize(
    ("rule", "start", "reason"),
    [
        (lambda g, s, t: s + jnp.sum(g**2), lambda p: jnp.zeros(()), None),
        (lambda g, s, t: s + jnp.sum(g, axis=0), lambda p: jnp.zeros(p.shape[1]), None),
        (
            lambda g, s, t: jnp.maximum(s, jnp.max(g, axis=0)),
            lambda p: jnp.zeros(p.shape[1]),
            "it mixes the rows of a table (reduce_max)",
        ),
        (
            lambda g, s, t: s + g.T,
            lambda p: jnp.zeros_like(p.T),
            "it keeps a state with rows along",
        ),
        (lambda g, s, t: s + 1, lambda p: jnp.zeros((2, *p.shape)), "it keeps a state with rows"),
    ],
)
def test_states_of_other_shapes(rule: Any, start: Any, reason: str | None):
    found = with_state(rule, start)
    assert found is None if reason is None else (found or "").startswith(reason)


def test_tables_are_not_mixed_with_one_another():
    def update(updates: Any, state: Any, params: Any = None) -> Any:
        return {"a": updates["a"] + updates["b"], "b": updates["b"]}, state

    tx = optax.GradientTransformation(lambda params: optax.EmptyState(), update)
    found = why_not_rowwise(tx, {"a": jnp.zeros(SHAPE), "b": jnp.zeros(SHAPE)})
    assert found is not None
    assert found.startswith("it joins the rows of a table with what has no rows, or others")
