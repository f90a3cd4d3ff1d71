"""What gradients are checked: losses with right gradients by hand, singly and over a batch.

The losses and gradients are those of `jw2v.losses` and the cases of `tests/judge/mistakes`:
word2vec's and strangers' (GloVe, InfoNCE, layer norm ...). A batch shares what a model's parameters
would be and has all else once for each example.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from judge.mistakes import CASES, Case, Mistake

from jw2v.losses import naive_softmax, negative_sampling, skipgram

Reduction = Literal["sum", "mean"]
Shape = tuple[int, ...]

SHARED: Mapping[str, tuple[int, ...]] = {
    "tables": (1,),
    "softmax": (2,),
    "skip-gram": (1,),
    "window": (0, 1),
    "cbow": (0, 1),
    "logistic": (0, 1),
    "logistic of ±1": (0,),
    "squares": (0,),
    "mean squares": (0,),
    "layer": (0,),
    "quadratic": (1,),
    "network": (0, 1, 2),
    "hinge": (0,),
    "glove": (0, 1, 2, 3),
    "glove, square": (0, 1, 2, 3),
    "glove by pairs": (0, 1),
    "factors": (0, 1),
    "factors, square": (0, 1),
    "ratings": (0, 1),
    "infonce": (2,),
    "layer norm": (1, 2),
    "jw2v naive_softmax": (2,),
}
"""Positions of the parameters, by case; of the others each example has its own arguments."""


@dataclass(frozen=True)
class Subject:
    """A loss and its right gradient.

    Attributes:
      name: of the case.
      loss: plain scalar function.
      right: its gradient by hand; one array, or a tuple where `wrt` has more than one position.
      shapes: of the arguments; axes of one size are one axis, so that they can be renamed.
      ids: positions of the arguments that are ids.
      wrt: positions of the gradient.
      shared: positions of the arguments that a batch shares.
    """

    name: str
    loss: Callable[..., Any]
    right: Callable[..., Any]
    shapes: tuple[Shape, ...]
    ids: tuple[int, ...]
    wrt: tuple[int, ...]
    shared: tuple[int, ...]

    @property
    def words(self) -> int:
        """Ids are below this: the rows of the smallest table."""
        tables = [s[0] for i, s in enumerate(self.shapes) if len(s) == 2 and i not in self.ids]
        return min(tables, default=1)

    @cached_property
    def axes(self) -> tuple[int | None, ...]:
        """Of `jax.vmap`."""
        return tuple(None if i in self.shared else 0 for i in range(len(self.shapes)))

    def resized(self, sizes: Mapping[int, int]) -> "Subject":
        """The same with other sizes of its axes."""
        shapes = tuple(tuple(sizes.get(n, n) for n in shape) for shape in self.shapes)
        return replace(self, shapes=shapes)

    def example(self, rng: np.random.Generator, *, batch: int | None = None) -> tuple[Any, ...]:
        """Arguments: normal floats, and ids as they fall, the largest of each argument among them.

        Of a batch where its size is given.
        """
        args = []
        for i, shape in enumerate(self.shapes):
            whole = shape if batch is None or i in self.shared else (batch, *shape)
            if i not in self.ids:
                args.append(rng.standard_normal(whole))
                continue
            drawn = rng.integers(self.words, size=whole)
            drawn.reshape(-1)[rng.integers(drawn.size)] = self.words - 1
            args.append(drawn)
        return tuple(args)

    def whole_loss(self, reduction: Reduction) -> Callable[..., Any]:
        """The loss of a batch."""

        def whole(*args: Any) -> Any:
            losses = jax.vmap(self.loss, self.axes)(*args)
            return jnp.mean(losses) if reduction == "mean" else jnp.sum(losses)

        return whole

    def whole_gradient(
        self, gradient: Callable[..., Any], wrt: tuple[int, ...], reduction: Reduction
    ) -> Callable[..., Any]:
        """The gradient of a batch's loss, of the gradient of an example's."""

        def whole(*args: Any) -> Any:
            each = jax.tree.leaves(jax.vmap(gradient, self.axes)(*args))
            size = each[0].shape[0] if reduction == "mean" else 1
            summed = (
                jnp.sum(leaf, axis=0) if i in self.shared else leaf
                for i, leaf in zip(wrt, each, strict=True)
            )
            return tuple(leaf / size for leaf in summed)

        return whole


def subjects() -> tuple[Subject, ...]:
    """All of them."""
    return tuple(_of_case(case) for case in (*_ours(), *CASES))


def positions(wrt: int | tuple[int, ...]) -> tuple[int, ...]:
    """Positions as a tuple."""
    return (wrt,) if isinstance(wrt, int) else wrt


def mistakes_of(subject: Subject, mistakes: Sequence[Mistake]) -> list[Mistake]:
    """The mistakes that are made of a subject's loss."""
    return [
        m
        for m in mistakes
        if m.loss is subject.loss and tuple(np.shape(x) for x in m.args) == subject.shapes
    ]


def _ours() -> tuple[Case, ...]:
    vector, negatives, table = np.ones(5), np.ones((3, 5)), np.ones((7, 5))
    pair = (vector, vector, negatives)
    window = (vector, np.ones((2, 5)), negatives, np.ones(2))
    return (
        _our_case("jw2v negative_sampling", negative_sampling, pair, (0, 1, 2)),
        _our_case("jw2v naive_softmax", naive_softmax, (vector, np.array(3), table), (0, 2)),
        _our_case("jw2v skipgram", skipgram, window, (0, 1, 2)),
    )


def _our_case(name: str, losses: Any, args: tuple[Any, ...], wrt: tuple[int, ...]) -> Case:
    return Case(name, losses.loss, lambda *args: losses.loss_and_grads(*args)[1], args, wrt)


def _of_case(case: Case) -> Subject:
    return Subject(
        name=case.name,
        loss=case.loss,
        right=case.right,
        shapes=tuple(np.shape(x) for x in case.args),
        ids=tuple(i for i, x in enumerate(case.args) if x.dtype.kind == "i"),
        wrt=positions(case.wrt),
        shared=SHARED.get(case.name, ()),
    )
