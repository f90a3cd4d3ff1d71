"""The checkers, each as it is called by default.

All get the same loss and gradient at the same example. jw2v draws floats and ids of its own, too;
the others check at the example, along one direction (torch's slow mode: entry by entry). They get
the gradient as the rule of a custom derivative of the loss: its value at the example, from XLA.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads

from jw2v import check_gradient

Outcome = Literal["refused", "passed", "undecided"]
OUTCOMES: Mapping[str, Outcome] = MappingProxyType({"refuted": "refused", "holds": "passed"})


@dataclass(frozen=True)
class Remembered:
    """A function that is compiled once, and of NumPy arrays evaluated once for each.

    torch's slow mode asks for the same thousands of losses for each gradient.
    """

    function: Callable[..., Any]
    known: dict[bytes, np.ndarray] = field(default_factory=dict)

    def __call__(self, *args: Any) -> Any:
        """The value."""
        if not all(isinstance(x, np.ndarray) for x in args):
            return self.function(*args)
        name = b"".join(x.tobytes() for x in args)
        if name not in self.known:
            self.known[name] = np.asarray(self.function(*args))
        return self.known[name]


class Trial(NamedTuple):
    """A gradient to be checked.

    Attributes:
      loss: plain and scalar.
      compiled_loss: the same, compiled once for all gradients of it.
      gradient: of the same arguments, a tuple.
      args: an example, floats in float64.
      wrt: positions of the gradient.
      dtype: "float64" or "float32".
    """

    loss: Callable[..., Any]
    compiled_loss: Callable[..., Any]
    gradient: Callable[..., Any]
    args: tuple[np.ndarray, ...]
    wrt: tuple[int, ...]
    dtype: str

    @property
    def varied(self) -> tuple[np.ndarray, ...]:
        """The arguments that the gradient is of, in the trial's dtype."""
        return tuple(self.args[i].astype(self.dtype) for i in self.wrt)

    def loss_of(self, varied: tuple[Any, ...]) -> Any:
        """The loss where those arguments are others."""
        return self.compiled_loss(*self._all(varied))

    def gradient_here(self) -> tuple[np.ndarray, ...]:
        """The gradient at the example, as XLA computes it."""
        return tuple(map(np.asarray, jax.jit(self.gradient)(*self._all(self.varied))))

    def precision(self) -> Any:
        """The context that all of it is run in."""
        return jax.enable_x64(self.dtype == "float64")

    def _all(self, varied: tuple[Any, ...]) -> tuple[Any, ...]:
        given = dict(zip(self.wrt, varied, strict=True))
        floats = (x.astype(self.dtype) if x.dtype.kind == "f" else x for x in self.args)
        return tuple(given.get(i, x) for i, x in enumerate(floats))


Checker = Callable[[Trial], Outcome]


def by_jw2v(trial: Trial) -> Outcome:
    """`jw2v.check_gradient` at one dtype; the verdict alone, not the diagnosis."""
    report = check_gradient(
        trial.loss,
        trial.gradient,
        trial.args,
        wrt=trial.wrt,
        dtypes=(trial.dtype,),
        explain=False,
    )
    return OUTCOMES.get(report.verdict, "undecided")


def by_chex(trial: Trial) -> Outcome:
    """`chex.assert_numerical_grads`: forward and reverse mode."""
    return _asserts(trial, _with_jvp, lambda f, x: chex.assert_numerical_grads(f, x, order=1))


def by_jax_fwd(trial: Trial) -> Outcome:
    """`jax.test_util.check_grads` of forward mode."""
    return _asserts(trial, _with_jvp, lambda f, x: check_grads(f, x, order=1, modes=("fwd",)))


def by_jax_rev(trial: Trial) -> Outcome:
    """`jax.test_util.check_grads` of reverse mode."""
    return _asserts(trial, _with_vjp, lambda f, x: check_grads(f, x, order=1, modes=("rev",)))


def _asserts(
    trial: Trial,
    with_rule: Callable[[Trial], Callable[..., Any]],
    check: Callable[[Callable[..., Any], tuple[np.ndarray, ...]], None],
) -> Outcome:
    with trial.precision(), jax.default_matmul_precision("highest"):
        function = with_rule(trial)
        try:
            check(function, trial.varied)
        except AssertionError:
            return "refused"
    return "passed"


def _with_jvp(trial: Trial) -> Callable[..., Any]:
    """The loss, with the gradient as its forward rule; reverse mode is that rule transposed."""
    gradient = trial.gradient_here()

    @jax.custom_jvp
    def loss(*varied: Any) -> Any:
        return trial.loss_of(varied)

    @loss.defjvp
    def _(varied: Any, tangents: Any) -> Any:
        along = sum(jnp.vdot(g, t) for g, t in zip(gradient, tangents, strict=True))
        return loss(*varied), along

    return loss


def _with_vjp(trial: Trial) -> Callable[..., Any]:
    """The loss, with the gradient as its backward rule."""
    gradient = trial.gradient_here()

    @jax.custom_vjp
    def loss(*varied: Any) -> Any:
        return trial.loss_of(varied)

    loss.defvjp(
        lambda *varied: (loss(*varied), None),
        lambda _, cotangent: tuple(cotangent * g for g in gradient),
    )
    return loss


CHECKERS: Mapping[str, Checker] = MappingProxyType(
    {"jw2v": by_jw2v, "chex": by_chex, "jax fwd": by_jax_fwd, "jax rev": by_jax_rev}
)
