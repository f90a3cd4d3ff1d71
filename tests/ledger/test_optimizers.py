"""The optimizers' claims: what is not the formula is refuted, by however little it is not."""

import jax.numpy as jnp
import optax
import pytest
from verdicts import verdict, verdicts

from jw2v.judge import verify_derivations
from jw2v.ledger import optimizers
from jw2v.ledger.optimizers import RULES, optimizer_claim, rows_claim
from jw2v.optim import by_rows, named, rows
from jw2v.optim.named import NAMED


def judged(name: str, optimizer=None) -> str:
    return verdict(optimizer_claim(name, optimizer))


def test_every_named_optimizer_has_a_formula():
    assert set(RULES) == set(NAMED) == set(optimizers.LATEX)


def test_rows_alone_follow_from_whole_tables():
    whole, touched = verify_derivations([rows_claim()], samples=2)
    assert (whole.verdict_value, whole.verdict_step) == ("holds", None)
    assert (touched.verdict_value, touched.verdict_step) == ("holds", "holds")
    assert int(touched.scope.split()[0]) >= 2 + 52  # all patterns of five words


WRONG = {
    "sgd uphill": ("sgd", lambda lr: optax.sgd(lambda t: -lr(t))),
    "sgd by twice the step": ("sgd", lambda lr: optax.sgd(lambda t: 2 * lr(t))),
    "sgd at a stale rate": ("sgd", lambda lr: optax.sgd(lambda _: lr(0))),
    "sgd with momentum": ("sgd", lambda lr: optax.sgd(lr, momentum=0.9)),
    "momentum with another": ("momentum", lambda lr: optax.sgd(lr, momentum=0.91)),
    "nesterov for momentum": ("momentum", lambda lr: optax.sgd(lr, momentum=0.9, nesterov=True)),
    "adagrad from zero": ("adagrad", lambda lr: optax.adagrad(lr, initial_accumulator_value=0)),
    "adagrad, another eps": ("adagrad", lambda lr: optax.adagrad(lr, eps=1e-8)),
    "rmsprop, eps outside": ("rmsprop", lambda lr: optax.rmsprop(lr, eps_in_sqrt=False)),
    "adam uncorrected": ("adam", lambda lr: optax.rmsprop(lr, decay=0.999)),
    "adam, another decay": ("adam", lambda lr: optax.adam(lr, b2=0.99)),
    "adam for adamw": ("adamw", optax.adam),
    "lion without decay": ("lion", lambda lr: optax.lion(lr, weight_decay=0.0)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_another_optimizer_is_refuted(wrong):
    name, optimizer = WRONG[wrong]
    assert judged(name, optimizer) == "refuted"


def test_the_named_optimizer_given_as_a_factory_holds():
    assert judged("adam", optax.adam) == "holds"


def test_rows_that_overwrite_are_refuted(monkeypatch):
    def overwriting(grads, table):
        return jnp.zeros_like(table).at[grads.ids].set(grads.rows)

    def whole(grads, table):
        return overwriting(grads, table) if isinstance(grads, rows.RowGrads) else grads

    monkeypatch.setattr(rows, "whole_table", whole)
    assert judged("lamb") == "refuted"
    assert verdicts(rows_claim()) == ["refuted", "holds"]


def test_repeated_rows_that_are_not_added_up_are_refuted(monkeypatch):
    def last(grads, table):
        if not isinstance(grads, rows.RowGrads):
            return grads
        ids = jnp.unique(grads.ids, size=len(grads.ids), fill_value=len(table))
        at = jnp.searchsorted(ids, grads.ids)
        return rows.RowGrads(ids, jnp.zeros_like(grads.rows).at[at].set(grads.rows))

    monkeypatch.setattr(by_rows, "_merged", last)
    for name in ("momentum", "adam", "rowwise_adagrad"):
        assert judged(name) == "refuted"


@pytest.mark.parametrize("name", ["momentum", "adam", "adamw", "lion"])
def test_rows_at_rest_that_move_are_refuted(monkeypatch, name):
    monkeypatch.setattr(named, "rowwise", rows.dense)
    assert judged(name) == "refuted"


def test_states_that_are_forgotten_are_refuted(monkeypatch):
    def forgetful(tx):
        lifted = by_rows.rowwise(tx)
        return lifted._replace(update=lambda g, s, p: (lifted.update(g, s, p)[0], s))

    monkeypatch.setattr(named, "rowwise", forgetful)
    for name in ("momentum", "adagrad", "adabelief"):
        assert judged(name) == "refuted"
