"""Encoding against plain Python: str.split, Counter and loops."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import re
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jw2v.corpus import Sentences, encode, is_heldout, open_corpus, writer
from jw2v.corpus.tokens import cut
from jw2v.errors import DataError, UsageError

MASK = (1 << 64) - 1
BOM = "\ufeff"
ODD = ["\u00a0", "\u2028", "\u3000", "\u0085", "\x1c", "\x1f", "\u200b"]
FILES = {
    "corpus.json",
    "heldout.ids.npy",
    "heldout.offsets.npy",
    "train.ids.npy",
    "train.offsets.npy",
    "vocab.txt",
}


def splitmix64(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def held(line: int, seed: int, every: int) -> bool:
    z = splitmix64(seed) + (line + 1) * 0x9E3779B97F4A7C15
    return every > 0 and splitmix64(z & MASK) % every == 0


def oracle(text: str, *, min_count=1, max_vocab=None, heldout_every=0, seed=1):
    """Words, counts, training sentences, held-out sentences."""
    lines = text.removeprefix(BOM).removesuffix("\n").split("\n")
    sentences = [[word for word in re.split("[ \t\r\v\f]", line) if word] for line in lines]
    out = [held(n, seed, heldout_every) for n in range(len(lines))]
    counter = Counter(
        word for sentence, h in zip(sentences, out, strict=True) if not h for word in sentence
    )
    ranked = [(w, n) for w, n in counter.most_common() if n >= min_count][:max_vocab]
    index = {word: id for id, (word, _) in enumerate(ranked)}
    ids = [[index[word] for word in sentence if word in index] for sentence in sentences]
    train = [sentence for sentence, h in zip(ids, out, strict=True) if sentence and not h]
    rest = [sentence for sentence, h in zip(ids, out, strict=True) if sentence and h]
    return ranked, train, rest


def as_lists(sentences: Sentences) -> list[list[int]]:
    bounds = zip(sentences.offsets[:-1], sentences.offsets[1:], strict=True)
    return [sentences.ids[start:stop].tolist() for start, stop in bounds]


def everything(corpus):
    ranked = list(zip(corpus.vocab.words, corpus.vocab.counts.tolist(), strict=True))
    return ranked, as_lists(corpus.train), as_lists(corpus.heldout)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def random_text(lines: int = 2000, types: int = 300, seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    words = [f"w{i}" for i in range(types)]
    ids = np.minimum(rng.zipf(1.3, (lines, 12)), types) - 1
    sizes = rng.integers(0, 12, lines)
    return "".join(
        " ".join(words[i] for i in row[:n]) + "\n" for row, n in zip(ids, sizes, strict=True)
    )


TEXT = random_text()
HOLDS_FIRST = next(seed for seed in range(100) if held(0, seed, 3))
OPTIONS: dict[str, Any] = {"min_count": 3, "max_vocab": 100, "heldout_every": 10, "seed": 7}

word = st.text(
    st.characters(exclude_characters="\0\n\r\t\v\f ", exclude_categories=["Cs"]), min_size=1
) | st.sampled_from(["a", "b", "c", *ODD, f"a{ODD[0]}b"])
blank = st.text(" \t\r\v\f", min_size=1, max_size=3)
line = st.lists(st.tuples(st.just("") | blank, word, blank), max_size=6).map(
    lambda parts: "".join("".join(part) for part in parts)
)


@settings(deadline=None)
@given(
    lines=st.lists(line, max_size=25),
    bom=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    ended=st.booleans(),
    min_count=st.integers(1, 2),
    max_vocab=st.none() | st.integers(2, 5),
    every=st.sampled_from([0, 2, 5]),
    seed=st.integers(0, MASK),
    chunk=st.sampled_from([512, 16 << 20]),
)
def test_equals_plain_python(
    tmp_path_factory, lines, bom, newline, ended, min_count, max_vocab, every, seed, chunk
):
    text = BOM * bom + newline.join(["a b", *lines, "a b"]) + newline * ended
    options = {"min_count": min_count, "max_vocab": max_vocab, "heldout_every": every, "seed": seed}
    folder = tmp_path_factory.mktemp("corpus")
    expected = oracle(text, **options)
    if len(expected[0]) < 2 or max(map(len, expected[1]), default=0) < 2:
        with pytest.raises(DataError):
            encode(write(folder / "text", text), directory=folder, **options, chunk_bytes=chunk)
        return
    corpus = encode(write(folder / "text", text), directory=folder, **options, chunk_bytes=chunk)
    assert everything(corpus) == expected
    assert everything(open_corpus(folder)) == expected
    assert corpus.stats.alone == sum(len(sentence) == 1 for sentence in expected[1])


def test_sentences_of_one_word_are_counted(tmp_path: Path):
    """Those of which one word is left, too; not the empty ones."""
    text = "a b\na\n\nb once\nonce\na b a\n"
    encode(write(tmp_path / "text", text), directory=tmp_path, min_count=2, heldout_every=0)
    assert open_corpus(tmp_path).stats.alone == 2


def test_a_record_without_their_number_is_read(tmp_path: Path):
    encode(write(tmp_path / "text", "a b\na\n"), directory=tmp_path, min_count=1, heldout_every=0)
    path = tmp_path / "corpus.json"
    record = json.loads(path.read_text())
    assert record["stats"].pop("alone") == 1
    path.write_text(json.dumps(record))
    assert open_corpus(tmp_path).stats.alone == 0


def test_a_long_text_equals_plain_python(tmp_path: Path):
    seen = []
    corpus = encode(
        write(tmp_path / "text", TEXT),
        directory=tmp_path / "out",
        **OPTIONS,
        progress=seen.append,
        chunk_bytes=3000,
    )
    assert everything(corpus) == oracle(TEXT, **OPTIONS)
    assert corpus.train.ids.dtype == corpus.heldout.ids.dtype == np.int32
    assert corpus.train.offsets.dtype == corpus.vocab.counts.dtype == np.int64
    assert isinstance(corpus.train.ids, np.memmap)
    stats = corpus.stats
    assert (stats.files, stats.lines, stats.words) == (1, TEXT.count("\n"), len(TEXT.split()))
    assert stats.kept == len(corpus.train.ids) == corpus.vocab.counts.sum()
    assert stats.words_per_s == pytest.approx(stats.words / stats.seconds)
    assert seen == sorted(seen)
    assert len(seen) > 10
    assert seen[-1] == stats.words
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES


def test_ties_are_ranked_by_first_appearance_in_the_training_text(tmp_path: Path):
    seed = next(s for s in range(100) if held(0, s, 3) and not held(1, s, 3))
    corpus = encode(
        write(tmp_path / "text", "d a\nb c a d\n"),
        directory=tmp_path / "out",
        min_count=1,
        heldout_every=3,
        seed=seed,
    )
    assert corpus.vocab.words == ("b", "c", "a", "d")
    assert as_lists(corpus.heldout) == [[3, 2]]


@pytest.mark.parametrize(("chunk", "piece"), [(80, 8), (200, 1), (1000, 3), (16 << 20, 2)])
def test_the_size_of_a_chunk_or_piece_does_not_matter(
    tmp_path: Path, monkeypatch, chunk: int, piece: int
):
    monkeypatch.setattr(writer, "_PIECE", piece)
    path = write(tmp_path / "text", TEXT)
    corpus = encode(path, directory=tmp_path / "out", **OPTIONS, chunk_bytes=chunk)
    assert everything(corpus) == oracle(TEXT, **OPTIONS)
    assert corpus.fingerprint == hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.mark.parametrize("kind", [".gz", ".bz2", ".xz", "stdin", "folder", "several", "bom"])
def test_every_way_in_gives_the_same_corpus(tmp_path: Path, monkeypatch, kind: str):
    data = TEXT.encode()
    packed = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    source: Path | str | list[Path] = tmp_path / "in" / f"text{kind}"
    (tmp_path / "in").mkdir()
    middle = data.index(b"\n", len(data) // 2) + 1
    if kind in packed:
        source.write_bytes(packed[kind](data))
    elif kind == "bom":
        source.write_bytes(BOM.encode() + data)
    elif kind == "stdin":
        source = "-"
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    else:
        parts = [tmp_path / "in" / "1.txt", tmp_path / "in" / "2.txt.gz"]
        parts[0].write_bytes(data[: middle - 1])  # its last newline is missing
        parts[1].write_bytes(gzip.compress(data[middle:]))
        source = tmp_path / "in" if kind == "folder" else parts
    corpus = encode(source, directory=tmp_path / "out", **OPTIONS)
    assert everything(corpus) == oracle(TEXT, **OPTIONS)
    assert corpus.fingerprint == hashlib.sha256(data).hexdigest()
    assert corpus.stats.files == (2 if kind in ("folder", "several") else 1)


def test_a_corpus_of_one_line_is_cut_into_sentences(tmp_path: Path):
    words = [f"w{i % 50}" for i in range(25_000)]
    path = write(tmp_path / "text", " ".join(words))
    whole = encode(path, directory=tmp_path / "a", heldout_every=0)
    assert np.diff(whole.train.offsets).tolist() == [10_000, 10_000, 5_000]
    pieces = encode(path, directory=tmp_path / "b", heldout_every=0, chunk_bytes=500)
    np.testing.assert_array_equal(pieces.train.ids, whole.train.ids)
    assert np.diff(pieces.train.offsets).max() <= 250


@given(st.lists(st.integers(0, 40)), st.integers(1, 12))
def test_cut_is_a_loop_over_lines(lengths: list[int], most: int):
    expected = []
    for length in lengths:
        while length > most:
            expected.append(most)
            length -= most
        expected.append(length)
    assert cut(np.array(lengths, np.int32), most=most).tolist() == expected


@given(st.integers(0, MASK), st.integers(2, 200), st.integers(0, 1 << 40))
def test_heldout_is_the_hash_in_plain_python(seed: int, every: int, start: int):
    lines = np.arange(start, start + 50)
    expected = [held(line, seed, every) for line in lines.tolist()]
    assert is_heldout(lines, seed=seed, every=every).tolist() == expected


def test_heldout_is_splitmix64_and_spread():
    # Outputs of the published generator started at 0; 0 mixes to 0.
    outputs = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    for every in range(2, 50):
        expected = [output % every == 0 for output in outputs]
        assert is_heldout(np.arange(4), seed=0, every=every).tolist() == expected
    n, p = 10**6, 0.01
    share = [is_heldout(np.arange(n), seed=seed, every=100) for seed in (1, 2)]
    for mask in share:
        assert abs(mask.sum() - n * p) < 5 * np.sqrt(n * p * (1 - p))
    both = (share[0] & share[1]).sum()
    assert abs(both - n * p * p) < 5 * np.sqrt(n * p * p)
    assert not is_heldout(np.arange(1000), seed=1, every=0).any()


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "no words in TEXT; give a text with one sentence a line"),
        (" \t\n\r\n\v\f\n", {}, "no words in TEXT; give a text with one sentence a line"),
        (
            "a b c\nb a b",
            {"min_count": 4},
            'no word of TEXT occurs 4 times: the most frequent, "b", occurs 3; lower --min-count',
        ),
        (
            "a b a",
            {"min_count": 2},
            'the vocabulary of TEXT is one word, "a", so no negative can differ from the target; '
            "lower --min-count, or give more text",
        ),
        (
            "a\nb\na x\nb y",
            {"min_count": 2},
            "no sentence of TEXT has two words in the vocabulary, so no window has a pair; "
            "lower --min-count, or give longer lines",
        ),
        (
            "a b",
            {"heldout_every": 3, "seed": HOLDS_FIRST},
            "every line of TEXT with words is held out; "
            "give more text, or hold nothing out (--heldout-every 0)",
        ),
        ("a b\n\0", {}, "binary file: NUL byte at TEXT:2 (byte 4); give plain text in UTF-8"),
    ],
)
def test_unusable_text_is_refused_and_leaves_nothing(tmp_path: Path, text, options, message):
    path = write(tmp_path / "text", text)
    options = {"min_count": 1, "heldout_every": 0, **options}
    with pytest.raises(DataError) as caught:
        encode(path, directory=tmp_path / "new" / "out", **options)
    assert str(caught.value).replace(str(path), "TEXT") == message
    assert [found.name for found in tmp_path.iterdir()] == ["text"]

    (tmp_path / "out").mkdir()
    encode(write(tmp_path / "good", "a b"), directory=tmp_path / "out", min_count=1)
    before = {found.name: found.read_bytes() for found in (tmp_path / "out").iterdir()}
    with pytest.raises(DataError):
        encode(path, directory=tmp_path / "out", **options)
    assert {found.name: found.read_bytes() for found in (tmp_path / "out").iterdir()} == before


def test_the_name_of_several_sources(tmp_path: Path, monkeypatch):
    paths = [write(tmp_path / name, "") for name in "abc"]
    with pytest.raises(DataError, match=rf"^no words in {paths[0]} and 2 more; "):
        encode(paths, directory=tmp_path / "out")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO()))
    with pytest.raises(DataError, match=r"^no words in <stdin>; "):
        encode("-", directory=tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_count": 0}, r"min_count is 0; give at least 1 \(--min-count\)"),
        ({"max_vocab": 1}, r"max_vocab is 1; give at least 2 \(--max-vocab\)"),
        ({"heldout_every": 1}, r"heldout_every is 1; give 0 or at least 2 \(--heldout-every\)"),
        ({"heldout_every": -2}, r"heldout_every is -2; give 0 or at least 2 \(--heldout-every\)"),
        ({"seed": -1}, r"seed is -1; give 0 or more, below 2\*\*64 \(--seed\)"),
        ({"seed": 1 << 64}, r"seed is 18446744073709551616; give 0 or more"),
    ],
)
def test_options_out_of_range_are_refused(tmp_path: Path, options, message):
    path = write(tmp_path / "text", "a b")
    with pytest.raises(UsageError, match=message):
        encode(path, directory=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch):
    path = write(tmp_path / "text", "a b")
    message = r"cannot write to .*text: File exists; free space, or choose another folder \(--out\)"
    with pytest.raises(DataError, match=message):
        encode(path, directory=path, min_count=1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    with pytest.raises(DataError, match=r"cannot write to .*out: No space left on device; free"):
        encode(path, directory=tmp_path / "out", min_count=1)
    assert [found.name for found in tmp_path.iterdir()] == ["text"]


def test_a_new_corpus_replaces_the_old(tmp_path: Path):
    for text in ("a b c", "d e"):
        path = write(tmp_path / "text", text)
        encode(path, directory=tmp_path / "out", min_count=1, heldout_every=0)
        assert everything(open_corpus(tmp_path / "out")) == oracle(text)
        assert {found.name for found in (tmp_path / "out").iterdir()} == FILES
