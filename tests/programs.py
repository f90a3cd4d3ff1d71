"""The programs under experiments/, as modules."""

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


def modules(experiment: str, *names: str) -> SimpleNamespace:
    """The modules of an experiment.

    What was imported from experiments/ on the way is forgotten, so that its plain names are free.
    """
    path, before = list(sys.path), set(sys.modules)
    sys.path[:0] = [str(EXPERIMENTS / experiment), str(EXPERIMENTS)]
    try:
        return SimpleNamespace(**{name: import_module(name) for name in names})
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(EXPERIMENTS):
                del sys.modules[name]
