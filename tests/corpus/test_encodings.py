"""Text in other encodings: the same text as UTF-8, and each byte that is none of theirs is told."""

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jw2v.corpus import Reading, blocks, count, count_lines, encode
from jw2v.corpus.encodings import PART, Decoded
from jw2v.errors import DataError

ENCODINGS = ("latin-1", "windows-1252", "utf-16", "utf-16-be", "utf-32", "gb18030", "shift_jis",
             "euc-jp", "iso2022_jp", "utf-8-sig", "utf-7")  # fmt: skip
MARKS = {"utf-16": 2, "utf-32": 4}  # bytes of the mark that a file has to begin with
LETTERS = {"latin-1": "é ß", "windows-1252": "é€ß"}  # of the others: any of these
ANY = "ゟ あ漢"


def read(path: Path, encoding: str, **options) -> bytes:
    chunks = blocks(path, reading=Reading(encoding=encoding), **options)
    return b"".join(chunk.data for chunk in chunks)


def letters(encoding: str) -> str:
    known = LETTERS.get(encoding, ANY)
    return "".join(x for x in known if x.encode(encoding, "ignore")) + "ab \r\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("repeats", [1, PART // 7])  # decoded at once, and in many parts
def test_a_text_is_read_as_its_utf8(tmp_path: Path, encoding: str, repeats: int):
    text = f"{letters(encoding)}x\n" * repeats
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(text.encode(encoding), 1))
    for size in (64, 1 << 24):
        assert read(path, encoding, size=size) == text.encode()


def first_fault(raw: bytes, encoding: str) -> int | None:
    """Where Python, given all bytes at once, finds the first that is none of the encoding's."""
    try:
        raw.decode(encoding)
    except UnicodeDecodeError as error:
        return len(raw) - len(error.object) + error.start  # a mark at the start may be left out
    return None


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(data=st.data())
def test_the_first_bad_byte_is_told_as_of_the_whole_file(encoding: str, data: st.DataObject):
    raw = bytearray(data.draw(st.text(letters(encoding), max_size=30)).encode(encoding))
    at = data.draw(st.integers(MARKS.get(encoding, 0), len(raw)))
    raw[at:at] = data.draw(st.sampled_from([b"\xff\xff", b"\x81", b"\xd8\xd8", b"\xc3"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jw2v.corpus.encodings.PART", data.draw(st.integers(1, 40)))
        decoded = Decoded(io.BytesIO(raw), "text", encoding)
        fault = first_fault(bytes(raw), encoding)
        if fault is None:
            whole = bytes(raw).decode(encoding).encode("utf-8", "surrogatepass")
            assert decoded.read(1 << 20) == whole
            return
        line = 1 + bytes(raw[:fault]).decode(encoding, "ignore").count("\n")
        with pytest.raises(DataError) as caught:
            decoded.read(1 << 20)
    assert str(caught.value) == (
        f"not {encoding}: byte 0x{raw[fault]:02x} at text:{line} (byte {fault}); "
        "give the encoding it has (--encoding)"
    )


def test_a_file_cut_within_a_character_is_refused(tmp_path: Path):
    path = tmp_path / "text"
    path.write_bytes("a b\nc d\n".encode("utf-16")[:-1])
    with pytest.raises(DataError) as caught:
        read(path, "utf-16")
    assert str(caught.value) == (
        f"not utf-16: byte 0x0a at {path}:2 (byte 16); give the encoding it has (--encoding)"
    )


def test_a_byte_order_mark_that_is_missing_is_told(tmp_path: Path):
    path = tmp_path / "text"
    path.write_bytes("a b\n".encode("utf-16-be"))
    with pytest.raises(DataError) as caught:
        read(path, "utf-16")
    assert str(caught.value) == (
        f"not utf-16: UTF-16 stream does not start with BOM at {path}:1 (byte 0); "
        "give the encoding it has (--encoding)"
    )
    assert read(path, "utf-16-be") == b"a b\n"


def test_a_surrogate_alone_is_refused(tmp_path: Path):
    path = tmp_path / "text"
    path.write_bytes(b"a \\ud800\n")
    with pytest.raises(DataError, match=r"^not UTF-8: byte 0xed at .*text:1 \(byte 2\); "):
        read(path, "unicode_escape")


def test_every_way_in_takes_an_encoding(tmp_path: Path):
    text, reading = "le café\n" * 9, Reading(encoding="latin-1")
    (tmp_path / "text").write_text(text, encoding="latin-1")
    (tmp_path / "utf8").write_text(text, encoding="utf-8")
    one = encode(tmp_path / "text", directory=tmp_path / "1", heldout_every=0, reading=reading)
    other = encode(tmp_path / "utf8", directory=tmp_path / "2", heldout_every=0)
    assert one.vocab.words == ("le", "café")
    assert one.fingerprint == other.fingerprint
    counts = count(tmp_path / "text", heldout_every=0, reading=reading)
    assert counts.table["word"].to_pylist() == ["le", "café"]
    assert count_lines(tmp_path / "text", reading=reading) == 9
