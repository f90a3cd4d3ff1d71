"""The folder of a run: made and tried before anything long begins, told of its progress."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jw2v.errors import DataError, UsageError
from jw2v.training import checkpoint
from jw2v.training.meter import Progress

METRICS = "metrics.jsonl"


@contextmanager
def run_folder(out: str | Path | None, *, resume: bool = False) -> Iterator[Path | None]:
    """Make the folder of a run and try it; where the run fails, no empty folder stays behind.

    Raises:
      UsageError: it holds a run already, or none to go on with.
      DataError: it cannot be written to.
    """
    if out is None:
        yield None
        return
    folder = Path(out)
    stopped = (folder / checkpoint.FILE).exists()
    if (folder / "run.json").exists():
        raise UsageError(f"{folder} holds a finished run; give another folder (--out)")
    if stopped and not resume:
        raise UsageError(f"{folder} holds a stopped run; go on with it (--resume), or give another")
    if resume and not stopped:
        raise UsageError(f"{folder} holds no stopped run; leave --resume out")
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(f"cannot write to {out}: {error.strerror}; give another (--out)") from error
    try:
        yield folder
    except BaseException:
        if made and not any(folder.iterdir()):
            folder.rmdir()
        raise


@contextmanager
def metrics(folder: Path | None, *, resume: bool) -> Iterator[Callable[[Progress], None]]:
    """Write each progress as a line of `metrics.jsonl`, where there is a folder."""
    if folder is None:
        yield lambda progress: None
        return
    with (folder / METRICS).open("a" if resume else "w", encoding="utf-8") as file:
        yield lambda progress: print(json.dumps(progress._asdict()), file=file)
