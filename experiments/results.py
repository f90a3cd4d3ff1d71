"""The results file, what is known of the machine, and where a README has its tables."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jw2v.errors import DataError
from jw2v.files import replacing

VERSION = 1
PACKAGES = ("jax", "jaxlib", "optax", "numpy", "gensim", "jw2v")


def read(path: Path) -> dict[str, Any]:
    """The results so far; none where there is no file.

    Raises:
      DataError: the file is not one of results.
    """
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        if results["version"] == VERSION and isinstance(results["runs"], list):
            return results
    except FileNotFoundError:
        return {"version": VERSION, "machine": machine(), "runs": []}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise DataError(f"{path} holds no results of this program; give another file (--results)")


def check_machine(results: dict[str, Any], path: Path) -> None:
    """Refuse to mix the runs of two machines.

    Raises:
      DataError: the results are of another machine.
    """
    here = machine()
    if any(results["machine"].get(name) != here[name] for name in ("cpu", "cores")):
        raise DataError(f"{path} is of another machine; give another file (--results)")


def write(path: Path, results: dict[str, Any]) -> None:
    """Write the whole file, or leave the old one."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def fill(readme: str, made: str, name: str = "table") -> str:
    """The README with what was made between the markers of a name.

    Raises:
      DataError: it has no markers.
    """
    first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, start, rest = readme.partition(first)
    _, end, after = rest.partition(last)
    if not (start and end):
        raise DataError(f"the README has no {first} ... {last}; put them where the {name} goes")
    return f"{before}{first}\n\n{made}\n\n{last}{after}"


def write_table(readme: Path, made: str, name: str = "table") -> None:
    """Put a table into a README, or what else it has markers for."""
    readme.write_text(fill(readme.read_text(encoding="utf-8"), made, name), encoding="utf-8")


def tables_of(folder: Path, results: Path) -> dict[str, Path]:
    """Results by the names of their markers in a README: the program's, and of other machines."""
    return {"table": results} | {name: folder / f"{name}.json" for name in ("matrix_units", "gpu")}


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], *, first: str = "---") -> str:
    """A table; numbers stand on the right, `first` says where the first column does."""
    lines = [head, [first, *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> dict[str, Any]:
    """The machine: `cpu`, logical `cores`, `memory_bytes` and `system`."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
    }


def versions() -> dict[str, str | None]:
    """Python's version and those of the packages; None for one that is not installed."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2] for line in text.splitlines() if line.startswith("model name")]
    return names[0].strip() if names else platform.machine()
