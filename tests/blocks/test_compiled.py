"""The compiled program: a training step touches rows, and never copies a table."""

import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import optax
import pytest
from strategies import block

from jw2v.optim.named import table_optimizer
from jw2v.training.call import run_steps
from jw2v.training.config import Config
from jw2v.training.state import init, initial_tables
from jw2v.training.step import kernel_of, make_step

VOCAB, DIM = 1013, 37  # primes: an array of this shape is a table
COPY = re.compile(rf"= f32\[{VOCAB},{DIM}\]\S* copy(-start)?\(")
BLOCKS = 4
CONFIG = Config(dim=DIM, window=2, block=32, group=16, shared_negatives=7)


def compiled(config: Config) -> str:
    """The text of a call of several steps, as the training loop compiles it."""
    optimizer = table_optimizer(config.optimizer, optax.constant_schedule(0.1))
    step = make_step(kernel_of(config), optimizer, config)
    state = init(initial_tables(jax.random.key(0), VOCAB, DIM), optimizer)
    texts = [block(i, size=32, window=2, groups=2, neg=7, vocab=VOCAB) for i in range(BLOCKS)]
    blocks = jax.tree.map(lambda *x: jnp.stack(x), *texts)

    def call(state, blocks, count):
        return run_steps(step, state, blocks, count, loss_every=2)

    lowered = jax.jit(call, donate_argnums=0).lower(state, blocks, jnp.asarray(BLOCKS))
    program = lowered.compile().as_text()
    assert program is not None
    return program


def copies_in_loops(program: str) -> list[str]:
    """The copies of a table outside the entry computation: those of the loops' bodies."""
    computations = re.split(r"\n\n", program)
    bodies = [text for text in computations if not re.search("^ENTRY", text, re.MULTILINE)]
    return [line for text in bodies for line in text.splitlines() if COPY.search(line)]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gradient": "autodiff"},
        {"kernel": "windows"},
    ],
    ids=str,
)
def test_no_step_of_sgd_copies_a_table(options: dict[str, str]):
    program = compiled(replace(CONFIG, **options))
    assert "while(" in program
    assert f"f32[{VOCAB},{DIM}]" in program
    assert copies_in_loops(program) == []


def test_a_copy_would_be_seen():
    """Adam updates whole tables, by scatter-add into a fresh copy of zeros each step."""
    assert copies_in_loops(compiled(replace(CONFIG, optimizer="adam")))
