"""Meshes: what is asked for and refused, and that a mesh of devices trains what one device does."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from compiling import quickly
from training.meshes import SMALL
from training.test_merge import run_in_two

from jw2v.corpus import open_corpus
from jw2v.errors import UsageError
from jw2v.training.mesh import Grid, grid_of

HERE = Path(__file__).parent


def test_what_is_left_out_of_a_mesh_is_one():
    assert grid_of("data=2,dim=4", dim=8, adds=True, devices=8) == Grid(data=2, dim=4)
    assert grid_of(" dim=2", dim=8, adds=False, devices=8) == Grid(dim=2)
    assert grid_of("vocab=2,dim=4", dim=8, adds=False, devices=8) == Grid(dim=4, vocab=2)


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        ("rows=2", r"mesh is 'rows=2'; give auto, or as data=2,dim=4 \(--mesh\)"),
        ("dim=2,dim=2", "mesh is 'dim=2,dim=2'; give auto"),
        ("dim=0", "mesh is 'dim=0'; give auto"),
        ("dim", "mesh is 'dim'; give auto"),
        ("data=3,dim=4", r"mesh data=3,dim=4 has 12 devices and JAX found 8 \(--mesh\)"),
        ("dim=8", r"mesh dim=8: dim 100 is not a multiple of 8 \(--mesh\)"),
    ],
)
def test_a_mesh_that_cannot_be_had_is_refused(mesh, message):
    with pytest.raises(UsageError, match=message):
        grid_of(mesh, dim=100, adds=False, devices=8)


def told_by(program: str, *arguments: Path) -> dict:
    """What a program tells last, in JSON; it has eight devices."""
    env = quickly() | {"JAX_PLATFORMS": "cpu", "NPROC": "32"}  # see backend.enough_threads
    env["XLA_FLAGS"] += " --xla_force_host_platform_device_count=8"
    done = subprocess.run(
        [sys.executable, HERE / program, *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.timeout(540)  # its child has 500: eight devices on few cores that have more to do
def test_a_mesh_of_devices_trains_what_one_device_does(few_words, tmp_path):
    told = told_by("meshes.py", few_words, tmp_path)
    resumed = {name: off for name, off in told["off"].items() if name.startswith("resumed")}
    assert set(resumed.values()) == {0.0}
    assert len(told["off"]) == 16
    assert max(told["off"].values()) < 1e-4  # float32 over some hundred steps
    assert "is not 3 equal parts" in told["refused"]
    losses = told["losses"]
    assert losses["two"] == pytest.approx(losses["alone"], rel=0.05)
    assert losses["n-grams"] == pytest.approx(losses["n-grams alone"], rel=0.05)

    # Replicas on devices are those of processes, which meet in an exchange.
    first, _ = run_in_two(tmp_path, open_corpus(tmp_path), SMALL)
    np.testing.assert_allclose(told["vectors"], first.state.tables.V, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_sharded_claims_hold_on_eight_devices():
    told = told_by("sharded_claims.py")
    assert told["judged"] >= 12
    assert told["not_as_expected"] == []
    assert told["reduced"] > 0
    assert told["forgotten"] == "refuted"
