"""The program that tries mutants: what counts, what is drawn, and that a trial is of the copy."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest
from programs import EXPERIMENTS, modules

from jw2v.errors import DataError

FOLDER = EXPERIMENTS / "mutation"


@pytest.fixture(scope="module")
def program():
    return modules("mutation", "run", "rooms", "reasons")


def tried(outcome: str, occurrence: int, room: str = "losses") -> dict[str, object]:
    kind = {"module": "jw2v/a.py", "code": "0", "operator": "AddNot", "line": 7}
    return {"room": room, **kind, "occurrence": occurrence, "outcome": outcome, "text": "x = 1"}


def test_the_score_counts_what_is_noticed(program):
    outcomes = ["killed"] * 8 + ["hangs"] + ["alive"] + ["no import"] * 5
    runs = [tried(one, i) for i, one in enumerate(outcomes)]
    (module, operator, line), reason = next(iter(program.reasons.REASONS.items()))
    runs.insert(0, tried("alive", 99) | {"module": module, "operator": operator, "text": line})
    table = program.run.table({"runs": runs})
    assert "| losses | 10 | 9 | 5 | 1 | 90.0% (59.6%–98.2%) |" in table
    assert f"`{line}`, {operator}: {reason}\n" in table
    assert table.endswith("\n- `jw2v/a.py:7` `x = 1`, AddNot: no test yet")
    with pytest.raises(DataError, match="no mutants yet"):
        program.run.table({"runs": []})


def test_the_rooms_files_and_tests_are_there(program):
    for room in program.rooms.ROOMS.values():
        assert room.modules
        assert room.tests
        for name in (*room.modules, *room.tests):
            assert (program.rooms.ROOT / name).is_file(), name


def test_a_reason_is_of_a_line_that_is_there(program):
    for module, _, text in program.reasons.REASONS:
        lines = (program.rooms.ROOT / module).read_text(encoding="utf-8").splitlines()
        assert text in map(str.strip, lines), module


def test_the_readme_has_the_table_of_the_results(program):
    results = program.run.read(FOLDER / "results.json")
    assert program.run.table(results) in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["loses"], "unknown room 'loses', did you mean 'losses'? known: checkpoint, formats"),
        pytest.param(
            ["losses"], "cosmic_ray is not installed; pip install cosmic-ray",
            marks=pytest.mark.skipif(bool(find_spec("cosmic_ray")), reason="it is installed"),
        ),
    ],
)  # fmt: skip
def test_faults_are_one_line(program, options, told):
    with pytest.raises(SystemExit) as caught:
        program.run.main(options)
    assert str(caught.value).startswith(told)


TRIAL = """
import json, os, tempfile
from pathlib import Path
import trial
SOURCE = (trial.ROOT / "jw2v/errors.py").read_text()
TEST = ["jw2v/errors.py"]
with tempfile.TemporaryDirectory() as scratch:
    copy = trial.copied(Path(scratch))
    print(json.dumps([
        trial.outcome(copy, TEST[0], source, [], 10.0)
        for source in (
            SOURCE,
            SOURCE.replace("hint = f", "hint = 7 or f"),
            SOURCE.replace("import difflib", "import no_such_module"),
            SOURCE.replace("names = list(known)", "while True: pass"),
        )
    ]))
    assert (copy / TEST[0]).read_text() == SOURCE
    os.chdir("/")
"""


@pytest.mark.slow
def test_a_trial_is_of_the_copy():
    """Of the file as it is, of one that says another thing, of none, of one that hangs."""
    done = subprocess.run(
        [sys.executable, "-c", TRIAL], cwd=FOLDER, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["alive", "killed", "no import", "hangs"]
