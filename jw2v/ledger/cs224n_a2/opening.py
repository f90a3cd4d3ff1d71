"""The lines that (f) 3 and (g) open with alike: δJ_neg-sample/δu_k up to the sum over the samples.

k is the first of the samples: they are interchangeable, so the first stands for every one.
"""

from typing import Any

import jax.numpy as jnp

from jw2v.judge.records import Step
from jw2v.ledger.cs224n_a2.common import d_row, j_neg, log_sigma, row
from jw2v.ledger.cs224n_a2.f import LOG_K, LOG_O, SUM, TERMS, J

D = r"\frac{\delta}{\delta u_k}"
D_J = rf"\frac{{\delta {J}}}{{\delta u_k}}"
SUM_I = r"\sum_{i=1}^K"
LOG_I = r"\log(\sigma(-u_i^T v_c))"
SHADOWED = (
    "k is free in δ/δu_k and bound again by the sum: to the letter the sum's k shadows the free "
    "one, so the line says what is meant"
)
RENAMED = "the sum over i, so that k stays the sample of δ/δu_k"


def j_of_u_k(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    """The loss as a function of the row of the first sampled word, wherever it stands."""
    return j_neg(v_c, row(U, neg[0], u_k), o, neg)


def _sum_over_k(v_c: Any, U: Any, neg: Any) -> Any:
    """Σ_k, where k is a sample of its own, as in the document."""
    return sum(log_sigma(-(U[neg[k]] @ v_c)) for k in range(neg.shape[0]))


def _sum_over_i(v_c: Any, U: Any, neg: Any) -> Any:
    return jnp.sum(log_sigma(-(U[neg] @ v_c)))


def _d_loss_letter(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    def written(U: Any) -> Any:
        return -log_sigma(U[o] @ v_c) - _sum_over_k(v_c, U, neg)

    return d_row(written, U, neg[0], u_k)


def _d_loss(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    def renamed(U: Any) -> Any:
        return -log_sigma(U[o] @ v_c) - _sum_over_i(v_c, U, neg)

    return d_row(renamed, U, neg[0], u_k)


def _d_first(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    return d_row(lambda U: -log_sigma(U[o] @ v_c), U, neg[0], u_k)


def _d_of_each_term_letter(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    d_second = d_row(lambda U: _sum_over_k(v_c, U, neg), U, neg[0], u_k)
    return _d_first(v_c, u_k, U, o, neg) - d_second


def _d_of_each_term(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    d_second = d_row(lambda U: _sum_over_i(v_c, U, neg), U, neg[0], u_k)
    return _d_first(v_c, u_k, U, o, neg) - d_second


def _d_second_alone_letter(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    return 0 - d_row(lambda U: _sum_over_k(v_c, U, neg), U, neg[0], u_k)


def _d_second_alone(v_c: Any, u_k: Any, U: Any, o: Any, neg: Any) -> Any:
    return 0 - d_row(lambda U: _sum_over_i(v_c, U, neg), U, neg[0], u_k)


def opening(part: str, number: int) -> tuple[Step, ...]:
    """The lines `part.number` to `part.(number + 3)`, each with a sum over k to the letter.

    >>> [f"{step.id} {step.reading}" for step in opening("g", 2)]
    ['g.2 letter', 'g.2 meant', 'g.3 letter', 'g.3 meant', 'g.4 letter', 'g.5 letter', 'g.5 meant']
    """
    one, two, three, four = (f"{part}.{number + i}" for i in range(4))
    split = rf"= {D} [-{LOG_O}] - {D} \left["
    return (
        Step(
            one,
            rf"{D_J} = {D} \left[{TERMS}\right]",
            _d_loss_letter,
            after="",
            note=SHADOWED,
        ),
        Step(
            one,
            rf"{D_J} = {D} \left[-{LOG_O} - {SUM_I} {LOG_I}\right]",
            _d_loss,
            after="",
            reading="meant",
            note=RENAMED,
        ),
        Step(two, rf"{split}{SUM} {LOG_K}\right]", _d_of_each_term_letter, note=SHADOWED),
        Step(
            two,
            rf"{split}{SUM_I} {LOG_I}\right]",
            _d_of_each_term,
            after=one,
            reading="meant",
            note=RENAMED,
        ),
        Step(
            three,
            rf"{D} [-{LOG_O}] = 0",
            _d_first,
            kind="zero",
            target=lambda v_c, u_k, U, o, neg: jnp.zeros_like(u_k),
            after="",
            note="for o is not among the w_k",
        ),
        Step(
            four,
            rf"{D_J} = 0 - {D} \left[{SUM} {LOG_K}\right]",
            _d_second_alone_letter,
            after=two,
            note=SHADOWED,
        ),
        Step(
            four,
            rf"{D_J} = 0 - {D} \left[{SUM_I} {LOG_I}\right]",
            _d_second_alone,
            after=two,
            reading="meant",
            note=RENAMED,
        ),
    )
