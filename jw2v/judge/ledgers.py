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
from typing import Any, NamedTuple

import jax

from jw2v.errors import UsageError
from jw2v.judge.mutation.score import score_entries
from jw2v.judge.records import Derivation, Entry, fault_of
from jw2v.judge.verify import verify_derivations

CACHING = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)
"""Options of JAX that further processes take over: they compile the same programs."""

Work = Callable[..., list[Any]]
"""Of a derivation and its ledger's name."""
Progress = Callable[[int, int], None]
"""Of the derivations that are judged, and of all."""


class Task(NamedTuple):
    """A derivation, and where it stands."""

    ledger: str
    number: int
    derivation: Derivation


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

    >>> entries = verify_ledgers(["jw2v.ledger.approximations"], dtypes=["float64"])
    >>> {entry.verdict_value for entry in entries}
    {'holds'}
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
    tasks = [Task(name, i, d) for name in names for i, d in enumerate(_derivations(name))]
    alone = (work(task.derivation, task.ledger) for task in tasks)
    made: list[Any] = []
    for done, results in enumerate(alone if workers == 1 else _shared(tasks, work, workers), 1):
        made += results
        if callback is not None:
            callback(done, len(tasks))
    return made


def _shared(tasks: Sequence[Task], work: Work, workers: int) -> Iterator[list[Any]]:
    """This process begins with the first task while the others start, they with the last."""
    here = {name: jax.config.values[name] for name in CACHING}
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        workers - 1, mp_context=context, initializer=_configure, initargs=(here,)
    )
    try:
        futures = [pool.submit(_there, work, task.ledger, task.number) for task in reversed(tasks)]
        for task, future in zip(tasks, reversed(futures), strict=True):
            yield work(task.derivation, task.ledger) if future.cancel() else future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _configure(settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        jax.config.update(name, value)
    gc.freeze()  # what is imported stays: collections need not walk it again and again


def _there(work: Work, name: str, number: int) -> list[Any]:
    """Work on a derivation in another process, which reads each ledger once."""
    return work(_read_once(name)[number], name)


def _judge(derivation: Derivation, ledger: str, dtypes: Sequence[str] | None) -> list[Entry]:
    return verify_derivations([derivation], ledger=ledger, dtypes=dtypes)


def _score(derivation: Derivation, ledger: str, most: int) -> list[dict[str, Any]]:
    return score_entries([derivation], most=most)


def _derivations(name: str) -> Sequence[Derivation]:
    derivations = getattr(_module(name), "DERIVATIONS", None)
    if derivations is None:
        raise UsageError(f"{name} defines no DERIVATIONS; give a ledger (a module or a file)")
    if why := fault_of(derivations):
        raise UsageError(f"{name}: {why}")
    if not derivations:
        raise UsageError(f"{name}: DERIVATIONS is empty, so nothing would be judged")
    return derivations


_read_once = cache(_derivations)


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
