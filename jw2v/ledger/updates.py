"""The training step as claims: what it makes of the tables is a rule that a line can hold.

    V ← V − η_t D_V ∂J/∂V,      U ← U − η_t D_U ∂J/∂U,      D of `jw2v.optim.damping`

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
import optax

from jw2v.blocks.huffman import huffman
from jw2v.blocks.tables import RowGrads, Tables, whole_table
from jw2v.blocks.windows import Block
from jw2v.judge.records import Derivation, Step
from jw2v.ledger.example import (
    BOTH,
    COUNTS,
    DIM,
    VOCAB,
    as_drawn,
    by_step,
    dtypes_of,
    example_block,
    expected_of,
    on_device,
    plain_loss,
    shares_of_example,
    small,
    tables_of,
)
from jw2v.losses.record import Loss
from jw2v.optim.damping import AKIN, STABLE, TOGETHER, Expected, PieceLaw, damp, scaled
from jw2v.optim.named import table_optimizer
from jw2v.training.config import Config
from jw2v.training.step import TrainState, kernel_of, make_step, pairs_of

RATES = (0.05, 0.04)
"""Learning rates of the two blocks."""
RULE = r"\theta_{t+1} = \theta_t - \eta_t\,D\,\frac{\partial J}{\partial\theta}"
IDS = np.array([3, VOCAB - 1, 3, 3, 0])
TEXT = np.arange(VOCAB, 0, -1) / (VOCAB * (VOCAB + 1) / 2)  # shares of the words, falling
NOISE = np.sqrt(TEXT) / np.sqrt(TEXT).sum()
FACTOR = TEXT / TEXT[0]
LR = 0.8
"""The learning rate that damping is computed for: high enough that both its factors are taken."""


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

        id = f"{name} {gradient}" if gradients else name
        return Step(id, RULE, trained, kind="update", expect=expected_of(config, gradient))

    return Derivation(
        name,
        partial(_ruled, plain_loss(config, loss), config, blocks),
        tables_of(config, loss),
        tuple(line(gradient) for gradient in gradients or (config.gradient,)),
        dtypes=dtypes_of(config),
    )


def damping_claim() -> Derivation:
    """Damped rows, scattered, against each word's summed gradient times its factor."""

    def ruled(ids: Any, rows: Any) -> Any:
        here = ids[None, :] == jnp.arange(VOCAB)[:, None]
        return (here.astype(rows.dtype) @ rows) * FACTOR.astype(rows.dtype)[:, None]

    def trained(ids: Any, rows: Any) -> Any:
        table = jnp.zeros((VOCAB, DIM), rows.dtype)
        factor = jnp.asarray(FACTOR, rows.dtype)
        return whole_table(scaled(RowGrads(ids, rows), factor), table)

    latex = r"D_w \sum_{i: w_i = w} \partial J/\partial u_i"
    step = Step("damping", latex, trained, kind="update")
    rows = np.ones((len(IDS), DIM))
    return Derivation("damping", ruled, (IDS, rows), (step,), dtypes=BOTH)


def _trained(config: Config, loss: Loss | None, blocks: Sequence[Block], V: Any, U: Any) -> Any:
    """The tables after the trainer's own steps."""
    tables = Tables(V, U)
    rate = by_step(RATES)
    optimizer = table_optimizer(Tables("sgd", "sgd"), Tables(rate, rate), tables)
    if config.damping == "sqrt":
        factors = _expected(config, blocks[0]).factors(LR)
        optimizer = optax.chain(damp(factors), optimizer)
    step = make_step(kernel_of(config, loss), optimizer, config)
    state = TrainState(tables, optimizer.init(tables), jnp.int32(0))
    drawn = [as_drawn(block, config) for block in blocks]
    state, _ = jax.lax.scan(step, state, jax.tree.map(lambda *x: jnp.stack(x), *drawn))
    return tuple(state.tables)


def _expected(config: Config, block: Block) -> Expected:
    """What is expected of the example's blocks."""
    return Expected(
        TEXT,
        NOISE,
        centres=len(block.width),
        words=len(block.ids),
        draws=0 if config.loss == "naive_softmax" else np.size(block.neg_ids),
        pairs=pairs_of(config),
        negatives=config.negatives,
        inward=config.inward,
        bag=config.model == "cbow",
        met=huffman(COUNTS).met(TEXT) if config.has_tree else None,
        pieces=_pieces() if config.ngrams is not None else None,
    )


def _pieces() -> PieceLaw:
    often, share = shares_of_example()
    return PieceLaw(TEXT @ often, TEXT @ share / (TEXT @ often))


def _ruled(loss: Any, config: Config, blocks: Sequence[Block], V: Any, U: Any) -> tuple[Any, Any]:
    """The tables after the rule."""
    for lr, block in zip(RATES, blocks, strict=True):
        d_V, d_U = jax.grad(loss, argnums=(0, 1))(V, U, on_device(block))
        if config.damping == "sqrt":
            D_V, D_U = _factors(_expected(config, block))
            d_V, d_U = D_V * d_V, D_U * d_U
        V, U = V - lr * d_V, U - lr * d_U
    return V, U


def _factors(x: Expected) -> tuple[np.ndarray, np.ndarray]:
    """D of each table as columns, written out: min(1/√m, STABLE / (LR M)), of pieces by share."""
    K, noise = (x.negatives, x.noise) if x.draws else (1, x.text)
    in_V, in_U = (x.words, x.centres) if x.inward else (x.centres, x.words)
    m_V = 1 + (in_V - 1) * x.text
    m_U = 1 + (in_U - 1) * x.text + x.draws * x.noise
    scored, chance = 1 + K, x.text + K * noise
    if x.met is not None:
        m_U, scored, chance = 1 + (x.centres - 1) * x.met, np.sum(x.met), x.met
    if x.pieces is not None:
        m_V = 1 + (in_V - 1) * x.pieces.met
    M_V = x.pairs * scored * m_V * (1 if x.pieces is None else AKIN)
    drawn = TOGETHER * x.centres * K / x.draws if x.draws else 0
    M_U = (1 if x.bag else x.pairs) * np.maximum(1 + x.centres * chance, drawn)
    pairs = (m_V, M_V), (m_U, M_U)
    D_V, D_U = (np.minimum(m**-0.5, STABLE / LR / M)[:, None] for m, M in pairs)
    return D_V if x.pieces is None else D_V / x.pieces.share[:, None], D_U


def _derivations() -> tuple[Derivation, ...]:
    both, manual = ("autodiff", "manual"), ("manual",)
    ways: list[tuple[str, Config, Sequence[str]]] = [
        ("negative_sampling block", Config(), both),
        ("negative_sampling block undamped", Config(damping="none"), manual),
        ("negative_sampling block bfloat16", Config(precision="bfloat16"), manual),
        ("in-batch negatives block", Config(negatives_from="batch"), both),
        ("negative_sampling windows", Config(kernel="windows"), manual),
        ("naive_softmax block", Config(loss="naive_softmax"), both),
        ("hierarchical_softmax block", Config(loss="hierarchical_softmax"), both),
        ("reverse skipgram block", Config(reverse=True), manual),
        ("cbow block", Config(model="cbow"), both),
        ("cbow block bfloat16", Config(model="cbow", precision="bfloat16"), manual),
        ("subwords block", Config(minn=3, maxn=6), both),
        ("subwords block bfloat16", Config(minn=3, maxn=6, precision="bfloat16"), manual),
        ("naive_softmax windows", Config(loss="naive_softmax", kernel="windows"), manual),
    ]
    steps = [step_claim(f"step {name}", config, gradients=lines) for name, config, lines in ways]
    return (damping_claim(), *steps)


DERIVATIONS = _derivations()
