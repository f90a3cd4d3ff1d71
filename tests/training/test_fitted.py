"""Options that were left open, as devices want them."""

from dataclasses import replace

import jax
import pytest

from jw2v.training import backend
from jw2v.training.config import Config
from jw2v.training.fitted import fitted

WORDS = 9_000_000


def on_units(**options) -> Config:
    return fitted(Config(**options), WORDS, backend="cpu", units="matrix")


def in_vectors(**options) -> Config:
    return fitted(Config(**options), WORDS, backend="cpu", units="vector")


@pytest.mark.parametrize(
    ("options", "tile", "negatives"),
    [
        ({}, 64, 22),
        ({"dim": 300}, 64, 22),
        ({"window": 10}, 32, 28),
        ({"window": 2, "block": 32}, 32, 28),
        ({"group": 128}, 64, 22),
        ({"group": 96, "block": 192}, 32, 22),
        ({"shared_negatives": 30}, 64, 30),
        ({"tile": 32}, 32, 22),
        ({"precision": "bfloat16"}, 64, 22),
    ],
)
def test_tiles_on_matrix_units_are_whole_units_of_bfloat16(options, tile, negatives):
    config = on_units(**options)
    assert (config.precision, config.tile) == ("bfloat16", tile)
    assert config.group_negatives == negatives
    if "shared_negatives" not in options:
        assert (tile + 2 * config.window + negatives) % 16 == 0
    assert config.group_size == Config(**{"tile": tile, **options}).group_size


@pytest.mark.parametrize(
    ("options", "negatives"),
    [({}, 22), ({"window": 10}, 28), ({"negatives": 15}, 22), ({"shared_negatives": 30}, 30)],
)
def test_tiles_of_bfloat16_in_vectors_are_as_large_as_those_of_float32(options, negatives):
    config, plain = in_vectors(**options), Config(**options)
    assert (config.precision, config.group_negatives) == ("bfloat16", negatives)
    assert (config.tile_size, config.group_size) == (plain.tile_size, plain.group_size)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "cbow"},
        {"reverse": True},
        {"loss": "hierarchical_softmax"},
        {"minn": 3, "maxn": 6},
    ],
)
def test_other_tiles_in_vectors_differ_by_their_precision_alone(options):
    assert in_vectors(**options) == Config(**options, precision="bfloat16")


@pytest.mark.parametrize(
    ("options", "tile", "group", "negatives"),
    [
        ({}, 64, 64, 38),
        ({"window": 10}, 32, 32, 44),
        ({"negatives": 10}, 32, 32, 38),
        ({"group": 128}, 64, 128, 38),
        ({"tile": 32}, 32, 64, 38),
        ({"shared_negatives": 54}, 64, 64, 54),
    ],
)
def test_an_accelerator_is_given_whole_units_and_more_negatives(options, tile, group, negatives):
    config = fitted(Config(**options), WORDS, backend="gpu")
    assert (config.precision, config.tile_size, config.group_size) == ("bfloat16", tile, group)
    assert config.group_negatives == negatives


NEVER = (  # in bfloat16
    {"loss": "naive_softmax"},
    {"optimizer": "adam"},
    {"gradient": "autodiff"},
    {"kernel": "windows"},
    {"dense_updates": True},
    {"model": "cbow", "cbow_mean": False},
    {"precision": "float32"},
    {"precision": "float64"},
)
NOT_ON_UNITS = (
    {"model": "cbow"},
    {"reverse": True},
    {"loss": "hierarchical_softmax"},
    {"minn": 3, "maxn": 6},
    {"negatives": 15},
    {"tile": 16},
)


@pytest.mark.parametrize("options", NOT_ON_UNITS)
def test_an_accelerator_is_given_bfloat16_in_other_tiles_too(options):
    config, plain = fitted(Config(**options), WORDS, backend="gpu"), Config(**options)
    assert (config.precision, config.tile_size) == ("bfloat16", plain.tile_size)
    assert config.group_size == plain.tile_size
    assert config.group_negatives == plain.group_negatives


@pytest.mark.parametrize("options", NEVER)
def test_an_accelerator_multiplies_what_it_is_told_to(options):
    config = fitted(Config(**options), WORDS, backend="gpu")
    assert config.precision == options.get("precision", "float32")


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({}, 2),
        ({"minn": 3, "maxn": 6}, 2),
        ({"model": "cbow"}, 1.5),
        ({"model": "cbow", "cbow_mean": False}, 2),
        ({"loss": "hierarchical_softmax"}, 1),
        ({"model": "cbow", "loss": "hierarchical_softmax"}, 1),
    ],
)
def test_large_blocks_have_a_rate_of_their_own(options, times):
    config = Config(**options)
    assert fitted(config, WORDS, backend="gpu").lr == times * config.start_lrs.V


def test_a_rate_that_is_given_stays():
    assert fitted(Config(lr=0.01), WORDS, backend="gpu").lr == 0.01


@pytest.mark.parametrize("options", [*NEVER, *NOT_ON_UNITS])
def test_other_runs_are_left_as_they_are(options):
    plain = Config(**{"precision": "float32", **options})
    assert on_units(**options) == plain
    found = fitted(Config(**options), WORDS, backend="cpu", units="none")
    assert replace(found, negatives_from=None) == plain


@pytest.mark.parametrize("options", NEVER)
def test_other_runs_are_left_as_they_are_in_vectors_too(options):
    found = replace(in_vectors(**options), negatives_from=None)
    assert found == Config(**{"precision": "float32", **options})


@pytest.mark.parametrize(
    ("known", "units"),
    [
        ("avx512_bf16 amx_bf16 amx_tile", "matrix"),
        ("avx512f avx512_bf16", "vector"),
        ("avx2 avx512f amx_tile", "none"),
    ],
)
def test_what_bfloat16_is_multiplied_in_is_looked_up(known, units, monkeypatch):
    told = f"model name: one\nflags: sse {known}\n"
    monkeypatch.setattr(backend.Path, "read_text", lambda path, **_: told)
    assert backend.bfloat16_units() == units
    found = fitted(Config(), WORDS, backend="cpu")
    assert found == fitted(Config(), WORDS, backend="cpu", units=units)
    assert backend.compiler_options() == backend.compiler_options(units)


@pytest.mark.parametrize("units", ["matrix", "vector", "none"])
def test_an_accelerator_is_told_nothing_of_vectors(units, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert backend.compiler_options(units) == {}


@pytest.mark.parametrize("units", ["none", "vector"])
@pytest.mark.parametrize(
    ("options", "negatives"),
    [
        ({}, "batch"),
        ({"dim": 300}, "batch"),
        ({"window": 10}, "batch"),
        ({"negatives_from": "noise"}, "noise"),
        ({"shared_negatives": 30}, None),
        ({"group": 16}, None),
        ({"negatives": 15}, None),
        ({"window": 3}, None),
        ({"tile": 1}, None),
        ({"model": "cbow"}, None),
        ({"reverse": True}, None),
        ({"minn": 3, "maxn": 6}, None),
        ({"kernel": "windows"}, None),
        ({"optimizer": "adam"}, None),
    ],
    ids=str,
)
def test_a_long_run_on_a_processor_has_in_batch_negatives(units, options, negatives):
    found = fitted(Config(**options), WORDS, backend="cpu", units=units)
    assert found.negatives_from == negatives
    short = fitted(Config(epochs=1), 1_000_000, backend="cpu", units=units)
    own = fitted(Config(), WORDS, backend="cpu", units=units, own_loss=True)
    assert short.negatives_from is own.negatives_from is None


def test_in_batch_negatives_are_a_processors_without_matrix_units_alone():
    assert on_units().negatives_from is None
    assert fitted(Config(), WORDS, backend="gpu").negatives_from is None
