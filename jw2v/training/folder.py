"""The folder of a run: made and tried before anything long begins, one run's at a time."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jw2v.errors import DataError, UsageError
from jw2v.files import place_of, write_lines
from jw2v.training import checkpoint
from jw2v.training.meter import Progress

METRICS, LOCK = "metrics.jsonl", ".lock"
LITTER = (".*.tmp", ".tmp??????")  # ours, and what safetensors writes before it is renamed


@contextmanager
def run_folder(out: str | Path | None, *, resume: bool = False) -> Iterator[Path | None]:
    """Make the folder of a run, try it and lock it; a run that fails leaves no empty one behind.

    Raises:
      UsageError: it holds a run already, or none to go on with, or another process trains there.
      DataError: it cannot be written to.
    """
    if out is None:
        yield None
        return
    folder = Path(out)
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(f"cannot write to {out}: {error.strerror}; give another (--out)") from error
    try:
        with _locked(folder):
            _check_runs(folder, resume=resume)
            _clear(folder)
            yield folder
    finally:
        if made:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def _check_runs(folder: Path, *, resume: bool) -> None:
    stopped = bool(checkpoint.saved(folder))
    if place_of(folder, "run.json").exists():
        raise UsageError(f"{folder} holds a finished run; give another folder (--out)")
    if stopped and not resume:
        raise UsageError(
            f"{folder} holds a stopped run; go on with it (--resume), or give another folder "
            "(--out)"
        )
    if resume and not stopped:
        raise UsageError(f"{folder} holds no stopped run; leave --resume out")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder against other processes; the system frees it when this one ends, however."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    path = folder / LOCK
    while True:
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "another process"
                raise UsageError(
                    f"{holder} trains in {folder}; wait for it, or give another folder (--out)"
                ) from None
            if not _is(path, file.fileno()):  # its holder ended between our two steps
                continue
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _clear(folder: Path) -> None:
    """Remove what a process that was killed was writing."""
    for pattern in LITTER:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def progress_of(folder: Path, *, calls: int) -> list[Progress]:
    """What the lines of `metrics.jsonl` tell of the first so many calls.

    A line that was being written when the run was killed tells nothing, nor does a damaged one.
    """
    found = []
    with suppress(FileNotFoundError):
        text = (folder / METRICS).read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            with suppress(ValueError, TypeError, RecursionError):
                found.append(Progress(**json.loads(line)))
    return [progress for progress in found if progress.calls <= calls]


@contextmanager
def metrics(folder: Path | None, before: list[Progress]) -> Iterator[Callable[[Progress], None]]:
    """Write each progress as a line of `metrics.jsonl`, where there is a folder.

    Args:
      folder: of the run.
      before: what earlier sittings of the run told.
    """
    if folder is None:
        yield lambda progress: None
        return
    write_lines(folder / METRICS, map(_line, before))
    # Line by line, so that a run that is killed has told of every call that it has saved.
    with (folder / METRICS).open("a", encoding="utf-8", buffering=1) as file:
        yield lambda progress: print(_line(progress), end="", file=file)


def _line(progress: Progress) -> str:
    return json.dumps(progress._asdict()) + "\n"
