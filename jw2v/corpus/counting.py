"""A shard's sentences and the words of its training text, counted wherever the shard is.

Which sentences are held out, and where a word is first met, is told by numbers over the whole text:
so a shard has to know how many sentences are before it.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from jw2v.corpus.counts import SCHEMA, Counts
from jw2v.corpus.heldout import is_heldout
from jw2v.corpus.lexicon import Lexicon
from jw2v.corpus.plan import Shard
from jw2v.corpus.records import AS_IT_IS, Options, Reading
from jw2v.corpus.refusals import check_options
from jw2v.corpus.sources import Source, blocks, find, hashed
from jw2v.corpus.tokens import MAX_SENTENCE, split, split_ahead
from jw2v.errors import UsageError

_MOST_LINES = np.iinfo(np.int64).max // MAX_SENTENCE


def count_lines(source: Source, *, reading: Reading = AS_IT_IS) -> int:
    r"""How many sentences a text has, as `count` numbers them; hardly slower than reading it.

    Args:
      source: see `find` and `blocks`.
      reading: its encoding, and limits to it.

    Raises:
      DataError: as `blocks`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "text")
    ...     _ = path.write_text("to be\n\nor not\n" + "to be " * 6000)
    ...     count_lines(path)
    5
    """
    return sum(_sentences(chunk.data) for chunk in blocks(source, reading=reading))


def count(
    source: Source,
    *,
    first_line: int = 0,
    heldout_every: int = 100,
    seed: int = 1,
    reading: Reading = AS_IT_IS,
) -> Counts:
    r"""Counts the words of a shard, those of its training text.

    Args:
      source: the shard; see `find` and `blocks`.
      first_line: how many sentences the shards before it have, as of `count_lines`.
      heldout_every: one line in so many is held out, see `is_heldout`; 0 holds nothing out.
      seed: of the held-out split.
      reading: the shard's encoding, and limits to it.

    Raises:
      UsageError: an option is out of range.
      DataError: the text cannot be read.

    Example:
      >>> import tempfile
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = Path(folder, "text")
      ...     _ = path.write_text("to be or not\nto be\n")
      ...     counts = count(path, first_line=3, heldout_every=0)
      >>> counts.table["word"].to_pylist(), counts.counts.tolist(), counts.shards[0].lines
      (['to', 'be', 'or', 'not'], [2, 2, 1, 1], 2)
    """
    check_options(Options(heldout_every=heldout_every, seed=seed))
    if not 0 <= first_line < _MOST_LINES:
        raise UsageError(f"first_line is {first_line}; give 0 or more (--first-line)")
    inputs = find(source)
    digest, lexicon, lines, words = hashlib.sha256(), Lexicon(), 0, 0
    for tokens in split_ahead(hashed(blocks(inputs, reading=reading), digest.update)):
        numbers = np.arange(len(tokens.lengths)) + (first_line + lines)
        lexicon.add(tokens, is_heldout(numbers, seed=seed, every=heldout_every))
        lines, words = lines + len(tokens.lengths), words + len(tokens.ids)
    shard = Shard(shard_name(inputs), digest.hexdigest(), first_line, lines, words)
    return Counts(_table(lexicon, first_line), (shard,), heldout_every, seed)


def shard_name(inputs: Sequence[str]) -> str:
    """How the inputs of a source are called wherever they are."""
    return "+".join(Path(path).name for path in inputs)


def _sentences(text: bytes) -> int:
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n"))
    # A line that is no longer has too few words to be cut.
    if not text.endswith(b"\n") or np.diff(ends, prepend=-1).max() > 2 * MAX_SENTENCE:
        return len(split(text).lengths)
    return len(ends)


def _table(lexicon: Lexicon, first_line: int) -> pa.Table:
    trained = np.flatnonzero(lexicon.counts)
    order = trained[np.argsort(lexicon.first[trained])]
    words = lexicon.words
    # No sentence has more words than a line has places.
    first = lexicon.first[order] + first_line * MAX_SENTENCE
    arrays = [[words[i] for i in order.tolist()], lexicon.counts[order], first]
    return pa.table(arrays, SCHEMA)
