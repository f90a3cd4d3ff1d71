"""What no vocabulary can be made of: options out of range, and texts with too few words."""

from typing import NamedTuple

import numpy as np

from jw2v.corpus.heldout import is_heldout
from jw2v.corpus.records import Options, Reading
from jw2v.corpus.vocabulary import Vocabulary
from jw2v.errors import DataError, UsageError


class Read(NamedTuple):
    """What was read of a text."""

    name: str
    words: int
    training: int  # words of training text
    top: str  # the most frequent word
    top_count: int


def name_of(inputs: tuple[str, ...]) -> str:
    """How a message calls the inputs of a source."""
    first = "<stdin>" if inputs[0] == "-" else inputs[0]
    return first if len(inputs) == 1 else f"{first} and {len(inputs) - 1} more"


def check_options(options: Options) -> None:
    """Refuse options out of range.

    Raises:
      UsageError: one is.
    """
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


def check_reading(reading: Reading) -> None:
    """Refuse an encoding that is not known, and limits that no text is within.

    Raises:
      UsageError: one is.

    >>> check_reading(Reading(encoding="latin-0"))
    Traceback (most recent call last):
    ...
    jw2v.errors.UsageError: encoding 'latin-0' is none of a text's; give one ... (--encoding)
    """
    try:
        " ".encode(reading.encoding)
    except (LookupError, ValueError):
        raise UsageError(
            f"encoding '{reading.encoding}' is none of a text's; give one that Python knows, as "
            "utf-8, latin-1 or utf-16 (--encoding)"
        ) from None
    for name in ("max_word_bytes", "max_bytes"):
        most = getattr(reading, name)
        if most is not None and most < 1:
            flag = name.replace("_", "-")
            raise UsageError(f"{name} is {most}; give at least 1 (--{flag})")


def check_vocabulary(vocab: Vocabulary, read: Read, options: Options) -> None:
    """Refuse a vocabulary that nothing can be trained with.

    Raises:
      DataError: it has less than two words; the message says why.
    """
    if read.words == 0:
        raise DataError(f"no words in {read.name}; give a text with one sentence a line")
    if read.training == 0:
        raise DataError(
            f"every line of {read.name} with words is held out; "
            "give more text, or hold nothing out (--heldout-every 0)"
        )
    if len(vocab) == 0:
        raise DataError(
            f"no word of {read.name} occurs {options.min_count} times: "
            f'the most frequent, "{read.top}", occurs {read.top_count}; lower --min-count'
        )
    if len(vocab) == 1:
        raise DataError(
            f'the vocabulary of {read.name} is one word, "{vocab.words[0]}", so no negative can '
            "differ from the target; lower --min-count, or give more text"
        )


def no_pair(name: str) -> DataError:
    """The fault of a text in which no word stands beside another."""
    return DataError(
        f"no sentence of {name} has two words in the vocabulary, so no window has a pair; "
        "lower --min-count, or give longer lines"
    )
