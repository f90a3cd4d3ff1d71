"""What can go wrong, in one line: what it is, where it is, and what to do about it."""

import difflib
from collections.abc import Iterable


class Jw2vError(Exception):
    """A fault that is told in one line; `exit_code` is what the command line ends with.

    >>> raise DataError("no words in corpus.txt; give a file with text")
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: no words in corpus.txt; give a file with text
    """

    exit_code = 1


class UsageError(Jw2vError):
    """An option or argument that cannot be used (exit code 2)."""

    exit_code = 2


class DataError(Jw2vError):
    """Data, files or a machine that cannot be used (exit code 1)."""


class GradientError(Jw2vError):
    """A gradient that its check refuted; training on it is refused (exit code 1)."""


class InterruptedTrainingError(Jw2vError):
    """Stopped by Ctrl-C or SIGTERM after the running block was finished and saved."""

    exit_code = 130


def unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that is none of the known ones; it names the nearest and all of them.

    >>> print(unknown("optimizer", "adm", ["adam", "sgd"]))
    unknown optimizer 'adm', did you mean 'adam'? known: adam, sgd
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f", did you mean '{near[0]}'?" if near else ";"
    return UsageError(f"unknown {what} '{name}'{hint} known: {', '.join(names)}")
