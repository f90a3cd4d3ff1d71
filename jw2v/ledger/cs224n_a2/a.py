"""(a) The cross-entropy of y and ŷ is the naive-softmax loss."""

from typing import Any

import jax.numpy as jnp

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2.common import (
    O_ID,
    V_C,
    U,
    j_softmax,
    one_hot,
    partition,
    prob,
    y_by_cases,
    y_of_o,
    y_of_others,
)
from jw2v.losses.naive_softmax import cross_entropy, probabilities


def _cross_entropy(v_c: Any, U: Any, o: Any) -> Any:
    return cross_entropy(one_hot(o, U), probabilities(v_c, U))


def _sum_over_words(v_c: Any, U: Any, o: Any) -> Any:
    return -jnp.sum(one_hot(o, U) * jnp.log(prob(v_c, U)))


def _terms_up_to_w(v_c: Any, U: Any, o: Any) -> Any:
    terms = one_hot(o, U) * jnp.log(prob(v_c, U))
    w = o
    return -jnp.sum(terms, where=jnp.arange(U.shape[0]) <= w)


def _terms_of_all(v_c: Any, U: Any, o: Any) -> Any:
    y, y_hat = one_hot(o, U), prob(v_c, U)
    return -sum(y[w] * jnp.log(y_hat[w]) for w in range(U.shape[0]))


def _term_of_o(v_c: Any, U: Any, o: Any) -> Any:
    return -one_hot(o, U)[o] * jnp.log(prob(v_c, U)[o])


def _log_of_o(v_c: Any, U: Any, o: Any) -> Any:
    return -jnp.log(prob(v_c, U)[o])


def _log_probability(v_c: Any, U: Any, o: Any) -> Any:
    return -jnp.log(jnp.exp(U[o] @ v_c) / partition(v_c, U))


DERIVATIONS = (
    Derivation(
        "a",
        _cross_entropy,
        (V_C, U, O_ID),
        cite="CS224n A2 (a)",
        steps=(
            Step(
                "a.1",
                r"-\sum_{w \in \text{Vocab}} y_w \log \hat{y}_w = -\log \hat{y}_o",
                _sum_over_words,
                target=_log_of_o,
                after="",
                note="the statement to be shown",
            ),
            Step(
                "a.2",
                r"y_w = 1 \text{ when } w = o",
                y_of_o,
                target=lambda v_c, U, o: jnp.ones((), U.dtype),
                after="",
            ),
            Step(
                "a.3",
                r"y_w = 0 \text{ when } w \neq o",
                y_of_others,
                kind="zero",
                target=lambda v_c, U, o: jnp.zeros_like(U[1:, 0]),
                after="",
            ),
            Step(
                "a.4",
                r"y_w = \begin{cases} 1 & \text{if } w = o \\ 0 & \text{if } w \neq o \end{cases}",
                y_by_cases,
                kind="defines",
                target=lambda v_c, U, o: one_hot(o, U),
                after="",
            ),
            Step(
                "a.5",
                r"J_{\text{cross-entropy}}(y, \hat{y})"
                r" = -\sum_{w \in \text{Vocab}} y_w \log(\hat{y}_w)",
                _sum_over_words,
                kind="defines",
                after="",
            ),
            Step(
                "a.6",
                r"= -[y_1 \log(\hat{y}_1) + \dots + y_o \log(\hat{y}_o) + \dots"
                r" + y_w \log(\hat{y}_w)]",
                _terms_up_to_w,
                note="w is bound by the sum of the line before and unbound here; evaluated at the "
                "least word the order 1, …, o, …, w allows, w = o. It holds all the same: the "
                "terms left out have y = 0",
            ),
            Step(
                "a.6",
                r"= -[y_1 \log(\hat{y}_1) + \dots + y_o \log(\hat{y}_o) + \dots"
                r" + y_{|\text{Vocab}|} \log(\hat{y}_{|\text{Vocab}|})]",
                _terms_of_all,
                after="a.5",
                reading="meant",
                note="the last word for w",
            ),
            Step("a.7", r"= -y_o \log(\hat{y}_o)", _term_of_o),
            Step("a.8", r"= -\log(\hat{y}_o)", _log_of_o),
            Step("a.9", r"= -\log P(O = o | C = c)", _log_probability),
            Step("a.10", r"= \boxed{J_{\text{naive-softmax}}(v_c, o, U)}", j_softmax),
        ),
    ),
)
