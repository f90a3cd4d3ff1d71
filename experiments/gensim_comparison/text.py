"""The text of a comparison: one split into training and held-out sentences for both systems."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jw2v.corpus import Corpus, blocks, encode, is_heldout, keep_probability, write_demo

HELDOUT_EVERY = 100
SPLIT_SEED = 1
MAX_SENTENCE = 10_000  # both systems cut a longer line here; cut before, it splits alike for both


class Text(NamedTuple):
    """What both systems train on, and what they are told to find in it."""

    name: str
    train: Path  # the training sentences, one a line, a blank between words
    words: int  # tokens in `train`
    corpus: Corpus  # vocabulary of `train`, and the held-out sentences

    def effective_words(self, sample: float) -> int:
        """Words left of an epoch after subsampling, expected."""
        counts = self.corpus.vocab.counts
        return round(float(counts @ keep_probability(counts, sample)))


def prepare(source: str, folder: Path, *, min_count: int, lines: int | None = None) -> Text:
    """Write the training file and encode the text.

    Args:
      source: a file of text, or "demo".
      folder: where to write.
      min_count: least occurrences of a word in the vocabulary.
      lines: of the source that are used; None uses all.
    """
    path = Path(source)
    if source == "demo":
        path = folder / "demo.txt"
        write_demo(path)
    whole, train = folder / "text.txt", folder / "train.txt"
    number = words = 0
    with whole.open("wb") as all_sentences, train.open("wb") as to_train:
        for sentences in _sentences(path, lines):
            numbers = np.arange(number, number + len(sentences))
            number += len(sentences)
            heldout = is_heldout(numbers, seed=SPLIT_SEED, every=HELDOUT_EVERY).tolist()
            kept = [s for s, out in zip(sentences, heldout, strict=True) if not out]
            words += sum(map(len, kept))
            all_sentences.writelines(map(_line, sentences))
            to_train.writelines(map(_line, kept))
    corpus = encode(
        whole,
        directory=folder / "corpus",
        min_count=min_count,
        heldout_every=HELDOUT_EVERY,
        seed=SPLIT_SEED,
    )
    return Text(path.name, train, words, corpus)


def _sentences(path: Path, lines: int | None) -> Iterator[list[list[bytes]]]:
    """The words of each sentence, a chunk of sentences at a time."""
    for chunk in blocks(path):
        some = chunk.data.split(b"\n")[:-1][:lines]
        lines = None if lines is None else lines - len(some)
        yield [piece for line in some for piece in _cut(line.split())]
        if lines == 0:
            break


def _cut(words: list[bytes]) -> list[list[bytes]]:
    starts = range(0, max(1, len(words)), MAX_SENTENCE)
    return [words[start : start + MAX_SENTENCE] for start in starts]


def _line(words: list[bytes]) -> bytes:
    return b" ".join(words) + b"\n"
