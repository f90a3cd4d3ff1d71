"""The programs that kill and fuzz: what they would not let pass."""

import json
import subprocess
import sys
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import EXPERIMENTS, modules

from jw2v.training.checkpoint_files import Record, saved, write
from jw2v.training.folder import LITTER
from jw2v.vectors.formats import WRITERS

FOLDER = EXPERIMENTS / "survival"


@pytest.fixture(scope="module")
def program():
    return modules("survival", "killing", "damage", "readers")


def ask(code: str) -> str:
    """What code prints beside the programs; it forks, which a process with threads must not."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def save(folder, *calls: int) -> None:
    for number in calls:
        write(folder, [np.ones(number)], Record(number, {}))


def test_what_a_kill_leaves_is_counted(program, tmp_path):
    save(tmp_path, 1, 2)
    seen = saved(tmp_path)
    whole = program.killing.plain(program.killing.left_behind(tmp_path, seen))
    assert whole == {"kills": 1, "mid_write": 0, "corrupt": 0, "lost": 0, "different": 0}
    seen[0].write_bytes(seen[0].read_bytes()[:-1])
    (tmp_path / ".checkpoint.7.tmp").touch()
    damaged = program.killing.plain(program.killing.left_behind(tmp_path, seen))
    assert damaged == {"kills": 1, "mid_write": 1, "corrupt": 1, "lost": 1, "different": 0}
    for path in seen:
        path.unlink()
    assert program.killing.left_behind(tmp_path, seen)["lost"] == 1
    save(tmp_path, 3)
    assert program.killing.left_behind(tmp_path, seen)["lost"] == 0


def test_what_is_half_written_is_known_as_training_knows_it(program):
    assert program.killing.LITTER == LITTER


STRUCK = """
import time
from killing import strike, until_ended
print(strike(lambda: time.sleep(60), lambda child: None), strike(lambda: None, until_ended))
try:
    strike(lambda: 1 / 0, until_ended)
except RuntimeError as error:
    print(error)
"""


def test_a_child_is_killed_and_one_that_fails_is_told():
    assert ask(STRUCK) == "True False\na child failed by itself; it has told why\n"


@given(st.binary(max_size=300), st.integers(0, 2**32))
def test_damage_is_bounded_and_can_be_had_again(program, data, number):
    made = program.damage.damaged(data, Random(number))
    assert made == program.damage.damaged(data, Random(number))
    assert len(made) <= program.damage.MOST


def test_every_edit_changes_a_file(program):
    data = b"3 2\nking 0.5 1\nqueen 2 1\n"
    for edit in program.damage.EDITS:
        made = {edit(data, Random(number)) for number in range(50)}
        assert len(made - {data}) > 20, edit.__name__


BAD = """
import json, os
from pathlib import Path
import fuzz
from readers import ONE, Reader
from jw2v.errors import DataError

def two_lines(data):
    raise DataError("a; b\\nc")

def long(data):
    while data: pass

BAD = {
    "crash": lambda data: os.abort(),
    "hang": long,
    "memory": lambda data: bytearray(1 << 28),
    "error": lambda data: {}[0],
    "two lines": two_lines,
    "a lie": len,
    "good": lambda data: None,
}
found = {}
for name, bad in BAD.items():
    def read(folder, bad=bad):
        data = (folder / ONE).read_bytes()
        return None if data == b"7" * 99 else bad(data)
    make = lambda folder: (folder / ONE).write_bytes(b"7" * 99)
    fuzz.READERS[name] = Reader(make, read, holds=lambda value: value)
    fuzz.PATIENCE = 0.1
    found[name] = fuzz.fuzz(reader=name, bytes=150, seed=0)["failures"]
print(json.dumps(found))
"""


def test_a_reader_that_does_anything_but_refuse_is_caught():
    found = json.loads(ask(BAD))
    why = {name: failures[0][1] for name, failures in found.items() if failures}
    assert why == {
        "crash": "SIGABRT",
        "hang": "SIGPROF",
        "memory": "MemoryError()",
        "error": "KeyError(0)",
        "two lines": r"told as DataError('a; b\nc')",
        "a lie": "read as another",
    }


EVERY = """
import json, fuzz
failures = {name: fuzz.fuzz(reader=name, bytes=10**5, seed=0)["failures"] for name in fuzz.READERS}
print(json.dumps(failures))
"""


@pytest.mark.slow
def test_every_reader_reads_or_refuses(program):
    found = json.loads(ask(EVERY))
    assert found == {name: [] for name in program.readers.READERS}


def test_every_format_that_is_written_has_a_reader_that_is_fuzzed(program):
    assert set(WRITERS) - {"fasttext"} <= set(program.readers.READERS)


WITH_JAX = """
import jax, checkpoint_kills
try:
    checkpoint_kills.kills(kills=1, seed=0)
except RuntimeError as error:
    print(error)
"""


def test_saving_alone_knows_no_jax():
    assert ask(WITH_JAX) == "JAX is imported: the children are to do without\n"
