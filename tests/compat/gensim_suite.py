"""gensim's own tests, run unmodified against our classes: a program, and what it should find.

`python tests/compat/gensim_suite.py [part of a test's name ...]` runs the two files that gensim's
wheel ships, with the names of `NAMES` taken from `jw2v.compat.gensim`, and prints `[test, outcome]`
a line; what was wrong is told on standard error. The guard judges each kind of run once. Run it in
an empty folder: a test leaves a file.
"""

import importlib
import json
import os
import subprocess
import sys
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FILES = ("test_word2vec", "test_keyedvectors")
NAMES = {
    "gensim.models": ("Word2Vec", "KeyedVectors"),
    "gensim.models.word2vec": ("Word2Vec", "KeyedVectors", "LineSentence", "PathLineSentences"),
    "gensim.models.keyedvectors": ("KeyedVectors",),
}
LOADER = "_load_word2vec_format"  # a test calls what is behind `load_word2vec_format`
TABLE = Path(__file__).with_name("gensim_suite.tsv")
KIND = (
    "model", "reverse", "cbow_mean", "cbow_update", "loss", "kernel", "gradient", "window_weights",
    "sigmoid", "precision", "damping", "optimizer",
)  # fmt: skip
"""Options of a run that are of what the guard judges."""
PASSES = "passes"
TRIVIAL = "nothing of ours runs"  # these pass, too, and are not counted
REASONS = {
    "hierarchical softmax and negative sampling at once",
    "pickle of old models",
    "run on demand alone",
    "word mover's distance",
}


def expected() -> dict[str, str]:
    """Each test of the table, and that it passes or why not."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


def run(folder: Path, timeout: float) -> dict[str, str]:
    """What became of each test, from a process of its own in an empty folder."""
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "xla"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2",
    }
    done = subprocess.run(
        [sys.executable, __file__],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=True,
        cwd=folder,
        env=os.environ | cache,
    )
    return dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith('["'))


def main(parts: list[str]) -> None:
    replace_names()
    api: Any = importlib.import_module("jw2v.api")
    api.guard = once(api.guard)
    outcomes = Outcomes()
    for file in FILES:
        module = importlib.import_module(f"gensim.test.{file}")
        for test in cases(unittest.defaultTestLoader.loadTestsFromModule(module)):
            if not parts or any(part in name_of(test) for part in parts):
                test.run(outcomes)


def replace_names() -> None:
    """Put our classes where gensim's were."""
    ours = importlib.import_module("jw2v.compat.gensim")
    for module, names in NAMES.items():
        for name in names:
            setattr(importlib.import_module(module), name, getattr(ours, name))
    reader = importlib.import_module("jw2v.compat.gensim.word2vec_format").read_word2vec_format
    setattr(importlib.import_module("gensim.models.keyedvectors"), LOADER, reader)


def once(guard: Callable[..., None]) -> Callable[..., None]:
    """A guard as `jw2v.api` has it, that judges the first run of each kind."""
    judged = set()

    def first(config: Any, loss: Any, *, check: bool) -> None:
        kind = loss, *(getattr(config, name) for name in KIND), config.ngrams is None
        if kind not in judged:
            guard(config, loss, check=check)
            judged.add(kind)

    return first


def cases(suite: Any) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


def name_of(test: Any) -> str:
    kind = type(test)
    return f"{kind.__module__.split('.')[-1]}::{kind.__name__}::{test._testMethodName}"


class Outcomes(unittest.TestResult):
    """What became of each test."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        print(json.dumps([name_of(test), self.found.get(name_of(test), "passed")]), flush=True)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.found[name_of(test)] = "skipped"

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self.found[name_of(test)] = "failed"
        print(f"{name_of(test)}: {err[0].__name__}: {err[1]}", file=sys.stderr, flush=True)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self.addFailure(test, err)


if __name__ == "__main__":
    main(sys.argv[1:])
