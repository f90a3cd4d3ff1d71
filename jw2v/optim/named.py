"""Optimizers by name, each with the learning rate it starts from when none is given."""

from collections.abc import Callable
from typing import Any, NamedTuple

import optax

from jw2v.errors import UsageError, unknown
from jw2v.optim.rows import TableOptimizer, dense, touched

Factory = Callable[[optax.ScalarOrSchedule], optax.GradientTransformation]


class Named(NamedTuple):
    """A factory, schedule to transformation, and its default learning rate."""

    factory: Factory
    lr: float


NAMED: dict[str, Named] = {
    "sgd": Named(optax.sgd, 0.05),
    "momentum": Named(lambda lr: optax.sgd(lr, momentum=0.9), 0.005),
    "nesterov": Named(lambda lr: optax.sgd(lr, momentum=0.9, nesterov=True), 0.005),
    "adagrad": Named(optax.adagrad, 0.05),
    "rmsprop": Named(optax.rmsprop, 0.001),
    "adam": Named(optax.adam, 0.001),
    "adamw": Named(optax.adamw, 0.001),
    "lion": Named(optax.lion, 0.0003),
}


def by_name(name: str) -> Named:
    """The optimizer of a name.

    Raises:
      UsageError: no such name; the message names the nearest.

    >>> by_name("adm")
    Traceback (most recent call last):
    ...
    jw2v.errors.UsageError: unknown optimizer 'adm', did you mean 'adam'? ...
    """
    if name not in NAMED:
        raise unknown("optimizer", name, NAMED)
    return NAMED[name]


def table_optimizer(optimizer: Any, schedule: optax.Schedule) -> TableOptimizer:
    """The update of tables that an optimizer gives.

    Args:
      optimizer: a name; a factory from a learning-rate schedule to a transformation, such as
        `optax.adam`; or a finished transformation, which brings its own learning rate.
      schedule: learning rate by step.

    Returns:
      The update: on touched rows for plain SGD, on whole tables for every other.

    Raises:
      UsageError: an unknown name, or something that is no optax transformation.

    >>> table_optimizer(3, optax.constant_schedule(0.1))
    Traceback (most recent call last):
    ...
    jw2v.errors.UsageError: optimizer is int, not a name, an optax transformation or a factory...
    """
    factory = by_name(optimizer).factory if isinstance(optimizer, str) else optimizer
    tx = factory(schedule) if callable(factory) else factory
    if not isinstance(tx, optax.GradientTransformation):
        kind = type(optimizer).__name__
        raise UsageError(
            f"optimizer is {kind}, not a name, an optax transformation or a factory of one; "
            "give optimizer=optax.adam, for example"
        )
    return touched(tx) if factory is optax.sgd else dense(tx)
