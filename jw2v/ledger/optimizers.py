"""Optimizers as claims: two updates of the tables are the textbook's, written out plainly.

With g the gradient of a table, m and s its running averages, t = 1, 2, … and η_t the learning rate:

    sgd       θ ← θ − η g
    momentum  m ← .9 m + g,            θ ← θ − η m
    nesterov  m ← .9 m + g,            θ ← θ − η (g + .9 m)
    adagrad   s ← s + g²,              θ ← θ − η g / √(s + ε),            s₀ = .1
    rmsprop   s ← .9 s + .1 g²,        θ ← θ − η g / √(s + ε)
    adam      m ← .9 m + .1 g,  s ← .999 s + .001 g²,
              θ ← θ − η m̂ / (√ŝ + ε),  m̂ = m / (1 − .9ᵗ),  ŝ = s / (1 − .999ᵗ)
    adamw     as adam, with λ θ added to m̂ / (√ŝ + ε)
    lion      θ ← θ − η (sign(.9 m + .1 g) + λ θ),  then m ← .99 m + .01 g

On trial is the trainer's own update, `optax` through `jw2v.optim`, which is given the gradient of
V in rows of repeated words and that of U whole. Row by row (`sgd`) or on whole tables it must come
to the same.

Sources: Duchi et al. 2011; Tieleman and Hinton 2012; Kingma and Ba 2015, arXiv 1412.6980;
Loshchilov and Hutter 2019, arXiv 1711.05101; Chen et al. 2023, arXiv 2302.06675.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from jw2v.blocks.tables import RowGrads, Tables
from jw2v.judge.records import Derivation, Step
from jw2v.ledger.example import BOTH, DIM, TABLES, VOCAB
from jw2v.optim.named import table_optimizer
from jw2v.optim.rows import apply_updates, dense, linear, rowwise

RATES = (0.1, 0.08)
"""Learning rates of the two updates."""
IDS = np.array([3, VOCAB - 1, 3, 3, 0])
ARGS = (*TABLES, IDS, np.ones((2, len(IDS), DIM)), np.ones((2, VOCAB, DIM)))
"""Example: V, U, words of the rows of V, and for two updates those rows and the gradient of U."""
START = {"adagrad": 0.1}
"""s before the first update, where it is not 0."""

Rule = Callable[..., tuple[Any, Any, Any]]
"""`(θ, g, m, s, lr, t)` to the next `(θ, m, s)`."""


def _sgd(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    return x - lr * g, m, s


def _momentum(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    m = 0.9 * m + g
    return x - lr * m, m, s


def _nesterov(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    m = 0.9 * m + g
    return x - lr * (g + 0.9 * m), m, s


def _adagrad(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    s = s + g**2
    return x - lr * g / jnp.sqrt(s + 1e-7), m, s


def _rmsprop(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    s = 0.9 * s + 0.1 * g**2
    return x - lr * g / jnp.sqrt(s + 1e-8), m, s


def _adam(x: Any, g: Any, m: Any, s: Any, lr: float, t: int, decay: float = 0.0) -> Any:
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    m_hat, s_hat = m / (1 - 0.9**t), s / (1 - 0.999**t)
    return x - lr * (m_hat / (jnp.sqrt(s_hat) + 1e-8) + decay * x), m, s


def _adamw(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    return _adam(x, g, m, s, lr, t, decay=1e-4)


def _lion(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    return x - lr * (jnp.sign(0.9 * m + 0.1 * g) + 1e-3 * x), 0.99 * m + 0.01 * g, s


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "sgd": _sgd,
        "momentum": _momentum,
        "nesterov": _nesterov,
        "adagrad": _adagrad,
        "rmsprop": _rmsprop,
        "adam": _adam,
        "adamw": _adamw,
        "lion": _lion,
    }
)


LATEX: Mapping[str, str] = MappingProxyType(
    {
        "sgd": r"\theta - \eta g",
        "momentum": r"\theta - \eta m",
        "nesterov": r"\theta - \eta (g + 0.9\,m)",
        "adagrad": r"\theta - \eta\,g / \sqrt{s + \epsilon}",
        "rmsprop": r"\theta - \eta\,g / \sqrt{s + \epsilon}",
        "adam": r"\theta - \eta\,\hat m / (\sqrt{\hat s} + \epsilon)",
        "adamw": r"\theta - \eta\,(\hat m / (\sqrt{\hat s} + \epsilon) + \lambda\theta)",
        "lion": r"\theta - \eta\,(\mathrm{sign}(0.9\,m + 0.1\,g) + \lambda\theta)",
    }
)


def optimizer_claim(name: str, optimizer: Any = None) -> Derivation:
    """Two updates by an optimizer against its formula.

    Args:
      name: of the formula.
      optimizer: what is said to follow it, as of `jw2v.train`; by default the one of this name.
    """
    line = f"optimizer {name}"

    def updated(V: Any, U: Any, ids: Any, rows: Any, d_U: Any) -> Any:
        return _updated(table_optimizer(optimizer or name, _rate), V, U, ids, rows, d_U)

    return _claim(line, name, Step(line, LATEX[name], updated, kind="update"))


def rows_claim() -> Derivation:
    """SGD on whole tables and, from that, on the touched rows alone."""

    def on_whole_tables(V: Any, U: Any, ids: Any, rows: Any, d_U: Any) -> Any:
        return _updated(dense(optax.sgd(_rate)), V, U, ids, rows, d_U)

    def on_touched_rows(V: Any, U: Any, ids: Any, rows: Any, d_U: Any) -> Any:
        return _updated(linear(optax.sgd(_rate)), V, U, ids, rows, d_U)

    whole = Step("sgd on whole tables", LATEX["sgd"], on_whole_tables, kind="update")
    rows = Step("sgd on touched rows", LATEX["sgd"], on_touched_rows, kind="update")
    return _claim("sgd by rows", "sgd", whole, rows)


def _claim(id: str, rule: str, *steps: Step) -> Derivation:
    return Derivation(id, partial(_ruled, rule), ARGS, steps, dtypes=BOTH)


def _rate(count: Any) -> Any:
    return jnp.asarray(RATES)[count]


def _ruled(name: str, V: Any, U: Any, ids: Any, rows: Any, d_U: Any) -> Any:
    """The tables after the formula."""
    here = (ids[None, :] == jnp.arange(VOCAB)[:, None]).astype(rows.dtype)
    gradients = (here @ rows[0], here @ rows[1]), (d_U[0], d_U[1])
    return tuple(_after(name, *pair) for pair in zip((V, U), gradients, strict=True))


def _after(name: str, x: Any, gradients: Sequence[Any]) -> Any:
    m, s = jnp.zeros_like(x), jnp.full_like(x, START.get(name, 0.0))
    for t, g in enumerate(gradients):
        x, m, s = RULES[name](x, g, m, s, RATES[t], t + 1)
    return x


def _updated(
    optimizer: optax.GradientTransformation, V: Any, U: Any, ids: Any, rows: Any, d_U: Any
) -> tuple[Any, ...]:
    """The tables after the trainer's own updates."""
    tables = Tables(V, U)
    state = optimizer.init(tables)
    for t in range(len(RATES)):
        updates, state = optimizer.update(Tables(RowGrads(ids, rows[t]), d_U[t]), state, tables)
        tables = apply_updates(tables, updates)
    return tuple(tables)


DERIVATIONS = (rows_claim(), *(optimizer_claim(name) for name in RULES))
