"""The judge refutes every wrong gradient that one edit makes of a right one of ours."""

import jax.numpy as jnp
import numpy as np
import pytest

from jw2v.blocks.tables import RowGrads, whole_table
from jw2v.judge.mutation.score import MOST_EQUIVALENT, mutation_score, score_entries
from jw2v.judge.records import claim
from jw2v.judge.report.mutants import total
from jw2v.ledger import cs224n_a2
from jw2v.ledger.kernels import DERIVATIONS
from jw2v.losses import negative_sampling
from jw2v.training.config import LOSSES

LEAST = 2000
LEAST_OF_A_LINE = 5
SAMPLE = 40  # mutants of a line of the document; all of them take minutes
SAMPLE_OF_A_KERNEL = 1000
"""Most have fewer; of the largest the share of equivalents is then known to three points."""


def table_loss(v_c, U, o, neg):
    return negative_sampling.loss(v_c, U[o], U[neg])


def table_gradients(v_c, U, o, neg):
    """Part (g): the gradient of a word sums those of its rows."""
    _, (d_v_c, d_u_o, d_u_neg) = negative_sampling.loss_and_grads(v_c, U[o], U[neg])
    ids = jnp.concatenate([o[None], neg])
    rows = jnp.concatenate([d_u_o[None], d_u_neg])
    return d_v_c, whole_table(RowGrads(ids, rows), U)


SUMMED_ROWS = claim(
    "summed rows", table_loss, table_gradients,
    (np.ones(5), np.ones((7, 5)), np.array(6), np.array([6, 6, 6])), wrt=(0, 1),
)  # fmt: skip

POINTS_OF_A_BAG = 32
"""Of the usual 8 no score of a bag, a mean, is where the polynomial sigmoid ends."""
UNDECIDED = (
    "kernel cbow naive_softmax",
    "kernel cbow block bfloat16",
    "kernel cbow block, as word2vec.c",
)
"""Bags of which a few mutants stay undecided: weights that sum to 0 are divided by, or operands
are rounded."""

HAND_AND_KERNELS = [
    (derivation, step)
    for derivation in (SUMMED_ROWS, *DERIVATIONS)
    for step in derivation.steps
    if step.kind in ("gradient", "kernel") and step.expect == "holds"
    if not step.id.startswith(UNDECIDED)
]


@pytest.mark.slow
@pytest.mark.parametrize(("derivation", "step"), HAND_AND_KERNELS, ids=lambda x: x.id)
def test_every_mutant_of_a_right_gradient_is_refuted_or_equivalent(untyped, derivation, step):
    """All mutants of what is written by hand; of a kernel's whole block a sample."""
    most = SAMPLE_OF_A_KERNEL if step.kind == "kernel" else None
    samples = POINTS_OF_A_BAG if "cbow" in step.id else 8
    score = mutation_score(derivation, step, dtype=derivation.dtypes[0], most=most, samples=samples)
    print(score)
    assert [str(edit) for edit in score.alive] == []
    assert score.share <= MOST_EQUIVALENT
    assert score.mutants >= min(LEAST_OF_A_LINE, most or LEAST_OF_A_LINE)


def test_gradients_by_hand_and_kernels_are_all_among_them():
    names = {step.id for _, step in HAND_AND_KERNELS}
    assert {"summed rows", "sigmoid", *LOSSES} < names
    assert {f"kernel {loss} block manual" for loss in LOSSES} < names


@pytest.mark.slow
def test_no_mutant_of_the_documents_right_lines_is_alive(untyped):
    scores = score_entries(cs224n_a2.DERIVATIONS, most=SAMPLE)
    print(total(scores))
    assert [edit for score in scores for edit in score["alive"]] == []
    assert sum(score["mutants"] for score in scores) >= LEAST
    equivalent = sum(score["equivalent"] for score in scores)
    assert equivalent <= MOST_EQUIVALENT * sum(score["mutants"] for score in scores)
