"""The claims of what is approximated: they hold, and a looser thing is refuted."""

from dataclasses import replace

import jax
import pytest
from verdicts import verdict

from jw2v.ledger import approximations
from jw2v.ledger.approximations import DERIVATIONS, bound_claim
from jw2v.losses import fast_sigmoid
from jw2v.training.config import Config


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda derivation: derivation.id)
def test_each_holds(derivation):
    assert verdict(derivation) == "holds"


@pytest.mark.parametrize(
    ("approximate", "exact", "bound"),
    [
        (fast_sigmoid.sigmoid, jax.nn.sigmoid, 0.0066),
        (fast_sigmoid.softplus, jax.nn.softplus, 0.0050),
        (lambda x: jax.nn.sigmoid(1.02 * x), jax.nn.sigmoid, 0.004),
    ],
    ids=["sigmoid", "softplus", "another slope"],
)
def test_a_bound_that_is_too_tight_is_refuted(approximate, exact, bound):
    assert verdict(bound_claim("bound", approximate, exact, bound, reach=12.0)) == "refuted"


def with_config(monkeypatch: pytest.MonkeyPatch, **options) -> None:
    """Train in another way than is claimed."""
    made = approximations.table_gradients
    monkeypatch.setattr(
        approximations,
        "table_gradients",
        lambda config, *rest: made(replace(config, **options), *rest),
    )


def test_weights_that_are_no_mean_are_refuted(monkeypatch):
    with_config(monkeypatch, window_weights="fixed")
    assert verdict(approximations.linear_weights_claim()) == "refuted"


def test_negatives_weighted_otherwise_are_refuted(monkeypatch):
    with_config(monkeypatch, negatives=Config().negatives)  # the claim's are 2
    assert verdict(approximations.shared_negatives_claim()) == "refuted"


def test_a_law_of_another_exponent_is_refuted(monkeypatch):
    made = approximations.noise.cumulative
    monkeypatch.setattr(
        approximations.noise, "cumulative", lambda counts, exponent: made(counts, exponent=0.7501)
    )
    assert verdict(approximations.noise_law_claim()) == "refuted"


def test_every_approximation_that_trains_is_named():
    named = " ".join(Config(precision="bfloat16").approximations)
    for word in ("polynomial", "linear", "24 negatives", "bfloat16", "damped"):
        assert word in named
    assert Config(kernel="windows").approximations == ()
