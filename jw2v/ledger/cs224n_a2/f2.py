"""(f) 2. δJ_neg-sample/δu_o."""

from typing import Any

import jax.numpy as jnp

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2.common import (
    NEG,
    O_ID,
    V_C,
    U,
    d,
    d_row,
    distinct,
    j_neg,
    log_sigma,
    row,
    sigma,
)
from jw2v.ledger.cs224n_a2.f import LOG_K, LOG_O, SIGMA_PRIME, SUM, TERMS, J, written

D = r"\frac{\delta}{\delta u_o}"
D_J = rf"\frac{{\delta {J}}}{{\delta u_o}}"


def _j_of_u_o(v_c: Any, u_o: Any, U: Any, o: Any, neg: Any) -> Any:
    return j_neg(v_c, row(U, o, u_o), o, neg)


def _d_loss(v_c: Any, u_o: Any, U: Any, o: Any, neg: Any) -> Any:
    return d_row(lambda U: written(v_c, U, o, neg), U, o, u_o)


def _d_first(v_c: Any, u_o: Any, U: Any, o: Any, neg: Any) -> Any:
    return d_row(lambda U: -log_sigma(U[o] @ v_c), U, o, u_o)


def _d_second(v_c: Any, u_o: Any, U: Any, o: Any, neg: Any) -> Any:
    return d_row(lambda U: jnp.sum(log_sigma(-(U[neg] @ v_c))), U, o, u_o)


def _d_of_each_term(v_c: Any, u_o: Any, U: Any, o: Any, neg: Any) -> Any:
    return _d_first(v_c, u_o, U, o, neg) - _d_second(v_c, u_o, U, o, neg)


def _d_first_alone(v_c: Any, u_o: Any, U: Any, o: Any, neg: Any) -> Any:
    return _d_first(v_c, u_o, U, o, neg) - 0


def _sigma_prime(v_c: Any, u_o: Any, U: Any, o: Any, neg: Any) -> Any:
    return sigma(u_o @ v_c) * (1 - sigma(u_o @ v_c))


def _derived(v_c: Any, u_o: Any, U: Any, o: Any, neg: Any) -> Any:
    s = sigma(u_o @ v_c)
    return (-1 / s) * s * (1 - s) * v_c


def _cancelled(v_c: Any, u_o: Any, U: Any, o: Any, neg: Any) -> Any:
    return -v_c * (1 - sigma(u_o @ v_c))


def _answer(v_c: Any, u_o: Any, U: Any, o: Any, neg: Any) -> Any:
    return v_c * (sigma(u_o @ v_c) - 1)


DERIVATIONS = (
    Derivation(
        "f2",
        _j_of_u_o,
        (V_C, V_C, U, O_ID, NEG),
        wrt=1,
        domain=distinct,
        cite="CS224n A2 (f) 2",
        steps=(
            Step("f2.1", rf"{D_J} = {D} \left[{TERMS}\right]", _d_loss, after=""),
            Step(
                "f2.2",
                rf"= {D} [-{LOG_O}] - {D} \left[{SUM} {LOG_K}\right]",
                _d_of_each_term,
            ),
            Step(
                "f2.3",
                rf"{D} \left[{SUM} {LOG_K}\right] = 0",
                _d_second,
                kind="zero",
                target=lambda v_c, u_o, U, o, neg: jnp.zeros_like(u_o),
                after="",
                note="for o is not among the w_k",
            ),
            Step("f2.4", f"{D_J} = {D} [-{LOG_O}] - 0", _d_first_alone, after="f2.2"),
            Step(
                "f2.5",
                SIGMA_PRIME,
                _sigma_prime,
                target=lambda v_c, u_o, U, o, neg: d(sigma, u_o @ v_c),
                after="",
                note="(e), at x = u_o·v_c",
            ),
            Step(
                "f2.6",
                rf"{D_J} = \left(-\frac{{1}}{{\sigma(u_o^T v_c)}} \right)"
                r" \sigma(u_o^T v_c) (1 - \sigma(u_o^T v_c)) v_c",
                _derived,
                after="f2.4",
            ),
            Step("f2.7", r"= -v_c (1 - \sigma(u_o^T v_c))", _cancelled),
            Step("f2.8", r"= \boxed{v_c (\sigma(u_o^T v_c) - 1)}", _answer, kind="gradient"),
        ),
    ),
)
