"""The figure: what each checker lets pass, and what it refuses that is right."""

from collections.abc import Iterator
from html import escape
from typing import Any

from tables import CELLS, CHECKERS, false_alarms, given, passed, records

WIDTH, TOP, ROW, LABEL = 800, 64, 30, 92
BAR, LEFT = 220, 24
PASSED, REFUSED, INK, PALE = "#c0392b", "#7f8c9b", "#1d2733", "#e6e9ed"


def figure(results: dict[str, Any]) -> str:
    """An SVG of four panels, one for each reduction and precision.

    Raises:
      DataError: as `tables`.
    """
    wrong = records(results, "wrong")
    height = TOP + 2 * (len(CHECKERS) * ROW + 52) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_legend(len(wrong)),
    ]
    for number, cell in enumerate(CELLS):
        row, column = divmod(number, 2)
        x = LEFT + column * (WIDTH - LEFT) / 2
        y = TOP + row * (len(CHECKERS) * ROW + 52)
        parts += _panel(wrong, cell, x, y)
    return "\n".join([*parts, "</svg>", ""])


def _legend(losses: int) -> Iterator[str]:
    yield _text(LEFT, 24, "Gradient checkers on the same gradients", size=16, weight=600)
    words = (
        (PASSED, "wrong ones that pass, of those given"),
        (REFUSED, f"right ones that are refused, of {losses}"),
    )
    for number, (colour, label) in enumerate(words):
        x = LEFT + number * 310
        yield f'<rect x="{x}" y="38" width="12" height="12" fill="{colour}"/>'
        yield _text(x + 18, 49, label)


def _panel(wrong: list[dict[str, Any]], cell: str, x: float, y: float) -> Iterator[str]:
    reduction, dtype = cell.split()
    yield _text(x, y + 22, f"{reduction} over the batch, {dtype}", weight=600)
    for number, name in enumerate(CHECKERS):
        top = y + 34 + number * ROW
        yield _text(x + LABEL - 8, top + 15, name, anchor="end")
        shares = (
            (PASSED, _share(passed(wrong, name, cell), given(wrong, name, cell))),
            (REFUSED, _share(false_alarms(wrong, name, cell), len(wrong))),
        )
        for half, (colour, share) in enumerate(shares):
            place = top + 1 + half * 11
            left = x + LABEL
            yield f'<rect x="{left:.0f}" y="{place}" width="{BAR}" height="10" fill="{PALE}"/>'
            width = f"{(share or 0) * BAR:.1f}"
            yield (
                f'<rect x="{left:.0f}" y="{place}" width="{width}" height="10" fill="{colour}"/>'
            )
            yield _text(left + BAR + 6, place + 9, _percent(share), size=11)


def _share(count: int, total: int) -> float | None:
    return count / total if total else None


def _percent(share: float | None) -> str:
    if share is None:
        return "none given"
    if share == 0:
        return "0"
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def _text(
    x: float, y: float, words: str, *, size: int = 13, weight: int = 400, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )
