"""Whole ledgers, judged by one process or by several side by side."""

import gc
import importlib
import importlib.util
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import jax

from jw2v.errors import UsageError
from jw2v.judge.mutation.score import score_entries
from jw2v.judge.records import Derivation, Entry
from jw2v.judge.verify import verify_derivations

CACHING = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)
"""Options of JAX that further processes take over: they compile the same programs."""

Task = tuple[str, int]
Work = Callable[..., list[Any]]
Progress = Callable[[int, int], None]
"""Of the derivations that are judged, and of all."""


def verify_ledgers(
    names: Sequence[str],
    *,
    dtypes: Sequence[str] | None = None,
    workers: int = 1,
    callback: Progress | None = None,
) -> list[Entry]:
    """Judge every line of ledgers.

    Args:
      names: modules, or paths of Python files, that define `DERIVATIONS`.
      dtypes: instead of each derivation's own.
      workers: processes; with more than one, a script that calls this has to stand under
        `if __name__ == "__main__"`, as for `multiprocessing`.
      callback: hears how many derivations of how many are judged.

    Returns:
      One entry for each line, in order.

    Raises:
      UsageError: a ledger that cannot be read, or fewer workers than one.

    >>> entries = verify_ledgers(["jw2v.ledger.peers"])
    >>> entries[0].verdict_value
    'holds'
    """
    return _worked(names, partial(_judge, dtypes=dtypes), workers, callback)


def score_ledgers(
    names: Sequence[str], *, most: int, workers: int = 1, callback: Progress | None = None
) -> list[dict[str, Any]]:
    """Judge mutants of every right line: the judge's own measure.

    Args:
      names: as of `verify_ledgers`.
      most: mutants of a line; where there are more, a sample.
      workers: as of `verify_ledgers`.
      callback: likewise.

    Returns:
      For each line what `jw2v.judge.mutation.score.score_entries` gives.

    Raises:
      UsageError: as `verify_ledgers`, or a line that does not hold though it is expected to.
    """
    return _worked(names, partial(_score, most=most), workers, callback)


def _worked(names: Sequence[str], work: Work, workers: int, callback: Progress | None) -> list[Any]:
    """What is made of all derivations of the ledgers, in their order."""
    if workers < 1:
        raise UsageError(f"workers is {workers}; give 1 or more (--workers)")
    tasks = [(name, i) for name in names for i in range(len(_derivations(name)))]
    gc.freeze()  # what is imported by now stays: collections need not walk it again and again
    done = ((t, work(*t)) for t in tasks) if workers == 1 else _shared(tasks, work, workers)
    found: dict[Task, list[Any]] = {}
    for task, results in done:
        found[task] = results
        if callback is not None:
            callback(len(found), len(tasks))
    return [result for task in tasks for result in found[task]]


def _shared(tasks: Sequence[Task], work: Work, workers: int) -> Iterator[tuple[Task, list[Any]]]:
    """This process begins with the first task while the others start, they with the last."""
    here = {name: jax.config.values[name] for name in CACHING}
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        workers - 1, mp_context=context, initializer=_configure, initargs=(here,)
    )
    try:
        futures = {task: pool.submit(work, *task) for task in reversed(tasks)}
        for task in tasks:
            if futures[task].cancel():
                yield task, work(*task)
            else:
                yield task, futures[task].result()
    finally:
        pool.shutdown(cancel_futures=True)


def _configure(settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        jax.config.update(name, value)
    gc.freeze()


def _judge(name: str, number: int, dtypes: Sequence[str] | None) -> list[Entry]:
    return verify_derivations([_derivations(name)[number]], ledger=name, dtypes=dtypes)


def _score(name: str, number: int, most: int) -> list[dict[str, Any]]:
    return score_entries([_derivations(name)[number]], most=most)


@cache
def _derivations(name: str) -> Sequence[Derivation]:
    derivations = getattr(_module(name), "DERIVATIONS", None)
    if derivations is None:
        raise UsageError(f"{name} defines no DERIVATIONS; give a ledger (a module or a file)")
    return derivations


def _module(name: str) -> ModuleType:
    path = Path(name)
    try:
        if path.suffix != ".py":
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except (ImportError, OSError, SyntaxError) as error:
        raise UsageError(f"ledger {name}: {error}; give a module or a Python file") from error
    return module
