"""Every reader, and valid files for it, which are to be damaged."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np

from jw2v.corpus import Counts, blocks, count, encode, encode_shard, open_corpus, plan_shards
from jw2v.corpus.plan import PLAN, VOCABULARY, shard_folder
from jw2v.corpus.store import FILES as CORPUS
from jw2v.corpus.store import SHARD_FILES
from jw2v.corpus.subwords import Ngrams
from jw2v.training.checkpoint_files import NAME as CHECKPOINT
from jw2v.training.checkpoint_files import Record, find, write
from jw2v.vectors import (
    Vectors,
    load,
    read_glove,
    read_model2vec,
    read_projector,
    read_word2vec,
    read_word2vec_binary,
    save,
    write_model2vec,
    write_projector,
)
from jw2v.vectors.formats import WRITERS
from jw2v.vectors.ngrams import NgramRows
from jw2v.vectors.questions import read_pairs, read_questions
from jw2v.vectors.store import FILES, read_folder

ONE = "file"
MADE_WITH = {"dim": 2, "optimizer": "adam"}
WORDS = ("the", "king", "café", "new_york", *(f"word{number}" for number in range(36)))
DIM = 12
TEXT = "the king and the queen\nto be or not to be\ncafé new york\n" * 40
LETTERS = Random(0).choices("abcdefgh \n", k=8000)  # what cannot be packed to nothing


class Reader(NamedTuple):
    """What is fuzzed.

    Attributes:
      make: writes valid files to a folder.
      read: reads them.
      files: those that are damaged, one at a time.
      holds: of what is read under a checksum, a value that no damage may change.
    """

    make: Callable[[Path], object]
    read: Callable[[Path], Any]
    files: tuple[str, ...] = (ONE,)
    holds: Callable[[Any], object] = type


def _of_file(make: Callable[[Path], object], read: Callable[[Path], object]) -> Reader:
    return Reader(lambda folder: make(folder / ONE), lambda folder: read(folder / ONE))


def _vectors(*, ngrams: bool = False) -> Vectors:
    rng = np.random.default_rng(0)
    tables = [rng.standard_normal((len(WORDS), DIM)).astype(np.float32) for _ in range(2)]
    counts = np.arange(len(WORDS), 0, -1)
    kind = Ngrams(3, 4, 100)
    buckets = np.unique(kind.of(WORDS).ids).astype(np.int64)
    rows = rng.standard_normal((len(buckets), DIM)).astype(np.float32)
    of_ngrams = NgramRows(kind, buckets, rows) if ngrams else None
    return Vectors(WORDS, tables[0], tables[1], counts, {"epochs": 5, "loss": 2.5}, of_ngrams)


def _tables(vectors: Vectors) -> object:
    tables = [vectors.vectors, vectors.outside, vectors.counts]
    if vectors.ngrams is not None:
        tables += vectors.ngrams.tensors().values()
    return vectors.words, [table.tobytes() for table in tables], dict(vectors.run)


def _export(format: str, path: Path) -> None:
    WRITERS[format](_vectors(), path)


def _make_checkpoint(folder: Path) -> None:
    write(folder, [np.ones((99, 2)), np.arange(99)], Record(7, MADE_WITH))


def _make_text(pack: Callable[[bytes], bytes], name: str, folder: Path) -> None:
    (folder / name).write_bytes(pack((TEXT if pack is bytes else "".join(LETTERS)).encode()))


def _text(pack: Callable[[bytes], bytes], name: str) -> Reader:
    return Reader(
        partial(_make_text, pack, name),
        lambda folder: b"".join(chunk.data for chunk in blocks(folder / name)),
        (name,),
        type if pack is bytes else bytes,
    )


def _make_corpus(folder: Path) -> None:
    (folder / "text").write_text(TEXT, encoding="utf-8")
    encode(folder / "text", directory=folder, min_count=1, heldout_every=3)


def _make_counts(folder: Path) -> Counts:
    (folder / "text").write_text(TEXT, encoding="utf-8")
    counts = count(folder / "text", heldout_every=3)
    counts.save(folder / ONE)
    return counts


def _make_shards(folder: Path) -> None:
    plan_shards([_make_counts(folder)], directory=folder, min_count=1)
    encode_shard(folder / "text", vocab=folder)


def _counted(counts: Counts) -> object:
    return str(counts.table.to_pydict()), counts.shards, counts.heldout_every, counts.seed


OF_SHARD = tuple(f"{shard_folder(Path(), 0)}/{name}" for name in SHARD_FILES)
PAIRS = "# word1\tword2\tscore\n" + "king\tqueen\t8.5\nto\tbe\t3.25\ncafé\tnew_york\t0\n" * 40
QUESTIONS = ": capitals\nathens greece oslo norway\n: family\nking queen he she\n" * 40

READERS = {
    "word2vec": _of_file(partial(_export, "word2vec"), read_word2vec),
    "word2vec-bin": _of_file(partial(_export, "word2vec-bin"), read_word2vec_binary),
    "glove": _of_file(partial(_export, "glove"), read_glove),
    "any text": _of_file(partial(_export, "word2vec"), load),
    "any binary": _of_file(partial(_export, "word2vec-bin"), load),
    "projector": Reader(
        partial(write_projector, _vectors()), read_projector, ("vectors.tsv", "metadata.tsv")
    ),
    "model2vec": Reader(
        partial(write_model2vec, _vectors()),
        read_model2vec,
        ("model.safetensors", "tokenizer.json"),
    ),
    "vectors": Reader(partial(save, _vectors()), read_folder, FILES, _tables),
    "vectors with n-grams": Reader(
        partial(save, _vectors(ngrams=True)), read_folder, FILES, _tables
    ),
    "corpus": Reader(_make_corpus, open_corpus, CORPUS),
    "counts": Reader(_make_counts, lambda folder: Counts.load(folder / ONE), (ONE,), _counted),
    "corpus in shards": Reader(_make_shards, open_corpus, (*OF_SHARD, PLAN, VOCABULARY)),
    "checkpoint": Reader(
        _make_checkpoint, lambda folder: find(folder, MADE_WITH), (CHECKPOINT.format(7),), tuple
    ),
    "pairs": _of_file(
        lambda path: path.write_text(PAIRS, encoding="utf-8"), lambda path: list(read_pairs(path))
    ),
    "analogies": _of_file(
        lambda path: path.write_text(QUESTIONS, encoding="utf-8"), read_questions
    ),
    "text": _text(bytes, "text"),
    "text.gz": _text(partial(gzip.compress, mtime=0), "text.gz"),
    "text.bz2": _text(bz2.compress, "text.bz2"),
    "text.xz": _text(lzma.compress, "text.xz"),
}
