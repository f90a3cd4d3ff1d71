"""The chain's ledger: every claim holds, and breaking any link by hand has it refuted."""

import sys
import time
from dataclasses import replace

import jax.numpy as jnp
import pytest
from mutants import mutant
from verdicts import verdict, verdicts

from jw2v.blocks import (
    in_batch,
    inward,
    naive_softmax,
    negative_sampling,
    rounding,
    tiles,
    windowed,
)
from jw2v.judge import Derivation, Entry, verify_derivations
from jw2v.judge.records import Verdict
from jw2v.ledger import example, kernels
from jw2v.ledger.example import BLOCK as BLOCK_SIZE
from jw2v.ledger.example import GROUP, example_block, small
from jw2v.ledger.kernels import (
    DERIVATIONS,
    claims_of,
    kernel_claim,
    pair_claim,
    reverse_claim,
    window_claim,
)
from jw2v.losses.record import Loss
from jw2v.optim.named import NAMED
from jw2v.training import step
from jw2v.training.config import LOSSES, Config

PAIRS = {
    "negative_sampling": sys.modules["jw2v.losses.negative_sampling"],
    "naive_softmax": sys.modules["jw2v.losses.naive_softmax"],
    "hierarchical_softmax": sys.modules["jw2v.losses.hierarchical_softmax"],
}
BLOCK = Config(window=3)
WINDOWS = replace(BLOCK, kernel="windows")
SOFTMAX = replace(BLOCK, loss="naive_softmax")
BAG = replace(BLOCK, model="cbow")
TREE = replace(BLOCK, loss="hierarchical_softmax")
IN_BATCH = replace(BLOCK, negatives_from="batch")


def judged(derivation: Derivation, **options) -> Entry:
    (entry,) = verify_derivations([derivation], **options)
    return entry


def autodiff(config: Config) -> Config:
    return replace(config, gradient="autodiff")


def break_pair(monkeypatch: pytest.MonkeyPatch, loss: str, old: str, new: str) -> None:
    """Train and judge with a pair loss whose gradient by hand is broken."""
    pair = mutant(PAIRS[loss], old, new).PAIR
    for module in (kernels, step):
        monkeypatch.setattr(module, loss.upper(), pair)
    monkeypatch.setitem(kernels.PAIRS, loss, pair)


IDS = [step.id for derivation in DERIVATIONS for step in derivation.steps]


def test_ids_are_unique():
    assert len(set(IDS)) == len(IDS)
    assert len({derivation.id for derivation in DERIVATIONS}) == len(DERIVATIONS)


@pytest.mark.slow
def test_every_claim_holds():
    """As claimed, and by hand as by autodiff; the power of each is printed and small."""
    entries = verify_derivations(DERIVATIONS)
    assert [entry.id for entry in entries] == IDS
    assert [entry.id for entry in entries if not entry.as_expected] == []
    refuted = [entry.id for entry in entries if entry.verdict_value != "holds"]
    assert refuted == ["kernel cbow block, as word2vec.c manual"]
    for entry in entries:
        assert "coarse" not in entry.scope  # each operation has a rule
        if entry.id in refuted:
            continue
        if "bfloat16" in entry.id:
            assert entry.power["float32"] < 0.1
        else:
            rounded = entry.id == "optimizer adafactor"  # optax computes its β in float32
            assert entry.power["float64"] < (1e-6 if rounded else 1e-12)
            assert entry.power["float32"] < 1e-3
        assert "def " in entry.source or "lambda" in entry.source


def test_the_ledger_has_every_way_to_train():
    """Autodiff over windows is the other side of the claims."""
    for loss in LOSSES:
        skipgram = "reverse skipgram" if loss == TREE.loss else "skipgram"
        assert {loss, f"{skipgram} {loss}", f"cbow {loss}"} <= set(IDS)
        for way in ("block manual", "block autodiff"):
            assert {f"kernel {loss} {way}", f"step {loss} {way}"} <= set(IDS)
        assert f"kernel {loss} windows manual" in IDS
    assert "kernel negative_sampling block bfloat16 manual" in IDS
    assert "step negative_sampling block bfloat16 manual" in IDS
    assert {f"optimizer {name}" for name in NAMED} <= set(IDS)


def test_the_block_has_what_can_go_wrong():
    """Words that repeat, sentences that end, padding, more tiles than one."""
    block = example_block(small(WINDOWS))
    centres = block.ids[block.centres]
    assert len(set(centres.tolist())) < len(centres)
    assert set(block.sentence.tolist()) == {-1, 0, 1}
    assert set(block.sentence[block.centres].tolist()) == {-1, 0, 1}
    assert len(set(block.neg_ids.ravel().tolist())) < block.neg_ids.size
    assert set(block.neg_ids.ravel().tolist()) & set(block.ids.tolist())
    assert 1 < GROUP < BLOCK_SIZE


PAIR_MUTANTS = [
    ("negative_sampling", "err_o = -by.sigmoid(-score_o)", "err_o = by.sigmoid(-score_o)"),
    ("negative_sampling", "err_o = -by.sigmoid(-score_o)", "err_o = -by.sigmoid(score_o)"),
    ("negative_sampling", "err_neg = neg_weight *", "err_neg = 2 * neg_weight *"),
    ("negative_sampling", "d_v_c = err_o * u_o + err_neg @ u_neg", "d_v_c = err_o * u_o"),
    ("negative_sampling", "d_u_o = err_o * v_c", "d_u_o = err_o * u_o"),
    ("negative_sampling", "d_u_neg = jnp.outer(err_neg, v_c)", "d_u_neg = 0 * u_neg"),
    ("naive_softmax", ".at[o].add(-1.0)", ".at[o].add(1.0)"),
    ("naive_softmax", "err @ U", "jnp.abs(err) @ U"),
    ("naive_softmax", "jnp.outer(err, v_c)", "jnp.outer(err, 2 * v_c)"),
    ("hierarchical_softmax", "err = -s *", "err = s *"),
    ("hierarchical_softmax", "err = -s *", "err = "),
    ("hierarchical_softmax", "(err @ u_way,", "(jnp.abs(err) @ u_way,"),
    ("hierarchical_softmax", "jnp.outer(err, v_c))", "jnp.outer(s, v_c))"),
]


@pytest.mark.parametrize(("loss", "old", "new"), PAIR_MUTANTS)
def test_a_broken_gradient_by_hand_is_refuted(monkeypatch, loss, old, new):
    """Of one pair and of one window."""
    break_pair(monkeypatch, loss, old, new)
    config = replace(BLOCK, loss=loss)
    pair = claims_of(config)[0]
    assert (pair.id, verdict(pair)) == (loss, "refuted")
    window = reverse_claim if config.has_tree else window_claim
    assert verdict(window("window", kernels.PAIRS[loss])) == "refuted"


@pytest.mark.parametrize("number", [0, 3, 5, 6, 9])
def test_windows_that_train_with_a_broken_gradient_are_refuted(monkeypatch, number):
    loss, old, new = PAIR_MUTANTS[number]
    break_pair(monkeypatch, loss, old, new)
    assert verdict(kernel_claim("windows", replace(WINDOWS, loss=loss))) == "refuted"


def test_a_broken_pair_leaves_the_block_and_autodiff_as_they_are(monkeypatch):
    break_pair(monkeypatch, *PAIR_MUTANTS[0])
    assert verdict(claims_of(BLOCK)[1]) == "holds"
    assert verdict(claims_of(autodiff(WINDOWS))[0]) == "holds"


BLOCK_MUTANTS = [
    (tiles, "operand(weight * sign *", "operand(weight *"),
    (tiles, "operand(weight * sign *", "operand(sign *"),
    (tiles, "by.sigmoid(score)", "(score > 0)"),
    (tiles, 'product("trj,tjd->trd", by_row, u)', "0 * v"),
    (tiles, 'product("tjr,trd->tjd", err, v)', "0 * u"),
    (negative_sampling, "d_u.reshape(u.shape)", "jnp.zeros_like(d_u).reshape(u.shape)"),
    (negative_sampling, "d_u.reshape(u.shape)", "jnp.roll(d_u.reshape(u.shape), 1, 0)"),
    (in_batch, "d_v.reshape(v.shape), d_u", "jnp.roll(d_v.reshape(v.shape), 1, 0), d_u"),
    (in_batch, "jnp.where(same, 0, by_column", "jnp.where(same, 0, 0 * by_column"),
    (in_batch, "jnp.where(own, omega, across)", "omega + across"),
    (inward, "tiles.transposed(part), d_h)", "omega, d_h)"),
    (inward, "tiles.transposed(part), d_h)", "0 * omega, d_h)"),
    (inward, "d_u.reshape(u.shape)", "jnp.roll(d_u.reshape(u.shape), 1, 0)"),
    (naive_softmax, ".at[rows, at].add(-jnp.where(here, told.omega, 0))", ""),
    (naive_softmax, "-jnp.where(here, told.omega, 0)", "-told.omega"),
    (naive_softmax, "d_h = d_h + jnp.matmul(err, u", "d_h = jnp.matmul(err, u"),
    (naive_softmax, "(d_U, d_u, first, axis=0)", "(d_U, d_u, 0, axis=0)"),
]


def with_block(monkeypatch, module, old, new):
    """Break a block kernel; a config that trains with it."""
    changed = mutant(module, old, new)
    names = {tiles: ("loss_and_grads",), inward: ("kernel", "bag", "tree", "negatives", "EACH")}
    for name in names.get(module, ("kernel",)):
        monkeypatch.setattr(module, name, getattr(changed, name))
    return {naive_softmax: SOFTMAX, inward: BAG, in_batch: IN_BATCH}.get(module, BLOCK)


@pytest.mark.parametrize(("module", "old", "new"), BLOCK_MUTANTS)
def test_a_broken_block_is_refuted(monkeypatch, module, old, new):
    config = with_block(monkeypatch, module, old, new)
    claims = claims_of(config)
    block = next(claim for claim in claims if claim.id.startswith("kernel"))
    assert verdict(block) == "refuted"
    assert verdict(claims[0]) == "holds"


@pytest.mark.parametrize("part", ["rounding", "transposing"])
def test_a_broken_operand_in_bfloat16_is_refuted(monkeypatch, part):
    config = replace(BLOCK, precision="bfloat16")

    def found() -> Verdict:
        (verdict,) = verdicts(claims_of(config)[1], samples=16, dtypes=("float32",))
        return verdict

    assert found() == "holds"
    if part == "rounding":
        changed = mutant(rounding, ">> 16)", ">> 20 << 4)")
        monkeypatch.setattr(tiles, "to_bfloat16", changed.to_bfloat16)
    else:
        changed = mutant(tiles, "np.eye(x.shape[2]", "np.tri(x.shape[2]")
        monkeypatch.setattr(tiles.Products, "_by_identity", changed.Products._by_identity)
    assert found() == "refuted"


@pytest.mark.parametrize("module", [tiles, negative_sampling, in_batch, naive_softmax, inward])
def test_a_broken_block_by_hand_leaves_autodiff_as_it_is(monkeypatch, module):
    config = with_block(monkeypatch, *next(m for m in BLOCK_MUTANTS if m[0] is module))
    assert verdict(claims_of(autodiff(config))[0]) == "holds"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("jnp.abs(sides), -sides", "jnp.abs(sides), sides"),
        ("jnp.repeat(own, depth, axis=1)", "jnp.tile(own, (1, depth, 1))"),
    ],
)
def test_a_block_that_takes_other_ways_is_refuted(monkeypatch, old, new):
    """Whatever the gradient: the windows are told by the ways they have."""
    with_block(monkeypatch, inward, old, new)
    assert verdict(kernel_claim("manual", TREE)) == "refuted"
    assert verdict(kernel_claim("autodiff", autodiff(TREE))) == "refuted"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seen.total * jnp.exp(seen.most - most)", "seen.total"),
        ("(first <= o) & (o < first + size)", "o < first + size"),
        ("i * size, size), i * size)", "i * size, size), 0)"),
        ("whole * size) if rest else carry", "whole * size) if not rest else carry"),
    ],
)
def test_a_softmax_whose_chunks_do_not_make_a_whole_is_refuted(monkeypatch, old, new):
    """By hand and by autodiff, which share the first pass."""
    with_block(monkeypatch, naive_softmax, old, new)
    assert verdict(kernel_claim("manual", SOFTMAX)) == "refuted"
    assert verdict(kernel_claim("autodiff", autodiff(SOFTMAX))) == "refuted"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [("part[:, :, None] *", "omega[:, :, None] *"), ("counts(omega)[:, None]", "omega[:, :1]")],
)
def test_a_broken_bag_with_softmax_is_refuted(monkeypatch, old, new):
    config = replace(SOFTMAX, model="cbow")
    assert verdict(kernel_claim("right", config)) == "holds"
    broken = mutant(naive_softmax, old, new)
    monkeypatch.setattr(naive_softmax, "bag_kernel", broken.bag_kernel)
    assert verdict(kernel_claim("wrong", config)) == "refuted"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("jnp.broadcast_to(centres, omega.shape)", "jnp.zeros_like(omega, int)"),
        ("        return block.ids\n", "        return jnp.flip(block.ids)\n"),
    ],
)
def test_a_broken_reverse_softmax_is_refuted(monkeypatch, old, new):
    config = replace(SOFTMAX, reverse=True)
    assert verdict(kernel_claim("right", config)) == "holds"
    broken = mutant(naive_softmax, old, new)
    monkeypatch.setattr(naive_softmax, "reverse_kernel", broken.reverse_kernel)
    assert verdict(kernel_claim("wrong", config)) == "refuted"


def test_a_block_whose_loss_is_another_is_refuted_whatever_the_gradient(monkeypatch):
    """Hand and autodiff of one wrong loss agree; the windows they stand for do not."""
    broken = mutant(negative_sampling, "nu = (negatives / shared) *", "nu = negatives *")
    monkeypatch.setattr(negative_sampling, "kernel", broken.kernel)
    assert verdict(kernel_claim("manual", BLOCK)) == "refuted"
    assert verdict(kernel_claim("autodiff", autodiff(BLOCK))) == "refuted"


JOINS = {
    "contexts dropped": lambda ctx, neg: (0 * ctx, neg),
    "negatives dropped": lambda ctx, neg: (ctx, 0 * neg),
    "wrong sign": lambda ctx, neg: (-ctx, neg),
}


@pytest.mark.parametrize("broken", JOINS)
def test_windows_whose_scatter_lacks_rows_are_refuted(monkeypatch, broken):
    join = windowed._join_rows
    monkeypatch.setattr(windowed, "_join_rows", lambda *rows: join(*JOINS[broken](*rows)))
    kernel = claims_of(WINDOWS)[1]
    assert verdict(kernel) == "refuted"
    if broken == "wrong sign":
        assert verdict(claims_of(autodiff(WINDOWS))[0]) == "holds"


def test_a_scatter_that_overwrites_is_refuted(monkeypatch):
    def overwriting(grads, table):
        return jnp.zeros_like(table).at[grads.ids].set(grads.rows)

    monkeypatch.setattr(example, "whole_table", overwriting)
    assert verdict(kernel_claim("block", BLOCK)) == "refuted"
    assert verdict(kernel_claim("windows", WINDOWS)) == "refuted"


def test_what_a_run_is_guarded_by():
    rest = ["kernel block float32", "step block float32", "optimizer sgd"]
    assert [claim.id for claim in claims_of(BLOCK)] == ["negative_sampling", *rest]
    assert [claim.id for claim in claims_of(autodiff(BLOCK))] == rest
    assert claims_of(replace(SOFTMAX, optimizer="adam"))[-1].id == "optimizer adam"


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("float32", "float32"), ("bfloat16", "float32"), ("float64", "float64")],
)
def test_a_run_is_guarded_at_the_precision_that_trains(precision, dtype):
    claims = claims_of(replace(BLOCK, precision=precision))
    assert {claim.dtypes for claim in claims} == {(dtype,)}


def test_bfloat16_rounds_inside_its_kernel():
    """A claim in float32 whose bound is that of the casts: a power of per cents, not of 1e-5."""
    kernel = claims_of(replace(BLOCK, precision="bfloat16"))[1]
    entry = judged(kernel, samples=16)
    assert entry.verdict_value == "holds"
    assert 1e-3 < entry.power["float32"] < 0.1


@pytest.mark.parametrize(
    "config", [BLOCK, autodiff(replace(BLOCK, precision="bfloat16", sigmoid="exact"))]
)
def test_a_guard_takes_seconds(config):
    claims = claims_of(config)
    began = time.perf_counter()
    entries = verify_derivations(claims, samples=16)
    seconds = time.perf_counter() - began
    print(f"guard: {[(entry.id, round(entry.seconds, 2)) for entry in entries]}, {seconds:.1f} s")
    assert [entry.verdict_value for entry in entries] == ["holds"] * len(claims)
    assert seconds < 15


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
    ids = ["loss of your own", "kernel windows float32", "step windows float32", "optimizer sgd"]
    assert [claim.id for claim in claims] == ids
    assert [verdict(claim) for claim in claims[:3]] == ["holds"] * 3
    by_hand = right.loss_and_grads
    assert by_hand is not None

    def forgetful(*rows):
        value, (d_v, *rest) = by_hand(*rows)
        return value, (d_v, *rest[:-1], jnp.zeros_like(rest[-1]))

    wrong = replace(right, loss_and_grads=forgetful)
    assert [verdict(claim) for claim in claims_of(WINDOWS, wrong)[:3]] == ["refuted"] * 3
    assert verdict(claims_of(autodiff(WINDOWS), wrong)[0]) == "holds"


def test_pairs_without_their_table_or_with_it():
    for name, module in PAIRS.items():
        claim = pair_claim(name, module.PAIR)
        assert claim.wrt == ((0, 1) if module.PAIR.way else module.PAIR.wrt)
        assert verdict(claim) == "holds"
