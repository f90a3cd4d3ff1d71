"""Text in other encodings than UTF-8, read as UTF-8 in flat memory."""

import codecs
from typing import Protocol, runtime_checkable

from jw2v.errors import DataError

PART = 1 << 16  # bytes that are decoded at once


@runtime_checkable
class Bytes(Protocol):
    """What bytes are read from; fewer than were asked for are its last."""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        ...


def is_utf8(encoding: str) -> bool:
    """Whether this is one of UTF-8's names.

    >>> is_utf8("UTF8"), is_utf8("latin-1")
    (True, False)
    """
    return codecs.lookup(encoding).name == "utf-8"


def place(name: str, line: int, offset: int) -> str:
    """How a message tells where a byte is.

    >>> place("corpus.txt", 2, 7)
    'corpus.txt:2 (byte 7)'
    """
    return f"{name}:{line} (byte {offset})"


class Decoded:
    """A file in another encoding, read as UTF-8.

    >>> import io
    >>> Decoded(io.BytesIO("café".encode("latin-1")), "menu", "latin-1").read(10).decode()
    'café'
    """

    def __init__(self, file: Bytes, name: str, encoding: str) -> None:
        """Of a file that messages call `name`."""
        self._file, self._name, self._encoding = file, name, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready, self._ended = bytearray(), False
        self._bytes = self._lines = 0

    def read(self, size: int) -> bytes:
        """The next bytes of UTF-8.

        Raises:
          DataError: the file is not in its encoding.
        """
        while len(self._ready) < size and not self._ended:
            self._more()
        taken = bytes(self._ready[:size])
        del self._ready[:size]
        return taken

    def _more(self) -> None:
        data = self._file.read(PART)
        before = self._decoder.getstate()
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeError as error:
            self._decoder.setstate(before)
            raise self._fault(error, data) from None
        self._ended = not data
        self._bytes += len(data)
        self._lines += text.count("\n")
        # A lone surrogate, as UTF-7 can spell it, is refused where all UTF-8 is checked.
        self._ready += text.encode("utf-8", "surrogatepass")

    def _fault(self, error: UnicodeError, data: bytes) -> DataError:
        what, start = str(error), 0  # of a byte order mark that is missing
        if isinstance(error, UnicodeDecodeError):
            what = f"byte 0x{error.object[error.start]:02x}"
            # It was decoded together with what was left of the bytes before it.
            start = error.start - (len(error.object) - len(data))
        line = 1 + self._lines + self._decoder.decode(data[: max(0, start)]).count("\n")
        return DataError(
            f"not {self._encoding}: {what} at {place(self._name, line, self._bytes + start)}; "
            "give the encoding it has (--encoding)"
        )
