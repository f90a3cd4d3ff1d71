r"""A corpus made in shards: their counts merged to a plan, and each encoded by it, wherever it is.

The steps are pure, so that any engine can run them: `count_lines` and `count` of each shard, one
`plan_shards` of all counts, `encode_shard` of each, and `open_corpus` of the folder, which holds
the very sentences, words and ids that `encode` makes of the shards' text in one process.

>>> import tempfile
>>> from jw2v.corpus import count, encode, encode_shard, open_corpus, plan_shards
>>> with tempfile.TemporaryDirectory() as name:
...     shards = [Path(name, "1.txt"), Path(name, "2.txt")]
...     _ = [shard.write_text("to be or not to be\n" * 3) for shard in shards]
...     counts = [count(shard, first_line=3 * i) for i, shard in enumerate(shards)]
...     _ = plan_shards(counts, directory=Path(name, "corpus"))
...     _ = [encode_shard(shard, vocab=Path(name, "corpus")) for shard in shards]
...     corpus = open_corpus(Path(name, "corpus"))
...     whole = encode(shards, directory=Path(name, "whole"))
...     np.array_equal(np.asarray(corpus.train.ids), whole.train.ids)
True
"""

import contextlib
import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from jw2v.corpus import store
from jw2v.corpus.counting import shard_name
from jw2v.corpus.counts import Counts, merge
from jw2v.corpus.encode import write_parts
from jw2v.corpus.lexicon import ranked
from jw2v.corpus.plan import (
    Plan,
    bring_plan,
    has_plan,
    read_plan,
    read_vocabulary,
    shard_folder,
    write_plan,
)
from jw2v.corpus.records import AS_IT_IS, Options, Reading, Stats
from jw2v.corpus.refusals import Read, check_options, check_vocabulary
from jw2v.corpus.sources import Chunk, Source, blocks, find, hashed
from jw2v.corpus.tokens import split_ahead
from jw2v.corpus.vocabulary import Vocabulary
from jw2v.corpus.writer import SentenceWriter, Spool, spool_in, workplace
from jw2v.errors import DataError


def plan_shards(
    counts: Iterable[Counts],
    *,
    directory: str | Path,
    min_count: int = 5,
    max_vocab: int | None = None,
) -> Plan:
    """Merges the counts of all shards to a vocabulary, and writes it and the plan to a folder.

    Args:
      counts: of each shard, in any order, or merged before.
      directory: folder for the result, made where it does not exist.
      min_count: least occurrences of a word in the vocabulary, at least 1.
      max_vocab: most words in the vocabulary, at least 2; None sets no limit.

    Raises:
      UsageError: an option is out of range, or there are no counts.
      DataError: counts do not fit together, a shard is missing between two, the folder cannot be
        written or has an encoded text, or no pair of words is in the vocabulary.
    """
    check_options(Options(min_count, max_vocab))
    total, folder = merge(counts), Path(directory)
    _check_whole(total)
    options = Options(min_count, max_vocab, total.heldout_every, total.seed)
    vocab = _vocabulary(total, options)
    check_vocabulary(vocab, _read_of(total), options)
    _check_place(folder)
    with workplace(folder):
        return write_plan(folder, vocab, options, total.shards)


def encode_shard(
    source: Source,
    *,
    vocab: str | Path,
    directory: str | Path | None = None,
    reading: Reading = AS_IT_IS,
) -> Path:
    """Encodes one of the shards of a plan.

    Args:
      source: the shard, known by the checksum of its text.
      vocab: the folder that `plan_shards` wrote.
      directory: folder for the result, which is a numbered one in it; by default `vocab`. Another
        is given plan and vocabulary, too.
      reading: the shard's encoding, and limits to it.

    Returns:
      The shard's folder, which `open_corpus` opens with those of all the others.

    Raises:
      DataError: the text cannot be read, or is none of the shards; the folder cannot be written, or
        has another plan or an encoded text.
    """
    inputs, vocab = find(source), Path(vocab)
    folder = vocab if directory is None else Path(directory)
    plan = read_plan(vocab)
    words = read_vocabulary(vocab, plan)
    _check_place(folder)
    digest = hashlib.sha256()
    with workplace(folder) as scratch, contextlib.ExitStack() as stack:
        spool = spool_in(scratch, stack)
        _read(hashed(blocks(inputs, reading=reading), digest.update), words, spool)
        number = plan.number(shard_name(inputs), digest.hexdigest())
        bring_plan(vocab, folder)
        place = shard_folder(folder, number)
        with workplace(place) as made:
            train = _write(spool, plan, number, made, known=len(words))
            # No times: what is made of the same shard is the same, to the byte.
            read = len(inputs), spool.sentences, spool.tokens, train.words
            stats = Stats(*read, 0.0, 0.0, alone=train.alone)
            store.write_record(made, stats, plan.options, plan.fingerprint)
            store.publish(made, place, names=store.SHARD_FILES)
    return place


def _check_place(folder: Path) -> None:
    if store.is_encoded(folder) and not has_plan(folder):
        raise DataError(f"{folder} has an encoded text in it; choose another folder (--out)")


def _read(chunks: Iterable[Chunk], words: Vocabulary, spool: Spool) -> None:
    """Spool the ids of a text; a word that is not in the vocabulary has the number after them."""
    ids, unknown = words.index, len(words)
    for tokens in split_ahead(chunks):
        found = (ids.get(word, unknown) for word in tokens.words)
        numbers = np.fromiter(found, np.int32, len(tokens.words))
        spool.append(numbers[tokens.ids], tokens.lengths)


def _write(spool: Spool, plan: Plan, number: int, directory: Path, *, known: int) -> SentenceWriter:
    """Write both parts; gives what wrote the sentences to train on."""
    rank = np.append(np.arange(known, dtype=np.int32), np.int32(-1))
    first_line = plan.shards[number].first_line
    return write_parts(spool, rank, directory, plan.options, first_line=first_line)


def _check_whole(counts: Counts) -> None:
    line = 0
    for shard in counts.shards:
        if shard.first_line != line:
            raise DataError(
                f"no counts of the shard at line {line}, before {shard.name} (line "
                f"{shard.first_line}); give them, or count {shard.name} anew (--first-line {line})"
            )
        line += shard.lines


def _vocabulary(counts: Counts, options: Options) -> Vocabulary:
    # Rows rise by first appearance, so that their own order decides ties.
    order = ranked(
        counts.counts,
        np.arange(len(counts.table)),
        min_count=options.min_count,
        max_vocab=options.max_vocab,
    )
    return Vocabulary(tuple(counts.table["word"].take(order).to_pylist()), counts.counts[order])


def _read_of(counts: Counts) -> Read:
    first, last = counts.shards[0].name, counts.shards[-1].name
    name = first if first == last else f"{first} to {last}"
    words, training = sum(shard.words for shard in counts.shards), int(counts.counts.sum())
    if not training:
        return Read(name, words, training, "", 0)
    top = int(np.argmax(counts.counts))
    return Read(name, words, training, counts.table["word"][top].as_py(), int(counts.counts[top]))
