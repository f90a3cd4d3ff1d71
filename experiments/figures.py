"""Figures as SVG files that stand alone and are the same for the same data."""

from pathlib import Path
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.figure import Figure

from jw2v.files import replacing

__all__ = ["COLOURS", "Figure", "panels", "save"]

COLOURS = ("#08519c", "#c0392b", "#2a9d8f", "#e08e0b", "#6a4c93", "#4d4d4d", "#4292c6", "#8c564b")
STYLE: Any = {
    "svg.fonttype": "none",  # words stay words
    "svg.hashsalt": "jw2v",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e9ed",
    "axes.prop_cycle": cycler(color=COLOURS),
}


def panels(count: int, *, width: float = 4.2, height: float = 3.4) -> tuple[Figure, list]:
    """A figure with panels side by side, and their axes; sizes in inches, of a panel."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width * count, height), layout="constrained")
        return figure, list(figure.subplots(1, count, squeeze=False)[0])


def save(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all."""
    with matplotlib.rc_context(STYLE), replacing(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
