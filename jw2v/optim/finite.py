"""A block whose gradient is not finite moves nothing: its whole gradient counts as zero.

As for `optax.zero_nans`, a stateful optimizer takes a step of gradient zero; unlike it, what is
left of a broken block does not train either.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from jw2v.blocks.tables import RowGrads


class SkipState(NamedTuple):
    """How many updates were passed over."""

    skipped: Int[Array, ""]


def skip_not_finite() -> optax.GradientTransformation:
    """Replace a gradient that holds NaN or Inf, in rows or whole, by zero, and count it.

    >>> tx = skip_not_finite()
    >>> grads = {"w": jnp.array([1.0, jnp.nan]), "b": jnp.array(1.0)}
    >>> updates, state = tx.update(grads, tx.init(grads))
    >>> print(updates["w"], updates["b"], state.skipped)
    [0. 0.] 0.0 1
    """

    def init(params: Any) -> SkipState:
        return SkipState(jnp.zeros((), jnp.int32))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, SkipState]:
        found = [g.rows if isinstance(g, RowGrads) else g for g in _leaves(updates)]
        whole = jnp.all(jnp.array([jnp.isfinite(x).all() for x in found]))
        kept = jax.tree.map(lambda g: _where(whole, g), updates, is_leaf=_is_rows)
        return kept, SkipState(state.skipped + jnp.where(whole, 0, 1))

    return optax.GradientTransformation(init, update)


def count_skipped(state: Any) -> int:
    """How many updates were passed over, of an optimizer's state; 0 where none would be.

    >>> count_skipped(optax.chain(skip_not_finite(), optax.sgd(0.1)).init(jnp.ones(2)))
    0
    """
    found = [x for x in jax.tree.leaves(state, is_leaf=_is_state) if _is_state(x)]
    return sum(int(x.skipped) for x in found)


def _where(whole: Array, grads: Any) -> Any:
    if _is_rows(grads):
        return RowGrads(grads.ids, jnp.where(whole, grads.rows, 0))
    return jnp.where(whole, grads, 0)


def _leaves(updates: Any) -> list[Any]:
    return jax.tree.leaves(updates, is_leaf=_is_rows)


def _is_rows(x: Any) -> bool:
    return isinstance(x, RowGrads)


def _is_state(x: Any) -> bool:
    return isinstance(x, SkipState)
