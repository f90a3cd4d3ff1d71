"""Options: every fault named at once, defaults as documented."""

import math
from typing import Any

import pytest

from jw2v.errors import UsageError
from jw2v.training.config import AT_LEAST, CHOICES, Config, fields_of

pytestmark = pytest.mark.usefixtures("untyped")


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


@pytest.mark.parametrize("name", ["lr", "lr_end", "sample", "ns_exponent"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, "x"])
def test_finite_numbers(name, bad):
    with pytest.raises(UsageError, match=rf"{name} is {bad}, not a .*number"):
        config_with(name, bad)


@pytest.mark.parametrize("name", ["lr", "lr_end"])
def test_rates_are_above_zero(name):
    for bad in (0.0, -0.1):
        with pytest.raises(UsageError, match=rf"{name} is {bad}, not a finite number above 0"):
            config_with(name, bad)


@pytest.mark.parametrize("name", CHOICES)
def test_names_are_known(name):
    known = CHOICES[name]
    assert getattr(Config(), name) in known
    near = known[0][:-1]
    with pytest.raises(UsageError, match=rf"'{near}', did you mean '{known[0]}'\?"):
        config_with(name, near)


def test_all_faults_in_one_message():
    with pytest.raises(UsageError) as error:
        Config(dim=0, window=-1, optimizer="adm", lr=math.nan)
    for fault in ("dim is 0", "window is -1", "'adm'", "lr is nan"):
        assert fault in str(error.value)


def test_a_block_holds_whole_groups():
    with pytest.raises(UsageError, match=r"block is 100, not a multiple of group 16 \(--block\)"):
        Config(block=100)
    assert Config(block=8).group_size == 8


@pytest.mark.parametrize("other", [{"kernel": "windows"}, {"loss": "naive_softmax"}])
def test_bfloat16_is_refused_where_it_would_do_nothing(other):
    with pytest.raises(UsageError, match=r"precision is bfloat16, which is for .* \(--precision\)"):
        Config(precision="bfloat16", **other)


def test_defaults_that_follow_other_options():
    assert Config().start_lr == 0.05
    assert Config(lr=0.2).end_lr == pytest.approx(2e-5)
    assert Config(optimizer="adam").start_lr == 0.001
    assert Config(loss="naive_softmax").block_size == 256
    assert [Config(dim=dim).block_size for dim in (100, 156, 157, 300)] == [512, 512, 256, 256]
    assert next(iter(fields_of(Config()))) == "dim"
