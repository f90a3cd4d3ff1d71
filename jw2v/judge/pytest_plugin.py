"""Derivations as tests: one for each line, reading and precision.

A file is collected whose name matches the ini option `jw2v_files` (`*_derivation.py` and
`derivation_*.py` where it is not set) and in which the word DERIVATIONS stands: a tuple of
`jw2v.judge.Derivation`. Others are not even imported. The tests are named
`FILE::DERIVATION::LINE[DTYPE-BACKEND]`, with `meant-` before the dtype for a line that is read as
evidently meant:

    mine_derivation.py::f::f.3[float32-cpu]

A line fails where its verdicts are not the expected ones, and the failure is told in the judge's
words. JAX and the judge are imported only once such a file is there.
"""

import inspect
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

FILES = ["*_derivation.py", "derivation_*.py"]


class UnexpectedVerdictError(Exception):
    """The verdicts of a line are not the expected ones; the argument is its entry."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `jw2v_files`."""
    parser.addini("jw2v_files", "names of the files with DERIVATIONS", type="args", default=FILES)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "DerivationFile | None":
    """Collect a file with derivations."""
    named = any(fnmatch(file_path.name, pattern) for pattern in parent.config.getini("jw2v_files"))
    if named and b"DERIVATIONS" in file_path.read_bytes():
        return DerivationFile.from_parent(parent, path=file_path)
    return None


class DerivationFile(pytest.Module):
    """A file; it is imported as a test module is."""

    def collect(self) -> Iterator["DerivationNode"]:
        """The derivations of the file."""
        from jw2v.judge.records import fault_of

        derivations: Any = getattr(self.obj, "DERIVATIONS", None)
        if why := fault_of(derivations):
            raise self.CollectError(f"{self.path.name}: {why}")
        for derivation in derivations:
            yield DerivationNode.from_parent(self, name=derivation.id, derivation=derivation)


class DerivationNode(pytest.Collector):
    """A derivation."""

    def __init__(self, *, derivation: Any, **options: Any) -> None:
        super().__init__(**options)
        self.derivation = derivation

    def collect(self) -> Iterator["StepItem"]:
        """Its lines, each at each precision."""
        import jax

        for step in self.derivation.steps:
            meant = "meant-" if step.reading == "meant" else ""
            for dtype in self.derivation.dtypes:
                name = f"{step.id}[{meant}{dtype}-{jax.default_backend()}]"
                yield StepItem.from_parent(self, name=name, step=step, dtype=dtype)


class StepItem(pytest.Item):
    """A line at one precision."""

    def __init__(self, *, step: Any, dtype: str, **options: Any) -> None:
        super().__init__(**options)
        self.step, self.dtype = step, dtype

    def runtest(self) -> None:
        """Judge the line."""
        from jw2v.judge.verify import judge_step

        assert isinstance(self.parent, DerivationNode)
        derivation, dtypes = self.parent.derivation, (self.dtype,)
        entry = judge_step(derivation, self.step, ledger=self.path.name, dtypes=dtypes)
        if not entry.as_expected:
            raise UnexpectedVerdictError(entry)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The verdict with its reasons; a traceback only where the user's own code raised."""
        from jw2v.errors import Jw2vError
        from jw2v.judge.text import describe

        if isinstance(excinfo.value, UnexpectedVerdictError):
            return describe(excinfo.value.args[0])
        if isinstance(excinfo.value, Jw2vError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the line is written, as far as that is in its file."""
        code = getattr(inspect.unwrap(self.step.fn), "__code__", None)
        if code is None or Path(code.co_filename) != self.path:
            return self.path, 0, self.name
        return self.path, code.co_firstlineno - 1, self.name
