"""The program that tries mutants: what counts, what is run first, what a trial is of."""

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
from programs import EXPERIMENTS, modules

from jw2v.errors import DataError

FOLDER = EXPERIMENTS / "mutation"


@pytest.fixture(scope="module")
def program():
    return modules("mutation", "run", "rooms", "reasons", "order")


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
            ["losses"], "cosmic_ray is not installed; pip install cosmic-ray coverage",
            marks=pytest.mark.skipif(bool(find_spec("cosmic_ray")), reason="it is installed"),
        ),
    ],
)  # fmt: skip
def test_faults_are_one_line(program, options, told):
    with pytest.raises(SystemExit) as caught:
        program.run.main(options)
    assert str(caught.value).startswith(told)


def test_what_runs_a_line_is_run_first(program):
    seen = {
        "elsewhere": program.order.Seen(0.1, {"b.py": [5]}),
        "slow": program.order.Seen(9.0, {"a.py": [4, 5]}),
        "in the file": program.order.Seen(0.2, {"a.py": [1], "b.py": [5]}),
        "quick": program.order.Seen(3.0, {"a.py": [6]}),
    }
    order = program.order.best_first(seen, "a.py", range(5, 7))
    assert list(order.items()) == [
        ("quick", 3.0), ("slow", 9.0), ("in the file", 0.2), ("elsewhere", 0.1)
    ]  # fmt: skip


SOURCE = """\
LIMIT = 3

@cache
def f(x,
      *, y):
    if x and (
        y
    ):
        return g(
            x)
    return 0
"""


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (1, (1, 2)),
        (2, (2, 3)),
        (3, (3, 4)),
        (5, (4, 12)),
        (7, (6, 11)),
        (10, (9, 11)),
        (11, (11, 12)),
    ],
)
def test_a_line_is_of_the_innermost_statement(program, line, lines):
    assert program.order.statement(SOURCE, line) == range(*lines)


TRIAL = """
import json, os, tempfile
from pathlib import Path
import trial
SOURCE = (trial.ROOT / "jw2v/errors.py").read_text()
TEST = ["jw2v/errors.py"]
with tempfile.TemporaryDirectory() as scratch:
    copy = trial.copied(Path(scratch))
    print(json.dumps([
        trial.outcome(copy, TEST[0], source, [], {})
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
LINES = """
import json, os, tempfile
from pathlib import Path
import lines, trial
from jw2v.errors import DataError
FILES, TEST = ["jw2v/errors.py", "jw2v/lazy.py"], "tests/test_made_up.py"
with tempfile.TemporaryDirectory() as scratch:
    copy = trial.copied(Path(scratch))
    (copy / TEST).write_text(
        "from jw2v.errors import unknown\\ndef test_a():\\n    unknown('x', 'a', [])"
    )
    told = lines.watched(copy, FILES, [TEST])
    (copy / TEST).write_text("def test_a():\\n    assert False")
    try:
        lines.watched(copy, FILES, [TEST])
    except DataError as error:
        print(json.dumps([{test: seen.lines for test, seen in told.items()}, str(error)]))
    os.chdir("/")
"""


@pytest.mark.slow
def test_a_trial_is_of_the_copy():
    """Of the file as it is, of one that says another thing, of none, of one that hangs."""
    assert output_of(TRIAL) == ["alive", "killed", "no import", "hangs"]


@pytest.mark.slow
def test_what_each_test_runs_is_seen(program):
    """By one that was made up, and by doctests; one that fails where nothing is wrong is told."""
    pytest.importorskip("coverage", reason="coverage is not installed")
    told, refused = output_of(LINES)
    source = (program.rooms.ROOT / "jw2v/errors.py").read_text(encoding="utf-8").splitlines()
    ran = told["tests/test_made_up.py::test_a"]["jw2v/errors.py"]
    names = 1 + source.index("    names = list(known)")
    assert sorted(ran) == list(range(names, names + 4))
    assert set(ran) <= set(told["jw2v/errors.py::jw2v.errors.unknown"]["jw2v/errors.py"])
    assert refused == (
        "of tests/test_made_up.py some fail where nothing is wrong; run them (pytest)"
    )


def output_of(program: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=FOLDER, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
