"""All checkers on all wrong gradients of one subject, and on its right one."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import jax
import numpy as np
from checkers import CHECKERS, Checker, Remembered, Trial
from subjects import Reduction, Subject, subjects
from wrong import Wrong, wrong_gradients

BATCH = 16
SEED = 1  # of the example, and of the choice of edits
NAMES = ("jw2v", "chex", "jax fwd", "jax rev", "torch slow", "torch fast")


class Cell(NamedTuple):
    """What a gradient is checked for."""

    reduction: Reduction
    dtype: str

    def __str__(self) -> str:
        return f"{self.reduction} {self.dtype}"


CELLS = tuple(Cell(r, d) for r in ("sum", "mean") for d in ("float32", "float64"))


def checkers() -> Mapping[str, Checker]:
    """jw2v, chex, jax and, where it is installed, torch."""
    if find_spec("torch") is None:
        return CHECKERS
    from torch_checkers import TORCH_CHECKERS

    return {**CHECKERS, **TORCH_CHECKERS}


def facts(subject: str, *, ones: int, twos: int, quick: bool) -> dict[str, Any]:
    """What tells a record from all others."""
    return {
        "part": "wrong",
        "subject": subject,
        "seed": SEED,
        "batch": BATCH,
        "ones": ones,
        "twos": twos,
        "quick": quick,
    }


def record(fact: dict[str, Any]) -> dict[str, Any]:
    """Make a subject's wrong gradients, check them, and say what was found."""
    began = time.perf_counter()
    subject = next(s for s in subjects() if s.name == fact["subject"])
    made = wrong_gradients(subject, **{name: fact[name] for name in ("ones", "twos", "seed")})
    found = check_all(subject, made.wrong, checkers(), batch=fact["batch"], seed=fact["seed"])
    return {
        **fact,
        **made._asdict(),
        "wrong": Counter(w.source for w in made.wrong),
        **found,
        "seconds": time.perf_counter() - began,
    }


def check_all(
    subject: Subject,
    wrong: Sequence[Wrong],
    by: Mapping[str, Checker],
    *,
    batch: int,
    seed: int,
    cells: Sequence[Cell] = CELLS,
) -> dict[str, Any]:
    """What the checkers make of the wrong gradients, and of the right one.

    Returns:
      `checkers`, their names; `passed`, how many wrong gradients each passes, by checker, cell and
      source, zeros left out; `false_alarms`, the cells where a checker refuses the right gradient,
      in which only jw2v is given the wrong ones, too;
      `survivors`, the wrong gradients that jw2v does not refuse.
    """
    args = subject.example(np.random.default_rng(seed), batch=batch)
    passed: dict[str, dict[str, Counter[str]]] = {}
    false_alarms: dict[str, list[str]] = {}
    survivors = []
    for cell in cells:
        for gradient, trial in _trials(subject, wrong, args, cell):
            for name, check in by.items():
                if name != "jw2v" and str(cell) in false_alarms.get(name, ()):
                    continue  # it refuses the right one: to refuse wrong ones, too, means nothing
                outcome = check(trial)
                if gradient is None:
                    if outcome != "passed":
                        false_alarms.setdefault(name, []).append(str(cell))
                elif outcome != "refused":
                    by_cell = passed.setdefault(name, {})
                    by_cell.setdefault(str(cell), Counter())[gradient.source] += 1
                    if name == "jw2v":
                        survivors.append([str(cell), gradient.source, gradient.what, outcome])
        jax.clear_caches()
    return {
        "checkers": list(by),
        "passed": passed,
        "false_alarms": false_alarms,
        "survivors": survivors,
    }


def _trials(
    subject: Subject, wrong: Sequence[Wrong], args: tuple[Any, ...], cell: Cell
) -> Iterator[tuple[Wrong | None, Trial]]:
    """The right gradient first, which is no wrong one."""
    loss = jax.jit(subject.whole_loss(cell.reduction))  # traced once for all of them
    compiled = Remembered(loss)
    all_of_them = [(None, subject.right, subject.wrt), *((w, w.gradient, w.wrt) for w in wrong)]
    for gradient, fn, wrt in all_of_them:
        whole = subject.whole_gradient(fn, wrt, cell.reduction)
        yield gradient, Trial(loss, compiled, whole, args, wrt, cell.dtype)
