"""From a laptop to a cluster: the page's commands run, and engines make what one process makes."""

import os
import re
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from programs import EXPERIMENTS, modules
from texts import topical_text

from jw2v.corpus import Corpus, encode, open_corpus
from jw2v.vectors import load

FOLDER = EXPERIMENTS / "cluster"
README = FOLDER / "README.md"
KILL = """
until ls vectors/checkpoint-* >/dev/null 2>&1; do sleep 0.1; done
kill -KILL %2
! wait %1
"""


@pytest.fixture(scope="module")
def program():
    return modules("cluster", "run").run


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the page's commands are run: a text, and the same in shards."""
    lines = topical_text(400).splitlines(keepends=True)
    for folder in ("text", "shards"):
        (tmp_path / folder).mkdir()
        for start in range(0, 400, 150):
            name = f"{start:03d}.txt"
            (tmp_path / folder / name).write_text("".join(lines[start : start + 150]))
    (tmp_path / "experiments").symlink_to(EXPERIMENTS)
    return tmp_path


def commands(name: str) -> str:
    """What stands in the page's block of a name."""
    block = re.search(rf"<!-- {name} -->\s+```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert block is not None
    return block[1]


def run(script: str, place: Path) -> None:
    """Run commands in a place, with our `jw2v` and `python`; packages are not installed."""
    script = re.sub(r"(?m)^python -m pip install .*$", "", script)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "-euo", "pipefail", "-c", script]
    environment = {**os.environ, "PATH": path, "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def assert_same(found: Corpus, expected: Corpus) -> None:
    for part in ("train", "heldout"):
        for a, b in zip(getattr(found, part), getattr(expected, part), strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b), strict=True)
    assert found.directory is not None
    assert expected.directory is not None
    words = [
        (corpus / "vocab.txt").read_bytes() for corpus in (found.directory, expected.directory)
    ]
    assert words[0] == words[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["laptop", "shards"])
def test_the_commands_give_vectors_of_the_text(name: str, place: Path):
    run(commands(name), place)
    expected = encode(place / "text", directory=place / "expected")
    assert_same(open_corpus(place / "corpus"), expected)
    assert load(place / "vectors").words == expected.vocab.words


@pytest.mark.slow
def test_two_processes_train_on_the_corpus_and_one_goes_on(place: Path):
    encode(place / "text", directory=place / "corpus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    alike = "--no-check --dim 8 --epochs 80 --block 16 --blocks-per-call 1 --save-every 0"
    train = commands("processes").replace("HOST:PORT", f"127.0.0.1:{port} {alike}")
    killed = train.replace("wait\n", KILL)
    run(f"export JAX_PLATFORMS=cpu\n{killed}", place)
    assert list((place / "vectors").glob("checkpoint-*"))
    run(commands("fewer").replace("--resume", f"--resume {alike}"), place)
    assert load(place / "vectors").run["config"]["epochs"] == 80


@pytest.mark.slow
def test_a_job_of_an_array_counts_as_the_loop_does(place: Path):
    run(commands("shards").partition("jw2v merge")[0], place)
    for number, shard in enumerate(sorted((place / "shards").iterdir()), 1):
        run(f"SLURM_ARRAY_TASK_ID={number}\n{commands('slurm')}", place)
        counts = [place / "counts" / f"{name}.parquet" for name in (number, shard.name)]
        assert counts[0].read_bytes() == counts[1].read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["datatrove", "ray"])
def test_an_engine_makes_the_bytes_of_the_commands(name: str, place: Path):
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    run(commands(name), place)
    assert_same(open_corpus(place / "corpus"), encode(place / "text", directory=place / "expected"))
    run(commands("shards").replace("corpus", "by-commands").replace("vectors", "v"), place)
    made, by_commands = (files(place / folder) for folder in ("corpus", "by-commands"))
    assert made == by_commands


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_copies_of_a_text_have_words_of_their_own(program):
    text = b"to be\nor not to be\n"
    parts = list(program.repeated(text, 100e-9))
    assert b"".join(parts).startswith(text + b"toA beA\norA notA toA beA\ntoB ")
    assert len(b"".join(parts)) <= 100
    assert b"".join(parts).endswith(b"\n")


@pytest.mark.slow
def test_peaks_are_measured_and_written(program, place: Path, monkeypatch):
    results = place / "results.json"
    (place / "big.txt").write_text(topical_text(2000))
    sizes = ("--gigabytes", "0.001", "0.002", "--vocab", "200", "--results", str(results))
    program.main([str(place / "big.txt"), *sizes])
    first, second = program.read(results)["runs"]
    assert first["train_bytes"] > first["encode_bytes"] > 50e6
    assert "train_bytes" not in second
    assert second["words"] > 1.8 * first["words"]
    assert first["vocab"] == second["vocab"] == 200
    (place / "README.md").write_text("<!-- table -->\n<!-- /table -->\n")
    monkeypatch.setattr(program, "FOLDER", place)
    program.main(["--write", "--results", str(results)])
    assert program.table(program.read(results)) in (place / "README.md").read_text()


def test_the_table_is_that_of_the_results_and_memory_is_flat(program):
    results = program.read(FOLDER / "results.json")
    assert program.table(results) in README.read_text()
    one, ten = sorted(results["runs"], key=lambda run: run["gigabytes"])
    assert (one["gigabytes"], ten["gigabytes"]) == (1, 10)
    assert one["vocab"] == ten["vocab"] == 1_000_000
    assert one["train_bytes"] < 3e9
    assert ten["encode_bytes"] < 1.1 * one["encode_bytes"]
