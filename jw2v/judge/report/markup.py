"""HTML as a tree, so that every text in it is escaped when it is written; formulas as MathML."""

import html
from xml.etree.ElementTree import Element, tostring

from jw2v.errors import UsageError

ACTIVE = frozenset({"class", "href", "id", "style"})  # attributes a formula could bring with it


def tag(name: str, /, *children: Element | str | None, **attributes: str | None) -> Element:
    """An element with its children; None is left out.

    An attribute's name may end in an underscore, and has underscores for hyphens.

    >>> to_html(tag("p", "1 < 2, ", tag("b", "so"), " they say", None, class_="a", lang=None))
    '<p class="a">1 &lt; 2, <b>so</b> they say</p>'
    """
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    element = Element(name, {key: value for key, value in named.items() if value is not None})
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        elif child and len(element):
            element[-1].tail = (element[-1].tail or "") + child
        elif child:
            element.text = (element.text or "") + child
    return element


def to_html(element: Element) -> str:
    """The tree as HTML text."""
    return tostring(element, encoding="unicode", method="html")


def formula(latex: str) -> Element:
    r"""A formula as MathML, or as escaped code where it does not convert.

    Raises:
      UsageError: the converter is not installed.

    >>> print(to_html(formula(r"\sigma")))
    <math ... alttext="\sigma"><mrow><mi>σ</mi></mrow></math>
    >>> print(to_html(formula(r"\frac{<b>}{")))
    <code>\frac{&lt;b&gt;}{</code>
    """
    try:
        from latex2mathml.converter import Converter  # an extra: only the report needs it
    except ImportError as error:
        raise UsageError(
            'the report needs latex2mathml for its formulas; pip install "jw2v[report]"'
        ) from error
    try:
        math = Converter(display="block").convert_to_element(latex)
    except Exception:  # the converter's errors have no class in common
        return tag("code", latex)
    for part in math.iter():
        part.text = html.unescape(part.text or "")
        part.attrib = {
            key: html.unescape(value) for key, value in part.items() if key not in ACTIVE
        }
    if "\\" in "".join(math.itertext()):  # a command that the converter did not know
        return tag("code", latex)
    math.attrib |= {"display": "inline", "displaystyle": "true", "alttext": latex}
    return math
