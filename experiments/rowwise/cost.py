"""What a step costs, in time and memory, by the rows of the table."""

from typing import Any

import numpy as np
from costs import alternating
from row_steps import Draws, Side, draw, optax_sides


def cost(
    *,
    optimizer: str,
    words: int | None,
    vocabularies: list[int],
    repeats: int,
    torch: str | None,
    **sizes: int,
) -> dict[str, Any]:
    """By vocabulary and side; ids are of the first words, or of all.

    All take turns, so that not even vocabularies are compared from one minute to another.
    """
    drawn = {vocab: draw(vocab, words or vocab, **sizes) for vocab in vocabularies}
    sides = {vocab: _sides(optimizer, draws, torch) for vocab, draws in drawn.items()}
    calls = {f"{vocab} {name}": side.call for vocab in sides for name, side in sides[vocab].items()}
    seconds = alternating(calls, repeats)
    return {
        "costs": [
            {"vocab": vocab, "distinct": _distinct(drawn[vocab].ids)}
            | {name: side.cost(seconds[f"{vocab} {name}"]) for name, side in sides[vocab].items()}
            for vocab in vocabularies
        ]
    }


def _sides(optimizer: str, draws: Draws, torch: str | None) -> dict[str, Side]:
    """The sides by name; torch's where it is asked for."""
    sides = optax_sides(optimizer, draws)
    if torch is None:
        return sides
    from torch_steps import torch_side

    return sides | {"torch": torch_side(optimizer, draws)}


def _distinct(ids: np.ndarray) -> float:
    """Ids of a step, the mean."""
    return float(np.mean([len(np.unique(each)) for each in ids]))
