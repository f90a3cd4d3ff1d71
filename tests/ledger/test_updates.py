"""The training step's claims: a step that is broken anywhere is refuted."""

import jax.numpy as jnp
import optax
import pytest
from jax import lax
from verdicts import verdict, verdicts

from jw2v.blocks.tables import Tables
from jw2v.judge import verify_derivations
from jw2v.ledger import updates
from jw2v.ledger.example import VOCAB
from jw2v.ledger.updates import damping_claim, step_claim
from jw2v.losses.record import Loss
from jw2v.optim import damping, rows
from jw2v.optim.damping import damp, scaled
from jw2v.training import step as training
from jw2v.training.config import Config

UNDAMPED = Config(damping="none")


def judged(config: Config) -> str:
    return verdict(step_claim("step", config))


def with_step(monkeypatch: pytest.MonkeyPatch, change) -> None:
    """Put `change(step)` in the place of the trainer's step."""
    made = training.make_step
    monkeypatch.setattr(updates, "make_step", lambda *args: change(made(*args)))


def test_the_step_holds():
    (entry,) = verify_derivations([step_claim("step", Config())], samples=2)
    assert (entry.verdict_value, entry.kind) == ("holds", "update")
    assert entry.power["float64"] < 1e-12


def test_a_step_of_the_wrong_sign_is_refuted(monkeypatch):
    monkeypatch.setattr(
        rows, "_added", lambda table, update: table.at[update.ids].add(-update.rows)
    )
    assert judged(Config()) == "refuted"


def test_a_step_that_overwrites_is_refuted(monkeypatch):
    """Of a word's rows the last alone counts."""

    def overwriting(table, update):
        return table + jnp.zeros_like(table).at[update.ids].set(update.rows)

    monkeypatch.setattr(rows, "_added", overwriting)
    assert judged(Config()) == "refuted"


def with_damping(monkeypatch: pytest.MonkeyPatch, change) -> None:
    """Damp by `change(factors)` in the place of the factors."""
    monkeypatch.setattr(updates, "damp", lambda factors: damp(change(factors)))


def test_a_step_that_forgets_damping_is_refuted(monkeypatch):
    monkeypatch.setattr(updates, "damp", lambda factors: optax.identity())
    assert judged(Config()) == "refuted"
    assert judged(UNDAMPED) == "holds"


def test_a_step_that_damps_unasked_is_refuted(monkeypatch):
    half = Tables(jnp.full(VOCAB, 0.5), jnp.full(VOCAB, 0.5))
    made = updates.table_optimizer
    monkeypatch.setattr(
        updates, "table_optimizer", lambda *args: optax.chain(damp(half), made(*args))
    )
    assert judged(UNDAMPED) == "refuted"


DAMPINGS = {
    "by the other table's places": lambda f: Tables(f.U, f.V),
    "twice": lambda f: Tables(f.V**2, f.U**2),
    "of the centres alone": lambda f: Tables(f.V, jnp.ones_like(f.U)),
    "by the root's inverse": lambda f: Tables(1 / f.V, 1 / f.U),
}


@pytest.mark.parametrize("name", DAMPINGS)
def test_a_step_damped_otherwise_is_refuted(monkeypatch, name):
    with_damping(monkeypatch, DAMPINGS[name])
    assert judged(Config()) == "refuted"


def test_a_step_damped_without_its_bound_is_refuted(monkeypatch):
    monkeypatch.setattr(damping, "STABLE", 1e9)  # the ledger keeps its own
    assert judged(Config()) == "refuted"


def test_a_step_at_a_stale_learning_rate_is_refuted(monkeypatch):
    """The optimizer's count stays where it was."""

    def stale(step):
        def stepped(state, block):
            after, info = step(state, block)
            return after._replace(opt_state=state.opt_state), info

        return stepped

    with_step(monkeypatch, stale)
    assert judged(Config()) == "refuted"


def test_a_step_that_swaps_the_tables_is_refuted(monkeypatch):
    def swapping(step):
        def stepped(state, block):
            after, info = step(state, block)
            return after._replace(tables=Tables(after.tables.U, after.tables.V)), info

        return stepped

    with_step(monkeypatch, swapping)
    assert judged(Config()) == "refuted"


def test_a_step_that_forgets_a_table_is_refuted(monkeypatch):
    def forgetful(step):
        def stepped(state, block):
            after, info = step(state, block)
            return after._replace(tables=after.tables._replace(V=state.tables.V)), info

        return stepped

    with_step(monkeypatch, forgetful)
    assert judged(Config()) == "refuted"


def test_a_step_by_another_gradient_is_refuted(monkeypatch):
    """By hand where the hand is wrong; autodiff beside it holds, and the second line says so."""
    whole = training.gradient_of

    def broken(kernel, gradient):
        def loss_and_grads(v, u, block):
            loss, (d_v, d_u) = whole(kernel, gradient)(v, u, block)
            return loss, (d_v, d_u if gradient == "autodiff" else -d_u)

        return loss_and_grads

    monkeypatch.setattr(training, "gradient_of", broken)
    claim = step_claim("step", Config(), gradients=("autodiff", "manual"))
    assert verdicts(claim) == ["holds", "refuted"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda grads, _: grads,
        lambda grads, f: scaled(grads, f**2),
        lambda grads, f: scaled(grads, 1 / f),
    ],
    ids=["not at all", "twice", "by the inverse"],
)
def test_rows_scaled_otherwise_are_refuted(monkeypatch, wrong):
    monkeypatch.setattr(updates, "scaled", wrong)
    assert verdict(damping_claim()) == "refuted"


def test_damping_claims_every_pattern_of_its_words():
    entry = verify_derivations([damping_claim()])[0]
    assert int(entry.scope.split()[0]) >= 8 + 52  # Bell(5) = 52
    assert entry.verdict_value == "holds"


def largest_loss(v_c, u_o, u_neg):
    """A loss with an operation that the bounds have no rule for."""
    return jnp.sum((v_c - u_o) ** 2) / 2 + jnp.sum(lax.top_k(u_neg @ v_c, 2)[0])


def test_a_loss_whose_operations_have_no_rule_still_holds():
    config = Config(kernel="windows", gradient="autodiff")
    claim = step_claim("step", config, Loss(largest_loss))
    entry = verify_derivations([claim], samples=2)[0]
    assert entry.verdict_value == "holds"
    assert "coarse bound for top_k" in entry.scope
