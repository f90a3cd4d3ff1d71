"""The claims of words made of n-grams: they hold, and a slip in any link has them refuted."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from mutants import mutant
from verdicts import verdict

from jw2v.blocks import subwords
from jw2v.judge import verify_derivations
from jw2v.ledger import kernels
from jw2v.ledger.example import NGRAMS, VOCAB, example_block, made_of, shares_of_example, small
from jw2v.ledger.kernels import bag_claim, claims_of, kernel_claim, reverse_claim, window_claim
from jw2v.ledger.updates import step_claim
from jw2v.losses.hierarchical_softmax import PAIR as HIERARCHICAL_SOFTMAX
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.optim import damping
from jw2v.training.config import Config

BLOCK = Config(window=3, minn=3, maxn=6)
BAG = replace(BLOCK, model="cbow")
LOSS = sys.modules["jw2v.losses.subwords"]


def test_the_example_has_what_can_go_wrong():
    """Words of one piece and of many, a piece twice in a word, in several words, and padding."""
    lists = [made_of(word) for word in range(VOCAB)]
    assert {len(rows) for rows in lists} == {1, 2, 3, 4}
    assert any(len(set(rows)) < len(rows) for rows in lists)
    often, share = shares_of_example()
    assert (often[:, VOCAB:].sum(axis=0) > 1).all()
    assert often.shape == (VOCAB, VOCAB + NGRAMS)
    np.testing.assert_allclose(share.sum(axis=1), 1)
    pieces = example_block(small(BLOCK)).pieces
    assert pieces is not None
    assert (np.asarray(pieces.share) == 0).any()


@pytest.mark.parametrize(
    "claim",
    [
        window_claim("window", NEGATIVE_SAMPLING, pieces=True),
        bag_claim("bag", NEGATIVE_SAMPLING, pieces=True),
        reverse_claim("reverse", HIERARCHICAL_SOFTMAX, pieces=True),
        kernel_claim("block", BLOCK),
        pytest.param(kernel_claim("cbow", BAG), marks=pytest.mark.slow),
        pytest.param(step_claim("step", BLOCK), marks=pytest.mark.slow),
    ],
    ids=lambda claim: claim.id,
)
def test_the_claims_hold(claim):
    assert verdict(claim) == "holds"


LOSS_MUTANTS = [
    ("d_z = shares(held, mean=True)", "d_z = held"),
    (
        "shares(held, mean=True)[..., None] * jnp.exp",
        "-shares(held, mean=True)[..., None] * jnp.exp",
    ),
    ("d_z = shares(held, mean=True)", "d_z = jnp.roll(shares(held, mean=True), 1, -1)"),
    ("return value, (d_z, *others)", "return value, (d_z, *(0 * d for d in others))"),
]


@pytest.mark.parametrize(("old", "new"), LOSS_MUTANTS)
def test_a_broken_window_is_refuted(monkeypatch, old, new):
    """The first is what fastText and gensim do: to every piece the whole of the gradient."""
    monkeypatch.setattr(kernels, "subwords_by_hand", mutant(LOSS, old, new).loss_and_grads)
    assert verdict(window_claim("window", NEGATIVE_SAMPLING, pieces=True)) == "refuted"
    assert verdict(bag_claim("bag", NEGATIVE_SAMPLING, pieces=True)) == "refuted"


@pytest.mark.slow
def test_the_whole_gradient_to_every_piece_is_diagnosed(monkeypatch):
    whole = mutant(LOSS, *LOSS_MUTANTS[0]).loss_and_grads
    monkeypatch.setattr(kernels, "subwords_by_hand", whole)
    claim = window_claim("window", NEGATIVE_SAMPLING, pieces=True)
    (entry,) = verify_derivations([claim], samples=2, dtypes=("float64",))
    assert (entry.diagnosis or "").startswith("factor: claimed = 3 × true")  # of three pieces


BLOCK_MUTANTS = [
    ("return value, (shares(pieces, z) * d_words", "return value, (d_words"),
    ("return value, (shares(pieces, z) * d_words", "return value, (-shares(pieces, z) * d_words"),
    ("d_words[pieces.place], d_u)", "jnp.roll(d_words, 1, 0)[pieces.place], d_u)"),
    ("d_words[pieces.place], d_u)", "d_words[pieces.place], 0 * d_u)"),
    ("by_place(d_v, places(base, block), block), pieces", "d_v[:18], pieces"),
]


@pytest.mark.parametrize(
    ("old", "new"),
    [BLOCK_MUTANTS[0], *(pytest.param(*m, marks=pytest.mark.slow) for m in BLOCK_MUTANTS[1:])],
)
def test_a_broken_block_by_hand_is_refuted(monkeypatch, old, new):
    """Of CBOW, whose words are met by several centres."""
    monkeypatch.setattr(subwords, "kernel", mutant(subwords, old, new).kernel)
    assert verdict(kernel_claim("block", BAG)) == "refuted"


@pytest.mark.slow
def test_a_broken_block_by_hand_leaves_autodiff_as_it_is(monkeypatch):
    monkeypatch.setattr(subwords, "kernel", mutant(subwords, *BLOCK_MUTANTS[0]).kernel)
    assert verdict(kernel_claim("block", replace(BAG, gradient="autodiff"))) == "holds"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("by_place(shares(pieces, z) * z, pieces.place", "by_place(z, pieces.place"),
        (".at[place].add(rows)", ".at[place].set(rows)"),
        ("block)[places(base, block)]", "block)[places(base, block) - 1]"),
    ],
)
def test_words_composed_otherwise_are_refuted_whatever_the_gradient(monkeypatch, old, new):
    monkeypatch.setattr(subwords, "kernel", mutant(subwords, old, new).kernel)
    assert verdict(kernel_claim("manual", BLOCK)) == "refuted"
    assert verdict(kernel_claim("autodiff", replace(BLOCK, gradient="autodiff"))) == "refuted"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.text if self.pieces is None else self.pieces.met", "self.pieces.share"),
        ("1 if self.pieces is None else self.pieces.share", "1"),
    ],
)
def test_a_step_that_is_damped_otherwise_is_refuted(monkeypatch, old, new):
    changed = mutant(damping, old, new).Expected
    for name in ("places", "factors"):
        monkeypatch.setattr(damping.Expected, name, getattr(changed, name))
    assert verdict(step_claim("step", BLOCK)) == "refuted"


@pytest.mark.parametrize(
    ("options", "window"),
    [
        ({}, "subwords skipgram negative_sampling"),
        ({"model": "cbow"}, "subwords cbow negative_sampling"),
        (
            {"loss": "hierarchical_softmax"},
            "subwords reverse skipgram hierarchical_softmax",
        ),
    ],
)
def test_what_a_run_is_guarded_by(options, window):
    config = replace(BLOCK, **options)
    rest = ["kernel block float32", "step block float32", "optimizer sgd"]
    assert [claim.id for claim in claims_of(config)] == [config.loss, window, *rest]
    assert claims_of(config)[2].args[0].shape[0] == VOCAB + NGRAMS
