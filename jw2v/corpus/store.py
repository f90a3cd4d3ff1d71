"""The encoded corpus: what it holds, and its files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jw2v.corpus.plan import (
    VOCABULARY,
    Plan,
    has_plan,
    read_plan,
    read_vocabulary,
    shard_folder,
)
from jw2v.corpus.records import Options, Stats
from jw2v.corpus.refusals import no_pair
from jw2v.corpus.sentences import ARRAYS, PARTS, Sentences, check, damaged, joined, mapped
from jw2v.corpus.vocabulary import Vocabulary
from jw2v.errors import DataError
from jw2v.files import place_of, replacing_together

VERSION = 1
RECORD = "corpus.json"
FILES = (*ARRAYS, VOCABULARY, RECORD)
SHARD_FILES = (*ARRAYS, RECORD)


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
        however the text is compressed or divided into files. Of shards, that of their plan.
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


def publish(made: Path, directory: Path, *, names: Sequence[str] = FILES) -> None:
    """Moves the whole files of `made` to `directory`, which holds all of the old or of the new.

    Raises:
      DataError: they cannot be moved.
    """
    with replacing_together(directory, names) as paths:
        for name, path in zip(names, paths, strict=True):
            (made / name).replace(path)


def is_encoded(path: str | Path) -> bool:
    """Whether a path is the folder of an encoded corpus, whole or in shards.

    >>> is_encoded("corpus.txt")
    False
    """
    return place_of(Path(path), RECORD).exists() or has_plan(Path(path))


def open_corpus(directory: str | Path) -> Corpus:
    """Opens what `encode` wrote, or all shards of a plan, after a check of sizes, offsets and ids.

    Args:
      directory: the folder that `encode` was given, or that the shards are in.

    Returns:
      The corpus, memory-mapped; of shards, one whose arrays are read from their files.

    Raises:
      DataError: there is no encoded corpus, or one of its files is missing, cut short, of another
        version or contradicts the others; or a shard is missing, or was encoded by another plan.

    >>> open_corpus("nowhere")
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: no encoded corpus in nowhere; encode a text there first
    """
    corpus = load(Path(directory))
    for folder in _folders(Path(directory)):
        for part in PARTS:
            check(mapped(folder, part), folder, part, vocab=len(corpus.vocab))
    total = int(corpus.vocab.counts.sum())
    if not total == corpus.stats.kept == len(corpus.train.ids):
        raise damaged(Path(directory) / VOCABULARY, "its counts are not those of train.ids.npy")
    if len(corpus.train.ids) < len(corpus.train.offsets):  # no more words than sentences
        raise no_pair(str(directory))
    return corpus


def load(directory: Path) -> Corpus:
    """`open_corpus` without the checks that read every id."""
    if has_plan(directory):
        return _of_shards(directory, read_plan(directory))
    stats, options, fingerprint = _read_record(directory)
    train, heldout = (mapped(directory, part) for part in PARTS)
    vocab = Vocabulary.load(place_of(directory, VOCABULARY))
    return Corpus(vocab, train, heldout, stats, options, fingerprint, directory)


def _folders(directory: Path) -> list[Path]:
    """Where the arrays of a corpus are."""
    if not has_plan(directory):
        return [directory]
    return [shard_folder(directory, i) for i in range(len(read_plan(directory).shards))]


def _of_shards(directory: Path, plan: Plan) -> Corpus:
    vocab = read_vocabulary(directory, plan)
    stats = [_shard_stats(directory, plan, number) for number in range(len(plan.shards))]
    train, heldout = (joined(_folders(directory), part) for part in PARTS)
    return Corpus(vocab, train, heldout, _sum(stats), plan.options, plan.fingerprint, directory)


def _shard_stats(directory: Path, plan: Plan, number: int) -> Stats:
    """What was read of a shard.

    Raises:
      DataError: it is not there, or was encoded by another plan.
    """
    which = f"shard {number + 1} of {len(plan.shards)}, {plan.shards[number].name},"
    folder = shard_folder(directory, number)
    if not place_of(folder, RECORD).exists():
        raise DataError(f"{which} is not in {directory}; encode it there (jw2v encode --vocab)")
    stats, _, fingerprint = _read_record(folder)
    if fingerprint != plan.fingerprint:
        raise DataError(
            f"{which} is encoded with another vocabulary in {folder}; encode it anew "
            f"(jw2v encode --vocab {directory})"
        )
    return stats


def _sum(stats: Sequence[Stats]) -> Stats:
    files, lines, words, kept, _, _, _, alone = map(sum, zip(*stats, strict=True))
    return Stats(files, lines, words, kept, 0.0, 0.0, alone=alone)


def _read_record(directory: Path) -> tuple[Stats, Options, str]:
    path = place_of(directory, RECORD)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        version = record["version"]
        if version != VERSION:
            raise DataError(
                f"{path} is of format {version}, this jw2v reads {VERSION}; encode the text anew"
            )
        stats, options = Stats(**record["stats"]), Options(**record["options"])
        return stats, options, str(record["fingerprint"])
    except FileNotFoundError:
        raise DataError(f"no encoded corpus in {directory}; encode a text there first") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; encode the text anew") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise damaged(path, "it is not the record of a corpus") from None
