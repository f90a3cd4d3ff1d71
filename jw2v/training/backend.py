"""The devices a run is on."""

import hashlib
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import jax

from jw2v.errors import DataError

Platform = Literal["cpu", "gpu", "tpu"]
Units = Literal["matrix", "vector", "none"]
THREADS = 4  # for each device that a processor plays: with one 8 wait for ever, with 4 never did


def describe() -> str:
    """Backend and devices in words.

    >>> describe().split(":")[0]
    'cpu'
    """
    devices = jax.devices()
    kinds = sorted({device.device_kind for device in devices})
    count = f"{len(devices)} device{'s' if len(devices) > 1 else ''}"
    return f"{jax.default_backend()}: {count} ({', '.join(kinds)}), jax {jax.__version__}"


@contextmanager
def starts() -> Iterator[None]:
    """Tell in one line, JAX's own, where it cannot start its devices.

    Raises:
      DataError: it cannot.
    """
    try:
        yield
    except RuntimeError as error:
        told = " ".join(str(error).split())
        if not told.startswith("Unable to initialize backend"):
            raise
        raise DataError(
            f"{told}; another process may hold the device: end it, have it take less memory "
            "(XLA_PYTHON_CLIENT_PREALLOCATE=false), or do without (JAX_PLATFORMS=cpu)"
        ) from error


def require(platform: Platform | None) -> None:
    """Refuse to run on another platform than the one asked for.

    Raises:
      DataError: JAX's default backend is another; the message says what was found.

    >>> require("tpu")
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: a tpu was required and JAX found cpu: ...; pip install "jw2v[tpu]" ...
    """
    if platform is not None and jax.default_backend() != platform:
        extra = {"gpu": "cuda", "tpu": "tpu"}.get(platform)
        install = f'pip install "jw2v[{extra}]" and look at its driver'
        remedy = install if extra else "set JAX_PLATFORMS=cpu"
        raise DataError(
            f"a {platform} was required and JAX found {describe()}; {remedy} (--require)"
        )


def cores() -> int:
    """How many processors this process may use.

    >>> cores() >= 1
    True
    """
    return len(core_numbers()) or os.cpu_count() or 1


def core_numbers() -> list[int]:
    """The processors that this process may use; none where a process cannot be pinned to one."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return sorted(affinity(0)) if affinity else []


def one_thread() -> None:
    """Have XLA compute on one thread of the processor; call it before JAX first computes.

    The products of a block of negative sampling are too small to share: with two threads a step
    takes longer than with one, and the text is prepared on a core of its own. Nothing changes where
    NPROC is set already or where an accelerator may be.
    """
    chosen = jax.config.values["jax_platforms"] or ""
    plugins = entry_points(group="jax_plugins") or find_spec("libtpu")
    if chosen == "cpu" or not (chosen or plugins):
        os.environ.setdefault("NPROC", "1")  # XLA reads it when it makes its threads


def enough_threads() -> None:
    """Have XLA make threads for all devices that a processor plays, before JAX first computes.

    It makes one for each. A device that waits for the others in a sum keeps its thread, and the one
    they wait for may need a second: on a busy machine they stay so, and XLA ends the process.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    counts = re.findall(r"--xla_force_host_platform_device_count=(\d+)", flags)
    devices = max([jax.config.values["jax_num_cpu_devices"], *map(int, counts)])
    if devices > 1:
        os.environ.setdefault("NPROC", str(THREADS * devices))


def bfloat16_units() -> Units:
    """What the processor multiplies bfloat16 in: units for matrices (AMX), its vectors, or nothing.

    >>> bfloat16_units() in ("matrix", "vector", "none")
    True
    """
    known = _instructions().split()
    if "amx_bf16" in known:
        return "matrix"
    return "vector" if "avx512_bf16" in known else "none"


def compiler_options(units: Units | None = None) -> dict[str, int]:
    """XLA's options for a program that trains, where its own are not the fastest.

    XLA makes vectors of 256 bits unless told otherwise. Where a processor multiplies bfloat16 in
    its vectors of 512, rounding to it and exchanging its numbers are sooner done in those, too.

    >>> compiler_options("vector"), compiler_options("none")
    ({'xla_cpu_prefer_vector_width': 512}, {})
    """
    if jax.default_backend() == "cpu" and (units or bfloat16_units()) == "vector":
        return {"xla_cpu_prefer_vector_width": 512}
    return {}


def judges() -> int:
    """Processes that judge side by side: one for each core, but one on an accelerator."""
    return cores() if jax.default_backend() == "cpu" else 1


def keep_compiled_programs() -> None:
    """Have XLA's programs kept on disk from run to run, unless JAX was told a folder already.

    They are kept in `$XDG_CACHE_HOME/jw2v`, or `~/.cache/jw2v`, apart for each kind of processor:
    a program for one may not run on another.
    """
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "jw2v" / f"xla-{_processor()}"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no home, or none that can be written
        return
    for name, value in _keeping(str(folder)).items():
        jax.config.update(name, value)


def keeping_programs(folder: str) -> dict[str, str]:
    """An environment whose processes keep XLA's programs in a folder, all of them."""
    return {name.upper(): str(value) for name, value in _keeping(folder).items()}


def _keeping(folder: str) -> dict[str, str | float]:
    """JAX's options, which keep a program whatever its size and the time it took."""
    return {
        "jax_compilation_cache_dir": folder,
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }


def _processor() -> str:
    """A name for the machine's instructions."""
    digest = hashlib.sha256(_instructions().encode()).hexdigest()
    return f"{platform.machine()}-{digest[:8]}"


def _instructions() -> str:
    """What the processor can do, in the system's words."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return platform.processor()
