"""What gensim's models count, and which words they keep."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from jw2v.compat.gensim.keyedvectors import KeyedVectors
from jw2v.compat.gensim.queries import LOG
from jw2v.corpus import keep_probability

RULE_DEFAULT, RULE_DISCARD, RULE_KEEP = 0, 1, 2
"""What a rule may answer, as in `gensim.utils`."""

TrimRule = Callable[[str, int, int], int] | None


class Scan(NamedTuple):
    """The words of a text."""

    raw_vocab: dict[str, int]
    words: int
    sentences: int


def keeps(word: Any, count: int, min_count: int, rule: TrimRule) -> bool:
    """Whether a word stays: what the rule says, or else a count that is high enough.

    >>> keeps("the", 3, 5, None), keeps("the", 3, 5, lambda word, count, least: RULE_KEEP)
    (False, True)
    """
    answer = RULE_DEFAULT if rule is None else rule(word, count, min_count)
    return answer == RULE_KEEP or (answer != RULE_DISCARD and count >= min_count)


def scan(sentences: Iterable[Any], max_vocab_size: int | None, rule: TrimRule) -> Scan:
    """Count words; above `max_vocab_size` of them the rarest go, and each time more do.

    >>> scan([["a", "b"], ["a"]], None, None)
    Scan(raw_vocab={'a': 2, 'b': 1}, words=3, sentences=2)
    """
    counts: Counter[str] = Counter()
    total = number = 0
    least = 1
    for number, sentence in enumerate(sentences, start=1):
        if number == 1 and isinstance(sentence, str):
            LOG.warning(
                "Each 'sentences' item should be a list of words (usually unicode strings). "
                "The first is text."
            )
        counts.update(sentence)
        total += len(sentence)
        if max_vocab_size and len(counts) > max_vocab_size:
            counts = Counter({w: n for w, n in counts.items() if keeps(w, n, least, rule)})
            least += 1
    return Scan(dict(counts), total, number)


def effective_min_count(
    counts: Mapping[str, int], min_count: int, max_final_vocab: int | None
) -> int:
    """The least count that leaves no more words than wanted, and is not below `min_count`.

    >>> effective_min_count({"a": 5, "b": 3, "c": 3}, 1, 2)
    4
    """
    if max_final_vocab is None or max_final_vocab >= len(counts):
        return min_count
    return max(min_count, sorted(counts.values(), reverse=True)[max_final_vocab] + 1)


def grow(words: KeyedVectors, counts: Mapping[str, int]) -> None:
    """Add words that are new, without vectors yet, and counts to all."""
    for word in counts:
        if word not in words.key_to_index:
            words.key_to_index[word] = len(words.index_to_key)
            words.index_to_key.append(word)
    words.allocate_vecattrs(["count"], [np.int64])
    rows = [words.key_to_index[word] for word in counts]
    words.expandos["count"][rows] += np.fromiter(counts.values(), np.int64, len(counts))


def share_of(sample: float | int, total: int) -> float:
    """`sample` as a share of the text; from 1 on it is the count of the last word left whole.

    >>> share_of(1e-3, 100), share_of(0, 100)
    (0.001, 0.0)
    """
    if sample < 1:
        return float(sample)
    return int(sample * (3 + np.sqrt(5)) / 2) / max(1, total)


def report(raw: Mapping[str, int], kept: Mapping[str, int], sample: float) -> dict[str, int]:
    """What `prepare_vocab` tells."""
    total = sum(kept.values())
    counts = np.fromiter(kept.values(), np.int64, len(kept))
    keep = keep_probability(counts, share_of(sample, total))
    return {
        "drop_unique": len(raw) - len(kept),
        "retain_total": total,
        "downsample_unique": int((keep < 1).sum()),
        "downsample_total": int(keep @ counts),
        "num_retained_words": len(kept),
    }
