"""Text to ids: two passes, one over the text and one over its numbers, in flat memory."""

import contextlib
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Int

from jw2v.corpus import store
from jw2v.corpus.heldout import is_heldout
from jw2v.corpus.lexicon import Lexicon
from jw2v.corpus.phrases import joined, phrases_of
from jw2v.corpus.sources import CHUNK_BYTES, Chunk, Source, blocks, find
from jw2v.corpus.store import Corpus, Options, Stats
from jw2v.corpus.tokens import Tokens, kept_lengths, split_ahead
from jw2v.corpus.vocabulary import Vocabulary
from jw2v.corpus.writer import Spool, writing
from jw2v.errors import DataError, UsageError


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
      progress: called with the number of words read so far, once a chunk.
      chunk_bytes: text held in memory at once, in bytes, a few times over; longer lines are cut.

    Returns:
      The corpus, memory-mapped.

    Raises:
      UsageError: an option is out of range.
      DataError: the text cannot be read, the folder cannot be written, or no window of the text
        would have a pair of words. Nothing is left in the folder then.

    Example:
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
    _validate(options)
    inputs = find(source)
    name = _name(inputs)
    digest = hashlib.sha256()
    chunks = _hashed(blocks(inputs, size=chunk_bytes), digest.update)
    with _workplace(Path(directory)) as made, contextlib.ExitStack() as stack:
        spool = _spool(made, stack)
        lexicon = _read(split_ahead(chunks), spool, options, progress)
        words = spool.tokens
        for _ in range(phrases):
            found = phrases_of(spool, lexicon, options, scratch=made)
            if not len(found):
                break
            text, spool = joined(spool, lexicon, found), _spool(made, stack)
            lexicon = _read(text, spool, options)
        vocab, rank = lexicon.rank(min_count=min_count, max_vocab=max_vocab)
        _check_vocabulary(vocab, lexicon, spool, name, options)
        if _write(spool, rank, made, options) < 2:
            raise DataError(
                f"no sentence of {name} has two words in the vocabulary, so no window has a pair; "
                "lower --min-count, or give longer lines"
            )
        vocab.save(made / "vocab.txt")
        seconds = time.perf_counter() - start
        stats = Stats(
            files=len(inputs),
            lines=spool.sentences,
            words=words,
            kept=int(vocab.counts.sum()),
            seconds=seconds,
            words_per_s=words / seconds,
            joined=words - spool.tokens,
        )
        store.write_record(made, stats, options, digest.hexdigest())
        store.publish(made, Path(directory))
    return store.load(Path(directory))


def _spool(directory: Path, stack: contextlib.ExitStack) -> Spool:
    """A spool on a file without a name, so that nothing is left of it."""
    return Spool(stack.enter_context(tempfile.TemporaryFile(dir=directory)))


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


def _write(spool: Spool, rank: Int[np.ndarray, " types"], directory: Path, options: Options) -> int:
    """Writes both parts; gives the length of the longest training sentence."""
    with writing(directory, "train") as train, writing(directory, "heldout") as rest:
        for piece in spool.pieces():
            ids = rank[piece.ids]
            lengths = kept_lengths(ids >= 0, piece.lengths)
            ids = ids[ids >= 0]
            heldout = is_heldout(piece.lines, seed=options.seed, every=options.heldout_every)
            of_heldout = np.repeat(heldout, lengths)
            train.append(ids[~of_heldout], lengths[~heldout])
            rest.append(ids[of_heldout], lengths[heldout])
    return train.longest


def _hashed(chunks: Iterator[Chunk], update: Callable[[bytes], object]) -> Iterator[Chunk]:
    for chunk in chunks:
        update(chunk.data)
        yield chunk


@contextlib.contextmanager
def _workplace(directory: Path) -> Iterator[Path]:
    """A hidden folder in `directory` to work in; after an error nothing of either is left."""
    new = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".encoding-") as made:
            yield Path(made)
    except BaseException as error:
        for folder in new:
            with contextlib.suppress(OSError):  # not there, or no longer ours alone
                folder.rmdir()
        if isinstance(error, OSError):
            raise DataError(
                f"cannot write to {directory}: {error.strerror or error}; "
                "free space, or choose another folder (--out)"
            ) from None
        raise


def _name(inputs: tuple[str, ...]) -> str:
    first = "<stdin>" if inputs[0] == "-" else inputs[0]
    return first if len(inputs) == 1 else f"{first} and {len(inputs) - 1} more"


def _validate(options: Options) -> None:
    if options.min_count < 1:
        raise UsageError(f"min_count is {options.min_count}; give at least 1 (--min-count)")
    if options.max_vocab is not None and options.max_vocab < 2:
        raise UsageError(f"max_vocab is {options.max_vocab}; give at least 2 (--max-vocab)")
    is_heldout(np.zeros(0, np.int64), seed=options.seed, every=options.heldout_every)
    if options.phrases < 0:
        raise UsageError(f"phrases is {options.phrases}; give 0 or more (--phrases)")
    if not 0 <= options.phrase_threshold < np.inf:
        raise UsageError(
            f"phrase_threshold is {options.phrase_threshold}; give a number of 0 or more "
            "(--phrase-threshold)"
        )
    if options.phrase_min_count < 1:
        raise UsageError(
            f"phrase_min_count is {options.phrase_min_count}; give at least 1 (--phrase-min-count)"
        )


def _check_vocabulary(
    vocab: Vocabulary, lexicon: Lexicon, spool: Spool, name: str, options: Options
) -> None:
    if spool.tokens == 0:
        raise DataError(f"no words in {name}; give a text with one sentence a line")
    if lexicon.training == 0:
        raise DataError(
            f"every line of {name} with words is held out; "
            "give more text, or hold nothing out (--heldout-every 0)"
        )
    if len(vocab) == 0:
        top = int(np.argmax(lexicon.counts))
        raise DataError(
            f"no word of {name} occurs {options.min_count} times: "
            f'the most frequent, "{lexicon.words[top]}", occurs {lexicon.counts[top]}; '
            "lower --min-count"
        )
    if len(vocab) == 1:
        raise DataError(
            f'the vocabulary of {name} is one word, "{vocab.words[0]}", so no negative can differ '
            "from the target; lower --min-count, or give more text"
        )
