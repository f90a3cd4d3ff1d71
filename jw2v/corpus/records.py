"""What is written down of an encoded text: its options, and what was read."""

from typing import NamedTuple


class Options(NamedTuple):
    """How the text was encoded."""

    min_count: int = 5
    """Words with fewer occurrences are dropped."""
    max_vocab: int | None = None
    """Keep only this many most frequent words."""
    heldout_every: int = 100
    """One line in so many is held out; 0 holds nothing out."""
    seed: int = 1
    """Of the held-out split."""
    phrases: int = 0
    """Passes that join neighbours met more often than by chance; none for shards."""
    phrase_threshold: float = 10.0
    """Score above which two neighbours are a phrase, as in gensim."""
    phrase_min_count: int = 5
    """Times that two neighbours are met before they count."""


class Reading(NamedTuple):
    """How files are read as text."""

    encoding: str = "utf-8"
    """Of the text, by Python's name: latin-1, windows-1252, utf-16, gb18030 and others."""
    max_word_bytes: int | None = None
    """A longer word is refused, and one of 4 MiB in any case."""
    max_bytes: int | None = None
    """More text than this, unpacked and in UTF-8, is refused."""


AS_IT_IS = Reading()


class Stats(NamedTuple):
    """What was read, and how fast; of shards, which are read here and there, no times."""

    files: int
    lines: int  # held-out and empty ones too
    words: int  # tokens read
    kept: int  # tokens of training text in the vocabulary
    seconds: float
    words_per_s: float
    joined: int = 0  # words joined to the one before, by phrases
    alone: int = 0  # sentences of training text with one word in the vocabulary, which has no pair

    @property
    def left_out(self) -> str:
        """What training leaves out, in words to be added to a summary.

        >>> Stats(1, 4, 9, 8, 0.1, 90.0, alone=2).left_out
        '; sentences of one word, which train nothing: 2'
        >>> Stats(1, 4, 9, 8, 0.1, 90.0).left_out
        ''
        """
        return f"; sentences of one word, which train nothing: {self.alone:,}" * (self.alone > 0)
