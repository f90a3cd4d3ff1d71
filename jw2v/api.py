"""The public functions: train, load, verify, check_gradient."""

import json
import logging
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from jw2v.corpus import AS_IT_IS, Corpus, Reading, encode
from jw2v.corpus.sources import Source
from jw2v.corpus.subwords import Ngrams
from jw2v.errors import InterruptedTrainingError, UsageError
from jw2v.files import replacing
from jw2v.guard import guard
from jw2v.initial import tables_from
from jw2v.judge import Entry
from jw2v.judge.ledgers import verify_ledgers
from jw2v.ledger.certificate import Certificates
from jw2v.losses.record import Loss
from jw2v.precision import precision
from jw2v.training import backend, checkpoint, crew, loop, memory, processes
from jw2v.training.checkpoint import EVERY, KEPT, Saving
from jw2v.training.children import Children
from jw2v.training.config import Config, fields_of
from jw2v.training.fitted import fitted, paced
from jw2v.training.folder import metrics as run_metrics
from jw2v.training.folder import progress_of, run_folder
from jw2v.training.meter import Progress
from jw2v.training.pieces import subwords_of
from jw2v.training.ready import Run, ready
from jw2v.training.setting import epoch_words, grid_for
from jw2v.vectors import Vectors, load, save
from jw2v.vectors.ngrams import NgramRows
from jw2v.vectors.training_page import write_training_page

__all__ = ["load", "train", "verify"]

LOG = logging.getLogger("jw2v")
LEDGERS = ("jw2v.ledger.cs224n_a2", "jw2v.ledger.kernels", "jw2v.ledger.peers")
HISTORY = 100  # points of a run's history kept with the vectors; metrics.jsonl holds all


def train(
    corpus: Source | Iterable[str | Path] | Corpus,
    config: Config | None = None,
    *,
    reading: Reading = AS_IT_IS,
    out: str | Path | None = None,
    optimizer: Any = None,
    loss: Loss | None = None,
    init: Vectors | None = None,
    callback: Callable[[Progress], None] | None = None,
    check: bool = True,
    certify: float = 0.0,
    require: backend.Platform | None = None,
    resume: bool = False,
    save_every: float = EVERY,
    keep: int = KEPT,
    stop: Callable[[], bool] = lambda: False,
) -> Vectors:
    r"""Check the gradients on this backend, then train vectors on a text.

    Where `jax.distributed` has joined several processes, each makes the same call: their devices
    are one mesh, all get the vectors, and the first writes `out`, which all have to see.

    Args:
      corpus: a file of UTF-8 text, one sentence a line (plain, .gz, .bz2, .xz or .zst), several,
        a folder of them, or "-" for standard input. Or a `jw2v.corpus.Corpus`, as `encode` and
        `open_corpus` give it: words, counts and order are then its own, and what it was encoded
        with (min_count, max_vocab, heldout_every, phrases) is not asked of `config`.
      config: options; by default `Config()`.
      reading: the text's encoding, and limits to it: `jw2v.corpus.Reading(encoding="latin-1")`.
      out: folder for the vectors, `run.json`, `training.html` and `metrics.jsonl`; None keeps
        them in memory.
      optimizer: instead of `config.optimizer`: a factory, schedule to transformation, such as
        `optax.adam`, or a finished optax transformation.
      loss: instead of `config.loss`: a loss of your own, trained with the kernel "windows".
      init: vectors to start from; words it does not have start as usual. The outside table of
        hierarchical softmax is a tree's, which the counts decide: it goes on where words and counts
        are the same, and else starts anew, as it does from the outside words of another loss.
      callback: given the progress after each call to the device.
      check: judge the gradients that train first, and refuse to train where one is refuted.
      certify: share of the time in which blocks that are about to train are judged, too, against
        the plain loss in float64; 0.01 is one in some minutes. A breach ends the run.
      require: refuse to run on another platform than this.
      resume: go on with the run in `out` that was stopped or killed.
      save_every: seconds between two checkpoints in `out`; 0 saves after each call to the device.
        Several processes save where all their rows are merged.
      keep: how many checkpoints are kept, so that one that is damaged does not end the run.
      stop: asked after each call to the device; True saves the run in `out` and stops it.

    Returns:
      The vectors; `run` holds config, losses, times and backend.

    Raises:
      UsageError: an option that cannot be used.
      DataError: a text, folder or machine that cannot be used.
      GradientError: a gradient was refuted.
      InterruptedTrainingError: `stop` ended the run.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     text = Path(folder) / "text"
    ...     _ = text.write_text("the king and the queen\n" * 50)
    ...     vectors = train(text, Config(dim=8, epochs=1, heldout_every=0))
    >>> vectors.words
    ('the', 'king', 'and', 'queen')
    """
    began = time.perf_counter()
    _check_options(certify=certify, save_every=save_every, keep=keep)
    if not isinstance(corpus, str | Path | Corpus):
        corpus = tuple(corpus)  # what is read once, as a glob is, is asked for sizes first
    config = config or Config()
    if loss is not None:
        config = replace(config, kernel="windows")
    history: list[Progress] = []
    with (
        backend.starts(),
        run_folder(out if processes.leads() else None, resume=resume) as folder,
        precision(config.precision),
        tempfile.TemporaryDirectory() as scratch,
        Children(Path(scratch) / "children") as children,
    ):
        backend.require(require)
        LOG.info("%s", backend.describe())
        objects = optimizer is not None or loss is not None
        if not isinstance(corpus, Corpus):
            children.start(crew.foreseen(corpus, config, portable=not objects))
        text = (
            corpus
            if isinstance(corpus, Corpus)
            else _encode(corpus, config, reading, Path(scratch))
        )
        config = replace(config, **_encoded_with(text))
        _warn_of_repeats(config, loss, vocab=len(text.vocab))
        portable = not objects and text.directory is not None
        config = fitted(config, epoch_words(text, config), own_loss=loss is not None)
        if approximations := config.approximations_of(own_loss=loss is not None):
            LOG.info("approximations: %s", "; ".join(approximations))
        grid = grid_for(config, optimizer)
        words = len(text.train.ids)
        workers = crew.workers_of(config, words, portable=portable, devices=grid.devices)
        asked, replicas = replace(config, workers=workers), workers * grid.data
        config = paced(asked, replicas)
        memory.check(text, config, grid, optimizer=optimizer, loss=loss)
        pace = {"replicas": replicas, "call_blocks": config.call_blocks}
        made_with = _made_with(text, asked, optimizer, loss) | pace
        resumed = None
        if out is not None and resume:
            resumed = _resumed(Path(out), made_with)
            history += progress_of(Path(out), calls=resumed.calls)
        run = Run(
            text,
            config,
            optimizer,
            loss,
            None if init is None else tables_from(init, text, config),
            resumed,
            None if folder is None else Saving(str(folder), made_with, save_every, keep),
        )
        judge = partial(guard, config, loss, check=check)
        with memory.exhaustion_told(config, folder):
            trained = ready(run, children, judge)
            with run_metrics(folder, history) as write, processes.all_alive():

                def report(progress: Progress) -> None:
                    history.append(progress)
                    write(progress)
                    if callback is not None:
                        callback(progress)

                watcher = Certificates(config, loss, share=certify) if certify > 0 else None
                result = trained(callback=report, stop=stop, watcher=watcher)
        if not result.finished:
            raise _stopped(folder, result, made_with, keep=keep)
        encoding = 0.0 if text is corpus else text.stats.seconds
        seconds = {"vocabulary": encoding, **result.seconds}
        seconds["total"] = time.perf_counter() - began
        judged = 0 if watcher is None else watcher.made
        told = {"checked": check, "certified": judged, "seconds": seconds}
        vectors = _vectors(text, config, result, history, optimizer, loss, **told)
        if folder is not None:
            save(vectors, folder)
            write_training_page(vectors.run, folder / "training.html")
            checkpoint.remove(folder)
    return vectors


def verify(
    *ledgers: str,
    dtypes: Sequence[str] | None = None,
    workers: int = 1,
    callback: Callable[[int, int], None] | None = None,
) -> list[Entry]:
    """Judge every claim of ledgers on this backend.

    Args:
      ledgers: modules, or paths of Python files, that define `DERIVATIONS`, a sequence of
        `jw2v.judge.Derivation`; by default the document's, the chain's and that of the peers.
      dtypes: instead of each claim's own.
      workers: processes; with more than one, a script that calls this has to stand under
        `if __name__ == "__main__"`, as for `multiprocessing`.
      callback: hears how many derivations of how many are judged.

    Returns:
      An entry for each claim: what was expected of it and what the machine found.

    Raises:
      UsageError: a ledger that cannot be read.

    >>> text = '''
    ... import numpy as np
    ... from jw2v.judge import claim
    ... DERIVATIONS = (claim("half", lambda x: x @ x / 2, lambda x: -x, (np.ones(2),)),)
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mine.py"
    ...     _ = path.write_text(text)
    ...     [(entry.id, entry.verdict_value, entry.diagnosis) for entry in verify(str(path))]
    [('half', 'refuted', 'sign: claimed = -1 × true')]
    """
    return verify_ledgers(ledgers or LEDGERS, dtypes=dtypes, workers=workers, callback=callback)


def _check_options(*, certify: float, save_every: float, keep: int) -> None:
    faults = []
    if not 0 <= certify <= 1:
        faults.append(f"certify is {certify}, not a share from 0 to 1 (--certify)")
    if not save_every >= 0:
        faults.append(f"save_every is {save_every}, not a number of at least 0 (--save-every)")
    if keep < 1:
        faults.append(f"keep is {keep}, not a whole number of at least 1 (--keep)")
    if faults:
        raise UsageError("; ".join(faults))


def _encode(source: Source, config: Config, reading: Reading, scratch: Path) -> Corpus:
    text = encode(
        source,
        directory=scratch,
        min_count=config.min_count,
        max_vocab=config.max_vocab,
        heldout_every=config.heldout_every,
        seed=config.seed,
        phrases=config.phrases,
        phrase_threshold=config.phrase_threshold,
        phrase_min_count=config.phrase_min_count,
        reading=reading,
    )
    stats = text.stats
    LOG.info(
        "%s words of text, %s in the vocabulary (%.1f s, %.1fM words/s)%s",
        f"{stats.words:,}",
        f"{len(text.vocab.words):,}",
        stats.seconds,
        stats.words_per_s / 1e6,
        stats.left_out,
    )
    if config.phrases:
        LOG.info("phrases: %s words joined to the one before", f"{stats.joined:,}")
    return text


def _warn_of_repeats(config: Config, loss: Loss | None, *, vocab: int) -> None:
    """Tell where a pair's negatives cannot all be different words."""
    draws = loss is not None or config.loss == "negative_sampling"
    if draws and config.negatives > vocab and processes.leads():
        LOG.warning(
            "%d negatives of a vocabulary of %d words: a pair draws some of them more than once; "
            "give fewer (--negatives)",
            config.negatives,
            vocab,
        )


def _encoded_with(text: Corpus) -> dict[str, Any]:
    """The options of a run that were used in encoding; its seed is of the held-out split alone."""
    options = text.options._asdict()
    return {name: options[name] for name in options if name != "seed"}


def _resumed(folder: Path, made_with: dict[str, Any]) -> checkpoint.Found:
    """The checkpoint to go on with, found and fitted by the first process, then by all."""
    if not processes.leads():
        processes.meet("resume")
        return checkpoint.find(folder, made_with)
    found = checkpoint.find(folder, made_with)
    if found.replicas != made_with["replicas"]:
        LOG.info("going on with %d replicas for %d", made_with["replicas"], found.replicas)
        found = checkpoint.rescaled(found, made_with)
    processes.meet("resume")
    return found


def _made_with(text: Corpus, config: Config, optimizer: Any, loss: Loss | None) -> dict[str, Any]:
    return {
        **fields_of(config),
        **_objects(optimizer, loss),
        "corpus": text.fingerprint,
    }


def _objects(optimizer: Any, loss: Loss | None) -> dict[str, str]:
    """What is given as an object, by name: it stands in the place of the config's."""
    given = {"optimizer": optimizer, "loss": None if loss is None else loss.loss}
    return {option: _name_of(it) for option, it in given.items() if it is not None}


def _name_of(given: Any) -> str:
    """Where a function or factory is found; of what has no name of its own, what it is.

    >>> _name_of(asdict), _name_of(lambda rate: rate), _name_of("adam")
    ('dataclasses.asdict', 'an object given (function)', 'adam')
    """
    if isinstance(given, str):
        return given
    name = getattr(given, "__qualname__", "<lambda>")
    if "<lambda>" in name:
        return f"an object given ({type(given).__name__})"
    return f"{given.__module__}.{name}"


def _stopped(
    folder: Path | None, result: loop.Result, made_with: dict[str, Any], *, keep: int
) -> InterruptedTrainingError:
    if not processes.leads():
        return InterruptedTrainingError(
            f"stopped after {result.calls} calls, which the first process saves"
        )
    if folder is None:
        return InterruptedTrainingError(f"stopped after {result.calls} calls; nothing was kept")
    checkpoint.save(folder, checkpoint.Checkpoint(result.state, result.calls, made_with), keep=keep)
    return InterruptedTrainingError(
        f"stopped after {result.calls} calls and saved in {folder}; go on with --resume"
    )


def _vectors(
    text: Corpus,
    config: Config,
    result: loop.Result,
    history: list[Progress],
    optimizer: Any,
    loss: Loss | None,
    *,
    checked: bool,
    certified: int,
    seconds: dict[str, float],
) -> Vectors:
    tables = loop.found(result.state)
    run = {
        "config": fields_of(config) | _objects(optimizer, loss),
        "approximations": config.approximations_of(own_loss=loss is not None),
        "backend": backend.describe(),
        "versions": versions(),
        "gradients_checked": checked,
        "blocks_certified": certified,
        "corpus": {"fingerprint": text.fingerprint, **text.stats._asdict()},
        "words": len(text.train.ids),
        "vocab": len(text.vocab.words),
        "epochs": config.epochs,
        "seconds": seconds,
        "words_per_s": result.words_per_s,
        "loss": result.loss,
        "heldout_loss": result.heldout_loss,
        "history": [progress._asdict() for progress in history[:: 1 + len(history) // HISTORY]],
    }
    V, ngrams = np.asarray(tables.V), None
    if config.ngrams is not None:
        V, ngrams = _composed(V, text, config.ngrams)
    return Vectors(
        tuple(text.vocab.words),
        V,
        np.asarray(tables.U),
        text.vocab.counts,
        run,
        ngrams,
    )


def _composed(V: np.ndarray, text: Corpus, kind: Ngrams) -> tuple[np.ndarray, NgramRows]:
    """The vectors of words that are made of n-grams, and the n-grams'."""
    made = subwords_of(text.vocab, kind)
    order = np.argsort(made.buckets)
    rows = V[len(text.vocab) :][order]
    return made.means(V), NgramRows(kind, made.buckets[order], rows)


def write_verdicts(
    path: Path, entries: Sequence[Entry], scores: Sequence[dict[str, Any]] = ()
) -> None:
    """Write entries as `jw2v verify --json` does: `{"version", "env", "entries": [...]}`.

    Scores of `score_ledgers`, where there are some, are "mutants" beside them.
    """
    record = {"version": 1, "env": environment(), "entries": [asdict(entry) for entry in entries]}
    if scores:
        record["mutants"] = list(scores)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def environment() -> dict[str, str]:
    """Backend and versions that verdicts were found with."""
    return {"backend": backend.describe(), **versions()}


def versions() -> dict[str, str]:
    """Versions beside that of JAX, which the backend tells."""
    return {
        "numpy": np.__version__,
        "jw2v": metadata.version("jw2v"),
        "python": platform.python_version(),
    }
