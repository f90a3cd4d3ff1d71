"""Sentences from files, as gensim's iterables give them: a list of words for each line."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jw2v.compat.gensim.word2vec_format import open_file
from jw2v.corpus.tokens import MAX_SENTENCE


class LineSentence:
    r"""The sentences of a file, given by its path or open.

    >>> import io
    >>> list(LineSentence(io.BytesIO(b"to be or\nnot to be\n")))
    [['to', 'be', 'or'], ['not', 'to', 'be']]
    """

    def __init__(
        self, source: Any, max_sentence_length: int = MAX_SENTENCE, limit: int | None = None
    ) -> None:
        self.source = source
        self.max_sentence_length = max_sentence_length
        self.limit = limit

    def __iter__(self) -> Iterator[list[str]]:
        if hasattr(self.source, "seek"):
            self.source.seek(0)
            yield from _sentences(self.source, self.max_sentence_length, self.limit)
            return
        with open_file(self.source) as file:
            yield from _sentences(file, self.max_sentence_length, self.limit)


class PathLineSentences(LineSentence):
    r"""The sentences of a file, or of a folder's files by name; .gz, .bz2 and .xz are read, too.

    Args:
      source: the file or folder.
      max_sentence_length: longer lines are cut.
      limit: lines read of each file, at most.

    Raises:
      ValueError: there is neither.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "text").write_text("to be or\nnot to be\n")
    ...     list(PathLineSentences(folder, max_sentence_length=2, limit=1))
    [['to', 'be'], ['or']]
    """

    def __init__(
        self, source: Any, max_sentence_length: int = MAX_SENTENCE, limit: int | None = None
    ) -> None:
        super().__init__(source, max_sentence_length, limit)
        place = Path(source)
        if not place.exists():
            raise ValueError("input is neither a file nor a path")
        self.input_files = [place] if place.is_file() else sorted(place.iterdir())

    def __iter__(self) -> Iterator[list[str]]:
        for path in self.input_files:
            yield from LineSentence(path, self.max_sentence_length, self.limit)


def _sentences(lines: Any, most: int, limit: int | None) -> Iterator[list[str]]:
    for line in itertools.islice(lines, limit):
        words = (line if isinstance(line, str) else line.decode()).split()
        for start in range(0, len(words), most):
            yield words[start : start + most]
