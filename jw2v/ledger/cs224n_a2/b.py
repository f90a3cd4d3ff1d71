"""(b) δJ_naive-softmax/δv_c.

The document keeps the word vectors in the columns of U, we in the rows: its U(ŷ − y) is Uᵀ(ŷ − y).
"""

from typing import Any

import jax
import jax.numpy as jnp

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2.common import (
    O_ID,
    V_C,
    U,
    d,
    j_softmax,
    one_hot,
    partition,
    prob,
    y_by_cases,
    y_of_o,
    y_of_others,
)
from jw2v.losses.naive_softmax import probabilities

Y = r"y_w = \begin{cases} 1 & \text{if } w = o \\ 0 & \text{if } w \neq o \end{cases}"
D = r"\frac{\delta}{\delta v_c}"
SUM = r"\sum_{w \in \text{Vocab}}"
EXP = r"\exp(u_w^T v_c)"
OVER_SUM = r"\frac{1}{\sum_{w \in \text{Vocab}} \exp(u_w^T v_c)}"
Y_HAT = r"\frac{\exp(u_w^T v_c)}{\sum_{k \in \text{Vocab}} \exp(u_k^T v_c)}"
J = r"J_{\text{naive-softmax}}(v_c, o, U)"


def _d_log_probability(v_c: Any, U: Any, o: Any) -> Any:
    return -d(lambda v_c: jnp.log(prob(v_c, U)[o]), v_c)


def _d_log_quotient(v_c: Any, U: Any, o: Any) -> Any:
    return -d(lambda v_c: jnp.log(jnp.exp(U[o] @ v_c) / jnp.sum(jnp.exp(U @ v_c))), v_c)


def _d_log_exp_and_d_log_sum(v_c: Any, U: Any, o: Any) -> Any:
    d_log_exp = d(lambda v_c: jnp.log(jnp.exp(U[o] @ v_c)), v_c)
    return -d_log_exp + d(lambda v_c: jnp.log(jnp.sum(jnp.exp(U @ v_c))), v_c)


def _d_score_and_d_sum(v_c: Any, U: Any, o: Any) -> Any:
    d_sum = d(lambda v_c: jnp.sum(jnp.exp(U @ v_c)), v_c)
    return -d(lambda v_c: U[o] @ v_c, v_c) + 1 / partition(v_c, U) * d_sum


def _sum_of_d_exp(v_c: Any, U: Any, o: Any) -> Any:
    d_exp = jax.vmap(lambda u_w: d(lambda v_c: jnp.exp(u_w @ v_c), v_c))(U)
    return -U[o] + 1 / partition(v_c, U) * jnp.sum(d_exp, axis=0)


def _sum_of_exp_d_score(v_c: Any, U: Any, o: Any) -> Any:
    d_score = jax.vmap(lambda u_w: d(lambda v_c: u_w @ v_c, v_c))(U)
    terms = jnp.exp(U @ v_c)[:, None] * d_score
    return -U[o] + 1 / partition(v_c, U) * jnp.sum(terms, axis=0)


def _quotient_of_sums(v_c: Any, U: Any, o: Any) -> Any:
    return -U[o] + jnp.sum(jnp.exp(U @ v_c)[:, None] * U, axis=0) / partition(v_c, U)


def _sum_of_y_u(v_c: Any, U: Any, o: Any) -> Any:
    return jnp.sum(one_hot(o, U)[:, None] * U, axis=0)


def _y_and_quotients(v_c: Any, U: Any, o: Any) -> Any:
    quotients = jnp.exp(U @ v_c) / partition(v_c, U)
    return -_sum_of_y_u(v_c, U, o) + jnp.sum(quotients[:, None] * U, axis=0)


def _quotients(v_c: Any, U: Any, o: Any) -> Any:
    return jnp.exp(U @ v_c) / jnp.sum(jnp.exp(U @ v_c))


def _two_sums(v_c: Any, U: Any, o: Any) -> Any:
    return -_sum_of_y_u(v_c, U, o) + jnp.sum(prob(v_c, U)[:, None] * U, axis=0)


def _one_sum(v_c: Any, U: Any, o: Any) -> Any:
    return jnp.sum(-one_hot(o, U)[:, None] * U + prob(v_c, U)[:, None] * U, axis=0)


def _u_factored(v_c: Any, U: Any, o: Any) -> Any:
    return jnp.sum(U * (-one_hot(o, U) + prob(v_c, U))[:, None], axis=0)


def _u_times_error(v_c: Any, U: Any, o: Any) -> Any:
    return jnp.sum(U * (prob(v_c, U) - one_hot(o, U))[:, None], axis=0)


def _answer(v_c: Any, U: Any, o: Any) -> Any:
    return U.T @ (prob(v_c, U) - one_hot(o, U))


DERIVATIONS = (
    Derivation(
        "b",
        j_softmax,
        (V_C, U, O_ID),
        wrt=0,
        cite="CS224n A2 (b)",
        steps=(
            Step("b.1", rf"{D} {J} = -{D} \log P(O = o | C = c)", _d_log_probability, after=""),
            Step(
                "b.2",
                rf"= -{D} \log \frac{{\exp(u_o^T v_c)}}{{{SUM} {EXP}}}",
                _d_log_quotient,
            ),
            Step(
                "b.3",
                rf"= -{D} \log \exp(u_o^T v_c) + {D} \log {SUM} {EXP}",
                _d_log_exp_and_d_log_sum,
            ),
            Step("b.4", f"= -{D} u_o^T v_c + {OVER_SUM} {D} {SUM} {EXP}", _d_score_and_d_sum),
            Step("b.5", f"= -u_o + {OVER_SUM} {SUM} {D} {EXP}", _sum_of_d_exp),
            Step("b.6", f"= -u_o + {OVER_SUM} {SUM} {EXP} {D} u_w^T v_c", _sum_of_exp_d_score),
            Step("b.7", rf"= -u_o + \frac{{{SUM} {EXP} u_w}}{{{SUM} {EXP}}}", _quotient_of_sums),
            Step(
                "b.8",
                Y,
                y_by_cases,
                kind="defines",
                target=lambda v_c, U, o: one_hot(o, U),
                after="",
            ),
            Step(
                "b.9",
                rf"u_o = {SUM} y_w u_w",
                _sum_of_y_u,
                target=lambda v_c, U, o: U[o],
                after="",
            ),
            Step("b.10", f"= -{SUM} y_w u_w + {SUM} {Y_HAT} u_w", _y_and_quotients, after="b.7"),
            Step(
                "b.11",
                rf"{Y_HAT} = \hat{{y}}_w",
                _quotients,
                target=lambda v_c, U, o: probabilities(v_c, U),
                after="",
                note="said in words: the conditional probability distribution",
            ),
            Step("b.12", rf"= -{SUM} y_w u_w + {SUM} \hat{{y}}_w u_w", _two_sums, after="b.10"),
            Step("b.13", rf"= {SUM} (-y_w u_w + \hat{{y}}_w u_w)", _one_sum),
            Step("b.14", rf"= {SUM} u_w (-y_w + \hat{{y}}_w)", _u_factored),
            Step("b.15", rf"= {SUM} u_w (\hat{{y}}_w - y_w)", _u_times_error),
            Step(
                "b.16",
                r"y_o = 1",
                y_of_o,
                target=lambda v_c, U, o: jnp.ones((), U.dtype),
                after="",
                note="said in words: 1 at word o",
            ),
            Step(
                "b.17",
                r"y_w = 0, w \neq o",
                y_of_others,
                kind="zero",
                target=lambda v_c, U, o: jnp.zeros_like(U[1:, 0]),
                after="",
                note="said in words: 0 at all other positions",
            ),
            Step(
                "b.18",
                rf"{D} {J} = U(\hat{{y}} - y)",
                _answer,
                kind="gradient",
                after="b.15",
                note="words in the columns of U, as the shape convention asks; in rows, Uᵀ(ŷ − y)",
            ),
        ),
    ),
)
