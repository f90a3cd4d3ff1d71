"""Lines over epochs, as SVG in a page; its style sheet has the colours."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

Point = tuple[float, float]
HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 220, 76, 24, 8, 12
COLOURS = ("first", "second")
TICKS = 5  # steps of an axis, at most, where the ends are round
FLAT = 1e-6  # of a value: what changes by less is drawn as a line that does not


class Line(NamedTuple):
    """What is drawn in one colour; no name is told of an empty one."""

    name: str
    points: Sequence[Point]  # epoch and value, finite


def chart(title: str, *lines: Line, width: int, from_zero: bool = False) -> str:
    """A figure with its lines, at most two; a line of one point is a dot.

    Args:
      title: what the values are.
      lines: what is drawn.
      width: in pixels, roughly, so that letters have the size of those around.
      from_zero: whether the axis of values begins at 0.

    >>> chart("Loss", Line("training", []), width=400)
    '<figure><figcaption><b>Loss</b></figcaption><p>Nothing was measured.</p></figure>'
    """
    drawn = [(line, kind) for line, kind in zip(lines, COLOURS, strict=False) if line.points]
    names = "".join(
        f'<span class="{kind}">{escape(line.name)}</span>' for line, kind in drawn if line.name
    )
    head = f"<figcaption><b>{escape(title)}</b>{names}</figcaption>"
    if not drawn:
        return f"<figure>{head}<p>Nothing was measured.</p></figure>"
    points = [point for line, _ in drawn for point in line.points]
    across = ticks(0.0, max(x for x, _ in points))
    up = ticks(0.0 if from_zero else min(y for _, y in points), max(y for _, y in points))
    place = _Scale(width - RIGHT, across[-1], up[0], up[-1])
    body = [*_grid(place, across, up), *(_drawn(place, line.points, kind) for line, kind in drawn)]
    label = f'role="img" aria-label="{escape(title)} over epochs"'
    return (
        f'<figure>{head}<svg viewBox="0 0 {width} {HEIGHT}" {label}>{"".join(body)}</svg></figure>'
    )


def ticks(low: float, high: float) -> list[float]:
    """Round numbers, evenly spaced, the first at or below `low` and the last at or above `high`.

    >>> ticks(2.08, 4.16)
    [2.0, 2.5, 3.0, 3.5, 4.0, 4.5]
    >>> ticks(0.0, 0.0)
    [0.0, 0.2]
    """
    span = max(high - low, FLAT * max(abs(low), abs(high))) or 1.0
    power = 10.0 ** math.floor(math.log10(span / TICKS))
    step = next(power * digit for digit in (1, 2, 5, 10) if span <= TICKS * power * digit)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [float(f"{step * i:.12g}") for i in range(first, max(last, first + 1) + 1)]


class _Scale(NamedTuple):
    right: float  # where `last` is
    last: float
    low: float
    high: float

    def x(self, epoch: float) -> float:
        return LEFT + (self.right - LEFT) * epoch / self.last

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / (self.high - self.low)


def _grid(place: _Scale, across: Sequence[float], up: Sequence[float]) -> Iterator[str]:
    for value in up:
        y = f"{place.y(value):.1f}"
        yield f'<line x1="{LEFT}" x2="{place.right}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{LEFT - 8}" y="{y}" dy="4" text-anchor="end">{value:,.10g}</text>'
    for epoch in across[:-1]:
        x = f"{place.x(epoch):.1f}"
        yield f'<text x="{x}" y="{HEIGHT - 6}" text-anchor="middle">{epoch:g}</text>'
    last = f"{across[-1]:g} epochs"
    yield f'<text x="{place.right}" y="{HEIGHT - 6}" text-anchor="end">{last}</text>'


def _drawn(place: _Scale, points: Sequence[Point], kind: str) -> str:
    places = [f"{place.x(x):.1f},{place.y(y):.1f}" for x, y in points]
    dots = (
        f'<circle cx="{place.x(x):.1f}" cy="{place.y(y):.1f}" r="3.5"/>'
        for x, y in (points if len(points) <= 10 else ())
    )
    return f'<g class="{kind}"><polyline points="{" ".join(places)}"/>{"".join(dots)}</g>'
