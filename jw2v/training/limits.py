"""How much memory this machine has for us."""

import os
from collections.abc import Iterator
from pathlib import Path

try:
    import resource
except ImportError:  # not on Windows
    resource = None

_FILES = {"": "memory.max", "memory": "memory.limit_in_bytes"}
"""What tells a control group's limit, in version 2 and in version 1."""


def host_limit(processes: int = 1) -> int | None:
    """Bytes that so many processes may have in all; None where nothing tells.

    The least of the machine's memory, their own limits together, and the limits of their groups.

    >>> host_limit() > 1 << 20
    True
    """
    own = (limit * processes for limit in _of_process())
    return min([*_of_machine(), *own, *group_limits()], default=None)


def group_limits(root: Path = Path("/")) -> Iterator[int]:
    """The limits of the control groups this process is in, and of those around them.

    Args:
      root: where `proc` and `sys` are.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not on Linux
        return
    for line in lines:
        _, controller, path = line.split(":", 2)
        if controller in _FILES:
            top = root / "sys/fs/cgroup" / controller
            group = top / path.lstrip("/")
            folders = [group, *group.parents]
            # In a container the group may be named as it is outside: then the top one is its own.
            for folder in folders[: folders.index(top) + 1]:
                yield from _number_in(folder / _FILES[controller])


def _number_in(path: Path) -> Iterator[int]:
    try:
        yield int(path.read_text())
    except (OSError, ValueError):  # not there, or "max"
        return


def _of_machine() -> Iterator[int]:
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):  # not on Windows
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_process() -> Iterator[int]:
    if resource is None:
        return
    for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        limit, _ = resource.getrlimit(which)
        if limit != resource.RLIM_INFINITY:
            yield limit
