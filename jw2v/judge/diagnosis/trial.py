"""A wrong line beside the true one, at points: what guesses at its cause are tried on."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr

from jw2v.errors import UsageError
from jw2v.judge.arithmetic.bounds import UnsupportedError, trace
from jw2v.judge.arithmetic.values import Value, values
from jw2v.judge.compare import Points
from jw2v.judge.diagnosis.resizing import axes_by_size
from jw2v.judge.mutation.surgery import inlined
from jw2v.judge.sampling import points

MANY = 64  # points that are evaluated at once
SAMPLES = 8  # of them, where few will do
FEWEST = 4  # samples
MOST_NUMBERS = 200_000  # in all samples together

Values = Callable[[Points], list[np.ndarray]]
"""The outputs of a function at stacked points, each stacked."""


def batched(fn: Callable[..., Any], instead: Mapping[str, Value] | None = None) -> Values:
    """A function at stacked points, in float64 in NumPy; traced once for each count and shape.

    Where it has an operation without a rule it is compiled instead.

    >>> batched(lambda x: 2 * x)((np.array([1.0, 2.0]),))[0].tolist()
    [2.0, 4.0]
    """
    traced: dict[Any, ClosedJaxpr] = {}

    def at(points: Points) -> list[np.ndarray]:
        key = tuple((x.shape, x.dtype) for x in points)
        if key not in traced:
            traced[key] = inlined(trace(jax.vmap(fn), points))
        try:
            return values(traced[key], points, instead)
        except UnsupportedError:
            with jax.enable_x64(True):
                return [np.asarray(x) for x in jax.tree.leaves(jax.jit(jax.vmap(fn))(*points))]

    return at


class Samples(NamedTuple):
    """One output at points: `[points, *shape]` each."""

    points: Points
    claimed: np.ndarray
    true: np.ndarray

    @property
    def are_alike(self) -> bool:
        """Whether both sides have one shape."""
        return self.claimed.shape == self.true.shape


@dataclass(frozen=True, eq=False)
class Trial:
    """One wrong output of a line.

    Attributes:
      line: what is claimed, a function of the arguments: one array or a tuple.
      truth: what it must equal.
      number: of the output, of both.
      args: example arguments, integers are ids.
      loss: of which the truth is the gradient; None: the line is a value.
      position: of the argument that the gradient is taken of; None: the line is a value.
      domain: predicate of the arguments.
      names: of the arguments.
      tables: for arguments that index, the size of the axis that they index.
      line_at: `line` at stacked points.
      truth_at: `truth` at stacked points.
    """

    line: Callable[..., Any]
    truth: Callable[..., Any]
    number: int
    args: tuple[np.ndarray, ...]
    loss: Callable[..., Any] | None
    position: int | None
    domain: Callable[..., bool] | None
    names: tuple[str, ...]
    tables: Mapping[int, int]
    line_at: Values
    truth_at: Values

    def claimed(self, *args: Any) -> Any:
        """The output as the line has it."""
        return jax.tree.leaves(self.line(*args))[self.number]

    def true(self, *args: Any) -> Any:
        """The output as it should be."""
        return jax.tree.leaves(self.truth(*args))[self.number]

    @property
    def are_alike(self) -> bool:
        """Whether both sides have one shape."""
        one, other = (trace(fn, self.args).out_avals[0] for fn in (self.claimed, self.true))
        return one.shape == other.shape

    def at(self, points: Points) -> Samples:
        """Both sides at points, those left out where one of them is not finite."""
        return self.finite_at(points)[0]

    def finite_at(self, points: Points) -> tuple[Samples, np.ndarray]:
        """The same, and which of the points those are."""
        claimed, true = self._both(points)
        finite = _is_finite(claimed) & _is_finite(true)
        return Samples(tuple(x[finite] for x in points), claimed[finite], true[finite]), finite

    def _both(self, points: Points) -> tuple[np.ndarray, np.ndarray]:
        """In turns of as many points as are traced anyway."""
        turns = [
            tuple(x[start : start + MANY] for x in points)
            for start in range(0, len(points[0]), MANY)
        ]
        claimed = [self.line_at(turn)[self.number] for turn in turns]
        true = [self.truth_at(turn)[self.number] for turn in turns]
        return np.concatenate(claimed), np.concatenate(true)

    def draw(self, seed: int, count: int = SAMPLES) -> Samples:
        """Both sides at generic points of the domain."""
        points = stacked(self.args, MANY, seed, self.domain)
        drawn = self.at(points)
        some = tuple(x[:count] for x in drawn.points)
        return Samples(some, drawn.claimed[:count], drawn.true[:count])

    def resized(self, args: tuple[np.ndarray, ...]) -> "Trial":
        """The same claim for arguments of other shapes."""
        axes = axes_by_size(self.args)
        first = {position: axes[size][0] for position, size in self.tables.items() if size in axes}
        tables = {position: args[i].shape[axis] for position, (i, axis) in first.items()}
        return replace(self, args=args, tables=tables)


def _is_finite(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.isfinite(x.reshape(len(x), -1)).all(axis=1))


def stacked(
    args: tuple[np.ndarray, ...], count: int, seed: int, domain: Callable[..., bool] | None
) -> Points:
    """Generic points, stacked; fewer where the arguments are large."""
    drawn = points(args, samples=affordable(args, count), seed=seed, domain=domain)
    return tuple(np.stack(parts) for parts in zip(*drawn, strict=True))


def affordable(args: Sequence[np.ndarray], count: int) -> int:
    """As many points as are wanted, or fewer where the arguments are large.

    >>> affordable((np.ones((1000, 100)),), 64)
    4
    """
    return min(count, max(FEWEST, MOST_NUMBERS // max(1, sum(x.size for x in args))))


@dataclass(frozen=True)
class Guess:
    """What may be wrong.

    Attributes:
      cause: in a word or two.
      text: the cause, and what was found, in a line.
      confirmed: whether it is so at other samples.
      line: the user's, "file:line", where one is to blame.
    """

    cause: str
    text: str
    confirmed: Callable[[Samples], bool]
    line: str | None = None


Stage = Callable[[Trial, Samples], Iterator[Guess]]


def names_of(functions: Sequence[Callable[..., Any] | None], count: int) -> tuple[str, ...]:
    """The arguments' names, of the first function that has as many.

    >>> names_of((None, lambda x, y: x), 2)
    ('x', 'y')
    >>> names_of((lambda *args: 0,), 2)
    ('argument 0', 'argument 1')
    """
    for fn in functions:
        try:
            parameters = inspect.signature(fn).parameters.values() if fn else ()
        except ValueError:  # a builtin
            continue
        if len(parameters) == count and all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters):
            return tuple(p.name for p in parameters)
    return tuple(f"argument {i}" for i in range(count))


def as_arrays(args: Sequence[Any]) -> tuple[np.ndarray, ...]:
    """Arguments as NumPy arrays, floats in float64.

    Raises:
      UsageError: an argument is neither floats nor integers.
    """
    arrays = tuple(np.asarray(x) for x in args)
    if any(x.dtype.kind in "OSUc" for x in arrays):
        raise UsageError("arguments are arrays of floats or integers; give such")
    return tuple(x if x.dtype.kind in "iub" else np.asarray(x, np.float64) for x in arrays)
