"""Folders and JSON on disk, with faults that say what to do."""

import json
import os
from pathlib import Path
from typing import Any

from jw2v.errors import DataError
from jw2v.files import numbered_lines


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder where it is missing.

    Raises:
      DataError: it cannot be made.

    >>> make_folder(__file__)
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: cannot make ...disk.py: File exists; give a folder (--out)
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make {folder}: {error.strerror}; give a folder (--out)") from error
    return folder


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file of JSON.

    Raises:
      DataError: the file cannot be read or holds anything else, with its line.

    >>> read_json(Path(__file__))
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: Extra data (...disk.py:1); write the file again
    """
    text = "".join(line for _, line in numbered_lines(path))
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{error.msg} ({path}:{error.lineno}); write the file again") from error
    except RecursionError as error:
        raise DataError(f"brackets in brackets without end ({path}:1); write it again") from error
    if not isinstance(value, dict):
        raise DataError(f"no JSON object ({path}:1); write the file again")
    return value
