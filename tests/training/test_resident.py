"""The text of a run, subsampled on the device: the host's law, and the host's cut of it."""

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import sentences_of

from jw2v.corpus import Sentences, segments
from jw2v.corpus.stream import spans_of
from jw2v.training import feed
from jw2v.training.resident import feeds

FORM = {"block": 4, "window": 2, "blocks_per_call": 3}
texts = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=9), max_size=30)


def resident(sentences: Sentences, keep, *, size: int = 20, **options):
    how = {"seed": 1, "epochs": 1, **FORM} | options
    return list(
        feeds(sentences, np.asarray(keep), partial(spans_of, sentences.offsets, size), **how)
    )


def tokens_of(calls) -> list[list[int]]:
    """The sentences that calls hold, their centres end to end."""
    pairs = itertools.groupby(zip(*centres(calls), strict=True), key=lambda pair: pair[0])
    return [[id for _, id in group] for _, group in pairs]


def centres(calls) -> tuple[list[int], list[int]]:
    """The numbers of their sentences, and their ids."""
    window, numbers, ids = FORM["window"], [], []
    for call in calls:
        within = slice(window, window + call.words)
        numbers += np.asarray(call.sentence)[within].tolist()
        ids += np.asarray(call.ids)[within].tolist()
    return numbers, ids


@settings(deadline=None)  # the first compiles
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=9), max_size=30),
    st.integers(1, 60),
    st.integers(1, 120),
    st.integers(1, 3),
)
def test_where_all_is_kept_calls_are_those_of_the_host(lists, size, chunk, epochs):
    sentences = sentences_of(lists)
    found = resident(sentences, np.ones(5), size=size, most=chunk, epochs=epochs)
    text = segments(sentences, np.ones(5), seed=1, epoch=0, epochs=epochs)
    host = feed.feeds(text, **FORM)
    expected = [call for call in host if call.words]
    assert [call[2:] for call in found] == [call[2:] for call in expected]
    for a, b in zip(found, expected, strict=True):
        within = np.asarray(b.sentence) >= 0
        np.testing.assert_array_equal(np.asarray(a.ids)[within], b.ids[within])
        np.testing.assert_array_equal(np.asarray(a.sentence) >= 0, within)
        for numbers in (np.asarray(a.sentence), b.sentence):  # of one sentence, or not
            np.testing.assert_array_equal(np.diff(numbers) != 0, np.diff(b.sentence) != 0)


@settings(deadline=None)
@given(texts, st.lists(st.floats(0, 1), min_size=5, max_size=5), st.integers(1, 40))
def test_what_is_kept_are_parts_of_sentences_in_their_order(lists, keep, chunk):
    found = tokens_of(resident(sentences_of(lists), keep, size=7, most=chunk))
    at = iter(lists)
    for kept in found:
        assert any(_is_part(kept, sentence) for sentence in at)
    if min(keep) == 1:
        assert found == lists
    assert not {id for one in found for id in one if keep[id] == 0}


def _is_part(some: list[int], whole: list[int]) -> bool:
    rest = iter(whole)
    return all(id in rest for id in some)


@pytest.mark.parametrize("chunk", [1 << 24, 70_000])
def test_the_kept_share_follows_the_probability(chunk):
    ids = np.random.default_rng(0).integers(0, 3, 200_000).astype(np.int32)
    sentences = Sentences(ids, np.arange(0, len(ids) + 1, 1000))
    keep = np.array([0.1, 0.5, 1.0])
    calls = resident(sentences, keep, size=1 << 16, most=chunk)
    got = np.bincount(list(itertools.chain(*tokens_of(calls))))
    counts = np.bincount(ids)
    assert (np.abs(got - counts * keep) <= 5 * np.sqrt(counts * keep * (1 - keep))).all()
    assert got[2] == counts[2]


def test_each_epoch_and_each_chunk_is_drawn_anew_and_repeats():
    sentences = Sentences(np.zeros(4000, np.int32), np.arange(0, 4001, 10))
    drawn = partial(resident, sentences, [0.5], size=1000)
    lengths = [len(one) for one in tokens_of(drawn(epochs=2))]
    assert lengths == [len(one) for one in tokens_of(drawn(epochs=2))]
    half = [len(one) for one in tokens_of(drawn())]
    assert lengths[: len(half)] == half
    assert lengths[len(half) :] != half
    assert lengths != [len(one) for one in tokens_of(drawn(epochs=2, seed=2))]
    numbers, _ = centres(drawn(most=1000))
    quarters = np.bincount(numbers, minlength=400).reshape(4, 100).tolist()
    assert all(a != b for a, b in itertools.combinations(quarters, 2))
