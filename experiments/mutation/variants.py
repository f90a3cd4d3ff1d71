"""Wrong variants of our files, each by one edit of cosmic-ray's, and a sample of them."""

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast  # pyright: ignore[reportMissingImports]
from cosmic_ray.mutating import mutate_code  # pyright: ignore[reportMissingImports]
from cosmic_ray.plugins import (  # pyright: ignore[reportMissingImports]
    get_operator,
    operator_names,
)


class Mutant(NamedTuple):
    """One edit of a file.

    Attributes:
      module: the file.
      code: which state of it, the start of its SHA-256.
      operator: how cosmic-ray calls the edit.
      occurrence: where it is applied, counted in the file.
      line: where that is.
    """

    module: str
    code: str
    operator: str
    occurrence: int
    line: int


def sample(root: Path, modules: Sequence[str], most: int, *, seed: int) -> list[Mutant]:
    """So many mutants of files, drawn without preference; the first ones of a longer sample."""
    found = [mutant for module in modules for mutant in mutants_of(root, module)]
    Random(seed).shuffle(found)
    return list(islice(filter(partial(_is_python, root), found), most))


def mutants_of(root: Path, module: str) -> Iterator[Mutant]:
    """All mutants of a file, those of annotations left out, which nothing evaluates to use."""
    source = (root / module).read_text(encoding="utf-8")
    code, nodes = sha256(source.encode()).hexdigest()[:12], list(ast_nodes(get_ast(source)))
    for name in sorted(operator_names()):
        operator = get_operator(name)
        if not operator.arguments():
            made = operator()
            places = ((node, place) for node in nodes for place in made.mutation_positions(node))
            for occurrence, (node, ((line, _), _)) in enumerate(places):
                if not _in_annotation(node):
                    yield Mutant(module, code, name.removeprefix("core/"), occurrence, line)


def _in_annotation(node: Any) -> bool:
    while (parent := node.parent) is not None:
        if parent.type == "tfpdef" or (parent.type == "annassign" and node is parent.children[1]):
            return True
        if parent.type == "funcdef" and node is parent.annotation:
            return True
        node = parent
    return False


def _is_python(root: Path, mutant: Mutant) -> bool:
    """Whether an edit leaves a text that can be compiled; stars of arguments are no products."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd, and still Python
            compile(source_of(root, mutant), mutant.module, "exec")
    except SyntaxError:
        return False
    return True


def source_of(root: Path, mutant: Mutant) -> str:
    """The text of a mutant's file."""
    source = (root / mutant.module).read_text(encoding="utf-8")
    made = mutate_code(source, get_operator(f"core/{mutant.operator}")(), mutant.occurrence)
    assert made is not None
    return made
