"""Tests of a copy of the project in which one file is another.

A parent imports what takes long and no mutant changes; each trial is a child of it.
"""

import os
import resource
import shutil
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import pytest
from rooms import ROOT

SLOW_TO_IMPORT = (
    "chex", "gensim", "hypothesis", "jax.numpy", "jaxtyping", "optax", "pyarrow.compute",
    "safetensors.numpy", "scipy.stats", "sybil", "_pytest.doctest",
)  # fmt: skip
PATIENCE = 5  # times the seconds of a test where nothing is wrong
LEAST = 20  # seconds of the processor that a test may take in any case
OPTIONS = (
    "-x", "-q", "-m", "not slow", "-p", "no:jw2v", "-p", "no:xdist", "-o", "addopts=",
    "--import-mode=importlib", "--doctest-modules", "--hypothesis-seed=0",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",  # some plugins are imported already
)  # fmt: skip
NO_IMPORT = 64  # as an exit status: the file cannot even be imported


def copied(scratch: Path) -> Path:
    """A copy of what tests need, and all imported that they need besides."""
    warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
    for name in SLOW_TO_IMPORT:
        import_module(name)
    copy = scratch / "jw2v"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "experiments"))
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    return copy


def outcome(
    copy: Path, module: str, source: str, tests: Sequence[str], seconds: Mapping[str, float]
) -> str:
    """What tests say of a file with another text.

    Args:
      copy: the project.
      module: the file.
      source: its text.
      tests: files of tests; the module's doctests are run, too.
      seconds: which test takes how long where nothing is wrong, the first to be run first.

    Returns:
      "alive" where they pass, "killed" where one does not, "hangs" where one takes much longer,
      "no import" where the text is no module.
    """
    place = copy / module
    right = place.read_text(encoding="utf-8")
    place.write_text(source, encoding="utf-8")
    try:
        status = run([module, *tests], _InOrder(seconds), limit=LEAST)
    finally:
        place.write_text(right, encoding="utf-8")
    if os.WIFSIGNALED(status):
        return "hangs" if os.WTERMSIG(status) == signal.SIGPROF else "killed"
    return {0: "alive", NO_IMPORT: "no import"}.get(os.WEXITSTATUS(status), "killed")


class _InOrder:
    """A plugin of pytest: which test is first, and how long each may take."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self.seconds = seconds
        self.places = {test: place for place, test in enumerate(seconds)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self.places.get(item.nodeid, len(self.places)))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        usual = self.seconds.get(item.nodeid, 0.0)
        signal.setitimer(signal.ITIMER_PROF, max(LEAST, PATIENCE * usual))
        return (yield)


def run(files: Sequence[str], plugin: object, *, limit: float) -> int:
    """Status of a child that imports the first of some files and has pytest run them all.

    Args:
      files: modules and tests.
      plugin: one more for pytest.
      limit: seconds of the processor until the plugin sets others; 0 for none.
    """
    child = os.fork()
    if child == 0:
        _test(files, plugin, limit)
    return os.waitpid(child, 0)[1]


def _test(files: Sequence[str], plugin: object, limit: float) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.dont_write_bytecode = True  # else one mutant may be read from the bytecode of another
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.setitimer(signal.ITIMER_PROF, limit)
    status = NO_IMPORT
    try:
        for name in [name for name in sys.modules if name.split(".")[0] == "jw2v"]:
            del sys.modules[name]  # the parent's are not of the copy
        made = import_module(files[0].removesuffix(".py").replace("/", "."))
        assert Path(str(made.__file__)).is_relative_to(Path.cwd())
        status = 1
        status = int(pytest.main([*OPTIONS, *files], plugins=[plugin]))
    finally:
        os._exit(status)
