"""Optimizers by name, each with the learning rate it starts from when none is given."""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import optax
from optax.contrib import schedule_free

from jw2v.blocks.tables import Tables
from jw2v.errors import UsageError, unknown
from jw2v.optim.by_rows import rowwise, why_not_rowwise
from jw2v.optim.rows import dense, linear
from jw2v.optim.rowwise_adagrad import rowwise_adagrad

LOG = logging.getLogger("jw2v")

Factory = Callable[[optax.ScalarOrSchedule], optax.GradientTransformation]


class Named(NamedTuple):
    """A factory, schedule to transformation, its default learning rate and its usual schedule."""

    factory: Factory
    lr: float
    schedule: str = "linear"


def _sm3(lr: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    return optax.chain(optax.scale_by_sm3(), optax.scale_by_learning_rate(lr))


NAMED: dict[str, Named] = {
    "sgd": Named(optax.sgd, 0.05),
    "momentum": Named(lambda lr: optax.sgd(lr, momentum=0.9), 0.01),
    "nesterov": Named(lambda lr: optax.sgd(lr, momentum=0.9, nesterov=True), 0.01),
    "adagrad": Named(optax.adagrad, 0.2),
    "rowwise_adagrad": Named(rowwise_adagrad, 0.4),
    "rmsprop": Named(optax.rmsprop, 0.032),
    "adam": Named(optax.adam, 0.016),
    "adamw": Named(optax.adamw, 0.016),
    "adabelief": Named(optax.adabelief, 0.016),
    "nadam": Named(optax.nadam, 0.016),
    "lion": Named(optax.lion, 0.0096),
    "lamb": Named(optax.lamb, 0.02),
    "adafactor": Named(optax.adafactor, 0.08),
    "schedule_free": Named(lambda lr: schedule_free(optax.sgd(lr), lr), 0.1, "constant"),
    "sm3": Named(_sm3, 0.2),
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


def transformation(optimizer: Any, schedule: optax.Schedule) -> optax.GradientTransformation:
    """The optax transformation of an optimizer.

    Args:
      optimizer: a name; a factory from a learning-rate schedule to a transformation, such as
        `optax.adam`; or a finished transformation, which brings its own learning rate.
      schedule: learning rate by step.

    Raises:
      UsageError: an unknown name, or something that is no optax transformation.

    >>> transformation(3, optax.constant_schedule(0.1))
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
    return tx


def table_optimizer(
    optimizers: Tables, schedules: Tables, tables: Tables, *, dense_updates: bool = False
) -> optax.GradientTransformation:
    """The update of tables by an optimizer each, for gradients in rows.

    Args:
      optimizers: of the tables, as for `transformation`; one that is both's sees both.
      schedules: learning rates by step.
      tables: what is to be updated, or its shapes.
      dense_updates: update whole tables in any case.

    Returns:
      The update: of the rows that a gradient names; of whole tables where the optimizer cannot be
      had by rows, which the log says.

    Raises:
      UsageError: an unknown name, or something that is no optax transformation.
    """
    same = optimizers.V is optimizers.U and schedules.V is schedules.U
    if same:
        tx = transformation(optimizers.V, schedules.V)
    else:
        V, U = map(transformation, optimizers, schedules)
        tx = optax.multi_transform({"V": V, "U": U}, Tables("V", "U"))
    if dense_updates:
        return dense(tx)
    if all(optimizer in ("sgd", optax.sgd) for optimizer in optimizers):
        return linear(tx)
    why = why_not_rowwise(tx, tables)
    if why is None:
        return rowwise(tx)
    LOG.info("every step updates whole tables: the optimizer cannot be had by rows, %s", why)
    return dense(tx)
