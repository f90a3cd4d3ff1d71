"""The document's ledger: each line judged as expected, each wrong one righted."""

import math
from collections import Counter
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v.judge import Claim, Entry, verify_claims
from jw2v.ledger import cs224n_a2
from jw2v.ledger.cs224n_a2 import CLAIMS, sigma

BY_ID = {claim.id: claim for claim in CLAIMS}
REFUTED = {"f1 line before the box", "f3"}


def judged(claim: Claim) -> Entry:
    return verify_claims([claim])[0]


def f1_righted(v_c, U, o, neg):
    positive = -U[o] * (1 - sigma(U[o] @ v_c))
    return positive + jnp.sum(U[neg] * (1 - sigma(-(U[neg] @ v_c)))[:, None], axis=0)


def f3_righted(v_c, u_k, U, o, neg):
    return v_c * (1 - sigma(-(u_k @ v_c)))


def test_ids_are_unique_and_lines_are_there():
    assert max(Counter(claim.id for claim in CLAIMS).values()) == 1
    assert all(claim.latex for claim in CLAIMS)
    assert {claim.id[0] for claim in CLAIMS} == set("bcdefgh")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_each_line_is_judged_as_expected(claim: Claim):
    entry = judged(claim)
    assert entry.as_expected
    assert entry.verdict_value == ("refuted" if claim.id in REFUTED else "holds")
    assert (claim.correct is not None) == (claim.id in REFUTED)


def test_what_is_wrong_with_the_refuted_lines():
    assert judged(BY_ID["f3"]).diagnosis == "sign: claimed = -1 × true"
    before_the_box = judged(BY_ID["f1 line before the box"])
    assert before_the_box.diagnosis is None  # one of its two terms is right


@pytest.mark.parametrize(
    ("name", "latex", "righted"),
    [
        (
            "f1 line before the box",
            r"-u_o(1 - \sigma(u_o^T v_c)) + \sum_k u_k(1 - \sigma(-u_k^T v_c))",
            f1_righted,
        ),
        ("f3", r"v_c(1 - \sigma(-u_k^T v_c))", f3_righted),
    ],
)
def test_the_corrections_hold(name, latex, righted):
    claim = BY_ID[name]
    assert claim.correct == latex
    assert judged(replace(claim, claimed=righted)).verdict_value == "holds"


def test_f3_needs_distinct_negatives_and_g_does_not():
    """(g) is (f3) without the assumption: one term for each time the word was drawn."""
    g = BY_ID["g"]
    assert judged(replace(g, claimed=f3_righted)).verdict_value == "refuted"
    assert judged(replace(g, claimed=f3_righted, domain=BY_ID["f3"].domain)).as_expected
    assert judged(replace(BY_ID["f3"], claimed=g.claimed)).verdict_value == "holds"


def test_g_needs_the_outside_word_not_to_be_drawn():
    assert judged(replace(BY_ID["g"], domain=None)).verdict_value == "refuted"


MUTANTS = {
    "b": [lambda v_c, U, o: -cs224n_a2.error(v_c, U, o) @ U, lambda v_c, U, o: -U[o]],
    "c": [lambda v_c, U, o: jnp.outer(jax.nn.softmax(U @ v_c), v_c)],
    "d": [lambda v_c, U, o: jnp.outer(-cs224n_a2.error(v_c, U, o), v_c)],
    "e": [lambda x: sigma(x), lambda x: sigma(x) * (1 + sigma(x))],
    "f1": [lambda v_c, U, o, neg: U[o] * (sigma(U[o] @ v_c) - 1)],
    "f2": [lambda v_c, u, U, o, neg: v_c * (1 - sigma(u @ v_c))],
    "g": [lambda v_c, u, U, o, neg: -v_c * (sigma(-(u @ v_c)) - 1)],
    "h i": [lambda V, U, c, outside: cs224n_a2.c_cases(V[c], U, outside[0])],
    "h ii, iii": [lambda V, U, c, outside: jnp.roll(cs224n_a2.h_d_V(V, U, c, outside), 1, 0)],
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_lines_that_hold_could_have_been_refuted(name):
    for wrong in MUTANTS[name]:
        assert judged(replace(BY_ID[name], claimed=wrong)).verdict_value == "refuted"


def test_the_losses_are_the_documents():
    rng = np.random.default_rng(0)
    v_c, U, V = rng.normal(size=5), rng.normal(size=(7, 5)), rng.normal(size=(7, 5))
    o, neg, c, outside = 6, [1, 3, 1], 2, [2, 6]

    def score(w, v=v_c):
        return sum(float(a) * float(b) for a, b in zip(U[w], v, strict=True))

    def log_sigmoid(x):
        return math.log(1 / (1 + math.exp(-x)))

    def softmax(w, v):
        return -math.log(math.exp(score(w, v)) / sum(math.exp(score(k, v)) for k in range(7)))

    neg_sample = -log_sigmoid(score(o)) - sum(log_sigmoid(-score(k)) for k in neg)
    window = sum(softmax(w, V[c]) for w in outside)
    with jax.enable_x64(True):
        v_c, tables = jnp.array(v_c), (jnp.array(V), jnp.array(U))
        o_id, c_id = jnp.array(o), jnp.array(c)
        found = (
            cs224n_a2.j_softmax(v_c, tables[1], o_id),
            cs224n_a2.j_neg(v_c, tables[1], o_id, jnp.array(neg)),
            cs224n_a2.j_window(*tables, c_id, jnp.array(outside)),
            cs224n_a2.sigmoid(jnp.array(0.3)),
        )
        stated = (softmax(o, v_c), neg_sample, window, 1 / (1 + math.exp(-0.3)))
        np.testing.assert_allclose(found, stated, rtol=1e-12)
