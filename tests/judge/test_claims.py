"""Claims as data and their entries."""

import json
from dataclasses import asdict, replace

import jax.numpy as jnp
import numpy as np

from jw2v.judge import Claim, verify_claims

SQUARES = Claim("1", "2x", lambda x: jnp.sum(x**2), lambda x: 2 * x, (np.ones(2),))
WRONG = replace(SQUARES, id="2", latex="-2x", claimed=lambda x: -2 * x, correct="2x")


def test_entries_keep_the_order_and_what_the_claims_say():
    one, two = verify_claims([SQUARES, WRONG], ledger="mine")
    assert (one.ledger, one.id, one.latex, one.reading, one.kind) == (
        "mine", "1", "2x", "letter", "gradient"
    )  # fmt: skip
    assert (one.verdict_value, one.expected, one.verdict_step) == ("holds", "holds", None)
    assert (two.verdict_value, two.diagnosis) == ("refuted", "sign: claimed = -1 × true")
    assert two.correct_expression == "2x"


def test_as_expected_is_computed_not_believed():
    """A right line said to be wrong is as unexpected as a wrong one said to be right."""
    pessimist = replace(SQUARES, expected="refuted")
    known_wrong = replace(WRONG, expected="refuted")
    found = verify_claims([SQUARES, WRONG, pessimist, known_wrong])
    assert [entry.as_expected for entry in found] == [True, False, False, True]


def test_precisions_are_the_claims_unless_others_are_asked_for():
    own = replace(SQUARES, dtypes=("float32",))
    assert set(verify_claims([own])[0].power) == {"float32"}
    assert set(verify_claims([own], dtypes=("float64", "bfloat16"))[0].power) == {
        "float64", "bfloat16"
    }  # fmt: skip


def test_wrt_domain_and_terms_are_passed_on():
    claim = Claim(
        "3",
        "1/y",
        lambda x, y: jnp.sum(x * jnp.log(y)),
        lambda x, y: jnp.where(y > 0.25, x / y, jnp.nan),
        (np.ones(2), np.ones(2)),
        wrt=1,
        domain=lambda x, y: y.min() > 0.25,
    )
    (entry,) = verify_claims([claim], samples=4)
    assert entry.verdict_value == "holds"
    (longer,) = verify_claims([replace(claim, terms=100)], samples=4)
    assert longer.power["float64"] > 10 * entry.power["float64"]


def test_an_entry_is_json():
    for entry in verify_claims([SQUARES, WRONG]):
        assert json.loads(json.dumps(asdict(entry)))["id"] == entry.id
