"""Chunks of text: where they are cut, what they know, and what is refused."""

import bz2
import gzip
import io
import lzma
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jw2v.corpus import Reading, blocks, find
from jw2v.errors import DataError, UsageError


def zst(data: bytes) -> bytes:
    file = pa.BufferOutputStream()
    with pa.CompressedOutputStream(file, "zstd") as compressed:
        compressed.write(data)
    return file.getvalue().to_pybytes()


COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zst}
TEXT = "".join(f"word{i} a b {'x' * (i % 7)}\n" for i in range(3000)).encode()


def read(source, **options) -> bytes:
    return b"".join(chunk.data for chunk in blocks(source, **options))


def refused(source, **options) -> str:
    with pytest.raises(DataError) as caught:
        list(blocks(source, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def stdin(monkeypatch):
    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))

    return give


def test_find_lists_a_folder_sorted_without_hidden_files(tmp_path: Path):
    for name in ("b.txt", "a.txt", ".hidden", "sub/c.txt", ".git/d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    os.mkfifo(tmp_path / "pipe")
    names = [str(tmp_path / name) for name in ("a.txt", "b.txt", "sub/c.txt")]
    assert find(tmp_path) == tuple(names)
    assert find([tmp_path / "sub", "-", names[0]]) == (names[2], "-", names[0])


def test_find_refuses_what_cannot_be_read(tmp_path: Path, monkeypatch):
    with pytest.raises(UsageError, match="no corpus given; name a file"):
        find([])
    with pytest.raises(DataError, match=r"cannot read .*/gone: No such file or directory; give"):
        find(tmp_path / "gone")
    with pytest.raises(DataError, match=r"no files in .*; give a folder with text files"):
        find(tmp_path)
    (tmp_path / "secret").write_text("x")

    def denied(path, *mode):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("builtins.open", denied)
    for source in (tmp_path, tmp_path / "secret"):
        with pytest.raises(DataError, match=r"cannot read .*/secret: Permission denied; give"):
            find(source)


def test_an_unreadable_folder_is_refused(tmp_path: Path, monkeypatch):
    (tmp_path / "inner").mkdir()

    def denied(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", denied)
    with pytest.raises(DataError, match=r"cannot read .*: Permission denied; give"):
        find(tmp_path)


def test_a_file_that_goes_away_is_refused(tmp_path: Path):
    path = tmp_path / "text"
    path.write_text("a b\n")
    chunks = blocks(path)
    path.unlink()
    with pytest.raises(DataError, match=r"cannot read .*/text: No such file or directory"):
        next(chunks)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_text_is_the_plain_text(tmp_path: Path, suffix: str):
    path = tmp_path / f"text{suffix}"
    path.write_bytes(COMPRESS[suffix](TEXT))
    assert read(path, size=1000) == TEXT


def test_standard_input_is_read(stdin):
    stdin(b"a b\nc")
    assert read("-") == b"a b\nc\n"
    stdin(b"a b\n\xff")
    assert "<stdin>:2 (byte 4)" in refused("-")


def test_files_are_as_their_concatenation(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfone two")
    (tmp_path / "b").write_bytes(b"")
    (tmp_path / "c").write_bytes(b"three\n")
    assert read(tmp_path) == b"one two\nthree\n"


@given(
    lines=st.lists(st.text("abcé\r\t ", max_size=12), max_size=30),
    size=st.integers(32, 200),
    bom=st.booleans(),
)
def test_chunks_join_to_the_text_and_know_their_place(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int, bom: bool
):
    text = "".join(f"{line}\n" for line in lines).encode()
    start = b"\xef\xbb\xbf" if bom else b""
    path = tmp_path_factory.mktemp("text") / "text"
    path.write_bytes(start + text)
    chunks = list(blocks(path, size=size))
    assert b"".join(chunk.data for chunk in chunks) == text
    before = b""
    for chunk in chunks:
        assert 0 < len(chunk.data) <= size
        assert chunk.data.endswith(b"\n")
        assert chunk[:3] == (str(path), 1 + before.count(b"\n"), len(start) + len(before))
        before += chunk.data


def test_a_long_line_is_cut_at_a_blank(tmp_path: Path):
    path = tmp_path / "text"
    path.write_bytes(b"x\n" + b"abcdef\t" * 50 + b"\nlast")
    chunks = list(blocks(path, size=20))
    piece = b"abcdef\tabcdef\t"
    assert [chunk.data for chunk in chunks[:3]] == [b"x\n", piece, piece]
    assert [chunk.line for chunk in chunks[:3]] == [1, 2, 2]
    assert b"".join(chunk.data for chunk in chunks) == path.read_bytes() + b"\n"


def test_a_chunk_of_no_use_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="a chunk of 3 bytes is too small; give at least 4"):
        blocks(tmp_path, size=3)


def test_a_word_longer_than_a_chunk_is_refused(tmp_path: Path):
    path = tmp_path / "text"
    path.write_bytes(b"a b\n" + b"x" * 100)
    assert refused(path, size=50) == (
        f"a word of 50 bytes or more at {path}:2 (byte 4); separate the words by blanks"
    )


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\r", "\v", "\f"])
@pytest.mark.parametrize("size", [64, 1 << 20])
def test_a_word_longer_than_is_allowed_is_refused(tmp_path: Path, blank: str, size: int):
    """Its length is in bytes, and no other character parts words."""
    path = tmp_path / "text"
    path.write_text(f"a b\n{'é' * 10}{blank}\xa0{'é' * 10}\x1cé{blank}z\n" * 3, newline="")
    limit = Reading(max_word_bytes=25)
    assert read(path, size=size, reading=limit) == path.read_bytes()
    line = 3 if blank == "\n" else 2
    assert refused(path, size=size, reading=Reading(max_word_bytes=24)) == (
        f"a word of 25 bytes at {path}:{line} (byte 25), and 24 are allowed; "
        "separate the words by blanks, or allow more (--max-word-bytes)"
    )


@pytest.mark.parametrize("suffix", ["", *COMPRESS])
def test_more_text_than_is_allowed_is_refused(tmp_path: Path, suffix: str):
    """However small a file is; what counts is the text of all files."""
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        path.write_bytes(COMPRESS.get(suffix, bytes)(TEXT))
    whole = Reading(max_bytes=2 * len(TEXT))
    assert read(paths, reading=whole) == 2 * TEXT
    for size in (1000, 1 << 20):
        less = Reading(max_bytes=2 * len(TEXT) - 1)
        assert refused(paths, size=size, reading=less) == (
            f"more than {2 * len(TEXT) - 1} bytes of text, unpacked, in {paths[1]}; "
            "allow more (--max-bytes)"
        )


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (Reading(max_bytes=0), "max_bytes is 0; give at least 1 (--max-bytes)"),
        (Reading(max_word_bytes=0), "max_word_bytes is 0; give at least 1 (--max-word-bytes)"),
        *(
            (
                Reading(encoding=name),
                f"encoding '{name}' is none of a text's; "
                "give one that Python knows, as utf-8, latin-1 or utf-16 (--encoding)",
            )
            for name in ("latin-0", "", "hex", "rot13", "a\0b")
        ),
    ],
)
def test_readings_that_cannot_be_are_refused(tmp_path: Path, reading: Reading, message: str):
    with pytest.raises(UsageError) as caught:
        blocks(tmp_path, reading=reading)
    assert str(caught.value) == message


@pytest.mark.parametrize("size", [16, 1 << 20])
def test_binary_is_refused(tmp_path: Path, size: int):
    path = tmp_path / "text"
    path.write_bytes(b"a b\nc\0d\n" + bytes(100))
    assert refused(path, size=size) == (
        f"binary file: NUL byte at {path}:2 (byte 5); give plain text in UTF-8"
    )
    path.write_bytes(bytes(100))
    assert f"NUL byte at {path}:1 (byte 0)" in refused(path, size=size)


@pytest.mark.parametrize("size", [16, 1 << 20])
@pytest.mark.parametrize(
    ("data", "byte", "place", "guess"),
    [
        (b"ok\nthe caf\xe9 is\n", "e9", "2 (byte 10)", "windows-1252"),
        (b"\xef\xbb\xbfok\n\n\xed\xa0\x80\n", "ed", "3 (byte 7)", "windows-1252"),
        ("many words and more\n".encode("utf-16"), "ff", "1 (byte 0)", "utf-16"),
        ("many words\n".encode("utf-16-be").join([b"\xfe\xff", b""]), "fe", "1 (byte 0)", "utf-16"),
    ],
)
def test_other_encodings_are_refused(
    tmp_path: Path, size: int, data: bytes, byte: str, place: str, guess: str
):
    path = tmp_path / "text"
    path.write_bytes(data)
    assert refused(path, size=size) == (
        f"not UTF-8: byte 0x{byte} at {path}:{place}; if it is {guess}, say so (--encoding {guess})"
    )


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_cut_file_is_refused(tmp_path: Path, suffix: str):
    path = tmp_path / f"text{suffix}"
    whole = COMPRESS[suffix](TEXT)
    for end in (0, *range(20, len(whole), len(whole) // 9)):
        path.write_bytes(whole[:end])
        assert refused(path) == f"{path} ends early: its last part is missing; get it anew"


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str):
    path = tmp_path / f"text{suffix}"
    whole = bytearray(COMPRESS[suffix](TEXT))
    whole[len(whole) // 2] ^= 0x10
    for data in (bytes(whole), b"plain text, not compressed\n"):
        path.write_bytes(data)
        message = refused(path)
        assert message.startswith(f"{path} is damaged (")
        assert message.endswith("); get it anew")
