"""Pages that stand alone: templates of this package, filled in."""

from importlib.resources import files
from string import Template


def filled(template: str, **parts: str) -> str:
    """A template with its parts put in, `$style` being the pages' own; parts bring their escapes.

    >>> "<title>Training report</title>" in filled("training.html", outcome="", charts="", facts="")
    True
    """
    return Template(text_of(template)).substitute(parts, style=text_of("page.css"))


def text_of(name: str) -> str:
    """The text of a file of this package.

    >>> text_of("map/map.js").startswith('"use strict";')
    True
    """
    return files("jw2v.vectors").joinpath(name).read_text(encoding="utf-8")
