"""(c) δJ_naive-softmax/δu_o, and both cases at once."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2.c import SUM, SUM_K, J, j_of_u_w
from jw2v.ledger.cs224n_a2.common import (
    O_ID,
    V_C,
    U,
    d,
    d_row,
    j_softmax,
    partition,
    prob,
    row,
)
from jw2v.losses.naive_softmax import probabilities

D = r"\frac{\delta}{\delta u_o}"
Y_HAT = rf"\frac{{\exp(u_o^T v_c)}}{{{SUM_K}}}"


def _j_of_u_o(v_c: Any, u_o: Any, U: Any, o: Any) -> Any:
    return j_softmax(v_c, row(U, o, u_o), o)


def _two_terms(v_c: Any, u_o: Any, U: Any, o: Any) -> Any:
    d_log_exp = d(lambda u_o: jnp.log(jnp.exp(u_o @ v_c)), u_o)
    return -d_log_exp + d_row(lambda U: jnp.log(partition(v_c, U)), U, o, u_o)


def _derived(v_c: Any, u_o: Any, U: Any, o: Any) -> Any:
    return -v_c + jnp.exp(u_o @ v_c) / partition(v_c, row(U, o, u_o)) * v_c


def _factored(v_c: Any, u_o: Any, U: Any, o: Any) -> Any:
    return (jnp.exp(u_o @ v_c) / partition(v_c, row(U, o, u_o)) - 1) * v_c


def _quotient(v_c: Any, u_o: Any, U: Any, o: Any) -> Any:
    return jnp.exp(u_o @ v_c) / partition(v_c, row(U, o, u_o))


def _answer_o(v_c: Any, u_o: Any, U: Any, o: Any) -> Any:
    return (prob(v_c, row(U, o, u_o))[o] - 1) * v_c


def _cases(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    y_hat = prob(v_c, row(U, w, u_w))
    return jnp.where(w == o, (y_hat[o] - 1) * v_c, y_hat[w] * v_c)


DERIVATIONS = (
    Derivation(
        "c w=o",
        _j_of_u_o,
        (V_C, V_C, U, O_ID),
        wrt=1,
        cite="CS224n A2 (c)",
        steps=(
            Step(
                "c.10",
                rf"{D} {J} = -{D} \log \exp(u_o^T v_c) + {D} \log {SUM}",
                _two_terms,
                after="",
            ),
            Step("c.11", rf"= -v_c + {Y_HAT} v_c", _derived),
            Step("c.12", rf"= \left({Y_HAT} - 1\right) v_c", _factored),
            Step(
                "c.13",
                rf"{Y_HAT} = \hat{{y}}_o",
                _quotient,
                target=lambda v_c, u_o, U, o: probabilities(v_c, row(U, o, u_o))[o],
                after="",
                note="said in words: the conditional probability distribution",
            ),
            Step(
                "c.14",
                rf"{D} {J} = (\hat{{y}}_o - 1)v_c",
                _answer_o,
                kind="gradient",
                after="c.12",
            ),
        ),
    ),
    Derivation(
        "c both",
        j_of_u_w,
        (V_C, V_C, U, O_ID, np.array(4)),
        wrt=1,
        cite="CS224n A2 (c)",
        steps=(
            Step(
                "c.15",
                r"\frac{\delta J}{\delta u_w} = \begin{cases} (\hat{y}_o - 1)v_c & \text{if } w = o"
                r" \\ \hat{y}_w v_c & \text{otherwise} \end{cases}",
                _cases,
                kind="gradient",
                after="",
            ),
        ),
    ),
)
