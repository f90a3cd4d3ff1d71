"""`python -m jw2v`, and the command `jw2v`."""

import gc
import os
import signal
import sys


def main() -> int:
    """Run the command line, or a process of a run of several.

    Python's collector looks for cycles in what is imported, which stays, and at the end in all that
    was traced: a fifth of the start and 0.3 s. It is spared both. NumPy asks for large pages, which
    a guest machine may be slow to be given: half a second a run. It asks for none unless told to.
    """
    gc.disable()
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # read when NumPy is imported
    if sys.argv[1:2] == ["--worker"]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the parent's to hear
        from jw2v.training.worker import main as run
    else:
        from jw2v.cli import main as run
    gc.freeze()
    gc.enable()
    code = run()
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(main())
