"""By hand or by autodiff, by block or by window: the same tables after a hundred blocks."""

from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np
import optax
import pytest

import jw2v
from jw2v import api
from jw2v.blocks import naive_softmax, negative_sampling, windowed
from jw2v.blocks.kernel import Kernel
from jw2v.errors import GradientError
from jw2v.losses.negative_sampling import PAIR
from jw2v.training import loop, setting
from jw2v.training.config import Config
from jw2v.training.exchange import ALONE
from jw2v.training.merge import Replica
from jw2v.training.mesh import Grid
from jw2v.training.sampled import Sample
from jw2v.training.setting import prepare
from jw2v.training.state import TrainState
from jw2v.training.texts import feeds_of, text_of

SMALL = Config(
    dim=7, window=3, epochs=2, sample=0.0, block=64, group=16, shared_negatives=4, negatives=2,
    blocks_per_call=16, precision="float64", min_count=1, softmax_chunk=20, loss_every=1,
    heldout_every=0,
)  # fmt: skip
STEADY = replace(SMALL, schedule="constant")
"""A rate that falls is computed in float32, and may be rounded otherwise in another program."""
TRIED = {
    "autodiff block": {"gradient": "autodiff"},
    "manual windows": {"kernel": "windows"},
    "autodiff windows": {"gradient": "autodiff", "kernel": "windows"},
}


def tables_of(corpus, config: Config, optimizer=None):
    with jax.enable_x64(config.precision == "float64"):
        result = loop.run(corpus, config, prepare(corpus, config, optimizer=optimizer))
        assert int(result.state.blocks) >= 100
        return [np.asarray(table) for table in result.state.tables]


@pytest.mark.parametrize(
    ("loss", "optimizer"),
    [
        ("negative_sampling", "sgd"),
        ("negative_sampling", "adam"),
        ("naive_softmax", "adagrad"),
        pytest.param("negative_sampling", "adagrad", marks=pytest.mark.slow),
        pytest.param("naive_softmax", "sgd", marks=pytest.mark.slow),
        pytest.param("naive_softmax", "adam", marks=pytest.mark.slow),
    ],
)
def test_four_ways_give_the_same_tables(corpus, loss, optimizer):
    config = replace(STEADY, loss=loss, optimizer=optimizer)
    expected = tables_of(corpus, config)
    assert all(np.abs(table).max() > 0.1 for table in expected)  # they start within 0.07, and at 0
    for name, options in TRIED.items():
        for table, true in zip(
            tables_of(corpus, replace(config, **options)), expected, strict=True
        ):
            np.testing.assert_allclose(table, true, rtol=0, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("weights", ["dynamic", "fixed"])
def test_the_window_laws_too(corpus, weights):
    config = replace(STEADY, window_weights=weights, damping="none", lr=0.01)
    by_block = tables_of(corpus, config)
    by_window = tables_of(corpus, replace(config, kernel="windows", gradient="autodiff"))
    for table, true in zip(by_window, by_block, strict=True):
        np.testing.assert_allclose(table, true, rtol=0, atol=1e-10)


def test_rows_of_whole_cache_lines_train_what_rows_alone_do(corpus, monkeypatch):
    wide = tables_of(corpus, SMALL)
    monkeypatch.setattr(setting, "row_width", lambda config, *_, **__: config.dim)
    for table, alone in zip(wide, tables_of(corpus, SMALL), strict=True):
        assert table.shape == alone.shape
        np.testing.assert_allclose(table, alone, rtol=0, atol=1e-10)


def test_columns_of_zeros_stay_zeros(corpus):
    ready = prepare(corpus, replace(SMALL, precision="float32"))
    replica = Replica(ALONE, {}, ready.weights, width=ready.width)
    state = replica.spread(ready.start)
    text = text_of(next(feeds_of(corpus, SMALL)))
    state, _ = ready.train(state, text, jax.random.key(0), np.int32(0), ready.lookups)
    for table in state.tables:
        assert table.shape[1] == 16
        assert np.abs(table[:, :7]).max() > 0.1
        assert not np.any(table[:, 7:])


def test_what_leaves_a_run_has_rows_of_dim_numbers(corpus):
    config = replace(SMALL, precision="float32")
    ready = prepare(corpus, config)
    assert (config.dim, ready.width) == (7, 16)
    left = []

    class Watching:
        def wants(self) -> bool:
            return not left

        def look(self, sample: Sample) -> None:
            left.append(sample.tables)

    def save(state: Callable[[], TrainState], calls: int) -> None:
        left.append(state().tables)

    left.append(loop.run(corpus, config, ready, watcher=Watching(), save=save).state.tables)
    assert len(left) > 2
    assert {table.shape[1] for tables in left for table in tables} == {7}


def test_wide_vectors_train_the_same_bits(corpus, monkeypatch):
    config = replace(SMALL, precision="bfloat16")
    trained = []
    for bits in (256, 512):
        options = {"xla_cpu_prefer_vector_width": bits}
        monkeypatch.setattr(setting, "compiler_options", lambda options=options: options)
        trained.append(tables_of(corpus, config))
    for table, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(table, other)


def test_xla_is_given_the_options(corpus, monkeypatch):
    monkeypatch.setattr(setting, "compiler_options", lambda: {"xla_cpu_not_there": 1})
    with pytest.raises(jax.errors.JaxRuntimeError, match="xla_cpu_not_there"):
        prepare(corpus, replace(SMALL, precision="float32"))


@pytest.mark.parametrize(
    "options",
    [
        {"dim": 32},
        {"optimizer": "adam"},
        {"model": "cbow"},
        {"minn": 3, "maxn": 3},
        {"kernel": "windows"},
        {"loss": "naive_softmax"},
    ],
)
def test_other_rows_train_as_they_are(options):
    config = replace(SMALL, **options)
    assert setting.row_width(config, Grid()) == config.dim


def test_rows_are_what_an_optimizer_or_loss_of_your_own_expects():
    assert setting.row_width(SMALL, Grid()) == 16
    assert setting.row_width(SMALL, Grid(), optimizer=optax.sgd(0.01)) == 7
    assert setting.row_width(SMALL, Grid(), loss=PAIR) == 7


def test_a_mesh_has_rows_as_they_are():
    assert setting.row_width(SMALL, Grid(data=2)) == 7


def test_an_accelerator_has_rows_as_they_are(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert setting.row_width(SMALL, Grid()) == 7


def break_hand_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every kernel forget the sign of the outside gradient by hand; the losses stay."""
    for module in (naive_softmax, negative_sampling, windowed):
        whole = module.kernel

        def broken(*args, whole=whole, **options) -> Kernel:
            kernel = whole(*args, **options)

            def loss_and_grads(v, u, block):
                loss, (d_v, d_u) = kernel.loss_and_grads(v, u, block)
                return loss, (d_v, -d_u)

            return kernel._replace(loss_and_grads=loss_and_grads)

        monkeypatch.setattr(module, "kernel", broken)


@pytest.mark.parametrize(
    ("loss", "kernel"),
    [
        ("negative_sampling", "block"),
        ("naive_softmax", "windows"),
        pytest.param("negative_sampling", "windows", marks=pytest.mark.slow),
        pytest.param("naive_softmax", "block", marks=pytest.mark.slow),
    ],
)
def test_a_broken_hand_gradient_moves_the_manual_tables_alone(corpus, loss, kernel, monkeypatch):
    manual = replace(SMALL, loss=loss, kernel=kernel)
    autodiff = replace(manual, gradient="autodiff")
    right = {config.gradient: tables_of(corpus, config) for config in (manual, autodiff)}
    break_hand_gradients(monkeypatch)
    assert np.abs(tables_of(corpus, manual)[1] - right["manual"][1]).max() > 1e-3
    for table, true in zip(tables_of(corpus, autodiff), right["autodiff"], strict=True):
        np.testing.assert_array_equal(table, true)


@pytest.mark.parametrize("kernel", ["block", pytest.param("windows", marks=pytest.mark.slow)])
def test_the_guard_refuses_to_train_on_a_broken_hand_gradient(text, kernel, monkeypatch, tmp_path):
    break_hand_gradients(monkeypatch)
    config = replace(SMALL, kernel=kernel, precision="float32")
    with pytest.raises(GradientError, match=rf"the gradient of kernel {kernel} float32 is refuted"):
        jw2v.train(text, config, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert jw2v.train(text, config, check=False).run["gradients_checked"] is False
    assert jw2v.train(text, replace(config, gradient="autodiff")).run["gradients_checked"] is True


def test_bfloat16_operands_stay_near_float32(corpus):
    config = replace(SMALL, precision="float32", lr=0.02)
    exact = tables_of(corpus, config)
    rounded = tables_of(corpus, replace(config, precision="bfloat16"))
    assert all(table.dtype == np.float32 for table in rounded)
    for table, true in zip(rounded, exact, strict=True):
        assert 0 < np.abs(table - true).max() < 0.05 * np.abs(true).max()


def test_the_same_seed_gives_the_same_bytes(corpus):
    config = replace(SMALL, precision="float32")
    first, second = tables_of(corpus, config), tables_of(corpus, config)
    other = tables_of(corpus, replace(config, seed=2))
    for one, two, three in zip(first, second, other, strict=True):
        assert one.tobytes() == two.tobytes()
        assert one.tobytes() != three.tobytes()


def test_the_guard_names_what_it_judged(text, caplog):
    with caplog.at_level("INFO", logger=api.LOG.name):
        jw2v.train(text, replace(SMALL, epochs=1, precision="float32"))
    assert "gradients hold: negative_sampling, kernel block float32" in caplog.text
