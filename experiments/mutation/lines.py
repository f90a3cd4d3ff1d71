"""Which test runs which lines, and how long it takes, as coverage tells of one run of a room."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import pytest
import trial
from coverage import Coverage  # pyright: ignore[reportMissingImports]
from order import Seen, best_first

from jw2v.errors import DataError


def watched(copy: Path, modules: Sequence[str], tests: Sequence[str]) -> dict[str, Seen]:
    """What each test of some files, and each doctest of the modules, runs of the modules.

    Raises:
      DataError: the tests fail where nothing is wrong, in their order or the shortest first.
    """
    told = copy / "lines.json"
    _hold(not trial.run([*modules, *tests], _Watch(copy, modules, told), limit=0), tests)
    seen = {test: Seen(*what) for test, what in json.loads(told.read_text()).items()}
    right, order = (copy / modules[0]).read_text(encoding="utf-8"), best_first(seen, "", range(0))
    _hold(trial.outcome(copy, modules[0], right, tests, order) == "alive", tests)
    return seen


def _hold(passed: bool, tests: Sequence[str]) -> None:
    if not passed:
        told = f"of {', '.join(tests)} some fail where nothing is wrong; run them (pytest)"
        raise DataError(told)


class _Watch:
    """A plugin of pytest that tells which test is running, and in the end what coverage saw."""

    def __init__(self, copy: Path, modules: Sequence[str], told: Path) -> None:
        self.copy, self.told, self.seconds = copy, told, dict[str, float]()
        self.coverage = Coverage(data_file=None, include=[str(copy / name) for name in modules])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Iterator[None]:
        with self.coverage.collect():
            done = yield
        data, lines = self.coverage.get_data(), defaultdict(lambda: defaultdict(list))
        for name in data.measured_files():
            for line, tests in data.contexts_by_lineno(name).items():
                for test in filter(None, tests):
                    lines[test][Path(name).relative_to(self.copy).as_posix()].append(line)
        seen = {test: (seconds, lines[test]) for test, seconds in self.seconds.items()}
        self.told.write_text(json.dumps(seen))
        return done

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        jax.clear_caches()  # else what one test has traced, another runs unseen
        self.coverage.switch_context(item.nodeid)
        start = perf_counter()
        done: Any = yield
        self.seconds[item.nodeid] = perf_counter() - start
        return done
