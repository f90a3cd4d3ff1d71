"""A hundred mistakes of our own, half of them the way people slip: what diagnosis is measured on.

They were written before the diagnosis, and are not edited after it.
"""

from judge.mistakes import (
    classic,
    factorisations,
    negative_sampling,
    negative_sampling_tables,
    softmax,
    strangers,
    windows,
)
from judge.mistakes.records import Case, Cause, Mistake, Scale

FAMILIES = (
    negative_sampling,
    negative_sampling_tables,
    softmax,
    windows,
    classic,
    factorisations,
    strangers,
)
CASES: tuple[Case, ...] = sum((family.CASES for family in FAMILIES), ())
CORRECT: dict[str, Case] = {case.name: case for case in CASES}
MISTAKES: tuple[Mistake, ...] = sum((family.MISTAKES for family in FAMILIES), ())

__all__ = ["CASES", "CORRECT", "MISTAKES", "Case", "Cause", "Mistake", "Scale"]
