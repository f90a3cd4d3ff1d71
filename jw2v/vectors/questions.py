"""The files that vectors are judged by: word pairs with scores, and analogy questions."""

import math
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from jw2v.errors import DataError
from jw2v.files import numbered_lines

Source = str | os.PathLike[str] | Iterable[str]
_BLANKS = re.compile(r"[ \t\r\v\f]+")


def source_name(source: Source) -> str:
    """The name of a file without folder and ending; "text" for open text without a name.

    >>> source_name("data/wordsim353.tsv")
    'wordsim353'
    """
    return Path(_place(source)).stem


def read_pairs(source: Source) -> Iterator[tuple[str, str, float]]:
    r"""Yield `(word1, word2, score)` of every line; lines that start with # are comments.

    Fields stand between tabs, else commas, else blanks.

    Raises:
      DataError: a line is anything else; a first line without a score is let pass as a header.

    >>> import io
    >>> list(read_pairs(io.StringIO("one,other,score\n# wild\ntiger,cat,7.35\n")))
    [('tiger', 'cat', 7.35)]
    """
    lines = ((place, text) for place, text in _lines(source) if not text.startswith("#"))
    for position, (place, text) in enumerate(lines):
        fields = _fields(text)
        score = number_or_none(fields[2]) if len(fields) == 3 else None
        if position == 0 and len(fields) == 3 and score is None:
            continue
        if score is None or not math.isfinite(score) or not all(fields):
            raise DataError(f"not 'word1 word2 score' ({place}); correct or remove the line")
        yield fields[0], fields[1], score


def read_questions(source: Source) -> tuple[list[str], list[tuple[int, list[str]]]]:
    r"""Names of the sections, and `(number of its section, four words)` of each question.

    Raises:
      DataError: a line is not four words, or stands before any section.

    >>> import io
    >>> read_questions(io.StringIO(": capitals\nathens greece oslo norway\n"))
    (['capitals'], [(0, ['athens', 'greece', 'oslo', 'norway'])])
    """
    names: list[str] = []
    questions: list[tuple[int, list[str]]] = []
    for place, text in _lines(source):
        words = _BLANKS.split(text)
        if text.startswith(":"):
            names.append(text.lstrip(": "))
        elif len(words) != 4:
            raise DataError(f"not four words ({place}); correct or remove the line")
        elif not names:
            raise DataError(f"a question before any ': section' ({place}); name its section first")
        else:
            questions.append((len(names) - 1, words))
    return names, questions


def _lines(source: Source) -> Iterator[tuple[str, str]]:
    """`(FILE:LINE, text)` of the lines that are not empty."""
    is_path = isinstance(source, str | os.PathLike)
    for number, line in numbered_lines(source) if is_path else enumerate(source, start=1):
        text = line.removeprefix("\ufeff" if number == 1 else "").strip(" \t\n\r\v\f")
        if text:
            yield f"{_place(source)}:{number}", text


def _place(source: Source) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return str(getattr(source, "name", "text"))


def _fields(text: str) -> list[str]:
    separator = next((mark for mark in "\t," if mark in text), None)
    parts = _BLANKS.split(text) if separator is None else text.split(separator)
    return [part.strip(" ") for part in parts]


def number_or_none(text: str) -> float | None:
    """The number that a text spells; None where it spells none.

    >>> number_or_none("1e3"), number_or_none("x")
    (1000.0, None)
    """
    try:
        return float(text)
    except ValueError:
        return None
