"""A run of several processes, on one machine or many: how they find each other, and part.

`jax.distributed` joins them: their devices are one mesh, and all run the same program. The first
one alone writes the run's folder.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import jax
from jax.experimental import multihost_utils

from jw2v.errors import DataError, UsageError

LOG = logging.getLogger("jw2v")
HEARTBEAT = 10  # seconds after which a silent process counts as lost
STATUS = ("UNKNOWN:", "INTERNAL:", "UNAVAILABLE:", "ABORTED:", "DEADLINE_EXCEEDED:")
"""How XLA begins to tell of a collective that failed, whichever exception it comes in."""
PATIENCE = 120  # seconds in which all have to appear, and in which all have to leave


def join(coordinator: str | None, processes: int | None, process_id: int | None) -> bool:
    """Take part in a run of several processes, before JAX first computes.

    Args:
      coordinator: HOST:PORT of the first process, which listens there; "auto" has the launcher
        (Slurm, Open MPI, Kubernetes, Cloud TPU) tell all three.
      processes: how many there are.
      process_id: which this one is, from 0.

    Returns:
      Whether there is more than this process.

    Raises:
      UsageError: something is left out.
      DataError: the others cannot be reached.
    """
    given = coordinator, processes, process_id
    if all(one is None for one in given):
        return False
    if coordinator != "auto" and any(one is None for one in given):
        raise UsageError(
            "a run of several processes needs --coordinator HOST:PORT, --processes and "
            "--process-id, or --coordinator auto under a launcher"
        )
    if processes is not None and not 0 <= (process_id or 0) < processes:
        raise UsageError(f"process_id is {process_id}, not one of 0 to {processes - 1}")
    try:
        jax.distributed.initialize(
            None if coordinator == "auto" else coordinator,
            processes,
            process_id,
            initialization_timeout=PATIENCE,
            heartbeat_timeout_seconds=HEARTBEAT,
            shutdown_timeout_seconds=HEARTBEAT,
        )
    except (RuntimeError, ValueError) as error:
        told = str(error).splitlines()[0]
        raise DataError(f"the run's processes do not meet ({told}); see --coordinator") from error
    return jax.process_count() > 1


def leads() -> bool:
    """Whether this process writes what the run leaves."""
    return jax.process_index() == 0


def meet(name: str) -> None:
    """Wait until every process is here."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


@contextmanager
def all_alive() -> Iterator[None]:
    """Tell in one line where the others are gone.

    Raises:
      DataError: what the processes compute together failed.
    """
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        told = str(error).splitlines()[0]
        if jax.process_count() == 1 or not told.startswith(STATUS):
            raise
        raise DataError(
            f"another process of the run is gone ({told}); run it again, with --resume if it saved"
        ) from error


def part(code: int) -> int:
    """The exit code of a process that failed; of one among several, its end.

    It would wait at its exit for others that it has lost, or that wait for it.
    """
    if not jax.distributed.is_initialized():
        return code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
