"""Options: every fault named at once, defaults as documented."""

import json
import math
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import optax
import pytest

from jw2v.blocks.tables import Tables
from jw2v.errors import UsageError
from jw2v.optim.named import NAMED
from jw2v.training.config import AT_LEAST, CHOICES, Config, fields_of

pytestmark = pytest.mark.usefixtures("untyped")


def at(rate: optax.Schedule, step: int) -> float:
    return float(np.asarray(rate(step)))


def config_with(name: str, value: Any) -> Config:
    """One option, of whatever type."""
    options: dict[str, Any] = {name: value}
    return Config(**options)


@pytest.mark.parametrize("name", [n for n in AT_LEAST if AT_LEAST[n] >= 1])
@pytest.mark.parametrize("bad", [0, -3, 2.5, "three", True])
def test_whole_numbers(name, bad):
    flag = "--" + name.replace("_", "-")
    with pytest.raises(UsageError, match=rf"{name} is {bad}, not a whole number .* \({flag}\)"):
        config_with(name, bad)


@pytest.mark.parametrize(
    "name", ["lr", "lr_outside", "lr_end", "sample", "ns_exponent", "warmup", "phrase_threshold"]
)
@pytest.mark.parametrize("bad", [math.nan, math.inf, "x"])
def test_finite_numbers(name, bad):
    with pytest.raises(UsageError, match=rf"{name} is {bad}, not a .*number"):
        config_with(name, bad)


def test_numbers_of_numpy_are_taken_as_pythons():
    options: dict[str, Any] = {"dim": np.int64(8), "lr": np.float32(0.5), "sample": np.float64(0)}
    config = Config(**options, seed=np.uint8(3), max_vocab=np.int32(9))  # pyright: ignore[reportArgumentType]
    assert config == Config(dim=8, lr=0.5, sample=0.0, seed=3, max_vocab=9)
    assert json.loads(json.dumps(fields_of(config))) == fields_of(config)
    assert {type(getattr(config, name)) for name in (*options, "seed")} == {int, float}


@pytest.mark.parametrize("bad", [np.int64(0), np.float32(8.5), np.float64(8)])
def test_numbers_of_numpy_are_refused_as_pythons(bad):
    with pytest.raises(UsageError, match=rf"dim is {bad}, not a whole number of at least 1"):
        config_with("dim", bad)


def test_a_seed_is_one_that_keys_are_made_of():
    most = 2**63 - 1
    jax.random.key(Config(seed=most).seed)
    with pytest.raises(UsageError, match=rf"^seed is {most + 1}, not a whole number up to {most} "):
        Config(seed=most + 1)
    with pytest.raises(OverflowError):
        jax.random.key(most + 1)


@pytest.mark.parametrize("name", ["lr", "lr_outside", "lr_end"])
def test_rates_are_above_zero(name):
    for bad in (0.0, -0.1):
        with pytest.raises(UsageError, match=rf"{name} is {bad}, not a finite number above 0"):
            config_with(name, bad)


@pytest.mark.parametrize("name", CHOICES)
def test_names_are_known(name):
    known = CHOICES[name]
    # others, where not given
    follows = ("optimizer_outside", "schedule", "outer", "precision", "negatives_from")
    assert getattr(Config(), name) in (known if name not in follows else [None])
    near = known[0][:-1]
    with pytest.raises(UsageError, match=rf"'{near}', did you mean '{known[0]}'\?"):
        config_with(name, near)


def test_all_faults_in_one_message():
    with pytest.raises(UsageError) as error:
        Config(dim=0, window=-1, optimizer="adm", lr=math.nan)
    for fault in ("dim is 0", "window is -1", "'adm'", "lr is nan"):
        assert fault in str(error.value)


def test_a_block_holds_whole_groups_and_a_group_whole_tiles():
    with pytest.raises(UsageError, match=r"block is 100, not a multiple of group 16 \(--block\)"):
        Config(block=100)
    with pytest.raises(UsageError, match=r"group is 24, not a multiple of tile 16 \(--group\)"):
        Config(block=48, group=24)
    small, odd = Config(block=8), Config(block=48)
    assert (small.group_size, small.tile_size) == (8, 8)
    assert (odd.group_size, odd.tile_size) == (16, 16)
    assert (Config(group=8).tile_size, Config(tile=32).group_size) == (8, 64)


@pytest.mark.parametrize("other", [{"kernel": "windows"}, {"loss": "naive_softmax"}])
def test_bfloat16_is_refused_where_it_would_do_nothing(other):
    with pytest.raises(UsageError, match=r"precision is bfloat16, which is for .* \(--precision\)"):
        Config(precision="bfloat16", **other)


def test_defaults_that_follow_other_options():
    assert Config().start_lrs == Tables(0.05, 0.05)
    assert at(Config(lr=0.2).schedules(10).V, 10) == pytest.approx(2e-5)
    assert Config(optimizer="adam").start_lrs == Tables(NAMED["adam"].lr, NAMED["adam"].lr)
    assert Config(model="cbow").start_lrs == Tables(0.2, 0.2)
    assert Config(model="cbow", cbow_mean=False).start_lrs == Tables(0.05, 0.05)
    assert Config(model="cbow", cbow_update="word2vec").start_lrs == Tables(0.05, 0.05)
    assert NAMED["adam"].lr == Config(model="cbow", optimizer="adam").start_lrs.V
    assert Config(loss="hierarchical_softmax").start_lrs == Tables(0.1, 0.1)
    assert Config(model="cbow", loss="hierarchical_softmax").start_lrs == Tables(0.2, 0.2)
    assert Config(loss="naive_softmax").block_size == 256
    tree = Config(loss="hierarchical_softmax")
    assert (tree.block_size, tree.tile_size) == (128, 4)
    others = replace(tree, optimizer="adam"), replace(tree, minn=3, maxn=6)
    assert [config.block_size for config in others] == [128, 128]
    assert Config(minn=3, maxn=6).block_size == 512
    assert replace(tree, model="cbow").tile_size == Config().tile_size == 16
    assert (Config().block_size, Config().group_size) == (128, 64)
    many = Config(negatives=15), Config(window=10), Config(negatives=15, model="cbow")
    assert [config.group_size for config in many] == [16, 32, 64]
    assert Config(negatives=1000, shared_negatives=1).group_size == 16
    adam = [Config(dim=dim, optimizer="adam") for dim in (100, 156, 157, 300)]
    assert [(c.block_size, c.group_size) for c in adam] == [(512, 16)] * 2 + [(256, 16)] * 2
    assert (Config().group_negatives, Config().call_blocks) == (24, 512)
    assert [replace(Config(), block=n).call_blocks for n in (512, 8192)] == [128, 32]
    bag = Config(model="cbow")
    assert (bag.group_negatives, bag.call_blocks) == (32, 256)
    assert Config(optimizer="adam").call_blocks == 64
    assert "32 negatives shared by 64 centres, weighted 5/32" in bag.approximations
    own = replace(bag, shared_negatives=7, blocks_per_call=3)
    assert (own.group_negatives, own.call_blocks) == (7, 3)
    assert next(iter(fields_of(Config()))) == "dim"


@pytest.mark.parametrize(
    "options",
    [
        {"model": "cbow"},
        {"reverse": True},
        {"loss": "naive_softmax"},
        {"loss": "hierarchical_softmax"},
        {"kernel": "windows"},
        {"minn": 3, "maxn": 6},
        {"tile": 1},
    ],
    ids=str,
)
def test_in_batch_negatives_are_for_pairs_in_blocks(options):
    told = r"negatives_from is batch, which is for skipgram and .* \(--negatives-from\)"
    with pytest.raises(UsageError, match=told):
        Config(negatives_from="batch", **options)
    batch = Config(negatives_from="batch")
    assert (batch.passage, batch.passage_words) == (8, 18)
    assert any("18 words of another passage" in name for name in batch.approximations)


def test_what_the_words_around_predict():
    assert not Config().inward
    tree = Config(loss="hierarchical_softmax")
    assert all(config.inward for config in (Config(reverse=True), Config(model="cbow"), tree))
    assert tree.has_small_products
    assert not any("negatives" in name for name in tree.approximations)


def test_a_warm_up_is_a_share_of_the_run():
    for bad in (-0.1, 1.0):
        with pytest.raises(UsageError, match=rf"warmup is {bad}, not a number from 0 to below 1"):
            Config(warmup=bad)
    rate = Config(lr=1.0, lr_end=0.5, warmup=0.5).schedules(4).V
    assert [at(rate, step) for step in range(5)] == pytest.approx([0, 0.5, 1, 0.75, 0.5])


def test_tables_share_a_schedule_unless_they_are_told_otherwise():
    same = Config().schedules(10)
    assert same.V is same.U
    apart = Config(lr=0.1, lr_outside=0.2, lr_end=0.01).schedules(10)
    assert (at(apart.V, 0), at(apart.U, 0)) == pytest.approx((0.1, 0.2))
    assert at(apart.U, 10) == pytest.approx(0.02)  # in proportion
    other = Config(optimizer_outside="adam")
    assert other.optimizers == Tables("sgd", "adam")
    assert other.start_lrs == Tables(NAMED["sgd"].lr, NAMED["adam"].lr)
    assert not other.has_small_products


def test_schedule_free_has_a_constant_rate_unless_told_otherwise():
    rate = Config(optimizer="schedule_free", lr=0.3).schedules(10).V
    assert at(rate, 10) == pytest.approx(0.3)
    rate = Config(optimizer="schedule_free", lr=0.3, schedule="cosine").schedules(10).V
    assert at(rate, 10) == pytest.approx(0.3e-4)
