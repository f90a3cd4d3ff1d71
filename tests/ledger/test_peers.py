"""The peers' ledger: what is refuted, by what factor, and what the factor follows."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from verdicts import verdict

from jw2v.judge import Derivation, Entry, Step, verify_derivations
from jw2v.judge.compare import true_values
from jw2v.ledger import peers
from jw2v.ledger.peers import cbow, common, sigmoid_table, skipgram
from jw2v.ledger.peers.common import visit

HOLDS = {
    "skip-gram, distinct words",
    "skip-gram, hits left out of the loss",
    "hierarchical softmax",
    "fastText, supervised",
    "kōan, CBOW",
    "CBOW, output rows",
    "word2vec.c, first releases, CBOW",
}
REFUTED = {
    "skip-gram, a negative twice",
    "skip-gram, the target among the negatives",
    "EXP_TABLE",
    "table of fastText",
    "word2vec.c beyond 6",
    "gensim beyond 6",
    "word2vec.c, CBOW",
    "gensim, CBOW, cbow_mean=1",
    "fastText, cbow and skipgram",
    "gensim, CBOW, cbow_mean=0",
    "gensim FastText, skip-gram",
}


def judged(derivations: Any, **options: Any) -> dict[str, Entry]:
    return {entry.id: entry for entry in verify_derivations(derivations, **options)}


FACTORS = {
    "word2vec.c, CBOW": "4",
    "gensim, CBOW, cbow_mean=1": "4",
    "fastText, cbow and skipgram": "4",
    "gensim, CBOW, cbow_mean=0": "0.25",
    "gensim FastText, skip-gram": "3",
}


def test_each_claim_is_judged_as_expected():
    """And where it is refuted, what the ledger says to be right is."""
    found = {"holds": set(), "refuted": set()}
    for derivation in peers.DERIVATIONS:
        for step in derivation.steps:
            said = verdict_on(derivation, step)
            found[said].add(step.id)
            assert said == step.expect
            if said == "refuted":
                assert step.correct
                assert step.correct_fn is not None
                assert verdict_on(derivation, replace(step, fn=step.correct_fn)) == "holds"
    assert found == {"holds": HOLDS, "refuted": REFUTED}


def verdict_on(derivation: Derivation, step: Step) -> str:
    """On one line, in its own domain."""
    domain = step.domain or derivation.domain
    return verdict(replace(derivation, steps=(step,), domain=domain))


@pytest.mark.slow
def test_each_claim_is_diagnosed_and_righted():
    entries = judged(peers.DERIVATIONS)
    assert [entry.id for entry in entries.values() if not entry.as_expected] == []
    for said, ids in (("holds", HOLDS), ("refuted", REFUTED)):
        assert {entry.id for entry in entries.values() if entry.verdict_value == said} == ids
    assert {entry.id for entry in entries.values() if entry.correct_expression} == REFUTED
    for name, factor in FACTORS.items():
        assert (entries[name].diagnosis or "").startswith(f"factor: claimed = {factor} × true")
    assert (entries["gensim beyond 6"].diagnosis or "").startswith("missing")


def test_every_claim_says_where_it_is_from_and_every_refuted_one_why():
    for derivation in peers.DERIVATIONS:
        assert derivation.cite
        for step in derivation.steps:
            assert step.latex
            assert bool(step.note) == (step.expect == "refuted")


def diagnosis(derivations: Any, name: str) -> str | None:
    """Of one line, at two points in float64."""
    (entry,) = judged([only(derivations, name)], samples=2, dtypes=("float64",)).values()
    return entry.diagnosis


def only(derivations: Any, name: str) -> Derivation:
    (found,) = ((d, step) for d in derivations for step in d.steps if step.id == name)
    return replace(found[0], steps=(found[1],))


@pytest.mark.parametrize(
    "n", [pytest.param(2, marks=pytest.mark.slow), 3, pytest.param(5, marks=pytest.mark.slow)]
)
def test_the_factor_follows_the_number_of_rows(n):
    """The mean's error goes whole to each row: n times too much; of the sum's, 1/n: too little."""
    rules = cbow.derivations(n)
    for name, factor in {
        "word2vec.c, CBOW": n,
        "gensim, CBOW, cbow_mean=0": round(1 / n, 3),
        "gensim FastText, skip-gram": n - 1,
    }.items():
        found = diagnosis(rules, name)
        if factor == 1:  # one n-gram: the sum is divided by 1, and the rule is right
            assert found is None
        else:
            assert found is not None
            assert found.startswith(f"factor: claimed = {factor:.4g} × true")


def farthest(derivation: Derivation) -> float:
    """How far a rule is from descent at the example's ids and a generic point."""
    rng = np.random.default_rng(0)
    tables = [rng.standard_normal(x.shape) for x in derivation.args[:2]]
    point = tuple(x[None] for x in (*tables, *derivation.args[2:]))
    sides = (true_values(fn, point).outputs for fn in (derivation.steps[0].fn, derivation.of))
    return max(np.abs(c.value - t.value).max() for c, t in zip(*sides, strict=True))


def test_a_repeated_negative_is_off_in_second_order_and_a_hit_in_first():
    rates = (0.02, 0.01, 0.005)
    distinct, twice, hit, *_ = zip(*map(skipgram.derivations, rates), strict=True)
    assert max(map(farthest, distinct)) < 1e-15
    second = [farthest(derivation) for derivation in twice]
    first = [farthest(derivation) for derivation in hit]
    np.testing.assert_allclose(np.divide(second[:-1], second[1:]), 4, rtol=0.05)
    np.testing.assert_allclose(np.divide(first[:-1], first[1:]), 2, rtol=1e-9)


@pytest.mark.parametrize(
    ("table", "claim"),
    [(sigmoid_table.EXP_TABLE, "EXP_TABLE"), (sigmoid_table.FASTTEXT, "table of fastText")],
)
def test_the_error_of_a_table_is_measured(table, claim):
    scores = np.linspace(-table.reach + 1e-6, table.reach - 1e-6, 10_001)
    with jax.enable_x64(True):
        off = np.abs(np.asarray(table.lookup(jnp.asarray(scores))) - 1 / (1 + np.exp(-scores)))
    assert 0.9 * table.worst() < off.max() <= table.worst() < 0.01
    assert only(peers.DERIVATIONS, claim).steps[0].note == f"σ is off by up to {table.worst():.4f}"


def test_the_table_of_word2vec_loses_a_part_of_its_last_entries():
    """83 entries a unit, not 83 1/3: the largest score looks up entry 995 of 1000."""
    table = sigmoid_table.EXP_TABLE
    assert (table.per_unit, len(table.entries)) == (83, 1000)
    assert float(table.lookup(jnp.float32(5.9999))) == pytest.approx(table.entries[995])


def verdict_of(change) -> str:
    """On distinct words, where the visit of skip-gram is another."""
    broken = pytest.MonkeyPatch()
    with broken.context() as patch:
        patch.setattr(skipgram, "visit", change)
        return verdict(skipgram.derivations()[0])


def uphill(hidden, U, o, neg, *, alpha):
    return visit(hidden, U, o, neg, alpha=-alpha)


def moved_before_it_is_used(hidden, U, o, neg, *, alpha):
    _, moved = visit(hidden, U, o, neg, alpha=alpha)
    return visit(hidden, moved, o, neg, alpha=alpha)[0], moved


def labels_swapped(hidden, U, o, neg, *, alpha):
    return visit(hidden, U, neg[0], neg.at[0].set(o), alpha=alpha)


def error_forgotten(hidden, U, o, neg, *, alpha):
    error, moved = visit(hidden, U, o, neg, alpha=alpha)
    return 0 * error, moved


def rows_forgotten(hidden, U, o, neg, *, alpha):
    return visit(hidden, U, o, neg, alpha=alpha)[0], U


@pytest.mark.parametrize(
    "change", [uphill, moved_before_it_is_used, labels_swapped, error_forgotten, rows_forgotten]
)
def test_what_holds_could_have_been_refuted(change):
    assert verdict_of(change) == "refuted"


@pytest.mark.parametrize("name", ["CBOW, output rows", "word2vec.c, first releases, CBOW"])
def test_what_holds_of_cbow_could_have_been_refuted(name):
    derivation = only(cbow.derivations(), name)
    (step,) = derivation.steps

    def doubled(*args):
        return 2 * step.fn(*args)

    wrong = replace(derivation, steps=(replace(step, fn=doubled),))
    assert verdict(wrong) == "refuted"


def by_loop(V, U, c, o, neg, alpha):
    """The published rule of skip-gram, number by number."""
    V, U = V.copy(), U.copy()
    error = np.zeros(V.shape[1])
    for word, label in [(o, 1.0), *((w, 0.0) for w in neg)]:
        if label == 0 and word == o:
            continue
        f = sum(V[c][d] * U[word][d] for d in range(V.shape[1]))
        g = (label - 1 / (1 + np.exp(-f))) * alpha
        for d in range(V.shape[1]):
            error[d] += g * U[word][d]
            U[word][d] += g * V[c][d]
    V[c] += error
    return V, U


@pytest.mark.parametrize("neg", [[3, 7, 0], [3, 3, 3], [5, 3, 5]])
def test_the_visit_is_the_published_loop(neg):
    rng = np.random.default_rng(1)
    V, U = rng.standard_normal((2, common.VOCAB, common.DIM))
    with jax.enable_x64(True):
        visited = visit(jnp.asarray(V[2]), jnp.asarray(U), 5, jnp.array(neg), alpha=0.3)
        error, moved = map(np.asarray, visited)
    by_number = by_loop(V, U, 2, 5, neg, 0.3)
    np.testing.assert_allclose(V[2] + error, by_number[0][2], rtol=1e-12)
    np.testing.assert_allclose(moved, by_number[1], rtol=1e-12)
