"""JAX and optax outside the range that jw2v was tested with: one warning, at a command's start."""

import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from jw2v.cli import main
from jw2v.training import versions

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
ASKED = ["numpy>=2.0", "jax<0.12,>=0.10.2", "optax>=0.2.8", "jax[tpu]<0.12; extra == 'tpu'"]


@pytest.fixture
def installed(monkeypatch):
    def give(jax: str, optax: str) -> None:
        monkeypatch.setattr(versions, "requires", lambda name: ASKED)
        monkeypatch.setattr(versions, "version", {"jax": jax, "optax": optax}.__getitem__)

    return give


@pytest.mark.parametrize(
    ("jax", "optax", "told"),
    [
        ("0.10.2", "0.2.8", None),
        ("0.11.9.dev20270101", "0.3", None),
        ("0.12", "0.2.8", 'jax 0.12; pip install "jax<0.12,>=0.10.2"'),
        ("0.12.0", "0.2.8", 'jax 0.12.0; pip install "jax<0.12,>=0.10.2"'),
        ("0.10.1", "0.2.8", 'jax 0.10.1; pip install "jax<0.12,>=0.10.2"'),
        ("0.10.10", "0.2.10", None),
        ("0.10.2", "0.2.7", 'optax 0.2.7; pip install "optax>=0.2.8"'),
        (
            "1.0",
            "0.1.9",
            'jax 1.0 and optax 0.1.9; pip install "jax<0.12,>=0.10.2" "optax>=0.2.8"',
        ),
    ],
)
def test_versions_outside_the_range_are_one_warning(installed, caplog, jax, optax, told):
    installed(jax, optax)
    assert main(["--version"]) == 0
    assert caplog.messages == ([] if told is None else [f"jw2v was not tested with {told}"])


def test_the_range_is_the_project_files():
    asked = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    assert dict(versions.tested(asked)) == {"jax": ">=0.10.2,<0.12", "optax": ">=0.2.8"}


def test_a_source_tree_asks_for_nothing(monkeypatch):
    def missing(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(versions, "requires", missing)
    assert versions.untested() is None
