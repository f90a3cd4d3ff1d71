"""Optimizers as claims: two updates of the tables are the textbook's, written out plainly.

With g the gradient of a table, m and s its running averages, t = 1, 2, … and η_t the learning rate:

    sgd              θ ← θ − η g
    momentum         m ← .9 m + g,            θ ← θ − η m
    nesterov         m ← .9 m + g,            θ ← θ − η (g + .9 m)
    adagrad          s ← s + g²,              θ ← θ − η g / √(s + ε),            s₀ = .1
    rowwise_adagrad  as adagrad, with the mean of g² over each row
    rmsprop          s ← .9 s + .1 g²,        θ ← θ − η g / √(s + ε)
    adam             m ← .9 m + .1 g,  s ← .999 s + .001 g²,
                     θ ← θ − η m̂ / (√ŝ + ε),  m̂ = m / (1 − .9ᵗ),  ŝ = s / (1 − .999ᵗ)
    adamw            as adam, with λ θ added to m̂ / (√ŝ + ε)
    adabelief        as adam, with s ← .999 s + .001 (g − m)² + ε
    nadam            as adam, with .9 m / (1 − .9ᵗ⁺¹) + .1 g / (1 − .9ᵗ) for m̂
    lion             θ ← θ − η (sign(.9 m + .1 g) + λ θ),  then m ← .99 m + .01 g

and, where whole tables have a part in it, with |·| the norm and rms the root mean square of one:

    lamb             θ ← θ − η r |θ| / |r|,   r that of adam
    adafactor        s ← β s + (1 − β) g²,  β = 1 − t^−.8,  r = g / √s,
                     θ ← θ − η max(rms θ, .001) r / max(1, rms r)
    schedule_free    z ← z − η g,  x ← (1 − c) x + c z,  c = η_max² / Σ η_max²,
                     θ ← .9 x + .1 z,         of which x is the result
    sm3              s_ij = min(a_i, b_j) + g_ij²,  a_i = max_j s_ij,  b_j = max_i s_ij,
                     m ← .9 m + .1 g / √(s + ε),    θ ← θ − η m

On trial is the trainer's own update, `optax` through `jw2v.optim`, which is given the gradient of
V in rows of repeated words, others in the second update than in the first, and that of U whole.
The rules of the first list move the words that the rows name and no others; those of the second
are of whole tables.

Sources: Duchi et al. 2011; Tieleman and Hinton 2012; Kingma and Ba 2015, arXiv 1412.6980;
Loshchilov and Hutter 2019, arXiv 1711.05101; Zhuang et al. 2020, arXiv 2010.07468; Dozat 2016;
Chen et al. 2023, arXiv 2302.06675; You et al. 2020, arXiv 1904.00962; Shazeer and Stern 2018,
arXiv 1804.04235; Defazio et al. 2024, arXiv 2405.15682; Anil et al. 2019, arXiv 1901.11150.
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
from jw2v.ledger.example import BOTH, DIM, TABLES, VOCAB, by_step
from jw2v.optim.named import table_optimizer
from jw2v.optim.rows import apply_updates, dense, linear

RATES = (0.1, 0.08)
"""Learning rates of the two updates."""
RATE = by_step(RATES)
IDS = np.array([3, VOCAB - 1, 3, 3, 0])
ARGS = (*TABLES, IDS, np.ones((2, len(IDS), DIM)), np.ones((2, VOCAB, DIM)))
"""Example: V, U, words of the rows of V, and for two updates those rows and the gradient of U."""
Rule = Callable[..., tuple[Any, Any, Any]]
"""`(θ, g, m, s, lr, t)` to the next `(θ, m, s)`."""


def _zeros(x: Any) -> Any:
    return jnp.zeros_like(x)


START: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = MappingProxyType(
    {
        "adagrad": (_zeros, lambda x: jnp.full_like(x, 0.1)),
        "rowwise_adagrad": (_zeros, lambda x: jnp.full_like(x[:, :1], 0.1)),
        "schedule_free": (lambda x: (x, x), lambda x: jnp.zeros((), x.dtype)),
        "sm3": (_zeros, lambda x: (jnp.zeros_like(x[:, 0]), jnp.zeros_like(x[0]))),
    }
)
"""m and s before the first update, where they are not 0."""
WHOLE = ("lamb", "adafactor", "schedule_free", "sm3")
"""Rules of whole tables."""


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


def _rowwise_adagrad(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    s = s + jnp.mean(g**2, axis=1, keepdims=True)
    return x - lr * g / jnp.sqrt(s + 1e-7), m, s


def _adabelief(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * (g - m) ** 2 + 1e-16
    return x - lr * (m / (1 - 0.9**t)) / (jnp.sqrt(s / (1 - 0.999**t)) + 1e-16), m, s


def _nadam(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    ahead = 0.9 * m / (1 - 0.9 ** (t + 1)) + 0.1 * g / (1 - 0.9**t)
    return x - lr * ahead / (jnp.sqrt(s / (1 - 0.999**t)) + 1e-8), m, s


def _lamb(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    r = (m / (1 - 0.9**t)) / (jnp.sqrt(s / (1 - 0.999**t)) + 1e-6)
    return x - lr * r * (_norm(x) / _norm(r)), m, s


def _norm(x: Any) -> Any:
    return jnp.sqrt(jnp.sum(x**2))


def _rms(x: Any) -> Any:
    return jnp.sqrt(jnp.mean(x**2))


def _adafactor(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    beta = 1 - t**-0.8
    s = beta * s + (1 - beta) * (g**2 + 1e-30)
    r = g / jnp.sqrt(s)
    return x - lr * jnp.maximum(_rms(x), 1e-3) * r / jnp.maximum(_rms(r), 1.0), m, s


def _schedule_free(y: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    (x, z), weight = m, max(RATES[:t]) ** 2
    s = s + weight
    z = z - lr * g
    x = (1 - weight / s) * x + (weight / s) * z
    return 0.9 * x + 0.1 * z, (x, z), s


def _sm3(x: Any, g: Any, m: Any, s: Any, lr: float, t: int) -> Any:
    rows, columns = s
    s = jnp.minimum(rows[:, None], columns[None, :]) + g**2
    # A word without a gradient so far has s = 0, and no step.
    step = jnp.where(s > 0, g / jnp.sqrt(s + 1e-8), 0.0)
    m = 0.9 * m + 0.1 * step
    return x - lr * m, m, (jnp.max(s, axis=1), jnp.max(s, axis=0))


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
        "rowwise_adagrad": _rowwise_adagrad,
        "rmsprop": _rmsprop,
        "adam": _adam,
        "adamw": _adamw,
        "adabelief": _adabelief,
        "nadam": _nadam,
        "lion": _lion,
        "lamb": _lamb,
        "adafactor": _adafactor,
        "schedule_free": _schedule_free,
        "sm3": _sm3,
    }
)


LATEX: Mapping[str, str] = MappingProxyType(
    {
        "sgd": r"\theta - \eta g",
        "momentum": r"\theta - \eta m",
        "nesterov": r"\theta - \eta (g + 0.9\,m)",
        "adagrad": r"\theta - \eta\,g / \sqrt{s + \epsilon}",
        "rowwise_adagrad": r"\theta - \eta\,g / \sqrt{s + \epsilon}",
        "rmsprop": r"\theta - \eta\,g / \sqrt{s + \epsilon}",
        "adam": r"\theta - \eta\,\hat m / (\sqrt{\hat s} + \epsilon)",
        "adamw": r"\theta - \eta\,(\hat m / (\sqrt{\hat s} + \epsilon) + \lambda\theta)",
        "adabelief": r"\theta - \eta\,\hat m / (\sqrt{\hat s} + \epsilon)",
        "nadam": r"\theta - \eta\,\bar m / (\sqrt{\hat s} + \epsilon)",
        "lion": r"\theta - \eta\,(\mathrm{sign}(0.9\,m + 0.1\,g) + \lambda\theta)",
        "lamb": r"\theta - \eta\,r\,\|\theta\| / \|r\|",
        "adafactor": (
            r"\theta - \eta\,\max(\mathrm{rms}\,\theta, \epsilon)\,r / \max(1, \mathrm{rms}\,r)"
        ),
        "schedule_free": r"0.9\,x + 0.1\,z",
        "sm3": r"\theta - \eta m",
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
        tables, one = Tables(V, U), optimizer or name
        tx = table_optimizer(Tables(one, one), Tables(RATE, RATE), tables)
        return _updated(tx, V, U, ids, rows, d_U)

    return _claim(line, name, Step(line, LATEX[name], updated, kind="update"))


def rows_claim() -> Derivation:
    """SGD on whole tables and, from that, on the touched rows alone."""

    def on_whole_tables(V: Any, U: Any, ids: Any, rows: Any, d_U: Any) -> Any:
        return _updated(dense(optax.sgd(RATE)), V, U, ids, rows, d_U)

    def on_touched_rows(V: Any, U: Any, ids: Any, rows: Any, d_U: Any) -> Any:
        return _updated(linear(optax.sgd(RATE)), V, U, ids, rows, d_U)

    whole = Step("sgd on whole tables", LATEX["sgd"], on_whole_tables, kind="update")
    rows = Step("sgd on touched rows", LATEX["sgd"], on_touched_rows, kind="update")
    return _claim("sgd by rows", "sgd", whole, rows)


def _claim(id: str, rule: str, *steps: Step) -> Derivation:
    return Derivation(id, partial(_ruled, rule), ARGS, steps, dtypes=BOTH)


def _words(ids: Any, t: int) -> Any:
    """The words of an update's rows."""
    return (ids + t) % VOCAB


def _ruled(name: str, V: Any, U: Any, ids: Any, rows: Any, d_U: Any) -> Any:
    """The tables after the formula."""
    here = [_words(ids, t)[None, :] == jnp.arange(VOCAB)[:, None] for t in range(len(RATES))]
    d_V = [x.astype(rows.dtype) @ rows[t] for t, x in enumerate(here)]
    named = [jnp.any(x, axis=1, keepdims=True) for x in here]
    return _after(name, V, d_V, None if name in WHOLE else named), _after(name, U, d_U, None)


def _after(name: str, x: Any, gradients: Any, named: Sequence[Any] | None) -> Any:
    """A table after two updates, of the rows that are named where it is said which."""
    m, s = (start(x) for start in START.get(name, (_zeros, _zeros)))
    for t, lr in enumerate(RATES):
        after = RULES[name](x, gradients[t], m, s, lr, t + 1)
        if named is not None:
            after = tuple(jnp.where(named[t], *pair) for pair in zip(after, (x, m, s), strict=True))
        x, m, s = after
    return x


def _updated(
    optimizer: optax.GradientTransformation, V: Any, U: Any, ids: Any, rows: Any, d_U: Any
) -> tuple[Any, ...]:
    """The tables after the trainer's own updates."""
    tables = Tables(V, U)
    state = optimizer.init(tables)
    for t in range(len(RATES)):
        updates, state = optimizer.update(
            Tables(RowGrads(_words(ids, t), rows[t]), d_U[t]), state, tables
        )
        tables = apply_updates(tables, updates)
    return tuple(tables)


DERIVATIONS = (rows_claim(), *(optimizer_claim(name) for name in RULES))
