"""The claims of what is approximated: they hold, and a looser thing is refuted."""

from dataclasses import replace

import jax
import pytest
from mutants import mutant
from verdicts import verdict

from jw2v.ledger import approximations, kernels
from jw2v.ledger.approximations import DERIVATIONS, bound_claim
from jw2v.losses import fast_sigmoid
from jw2v.training import step
from jw2v.training.config import LOSSES, Config


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


@pytest.mark.parametrize("control", [False, True])
def test_in_batch_negatives_weighted_otherwise_are_refuted(monkeypatch, control):
    with_config(monkeypatch, negatives=Config().negatives)
    assert verdict(approximations.in_batch_claim(control=control)) == "refuted"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(CONTROL * negatives) * of_row", "CONTROL * of_row"),
        ("where(apart, CONTROL *", "where(apart, "),
    ],
)
def test_a_control_variate_with_a_mean_of_its_own_is_refuted(monkeypatch, old, new):
    monkeypatch.setattr(step.in_batch, "kernel", mutant(step.in_batch, old, new).kernel)
    assert verdict(approximations.in_batch_claim(control=True)) == "refuted"
    assert verdict(approximations.in_batch_claim()) == "holds"


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


JUDGED = {
    "negatives shared by": "shared negatives",
    "words of another passage": "in-batch negatives",
    "control variate": "control variate",
    "polynomial sigmoid": "polynomial sigmoid, bound",
    "linear window weights": "linear weights",
    "operands in bfloat16": "kernel negative_sampling block bfloat16",
    "frequent rows damped": "damping",
}
NEGATIVES, BATCH, CONTROL, SIGMOID, LINEAR, BFLOAT16, DAMPED = JUDGED


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, (NEGATIVES, SIGMOID, LINEAR, DAMPED)),
        ({"precision": "bfloat16"}, (NEGATIVES, SIGMOID, LINEAR, BFLOAT16, DAMPED)),
        ({"negatives_from": "batch"}, (BATCH, CONTROL, SIGMOID, LINEAR, DAMPED)),
        ({"kernel": "windows"}, (NEGATIVES, SIGMOID, LINEAR, DAMPED)),
        ({"kernel": "windows", "sigmoid": "exact"}, (NEGATIVES, LINEAR, DAMPED)),
        ({"kernel": "windows", "damping": "none"}, (NEGATIVES, SIGMOID, LINEAR)),
        ({"kernel": "windows", "window_weights": "dynamic"}, (NEGATIVES, SIGMOID, DAMPED)),
        ({"loss": "naive_softmax"}, (LINEAR, DAMPED)),
        ({"loss": "naive_softmax", "kernel": "windows", "damping": "none"}, (LINEAR,)),
        ({"loss": "hierarchical_softmax", "kernel": "windows"}, (SIGMOID, LINEAR, DAMPED)),
        ({"model": "cbow", "kernel": "windows"}, (NEGATIVES, SIGMOID, DAMPED)),
        ({"model": "cbow", "loss": "naive_softmax", "damping": "none"}, ()),
    ],
    ids=str,
)
def test_what_a_config_approximates_is_named_and_judged(options, named):
    found = Config(**options).approximations
    assert len(found) == len(named)
    assert all(name in told for name, told in zip(named, found, strict=True))
    assert {JUDGED[name] for name in named} <= {derivation.id for derivation in kernels.DERIVATIONS}


def test_a_loss_of_your_own_has_its_own_negatives_and_sigmoid():
    found = Config(kernel="windows").approximations_of(own_loss=True)
    assert [name for told in found for name in JUDGED if name in told] == [LINEAR, DAMPED]


@pytest.mark.parametrize("kernel", ["block", "windows"])
@pytest.mark.parametrize("loss", LOSSES)
def test_linear_weights_are_the_mean_by_each_kernel_of_each_loss(monkeypatch, loss, kernel):
    exact = replace(approximations.EXACT, loss=loss, kernel=kernel)
    monkeypatch.setattr(approximations, "EXACT", exact)
    assert verdict(approximations.linear_weights_claim()) == "holds"


@pytest.mark.parametrize(("more", "found"), [(0, "holds"), (1, "refuted")])
def test_the_kernel_of_windows_weighs_what_is_drawn(monkeypatch, more, found):
    """The law itself, and as if it were one more."""
    drawn = int(approximations.COUNTS.sum()) + more
    with_config(monkeypatch, kernel="windows", shared_negatives=drawn)
    assert verdict(approximations.shared_negatives_claim()) == found
