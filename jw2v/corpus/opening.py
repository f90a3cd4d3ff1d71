"""Files as bytes of UTF-8, whatever they are compressed with or encoded in; their faults told."""

import bz2
import contextlib
import gzip
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from jw2v.corpus.encodings import Bytes, Decoded, is_utf8
from jw2v.errors import DataError

STDIN = "-"

_CUT = "Truncated compressed stream"  # how pyarrow tells of it
_DAMAGE = (gzip.BadGzipFile, zlib.error, lzma.LZMAError)


@contextlib.contextmanager
def opened(path: str, name: str, encoding: str) -> Iterator[Bytes]:
    """Opens a file, or standard input, that messages call `name`.

    Raises:
      DataError: it is unreadable, cut, damaged or in another encoding; also while it is read.
    """
    try:
        with _open(path) as file:
            yield file if is_utf8(encoding) else Decoded(file, name, encoding)
    except EOFError:
        raise _ends_early(name) from None
    except _DAMAGE as error:
        raise _damaged(name, error) from None
    except OSError as error:
        if error.errno is not None:
            raise unreadable(name, error) from None
        # How bz2 and pyarrow tell of bad data.
        raise (_ends_early(name) if str(error) == _CUT else _damaged(name, error)) from None


def unreadable(name: str, error: OSError) -> DataError:
    """The fault of a file or folder that the system does not open."""
    return DataError(f"cannot read {name}: {error.strerror}; give a file or folder with text")


def _open(path: str) -> contextlib.AbstractContextManager[Bytes]:
    if path == STDIN:
        return contextlib.nullcontext(sys.stdin.buffer)
    opener = _OPENERS.get(Path(path).suffix)
    if opener and os.path.isfile(path) and not os.path.getsize(path):
        raise EOFError  # gzip would make an empty text of it
    return (opener or open)(path, "rb")


@contextlib.contextmanager
def _open_zst(path: str, mode: str) -> Iterator[Bytes]:
    with open(path, mode) as file, pa.input_stream(file, compression="zstd") as text:
        yield text


_OPENERS: dict[str, Callable[[str, str], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _open_zst,
}


def _ends_early(name: str) -> DataError:
    return DataError(f"{name} ends early: its last part is missing; get it anew")


def _damaged(name: str, error: Exception) -> DataError:
    return DataError(f"{name} is damaged ({error}); get it anew")
