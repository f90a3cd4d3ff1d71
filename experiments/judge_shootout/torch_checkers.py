"""`torch.autograd.gradcheck`, slow and fast, of a gradient that JAX evaluates."""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from checkers import Checker, Outcome, Trial


def by_torch(trial: Trial, *, fast: bool) -> Outcome:
    """`gradcheck` with its own steps and tolerances, whatever the dtype."""
    inputs = tuple(torch.tensor(x, requires_grad=True) for x in trial.varied)
    with (
        trial.precision(),
        jax.default_matmul_precision("highest"),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Input #. requires gradient")  # of float32
        passed = torch.autograd.gradcheck(
            _with_rule(trial), inputs, fast_mode=fast, raise_exception=False
        )
    return "passed" if passed else "refused"


def _with_rule(trial: Trial) -> Callable[..., Any]:
    """The loss as a torch function, with the gradient as its backward."""
    gradient = tuple(map(torch.tensor, trial.gradient_here()))

    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *varied: torch.Tensor) -> torch.Tensor:
            arrays = tuple(x.detach().numpy() for x in varied)
            return torch.tensor(np.asarray(trial.loss_of(arrays)))

        @staticmethod
        def backward(ctx: Any, *cotangents: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return tuple(cotangents[0] * g for g in gradient)

    return Loss.apply


TORCH_CHECKERS: Mapping[str, Checker] = MappingProxyType(
    {"torch slow": partial(by_torch, fast=False), "torch fast": partial(by_torch, fast=True)}
)
