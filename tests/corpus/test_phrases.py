"""Phrases against gensim's and against plain loops: the same pairs, the same joined sentences."""

import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models.phrases import Phrases
from hypothesis import given, settings
from hypothesis import strategies as st

from jw2v import Config, api
from jw2v.corpus import AS_IT_IS, Corpus, Options, demo_sentences, encode, is_heldout, open_corpus
from jw2v.corpus.lexicon import Lexicon
from jw2v.corpus.phrases import leftmost, phrases_of
from jw2v.corpus.tokens import split
from jw2v.corpus.writer import Spool
from jw2v.errors import UsageError

Lines = list[list[str]]
Pass = Callable[[Lines, Lines, float, int], Lines]
MARK = "="  # gensim's delimiter here: the texts have none, so that no pair is spelt as a word is


def by_loops(lines: Lines, training: Lines, threshold: float, min_count: int) -> Lines:
    """A pass over lines, counted on those of training: the formula and the greedy rule."""
    words = Counter(word for line in training for word in line)
    pairs: Counter[tuple[str, ...]] = Counter(pair for line in training for pair in pairwise(line))
    different = len(words) + len(pairs)

    def are_phrase(*pair: str) -> bool:
        if pair not in pairs:
            return False
        by_chance = words[pair[0]] * words[pair[1]]
        return (pairs[pair] - min_count) / by_chance * different > threshold

    def greedy(line: list[str]) -> Iterator[str]:
        while line:
            size = 2 if are_phrase(*line[:2]) else 1
            yield "_".join(line[:size])
            line = line[size:]

    return [list(greedy(line)) for line in lines]


def by_gensim(lines: Lines, training: Lines, threshold: float, min_count: int) -> Lines:
    model = Phrases(training, min_count=min_count, threshold=threshold, delimiter=MARK)
    return [[word.replace(MARK, "_") for word in model[line]] for line in lines]


def training_lines(lines: Lines, every: int) -> Lines:
    heldout = is_heldout(np.arange(len(lines)), seed=1, every=every)
    return [line for line, out in zip(lines, heldout.tolist(), strict=True) if not out]


def encoded(folder: Path, lines: Lines, **options: Any) -> Corpus:
    folder.mkdir()
    (folder / "text").write_text("".join(" ".join(line) + "\n" for line in lines), "utf-8")
    return encode(folder / "text", directory=folder, min_count=1, **options)


def assert_same(found: Corpus, expected: Corpus) -> None:
    assert found.vocab.words == expected.vocab.words
    np.testing.assert_array_equal(found.vocab.counts, expected.vocab.counts)
    for one, other in ((found.train, expected.train), (found.heldout, expected.heldout)):
        np.testing.assert_array_equal(one.ids, other.ids)
        np.testing.assert_array_equal(one.offsets, other.offsets)


def check(
    folder: Path,
    by: Pass,
    lines: Lines,
    *,
    passes: int,
    threshold: float,
    min_count: int,
    every: int,
    chunk: int = 1 << 20,
) -> None:
    """Encoding with phrases is encoding the text that the oracle has joined."""
    expected = lines
    for _ in range(passes):
        expected = by(expected, training_lines(expected, every), threshold, min_count)
    found = encoded(
        folder / "found",
        lines,
        phrases=passes,
        phrase_threshold=threshold,
        phrase_min_count=min_count,
        heldout_every=every,
        chunk_bytes=chunk,
    )
    assert_same(found, encoded(folder / "expected", expected, heldout_every=every))
    words, left = (sum(map(len, x)) for x in (lines, expected))
    assert (found.stats.words, found.stats.joined) == (words, words - left)
    assert open_corpus(folder / "found").stats == found.stats


def lines_of(*words: str) -> st.SearchStrategy[Lines]:
    """Short lines after one, not held out, that is a window: x, met once, is in no phrase."""
    drawn = st.lists(st.lists(st.sampled_from(words), max_size=9), max_size=30)
    return drawn.map(lambda lines: [[], [], ["x", "y"], *lines])


OPTIONS = {
    "passes": st.integers(1, 3),
    "threshold": st.sampled_from([0.0625, 0.5, 1.0, 2.0]),
    "min_count": st.integers(1, 3),
    "every": st.sampled_from([0, 3]),
    "chunk": st.sampled_from([64, 1 << 20]),
}


@settings(deadline=None, max_examples=50)
@given(lines=lines_of(*"abcdef", "a_b", "b_c"), **OPTIONS)
def test_equals_plain_loops(tmp_path_factory, lines: Lines, **options: Any):
    """Whatever is spelt alike: a_b is a word of the text and may be a phrase."""
    check(tmp_path_factory.mktemp("corpus"), by_loops, lines, **options)


@settings(deadline=None, max_examples=50)
@given(lines=lines_of(*"abcdef"), **OPTIONS)
def test_equals_gensim(tmp_path_factory, lines: Lines, **options: Any):
    check(tmp_path_factory.mktemp("corpus"), by_gensim, lines, **options)


REAL = {"threshold": 10.0, "min_count": 5, "every": 100}


def test_real_text_is_joined_as_by_gensim(tmp_path: Path):
    lines = [line.split() for line in list(demo_sentences())[:6000]]
    check(tmp_path, by_gensim, lines, passes=2, **REAL, chunk=1 << 17)


@pytest.mark.slow
@pytest.mark.parametrize("by", [by_gensim, by_loops])
def test_all_of_the_demo_is_joined_alike(tmp_path: Path, by: Pass):
    lines = [line.split() for line in demo_sentences()]
    check(tmp_path, by, lines, passes=2, **REAL)


def test_phrases_grow_from_pass_to_pass(tmp_path: Path):
    """Two words a pass at most; what is left over joins later."""
    lines = [["he", "saw", "new", "york", "city", "hall"], ["it", "is", "so"]] * 9
    how: dict[str, Any] = {"phrase_threshold": 0.1, "phrase_min_count": 1, "heldout_every": 0}
    found = [
        encoded(tmp_path / str(passes), lines, phrases=passes, **how).vocab.words
        for passes in range(3)
    ]
    assert "new" in found[0]
    assert found[1] == ("he_saw", "new_york", "city_hall", "it_is", "so")
    assert found[2] == ("he_saw_new_york", "city_hall", "it_is_so")


def test_held_out_sentences_have_no_part_in_what_is_a_phrase(tmp_path: Path):
    """They are joined by what the training text says; what they say themselves counts nothing."""
    lines = [["new", "york", "a", "b"], ["b", "a", "c"], ["c", "b"]] * 40
    heldout = is_heldout(np.arange(len(lines)), seed=1, every=3)
    others = [["e", "f"] if out else line for line, out in zip(lines, heldout, strict=True)]
    how: dict[str, Any] = {"phrases": 1, "phrase_threshold": 0.1, "heldout_every": 3}
    one, other = (encoded(tmp_path / str(i), x, **how) for i, x in enumerate([lines, others]))
    assert "new_york" in one.vocab.words
    assert one.vocab.words == other.vocab.words
    np.testing.assert_array_equal(one.train.ids, other.train.ids)
    assert one.vocab.index["new_york"] in one.heldout.ids
    # Were all sentences counted, theirs would be a phrase.
    assert "e_f" in encoded(tmp_path / "all", others, **{**how, "heldout_every": 0}).vocab.words


def test_a_phrase_and_a_word_that_are_spelt_alike_are_one_word(tmp_path: Path):
    lines = [["new", "york"], ["new_york", "of", "it"]] * 10
    how: dict[str, Any] = {"phrase_threshold": 0.1, "heldout_every": 0}
    found = encoded(tmp_path / "found", lines, phrases=1, **how).vocab
    counts = dict(zip(found.words, found.counts.tolist(), strict=True))
    assert counts == {"new_york": 10, "new_york_of": 10, "it": 10}
    found = encoded(tmp_path / "again", [*lines, ["new_york"]], phrases=1, **how).vocab
    assert found.counts[found.index["new_york"]] == 11


def test_gensim_takes_a_word_for_the_pair_that_is_spelt_alike():
    """The one difference: gensim counts pairs as strings, among the words."""
    lines = [["new", "york"]] * 3 + [["new_york"], ["york", "new"]] * 20
    how: dict[str, Any] = {"min_count": 3, "threshold": 0.1}
    assert Phrases(lines, delimiter="_", **how)[["new", "york"]] == ["new_york"]
    assert Phrases(lines, delimiter=MARK, **how)[["new", "york"]] == ["new", "york"]
    assert by_loops([["new", "york"]], lines, 0.1, 3) == [["new", "york"]]


@pytest.mark.parametrize("part", [1, 7, 100])
def test_parts_that_are_counted_one_by_one_make_no_difference(tmp_path: Path, part: int):
    rng = np.random.default_rng(0)
    lines = [" ".join(f"w{i}" for i in rng.zipf(1.4, 9) % 50) for _ in range(200)]
    tokens, lexicon = split("\n".join(lines).encode()), Lexicon()
    options = Options(1, None, 0, 1, phrase_threshold=0.1, phrase_min_count=2)
    with tempfile.TemporaryFile() as file:
        spool = Spool(file)
        spool.append(lexicon.add(tokens, np.zeros(len(lines), bool)), tokens.lengths)
        whole = phrases_of(spool, lexicon, options, scratch=tmp_path)
        parts = phrases_of(spool, lexicon, options, scratch=tmp_path, part=part)
    assert len(whole) > 10
    np.testing.assert_array_equal(whole, parts)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.booleans(), max_size=40))
def test_the_leftmost_are_found_by_a_loop(phrase: list[bool]):
    expected, free = [], True
    for starts in phrase:
        free = not (starts and free)
        expected.append(not free)
        free = free or not starts
    assert leftmost(np.array(phrase, bool)).tolist() == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"phrases": -1}, r"phrases is -1; give 0 or more \(--phrases\)"),
        (
            {"phrase_threshold": -0.5},
            r"phrase_threshold is -0.5; give a number of 0 or more \(--phrase-threshold\)",
        ),
        ({"phrase_threshold": np.nan}, r"phrase_threshold is nan; give a number of 0 or more"),
        (
            {"phrase_min_count": 0},
            r"phrase_min_count is 0; give at least 1 \(--phrase-min-count\)",
        ),
    ],
)
def test_options_out_of_range_are_refused(tmp_path: Path, options: Any, message: str):
    with pytest.raises(UsageError, match=message):
        encoded(tmp_path / "found", [["a", "b"]], **options)


def test_training_encodes_with_the_phrases_of_its_options(tmp_path: Path, caplog):
    (tmp_path / "text").write_text("in new york\n" * 9 + "it was so\n" * 3)
    config = Config(
        min_count=1, heldout_every=0, phrases=2, phrase_threshold=0.1, phrase_min_count=3
    )
    with caplog.at_level(logging.INFO, "jw2v"):
        text = api._encode(tmp_path / "text", config, AS_IT_IS, tmp_path)
    assert text.options == Options(1, None, 0, 1, 2, 0.1, 3)
    assert text.vocab.words == ("in_new_york", "it", "was", "so")
    assert "phrases: 18 words joined to the one before" in caplog.messages
