"""(d) δJ_naive-softmax/δU.

The document's U has the words in columns, so its δJ/δU has δJ/δu_w as column w; ours as row w.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2.common import O_ID, V_C, U, d, d_row, j_softmax, prob

CASES = (
    r"\frac{\delta J}{\delta u_w} = \begin{cases} (\hat{y}_o - 1)v_c & \text{if } w = o"
    r" \\ \hat{y}_w v_c & \text{if } w \neq o \end{cases}"
)


def _j_of_columns(A: Any, v_c: Any, o: Any) -> Any:
    return j_softmax(v_c, A.T, o)


def _by_entries(A: Any, v_c: Any, o: Any) -> Any:
    def d_entry(i: Any, j: Any) -> Any:
        at_i_j = (jnp.arange(A.shape[0]) == i)[:, None] & (jnp.arange(A.shape[1]) == j)[None, :]
        return d(lambda a: _j_of_columns(jnp.where(at_i_j, a, A), v_c, o), A[i, j])

    over_columns = jax.vmap(d_entry, (None, 0))
    return jax.vmap(over_columns, (0, None))(jnp.arange(A.shape[0]), jnp.arange(A.shape[1]))


def _by_words(v_c: Any, U: Any, o: Any) -> Any:
    def d_word(w: Any, u_w: Any) -> Any:
        return d_row(lambda U: j_softmax(v_c, U, o), U, w, u_w)

    return jax.vmap(d_word)(jnp.arange(U.shape[0]), U)


def _cases_letter(v_c: Any, U: Any, o: Any) -> Any:
    is_o, y_hat = jnp.arange(U.shape[0]) == o, prob(v_c, U)[0]
    return jnp.where(is_o[:, None], ((y_hat - 1) * v_c)[None, :], (y_hat * v_c)[None, :])


def _cases(v_c: Any, U: Any, o: Any) -> Any:
    is_o, y_hat = jnp.arange(U.shape[0]) == o, prob(v_c, U)
    return jnp.where(is_o[:, None], ((y_hat[o] - 1) * v_c)[None, :], jnp.outer(y_hat, v_c))


DERIVATIONS = (
    Derivation(
        "d layout",
        _j_of_columns,
        (U.T, V_C, O_ID),
        wrt=0,
        cite="CS224n A2 (d)",
        steps=(
            Step(
                "d.1",
                r"\frac{\delta y}{\delta A_{m \times n}} = \begin{bmatrix}"
                r" \frac{\delta y}{\delta A_{11}} & \frac{\delta y}{\delta A_{12}} & \dots &"
                r" \frac{\delta y}{\delta A_{1n}} \\ \vdots & \vdots & \ddots & \vdots \\"
                r" \frac{\delta y}{\delta A_{m1}} & \frac{\delta y}{\delta A_{m2}} & \dots &"
                r" \frac{\delta y}{\delta A_{mn}}"
                r" \end{bmatrix}",
                _by_entries,
                kind="defines",
                after="",
                note="y is J as a function of the document's own U, words in columns; each entry "
                "is the derivative by that entry alone",
            ),
        ),
    ),
    Derivation(
        "d",
        j_softmax,
        (V_C, U, O_ID),
        wrt=1,
        cite="CS224n A2 (d)",
        steps=(
            Step(
                "d.2",
                r"\frac{\delta J_{\text{naive-softmax}}(v_c, o, U)}{\delta U} = \begin{bmatrix}"
                r" \frac{\delta J}{\delta u_1} & \frac{\delta J}{\delta u_2} & \dots &"
                r" \frac{\delta J}{\delta u_{|\text{Vocab}|}} \end{bmatrix}",
                _by_words,
                kind="gradient",
                after="",
                note="columns in the document, rows here",
            ),
            Step(
                "d.3",
                r"\frac{\delta J}{\delta u_w} = \begin{cases} (\hat{y} - 1)v_c & \text{if } w = o"
                r" \\ \hat{y}v_c & \text{if } w \neq o \end{cases}",
                _cases_letter,
                expect="refuted",
                expect_step="refuted",
                correct=CASES,
                correct_fn=_cases,
                note="ŷ has lost its index: the vector ŷ, of |Vocab| entries, cannot multiply v_c; "
                "evaluated with one entry, the first, for every word",
            ),
            Step(
                "d.3",
                CASES,
                _cases,
                after="d.2",
                reading="meant",
                note="ŷ with the index of (c)",
            ),
        ),
    ),
)
