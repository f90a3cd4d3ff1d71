"""Steps of optax on a table of which each names some rows: all of them in one compiled call."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from costs import memory
from jaxtyping import Array

from jw2v.optim import RowGrads, apply_updates, dense, linear, rowwise

RATE, B1, B2, TINY, ACCUMULATED = 1e-3, 0.9, 0.999, 1e-30, 0.1
OPTIMIZERS = {
    "adam": optax.adam(RATE, B1, B2, TINY),
    "adagrad": optax.adagrad(RATE, ACCUMULATED, eps=0),
    "sgd": optax.sgd(RATE),
}


class Draws(NamedTuple):
    """What steps are given."""

    ids: np.ndarray  # [steps, rows]
    rows: np.ndarray  # [rows, dim], the gradients, of every step
    table: np.ndarray  # [vocab, dim], at the start


class Side(NamedTuple):
    """One of those compared."""

    call: Callable[[], Any]  # takes the steps, and returns the table
    steps: int
    bytes: dict[str, int]  # that the compiler plans; none of torch's

    def cost(self, seconds: Iterable[float]) -> dict[str, Any]:
        """Microseconds a step, of seconds a call; and bytes."""
        return {"time": [1e6 * each / self.steps for each in seconds], **self.bytes}


def draw(vocab: int, words: int, *, steps: int, rows: int, dim: int) -> Draws:
    """Ids by Zipf's law of the first words, the same whatever the vocabulary."""
    rng = np.random.default_rng(0)
    law = 1 / np.arange(1, words + 1)
    ids = rng.choice(words, (steps, rows), p=law / law.sum()).astype(np.int32)
    gradients = rng.standard_normal((rows, dim), np.float32)
    return Draws(ids, gradients, (rng.random((vocab, dim), np.float32) - 0.5) / dim)


def optax_sides(optimizer: str, draws: Draws) -> dict[str, Side]:
    """By rows alone, and on whole tables."""
    lifts = [rowwise, dense, linear] if optimizer == "sgd" else [rowwise, dense]
    return {lift.__name__: optax_side(lift(OPTIMIZERS[optimizer]), draws) for lift in lifts}


def optax_side(tx: optax.GradientTransformation, draws: Draws) -> Side:
    """A transformation, compiled; table and state are donated from call to call."""
    ids, rows, table = map(jnp.array, draws)  # copies: what NumPy holds cannot be donated
    held = table, tx.init(table)
    program = jax.jit(partial(_steps, tx), donate_argnums=(0, 1)).lower(*held, ids, rows).compile()
    sizes = memory(program)

    def call() -> Array:
        nonlocal held
        held = program(*held, ids, rows)
        return held[0]

    planned = {
        "arguments": sizes.argument_size_in_bytes,
        "temporaries": sizes.temp_size_in_bytes,
    }
    return Side(call, len(ids), planned)


def _steps(
    tx: optax.GradientTransformation, table: Array, state: Any, ids: Array, rows: Array
) -> tuple[Array, Any]:
    def step(held: tuple[Array, Any], ids: Array) -> tuple[tuple[Array, Any], None]:
        table, state = held
        updates, state = tx.update(RowGrads(ids, rows), state, table)
        return (apply_updates(table, updates), state), None

    return jax.lax.scan(step, (table, state), ids)[0]
