"""Processes of a run on this machine: started before there is work for them, and watched.

Each is a fresh `python -m jw2v` whose environment gives XLA one thread. Importing takes it a
second, in which the text is encoded; then it waits for its work, a line on its standard input. What
it makes of it comes out of its standard output, and its faults are in a file.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

import jax

from jw2v.errors import DataError
from jw2v.training import backend

JAX_NOTICE = "For simplicity, JAX has removed"
"""How a last line begins that JAX writes below an exception."""
PATIENCE = 60.0  # seconds that a process may do nothing (not: be slow) while the others wait


@dataclass
class _Child:
    """A process, and what was last seen of it."""

    process: subprocess.Popen[bytes]
    spent: int | None = None  # processor time, in ticks
    idle: float = 0.0  # seconds in which it has done nothing


class Children:
    """The processes of a run; none outlives the block."""

    def __init__(self, folder: Path) -> None:
        """Have a folder for them, which is made with the first."""
        self.folder = folder
        self._all: list[_Child] = []

    def __enter__(self) -> "Children":
        """Begin without any."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all of them."""
        self.keep(0)

    def start(self, count: int) -> None:
        """Have so many at least."""
        self.folder.mkdir(exist_ok=True)
        for rank in range(len(self._all), count):
            command = [sys.executable, "-m", "jw2v", "--worker", str(rank)]
            with self._errors(rank).open("wb") as errors:
                process = subprocess.Popen(
                    command,
                    env=_environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                )
            self._all.append(_Child(process))

    def keep(self, count: int) -> None:
        """End those beyond so many."""
        beyond = [child.process for child in self._all[count:]]
        del self._all[count:]
        for process in beyond:
            process.kill()
        for process in beyond:
            with process:  # closes its pipes and waits for it
                pass

    def give(self, work: str) -> None:
        """Give each the same line of work."""
        for child in self._all:
            assert child.process.stdin is not None
            with suppress(OSError), child.process.stdin as given:  # one that has ended tells why
                given.write(f"{work}\n".encode())

    @property
    def first_told(self) -> IO[bytes]:
        """What the first of them tells."""
        told = self._all[0].process.stdout
        assert told is not None
        return told

    def running(self) -> list[subprocess.Popen[bytes]]:
        """Those that have not ended.

        Raises:
          DataError: one of them failed.
        """
        codes = [child.process.poll() for child in self._all]
        for rank, code in enumerate(codes):
            if code:
                why = _why(code, self._errors(rank).read_text(encoding="utf-8"))
                raise DataError(f"{why} (process {rank} of {len(codes)})")
        return [c.process for c, code in zip(self._all, codes, strict=True) if code is None]

    def look_for_idle(self, since: float) -> None:
        """Look whether each did something; one that waits for others looks for them, which counts.

        Args:
          since: seconds since the last look. Looks are counted, not the clock read: while this
            process was stopped, too, none was.

        Raises:
          DataError: one has done nothing for `PATIENCE`.
        """
        for rank, child in enumerate(self._all):
            before, child.spent = child.spent, processor_time(child.process.pid)
            idle = child.spent is not None and child.spent == before
            child.idle = child.idle + since if idle else 0.0
            if child.idle > PATIENCE:
                raise DataError(
                    f"process {rank} of {len(self._all)} (pid {child.process.pid}) is stopped or "
                    f"hangs: it did nothing for {PATIENCE:.0f} s; run it again, with --resume if "
                    "it saved"
                )

    def _errors(self, rank: int) -> Path:
        return self.folder / f"{rank}.err"


def _why(code: int, told: str) -> str:
    r"""What ended a process.

    >>> _why(-9, "")  # doctest: +ELLIPSIS
    'killed by SIGKILL, as where memory is short; go on with --resume if it saved, or take fewer ...
    >>> _why(1, "OverflowError: too large\n" + "-" * 20 + f"\n{JAX_NOTICE} frames\n")
    'OverflowError: too large'
    """
    if code < 0:
        name = signal.Signals(-code).name
        return (
            f"killed by {name}, as where memory is short; go on with --resume if it saved, or take "
            "fewer processes (--workers)"
        )
    lines = [line for line in told.splitlines() if line.strip("- ")]
    own = [line for line in lines if not line.startswith(JAX_NOTICE)]
    return own[-1] if own else f"exit code {code}"


def _environment() -> dict[str, str]:
    """One thread for XLA, and the same folder for its programs as here."""
    kept = jax.config.values["jax_compilation_cache_dir"]
    cache = backend.keeping_programs(kept) if kept else {}
    return {**os.environ, "NPROC": "1", "JAX_PLATFORMS": "cpu", **cache}


def processor_time(pid: int) -> int | None:
    """What a process has spent, in ticks; None where it has ended, or the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else int(fields[10]) + int(fields[11])
