"""Whole ledgers: the same verdicts from one process and from several."""

from dataclasses import replace
from pathlib import Path

import pytest

from jw2v.errors import UsageError
from jw2v.judge import ledgers
from jw2v.judge.ledgers import verify_ledgers

LEDGER = """
import jax.numpy as jnp
import numpy as np
from jw2v.judge import claim

DERIVATIONS = tuple(
    claim(f"{factor}", lambda x: x @ x / 2, lambda x, factor=factor: factor * x, (np.ones(2),))
    for factor in (1, 2, 3, 4, 1, 5)
)
"""


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(LEDGER)
    return str(path)


def test_two_processes_find_what_one_finds(ledger):
    heard = []
    several = verify_ledgers([ledger], workers=2, callback=lambda *done: heard.append(done))
    assert [e.verdict_value for e in several].count("holds") == 2
    assert heard == [(i, 6) for i in range(1, 7)]
    one = verify_ledgers([ledger])
    assert [replace(e, seconds=0.0) for e in several] == [replace(e, seconds=0.0) for e in one]


@pytest.mark.parametrize("workers", [2, 3])
def test_this_process_is_one_of_the_workers(ledger, workers, monkeypatch):
    class EnoughError(Exception):
        pass

    def pool(others: int, **options: object) -> None:
        assert others == workers - 1
        raise EnoughError

    monkeypatch.setattr(ledgers, "ProcessPoolExecutor", pool)
    with pytest.raises(EnoughError):
        verify_ledgers([ledger], workers=workers)


def test_a_fault_in_another_process_is_raised_here(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text(LEDGER.replace("factor * x,", "factor * x[:1],"))
    with pytest.raises(UsageError, match="shapes"):
        verify_ledgers([str(path)], workers=2)


def test_no_workers_are_refused(ledger):
    with pytest.raises(UsageError, match="workers is 0"):
        verify_ledgers([ledger], workers=0)


def test_a_file_that_was_edited_is_read_anew(ledger):
    before = [entry.verdict_value for entry in verify_ledgers([ledger])]
    path = Path(ledger)
    path.write_text(LEDGER.replace("factor * x,", "x,"))
    after = [entry.verdict_value for entry in verify_ledgers([ledger])]
    assert before.count("holds") == 2
    assert after.count("holds") == 6


@pytest.mark.parametrize(
    ("derivations", "message"),
    [
        ("()", "mine.py: DERIVATIONS is empty"),
        ("3", "mine.py: DERIVATIONS is no tuple of jw2v.judge.Derivation"),
        ("DERIVATIONS[0]", "mine.py: DERIVATIONS is no tuple of jw2v.judge.Derivation"),
        (
            "(replace(DERIVATIONS[0], steps=DERIVATIONS[0].steps[0]),)",
            "steps of 1 is no tuple of Step",
        ),
        (
            "(replace(DERIVATIONS[0], steps=(replace(DERIVATIONS[0].steps[0], kind='gradent'),)),)",
            "kind of 1 is gradent, not one of defines",
        ),
    ],
)
def test_what_is_no_ledger_is_refused_by_name(tmp_path, derivations, message):
    path = tmp_path / "mine.py"
    lines = [LEDGER, "from dataclasses import replace", f"DERIVATIONS = {derivations}"]
    path.write_text("\n".join(lines))
    with pytest.raises(UsageError, match=message):
        verify_ledgers([str(path)])
