"""Memory: estimated before it is taken, refused by its limits, told where it runs out."""

import logging
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jw2v
from jw2v.corpus import encode
from jw2v.errors import DataError
from jw2v.training import checkpoint, limits, memory
from jw2v.training.config import Config
from jw2v.training.mesh import Grid
from jw2v.training.setting import start_tables, state_like, update_of
from jw2v.training.state import init

SMALL = Config(
    dim=6, window=2, epochs=2, sample=0.0, block=64, group=16, shared_negatives=8,
    blocks_per_call=4, min_count=1, loss_every=1, workers=1,
)  # fmt: skip
WIDE = replace(SMALL, dim=10_000)
NONE = 10**13  # numbers, for which no machine has room


@pytest.fixture(scope="module")
def corpus(text, tmp_path_factory):
    return encode(text, directory=tmp_path_factory.mktemp("corpus"), min_count=1)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "adam"},
        {"optimizer": "adagrad", "optimizer_outside": "momentum"},
        {"minn": 3, "maxn": 4, "buckets": 50},
        {"loss": "hierarchical_softmax"},
        {"precision": "float64"},
    ],
)
def test_the_estimate_holds_what_a_run_allocates(corpus, options):
    """All bytes of a real state, and little beside them."""
    config = replace(SMALL, dim=50_000, block=16, **options)
    with jax.enable_x64(config.precision == "float64"):
        tx = update_of(corpus, config, config.schedules(1))
        state = init(start_tables(config, corpus.vocab), tx)
        real = sum(x.nbytes for x in jax.tree.leaves(state))
        estimate = memory.needed(state_like(corpus, config), config, Grid())
    assert real < estimate < 1.5 * real + 64 * 50_000 * 8 * 2


def test_replicas_and_devices_have_their_part(corpus, monkeypatch):
    state = state_like(corpus, WIDE)
    one = memory.needed(state, WIDE, Grid())
    tables = sum(x.size * x.dtype.itemsize for x in state.tables)
    assert memory.needed(state, replace(WIDE, workers=3), Grid()) == 3 * (one + tables)
    assert memory.needed(state, WIDE, Grid(data=2, dim=4)) == 2 * (one + tables)
    assert memory.needed(state, replace(WIDE, dense_updates=True), Grid()) == one + tables
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert memory.needed(state, WIDE, Grid(data=2, dim=4)) == (one + tables) // 4


def test_an_optimizer_given_as_an_object_counts(corpus):
    plain = memory.needed(state_like(corpus, WIDE), WIDE, Grid())
    adam = state_like(corpus, WIDE, optimizer=optax.adam)
    tables = sum(x.size * x.dtype.itemsize for x in adam.tables)
    assert memory.needed(adam, WIDE, Grid()) == pytest.approx(plain + 2 * tables, rel=1e-6)


def limited(monkeypatch, megabytes: float) -> None:
    monkeypatch.setattr(memory, "host_limit", lambda processes: int(megabytes * 1e6))


def test_more_than_there_is_is_refused_before_any_is_taken(text, monkeypatch, tmp_path):
    config = replace(SMALL, dim=10**9)  # this machine has no room for it either
    limited(monkeypatch, 4000)
    with pytest.raises(DataError) as caught:
        jw2v.train(text, config, out=tmp_path / "out", check=False)
    rows = 2 * 54 + 2 * (64 + 2 * 2 + 64 // 16 * 8)  # of tables; of a block, and their gradients
    assert str(caught.value) == (
        f"108 rows of 1,000,000,000 numbers take {rows * 4000:,} MB at least to train, and this "
        "machine has 4,000 MB; give fewer or shorter ones (--dim, --max-vocab, --min-count)"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "ways"),
    [
        ({"workers": 2}, "--dim, --max-vocab, --min-count, --workers"),
        ({"minn": 3, "maxn": 3}, "--dim, --max-vocab, --min-count, --buckets"),
    ],
)
def test_the_options_that_shrink_a_run_are_named(corpus, monkeypatch, options, ways):
    limited(monkeypatch, 1)
    with pytest.raises(DataError, match=rf" and this machine has 1 MB; .* \({ways}\)$"):
        memory.check(corpus, replace(WIDE, **options), Grid())


def test_near_the_limit_is_warned_of(corpus, monkeypatch, caplog):
    need = memory.needed(state_like(corpus, WIDE), WIDE, Grid()) / 1e6
    limited(monkeypatch, need / 0.79)
    memory.check(corpus, WIDE, Grid())
    assert caplog.messages == []
    limited(monkeypatch, need / 0.9)
    with caplog.at_level(logging.WARNING, "jw2v"):
        memory.check(corpus, WIDE, Grid())
    assert caplog.messages == [
        f"108 rows of 10,000 numbers take {need:,.0f} MB at least to train, and this machine has "
        f"{need / 0.9:,.0f} MB; give fewer or shorter ones (--dim, --max-vocab, --min-count) if "
        "that does not do"
    ]
    limited(monkeypatch, need / 1.01)
    with pytest.raises(DataError, match=" at least to train, and this machine has "):
        memory.check(corpus, WIDE, Grid())


class Device:
    """A device that has a megabyte."""

    device_kind = "Fake"

    def __init__(self, stats: dict[str, Any] | None) -> None:
        self.memory_stats = lambda: stats


@pytest.mark.parametrize("stats", [None, {}, {"bytes_limit": 10**6}])
def test_a_device_tells_its_own_limit(corpus, monkeypatch, stats):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(jax, "local_devices", lambda: [Device(stats)])
    limited(monkeypatch, 1)
    if not stats:
        memory.check(corpus, WIDE, Grid())
        return
    with pytest.raises(DataError, match=" at least to train, and a Fake has 1 MB; "):
        memory.check(corpus, WIDE, Grid())


def test_more_rows_than_ids_are_refused(corpus, monkeypatch):
    monkeypatch.setattr(memory, "MOST_IDS", 54)
    memory.check(corpus, SMALL, Grid())
    monkeypatch.setattr(memory, "MOST_IDS", 53)
    with pytest.raises(DataError) as caught:
        memory.check(corpus, SMALL, Grid())
    assert str(caught.value) == (
        "54 rows or pieces of words, and there are 53 ids; "
        "give fewer (--dim, --max-vocab, --min-count)"
    )
    monkeypatch.setattr(memory, "MOST_IDS", 200)
    spelt = replace(SMALL, minn=1, maxn=4)
    with pytest.raises(DataError, match=r"^\d+ rows or pieces of words, and there are 200 ids; "):
        memory.check(corpus, spelt, Grid())


@pytest.mark.slow
@pytest.mark.parametrize("saved", [False, True])
def test_memory_that_runs_out_is_told_with_what_is_left(text, tmp_path, saved):
    """JAX's own exception: numbers are asked for that no machine has room for."""
    out = tmp_path / "out"

    def too_much(progress: object) -> None:
        if not saved or checkpoint.saved(out):
            jnp.zeros(NONE, jnp.float32)

    options = {"out": out, "save_every": 0.0} if saved else {}
    with pytest.raises(DataError) as caught:
        jw2v.train(text, SMALL, check=False, callback=too_much, **options)
    kept = checkpoint.saved(out)
    go_on = f", or free memory and go on from {kept[0]} (--resume)" if saved else ""
    assert str(caught.value) == (
        "no memory left on cpu (RESOURCE_EXHAUSTED: Out of memory allocating "
        f"{4 * NONE} bytes); give smaller blocks (--block 32){go_on}"
    )
    if saved:
        again = jw2v.train(text, SMALL, out=out, check=False, resume=True)
        whole = jw2v.train(text, SMALL, check=False)
        assert again.vectors.tobytes() == whole.vectors.tobytes()


def test_other_faults_of_jax_stay_what_they_are():
    error = jax.errors.JaxRuntimeError("INTERNAL: RESOURCE_EXHAUSTED is none of this")
    with (
        pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"),
        memory.exhaustion_told(SMALL, None),
    ):
        raise error


@pytest.mark.parametrize(
    ("block", "group", "half"),
    [(512, 16, 256), (48, 16, 16), (16, 16, 8), (1, 1, 1), (None, None, 64)],
)
def test_the_block_that_is_proposed_can_be_given(block, group, half):
    config = Config(block=block, group=group)
    with (
        pytest.raises(DataError, match=rf"\(--block {half}\)$"),
        memory.exhaustion_told(config, None),
    ):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.")
    assert replace(config, block=half).block_size == half


def test_the_limits_of_control_groups(tmp_path):
    """Version 2 beside version 1, nested, with a group that is not there by its outer name."""
    files = {
        "proc/self/cgroup": "9:name=systemd:/\n4:memory:/outside/name\n3:cpu:/\n0::/a/b\n",
        "sys/fs/cgroup/memory.max": "70\n",
        "sys/fs/cgroup/a/memory.max": "max\n",
        "sys/fs/cgroup/a/b/memory.max": "50\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "60\n",
        "sys/fs/cgroup/cpu/memory.limit_in_bytes": "1\n",
        "sys/fs/memory.max": "1\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert sorted(limits.group_limits(tmp_path)) == [50, 60, 70]
    assert list(limits.group_limits(tmp_path / "nowhere")) == []


def test_the_least_limit_counts(monkeypatch):
    whole = limits.host_limit()
    assert whole is not None
    monkeypatch.setattr(limits, "group_limits", lambda: iter([whole // 3]))
    assert limits.host_limit() == whole // 3
    pytest.importorskip("resource")
    infinite = limits.resource.RLIM_INFINITY
    told = {limits.resource.RLIMIT_AS: whole // 5, limits.resource.RLIMIT_DATA: infinite}
    monkeypatch.setattr(limits.resource, "getrlimit", lambda which: (told[which], infinite))
    assert limits.host_limit() == whole // 5  # of each process
    assert limits.host_limit(processes=2) == min(whole // 5 * 2, whole // 3)
    for name in ("_of_machine", "_of_process", "group_limits"):
        monkeypatch.setattr(limits, name, lambda: iter(()))
    assert limits.host_limit() is None
    assert np.isfinite(whole)
