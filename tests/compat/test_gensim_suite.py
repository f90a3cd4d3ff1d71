"""gensim's own tests against our classes: those pass that the table says, and no others."""

import ast
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from compat import gensim_suite
from compat.gensim_suite import FILES, PASSES, REASONS, TRIVIAL, expected

AT_LEAST = {"test_word2vec": 69, "test_keyedvectors": 32}


def names_in(file: str) -> set[str]:
    """The names of gensim's tests, without running anything of it."""
    spec = find_spec(f"gensim.test.{file}")
    assert spec is not None
    assert spec.origin is not None
    classes = [
        node for node in ast.parse(Path(spec.origin).read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]  # fmt: skip
    return {
        f"{file}::{kind.name}::{function.name}"
        for kind in classes
        for function in kind.body
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test")
    }


def test_the_table_names_every_test_of_gensim():
    assert set(expected()) == set.union(*map(names_in, FILES))


def test_what_does_not_pass_has_a_reason_of_the_list():
    assert set(expected().values()) <= REASONS | {PASSES, TRIVIAL}


@pytest.mark.parametrize("file", FILES)
def test_enough_pass(file: str):
    passing = Counter(name.split("::")[0] for name, why in expected().items() if why == PASSES)
    assert passing[file] >= AT_LEAST[file]


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_exactly_those_pass_that_the_table_says(tmp_path: Path):
    found = gensim_suite.run(tmp_path, timeout=2300)
    should = {name for name, why in expected().items() if why in (PASSES, TRIVIAL)}
    assert {name for name, outcome in found.items() if outcome == "passed"} == should
    assert set(found) == set(expected())
