"""One measured run: a system in a fresh process, its times and the quality of its vectors."""

import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from quality import Judge
from results import machine, versions
from systems import Job, Report
from text import Text

from jw2v.errors import DataError
from jw2v.training.backend import keeping_programs

PROGRAM = Path(__file__).with_name("systems.py")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


class System(NamedTuple):
    """A system as it is run."""

    name: str
    label: str
    settings: dict[str, Any]  # all but the seed
    cached: bool = False  # whether XLA's programs are those of an earlier run


class Cell(NamedTuple):
    """One run to make."""

    system: System
    seed: int
    repeat: int

    def __str__(self) -> str:
        return f"{self.system.label}, seed {self.seed}, repeat {self.repeat}"


def facts(cell: Cell, text: Text, *, cores: int, quick: bool) -> dict[str, Any]:
    """What tells a run from all others."""
    system = cell.system
    cached = {"cached": True} if system.cached else {}
    settings = json.dumps({**system.settings, "cores": cores, **cached}, sort_keys=True)
    return {
        "system": system.name,
        "seed": cell.seed,
        "repeat": cell.repeat,
        "epochs": system.settings["epochs"],
        "dim": system.settings["dim"],
        "quick": quick,
        "cores": cores,
        "settings_sha256": hashlib.sha256(settings.encode()).hexdigest(),
        "text_sha256": text.corpus.fingerprint,
    }


def measure(
    cell: Cell,
    text: Text,
    cpus: list[int] | None,
    judge: Judge,
    out: Path,
    *,
    programs: Path | None = None,
) -> dict[str, Any]:
    """Make one run on the cores `cpus` (None: wherever it may), then judge its vectors.

    Where it is to find its programs, a run before it, which counts for nothing, has left them in
    the folder of that name.

    Raises:
      DataError: it failed, or it found other words in the text than are there.
    """
    _, label, settings, cached = system = cell.system
    unseen = judge.unseen if settings["maxn"] else ()
    job = Job(str(text.train), str(out), cpus, settings, cell.seed, unseen)
    if cached:
        assert programs is not None
        job = job._replace(programs=str(programs))
        if not programs.exists():
            programs.mkdir()
            launch(system.name, job._replace(out=f"{out}-before"))
    load = os.getloadavg()[0]
    report, process = launch(system.name, job)
    _check(report, text, label)
    effective, train = text.effective_words(settings["sample"]), report.seconds["train"]
    return {
        "label": label,
        "settings": settings,
        "text": text.name,
        "words": report.words,
        "kept_words": report.kept,
        "vocab": report.vocab,
        "effective_words": effective,
        "seconds": {**report.seconds, "process": process},
        "raw_words_per_s": report.words * settings["epochs"] / train,
        "effective_words_per_s": effective * settings["epochs"] / train,
        **judge(system.name, out, settings),
        "backend": report.backend,
        "load_before": load,
        "pinned": cpus is not None,
        "versions": versions(),
        "cpu": machine()["cpu"],
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", ""),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def launch(system: str, job: Job) -> tuple[Report, float]:
    """Run a system in a fresh process; its report, and the seconds that the process lived.

    Raises:
      DataError: it failed.
    """
    env = {"JAX_PLATFORMS": "cpu", **os.environ} | (ONE_THREAD if system == "gensim" else {})
    env.pop("JAX_COMPILATION_CACHE_DIR", None)
    if job.programs is not None:
        env |= keeping_programs(job.programs)
    command = [sys.executable, str(PROGRAM), system, json.dumps(job._asdict())]
    began = time.perf_counter()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    process = time.perf_counter() - began
    if done.returncode:
        why = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise DataError(f"{system} failed: {why}; the runs before it are kept")
    return Report(**json.loads(done.stdout.splitlines()[-1])), process


def _check(report: Report, text: Text, label: str) -> None:
    counts = text.corpus.vocab.counts
    expected = text.words, int(counts.sum()), len(counts)
    if report[:3] != expected:
        raise DataError(
            f"{label} found (words, words in the vocabulary, vocabulary) = {report[:3]} and not "
            f"{expected}; give a text with no other blanks than ASCII's"
        )
