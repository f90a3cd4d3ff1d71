"""(h) The window: its loss is a sum over its outside words, and so are its gradients.

A pair's ids are the outside word alone for naive softmax; for negative sampling, the K words that
were drawn for it too.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2.common import V_C, U, j_neg, j_softmax, one_hot, others, prob, row
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import loss as neg_sample
from jw2v.losses.skipgram import loss as skip_gram

WINDOW = r"J_{\text{skip-gram}}(v_c, w_{t-m}, \dots, w_{t+m}, U)"
SUM = r"\sum_{\substack{-m \leq j \leq m \\ j \neq 0}}"
PAIR = r"J(v_c, w_{t+j}, U)"
D_U = rf"\frac{{\delta {WINDOW}}}{{\delta U}} = {SUM} \frac{{\delta {PAIR}}}{{\delta U}}"
D_V_C = rf"\frac{{\delta {WINDOW}}}{{\delta v_c}} = {SUM} \frac{{\delta {PAIR}}}{{\delta v_c}}"
D_V_W = rf"\frac{{\delta {WINDOW}}}{{\delta v_w}} = 0"
SOFTMAX, NEG_SAMPLE = "J is the naive-softmax loss", "J is the negative-sampling loss"
W_IS_NOT_C = "for w ≠ c, which the question says and the line does not"

C, OUTSIDE, DRAWN = np.array(4), np.array([2, 6]), np.array([[1, 6, 3], [5, 0, 5]])
TABLES = (U, U, C)


def _softmax_window(v_c: Any, U: Any, outside: Any) -> Any:
    weight = jnp.ones(outside.shape, U.dtype)
    return skip_gram(v_c, outside, U, weight, pair=NAIVE_SOFTMAX)


def _neg_window(v_c: Any, U: Any, outside: Any, drawn: Any) -> Any:
    return jnp.sum(jax.vmap(neg_sample, (None, 0, 0))(v_c, U[outside], U[drawn]))


def _softmax_window_of_tables(V: Any, U: Any, c: Any, outside: Any) -> Any:
    return _softmax_window(V[c], U, outside)


def _neg_window_of_tables(V: Any, U: Any, c: Any, outside: Any, drawn: Any) -> Any:
    return _neg_window(V[c], U, outside, drawn)


def _softmax_sum(v_c: Any, U: Any, outside: Any) -> Any:
    return sum(j_softmax(v_c, U, outside[j]) for j in range(outside.shape[0]))


def _neg_sum(v_c: Any, U: Any, outside: Any, drawn: Any) -> Any:
    return sum(j_neg(v_c, U, outside[j], drawn[j]) for j in range(outside.shape[0]))


def _by_parts_a_to_c(V: Any, U: Any, c: Any, outside: Any) -> Any:
    v_c, window = V[c], range(outside.shape[0])
    errors = [prob(v_c, U) - one_hot(outside[j], U) for j in window]
    d_v_c = sum(U.T @ error for error in errors)
    d_U = sum(jnp.outer(error, v_c) for error in errors)
    return row(jnp.zeros_like(V), c, d_v_c), d_U


def _softmax_d_U(v_c: Any, U: Any, outside: Any) -> Any:
    d_U = jax.grad(j_softmax, argnums=1)
    return sum(d_U(v_c, U, outside[j]) for j in range(outside.shape[0]))


def _neg_d_U(v_c: Any, U: Any, outside: Any, drawn: Any) -> Any:
    d_U = jax.grad(j_neg, argnums=1)
    return sum(d_U(v_c, U, outside[j], drawn[j]) for j in range(outside.shape[0]))


def _softmax_d_v_c(v_c: Any, U: Any, outside: Any) -> Any:
    d_v_c = jax.grad(j_softmax, argnums=0)
    return sum(d_v_c(v_c, U, outside[j]) for j in range(outside.shape[0]))


def _neg_d_v_c(v_c: Any, U: Any, outside: Any, drawn: Any) -> Any:
    d_v_c = jax.grad(j_neg, argnums=0)
    return sum(d_v_c(v_c, U, outside[j], drawn[j]) for j in range(outside.shape[0]))


def _softmax_d_v_w(V: Any, U: Any, c: Any, outside: Any) -> Any:
    return jax.grad(lambda V: _softmax_sum(V[c], U, outside))(V)[others(c, V)]


def _neg_d_v_w(V: Any, U: Any, c: Any, outside: Any, drawn: Any) -> Any:
    return jax.grad(lambda V: _neg_sum(V[c], U, outside, drawn))(V)[others(c, V)]


def _zeros(V: Any, *rest: Any) -> Any:
    return jnp.zeros_like(V[1:])


def _line(
    of: Callable[..., Any], args: Any, step: Step, wrt: int | tuple[int, ...] | None = None
) -> Derivation:
    return Derivation(step.id, of, args, (step,), wrt=wrt, cite="CS224n A2 (h)")


_PAIR, _PAIR_NEG = (V_C, U, OUTSIDE), (V_C, U, OUTSIDE, DRAWN)
_ALL, _ALL_NEG = (*TABLES, OUTSIDE), (*TABLES, OUTSIDE, DRAWN)
_DEFINED = f"{WINDOW} = {SUM} {PAIR}"

DERIVATIONS = (
    _line(
        _softmax_window,
        _PAIR,
        Step("h.1", _DEFINED, _softmax_sum, kind="defines", after="", note=SOFTMAX),
    ),
    _line(
        _neg_window,
        _PAIR_NEG,
        Step("h.2", _DEFINED, _neg_sum, kind="defines", after="", note=NEG_SAMPLE),
    ),
    _line(
        _softmax_window_of_tables,
        _ALL,
        Step(
            "h.3",
            rf"\frac{{\delta {WINDOW}}}{{\delta (V, U)}} \text{{ by parts (a) to (c)}}",
            _by_parts_a_to_c,
            kind="gradient",
            after="",
            note="said in words: you have now computed the derivatives with respect to all "
            "parameters, V and U",
        ),
        (0, 1),
    ),
    _line(
        _softmax_window,
        _PAIR,
        Step("h.4", D_U, _softmax_d_U, kind="gradient", after="", note=SOFTMAX),
        1,
    ),
    _line(
        _neg_window,
        _PAIR_NEG,
        Step("h.5", D_U, _neg_d_U, kind="gradient", after="", note=NEG_SAMPLE),
        1,
    ),
    _line(
        _softmax_window,
        _PAIR,
        Step("h.6", D_V_C, _softmax_d_v_c, kind="gradient", after="", note=SOFTMAX),
        0,
    ),
    _line(
        _neg_window,
        _PAIR_NEG,
        Step("h.7", D_V_C, _neg_d_v_c, kind="gradient", after="", note=NEG_SAMPLE),
        0,
    ),
    _line(
        _softmax_window_of_tables,
        _ALL,
        Step(
            "h.8",
            D_V_W,
            _softmax_d_v_w,
            kind="zero",
            target=_zeros,
            after="",
            note=f"{SOFTMAX}; {W_IS_NOT_C}",
        ),
        0,
    ),
    _line(
        _neg_window_of_tables,
        _ALL_NEG,
        Step(
            "h.9",
            D_V_W,
            _neg_d_v_w,
            kind="zero",
            target=_zeros,
            after="",
            note=f"{NEG_SAMPLE}; {W_IS_NOT_C}",
        ),
        0,
    ),
)
