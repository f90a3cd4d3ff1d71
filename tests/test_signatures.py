"""What every signature keeps: an argument can be given by its name, so a star keeps options by it.

With a slash in the star's place options would be given by place, and what they are would be read
nowhere.
"""

import ast
from pathlib import Path

import pytest

import jw2v

ROOT = Path(jw2v.__file__).parent
BY_PLACE = {"tag": ["name"]}  # what its options are named is HTML's


@pytest.mark.parametrize("room", ["judge", "losses", "training", "vectors"])
def test_arguments_have_names(room):
    for path in sorted((ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.args.posonlyargs:
                told = [arg.arg for arg in node.args.posonlyargs]
                assert told == BY_PLACE.get(node.name), f"{path}:{node.lineno}"
