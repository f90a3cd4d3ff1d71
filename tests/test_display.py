"""What a person sees: a bar on a terminal, else about ten lines; tables."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from jw2v.display import SHARES, progress_bar, show_verdicts, status, table
from jw2v.judge import Entry
from jw2v.training.meter import Progress


def progress(epoch: float, *, loss: float | None = 2.25, heldout: float | None = None) -> Progress:
    return Progress(1, epoch, loss, heldout, 0.05, 2.5e6, 61.4)


def shown(*, epochs: int, steps: int, terminal: bool, width: int = 80) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=width, _environ={})
    with progress_bar(epochs, console) as callback:
        for step in range(1, steps + 1):
            callback(progress(epochs * step / steps))
    return file.getvalue()


def test_status():
    assert status(progress(0.5)) == "loss 2.2500, 2.50M words/s, lr 0.05, 61 s left"
    assert status(progress(0.5, loss=None)) == "2.50M words/s, lr 0.05, 61 s left"
    assert status(progress(1, heldout=2.5)) == (
        "loss 2.2500, held out 2.5000, 2.50M words/s, lr 0.05, 61 s left"
    )


@pytest.mark.parametrize("epochs", [1, 3, 10])
def test_ten_lines_where_there_is_no_terminal(epochs):
    lines = shown(epochs=epochs, steps=997, terminal=False).splitlines()
    assert len(lines) == SHARES
    assert lines[-1] == f"epoch {epochs:.2f}/{epochs}: {status(progress(1))}"
    shares = [float(line.split()[1].split("/")[0]) / epochs for line in lines]
    assert shares == pytest.approx([(n + 1) / SHARES for n in range(SHARES)], abs=0.01)


def test_a_short_run_prints_a_line_for_each_call():
    assert len(shown(epochs=1, steps=3, terminal=False).splitlines()) == 3


def test_lines_are_plain_and_whole_however_narrow():
    printed = shown(epochs=1, steps=20, terminal=False, width=10)
    assert "\x1b" not in printed
    assert len(printed.splitlines()) == SHARES


def test_a_bar_on_a_terminal():
    printed = shown(epochs=2, steps=20, terminal=True, width=120)
    assert "\x1b[" in printed
    assert "epoch 2.00/2" in printed
    assert "loss 2.2500" in printed


def test_the_bar_says_that_it_compiles_before_the_first_call():
    assert "compiling" in shown(epochs=2, steps=0, terminal=True, width=120)


def test_the_bar_never_passes_its_end():
    file = io.StringIO()
    with progress_bar(2, Console(file=file, force_terminal=True, width=120)) as callback:
        callback(progress(2.01))
    assert "epoch 2.00/2" in file.getvalue()


def printed(shown: Table, *, width: int = 60) -> str:
    file = io.StringIO()
    Console(file=file, width=width, _environ={}).print(shown)
    return file.getvalue()


def test_tables():
    rows = [("a", 0.123456, 3), ("b", None, "x")]
    title, *lines = printed(table("Scores", ("name", "score", "of"), rows)).splitlines()
    assert title.strip() == "Scores"
    assert "0.1235" in lines[3]
    assert [cell.strip() for cell in lines[4].strip("│").split("│")] == ["b", "None", "x"]


@pytest.mark.parametrize("word", ["[sic]", "[/i]", ":heart:", "[red]x", "\\[b]", "[@click=x]"])
def test_a_word_is_no_markup(word):
    title, *lines = printed(table(word, ("word", "cosine"), [(word, 0.5)])).splitlines()
    assert title.strip() == word
    assert [cell.strip() for cell in lines[3].strip("│").split("│")] == [word, "0.5000"]


def test_a_title_is_set_apart_on_a_terminal():
    file = io.StringIO()
    Console(file=file, force_terminal=True, width=60, _environ={}).print(table("king", ("a",), []))
    assert file.getvalue().startswith("\x1b[3mking")


@pytest.mark.parametrize("word", ["w" * 300, "日本" * 80])
def test_a_long_word_is_folded_not_cut(word):
    lines = printed(table("king", ("word", "cosine"), [(word, 0.5)])).splitlines()
    assert "".join(line.split("│")[1].strip() for line in lines[4:-1]) == word


def test_what_a_ledger_says_is_no_markup():
    entry = Entry(
        ledger="mine", id="[b]:x:", reading="letter", kind="gradient", latex="", expected="holds",
        verdict_value="refuted", verdict_step=None, expected_step=None, margin=2.0, power={},
        diagnosis="wrong", counterexample=None, correct_expression=None, scope="", source="",
        note="[/i] of a :heart:", seconds=0.1,
    )  # fmt: skip
    file = io.StringIO()
    show_verdicts([entry], Console(file=file, width=120, _environ={}))
    assert "│ [b]:x: │" in file.getvalue()
    assert "[b]:x: [letter] refuted: wrong\n" in file.getvalue()
    assert "  note: [/i] of a :heart:\n" in file.getvalue()
