"""What a person sees on a terminal: progress of a run, and tables of results."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from jw2v.judge import Entry
from jw2v.judge.text import describe
from jw2v.training.meter import Progress

SHARES = 10  # lines printed over a run where no terminal can show a bar


@contextmanager
def progress_bar(epochs: int, console: Console) -> Iterator[Callable[[Progress], None]]:
    """Show the progress of a run: a bar on a terminal, else a line for every tenth of it.

    Yields:
      The callback to give to `jw2v.train`.
    """
    if not console.is_terminal:
        yield _lines(epochs, console)
        return
    columns = (
        TextColumn("epoch {task.completed:.2f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("{task.fields[status]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("train", total=epochs, status="compiling")
        yield lambda p: bar.update(task, completed=min(p.epoch, epochs), status=status(p))


@contextmanager
def verification_bar(console: Console) -> Iterator[Callable[[int, int], None]]:
    """Show how far a verification is, where a terminal can show a bar.

    Yields:
      The callback to give to `jw2v.verify`.
    """
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("derivations", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def status(progress: Progress) -> str:
    """Loss, rate and time left, in words.

    >>> status(Progress(1, 0.5, 2.25, None, 0.05, 2.5e6, 61.0))
    'loss 2.2500, 2.50M words/s, lr 0.05, 61 s left'
    """
    loss = "" if progress.loss is None else f"loss {progress.loss:.4f}, "
    heldout = progress.heldout_loss
    held = "" if heldout is None else f"held out {heldout:.4f}, "
    rate = f"{progress.words_per_s / 1e6:.2f}M words/s"
    return f"{loss}{held}{rate}, lr {progress.lr:.2g}, {progress.seconds_left:.0f} s left"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table of strings and numbers; words stand there as they are, whole and never as markup."""
    result = Table(title=Text(title, "table.title"), title_justify="left")
    for column in columns:
        result.add_column(column, overflow="fold")
    for row in rows:
        result.add_row(*(Text(f"{x:.4f}" if isinstance(x, float) else str(x)) for x in row))
    return result


def show_verdicts(entries: Sequence[Entry], console: Console) -> None:
    """Print every line's verdicts, then what is wrong with those that do not hold, then counts."""
    columns = ("ledger", "line", "value", "step", "worst error in bounds", "diagnosis")
    rows = [
        (
            _short(entry.ledger),
            f"{entry.id}{' (as meant)' * (entry.reading == 'meant')}",
            entry.verdict_value,
            entry.verdict_step or "",
            f"{entry.margin:.2g}",
            entry.diagnosis or "",
        )
        for entry in entries
    ]
    console.print(table("Verdicts", columns, rows))
    for entry in entries:
        if {entry.verdict_value, entry.verdict_step} - {"holds", None} or not entry.as_expected:
            console.print(Text(describe(entry)), soft_wrap=True)
    console.print(verdict_counts(entries))


def _short(ledger: str) -> str:
    """A ledger's own name, of a module or a file."""
    return Path(ledger).stem if ledger.endswith(".py") else ledger.rpartition(".")[2]


def verdict_counts(entries: Sequence[Entry]) -> str:
    """How many lines hold, are wrong or do not follow, and whether that was expected.

    >>> verdict_counts([])
    '0 lines: 0 hold, 0 are wrong, 0 do not follow, 0 undecided; 0 not as expected'
    """
    values = Counter(entry.verdict_value for entry in entries)
    steps = Counter(entry.verdict_step for entry in entries)
    surprises = sum(not entry.as_expected for entry in entries)
    return (
        f"{len(entries)} lines: {values['holds']} hold, {values['refuted']} are wrong, "
        f"{steps['refuted']} do not follow, {values['undecided'] + steps['undecided']} undecided; "
        f"{surprises} not as expected"
    )


def _lines(epochs: int, console: Console) -> Callable[[Progress], None]:
    shown = 0

    def show(progress: Progress) -> None:
        nonlocal shown
        share = int(SHARES * progress.epoch / epochs)
        if share > shown:
            shown = share
            console.print(
                f"epoch {progress.epoch:.2f}/{epochs}: {status(progress)}", soft_wrap=True
            )

    return show
