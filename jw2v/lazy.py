"""Public names that are imported when they are first used.

pytest loads `jw2v.judge.pytest_plugin` in every run of whoever has jw2v installed; without this,
that would import JAX each time.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def exported(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose public names live in modules of it (PEP 562).

    Args:
      package: its name.
      homes: public name to the module, within the package, that defines it.

    >>> exported("jw2v", {"UsageError": "errors"})("UsageError").__name__
    'UsageError'
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return get
