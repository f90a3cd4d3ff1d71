"""The README: its examples run, its tables are what the experiments gave, its commands stand."""

import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from jw2v.corpus import demo_sentences
from jw2v.errors import DataError

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


@pytest.mark.slow
def test_the_examples_give_what_the_readme_says(tmp_path, monkeypatch):
    try:
        next(demo_sentences())
    except DataError as error:
        pytest.skip(str(error))
    monkeypatch.chdir(tmp_path)
    examples = list(Sybil([PythonCodeBlockParser()]).parse(README))
    assert len(examples) > 15
    for example in examples:
        example.evaluate()


def test_the_tables_are_generated_from_the_results():
    command = [sys.executable, str(ROOT / "experiments" / "readme.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0


def test_the_two_commands_stand_on_a_line_each():
    lines = [line for line in README.read_text().splitlines() if line.startswith("python -m pip")]
    assert lines == [
        'python -m pip install ".[demo]" && jw2v demo --out demo',
        'python -m pip install ".[test]" && python -m pytest',
    ]
