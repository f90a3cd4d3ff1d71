"""Text to ids: two passes, one over the text and one over its numbers, in flat memory."""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Int

from jw2v.corpus import store
from jw2v.corpus.heldout import is_heldout
from jw2v.corpus.lexicon import Lexicon
from jw2v.corpus.phrases import joined, phrases_of
from jw2v.corpus.plan import VOCABULARY, has_plan
from jw2v.corpus.records import AS_IT_IS, Options, Reading, Stats
from jw2v.corpus.refusals import Read, check_options, check_vocabulary, name_of, no_pair
from jw2v.corpus.sources import CHUNK_BYTES, Source, blocks, find, hashed
from jw2v.corpus.store import Corpus
from jw2v.corpus.tokens import Tokens, kept_lengths, split_ahead
from jw2v.corpus.writer import SentenceWriter, Spool, spool_in, workplace, writing
from jw2v.errors import DataError


def encode(
    source: Source,
    *,
    directory: str | Path,
    min_count: int = 5,
    max_vocab: int | None = None,
    heldout_every: int = 100,
    seed: int = 1,
    phrases: int = 0,
    phrase_threshold: float = 10.0,
    phrase_min_count: int = 5,
    reading: Reading = AS_IT_IS,
    progress: Callable[[int], object] | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Corpus:
    r"""Encodes a text as ids in a folder, and opens the result.

    One sentence a line; tokens stand between the ASCII blanks (space, \t \r \v \f). A line of
    more than 10,000 words counts as several. Phrases and the vocabulary are counted over the
    training lines only. Words that are not in it are dropped before windows are drawn, as in
    word2vec.c, and so are the sentences of which nothing is left.

    Args:
      source: a file, several, a folder, or "-"; see `find` and `blocks`.
      directory: folder for the result, made where it does not exist; an encoded corpus that is
        there already is replaced once the new one is whole.
      min_count: least occurrences of a word in the vocabulary, at least 1.
      max_vocab: most words in the vocabulary, at least 2; None sets no limit.
      heldout_every: one line in so many is held out, see `is_heldout`; 0 holds nothing out.
      seed: of the held-out split.
      phrases: passes in which neighbours are joined to one word, see `jw2v.corpus.phrases`: 1 makes
        phrases of two words, 2 of up to four; 0 none.
      phrase_threshold: the score above which they are, at least 0.
      phrase_min_count: how often they have to be met before they count, at least 1.
      reading: the text's encoding, and limits to it.
      progress: called with the number of words read so far, once a chunk.
      chunk_bytes: text held in memory at once, in bytes, a few times over; longer lines are cut.

    Returns:
      The corpus, memory-mapped.

    Raises:
      UsageError: an option is out of range.
      DataError: the text cannot be read, the folder cannot be written, or no window of the text
        would have a pair of words. Nothing is left in the folder then.

    Example:
      >>> import tempfile
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     text = Path(folder, "text")
      ...     _ = text.write_text("to be or not\nto be\n")
      ...     corpus = encode(text, directory=folder, min_count=2, heldout_every=0)
      >>> corpus.vocab.words, corpus.train.ids.tolist(), corpus.train.offsets.tolist()
      (('to', 'be'), [0, 1, 0, 1], [0, 2, 4])
    """
    start = time.perf_counter()
    of_phrases = phrases, phrase_threshold, phrase_min_count
    options = Options(min_count, max_vocab, heldout_every, seed, *of_phrases)
    check_options(options)
    inputs = find(source)
    if has_plan(Path(directory)):
        raise DataError(f"{directory} has shards in it; choose another folder (--out)")
    digest = hashlib.sha256()
    chunks = hashed(blocks(inputs, size=chunk_bytes, reading=reading), digest.update)
    with workplace(Path(directory)) as made, contextlib.ExitStack() as stack:
        spool = spool_in(made, stack)
        lexicon = _read(split_ahead(chunks), spool, options, progress)
        words = spool.tokens
        for _ in range(phrases):
            found = phrases_of(spool, lexicon, options, scratch=made)
            if not len(found):
                break
            text, spool = joined(spool, lexicon, found), spool_in(made, stack)
            lexicon = _read(text, spool, options)
        vocab, rank = lexicon.rank(min_count=min_count, max_vocab=max_vocab)
        read = _read_of(name_of(inputs), spool, lexicon)
        check_vocabulary(vocab, read, options)
        train = write_parts(spool, rank, made, options)
        if train.longest < 2:
            raise no_pair(read.name)
        vocab.save(made / VOCABULARY)
        seconds = time.perf_counter() - start
        stats = Stats(
            files=len(inputs),
            lines=spool.sentences,
            words=words,
            kept=int(vocab.counts.sum()),
            seconds=seconds,
            words_per_s=words / seconds,
            joined=words - spool.tokens,
            alone=train.alone,
        )
        store.write_record(made, stats, options, digest.hexdigest())
        store.publish(made, Path(directory))
    return store.load(Path(directory))


def _read(
    text: Iterable[Tokens],
    spool: Spool,
    options: Options,
    progress: Callable[[int], object] | None = None,
) -> Lexicon:
    lexicon = Lexicon()
    for tokens in text:
        lines = np.arange(spool.sentences, spool.sentences + len(tokens.lengths))
        heldout = is_heldout(lines, seed=options.seed, every=options.heldout_every)
        spool.append(lexicon.add(tokens, heldout), tokens.lengths)
        if progress is not None:
            progress(spool.tokens)
    return lexicon


def _read_of(name: str, spool: Spool, lexicon: Lexicon) -> Read:
    word, count = "", 0
    if spool.tokens:
        top = int(np.argmax(lexicon.counts))
        word, count = lexicon.words[top], int(lexicon.counts[top])
    return Read(name, spool.tokens, lexicon.training, word, count)


def write_parts(
    spool: Spool,
    rank: Int[np.ndarray, " types"],
    directory: Path,
    options: Options,
    *,
    first_line: int = 0,
) -> SentenceWriter:
    """Writes the sentences to train on and those held out.

    Args:
      spool: the text.
      rank: the id of each number of the spool, -1 where it has none.
      directory: folder for the arrays.
      options: which sentences are held out.
      first_line: number of the first sentence.

    Returns:
      What wrote the sentences to train on.
    """
    with writing(directory, "train") as train, writing(directory, "heldout") as rest:
        for piece in spool.pieces(line=first_line):
            ids = rank[piece.ids]
            lengths = kept_lengths(ids >= 0, piece.lengths)
            ids = ids[ids >= 0]
            heldout = is_heldout(piece.lines, seed=options.seed, every=options.heldout_every)
            of_heldout = np.repeat(heldout, lengths)
            train.append(ids[~of_heldout], lengths[~heldout])
            rest.append(ids[of_heldout], lengths[heldout])
    return train
