"""Whether the JAX and optax that are installed are those that jw2v was tested with."""

import operator
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires, version

_REQUIREMENT = re.compile(r"(jax|optax)([<>=].*)")
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def untested() -> str | None:
    """One line about packages that are outside the range jw2v asks for; None where none is.

    >>> untested() is None
    True
    """
    try:
        asked = tested(requires("jw2v") or [])
    except PackageNotFoundError:  # in a source tree nothing says what was asked for
        return None
    found = {name: version(name) for name in asked}
    outside = [name for name in asked if not _within(found[name], asked[name])]
    if not outside:
        return None
    named = " and ".join(f"{name} {found[name]}" for name in outside)
    install = " ".join(f'"{name}{asked[name]}"' for name in outside)
    return f"jw2v was not tested with {named}; pip install {install}"


def tested(requirements: list[str]) -> Mapping[str, str]:
    """The range of versions that is asked for, of JAX and optax; not those of extras.

    >>> tested(["jax<0.12,>=0.10.2", "numpy>=2.0", "jax[tpu]<0.12; extra == 'tpu'"])
    {'jax': '<0.12,>=0.10.2'}
    """
    found = (_REQUIREMENT.fullmatch(requirement) for requirement in requirements)
    return {match[1]: match[2] for match in found if match}


def _within(version: str, range_: str) -> bool:
    """Whether a version is in a range of bounds.

    >>> [_within(x, "<0.12,>=0.10.2") for x in ("0.10.2", "0.11", "0.12.0", "0.9.9", "0.12.0rc1")]
    [True, True, False, False, False]
    """
    bounds = (re.fullmatch(r"([<>]=?)(.+)", bound) for bound in range_.split(","))
    return all(_COMPARE[b[1]](_numbers(version), _numbers(b[2])) for b in bounds if b)


def _numbers(version: str) -> tuple[int, ...]:
    """The release of a version, without zeros at its end: 0.12 and 0.12.0 are the same."""
    (release,) = re.findall(r"^\d+(?:\.\d+)*", version)
    return tuple(map(int, re.sub(r"(\.0)+$", "", release).split(".")))
