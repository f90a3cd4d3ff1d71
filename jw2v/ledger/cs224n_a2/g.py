"""(g) δJ_neg-sample/δu_k where the samples may repeat: u_k is the row of a word, drawn or not.

It stands for every w_i that is the same word as w_k, so its derivative sums over those.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2.common import (
    NEG_REPEATED,
    O_ID,
    V_C,
    U,
    d,
    d_row,
    j_neg,
    log_sigma,
    not_among,
    row,
    sigma,
)
from jw2v.ledger.cs224n_a2.f import TERMS, J, written
from jw2v.ledger.cs224n_a2.opening import D_J, D, j_of_u_k, opening

SAME = r"\sum_{i \in \{1, \dots, K\}: w_i = w_k}"
REST = r"\sum_{i \in \{1, \dots, K\}: w_i \neq w_k}"
LOG_I = r"\log(\sigma(-u_i^T v_c))"
LOG_REST = r"\log(\sigma(-u_{i; w_i \neq w_k}^T v_c))"
QUOTIENT = r"\frac{-v_c \sigma(-u_k^T v_c) (1 - \sigma(-u_k^T v_c))}{\sigma(-u_k^T v_c)}"


def _terms(v_c: Any, u_k: Any, U: Any, neg: Any) -> Any:
    return log_sigma(-(row(U, neg[0], u_k)[neg] @ v_c))


def _d_terms(v_c: Any, u_k: Any, U: Any, neg: Any) -> Any:
    """δ/δu_k of the term of each i."""

    def d_term(w_i: Any) -> Any:
        return d_row(lambda U: log_sigma(-(U[w_i] @ v_c)), U, neg[0], u_k)

    return jax.vmap(d_term)(neg)


def _same(neg: Any) -> Any:
    return neg == neg[0]


def _sum_of_same(terms: Any, neg: Any) -> Any:
    """Σ_{i: w_i = w_k}, of a vector for each i."""
    return jnp.sum(terms, axis=0, where=_same(neg)[:, None])


def _two_sums(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    terms = _terms(v_c, u_k, U, neg)
    return jnp.sum(terms, where=_same(neg)) + jnp.sum(terms, where=~_same(neg))


def _one_sum(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    return jnp.sum(_terms(v_c, u_k, U, neg))


def _d_of_two_sums(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    return -d(lambda u_k: _two_sums(v_c, u_k, U, o, neg), u_k)


def _two_sums_of_d(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    d_terms = _d_terms(v_c, u_k, U, neg)
    rest = jnp.sum(d_terms, axis=0, where=~_same(neg)[:, None])
    return -(_sum_of_same(d_terms, neg) + rest)


def _d_of_rest(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    return jnp.where(~_same(neg)[:, None], _d_terms(v_c, u_k, U, neg), 0)


def _sum_of_d_u_i(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    return -_sum_of_same(_d_terms(v_c, u_k, U, neg), neg)


def _for_each_i(vector: Any, neg: Any) -> Any:
    return jnp.broadcast_to(vector[None, :], (neg.shape[0], *vector.shape))


def _sum_of_d_u_k(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    d_term = d(lambda u_k: log_sigma(-(u_k @ v_c)), u_k)
    return -_sum_of_same(_for_each_i(d_term, neg), neg)


def _chain_rule(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    s = sigma(-(u_k @ v_c))
    return -_sum_of_same(_for_each_i(-v_c * s * (1 - s) / s, neg), neg)


def _cancelled(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    return _sum_of_same(_for_each_i(v_c * (1 - sigma(-(u_k @ v_c))), neg), neg)


def _answer(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    return _sum_of_same(_for_each_i(-v_c * (sigma(-(u_k @ v_c)) - 1), neg), neg)


DERIVATIONS = (
    Derivation(
        "g",
        j_of_u_k,
        (V_C, V_C, U, O_ID, NEG_REPEATED),
        wrt=1,
        domain=not_among,
        cite="CS224n A2 (g)",
        steps=(
            Step(
                "g.1",
                f"{J} = {TERMS}",
                lambda v_c, u_k, U, o, neg: written(v_c, U, o, neg),
                kind="defines",
                target=lambda v_c, u_k, U, o, neg: j_neg(v_c, U, o, neg),
                after="",
                note="as in (f), the samples now free to repeat",
            ),
            *opening("g", 2),
            Step(
                "g.6",
                rf"\sum_{{k=1}}^K \log(\sigma(-u_k^T v_c)) = {SAME} {LOG_I} + {REST} {LOG_REST}",
                _two_sums,
                target=_one_sum,
                after="",
                note="said in words: break up the sum in two, over w_i equal to w_k and not equal",
            ),
            Step(
                "g.7",
                rf"{D_J} = -{D} \left[{SAME} {LOG_I} + {REST} {LOG_REST}\right]",
                _d_of_two_sums,
                after="g.5",
                note="the index of u in the second sum repeats the condition of the sum",
            ),
            Step(
                "g.8",
                rf"= -\left[{SAME} {D} {LOG_I} + {REST} {D} {LOG_REST}\right]",
                _two_sums_of_d,
            ),
            Step(
                "g.9",
                rf"{D} {LOG_REST} = 0",
                _d_of_rest,
                kind="zero",
                target=lambda v_c, u_k, U, o, neg: jnp.zeros((neg.shape[0], *u_k.shape)),
                after="",
                note="for every i with w_i ≠ w_k; the entries of the others are left out as 0",
            ),
            Step("g.10", rf"{D_J} = -\left[{SAME} {D} {LOG_I}\right]", _sum_of_d_u_i, after="g.8"),
            Step(
                "g.11",
                rf"{D_J} = -\left[{SAME} {D} \log(\sigma(-u_k^T v_c))\right]",
                _sum_of_d_u_k,
            ),
            Step("g.12", f"{D_J} = -{SAME} {QUOTIENT}", _chain_rule),
            Step("g.13", rf"= {SAME} v_c (1 - \sigma(-u_k^T v_c))", _cancelled),
            Step(
                "g.14",
                rf"= \boxed{{{SAME} -v_c (\sigma(-u_k^T v_c) - 1)}}",
                _answer,
                kind="gradient",
            ),
        ),
    ),
)
