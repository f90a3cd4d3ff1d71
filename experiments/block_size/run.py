"""How large may a block be, at what learning rate, by damping: the loss that training ends at.

run.py TEXT     trains with every combination that results.json lacks
run.py --write  the table into README.md, and figure.svg
"""

import argparse
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import jw2v
from jw2v.errors import DataError, Jw2vError
from jw2v.optim import damping

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

from results import machine, read, versions, write, write_table

BLOCKS = (256, 512, 1024, 2048, 4096, 8192, 16_384)
RATES = (0.01, 0.025, 0.05, 0.1)
RULES = {"bounded": "1/√m and the bound", "root": "1/√m alone", "none": "none"}
WORDS_A_CALL = 16_384
LOST = 4.0  # nats a pair; zero scores have 6 log 2 = 4.16


def main() -> None:
    """Train, or write the table and the figure; a fault is one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("text", nargs="?", metavar="TEXT", help="file of text")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--results", type=Path, default=FOLDER / "results.json")
    args = parser.parse_args()
    if not args.text and not args.write:
        parser.error("no text; give a file")
    try:
        if args.text:
            measure(args.text, args.results)
        if args.write:
            show(read(args.results))
    except Jw2vError as error:
        raise SystemExit(str(error)) from None


def measure(text: str, path: Path) -> None:
    """Train with every combination that the results lack."""
    results = read(path)
    results |= {"machine": machine(), "versions": versions(), "text": Path(text).name}
    for rule in RULES:
        for lr in RATES:
            for block in BLOCKS:
                known = {"rule": rule, "lr": lr, "block": block}
                if any(known.items() <= run.items() for run in results["runs"]):
                    continue
                run = known | {"heldout_loss": trained(text, rule, lr, block)}
                results["runs"].append(run)
                write(path, results)
                print(run, flush=True)


def trained(text: str, rule: str, lr: float, block: int) -> float | None:
    """The held-out loss after an epoch; None where training ended in no number."""
    config = jw2v.Config(
        epochs=1,
        lr=lr,
        block=block,
        group=16,
        blocks_per_call=max(1, WORDS_A_CALL // block),
        damping="none" if rule == "none" else "sqrt",
        workers=1,
    )
    bound = damping.STABLE
    damping.STABLE = bound if rule == "bounded" else float("inf")
    try:
        return jw2v.train(text, config, check=False).run["heldout_loss"]
    except DataError as error:
        if "lower the rate" not in str(error):
            raise
        return None
    finally:
        damping.STABLE = bound


def show(results: dict[str, Any]) -> None:
    """The table into README.md, and the figure beside it."""
    write_table(FOLDER / "README.md", table(results))
    (FOLDER / "figure.svg").write_text(figure(results), encoding="utf-8")


def losses(results: dict[str, Any], rule: str, lr: float) -> list[float | None]:
    """The held-out loss at each block size.

    Raises:
      DataError: a run is missing.
    """
    by_block = {r["block"]: r for r in results["runs"] if (r["rule"], r["lr"]) == (rule, lr)}
    if set(BLOCKS) - set(by_block):
        raise DataError(f"no run yet for {rule}, lr {lr}; run the program on a text first")
    return [by_block[block]["heldout_loss"] for block in BLOCKS]


def table(results: dict[str, Any]) -> str:
    """Held-out losses by damping and rate, a column a block size, in markdown."""
    rows = [
        "| damping | lr | " + " | ".join(f"{block:,}" for block in BLOCKS) + " |",
        "| --- | --: |" + " --: |" * len(BLOCKS),
    ]
    for rule, words in RULES.items():
        for lr in RATES:
            cells = " | ".join(_cell(loss) for loss in losses(results, rule, lr))
            rows.append(f"| {words} | {lr:g} | {cells} |")
    cpu, packages = results["machine"]["cpu"], results["versions"]
    rows += ["", f"{results['text']}; {cpu}; jax {packages['jax']}, jw2v {packages['jw2v']}."]
    return "\n".join(rows)


def _cell(loss: float | None) -> str:
    return f"{loss:.3f}" if loss is not None and loss < LOST else "**lost**"


LEFT, TOP, PANEL, HEIGHT, GAP = 60, 76, 240, 220, 36
LOW, HIGH = 2.2, 3.4
COLOURS = ("#9ecae1", "#4292c6", "#08519c", "#c0392b")
INK, PALE = "#1d2733", "#e6e9ed"


def figure(results: dict[str, Any]) -> str:
    """Loss by block size, a panel a damping, a line a learning rate; a cross where it is lost."""
    width, height = LEFT + 3 * (PANEL + GAP), TOP + HEIGHT + 48
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 22, "Held-out loss after an epoch, by centre words a block", 16, "start"),
    ]
    for i, (lr, colour) in enumerate(zip(RATES, COLOURS, strict=True)):
        x = LEFT + 110 * i
        parts.append(f'<rect x="{x}" y="34" width="18" height="4" fill="{colour}"/>')
        parts.append(_text(x + 24, 40, f"lr {lr:g}", 12, "start"))
    parts.append(_text(LEFT + 450, 40, "✕ lost: above 4 nats, or no number", 12, "start"))
    for i, (rule, words) in enumerate(RULES.items()):
        parts += _panel(results, rule, f"damping: {words}", LEFT + i * (PANEL + GAP))
    return "\n".join([*parts, "</svg>", ""])


def _panel(results: dict[str, Any], rule: str, title: str, left: float) -> Iterator[str]:
    yield _text(left, TOP - 10, title, 13, "start")
    for loss in (2.2, 2.6, 3.0, 3.4):
        y = _y(loss)
        yield f'<line x1="{left}" x2="{left + PANEL}" y1="{y}" y2="{y}" stroke="{PALE}"/>'
        yield _text(left - 6, y + 4, f"{loss:.1f}", 11, "end")
    for i, block in enumerate(BLOCKS):
        yield _text(_x(left, i), TOP + HEIGHT + 18, f"{block:,}", 10, "middle")
    for lr, colour in zip(RATES, COLOURS, strict=True):
        points = list(enumerate(losses(results, rule, lr)))
        kept = [(i, loss) for i, loss in points if loss is not None and loss < LOST]
        line = " ".join(f"{_x(left, i):.1f},{_y(loss):.1f}" for i, loss in kept)
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for i, loss in kept:
            yield f'<circle cx="{_x(left, i):.1f}" cy="{_y(loss):.1f}" r="3" fill="{colour}"/>'
        for i in sorted({i for i, _ in points} - {i for i, _ in kept}):
            yield _text(_x(left, i), TOP + 12 + 12 * RATES.index(lr), "✕", 13, "middle", colour)


def _x(left: float, i: int) -> float:
    return left + 14 + i * (PANEL - 28) / (len(BLOCKS) - 1)


def _y(loss: float) -> float:
    return TOP + HEIGHT * (1 - (min(loss, HIGH) - LOW) / (HIGH - LOW))


def _text(x: float, y: float, words: str, size: int, anchor: str, fill: str = INK) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{fill}">{escape(words)}</text>'
    )


if __name__ == "__main__":
    main()
