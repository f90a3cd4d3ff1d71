"""The two systems: `python systems.py SYSTEM JOB` trains one and prints a line of JSON.

Every measured run is a fresh process of this program. It is pinned to its cores before anything
heavy is imported, and the process of one system never imports the other.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

USUAL = {"model": "skipgram", "loss": "negative_sampling", "cbow_mean": True, "minn": 0, "maxn": 0}
SHARED = ("dim", "window", "negatives", "epochs", "min_count", "sample", "ns_exponent", *USUAL)
GENSIM = {"alpha": 0.025, "min_alpha": 1e-4, "bucket": 2_000_000}  # its own defaults


class Job(NamedTuple):
    """One run, as JSON can hold it."""

    text: str  # training text, one sentence a line
    out: str  # folder for the vectors
    cpus: list[int] | None  # cores to run on; None where a process cannot be pinned
    settings: dict[str, Any]  # options, all but the seed
    seed: int
    unseen: tuple[str, ...] = ()  # words that are not in the text, to be made of n-grams
    programs: str | None = None  # folder of XLA's programs; None: each run compiles


class Report(NamedTuple):
    """What a system says of its run."""

    words: int  # tokens of the text
    kept: int  # of them, in the vocabulary
    vocab: int
    seconds: dict[str, float]  # vocabulary, compile, train; total: from the text to saved vectors
    backend: str | None = None  # and devices, of JAX


def train_jw2v(job: Job) -> Report:
    """As `jw2v train` does it: gradients checked first, vectors saved."""
    import jw2v
    from jw2v.errors import DataError
    from jw2v.training import backend

    config = jw2v.Config(**job.settings, seed=job.seed)
    if config.has_small_products:
        backend.one_thread()
    began = time.perf_counter()
    run = jw2v.train(job.text, config, out=job.out).run
    total = time.perf_counter() - began
    _save_unseen(jw2v.load(job.out), job, unknown=DataError)
    parts = {name: run["seconds"][name] for name in ("vocabulary", "compile", "train")}
    seconds = {**parts, "total": total}
    return Report(run["corpus"]["words"], run["words"], run["vocab"], seconds, run["backend"])


def train_gensim(job: Job) -> Report:
    """The two steps of gensim's constructor, timed apart; the arrays saved as they are."""
    from gensim.models import FastText, Word2Vec

    s = job.settings
    tree = s["loss"] == "hierarchical_softmax"
    ngrams = {"min_n": s["minn"], "max_n": s["maxn"], "bucket": s["bucket"]} if s["maxn"] else {}
    began = time.perf_counter()
    model = (FastText if ngrams else Word2Vec)(
        vector_size=s["dim"],
        window=s["window"],
        sg=int(s["model"] == "skipgram"),
        cbow_mean=int(s["cbow_mean"]),
        hs=int(tree),
        negative=0 if tree else s["negatives"],
        epochs=s["epochs"],
        min_count=s["min_count"],
        sample=s["sample"],
        ns_exponent=s["ns_exponent"],
        workers=s["workers"],
        seed=job.seed,
        alpha=s["alpha"],
        min_alpha=s["min_alpha"],
        **ngrams,
    )
    model.build_vocab(corpus_file=job.text)
    counted = time.perf_counter()
    words = model.corpus_total_words
    assert words is not None  # counted just now
    model.train(
        corpus_file=job.text,
        total_examples=model.corpus_count,
        total_words=words,
        epochs=model.epochs,
    )
    trained = time.perf_counter()
    kept = _save(model, Path(job.out))
    total = time.perf_counter() - began
    _save_unseen(model.wv, job, unknown=KeyError)
    seconds = {"vocabulary": counted - began, "compile": 0.0, "train": trained - counted}
    return Report(words, kept, len(model.wv), {**seconds, "total": total})


def _save(model: Any, folder: Path) -> int:
    """Save the words and the tables of words; give the sum of the counts."""
    import numpy as np

    folder.mkdir(parents=True)
    np.save(folder / "V.npy", model.wv.vectors)
    if model.negative:
        np.save(folder / "U.npy", model.syn1neg)
    counts = [model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key]
    rows = zip(model.wv.index_to_key, counts, strict=True)
    lines = "".join(f"{word} {count}\n" for word, count in rows)
    (folder / "vocab.txt").write_text(lines, encoding="utf-8", newline="\n")
    return int(sum(counts))


def _save_unseen(vectors: Any, job: Job, *, unknown: type[Exception]) -> None:
    """Save what a system makes of words that it has not seen, but for those it knows nothing of."""
    import numpy as np

    made = {}
    for word in job.unseen:
        with contextlib.suppress(unknown):
            made[word] = vectors[word]
    if made:
        np.savez(Path(job.out) / "unseen.npz", words=list(made), vectors=list(made.values()))


SYSTEMS: dict[str, Callable[[Job], Report]] = {"gensim": train_gensim, "jw2v": train_jw2v}


if __name__ == "__main__":
    system, job = sys.argv[1], Job(**json.loads(sys.argv[2]))
    if job.cpus is not None:
        os.sched_setaffinity(0, job.cpus)
    print(json.dumps(SYSTEMS[system](job)._asdict()))
