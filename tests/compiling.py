"""How the programs of tests are compiled."""

import os
from importlib.metadata import version

QUICKLY = "--xla_backend_optimization_level=0"
"""XLA's flag: of a small program's time most is LLVM's."""
if version("jaxlib").startswith("0.10."):  # later ones know no other emitters, nor the flag
    QUICKLY += " --xla_cpu_use_fusion_emitters=false"  # which take half of what is left


def quickly() -> dict[str, str]:
    """The environment, for a child that compiles quickly.

    For those that are asked what they do; what is asked how exactly it computes, or as users run
    it, is compiled with all that LLVM makes of it.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    return {**os.environ, "XLA_FLAGS": f"{flags} {QUICKLY}".strip()}
