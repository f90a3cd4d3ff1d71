"""The same block on N devices: steps and updates whose tables lie over a mesh, rows and columns.

    what one device computes  =  what the same program computes of tables in N parts
    base + outer(−w Σ_r (rows of r − base))  =  what the program that merges replicas computes

The claims of `jw2v.ledger.updates` and `jw2v.ledger.optimizers` are made again, of the same
functions, for each mesh of the devices here. `jw2v verify jw2v.ledger.sharded` judges them;
XLA_FLAGS=--xla_force_host_platform_device_count=8 makes eight devices of a processor, for which a
program of one's own is given threads by NPROC=32 (`jw2v.training.backend.enough_threads`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.blocks.tables import Tables
from jw2v.judge.records import Derivation, Step
from jw2v.ledger import optimizers, updates
from jw2v.ledger.example import BOTH, DIM, VOCAB
from jw2v.training.merge import Rows
from jw2v.training.mesh import Grid, laid_out, mesh_of
from jw2v.training.replicas import OUTER, merged

COLUMNS = 8
"""Length of the vectors, which 2, 4 and 8 devices divide, as they do the tables' rows."""
REPLICAS, NGRAMS, ROWS = 3, 4, Rows(words=5, ngrams=2)
"""V has as many rows of n-grams below those of its words; and the rows that are merged."""
MERGE = r"b \leftarrow b + \mathrm{outer}(-\Delta),\quad \Delta = w \sum_r (x_r - b)"


def sharded(derivation: Derivation, grid: Grid) -> Derivation:
    """The derivation with its tables over a grid of devices, on trial against one."""

    def on_devices(fn: Callable[..., Any], *args: Any) -> Any:
        mesh = mesh_of(grid)
        assert mesh is not None
        return fn(*(laid_out(mesh, x, dim=COLUMNS) for x in args))

    where = f"on vocab={grid.vocab},dim={grid.dim}"
    steps = tuple(
        replace(step, id=f"{step.id} {where}", fn=partial(on_devices, step.fn))
        for step in derivation.steps
    )
    args = tuple(map(_wider, derivation.args))
    return replace(derivation, id=f"{derivation.id} {where}", args=args, steps=steps)


def merge_claim(outer: str) -> Derivation:
    """Two merges of some rows of replicas, by an outer optimizer, written out plainly."""
    words = VOCAB - NGRAMS
    in_V = [*range(ROWS.words), *range(words, words + ROWS.ngrams)]

    def ruled(base: Any, every: Any, weights: Any) -> Any:
        velocity = jnp.zeros_like(base)
        for replicas in every:
            step = weights[:, None] * (replicas - base).sum(axis=0)
            if outer == "nesterov":
                velocity = 0.9 * velocity + step
                step = 0.7 * (0.9 * velocity + step)
            base = base + step
        return base[jnp.array(in_V)], base[: ROWS.words]

    def claimed(base: Any, every: Any, weights: Any) -> Any:
        tables, weighs = Tables(base, base[:words]), Tables(weights, weights[:words])
        state = tables, OUTER[outer].init(tables)
        for replicas in every:
            both = Tables(replicas, replicas[:, :words])
            _, state = merged(OUTER[outer], both, state, weighs, ROWS)
        return state[0].V[jnp.array(in_V)], state[0].U[: ROWS.words]

    args = np.ones((VOCAB, DIM)), np.ones((2, REPLICAS, VOCAB, DIM)), np.ones(VOCAB)
    step = Step(f"merge {outer}", MERGE, claimed, kind="update")
    return Derivation(f"merge {outer}", ruled, args, (step,), dtypes=BOTH)


def _wider(x: Any) -> Any:
    """An example argument, its vectors as long as devices divide them."""
    if np.ndim(x) < 2 or np.shape(x)[-1] != DIM:
        return x
    return np.ones((*np.shape(x)[:-1], COLUMNS))


@cache
def derivations() -> tuple[Derivation, ...]:
    """The claims for the devices that are here."""
    most = min(COLUMNS, jax.device_count())
    sides = [2**i for i in range(most.bit_length())]
    grids = [Grid(vocab=v, dim=d) for v, d in product(sides, sides) if 1 < v * d <= most]
    chain = *updates.DERIVATIONS[1:], *optimizers.DERIVATIONS[1:]  # the first are of one table
    made = (sharded(derivation, grid) for derivation, grid in product(chain, grids))
    return (*map(merge_claim, OUTER), *made)


def __getattr__(name: str) -> Sequence[Derivation]:
    """`DERIVATIONS`, made when asked for: importing a module starts no backend."""
    if name == "DERIVATIONS":
        return derivations()
    raise AttributeError(name)
