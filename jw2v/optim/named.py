"""Optimizers by name, each with the learning rate it starts from when none is given."""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import optax

from jw2v.blocks.tables import Tables
from jw2v.errors import UsageError, unknown
from jw2v.optim.rows import dense, linear, rowwise, why_not_rowwise

LOG = logging.getLogger("jw2v")

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


def table_optimizer(
    optimizer: Any, schedule: optax.Schedule, tables: Tables, *, dense_updates: bool = False
) -> optax.GradientTransformation:
    """The update of tables that an optimizer gives, for gradients in rows.

    Args:
      optimizer: a name; a factory from a learning-rate schedule to a transformation, such as
        `optax.adam`; or a finished transformation, which brings its own learning rate.
      schedule: learning rate by step.
      tables: what it is to update, or its shapes.
      dense_updates: update whole tables in any case.

    Returns:
      The update: of the rows that a gradient names; of whole tables where the optimizer cannot be
      had by rows, which the log says.

    Raises:
      UsageError: an unknown name, or something that is no optax transformation.

    >>> table_optimizer(3, optax.constant_schedule(0.1), Tables(jnp.ones((2, 1)), jnp.ones((2, 1))))
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
    if dense_updates:
        return dense(tx)
    if factory is optax.sgd:
        return linear(tx)
    why = why_not_rowwise(tx, tables)
    if why is None:
        return rowwise(tx)
    LOG.info("every step updates whole tables: the optimizer cannot be had by rows, %s", why)
    return dense(tx)
