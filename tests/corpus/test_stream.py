"""The stream of an epoch: a pure function, with the law it states."""

import collections
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import sentences_of

from jw2v.corpus import Sentences, keep_probability, segments
from jw2v.errors import UsageError


def stream(sentences: Sentences, keep: np.ndarray, **options) -> list[tuple[int, int]]:
    """All tokens of an epoch, (id, sentence)."""
    return [
        pair
        for segment in segments(sentences, keep, **options)
        for pair in zip(segment.ids.tolist(), segment.sentence.tolist(), strict=True)
    ]


texts = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=9), max_size=30)
keeps = st.lists(st.floats(0, 1), min_size=5, max_size=5).map(np.array)
seeds = st.integers(0, (1 << 64) - 1)


@given(texts, keeps, seeds, st.integers(0, 1000), st.integers(1, 60))
def test_equals_a_loop_and_does_not_depend_on_size(lists, keep, seed, epoch, size):
    key = np.array([seed, epoch], np.uint64)
    rng = np.random.Generator(np.random.Philox(key=key))
    expected = []
    for number, sentence in enumerate(lists):
        draws = [rng.random(dtype=np.float32) for _ in sentence]
        drawn = zip(sentence, draws, strict=True)
        kept = [(id, number) for id, draw in drawn if draw < np.float32(keep[id])]
        expected += kept if len(kept) > 1 else []
    options = {"seed": seed, "epoch": epoch}
    assert stream(sentences_of(lists), keep, **options) == expected
    assert stream(sentences_of(lists), keep, **options, size=size) == expected
    assert stream(sentences_of(lists), keep, **options, size=size, threads=3) == expected


@given(texts, st.integers(1, 60), st.integers(0, 9), st.integers(1, 3))
def test_several_epochs_are_one_after_the_other(lists, size, epoch, threads):
    keep, sentences = np.array([1, 0.5, 0.2, 0.9, 0.7]), sentences_of(lists)
    options = {"seed": 1, "size": size, "part": (0, 2)}
    expected = [
        (id, number + (e - epoch) * len(lists))
        for e in (epoch, epoch + 1, epoch + 2)
        for id, number in stream(sentences, keep, epoch=e, **options)
    ]
    assert stream(sentences, keep, epoch=epoch, epochs=3, threads=threads, **options) == expected


@given(texts, st.integers(1, 60), st.integers(1, 5))
def test_parts_are_dealt_the_epoch_in_turn(lists, size, parts):
    options = {"seed": 1, "epoch": 2, "size": size}
    keep, sentences = np.array([1, 0.5, 0.2, 0.9, 0.7]), sentences_of(lists)
    dealt = [stream(sentences, keep, part=(i, parts), **options) for i in range(parts)]
    whole = stream(sentences, keep, **options)
    assert sorted(itertools.chain(*dealt)) == sorted(whole)
    places, last = np.cumsum([0, *map(len, lists)]), 0
    turns = []  # of each sentence: a segment is the longest run of sentences that has room
    for number in range(len(lists)):
        if number and places[number + 1] - places[last] > size:
            turns.append(turns[-1] + 1)
            last = number
        else:
            turns.append(turns[-1] if turns else 0)
    for part, tokens in enumerate(dealt):
        assert {turns[sentence] % parts for _, sentence in tokens} <= {part}


@given(texts, st.integers(1, 60), st.integers(1, 5), seeds, st.integers(1, 3))
def test_mixed_parts_are_the_sentences_of_the_epoch(lists, size, parts, seed, threads):
    options = {"seed": seed, "epoch": 2, "epochs": 2}
    keep, sentences = np.array([1, 0.5, 0.2, 0.9, 0.7]), sentences_of(lists)
    how = {"size": size, "mixed": True, "threads": threads}
    dealt = [stream(sentences, keep, part=(i, parts), **how, **options) for i in range(parts)]
    of_sentence = collections.defaultdict(list)
    for tokens in dealt:
        for _, run in itertools.groupby(tokens, key=lambda token: token[1]):
            run = list(run)
            assert not of_sentence[run[0][1]]  # a sentence stands in one place
            of_sentence[run[0][1]] += run
    mixed = [token for number in sorted(of_sentence) for token in of_sentence[number]]
    assert mixed == stream(sentences, keep, **options)


def test_sentences_from_anywhere_are_mixed_anew_in_each_epoch():
    sentences = sentences_of([[0, 1]] * 1000)
    how = {"size": 100, "mixed": True}

    def order(seed: int, epoch: int) -> np.ndarray:
        tokens = stream(sentences, np.ones(2), seed=seed, epoch=epoch, **how)
        return np.array([sentence for _, sentence in tokens[::2]])

    one = order(1, 0)
    assert (order(1, 0) == one).all()
    for other in (order(2, 0), order(1, 1)):
        assert sorted(other) == sorted(one)
        assert (other == one).mean() < 0.02
    assert np.median(np.abs(np.diff(one))) > 100  # neighbours stand anywhere in the text


@given(texts, st.integers(1, 60))
def test_segments_are_whole_sentences(lists, size):
    sentences = sentences_of(lists)
    found = list(segments(sentences, np.ones(5), seed=1, epoch=0, size=size))
    last = -1
    for segment in found:
        assert segment.ids.dtype == segment.sentence.dtype == np.int32
        numbers = sorted(set(segment.sentence.tolist()))
        assert len(segment.ids) == sum(len(lists[n]) for n in numbers) >= 2
        assert len(segment.ids) <= size or len(numbers) == 1
        assert numbers[0] > last
        last = numbers[-1]


def test_the_kept_share_follows_the_probability():
    n = 400_000
    rng = np.random.default_rng(0)
    ids = np.minimum(rng.zipf(1.5, n) - 1, 50).astype(np.int32)
    sentences = Sentences(ids, np.arange(0, n + 1, 1000))
    counts = np.bincount(ids)
    keep = keep_probability(counts, 1e-2)
    assert keep.min() < 0.2
    kept = [id for id, _ in stream(sentences, keep, seed=3, epoch=1)]
    got = np.bincount(kept, minlength=len(counts))
    assert (np.abs(got - counts * keep) <= 5 * np.sqrt(counts * keep * (1 - keep))).all()


def test_an_epoch_is_redrawn_and_repeats():
    sentences = Sentences(np.zeros(10_000, np.int32), np.arange(0, 10_001, 100))
    keep = np.array([0.5])
    first = stream(sentences, keep, seed=1, epoch=0)
    assert first == stream(sentences, keep, seed=1, epoch=0)
    others = [stream(sentences, keep, seed=s, epoch=e) for s, e in ((1, 1), (0, 1), (2, 0))]
    lengths = [np.bincount([n for _, n in one], minlength=100) for one in (first, *others)]
    for i in range(4):
        for j in range(i):
            # Independent sets agree in the size of a sentence about one time in 18.
            assert (lengths[i] == lengths[j]).mean() < 0.25


def test_probability_one_keeps_all_and_zero_none():
    sentences = Sentences(np.arange(100_000, dtype=np.int32) % 2, np.array([0, 100_000]))
    kept = [id for id, _ in stream(sentences, np.array([1.0, 0.0]), seed=5, epoch=9)]
    assert kept == [0] * 50_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, r"seed -1, epoch 0: give 0 or more, below 2\*\*64 \(--seed\)"),
        ({"seed": 1 << 64}, "seed 18446744073709551616, epoch 0: give 0 or more"),
        ({"epoch": -1}, "seed 1, epoch -1: give 0 or more"),
        ({"size": 0}, "a segment of 0 tokens is too small; give at least 1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    sentences = sentences_of([[0, 1]])
    with pytest.raises(UsageError, match=message):
        segments(sentences, np.ones(2), **({"seed": 1, "epoch": 0} | options))
