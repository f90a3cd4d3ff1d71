"""The words of a corpus with their counts, and how often each is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from jw2v.errors import DataError, UsageError


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words, by falling count, ties by first appearance: the id of a word is its place.

    Attributes:
      words: the words; no two are equal, none is empty or has an ASCII blank.
      counts: how often each occurs in the training text, int64 `[vocab]`.

    >>> vocab = Vocabulary(("the", "king"), np.array([3, 1]))
    >>> vocab.index["king"], len(vocab)
    (1, 2)
    """

    words: tuple[str, ...]
    counts: Int[np.ndarray, " vocab"]

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The id of each word."""
        return {word: id for id, word in enumerate(self.words)}

    def save(self, path: str | Path) -> None:
        """Writes the words as text in UTF-8, one `word count` a line, in the order of their ids."""
        rows = zip(self.words, self.counts.tolist(), strict=True)
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{word} {count}\n" for word, count in rows)

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Reads what `save` wrote.

        Raises:
          DataError: the file is unreadable, or a line is not a word that is new and a count that
            is at least 1 and no higher than the one before.
        """
        try:
            text = Path(path).read_bytes().decode()
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}; encode the text anew") from None
        except UnicodeDecodeError:
            raise DataError(f"{path} is not UTF-8; encode the text anew") from None
        # Only "\n" ends a line here: a word may hold any of the others that str.splitlines knows.
        counts: dict[str, int] = {}
        before = np.iinfo(np.int64).max
        for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
            word, _, digits = line.partition(" ")
            whole = digits.isascii() and digits.isdigit() and len(digits) < 20
            count = int(digits) if whole else 0
            if not word or word in counts or not 1 <= count <= before:
                raise DataError(
                    f"no new word with a falling count at {path}:{number}; encode the text anew"
                )
            counts[word] = before = count
        return cls(tuple(counts), np.fromiter(counts.values(), np.int64, len(counts)))


def keep_probability(
    counts: Int[np.ndarray, " vocab"], sample: float | int
) -> Float[np.ndarray, " vocab"]:
    """How often subsampling keeps each word: p = min(1, √(t/f) + t/f).

    f is the word's share of all tokens, t is `sample`. Mikolov et al. (2013), section 2.3, has the
    idea, and 1 - √(t/f) as the chance to drop; the formula is the one that word2vec.c computes.

    Args:
      counts: occurrences of each word, at least 1, `[vocab]`.
      sample: t, about 1e-3 to 1e-5; 0 keeps every word always.

    Returns:
      Probabilities in (0, 1], float64 `[vocab]`.

    Raises:
      UsageError: `sample` is negative or not finite.

    Example:
      >>> keep_probability(np.array([90, 10]), 0.1).round(3).tolist()
      [0.444, 1.0]

    References:
      Mikolov et al., Distributed Representations of Words and Phrases and their Compositionality,
      2013, arXiv:1310.4546.
    """
    if not 0 <= sample < np.inf:
        raise UsageError(f"sample is {sample}; give a number of 0 or more (--sample)")
    if sample == 0:
        return np.ones(len(counts))
    ratio = sample * counts.sum() / counts
    return np.minimum(1.0, np.sqrt(ratio) + ratio)
