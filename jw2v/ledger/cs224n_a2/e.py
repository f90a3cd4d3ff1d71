"""(e) The derivative of the sigmoid."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2.common import d, sigma
from jw2v.losses.sigmoid import loss as sigmoid


def _defined(x: Any) -> Any:
    return 1 / (1 + jnp.exp(-x))


def _expanded(x: Any) -> Any:
    return jnp.exp(x) / (jnp.exp(x) + 1)


def _d_expanded(x: Any) -> Any:
    return d(lambda x: jnp.exp(x) / (jnp.exp(x) + 1), x)


def _quotient_rule(x: Any) -> Any:
    return (jnp.exp(x) * (jnp.exp(x) + 1) - jnp.exp(2 * x)) / (jnp.exp(x) + 1) ** 2


def _cancelled(x: Any) -> Any:
    return jnp.exp(x) / (jnp.exp(x) + 1) ** 2


def _split(x: Any) -> Any:
    return jnp.exp(x) / (jnp.exp(x) + 1) * (1 / (jnp.exp(x) + 1))


def _sigma_named(x: Any) -> Any:
    return sigma(x) * (1 / (jnp.exp(x) + 1))


def _one(x: Any) -> Any:
    return jnp.exp(-x) / jnp.exp(-x)


def _times_one(x: Any) -> Any:
    return sigma(x) * (1 / (jnp.exp(x) + 1)) * (jnp.exp(-x) / jnp.exp(-x))


def _multiplied_out(x: Any) -> Any:
    return sigma(x) * (jnp.exp(-x) / (1 + jnp.exp(-x)))


def _difference(x: Any) -> Any:
    return sigma(x) * ((1 + jnp.exp(-x)) / (1 + jnp.exp(-x)) - 1 / (1 + jnp.exp(-x)))


def _answer(x: Any) -> Any:
    return sigma(x) * (1 - sigma(x))


DERIVATIONS = (
    Derivation(
        "e",
        sigmoid,
        (np.ones(()),),
        wrt=0,
        cite="CS224n A2 (e)",
        steps=(
            Step(
                "e.1",
                r"\sigma(x) = \frac{1}{1 + e^{-x}}",
                _defined,
                kind="defines",
                target=sigmoid,
                after="",
            ),
            Step("e.2", r"= \frac{e^x}{e^x + 1}", _expanded, target=sigmoid),
            Step(
                "e.3",
                r"\frac{\delta \sigma}{\delta x}"
                r" = \frac{\delta}{\delta x} \left[\frac{e^x}{e^x + 1} \right]",
                _d_expanded,
                after="",
            ),
            Step("e.4", r"= \frac{e^x(e^x + 1) - e^{2x}}{(e^x + 1)^2}", _quotient_rule),
            Step("e.5", r"= \frac{e^x}{(e^x + 1)^2}", _cancelled),
            Step("e.6", r"= \frac{e^x}{e^x + 1} \frac{1}{e^x + 1}", _split),
            Step("e.7", r"= \sigma(x) \cdot \frac{1}{e^x + 1}", _sigma_named),
            Step(
                "e.8",
                r"\frac{e^{-x}}{e^{-x}} = 1",
                _one,
                target=jnp.ones_like,
                after="",
                note="said in words: essentially equivalent to 1; it is 1, everywhere",
            ),
            Step(
                "e.9",
                r"= \sigma(x) \cdot \left[\frac{1}{e^x + 1} \right] \times \frac{e^{-x}}{e^{-x}}",
                _times_one,
                after="e.7",
            ),
            Step("e.10", r"= \sigma(x) \cdot \frac{e^{-x}}{1 + e^{-x}}", _multiplied_out),
            Step(
                "e.11",
                r"= \sigma(x) \cdot \left[\frac{1 + e^{-x}}{1 + e^{-x}}"
                r" - \frac{1}{1 + e^{-x}} \right]",
                _difference,
            ),
            Step("e.12", r"= \boxed{\sigma(x)(1 - \sigma(x))}", _answer, kind="gradient"),
        ),
    ),
)
