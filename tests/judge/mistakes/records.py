"""What a mistake is, and the words for its cause.

A cause is what a good teacher would name first:

- sign: the whole or one of its terms has the wrong sign;
- factor: the whole or one of its terms is multiplied by a number or by a size (mean for sum);
- missing term, doubled term: of the terms that are summed;
- transpose: of the result or of a matrix within;
- other variable: the gradient of another argument, or another argument in the right one's place;
- overwrite: assigned where it should have been accumulated;
- o among the negatives: right unless the outside word is drawn as a negative;
- sigma(-x): σ(x) for σ(−x), or 1 − σ(x) for σ(x);
- edit: none of these, and one or two local edits away from right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Cause = Literal[
    "sign",
    "factor",
    "missing term",
    "doubled term",
    "transpose",
    "other variable",
    "overwrite",
    "o among the negatives",
    "sigma(-x)",
    "edit",
]


class Scale(NamedTuple):
    """claimed = true × size ** power, of the size of this axis of this argument."""

    argument: int
    axis: int
    power: int


@dataclass(frozen=True)
class Mistake:
    """A wrong gradient, and why it is wrong.

    Attributes:
      id: family, then name.
      loss: plain scalar function of `args`.
      claimed: of the same arguments; a tuple where `wrt` is one.
      args: example arguments; integer arrays are ids of tables of five rows or more.
      wrt: position or positions of the variables.
      cause: what a good teacher would name first.
      human: the way a person slips, or a systematic edit.
      why: how a person slips so.
      also: causes that are just as true.
      scale: of a factor that is a power of a size.
      domain: predicate of the arguments; None is everywhere.
    """

    id: str
    loss: Callable[..., Any]
    claimed: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: int | tuple[int, ...]
    cause: Cause
    human: bool
    why: str
    also: tuple[Cause, ...] = ()
    scale: Scale | None = None
    domain: Callable[..., bool] | None = None


@dataclass(frozen=True)
class Case:
    """A loss with its right gradient, of which mistakes are made."""

    name: str
    loss: Callable[..., Any]
    right: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: int | tuple[int, ...]

    def slip(self, name: str, cause: Cause, claimed: Callable[..., Any], why: str, **more: Any):
        """Return a mistake the way people make them."""
        return self._mistake(name, cause, claimed, why, human=True, **more)

    def mutant(self, name: str, cause: Cause, claimed: Callable[..., Any], why: str, **more: Any):
        """Return a mistake made by a systematic edit."""
        return self._mistake(name, cause, claimed, why, human=False, **more)

    def _mistake(self, name, cause, claimed, why, *, human, wrt=None, **more) -> Mistake:
        return Mistake(
            id=f"{self.name}: {name}",
            loss=self.loss,
            claimed=claimed,
            args=self.args,
            wrt=self.wrt if wrt is None else wrt,
            cause=cause,
            human=human,
            why=why,
            **more,
        )
