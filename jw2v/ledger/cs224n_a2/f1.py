"""(f) 1. δJ_neg-sample/δv_c: two signs slip, and the second undoes the first."""

from typing import Any

import jax
import jax.numpy as jnp

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2.common import (
    NEG,
    O_ID,
    V_C,
    U,
    d,
    distinct,
    j_neg,
    log_sigma,
    sigma,
)
from jw2v.ledger.cs224n_a2.f import LOG_K, LOG_O, SUM, TERMS, J, written

D = r"\frac{\delta}{\delta v_c}"
FIRST = r"\left(-\frac{1}{\sigma(u_o^T v_c)} \right) \sigma(u_o^T v_c)(1 - \sigma(u_o^T v_c))u_o"
QUOTIENT = r"\frac{u_k \sigma(-u_k^T v_c)(1 - \sigma(-u_k^T v_c))}{\sigma(-u_k^T v_c)}"
FACTORED = r"u_k(1 - \sigma(-u_k^T v_c))"


def _d_loss(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return d(lambda v_c: written(v_c, U, o, neg), v_c)


def _d_of_each_term(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    d_first = d(lambda v_c: -log_sigma(U[o] @ v_c), v_c)
    return d_first - d(lambda v_c: jnp.sum(log_sigma(-(U[neg] @ v_c))), v_c)


def _sum_of_d(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    d_first = d(lambda v_c: -log_sigma(U[o] @ v_c), v_c)
    d_each = jax.vmap(lambda u_k: d(lambda v_c: log_sigma(-(u_k @ v_c)), v_c))(U[neg])
    return d_first - jnp.sum(d_each, axis=0)


def _first(v_c: Any, u_o: Any) -> Any:
    s = sigma(u_o @ v_c)
    return (-1 / s) * s * (1 - s) * u_o


def _quotients(v_c: Any, u_neg: Any) -> Any:
    s = sigma(-(u_neg @ v_c))
    return jnp.sum(u_neg * (s * (1 - s) / s)[:, None], axis=0)


def _derived(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return _first(v_c, U[o]) - _quotients(v_c, U[neg])


def _derived_right(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return _first(v_c, U[o]) + _quotients(v_c, U[neg])


def _sum_of_rows(v_c: Any, u_neg: Any) -> Any:
    return jnp.sum(u_neg * (1 - sigma(-(u_neg @ v_c)))[:, None], axis=0)


def _cancelled(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return -U[o] * (1 - sigma(U[o] @ v_c)) - _sum_of_rows(v_c, U[neg])


def _cancelled_right(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return -U[o] * (1 - sigma(U[o] @ v_c)) + _sum_of_rows(v_c, U[neg])


def _answer(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    rows = U[neg] * (sigma(-(U[neg] @ v_c)) - 1)[:, None]
    return U[o] * (sigma(U[o] @ v_c) - 1) - jnp.sum(rows, axis=0)


DERIVATIONS = (
    Derivation(
        "f1",
        j_neg,
        (V_C, U, O_ID, NEG),
        wrt=0,
        domain=distinct,
        cite="CS224n A2 (f) 1",
        steps=(
            Step(
                "f1.1",
                rf"\frac{{\delta {J}}}{{\delta v_c}} = {D} \left[{TERMS}\right]",
                _d_loss,
                after="",
            ),
            Step(
                "f1.2",
                rf"= {D} [-{LOG_O}] - {D} \left[{SUM} {LOG_K}\right]",
                _d_of_each_term,
            ),
            Step("f1.3", rf"= {D} [-{LOG_O}] - {SUM} \left[{D} {LOG_K}\right]", _sum_of_d),
            Step(
                "f1.4",
                f"= {FIRST} - {SUM} {QUOTIENT}",
                _derived,
                expect="refuted",
                expect_step="refuted",
                correct=f"{FIRST} + {SUM} {QUOTIENT}",
                correct_fn=_derived_right,
                note="the inner derivative of σ(−u_k·v_c) is −u_k; its sign is lost",
            ),
            Step(
                "f1.5",
                rf"= -u_o(1 - \sigma(u_o^T v_c)) - {SUM} {FACTORED}",
                _cancelled,
                expect="refuted",
                correct=rf"-u_o(1 - \sigma(u_o^T v_c)) + {SUM} {FACTORED}",
                correct_fn=_cancelled_right,
                note="follows from the line before, and is wrong with it",
            ),
            Step(
                "f1.6",
                r"= \boxed{u_o(\sigma(u_o^T v_c) - 1)"
                rf" - {SUM} u_k(\sigma(-u_k^T v_c) - 1)}}",
                _answer,
                kind="gradient",
                expect_step="refuted",
                note="right, but it does not follow: 1 − σ became σ − 1 under the same sign, which "
                "undoes the sign lost two lines above",
            ),
        ),
    ),
)
