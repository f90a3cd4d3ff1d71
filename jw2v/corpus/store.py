"""The encoded corpus: what it holds, and its files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from jw2v.corpus.vocabulary import Vocabulary
from jw2v.errors import DataError
from jw2v.files import place_of, replacing_together

VERSION = 1
PARTS = ("train", "heldout")
FILES = (*(f"{part}.{kind}.npy" for part in PARTS for kind in ("ids", "offsets")), "vocab.txt")
RECORD = "corpus.json"

_SLICE = 1 << 24  # ids checked at once


class Sentences(NamedTuple):
    """Sentence i is `ids[offsets[i]:offsets[i + 1]]`; none is empty."""

    ids: Int[np.ndarray, " tokens"]  # int32, memory-mapped
    offsets: Int[np.ndarray, " bounds"]  # int64, memory-mapped, one more than there are sentences


class Options(NamedTuple):
    """How the text was encoded."""

    min_count: int
    max_vocab: int | None
    heldout_every: int
    seed: int
    phrases: int = 0
    phrase_threshold: float = 10.0
    phrase_min_count: int = 5


class Stats(NamedTuple):
    """What was read, and how fast."""

    files: int
    lines: int  # held-out and empty ones too
    words: int  # tokens read
    kept: int  # tokens of training text in the vocabulary
    seconds: float
    words_per_s: float
    joined: int = 0  # words joined to the one before, by phrases


@dataclass(frozen=True, eq=False)
class Corpus:
    """An encoded text.

    Attributes:
      vocab: words and their counts in the training text, or in more than that; see `share`.
      train: the sentences to train on.
      heldout: the sentences never trained on.
      stats: what was read.
      options: how it was encoded.
      fingerprint: SHA-256 of the text, in hex: of the chunks of `blocks`, so that it is the same
        however the text is compressed or divided into files.
      directory: the folder of its files; None where it has none.
    """

    vocab: Vocabulary
    train: Sentences
    heldout: Sentences
    stats: Stats
    options: Options
    fingerprint: str
    directory: Path | None = None

    @property
    def share(self) -> float:
        """Words of the training text by what the counts add up to: 1 where they count it alone."""
        return len(self.train.ids) / int(self.vocab.counts.sum())


def write_record(directory: Path, stats: Stats, options: Options, fingerprint: str) -> None:
    """Writes what is known of the corpus beside its arrays."""
    record = {
        "version": VERSION,
        "fingerprint": fingerprint,
        "options": options._asdict(),
        "stats": stats._asdict(),
    }
    (directory / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def publish(made: Path, directory: Path) -> None:
    """Moves the whole files of `made` to `directory`, which holds all of the old or of the new.

    Raises:
      DataError: they cannot be moved.
    """
    names = (*FILES, RECORD)
    with replacing_together(directory, names) as paths:
        for name, path in zip(names, paths, strict=True):
            (made / name).replace(path)


def open_corpus(directory: str | Path) -> Corpus:
    """Opens what `encode` wrote, memory-mapped, after a check of sizes, offsets and ids.

    Args:
      directory: the folder that `encode` was given.

    Returns:
      The corpus.

    Raises:
      DataError: there is no encoded corpus, or one of its files is missing, cut short, of another
        version or contradicts the others.

    >>> open_corpus("nowhere")
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: no encoded corpus in nowhere; encode a text there first
    """
    corpus = load(Path(directory))
    for part, sentences in zip(PARTS, (corpus.train, corpus.heldout), strict=True):
        _check_offsets(sentences, Path(directory) / f"{part}.offsets.npy")
        _check_ids(sentences, len(corpus.vocab), Path(directory) / f"{part}.ids.npy")
    total = int(corpus.vocab.counts.sum())
    if not total == corpus.stats.kept == len(corpus.train.ids):
        raise _damaged(Path(directory) / "vocab.txt", "its counts are not those of train.ids.npy")
    return corpus


def load(directory: Path) -> Corpus:
    """`open_corpus` without the checks that read every id."""
    path = place_of(directory, RECORD)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        version = record["version"]
        if version != VERSION:
            raise DataError(
                f"{path} is of format {version}, this jw2v reads {VERSION}; encode the text anew"
            )
        stats, options = Stats(**record["stats"]), Options(**record["options"])
        fingerprint = str(record["fingerprint"])
    except FileNotFoundError:
        raise DataError(f"no encoded corpus in {directory}; encode a text there first") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; encode the text anew") from None
    except (ValueError, KeyError, TypeError):
        raise _damaged(path, "it is not the record of a corpus") from None
    train, heldout = (
        Sentences(
            _map(place_of(directory, f"{part}.ids.npy"), np.int32),
            _map(place_of(directory, f"{part}.offsets.npy"), np.int64),
        )
        for part in PARTS
    )
    vocab = Vocabulary.load(place_of(directory, "vocab.txt"))
    return Corpus(vocab, train, heldout, stats, options, fingerprint, directory)


def _map(path: Path, dtype: type[np.generic]) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; encode the text anew") from None
    except (ValueError, EOFError):
        raise _damaged(path, "it is not a whole array") from None
    if array.dtype != dtype or array.ndim != 1:
        raise _damaged(path, f"it holds {array.dtype} {list(array.shape)}")
    if array.offset + array.nbytes != path.stat().st_size:
        raise _damaged(path, "it is longer than its array")
    return array


def _check_offsets(sentences: Sentences, path: Path) -> None:
    offsets = sentences.offsets
    bounds = len(offsets) > 0 and offsets[0] == 0 and offsets[-1] == len(sentences.ids)
    if not bounds or (offsets[1:] <= offsets[:-1]).any():
        raise _damaged(path, "its offsets do not divide the ids into sentences")


def _check_ids(sentences: Sentences, vocab: int, path: Path) -> None:
    for start in range(0, len(sentences.ids), _SLICE):
        ids = sentences.ids[start : start + _SLICE]
        if ids.min() < 0 or ids.max() >= vocab:
            raise _damaged(path, f"an id is not in [0, {vocab})")


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path} is damaged: {what}; encode the text anew")
