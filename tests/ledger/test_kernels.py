"""The chain's ledger: every claim holds, and breaking any link by hand has it refuted."""

import inspect
import sys
from collections import Counter
from dataclasses import replace
from types import ModuleType

import jax.numpy as jnp
import pytest

from jw2v.blocks import naive_softmax, negative_sampling, windowed
from jw2v.judge import Claim, verify_claims
from jw2v.ledger import kernels
from jw2v.ledger.kernels import CLAIMS, claims_of, kernel_claim, pair_claim, window_claim
from jw2v.losses.record import Loss
from jw2v.training import step
from jw2v.training.config import Config

PAIRS = {
    "negative_sampling": sys.modules["jw2v.losses.negative_sampling"],
    "naive_softmax": sys.modules["jw2v.losses.naive_softmax"],
}
BLOCK = Config(window=3)
WINDOWS = replace(BLOCK, kernel="windows")
SOFTMAX = replace(BLOCK, loss="naive_softmax")


def verdict(claim: Claim) -> str:
    """At two points, as the guard of a run judges it."""
    return verify_claims([claim], samples=2, dtypes=("float64",))[0].verdict_value


def autodiff(config: Config) -> Config:
    return replace(config, gradient="autodiff")


def mutant(module: ModuleType, old: str, new: str) -> ModuleType:
    """A module with one place of its source changed."""
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {module.__name__}"
    changed = ModuleType(module.__name__)
    exec(compile(source.replace(old, new), f"<mutant of {module.__name__}>", "exec"), vars(changed))
    return changed


def break_pair(monkeypatch: pytest.MonkeyPatch, loss: str, old: str, new: str) -> None:
    """Train and judge with a pair loss whose gradient by hand is broken."""
    pair = mutant(PAIRS[loss], old, new).PAIR
    for module in (kernels, step):
        monkeypatch.setattr(module, loss.upper(), pair)


def test_ids_are_unique():
    assert max(Counter(claim.id for claim in CLAIMS).values()) == 1


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_holds(claim: Claim):
    (entry,) = verify_claims([claim], samples=3)
    assert entry.as_expected
    assert entry.verdict_value == claim.expected == "holds"
    assert claim.correct is None


def test_the_ledger_has_every_way_to_train():
    ids = {claim.id for claim in CLAIMS}
    for loss in ("negative_sampling", "naive_softmax"):
        assert {loss, f"skipgram {loss}"} <= ids
        for kernel in ("block", "windows"):
            for gradient in ("manual", "autodiff"):
                assert f"kernel {loss} {kernel} linear {gradient}" in ids
    assert "kernel negative_sampling block bfloat16" in ids


PAIR_MUTANTS = [
    ("negative_sampling", "err_o = -jax.nn.sigmoid(-score_o)", "err_o = jax.nn.sigmoid(-score_o)"),
    ("negative_sampling", "err_o = -jax.nn.sigmoid(-score_o)", "err_o = -jax.nn.sigmoid(score_o)"),
    ("negative_sampling", "err_neg = neg_weight *", "err_neg = 2 * neg_weight *"),
    ("negative_sampling", "d_v_c = err_o * u_o + err_neg @ u_neg", "d_v_c = err_o * u_o"),
    ("negative_sampling", "d_u_o = err_o * v_c", "d_u_o = err_o * u_o"),
    ("negative_sampling", "d_u_neg = jnp.outer(err_neg, v_c)", "d_u_neg = 0 * u_neg"),
    ("naive_softmax", ".at[o].add(-1.0)", ".at[o].add(1.0)"),
    ("naive_softmax", "err @ U", "jnp.abs(err) @ U"),
    ("naive_softmax", "jnp.outer(err, v_c)", "jnp.outer(err, 2 * v_c)"),
]


@pytest.mark.parametrize(("loss", "old", "new"), PAIR_MUTANTS)
def test_a_broken_gradient_by_hand_is_refuted(monkeypatch, loss, old, new):
    """Of one pair and of one window."""
    break_pair(monkeypatch, loss, old, new)
    config = replace(BLOCK, loss=loss)
    pair, block = claims_of(config)
    assert (pair.id, verdict(pair)) == (loss, "refuted")
    assert block.id == "kernel block float32"
    assert verdict(window_claim("window", getattr(kernels, loss.upper()))) == "refuted"


@pytest.mark.parametrize("number", [0, 3, 5, 6])
def test_windows_that_train_with_a_broken_gradient_are_refuted(monkeypatch, number):
    loss, old, new = PAIR_MUTANTS[number]
    break_pair(monkeypatch, loss, old, new)
    assert verdict(kernel_claim("windows", replace(WINDOWS, loss=loss))) == "refuted"


def test_a_broken_pair_leaves_the_block_and_autodiff_as_they_are(monkeypatch):
    break_pair(monkeypatch, *PAIR_MUTANTS[0])
    assert verdict(claims_of(BLOCK)[1]) == "holds"
    (claim,) = claims_of(autodiff(WINDOWS))
    assert verdict(claim) == "holds"


BLOCK_MUTANTS = [
    (negative_sampling, "err = -omega *", "err = omega *"),
    (negative_sampling, "err = -omega * jax.nn.sigmoid(-score)", "err = -omega * (score < 0)"),
    (negative_sampling, "err_neg = nu *", "err_neg = -nu *"),
    (negative_sampling, "err_neg = nu *", "err_neg = 0 * nu *"),
    (
        negative_sampling,
        'd_v += product("grn,gnd->grd", err_neg, u_neg).reshape(v.shape)',
        "pass",
    ),
    (negative_sampling, "return value, (d_v, d_u)", "return value, (d_v, jnp.zeros_like(d_u))"),
    (negative_sampling, "return value, (d_v, d_u)", "return value, (d_v, jnp.roll(d_u, 1, 0))"),
    (naive_softmax, ".at[rows, o].add(-omega)", ".at[rows, o].set(-omega)"),
    (naive_softmax, ".at[rows, o].add(-omega)", ""),
    (naive_softmax, "return value, (d_v, d_U)", "return value, (d_v, jnp.zeros_like(d_U))"),
    (naive_softmax, "return value, (d_v, d_U)", "return value, (-d_v, d_U)"),
]


@pytest.mark.parametrize(("module", "old", "new"), BLOCK_MUTANTS)
def test_a_broken_block_is_refuted(monkeypatch, module, old, new):
    monkeypatch.setattr(module, "kernel", mutant(module, old, new).kernel)
    config = BLOCK if module is negative_sampling else SOFTMAX
    pair, block = claims_of(config)
    assert verdict(block) == "refuted"
    assert verdict(pair) == "holds"


@pytest.mark.parametrize("module", [negative_sampling, naive_softmax])
def test_a_broken_block_by_hand_leaves_autodiff_as_it_is(monkeypatch, module):
    _, old, new = next(m for m in BLOCK_MUTANTS if m[0] is module)
    monkeypatch.setattr(module, "kernel", mutant(module, old, new).kernel)
    config = BLOCK if module is negative_sampling else SOFTMAX
    (claim,) = claims_of(autodiff(config))
    assert verdict(claim) == "holds"


def test_a_block_whose_loss_is_another_is_refuted_whatever_the_gradient(monkeypatch):
    """Hand and autodiff of one wrong loss agree; the windows they stand for do not."""
    broken = mutant(negative_sampling, "nu = (negatives / shared) *", "nu = negatives *")
    monkeypatch.setattr(negative_sampling, "kernel", broken.kernel)
    assert verdict(kernel_claim("manual", BLOCK)) == "refuted"
    assert verdict(kernel_claim("autodiff", autodiff(BLOCK))) == "refuted"


JOINS = {
    "contexts dropped": lambda v, ctx, neg: (v, 0 * ctx, neg),
    "negatives dropped": lambda v, ctx, neg: (v, ctx, 0 * neg),
    "wrong sign": lambda v, ctx, neg: (-v, ctx, neg),
}


@pytest.mark.parametrize("broken", JOINS)
def test_windows_whose_scatter_lacks_rows_are_refuted(monkeypatch, broken):
    join = windowed._join_rows
    monkeypatch.setattr(windowed, "_join_rows", lambda *rows: join(*JOINS[broken](*rows)))
    pair, claim = claims_of(WINDOWS)
    assert (verdict(pair), verdict(claim)) == ("holds", "refuted")
    assert verdict(claims_of(autodiff(WINDOWS))[0]) == "holds"


def test_a_scatter_that_overwrites_is_refuted(monkeypatch):
    def overwriting(grads, table):
        return jnp.zeros_like(table).at[grads.ids].set(grads.rows)

    monkeypatch.setattr(kernels, "whole_table", overwriting)
    assert verdict(kernel_claim("block", BLOCK)) == "refuted"
    assert verdict(kernel_claim("windows", WINDOWS)) == "refuted"


def test_what_a_run_is_guarded_by():
    assert [claim.id for claim in claims_of(BLOCK)] == ["negative_sampling", "kernel block float32"]
    assert [claim.id for claim in claims_of(autodiff(BLOCK))] == ["kernel block float32"]
    half = replace(BLOCK, precision="bfloat16")
    assert claims_of(half)[1].dtypes == ("bfloat16",)
    assert claims_of(BLOCK)[1].dtypes == ("float64", "float32")


def distance(v_c, u_o, u_neg):
    return 0.5 * jnp.sum((v_c - u_o) ** 2) + jnp.sum(u_neg @ v_c)


def distance_by_hand(v_c, u_o, u_neg):
    grads = v_c - u_o + jnp.sum(u_neg, axis=0), u_o - v_c, jnp.ones_like(u_neg) * v_c[None, :]
    return distance(v_c, u_o, u_neg), grads


def bag(v_c, u_ctx, u_neg, weight):
    return jnp.logaddexp(0, -(weight @ u_ctx) @ v_c) + jnp.sum(u_neg**2) / 2


def bag_by_hand(v_c, u_ctx, u_neg, weight):
    mean = weight @ u_ctx
    err = -1 / (1 + jnp.exp(mean @ v_c))
    grads = err * mean, err * jnp.outer(weight, v_c), u_neg
    return bag(v_c, u_ctx, u_neg, weight), grads


@pytest.mark.parametrize(
    "right",
    [Loss(distance, distance_by_hand), Loss(bag, bag_by_hand, over="window")],
    ids=["pair", "window"],
)
def test_a_loss_of_your_own_is_guarded_too(right: Loss):
    claims = claims_of(WINDOWS, right)
    assert [claim.id for claim in claims] == ["loss of your own", "kernel windows float32"]
    assert [verdict(claim) for claim in claims] == ["holds", "holds"]
    by_hand = right.loss_and_grads
    assert by_hand is not None

    def forgetful(*rows):
        value, (d_v, *rest) = by_hand(*rows)
        return value, (d_v, *rest[:-1], jnp.zeros_like(rest[-1]))

    wrong = replace(right, loss_and_grads=forgetful)
    assert [verdict(claim) for claim in claims_of(WINDOWS, wrong)] == ["refuted", "refuted"]
    assert [verdict(claim) for claim in claims_of(autodiff(WINDOWS), wrong)] == ["holds"]


def test_pairs_without_their_table_or_with_it():
    for name, module in PAIRS.items():
        claim = pair_claim(name, module.PAIR)
        assert claim.wrt == module.PAIR.wrt
        assert verdict(claim) == "holds"
