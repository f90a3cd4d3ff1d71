"""The house rules that a machine can hold: one-way imports, whole exports, quiet import."""

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jw2v

ROOT = Path(jw2v.__file__).parent
README = Path(__file__).parents[1] / "README.md"
FILES = sorted(ROOT.rglob("*.py"))
FOR_ALL = {"errors", "files", "jaxprs", "lazy", "precision"}
MAY_IMPORT: dict[str, set[str]] = {
    "losses": set(),
    "blocks": {"losses"},
    "optim": {"blocks"},
    "judge": set(),
    "corpus": set(),
    "training": {"corpus", "losses", "blocks", "optim"},
    "ledger": {
        "losses",
        "blocks",
        "optim",
        "judge",
        "training.step",
        "training.config",
        "training.sampled",
        "training.merge",
        "training.mesh",
        "training.replicas",
    },
    "vectors": {"corpus"},
    "guard": {"judge", "ledger", "losses", "training.config"},
    "initial": {"corpus", "blocks", "training", "vectors"},
    "compat": {
        "api",
        "vectors",
        "losses",
        "blocks.huffman",
        "blocks.tables",
        "blocks.windows",
        "corpus",
        "training.config",
    },
}
OUTER = {"api", "cli", "demo", "display", "__init__", "__main__"}  # may import every room
NO_JAX = {"corpus", *FOR_ALL} - {"precision"}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import of a file, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def may(room: str, imported: str) -> bool:
    """Whether a room may import `room.module.name`, given without the leading `jw2v.`"""
    allowed = MAY_IMPORT[room] | FOR_ALL | {room}
    return any(f"{imported}.".startswith(f"{name}.") for name in allowed)


def modules() -> list[str]:
    return [
        "jw2v",
        *(m.name for m in pkgutil.walk_packages([str(ROOT)], "jw2v.") if "__main__" not in m.name),
    ]


def test_every_room_is_known():
    assert {room_of(path) for path in FILES} == set(MAY_IMPORT) | FOR_ALL | OUTER


@pytest.mark.parametrize("path", [p for p in FILES if room_of(p) in MAY_IMPORT], ids=name_of)
def test_imports_go_one_way(path: Path):
    room = room_of(path)
    wrong = [
        f"{name_of(path)}:{line} imports {name}"
        for line, name in imports(path)
        if name.split(".")[0] == "jw2v" and not may(room, name.removeprefix("jw2v."))
    ]
    assert wrong == []


def tour() -> Iterator[tuple[set[str], set[str], set[str]]]:
    """By line of the README's table: rooms, the rooms they may import, and the packages."""
    _, _, text = README.read_text(encoding="utf-8").partition("## A tour of the rooms")
    for line in text.splitlines():
        if line.startswith("| ["):
            rooms, _, inside, packages = (cell.strip() for cell in line.strip("|").split("|"))
            yield set(re.findall(r"\(jw2v/(\w+)", rooms)), listed(inside), listed(packages)


def listed(cell: str) -> set[str]:
    return set(cell.split(", ")) - {"–"}


def test_the_tour_tells_who_may_import_whom():
    told = {room: inside for rooms, inside, _ in tour() for room in rooms}
    outer = {room: {"all"} for room in OUTER - {"__init__", "__main__"}}
    assert told == MAY_IMPORT | outer


def test_the_tour_tells_which_packages_are_imported():
    for rooms, _, packages in tour():
        paths = [path for path in FILES if room_of(path) in rooms]
        roots = {name.split(".")[0] for path in paths for _, name in imports(path)}
        assert roots - sys.stdlib_module_names - {"jw2v", "jaxtyping"} == packages, rooms


@pytest.mark.parametrize("path", [p for p in FILES if room_of(p) in FOR_ALL], ids=name_of)
def test_what_every_room_may_import_imports_no_room(path: Path):
    own = [name for _, name in imports(path) if name.split(".")[0] == "jw2v"]
    assert all(name.split(".")[1] in FOR_ALL for name in own)


@pytest.mark.parametrize("path", [p for p in FILES if room_of(p) in NO_JAX], ids=name_of)
def test_text_to_ids_knows_no_jax(path: Path):
    names = {name for _, name in imports(path)}
    assert {name.split(".")[0] for name in names}.isdisjoint({"jax", "jaxlib", "optax"})
    assert not any(name.startswith("jw2v.precision") for name in names)


@pytest.mark.parametrize("path", [p for p in FILES if room_of(p) == "losses"], ids=name_of)
def test_the_maths_knows_jax_alone(path: Path):
    standard = set(sys.stdlib_module_names)
    roots = {name.split(".")[0] for _, name in imports(path)}
    assert roots <= standard | {"jax", "jaxtyping", "jw2v"}


def test_what_tells_shapes_is_checked_when_called(pytestconfig):
    *checked, _ = pytestconfig.option.jaxtyping_packages.split(",")
    told = {
        "jw2v." + name_of(path).removesuffix(".py").replace("/", ".")
        for path in FILES
        if any(name.startswith("jaxtyping.") for _, name in imports(path))
    }
    unseen = {name for name in told if not any(f"{name}.".startswith(f"{c}.") for c in checked)}
    assert told
    assert unseen == set()


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_no_room_imports_itself_through_another(room: str):
    """The table has no circle."""
    seen, todo = set(), [room]
    while todo:
        for other in {name.split(".")[0] for name in MAY_IMPORT.get(todo.pop(), set())} - seen:
            seen.add(other)
            todo.append(other)
    assert room not in seen


def test_every_exported_name_is_there():
    for name in modules():
        module = importlib.import_module(name)
        missing = [x for x in getattr(module, "__all__", ()) if not hasattr(module, x)]
        assert missing == [], name
        exported = list(getattr(module, "__all__", ()))
        assert len(exported) == len(set(exported)), name


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Public functions and classes, and the public methods of those classes."""
    todo: list[tuple[str, ast.AST]] = [("", tree)]
    while todo:
        prefix, node = todo.pop()
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if child.name.startswith("_"):
                continue
            if ast.get_docstring(child) is None:
                yield f"{prefix}{child.name} (line {child.lineno})"
            if isinstance(child, ast.ClassDef):
                todo.append((f"{child.name}.", child))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_everything_public_has_a_docstring(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{name_of(path)} has no docstring"
    assert list(undocumented(tree)) == []


QUIET = """
import json, os, sys
import jax
events = []
before, environment = dict(jax.config.values), dict(os.environ)
sys.addaudithook(lambda event, args: events.append(event) if event.startswith("socket.") else None)
import jw2v
changed = [name for name, value in jax.config.values.items() if before.get(name) != value]
print(json.dumps([changed, events, dict(os.environ) == environment]))
"""


def test_importing_jw2v_configures_nothing_and_calls_nobody():
    done = subprocess.run(
        [sys.executable, "-c", QUIET], capture_output=True, text=True, check=True, timeout=120
    )
    changed, events, same_environment = json.loads(done.stdout)
    assert changed == []
    assert events == []
    assert same_environment
    assert done.stderr == ""
