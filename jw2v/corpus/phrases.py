"""Words that stand side by side more often than by chance, joined to one: new york, new_york.

Of two neighbours a and b of a sentence, with what is counted over the training text:

    score(a, b) = (count(ab) − min_count) / (count(a) count(b)) · N

They are a phrase where the score is above a threshold. min_count keeps out pairs that are seldom
met; N, how many different words and different pairs there are, keeps scores of short and long
texts alike. It is gensim's N, so that a threshold is worth here what it is worth there; where
word2phrase.c has the number of running words, its threshold t is t · N / words.

A sentence is joined greedily from the left, and a word is joined once in a pass: of three words
that are two phrases the last stays alone, until a second pass counts the first phrase as a word.

Source: Mikolov et al., Distributed Representations of Words and Phrases and their
Compositionality, 2013, arXiv:1310.4546, section 4.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int

from jw2v.corpus.heldout import is_heldout
from jw2v.corpus.lexicon import Lexicon
from jw2v.corpus.records import Options
from jw2v.corpus.tokens import Tokens, kept_lengths
from jw2v.corpus.writer import Piece, Spool

DELIMITER = "_"
PART = 1 << 23  # neighbours that are counted at once

_SECOND = (1 << 32) - 1  # the second word's bits of a pair


def phrases_of(
    spool: Spool, lexicon: Lexicon, options: Options, *, scratch: Path, part: int = PART
) -> Int[np.ndarray, " phrases"]:
    """The phrases of a text; in memory are about `part` neighbours and the pairs that are frequent.

    Args:
      spool: the text.
      lexicon: its words.
      options: threshold, min_count, and which sentences are held out and not counted.
      scratch: a folder for neighbours that are not yet counted.
      part: how many are counted at once.

    Returns:
      Pairs as of `neighbours`, rising, int64 `[phrases]`.
    """
    different = np.count_nonzero(lexicon.counts)
    frequent = []
    for pairs, counts in _counted(spool, options, scratch, 1 + spool.tokens // part):
        different += len(pairs)
        often = counts > options.phrase_min_count
        frequent.append((pairs[often], counts[often]))
    pairs, counts = map(np.concatenate, zip(*frequent, strict=True))
    by_chance = lexicon.counts[pairs >> 32] * lexicon.counts[pairs & _SECOND]
    score = (counts - options.phrase_min_count) / by_chance * different
    return np.sort(pairs[score > options.phrase_threshold])


def joined(
    spool: Spool, lexicon: Lexicon, phrases: Int[np.ndarray, " phrases"]
) -> Iterator[Tokens]:
    """The text with its phrases joined, chunk by chunk; as many sentences as before.

    Args:
      spool: the text.
      lexicon: its words, which the phrases are added to; one may be there already, as a word.
      phrases: at least one.

    Yields:
      A chunk for each that was read.
    """
    words = lexicon.words
    names = [words[pair >> 32] + DELIMITER + words[pair & _SECOND] for pair in phrases.tolist()]
    numbers, words = lexicon.number(names), lexicon.words
    for piece in spool.pieces():
        place = _place(neighbours(piece.ids, piece.lengths), phrases)
        first = leftmost(place >= 0)
        kept = np.ones(len(first), bool)
        kept[1:] = ~first[:-1]
        ids = np.where(first, numbers[place], piece.ids)[kept]
        yield _tokens(ids, kept_lengths(kept, piece.lengths), words)


def neighbours(
    ids: Int[np.ndarray, " tokens"], lengths: Int[np.ndarray, " sentences"]
) -> Int[np.ndarray, " tokens"]:
    """Each word and the next one as the halves of an int64; -1 at a sentence's last word.

    >>> pairs = neighbours(np.array([7, 8, 9]), np.array([2, 0, 1]))
    >>> pairs.tolist() == [7 << 32 | 8, -1, -1]
    True
    """
    pairs = ids.astype(np.int64) << 32
    pairs[:-1] |= ids[1:]
    pairs[np.cumsum(lengths[lengths > 0]) - 1] = -1
    return pairs


def leftmost(phrase: Bool[np.ndarray, " tokens"]) -> Bool[np.ndarray, " tokens"]:
    """Which words are joined to the next, where each word is in one phrase at most.

    Of a run of words that are each a phrase with the next: the first, the third and so on.

    >>> leftmost(np.array([True, True, True, False, True])).tolist()
    [True, False, True, False, True]
    """
    at = np.arange(len(phrase))
    before = np.maximum.accumulate(np.where(phrase, -1, at))
    return phrase & ((at - before) % 2 == 1)


def _counted(
    spool: Spool, options: Options, scratch: Path, parts: int
) -> Iterator[tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]]:
    """Pairs of the training text and their counts, in parts that have no pair in common."""
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile(dir=scratch)) for _ in range(parts)]
        for piece in spool.pieces():
            pairs = _of_training(piece, options)
            part = (pairs >> 32 ^ pairs) % parts
            for number, file in enumerate(files):
                pairs[part == number].tofile(file)
        for file in files:
            file.seek(0)
            yield np.unique(np.fromfile(file, np.int64), return_counts=True)


def _of_training(piece: Piece, options: Options) -> Int[np.ndarray, " pairs"]:
    heldout = is_heldout(piece.lines, seed=options.seed, every=options.heldout_every)
    pairs = neighbours(piece.ids, piece.lengths)
    return pairs[(pairs >= 0) & ~np.repeat(heldout, piece.lengths)]


def _place(
    pairs: Int[np.ndarray, " tokens"], phrases: Int[np.ndarray, " phrases"]
) -> Int[np.ndarray, " tokens"]:
    """Where each pair stands among the phrases, -1 where it is none."""
    found = pc.call_function("index_in", [pa.array(pairs)], pc.SetLookupOptions(pa.array(phrases)))
    return found.fill_null(-1).to_numpy()


def _tokens(
    ids: Int[np.ndarray, " tokens"], lengths: Int[np.ndarray, " sentences"], words: list[str]
) -> Tokens:
    """A chunk of numbers, with the words that it has."""
    here = np.flatnonzero(np.bincount(ids, minlength=len(words)))
    local = np.zeros(len(words), np.int32)
    local[here] = np.arange(len(here))
    return Tokens([words[i] for i in here.tolist()], local[ids], lengths)
