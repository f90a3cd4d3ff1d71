"""Tests of a copy of the project in which one file is another.

A parent imports what takes long and no mutant changes; each trial is a child of it.
"""

import os
import resource
import shutil
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from rooms import ROOT

SLOW_TO_IMPORT = (
    "chex", "gensim", "hypothesis", "jax.numpy", "jaxtyping", "optax", "pyarrow.compute", "pytest",
    "safetensors.numpy", "scipy.stats", "sybil", "_pytest.doctest",
)  # fmt: skip
PATIENCE = 5  # times the processor's time of the tests where nothing is wrong
LEAST = 20  # seconds
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


def outcome(copy: Path, module: str, source: str, tests: Sequence[str], limit: float) -> str:
    """What tests say of a file with another text.

    Returns:
      "alive" where they pass, "killed" where one does not, "hangs" beyond so many seconds of the
      processor, "no import" where the text is no module.
    """
    place = copy / module
    right = place.read_text(encoding="utf-8")
    place.write_text(source, encoding="utf-8")
    try:
        status, _ = run(module, tests, limit)
    finally:
        place.write_text(right, encoding="utf-8")
    if os.WIFSIGNALED(status):
        return "hangs" if os.WTERMSIG(status) == signal.SIGPROF else "killed"
    return {0: "alive", NO_IMPORT: "no import"}.get(os.WEXITSTATUS(status), "killed")


def run(module: str, tests: Sequence[str], limit: float) -> tuple[int, float]:
    """Status of a child that runs tests, and the seconds of the processor that it took."""
    child = os.fork()
    if child == 0:
        _test(module, [module, *tests], limit)
    _, status, used = os.wait4(child, 0)
    return status, used.ru_utime + used.ru_stime


def _test(module: str, tests: Sequence[str], limit: float) -> None:
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
        made = import_module(module.removesuffix(".py").replace("/", "."))
        assert Path(str(made.__file__)).is_relative_to(Path.cwd())
        status = 1
        status = int(import_module("pytest").main([*OPTIONS, *tests]))
    finally:
        os._exit(status)
