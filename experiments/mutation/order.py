"""Which tests are to be first for a mutant: those that run its lines."""

import ast
from collections.abc import Mapping
from typing import NamedTuple


class Seen(NamedTuple):
    """What a test did: seconds, and the lines that it ran of each file."""

    seconds: float
    lines: dict[str, list[int]]


def best_first(seen: Mapping[str, Seen], module: str, lines: range) -> dict[str, float]:
    """Tests and their seconds: those that run the lines, then those that run the file, then others.

    The shortest of each first. A test that runs no line of a mutant notices nothing of it, unless
    in a process of its own or by what the line made for another.
    """

    def rank(test: str) -> tuple[bool, bool, float]:
        ran = seen[test].lines.get(module, [])
        return not any(line in lines for line in ran), not ran, seen[test].seconds

    return {test: seen[test].seconds for test in sorted(seen, key=rank)}


def statement(source: str, line: int) -> range:
    """The lines of the innermost statement that a line is part of; itself where it is of none.

    >>> statement("x = (\\n  1 +\\n  2)\\ny = 3", 2)
    range(1, 4)
    """
    found = [
        range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt)
    ]
    return min((lines for lines in found if line in lines), key=len, default=range(line, line + 1))
