"""The plan of a corpus made in shards: which there are, where each begins, and their vocabulary.

`jw2v merge` writes it once, as `shards.json` and `vocab.txt` of a folder; each shard's ids are then
a numbered folder beside them, which says by the plan's fingerprint what it was encoded with.
"""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from jw2v.corpus.records import Options
from jw2v.corpus.vocabulary import Vocabulary
from jw2v.errors import DataError
from jw2v.files import place_of, replacing, replacing_together

VERSION = 1
PLAN, VOCABULARY = "shards.json", "vocab.txt"


class Shard(NamedTuple):
    """One file of text of several."""

    name: str  # of the file, without its folder
    sha256: str  # of its text, in hex; of the chunks of `blocks`
    first_line: int  # sentences of the shards before it
    lines: int  # its own, empty ones too
    words: int  # tokens


class Plan(NamedTuple):
    """What the shards of a corpus are encoded with."""

    options: Options
    vocabulary: str  # SHA-256 of vocab.txt, in hex
    shards: tuple[Shard, ...]  # in the order of the text

    @property
    def text(self) -> str:
        """The plan as JSON."""
        record = {
            "version": VERSION,
            "options": self.options._asdict(),
            "vocabulary": self.vocabulary,
            "shards": [shard._asdict() for shard in self.shards],
        }
        return json.dumps(record, indent=1) + "\n"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all of this, in hex: the same for the same shards, words and options."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def number(self, name: str, sha256: str) -> int:
        """Which shard this text is; where several have the same text, the name decides.

        Raises:
          DataError: it is none.
        """
        same = [i for i, shard in enumerate(self.shards) if shard.sha256 == sha256]
        if len(same) > 1:
            same = [i for i in same if self.shards[i].name == name]
        if not same:
            raise DataError(
                f"{name} is none of the shards that were counted, or has changed since; "
                "count it and merge all counts anew (jw2v count, jw2v merge)"
            )
        return same[0]


def shard_folder(directory: Path, number: int) -> Path:
    """Where a shard's ids are.

    >>> shard_folder(Path("corpus"), 12).as_posix()
    'corpus/00012'
    """
    return directory / f"{number:05d}"


def write_plan(
    directory: Path, vocab: Vocabulary, options: Options, shards: tuple[Shard, ...]
) -> Plan:
    """Writes plan and vocabulary to a folder, both or none.

    Raises:
      DataError: they cannot be written.
    """
    with replacing_together(directory, (VOCABULARY, PLAN)) as (words, path):
        vocab.save(words)
        plan = Plan(options, _sha256(words), shards)
        path.write_text(plan.text, encoding="utf-8")
    return plan


def bring_plan(source: Path, directory: Path) -> None:
    """Sees to it that a folder has the plan and vocabulary of another.

    Raises:
      DataError: it has those of other shards, or they cannot be written.
    """
    plan = read_plan(source)
    if has_plan(directory):
        if read_plan(directory) != plan:
            raise DataError(
                f"{directory} has shards of another vocabulary; choose another folder (--out)"
            )
        return
    # One after the other: several processes may do so at once, with the same bytes.
    for name in (VOCABULARY, PLAN):
        with replacing(directory / name) as path:
            path.write_bytes(place_of(source, name).read_bytes())


def has_plan(directory: Path) -> bool:
    """Whether a folder is that of a corpus in shards."""
    return place_of(directory, PLAN).exists()


def read_plan(directory: Path) -> Plan:
    """Reads what `write_plan` wrote, but for the words.

    Raises:
      DataError: there is none, or it is damaged or of another version.
    """
    path = place_of(directory, PLAN)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["version"] != VERSION:
            raise DataError(
                f"{path} is of format {record['version']}, this jw2v reads {VERSION}; "
                "merge the counts anew"
            )
        shards = tuple(Shard(**shard) for shard in record["shards"])
        plan = Plan(Options(**record["options"]), str(record["vocabulary"]), shards)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(
            f"no vocabulary of shards in {directory}; merge their counts there (jw2v merge --out)"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; merge the counts anew") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(f"{path} is damaged: it is no plan; merge the counts anew") from None
    return plan


def read_vocabulary(directory: Path, plan: Plan) -> Vocabulary:
    """The words of a plan.

    Raises:
      DataError: they are not there, or others.
    """
    path = place_of(directory, VOCABULARY)
    try:
        found = _sha256(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; merge the counts anew") from None
    if found != plan.vocabulary:
        raise DataError(f"{path} is not the vocabulary of {PLAN}; merge the counts anew")
    return Vocabulary.load(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
