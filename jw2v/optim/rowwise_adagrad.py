"""Adagrad with one accumulator a row: the states of a table are a column, not a second table.

    s_w ← s_w + mean_j g_wj²,        θ_w ← θ_w − η g_w / √(s_w + ε)

A row's direction is kept; how far it goes falls with what the row has seen. As in the embedding
tables of recommenders (Lerer et al. 2019, arXiv 1903.12287, section 3.1).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class ScaleByRowRssState(NamedTuple):
    """For each row the sum of its gradients' mean squares, `[rows, 1]`."""

    sum_of_squares: Any


def rowwise_adagrad(
    learning_rate: optax.ScalarOrSchedule,
    *,
    initial_accumulator_value: float = 0.1,
    eps: float = 1e-7,
) -> optax.GradientTransformation:
    """Adagrad with one accumulator a row; the defaults are those of `optax.adagrad`.

    >>> tx = rowwise_adagrad(1.0, initial_accumulator_value=0.0, eps=0.0)
    >>> table, grads = jnp.zeros((2, 2)), jnp.array([[3.0, 0.0], [1.0, 1.0]])
    >>> updates, state = tx.update(grads, tx.init(table), table)
    >>> print(updates[:, 0].round(2), state[0].sum_of_squares[:, 0])
    [-1.41 -1.  ] [4.5 1. ]
    """
    return optax.chain(
        scale_by_row_rss(initial_accumulator_value, eps),
        optax.scale_by_learning_rate(learning_rate),
    )


def scale_by_row_rss(
    initial_accumulator_value: float = 0.1, eps: float = 1e-7
) -> optax.GradientTransformation:
    """Divide each row by the root of the sum of its mean squares.

    Args:
      initial_accumulator_value: s before the first step.
      eps: added to s under the root.
    """

    def init(params: Any) -> ScaleByRowRssState:
        def column(x: Any) -> Any:
            return jnp.full((*x.shape[:-1], 1), initial_accumulator_value, x.dtype)

        return ScaleByRowRssState(jax.tree.map(column, params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, ScaleByRowRssState]:
        def seen(s: Any, g: Any) -> Any:
            return s + jnp.mean(g**2, axis=-1, keepdims=True)

        sums = jax.tree.map(seen, state.sum_of_squares, updates)
        scaled = jax.tree.map(lambda g, s: g * jax.lax.rsqrt(s + eps), updates, sums)
        return scaled, ScaleByRowRssState(sums)

    return optax.GradientTransformation(init, update)
