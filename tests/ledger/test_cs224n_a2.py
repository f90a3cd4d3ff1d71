"""The document's ledger: each line judged here too, by other means than the judge's.

Both verdicts of every line are computed at three points in float64, value against `jax.grad` of the
derivation's loss (or its target), step against the line before; they have to be the expected ones.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2 import DERIVATIONS
from jw2v.ledger.cs224n_a2.common import VOCAB, distinct, j_neg, j_softmax, not_among, sigma
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.sigmoid import loss as sigmoid
from jw2v.losses.skipgram import loss as skip_gram

STEPS = [step for derivation in DERIVATIONS for step in derivation.steps]
BY_ID = {derivation.id: derivation for derivation in DERIVATIONS}
Key = tuple[str, str]

REFUTED = {
    ("c.6", "letter"),
    ("d.3", "letter"),
    ("f.3", "letter"),
    ("f.4", "letter"),
    ("f1.4", "letter"),
    ("f1.5", "letter"),
    ("f3.6", "letter"),
    ("f3.10", "letter"),
    ("f3.11", "letter"),
    ("f3.12", "letter"),
}
NOT_FOLLOWING = {
    ("c.6", "letter"),
    ("d.3", "letter"),
    ("f1.4", "letter"),
    ("f1.6", "letter"),
    ("f3.6", "letter"),
    ("f3.8", "letter"),
    ("f3.10", "letter"),
}
TWICE = {
    *("a.6", "c.2", "c.3", "c.4", "c.6", "d.3", "f.3", "f.4"),
    *("f3.1", "f3.2", "f3.4", "f3.6", "f3.8", "g.2", "g.3", "g.5"),
}
PARTS = ["a", "b", "c", "d", "e", "f", "f1", "f2", "f3", "g", "h"]
DISPLAYED = {"a": 8, "b": 13, "c": 13, "d": 3, "e": 11, "f": 19, "g": 11, "h": 4}
"""Equality signs of the document's displayed formulas, conditions such as w = o not counted."""
IN_WORDS = {
    *("a.2", "a.3", "b.8", "b.9", "b.11", "b.16", "b.17", "c.8", "c.13", "e.8"),
    *("f.2", "f.3", "f.4", "f.5", "f.6", "f.7", "f2.3", "f2.5"),
    *("f3.3", "f3.5", "f3.7", "f3.8", "f3.9", "f3.12", "g.4", "g.6", "g.9", "h.3"),
}


def line_before(derivation: Derivation, step: Step) -> Step | None:
    """The line that `step` follows from: the last one, or the one named, in its reading first."""
    if step.kind in ("defines", "complexity") or step.after == "":
        return None
    before = derivation.steps[: [other is step for other in derivation.steps].index(True)]
    if step.after is None:
        return before[-1] if before else None
    named = [other for other in before if other.id == step.after]
    return ([other for other in named if other.reading == step.reading] or named)[-1]


def points(derivation: Derivation, domain: Callable[..., bool] | None) -> Iterator[list[Any]]:
    """Three points of the domain, with ids of one word, of two and of all where it lets them."""
    rng = np.random.default_rng(0)
    for words in (VOCAB, 1, 2):
        for attempt in range(200):
            pool = rng.permutation(VOCAB)[: words if attempt < 20 else VOCAB]
            point = [
                rng.standard_normal(x.shape) if x.dtype.kind == "f" else rng.choice(pool, x.shape)
                for x in derivation.args
            ]
            point = [np.asarray(x) for x in point]
            if domain is None or domain(*point):
                yield point
                break
        else:
            raise AssertionError(f"no point in the domain of {derivation.id}")


def target(derivation: Derivation, step: Step) -> Callable[..., Any]:
    """What the value of a line is held against."""
    if step.target is not None:
        return step.target
    if derivation.wrt is None:
        return derivation.of
    return jax.grad(derivation.of, argnums=derivation.wrt)


def same(x: Any, y: Any, *, exactly: bool) -> bool:
    """Whether two results agree at a point: to rounding, or bit for bit."""
    pairs = list(zip(jax.tree.leaves(x), jax.tree.leaves(y), strict=True))
    assert all(a.shape == b.shape and a.dtype == b.dtype == np.float64 for a, b in pairs)
    if exactly:
        return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)
    return all(np.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in pairs)


def verdicts(derivation: Derivation) -> dict[Key, tuple[str, str | None, bool | None]]:
    """Of each line: value, step (None: follows from none), whether its correction is right."""
    steps = [step for step in derivation.steps if step.kind != "complexity"]
    before = {id(step): line_before(derivation, step) for step in steps}

    def run(*args: Any) -> Any:
        lines = {id(step): step.fn(*args) for step in steps}
        targets = {id(step): target(derivation, step)(*args) for step in steps}
        right = {id(s): s.correct_fn(*args) for s in steps if s.correct_fn is not None}
        return lines, targets, right

    with jax.enable_x64(True):
        compiled = jax.jit(run, compiler_options={"xla_backend_optimization_level": 0})
        domains = {step.domain or derivation.domain for step in steps}
        results = {
            domain: [compiled(*point) for point in points(derivation, domain)] for domain in domains
        }

    def judged(step: Step) -> tuple[str, str | None, bool | None]:
        at, key = results[step.domain or derivation.domain], id(step)
        exactly, earlier = step.kind == "zero", before[id(step)]
        value = all(same(line[key], true[key], exactly=exactly) for line, true, _ in at)
        follows, righted = None, None
        if earlier is not None:
            follows = all(same(line[key], line[id(earlier)], exactly=exactly) for line, _, _ in at)
        if step.correct_fn is not None:
            righted = all(same(right[key], true[key], exactly=exactly) for _, true, right in at)
        return said(value), None if follows is None else said(follows), righted

    return {(step.id, step.reading): judged(step) for step in steps}


def said(agrees: bool) -> str:
    return "holds" if agrees else "refuted"


@pytest.fixture(scope="module")
def computed() -> dict[Key, tuple[str, str | None, bool | None]]:
    found: dict[Key, tuple[str, str | None, bool | None]] = {}
    for derivation in DERIVATIONS:
        found |= verdicts(derivation)
    return found


def only(derivation: Derivation, id: str, **changes: Any) -> Derivation:
    """A derivation of one of its lines, changed."""
    step = next(s for s in derivation.steps if s.id == id and s.reading == "letter")
    return replace(derivation, steps=(replace(step, after="", **changes),))


def value(derivation: Derivation) -> str:
    return next(iter(verdicts(derivation).values()))[0]


def test_every_line_is_there_once_and_in_order():
    assert len(STEPS) >= 90
    assert max(Counter((step.id, step.reading) for step in STEPS).values()) == 1
    assert max(Counter(derivation.id for derivation in DERIVATIONS).values()) == 1
    ids = [step.id.split(".") for step in STEPS]
    assert [part[0] for part, _ in ids] == sorted(part[0] for part, _ in ids)
    assert list(dict.fromkeys(part for part, _ in ids)) == PARTS
    for part in PARTS:
        numbers = [int(number) for of, number in ids if of == part]
        assert numbers == sorted(numbers)
        assert set(numbers) == set(range(1, numbers[-1] + 1))


def test_every_displayed_line_of_the_document_is_there():
    ids = {step.id: step.latex for step in STEPS if step.reading == "letter"}
    assert set(ids) >= IN_WORDS
    displayed = {id: latex for id, latex in ids.items() if id not in IN_WORDS}
    counts = Counter(id[0] for id in displayed)
    counts["h"] = len({latex for id, latex in displayed.items() if id[0] == "h"})  # both losses
    assert counts == DISPLAYED


def test_what_is_read_as_meant_stands_to_the_letter_too():
    readings = {id: [s.reading for s in STEPS if s.id == id] for id in {s.id for s in STEPS}}
    assert {id for id, found in readings.items() if len(found) > 1} == TWICE
    assert all(readings[id] == ["letter", "meant"] for id in TWICE)
    assert all(found == ["letter"] for id, found in readings.items() if id not in TWICE)
    assert all(step.note for step in STEPS if step.id in TWICE)


def test_every_line_is_judged_as_expected(computed):
    expected = {
        (step.id, step.reading): (
            step.expect,
            step.expect_step if line_before(derivation, step) else None,
        )
        for derivation in DERIVATIONS
        for step in derivation.steps
        if step.kind != "complexity"
    }
    assert {key: found[:2] for key, found in computed.items()} == expected


def test_what_the_document_gets_wrong(computed):
    assert {key for key, found in computed.items() if found[0] == "refuted"} == REFUTED
    assert {key for key, found in computed.items() if found[1] == "refuted"} == NOT_FOLLOWING


def test_every_wrong_line_is_righted(computed):
    assert {key for key, found in computed.items() if found[2] is not None} == REFUTED
    assert all(computed[key][2] for key in REFUTED)
    for step in STEPS:
        wrong = (step.id, step.reading) in REFUTED
        assert (step.correct is not None) == (step.correct_fn is not None) == wrong
        if wrong or (step.id, step.reading) in NOT_FOLLOWING:
            assert step.note


def test_two_slips_cancel_before_the_box_of_f1(computed):
    """The wrong line follows from a wrong one; the box is right and does not follow."""
    assert computed["f1.5", "letter"][:2] == ("refuted", "holds")
    assert computed["f1.6", "letter"][:2] == ("holds", "refuted")


def entries(jaxpr: Any) -> int:
    """Entries of all results of a jaxpr."""
    inner = [p for e in jaxpr.eqns for p in e.params.values() if hasattr(p, "jaxpr")]
    own = sum(math.prod(v.aval.shape) for e in jaxpr.eqns for v in e.outvars)
    return own + sum(entries(p.jaxpr) for p in inner)


@pytest.mark.parametrize("step", [s for s in STEPS if s.kind == "complexity"], ids=lambda s: s.id)
def test_costs_grow_as_the_document_says(step: Step):
    def count(n: int) -> int:
        fn, args = step.fn(n)
        return entries(jax.make_jaxpr(fn)(*args).jaxpr)

    assert math.log2(count(20_000) / count(10_000)) == pytest.approx(step.order, abs=0.01)


def test_every_formula_is_one():
    converter = pytest.importorskip("latex2mathml.converter")
    for latex in [latex for s in STEPS for latex in (s.latex, s.correct) if latex is not None]:
        mathml = converter.convert(latex)
        assert mathml.startswith("<math")
        assert "\\" not in mathml


MUTANTS: dict[str, list[Callable[..., Any]]] = {
    "a.10": [lambda v_c, U, o: -j_softmax(v_c, U, o)],
    "b.18": [lambda v_c, U, o: -U[o], lambda v_c, U, o: jax.nn.softmax(U @ v_c) @ U],
    "c.9": [lambda v_c, u, U, o, w: (jax.nn.softmax(U.at[w].set(u) @ v_c)[w] - 1) * v_c],
    "c.14": [lambda v_c, u, U, o: jax.nn.softmax(U.at[o].set(u) @ v_c)[o] * v_c],
    "c.15": [lambda v_c, u, U, o, w: jax.nn.softmax(U.at[w].set(u) @ v_c)[w] * v_c],
    "d.2": [lambda v_c, U, o: jnp.outer(jax.nn.softmax(U @ v_c), v_c)],
    "e.12": [sigma, lambda x: sigma(x) * (1 + sigma(x))],
    "f1.6": [lambda v_c, U, o, neg: U[o] * (sigma(U[o] @ v_c) - 1)],
    "f2.8": [lambda v_c, u, U, o, neg: v_c * (1 - sigma(u @ v_c))],
    "g.14": [lambda v_c, u, U, o, neg: -v_c * (sigma(-(u @ v_c)) - 1)],
    "h.4": [lambda v_c, U, outside: jax.grad(j_softmax, 1)(v_c, U, outside[0])],
    "h.7": [lambda v_c, U, outside, neg: jax.grad(j_neg)(v_c, U, outside[1], neg[1])],
    "h.8": [lambda V, U, c, outside: jnp.ones_like(V[1:])],
}


@pytest.mark.parametrize("id", MUTANTS)
def test_answers_that_hold_could_have_been_refuted(id: str):
    derivation = next(d for d in DERIVATIONS if any(s.id == id for s in d.steps))
    for wrong in MUTANTS[id]:
        assert value(only(derivation, id, fn=wrong)) == "refuted"


def test_f3_needs_distinct_samples_and_g_does_not():
    """(g) is (f) 3 with its sign righted, a term for each time the word was drawn."""
    f3, g = BY_ID["f3"], BY_ID["g"]
    f3_right = next(step.correct_fn for step in f3.steps if step.id == "f3.11")
    g_box = next(step.fn for step in g.steps if step.id == "g.14")
    assert value(only(g, "g.14", fn=f3_right)) == "refuted"
    assert value(only(g, "g.14", fn=f3_right, domain=distinct)) == "holds"
    assert value(only(f3, "f3.11", fn=g_box)) == "holds"


def test_f3_and_g_need_o_not_to_be_drawn():
    for id, line in (("f3", "f3.3"), ("g", "g.14")):
        everywhere = replace(BY_ID[id], domain=None)
        assert value(only(everywhere, line)) == "refuted"


def test_c_needs_its_cases():
    c = BY_ID["c"]
    assert value(only(c, "c.9", domain=lambda *args: True)) == "refuted"


def test_the_domains():
    ids = [(5, [1, 6, 3]), (5, [1, 6, 1]), (1, [1, 6, 3])]
    at = [(np.ones(5), np.ones((7, 5)), np.array(o), np.array(neg)) for o, neg in ids]
    assert [distinct(*x) for x in at] == [True, False, False]
    assert [not_among(*x) for x in at] == [True, True, False]


def test_the_losses_are_the_documents():
    rng = np.random.default_rng(0)
    v_c, U = rng.normal(size=5), rng.normal(size=(7, 5))
    o, neg, outside = 6, [1, 3, 1], [2, 6]

    def score(w):
        return sum(float(a) * float(b) for a, b in zip(U[w], v_c, strict=True))

    def log_sigmoid(x):
        return math.log(1 / (1 + math.exp(-x)))

    def softmax(w):
        return -math.log(math.exp(score(w)) / sum(math.exp(score(k)) for k in range(7)))

    neg_sample = -log_sigmoid(score(o)) - sum(log_sigmoid(-score(k)) for k in neg)
    with jax.enable_x64(True):
        point = (jnp.array(v_c), jnp.array(U), jnp.array(o))
        window = (point[0], jnp.array(outside), point[1], jnp.ones(2))
        found = (
            j_softmax(*point),
            j_neg(*point, jnp.array(neg)),
            skip_gram(*window, pair=NAIVE_SOFTMAX),
            sigmoid(jnp.array(0.3)),
        )
        stated = (softmax(o), neg_sample, sum(map(softmax, outside)), 1 / (1 + math.exp(-0.3)))
        np.testing.assert_allclose(found, stated, rtol=1e-12)
