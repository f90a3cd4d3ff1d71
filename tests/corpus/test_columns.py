"""Arrays in stretches, against the whole array in memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import sentences_of

from jw2v.corpus import Sentences, segments
from jw2v.corpus.columns import Joined, Stored, release
from jw2v.errors import DataError

FLAT = """
import re, sys
from pathlib import Path
import numpy as np
from jw2v.corpus import Sentences, segments
from jw2v.corpus.sentences import check, mapped

def peak():  # of this process alone; getrusage begins with that of its parent
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

sentences = mapped(Path(sys.argv[1]), "train")
list(segments(Sentences(np.zeros(2, np.int32), np.array([0, 2])), np.ones(2), seed=1, epoch=0))
before = peak()
check(sentences, Path(), "train", vocab=2)
words = sum(len(segment.ids) for segment in segments(sentences, np.ones(2), seed=1, epoch=0))
assert words == len(sentences.ids)
print(peak() - before)
"""

numbers = st.lists(st.lists(st.integers(-5, 5), max_size=6), min_size=1, max_size=6)


def stored(folder: Path, name: str, values: list[int]) -> Stored:
    array = np.array(values, np.int32)
    (folder / name).write_bytes(b"head" + array.tobytes())
    return Stored(folder / name, array.dtype, 4, len(array))


@given(numbers, st.data())
def test_joined_is_the_concatenation(tmp_path_factory, lists, data):
    folder = tmp_path_factory.mktemp("joined")
    raised = [100 * i for i in range(len(lists))]
    whole = np.concatenate([np.array(x, np.int32) + r for x, r in zip(lists, raised, strict=True)])
    in_memory = Joined([np.array(x, np.int32) for x in lists], raised=raised)
    on_disk = Joined([stored(folder, str(i), x) for i, x in enumerate(lists)], raised=raised)
    bound = st.none() | st.integers(-len(whole) - 2, len(whole) + 2)
    first, second = (slice(data.draw(bound), data.draw(bound)) for _ in range(2))
    for joined in (in_memory, on_disk):
        assert (len(joined), joined.shape, joined.dtype) == (len(whole), whole.shape, whole.dtype)
        assert list(joined) == whole.tolist()
        assert [joined[i] for i in range(-len(whole), len(whole))] == [*whole, *whole]
        for found, expected in (
            (joined, whole),
            (joined[first], whole[first]),
            (joined[first][second], whole[first][second]),
        ):
            assert len(found) == len(expected)
            np.testing.assert_array_equal(np.asarray(found), expected, strict=True)
        with pytest.raises(IndexError):
            joined[len(whole)]
        with pytest.raises(IndexError, match="a stretch is read without a step"):
            joined[::2]


def test_a_file_that_was_cut_short_is_refused(tmp_path: Path):
    array = stored(tmp_path, "ids", [1, 2, 3])
    os.truncate(tmp_path / "ids", 12)
    assert np.asarray(array[:2]).tolist() == [1, 2]
    with pytest.raises(DataError, match=r"ids was cut short since it was opened; encode the text"):
        np.asarray(array)


@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=9), max_size=30), st.data())
def test_the_stream_of_joined_sentences_is_that_of_the_whole(lists, data):
    at = data.draw(st.integers(0, len(lists)))
    groups = lists[:at], lists[at:]
    whole, one, other = (sentences_of(some) for some in (lists, *groups))
    ids, offsets = ([np.asarray(some) for some in pair] for pair in zip(one, other, strict=True))
    joined = Sentences(
        Joined(ids, raised=[0, 0]),
        Joined([offsets[0], offsets[1][1:]], raised=[0, len(ids[0])]),
    )
    keep, parts = np.array([1, 0.5, 0.2, 0.9, 0.7]), data.draw(st.integers(1, 4))
    for index in range(parts):
        found, expected = (
            list(segments(text, keep, seed=1, epoch=0, size=20, part=(index, parts)))
            for text in (joined, whole)
        )
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a.ids, b.ids, strict=True)
            np.testing.assert_array_equal(a.sentence, b.sentence, strict=True)


def test_pages_that_are_let_go_come_back(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.arange(100_000))
    array = np.load(tmp_path / "a.npy", mmap_mode="r")
    some = array[10:20]
    total = array.sum()
    for read in (array, some, some[:0], np.arange(3)):
        release(read)
    assert array.sum() == total
    assert some.tolist() == list(range(10, 20))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts mapped pages as Linux does")
def test_a_pass_over_a_corpus_keeps_no_pages(tmp_path: Path):
    """Of 200 MB of ids a part at a time is in memory."""
    tokens, length = 50_000_000, 50
    np.save(tmp_path / "train.ids.npy", np.zeros(tokens, np.int32))
    np.save(tmp_path / "train.offsets.npy", np.arange(0, tokens + 1, length))
    command = [sys.executable, "-c", FLAT, str(tmp_path)]
    grown = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert 4_000_000 < 1024 * int(grown) < 80_000_000
