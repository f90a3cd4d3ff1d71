"""The training step as claims: what it makes of the tables is a rule that a line can hold.

    V ← V − η_t D_V ∂J/∂V,      U ← U − η_t D_U ∂J/∂U,      D = 1/√(places of the word in the block)

The rule is written out plainly here, with `jax.grad` of the plain loss of the windows by whole
tables; the step on trial is the trainer's own: rows gathered, gradient by hand or by autodiff,
damped and scattered by `jw2v.optim`. Two blocks are trained on, at two learning rates.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.blocks.tables import RowGrads, Tables, whole_table
from jw2v.blocks.windows import Block, Uses
from jw2v.judge.records import Derivation, Step
from jw2v.ledger.example import (
    BOTH,
    DIM,
    TABLES,
    VOCAB,
    dtypes_of,
    example_block,
    on_device,
    plain_loss,
    small,
)
from jw2v.losses.record import Loss
from jw2v.optim.damping import scaled, sqrt_count
from jw2v.optim.named import table_optimizer
from jw2v.training.config import Config
from jw2v.training.step import TrainState, kernel_of, make_step

RATES = (0.05, 0.04)
"""Learning rates of the two blocks."""
RULE = r"\theta_{t+1} = \theta_t - \eta_t\,D\,\frac{\partial J}{\partial\theta}"
IDS = np.array([3, VOCAB - 1, 3, 3, 0])


def step_claim(
    name: str,
    config: Config,
    loss: Loss | None = None,
    *,
    gradients: Sequence[str] | None = None,
) -> Derivation:
    """Two training steps of a config, by plain SGD, against the rule.

    Args:
      name: id of the derivation.
      config: kernel, gradient, precision and damping are tried; its sizes are made small.
      loss: of the user's own.
      gradients: one line each, which follows from the one before; by default the config's.
    """
    config = small(config)
    blocks = [example_block(config, loss, seed=seed) for seed in (0, 1)]

    def line(gradient: str) -> Step:
        def trained(V: Any, U: Any) -> Any:
            return _trained(replace(config, gradient=gradient), loss, blocks, V, U)

        return Step(f"{name} {gradient}" if gradients else name, RULE, trained, kind="update")

    return Derivation(
        name,
        partial(_ruled, plain_loss(config, loss), config.damping, blocks),
        TABLES,
        tuple(line(gradient) for gradient in gradients or (config.gradient,)),
        dtypes=dtypes_of(config),
    )


def damping_claim() -> Derivation:
    """Damped rows, scattered, against each word's summed gradient over the root of its places."""
    is_word = np.array([True, True, True, True, False])

    def ruled(ids: Any, rows: Any) -> Any:
        here = ids[None, :] == jnp.arange(VOCAB)[:, None]
        places = jnp.sum(here & is_word[None, :], axis=1)
        return (here.astype(rows.dtype) @ rows) / jnp.sqrt(jnp.maximum(places, 1))[:, None]

    def damped(ids: Any, rows: Any) -> Any:
        factor = sqrt_count(Uses(ids, jnp.asarray(is_word)), VOCAB, rows.dtype)
        return whole_table(scaled(RowGrads(ids, rows), factor), jnp.zeros((VOCAB, DIM), rows.dtype))

    latex = r"D_w \sum_{i: w_i = w} \partial J/\partial u_i,\quad D_w = 1/\sqrt{m_w}"
    step = Step("damping", latex, damped, kind="update")
    rows = np.ones((len(IDS), DIM))
    return Derivation("damping", ruled, (IDS, rows), (step,), dtypes=BOTH)


def _trained(config: Config, loss: Loss | None, blocks: Sequence[Block], V: Any, U: Any) -> Any:
    """The tables after the trainer's own steps."""
    optimizer = table_optimizer("sgd", lambda count: jnp.asarray(RATES)[count])
    step = make_step(kernel_of(config, loss), optimizer, config)
    tables = Tables(V, U)
    state = TrainState(tables, optimizer.init(tables), jnp.int32(0))
    state, _ = jax.lax.scan(step, state, jax.tree.map(lambda *x: jnp.stack(x), *blocks))
    return tuple(state.tables)


def _ruled(loss: Any, damping: str, blocks: Sequence[Block], V: Any, U: Any) -> Any:
    """The tables after the rule."""
    for lr, block in zip(RATES, blocks, strict=True):
        d_V, d_U = jax.grad(loss, argnums=(0, 1))(V, U, on_device(block))
        if damping == "sqrt":
            d_V, d_U = d_V / _root(_centres(block)), d_U / _root(_outside(block))
        V, U = V - lr * d_V, U - lr * d_U
    return V, U


def _root(words: np.ndarray) -> np.ndarray:
    """√m of each word, m the places where it stands, as a column; 1 where it stands nowhere."""
    return np.sqrt(np.maximum(np.bincount(words, minlength=VOCAB), 1))[:, None]


def _centres(block: Block) -> np.ndarray:
    """The centre words, without padding."""
    middle = slice(block.window, len(block.ids) - block.window)
    return np.asarray(block.ids)[middle][np.asarray(block.sentence)[middle] >= 0]


def _outside(block: Block) -> np.ndarray:
    """The words of the text, halo and all, without padding, and the negatives."""
    text = np.asarray(block.ids)[np.asarray(block.sentence) >= 0]
    return np.concatenate([text, np.ravel(block.neg_ids)])


def _derivations() -> tuple[Derivation, ...]:
    both, manual = ("autodiff", "manual"), ("manual",)
    ways: list[tuple[str, Config, Sequence[str]]] = [
        ("negative_sampling block", Config(), both),
        ("negative_sampling block undamped", Config(damping="none"), manual),
        ("negative_sampling block bfloat16", Config(precision="bfloat16"), manual),
        ("negative_sampling windows", Config(kernel="windows"), manual),
        ("naive_softmax block", Config(loss="naive_softmax"), both),
        ("naive_softmax windows", Config(loss="naive_softmax", kernel="windows"), manual),
    ]
    steps = [step_claim(f"step {name}", config, gradients=lines) for name, config, lines in ways]
    return (damping_claim(), *steps)


DERIVATIONS = _derivations()
