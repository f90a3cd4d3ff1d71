"""Texts made up for tests."""

import numpy as np

from jw2v.corpus import Sentences
from jw2v.vectors import Vectors

TOPICS, WORDS_A_TOPIC = 6, 9


def topical_text(lines: int, *, seed: int = 0) -> str:
    """Sentences of words of one topic each, word numbers falling in frequency."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, WORDS_A_TOPIC + 1)
    sentences = []
    for _ in range(lines):
        topic = rng.integers(TOPICS)
        words = rng.choice(WORDS_A_TOPIC, rng.integers(3, 12), p=weights / weights.sum())
        sentences.append(" ".join(f"{'abcdef'[topic]}{word}" for word in words))
    return "\n".join(sentences) + "\n"


def sentences_of(lists: list[list[int]]) -> Sentences:
    """Sentences of these ids, in memory."""
    ids = np.array([id for one in lists for id in one], np.int32)
    return Sentences(ids, np.cumsum([0, *map(len, lists)], dtype=np.int64))


def topic_share(vectors: Vectors) -> float:
    """Share of words whose nearest neighbour is of their own topic."""
    same = [vectors.most_similar(word, topn=1)[0][0][0] == word[0] for word in vectors.words]
    return sum(same) / len(same)
