"""The compiled program: a training step touches rows, and never copies a table."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest
from strategies import block

from jw2v.optim.named import table_optimizer
from jw2v.training.call import run_steps
from jw2v.training.compiled import table_copies
from jw2v.training.config import Config
from jw2v.training.state import init, initial_tables
from jw2v.training.step import kernel_of, make_step

VOCAB, DIM = 1013, 37  # primes: an array of this shape is a table
BLOCKS = 4
CONFIG = Config(dim=DIM, window=2, block=32, group=16, shared_negatives=7)


def compiled(config: Config) -> str:
    """The text of a call of several steps, as the training loop compiles it."""
    tables = initial_tables(jax.random.key(0), VOCAB, DIM)
    optimizer = table_optimizer(
        config.optimizers, config.schedules(1), tables, dense_updates=config.dense_updates
    )
    step = make_step(kernel_of(config), optimizer, config)
    state = init(tables, optimizer)
    texts = [block(i, size=32, window=2, groups=2, neg=7, vocab=VOCAB) for i in range(BLOCKS)]
    blocks = jax.tree.map(lambda *x: jnp.stack(x), *texts)

    def call(state, blocks, count):
        return run_steps(step, state, blocks, count, loss_every=2)

    lowered = jax.jit(call, donate_argnums=0).lower(state, blocks, jnp.asarray(BLOCKS))
    program = lowered.compile().as_text()
    assert program is not None
    return program


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gradient": "autodiff"},
        {"kernel": "windows"},
        {"optimizer": "adam"},
        {"optimizer": "adagrad", "optimizer_outside": "momentum"},
    ],
    ids=str,
)
def test_no_step_copies_a_table(options: dict[str, str]):
    program = compiled(replace(CONFIG, **options))
    assert "while(" in program
    assert f"f32[{VOCAB},{DIM}]" in program
    assert table_copies(program, (VOCAB, DIM)) == []


def test_a_copy_would_be_seen():
    """On whole tables Adam scatter-adds into a fresh copy of zeros each step."""
    config = replace(CONFIG, optimizer="adam", dense_updates=True)
    assert table_copies(compiled(config), (VOCAB, DIM))
