"""Reading lines that know their number, and writing files whole or not at all."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.numpy import save_file

from jw2v.errors import DataError

_NOTE = ".written-by"
# The six ASCII blanks separate words in every format here; a lone surrogate has no UTF-8 form.
_UNWRITABLE = re.compile(r"[ \t\n\r\v\f\ud800-\udfff]|^\Z")


def numbered_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    r"""Yield `(line number from 1, line with its end)` of a UTF-8 file; lines end at `\n` only.

    Raises:
      DataError: the file cannot be read, or a line is not UTF-8.

    >>> [number for number, _ in numbered_lines(__file__)][:3]
    [1, 2, 3]
    """
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                yield number, _decode(line, f"{os.fspath(path)}:{number}")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; give a readable file") from error


def _decode(line: bytes, place: str) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"byte {error.start + 1} of the line is not UTF-8 ({place}); save the file as UTF-8"
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what was written there takes its place at the end.

    The file is synced to disk before it is renamed, and its folder after. Whatever fails, the old
    file stays as it was and no temporary file stays behind.

    Raises:
      DataError: the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "a.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    temporary = _beside(path, os.getpid())
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):  # the fault above is what is told
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_together(folder: Path, names: Sequence[str]) -> Iterator[list[Path]]:
    """As `replacing`, for files of a folder that belong together: all are new, or all are old.

    The step that decides is a single rename, of a note that tells their names and which process
    wrote them. From then on `place_of` finds the new files, whether or not each could take its
    place; the next who writes such files to the folder lets them.

    Raises:
      DataError: they cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing_together(Path(folder), ["a", "b"]) as (a, b):
    ...         _ = a.write_text("1"), b.write_text("2")
    ...     place_of(Path(folder), "b").read_text()
    '2'
    """
    process = os.getpid()
    temporaries, note = [_beside(folder / name, process) for name in names], folder / _NOTE
    try:
        _finish(folder)
        yield temporaries
        for temporary in temporaries:
            _sync(temporary)
        _sync(folder)  # where they are is known before it is told
        with replacing(note) as written:
            written.write_text("\n".join([str(process), *names]), encoding="utf-8")
        _finish(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        with suppress(OSError):
            for temporary in () if note.exists() else temporaries:
                temporary.unlink(missing_ok=True)


def place_of(folder: Path, name: str) -> Path:
    """Where a file of `replacing_together` is: in its place, or on the way there.

    Raises:
      DataError: the note that tells it cannot be read.
    """
    temporary = _decided(folder).get(name)
    return temporary if temporary and temporary.exists() else folder / name


def _decided(folder: Path) -> dict[str, Path]:
    """Where the files were written that were decided on, by their names."""
    note = folder / _NOTE
    try:
        process, *lines = note.read_text(encoding="utf-8").split("\n")
        names = [Path(line).name for line in lines]  # what a file says is never a path
        return {name: _beside(folder / name, int(process)) for name in names}
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    except OSError as error:
        raise DataError(f"cannot read {note}: {error.strerror}; make it readable") from error


def _finish(folder: Path) -> None:
    """Let files that were decided on take their places; the note is needed until they have."""
    if decided := _decided(folder):
        for name, temporary in decided.items():
            with suppress(FileNotFoundError):  # it is in its place
                os.replace(temporary, folder / name)
        _sync(folder)
    (folder / _NOTE).unlink(missing_ok=True)


def _beside(path: Path, process: int) -> Path:
    return path.with_name(f".{path.name}.{process}.tmp")


def _unwritable(path: Path, error: OSError) -> DataError:
    reason = error.strerror or error
    return DataError(f"cannot write {path}: {reason}; give a place with room")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a file of UTF-8 lines, which bring their ends, whole or not at all.

    Raises:
      DataError: the file cannot be written.
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.writelines(lines)


def write_tensors(
    tensors: dict[str, np.ndarray], path: Path, *, metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file.

    Raises:
      OSError: it cannot be written; the error of other files, in the place of safetensors' own.

    >>> write_tensors({"V": np.ones(2)}, Path("no/such/folder/v.safetensors"))
    Traceback (most recent call last):
    ...
    OSError: ...
    """
    try:
        save_file(tensors, path, metadata=metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_words(words: Sequence[str]) -> None:
    """Refuse words that a file of one word a line cannot hold.

    Raises:
      DataError: a word is empty, holds an ASCII blank, has no UTF-8 form or is there twice.

    >>> check_words(["new", "york"])
    >>> check_words(["new york"])
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: word 1, 'new york', is empty, holds a blank or is not Unicode text; ...
    """
    seen: set[str] = set()
    for number, word in enumerate(words, start=1):
        if _UNWRITABLE.search(word):
            raise DataError(
                f"word {number}, {word!r}, is empty, holds a blank or is not Unicode text; "
                "join its parts with '_' first"
            )
        if word in seen:
            raise DataError(f"word {number}, {word!r}, is there twice; keep one row per word")
        seen.add(word)


def check_finite(name: str, words: Sequence[str], table: Float[np.ndarray, "vocab dim"]) -> None:
    """Refuse a table with NaN or Inf, naming the word of the first such row.

    Raises:
      DataError: a row holds a number that is not finite.

    >>> check_finite("V", ["a", "b"], np.array([[0.0], [np.nan]], np.float32))
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: the row of 'b' in V holds NaN or Inf; train again ... (--lr)
    """
    finite = np.isfinite(table).all(axis=1)
    if not finite.all():
        word = words[int(np.argmin(finite))]
        raise DataError(
            f"the row of {word!r} in {name} holds NaN or Inf; train again with a lower rate (--lr)"
        )
