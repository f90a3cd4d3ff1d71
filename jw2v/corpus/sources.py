"""Where text comes from: files, folders and standard input, read as checked chunks of UTF-8."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from jw2v.corpus.encodings import Bytes, place
from jw2v.corpus.opening import STDIN, opened, unreadable
from jw2v.corpus.records import AS_IT_IS, Reading
from jw2v.corpus.refusals import check_reading
from jw2v.errors import DataError, UsageError

Source: TypeAlias = str | Path | Sequence[str | Path]

CHUNK_BYTES = 4 << 20
BLANKS = (b" ", b"\t", b"\n", b"\r", b"\v", b"\f")
BOM = b"\xef\xbb\xbf"


class Chunk(NamedTuple):
    """A run of whole lines of one file (only a line longer than a chunk is ever cut)."""

    name: str  # of the file; "<stdin>" for standard input
    line: int  # number of its first line in the file, from 1
    offset: int  # bytes of (decompressed, decoded) file before it
    data: bytes  # UTF-8 without NUL and byte order mark


def find(source: Source) -> tuple[str, ...]:
    """The inputs that a source names.

    Args:
      source: a file, several, a folder (its regular, non-hidden files, at any depth, sorted by
        path), or "-" for standard input.

    Returns:
      Paths, in order; "-" stays "-".

    Raises:
      UsageError: no source is given.
      DataError: a path is missing or unreadable, or a folder has no file.

    >>> find("-")
    ('-',)
    """
    sources = [source] if isinstance(source, str | Path) else list(source)
    if not sources:
        raise UsageError("no corpus given; name a file, a folder, or - for standard input")
    return tuple(name for one in sources for name in _inputs(str(one)))


def blocks(
    source: Source, *, size: int = CHUNK_BYTES, reading: Reading = AS_IT_IS
) -> Iterator[Chunk]:
    r"""The text of a source, in chunks of at most `size` bytes that end where a line ends.

    Files that end in .gz, .bz2, .xz and .zst are decompressed, and other encodings made UTF-8. A
    byte order mark at a file's start is dropped, and a file's last line is ended where its newline
    is missing, so that the chunks of several files are the chunks of their concatenation. A line of
    more than `size` bytes is cut after an ASCII blank: it becomes several sentences, and memory
    stays flat.

    Args:
      source: as in `find`.
      size: bytes of a chunk at most, at least 4.
      reading: the encoding, and limits to the length of the text and of a word.

    Yields:
      Non-empty chunks, in order. Only the newline added to a last line may exceed `size`.

    Raises:
      UsageError: `size` is less than 4, or `reading` cannot be used.
      DataError: a file is missing, unreadable, damaged, binary or in another encoding, or has a
        word of `size` bytes; or there is more than the limits allow.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "text")
    ...     _ = path.write_text("a b\nc\nd e f")
    ...     [(chunk.line, chunk.data) for chunk in blocks(path, size=6)]
    [(1, b'a b\nc\n'), (3, b'd e f\n')]
    """
    if size < 4:
        raise UsageError(f"a chunk of {size} bytes is too small; give at least 4")
    check_reading(reading)
    return _blocks(find(source), size, reading)


def hashed(chunks: Iterator[Chunk], update: Callable[[bytes], object]) -> Iterator[Chunk]:
    """The chunks as they are, each shown to `update` of a hash on the way."""
    for chunk in chunks:
        update(chunk.data)
        yield chunk


def _blocks(paths: tuple[str, ...], size: int, reading: Reading) -> Iterator[Chunk]:
    read = 0
    for path in paths:
        name = "<stdin>" if path == STDIN else path
        with opened(path, name, reading.encoding) as file:
            for chunk in _cut(file, name, size):
                _check(chunk)
                read += len(chunk.data)
                _check_limits(chunk, read, reading)
                yield chunk


def _inputs(source: str) -> list[str]:
    if source == STDIN:
        return [source]
    try:
        mode = os.stat(source).st_mode
        if stat.S_ISDIR(mode):
            return _files(source)
        if stat.S_ISREG(mode):  # to open a pipe here would lose what is in it
            open(source, "rb").close()
    except OSError as error:
        raise unreadable(error.filename or source, error) from None
    return [source]


def _files(folder: str) -> list[str]:
    def refuse(error: OSError) -> None:
        raise error

    found = []
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [os.path.join(parent, name) for name in names if not name.startswith(".")]
        found += [path for path in paths if os.path.isfile(path)]
    if not found:
        raise DataError(f"no files in {folder}; give a folder with text files")
    for path in found:
        open(path, "rb").close()
    return sorted(found)


def _cut(file: Bytes, name: str, size: int) -> Iterator[Chunk]:
    head = file.read(len(BOM))
    rest = b"" if head == BOM else head
    line, offset = 1, len(head) - len(rest)
    while len(text := rest + file.read(size - len(rest))) == size:
        end = text.rfind(b"\n") + 1 or 1 + max(text.rfind(blank) for blank in BLANKS)
        if not end:
            _check_binary(Chunk(name, line, offset, text))
            raise DataError(
                f"a word of {size} bytes or more at {place(name, line, offset)}; "
                "separate the words by blanks"
            )
        yield Chunk(name, line, offset, text[:end])
        line, offset, rest = line + text.count(b"\n", 0, end), offset + end, text[end:]
    if text:
        yield Chunk(name, line, offset, text if text.endswith(b"\n") else text + b"\n")


def _check(chunk: Chunk) -> None:
    _check_binary(chunk)
    try:
        chunk.data.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(chunk, error.start, "windows-1252") from None


def _check_limits(chunk: Chunk, read: int, reading: Reading) -> None:
    most = reading.max_word_bytes
    if most is not None and most < len(chunk.data) and (word := _longer(chunk.data, most)):
        raise DataError(
            f"a word of {len(word[0])} bytes at {_where(chunk, word.start())}, and {most} are "
            "allowed; separate the words by blanks, or allow more (--max-word-bytes)"
        )
    if reading.max_bytes is not None and read > reading.max_bytes:
        raise DataError(
            f"more than {reading.max_bytes} bytes of text, unpacked, in {chunk.name}; "
            "allow more (--max-bytes)"
        )


def _longer(text: bytes, most: int) -> re.Match[bytes] | None:
    """The first word of more bytes; what is no blank to `re` is none of BLANKS."""
    # A match begins where a word does: else each of its bytes would be tried.
    return re.search(rb"(?<!\S)\S{%d,}" % (most + 1), text)


def _check_binary(chunk: Chunk) -> None:
    if chunk.offset == 0 and chunk.data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _not_utf8(chunk, 0, "utf-16")
    if (at := chunk.data.find(b"\0")) >= 0:
        raise DataError(f"binary file: NUL byte at {_where(chunk, at)}; give plain text in UTF-8")


def _not_utf8(chunk: Chunk, at: int, guess: str) -> DataError:
    return DataError(
        f"not UTF-8: byte 0x{chunk.data[at]:02x} at {_where(chunk, at)}; "
        f"if it is {guess}, say so (--encoding {guess})"
    )


def _where(chunk: Chunk, at: int) -> str:
    return place(chunk.name, chunk.line + chunk.data.count(b"\n", 0, at), chunk.offset + at)
