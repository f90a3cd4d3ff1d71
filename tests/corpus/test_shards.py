"""A corpus made in shards is the one of a single process; what does not fit together is refused."""

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from faults import FAULTS, Operation, at_once, sweep
from hypothesis import given
from hypothesis import strategies as st
from strategies import few
from texts import topical_text

import jw2v
from jw2v.corpus import (
    Corpus,
    Counts,
    count,
    count_lines,
    encode,
    encode_shard,
    merge,
    open_corpus,
    plan_shards,
)
from jw2v.corpus.plan import read_plan
from jw2v.corpus.store import load
from jw2v.errors import DataError, UsageError

SEED = st.integers(0, (1 << 64) - 1)
SMALL = jw2v.Config(
    dim=6, window=2, epochs=2, sample=0.01, block=64, group=16, shared_negatives=8,
    blocks_per_call=4, loss_every=1, workers=1,
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def quick():
    """No power is cut here."""
    with mock.patch("os.fsync", at_once):
        yield


def write_shards(folder: Path, texts: Sequence[str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.txt" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8", newline="")
    return paths


def counts_of(paths: Sequence[Path], **options: Any) -> list[Counts]:
    found, line = [], 0
    for path in paths:
        found.append(count(path, first_line=line, **options))
        assert found[-1].shards[0].lines == count_lines(path)
        line += count_lines(path)
    return found


def encode_all(paths: Sequence[Path], folder: Path, cut: dict[str, Any], **split: Any) -> Corpus:
    plan_shards(counts_of(paths, **split), directory=folder, **cut)
    for path in reversed(paths):
        encode_shard(path, vocab=folder)
    return open_corpus(folder)


def arrays(corpus: Corpus) -> list[np.ndarray]:
    return [np.asarray(column) for part in (corpus.train, corpus.heldout) for column in part]


def assert_same(found: Corpus, expected: Corpus) -> None:
    for a, b in zip(arrays(found), arrays(expected), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
    assert found.directory is not None
    assert expected.directory is not None
    texts = [
        (corpus / "vocab.txt").read_bytes() for corpus in (found.directory, expected.directory)
    ]
    assert texts[0] == texts[1]
    assert found.vocab.words == expected.vocab.words
    assert found.options == expected.options
    assert (found.share, expected.share) == (1, 1)
    for name in ("files", "lines", "words", "kept", "alone"):
        assert getattr(found.stats, name) == getattr(expected.stats, name)


def refused(run, *args: Any, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        run(*args, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


lines = st.lists(st.lists(st.sampled_from("abcde"), max_size=6).map(" ".join), max_size=8)
shard = st.tuples(lines, st.booleans()).map(lambda parts: "\n".join(parts[0]) + "\n" * parts[1])


@few
@given(
    texts=st.lists(shard, min_size=1, max_size=5),
    min_count=st.integers(1, 2),
    max_vocab=st.none() | st.integers(2, 4),
    every=st.sampled_from([0, 2, 5]),
    seed=SEED,
)
def test_shards_are_the_text_in_one_process(
    tmp_path_factory, texts: list[str], min_count, max_vocab, every, seed
):
    folder = tmp_path_factory.mktemp("shards")
    # Shards of the same text are told apart by their names.
    paths = write_shards(folder / "text", texts)
    cut = {"min_count": min_count, "max_vocab": max_vocab}
    split = {"heldout_every": every, "seed": seed}
    try:
        expected = encode(paths, directory=folder / "whole", **cut, **split)
    except DataError as error:
        what_to_do = str(error).rpartition("; ")[-1]
    else:
        assert_same(encode_all(paths, folder / "corpus", cut, **split), expected)
        return
    told = refused(encode_all, paths, folder / "corpus", cut, **split)
    assert told.rpartition("; ")[-1] == what_to_do


@few
@given(texts=st.lists(shard, min_size=2, max_size=5), seed=SEED, data=st.data())
def test_counts_are_merged_in_any_order_and_grouping(tmp_path_factory, texts, seed, data):
    folder = tmp_path_factory.mktemp("counts")
    found = counts_of(write_shards(folder, texts), heldout_every=3, seed=seed)
    merge(found).save(folder / "expected")
    some = data.draw(st.permutations(found))
    while len(some) > 1:
        at = data.draw(st.integers(0, len(some) - 2))
        some[at : at + 2] = [merge(some[at : at + 2])]
    some[0].save(folder / "found")
    assert (folder / "found").read_bytes() == (folder / "expected").read_bytes()


def test_counts_are_those_of_plain_python(tmp_path: Path):
    (path,) = write_shards(tmp_path, ["b a b\n\nc a\n"])
    found = count(path, first_line=7, heldout_every=0)
    assert found.table.to_pydict() == {
        "word": ["b", "a", "c"], "count": [2, 2, 1], "first": [70_000, 70_001, 70_003]
    }  # fmt: skip
    (told,) = found.shards
    assert told[2:] == (7, 3, 5)
    found.save(tmp_path / "counts")
    back = Counts.load(tmp_path / "counts")
    assert back.table.equals(found.table)
    assert (back.shards, back.heldout_every, back.seed) == (found.shards, 0, 1)


@few
@given(st.lists(st.tuples(st.integers(0, 25_000), st.integers(1, 3)), max_size=4), st.booleans())
def test_lines_are_counted_as_they_are_cut(tmp_path_factory, lengths, ended):
    text = "\n".join(("w" * size + " ") * words for words, size in lengths) + "\n" * ended
    folder = tmp_path_factory.mktemp("lines")
    (path,) = write_shards(folder, [text])
    written = lengths if ended or not lengths or lengths[-1][0] else lengths[:-1]
    expected = sum(max(1, -(-words // 10_000)) for words, _ in written) or int(ended)
    assert count_lines(path) == count(path).shards[0].lines == expected


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    text = topical_text(150).splitlines(keepends=True)
    return write_shards(tmp_path / "text", ["".join(text[i : i + 40]) for i in range(0, 150, 40)])


@pytest.fixture
def folder(paths: list[Path], tmp_path: Path) -> Path:
    encode_all(paths, tmp_path / "corpus", {"min_count": 3})
    return tmp_path / "corpus"


def test_shards_train_as_the_text(paths: list[Path], folder: Path, tmp_path: Path):
    whole = encode(paths, directory=tmp_path / "whole", min_count=3)
    expected, found = (jw2v.train(c, SMALL, check=False) for c in (whole, open_corpus(folder)))
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    np.testing.assert_array_equal(found.outside, expected.outside)
    assert found.run["heldout_loss"] == expected.run["heldout_loss"]
    assert found.run["config"] == expected.run["config"]


@pytest.mark.slow
def test_several_processes_train_on_shards(paths: list[Path], folder: Path, tmp_path: Path):
    whole, config = encode(paths, directory=tmp_path / "whole", min_count=3), SMALL
    config = replace(config, workers=2)
    expected, found = (jw2v.train(c, config, check=False) for c in (whole, load(folder)))
    np.testing.assert_array_equal(found.vectors, expected.vectors)


def test_the_fingerprint_is_that_of_the_same_shards_words_and_options(
    paths: list[Path], folder: Path, tmp_path: Path
):
    def fingerprint(name: str, paths: list[Path], min_count: int = 3, **split: Any) -> str:
        return encode_all(paths, tmp_path / name, {"min_count": min_count}, **split).fingerprint

    moved = [Path(shutil.copy(path, tmp_path / path.name)) for path in paths]
    assert fingerprint("again", moved) == load(folder).fingerprint
    others = [
        fingerprint("order", [paths[1], paths[0], *paths[2:]]),
        fingerprint("fewer", paths[:3]),
        fingerprint("cut", paths, 4),
        fingerprint("seed", paths, seed=2),
    ]
    assert len({load(folder).fingerprint, *others}) == 5


def test_a_shard_is_encoded_elsewhere_and_brought_there(
    paths: list[Path], folder: Path, tmp_path: Path
):
    other = tmp_path / "other"
    for path in paths[:2]:
        encode_shard(path, vocab=folder, directory=other)
    for number in (2, 3):
        shutil.copytree(folder / f"0000{number}", other / f"0000{number}")
    assert_same(open_corpus(other), replace(load(folder)))
    plan_shards(counts_of(paths), directory=tmp_path / "third", min_count=1)
    assert refused(encode_shard, paths[0], vocab=tmp_path / "third", directory=other) == (
        f"{other} has shards of another vocabulary; choose another folder (--out)"
    )


def test_no_file_is_held_open(paths: list[Path], folder: Path):
    """A process may have a thousand files open, a corpus more shards than that."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("no /proc here that tells open files")
    before = len(os.listdir(descriptors))
    corpus = open_corpus(folder)
    assert len(os.listdir(descriptors)) == before
    assert len(np.asarray(corpus.train.ids)) == corpus.stats.kept


def test_shards_of_one_text_are_told_apart_by_name(tmp_path: Path):
    paths = write_shards(tmp_path, ["a b\nb a a\n"] * 3)
    expected = encode(paths, directory=tmp_path / "whole", min_count=1, heldout_every=2)
    assert len(expected.heldout.ids)
    found = encode_all(paths, tmp_path / "corpus", {"min_count": 1}, heldout_every=2)
    assert_same(found, expected)
    again = [count(paths[0], first_line=line) for line in (0, 2)]
    assert refused(merge, again) == (
        "0.txt is there twice; give the counts of each shard once, and shards of the same text "
        "names of their own"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 2}, "0.txt was counted with seed 1 and 1.txt with 2; count them with the same "
         "(--seed)"),
        ({"heldout_every": 7}, "0.txt was counted with heldout_every 100 and 1.txt with 7; count "
         "them with the same (--heldout-every)"),
        ({"first_line": 39}, "1.txt begins at line 39, within 0.txt; count it anew "
         "(--first-line 40)"),
        ({"first_line": 41}, "no counts of the shard at line 40, before 1.txt (line 41); give "
         "them, or count 1.txt anew (--first-line 40)"),
    ],
)  # fmt: skip
def test_counts_that_do_not_fit_are_refused(paths: list[Path], tmp_path: Path, options, message):
    found = [count(paths[0]), count(paths[1], **{"first_line": 40, **options})]
    for some in (found, found[::-1]):
        told = refused(plan_shards, some, directory=tmp_path / "corpus")
        if "counted with" in message and some is not found:
            continue  # the other is named first
        assert told == message
    assert not (tmp_path / "corpus").exists()


def test_missing_counts_are_refused(paths: list[Path], tmp_path: Path):
    found = counts_of(paths)
    told = refused(plan_shards, found[1:], directory=tmp_path / "corpus")
    assert told.startswith("no counts of the shard at line 0, before 1.txt (line 40); give them")
    with pytest.raises(UsageError, match="no counts given; name at least one file"):
        plan_shards([], directory=tmp_path / "corpus")
    plan_shards(found[:3], directory=tmp_path / "corpus")
    assert refused(encode_shard, paths[3], vocab=tmp_path / "corpus") == (
        "3.txt is none of the shards that were counted, or has changed since; "
        "count it and merge all counts anew (jw2v count, jw2v merge)"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first_line": -1}, r"first_line is -1; give 0 or more \(--first-line\)"),
        ({"first_line": 1 << 60}, r"first_line is 1152921504606846976; give 0 or more"),
        ({"heldout_every": 1}, r"heldout_every is 1; give 0 or at least 2"),
    ],
)
def test_options_out_of_range_are_refused(paths: list[Path], tmp_path: Path, options, message):
    with pytest.raises(UsageError, match=message):
        count(paths[0], **options)
    with pytest.raises(UsageError, match=r"min_count is 0; give at least 1 \(--min-count\)"):
        plan_shards(counts_of(paths), directory=tmp_path / "corpus", min_count=0)


def test_a_changed_shard_is_refused_and_leaves_nothing(paths: list[Path], tmp_path: Path):
    plan_shards(counts_of(paths), directory=tmp_path / "corpus")
    paths[0].write_text("changed\n")
    told = refused(encode_shard, paths[0], vocab=tmp_path / "corpus", directory=tmp_path / "new")
    assert told.startswith("0.txt is none of the shards that were counted, or has changed since; ")
    assert not (tmp_path / "new").exists()


def test_missing_and_foreign_shards_are_refused(paths: list[Path], folder: Path, tmp_path: Path):
    shutil.rmtree(folder / "00002")
    assert refused(open_corpus, folder) == (
        f"shard 3 of 4, 2.txt, is not in {folder}; encode it there (jw2v encode --vocab)"
    )
    encode_all(paths, tmp_path / "other", {"min_count": 1})
    shutil.copytree(tmp_path / "other" / "00002", folder / "00002")
    assert refused(open_corpus, folder) == (
        f"shard 3 of 4, 2.txt, is encoded with another vocabulary in {folder / '00002'}; "
        f"encode it anew (jw2v encode --vocab {folder})"
    )


def test_damaged_shards_are_refused(folder: Path):
    path = folder / "00001" / "train.ids.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    assert refused(open_corpus, folder) == (
        f"{path} is damaged: it is not a whole array; encode the text anew"
    )
    ids = np.load(folder / "00000" / "train.ids.npy")
    np.save(path, ids)
    assert refused(open_corpus, folder) == (
        f"{folder / '00001' / 'train.offsets.npy'} is damaged: its offsets do not divide the ids "
        "into sentences; encode the text anew"
    )
    path.write_bytes(whole)
    changed = np.load(path)
    changed[0] = -1
    np.save(path, changed)
    assert "an id is not in [0, " in refused(open_corpus, folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "{", "PLAN is damaged: it is no plan; merge the counts anew"),
        (lambda text: text.replace('"first_line"', '"line"'), "PLAN is damaged: it is no plan; "),
        (
            lambda text: json.dumps(json.loads(text) | {"version": 2}),
            "PLAN is of format 2, this jw2v reads 1; merge the counts anew",
        ),
    ],
)
def test_a_damaged_plan_is_refused(folder: Path, paths: list[Path], change, message):
    path = folder / "shards.json"
    path.write_text(change(path.read_text()))
    for told in (refused(open_corpus, folder), refused(encode_shard, paths[0], vocab=folder)):
        assert told.replace(str(path), "PLAN").startswith(message)


def test_a_changed_vocabulary_is_refused(folder: Path, paths: list[Path]):
    path = folder / "vocab.txt"
    path.write_bytes(path.read_bytes() + b"more 1\n")
    for told in (refused(open_corpus, folder), refused(encode_shard, paths[0], vocab=folder)):
        assert told == f"{path} is not the vocabulary of shards.json; merge the counts anew"
    path.unlink()
    assert refused(open_corpus, folder) == (
        f"cannot read {path}: No such file or directory; merge the counts anew"
    )


def test_a_folder_without_a_plan_is_refused(paths: list[Path], tmp_path: Path):
    for place in (tmp_path, paths[0]):
        assert refused(encode_shard, paths[0], vocab=place, directory=tmp_path / "new") == (
            f"no vocabulary of shards in {place}; merge their counts there (jw2v merge --out)"
        )
    assert not (tmp_path / "new").exists()


def test_a_folder_is_of_shards_or_of_a_text(paths: list[Path], folder: Path, tmp_path: Path):
    assert refused(encode, paths, directory=folder) == (
        f"{folder} has shards in it; choose another folder (--out)"
    )
    whole = tmp_path / "whole"
    encode(paths, directory=whole)
    for told in (
        refused(plan_shards, counts_of(paths), directory=whole),
        refused(encode_shard, paths[0], vocab=folder, directory=whole),
    ):
        assert told == f"{whole} has an encoded text in it; choose another folder (--out)"


def test_damaged_counts_are_refused(paths: list[Path], tmp_path: Path):
    path = tmp_path / "counts"
    found = count(paths[0])
    found.save(path)
    message = f"{path} is damaged, or no file of counts; count the shard anew"
    whole = path.read_bytes()
    for bad in (b"", b"PAR1", whole[:-1], whole[: len(whole) // 2]):
        path.write_bytes(bad)
        assert refused(Counts.load, path) == message
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with contextlib.suppress(DataError):
            assert Counts.load(path).table.equals(found.table)
    pq.write_table(pa.table({"word": ["a"]}), path)
    assert refused(Counts.load, path) == message
    path.unlink()
    assert refused(Counts.load, path) == (
        f"cannot read {path}: No such file or directory; count the shard anew"
    )


# Faults of the disk


def begin(folder: Path, text: str = "to be or not to be\nthat is\n" * 9) -> None:
    (path,) = write_shards(folder / "text", [text])
    plan_shards([count(path)], directory=folder / "corpus", min_count=1)
    encode_shard(path, vocab=folder / "corpus")
    (path,) = write_shards(folder / "text", ["a b c\nb c d\n" * 5])
    count(path).save(folder / "counts")


def count_anew(folder: Path) -> None:
    count(folder / "text" / "0.txt", first_line=1).save(folder / "counts")


def read_counts(folder: Path) -> object:
    return Counts.load(folder / "counts").table.to_pydict()


def plan_anew(folder: Path) -> None:
    plan_shards([Counts.load(folder / "counts")], directory=folder / "corpus", min_count=1)


def begin_shard(folder: Path) -> None:
    begin(folder)
    plan_anew(folder)


def encode_anew(folder: Path) -> None:
    encode_shard(folder / "text" / "0.txt", vocab=folder / "corpus")


def read(folder: Path) -> object:
    """The arrays of the corpus, or whose shard they lack."""
    try:
        return [array.tolist() for array in arrays(open_corpus(folder / "corpus"))]
    except DataError as error:
        if "encoded with another vocabulary" not in str(error):
            raise
    return read_plan(folder / "corpus").shards


OPERATIONS = {
    "counts": Operation(begin, count_anew, read_counts),
    "plan": Operation(begin, plan_anew, read),
    "shard": Operation(begin_shard, encode_anew, read),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_fault_leaves_the_old_state_or_the_new(tmp_path: Path, name, fault):
    points = sweep(OPERATIONS[name], tmp_path, fault)
    assert len(points) >= {"counts": 4, "plan": 20, "shard": 20}[name]
