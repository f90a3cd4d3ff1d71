"""(c) δJ_naive-softmax/δu_w: for every w, then for w ≠ o."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jw2v.judge.records import Derivation, Step
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

D = r"\frac{\delta}{\delta u_w}"
SUM = r"\sum_{w \in \text{Vocab}} \exp(u_w^T v_c)"
SUM_K = r"\sum_{k \in \text{Vocab}} \exp(u_k^T v_c)"
OVER_SUM = rf"\frac{{1}}{{{SUM_K}}}"
Y_HAT = rf"\frac{{\exp(u_w^T v_c)}}{{{SUM_K}}}"
J = r"J_{\text{naive-softmax}}(v_c, o, U)"
SHADOWED = (
    "w is free in δ/δu_w and bound again by the sum: to the letter the sum's w shadows the free "
    "one, so the line says what is meant"
)
RENAMED = "the sum over k, so that w stays the word of δ/δu_w"


def differs(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> bool:
    """The domain of the case w ≠ o."""
    return int(w) != int(o)


def j_of_u_w(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    """The loss as a function of the row of word w."""
    return j_softmax(v_c, row(U, w, u_w), o)


def _sum_over_w(v_c: Any, U: Any) -> Any:
    """Σ_w, where w is a word of its own, as in the document."""
    return sum(jnp.exp(U[w] @ v_c) for w in range(U.shape[0]))


def _d_log_probability(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    return -d_row(lambda U: jnp.log(prob(v_c, U)[o]), U, w, u_w)


def _d_log_quotient_letter(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    return -d_row(lambda U: jnp.log(jnp.exp(U[o] @ v_c) / _sum_over_w(v_c, U)), U, w, u_w)


def _d_log_quotient(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    return -d_row(lambda U: jnp.log(jnp.exp(U[o] @ v_c) / partition(v_c, U)), U, w, u_w)


def _d_log_exp_and_d_log_sum_letter(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    d_log_exp = d_row(lambda U: jnp.log(jnp.exp(U[o] @ v_c)), U, w, u_w)
    return -d_log_exp + d_row(lambda U: jnp.log(_sum_over_w(v_c, U)), U, w, u_w)


def _d_log_exp_and_d_log_sum(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    d_log_exp = d_row(lambda U: jnp.log(jnp.exp(U[o] @ v_c)), U, w, u_w)
    return -d_log_exp + d_row(lambda U: jnp.log(partition(v_c, U)), U, w, u_w)


def _d_log_sum_letter(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    return d_row(lambda U: jnp.log(_sum_over_w(v_c, U)), U, w, u_w)


def _d_log_sum(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    return d_row(lambda U: jnp.log(partition(v_c, U)), U, w, u_w)


def _d_sum_without_o(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    def without_o(U: Any) -> Any:
        return jnp.sum(jnp.exp(U @ v_c), where=jnp.arange(U.shape[0]) != o)

    return 1 / partition(v_c, row(U, w, u_w)) * d_row(without_o, U, w, u_w)


def _d_exp_of_x(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    last = U.shape[0] - 1
    x = jnp.where(o == last, last - 1, last)  # the last word that the sum over x ≠ o came to
    d_exp = d_row(lambda U: jnp.exp(U[x] @ v_c), U, w, u_w)
    return 1 / partition(v_c, row(U, w, u_w)) * d_exp


def _d_exp_of_w(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    return 1 / partition(v_c, row(U, w, u_w)) * d(lambda u_w: jnp.exp(u_w @ v_c), u_w)


def _quotient_times_v(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    return jnp.exp(u_w @ v_c) / partition(v_c, row(U, w, u_w)) * v_c


def _quotient(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    return jnp.exp(u_w @ v_c) / partition(v_c, row(U, w, u_w))


def _answer(v_c: Any, u_w: Any, U: Any, o: Any, w: Any) -> Any:
    return prob(v_c, row(U, w, u_w))[w] * v_c


DERIVATIONS = (
    Derivation(
        "c",
        j_of_u_w,
        (V_C, V_C, U, O_ID, np.array(4)),
        wrt=1,
        cite="CS224n A2 (c)",
        steps=(
            Step("c.1", rf"{D} {J} = -{D} \log P(O = o | C = c)", _d_log_probability, after=""),
            Step(
                "c.2",
                rf"= -{D} \log \frac{{\exp u_o^T v_c}}{{{SUM}}}",
                _d_log_quotient_letter,
                note=f"{SHADOWED}; exp u_o^T v_c is exp(u_o^T v_c)",
            ),
            Step(
                "c.2",
                rf"= -{D} \log \frac{{\exp(u_o^T v_c)}}{{{SUM_K}}}",
                _d_log_quotient,
                after="c.1",
                reading="meant",
                note=RENAMED,
            ),
            Step(
                "c.3",
                rf"= -{D} \log \exp(u_o^T v_c) + {D} \log {SUM}",
                _d_log_exp_and_d_log_sum_letter,
                note=SHADOWED,
            ),
            Step(
                "c.3",
                rf"= -{D} \log \exp(u_o^T v_c) + {D} \log {SUM_K}",
                _d_log_exp_and_d_log_sum,
                after="c.2",
                reading="meant",
                note=RENAMED,
            ),
            Step(
                "c.4",
                rf"{D} {J} = {D} \log {SUM}",
                _d_log_sum_letter,
                domain=differs,
                note=SHADOWED,
            ),
            Step(
                "c.4",
                rf"{D} {J} = {D} \log {SUM_K}",
                _d_log_sum,
                after="c.3",
                reading="meant",
                domain=differs,
                note=RENAMED,
            ),
            Step(
                "c.5",
                rf"= {OVER_SUM} {D} \sum_{{\substack{{x \in \text{{Vocab}} \\ x \neq o}}}}"
                r" \exp(u_x^T v_c)",
                _d_sum_without_o,
                domain=differs,
                note="the term of o is left out without a word; its derivative is 0, as w ≠ o",
            ),
            Step(
                "c.6",
                rf"= {OVER_SUM} {D} \exp(u_x^T v_c)",
                _d_exp_of_x,
                domain=differs,
                expect="refuted",
                expect_step="refuted",
                correct=rf"{OVER_SUM} {D} \exp(u_w^T v_c)",
                correct_fn=_d_exp_of_w,
                note="the sum is gone and x unbound; evaluated at the last word the sum came to. "
                "Only x = w is right",
            ),
            Step(
                "c.6",
                rf"= {OVER_SUM} {D} \exp(u_w^T v_c)",
                _d_exp_of_w,
                after="c.5",
                reading="meant",
                domain=differs,
                note="x = w, the only term of the sum with a derivative",
            ),
            Step("c.7", rf"= {Y_HAT} v_c", _quotient_times_v, domain=differs),
            Step(
                "c.8",
                rf"{Y_HAT} = \hat{{y}}_w",
                _quotient,
                target=lambda v_c, u_w, U, o, w: probabilities(v_c, row(U, w, u_w))[w],
                after="",
                note="said in words: the conditional probability distribution",
            ),
            Step(
                "c.9",
                rf"\boxed{{{D} {J} = \hat{{y}}_w v_c}}",
                _answer,
                kind="gradient",
                after="c.7",
                domain=differs,
            ),
        ),
    ),
)
