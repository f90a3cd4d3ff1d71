"""A look at the compiled program: a step of touched rows must not copy a table.

Whether XLA updates a table in place depends on its version and on how a step is written; where it
does not, each step costs what the vocabulary costs, and nothing else tells.
"""

import re


def table_copies(program: str, shape: tuple[int, ...]) -> list[str]:
    r"""The copies of arrays of a table's shape in the program's loops.

    Args:
      program: text of the compiled program, as `compiled.as_text()` gives it.
      shape: of a table.

    Returns:
      The lines that copy, the entry computation's left out: it runs once a call.

    >>> loop = "%body (p: f32[7,2]) -> f32[7,2] {\n  %c = f32[7,2]{1,0} copy(%p)\n}"
    >>> table_copies(loop, (7, 2))
    ['  %c = f32[7,2]{1,0} copy(%p)']
    >>> table_copies("ENTRY " + loop, (7, 2))
    []
    """
    sizes = ",".join(map(str, shape))
    copy = re.compile(rf"= f\d+\[{sizes}\]\S* copy(-start)?\(")
    computations = re.split(r"\n\n", program)
    bodies = [text for text in computations if not re.search("^ENTRY", text, re.MULTILINE)]
    return [line for text in bodies for line in text.splitlines() if copy.search(line)]
