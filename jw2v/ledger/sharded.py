"""The same block on N devices: steps and updates whose tables' columns lie over a mesh.

    what one device computes  =  what the same program computes with dim / N columns a device
    base + outer(−Σ_r (rows of r − base))  =  what the program that merges replicas computes

The claims of `jw2v.ledger.updates` and `jw2v.ledger.optimizers` are made again, of the same
functions, for each number of devices that is here. `jw2v verify jw2v.ledger.sharded` judges them;
XLA_FLAGS=--xla_force_host_platform_device_count=8 makes eight devices of a processor.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.blocks.tables import Tables
from jw2v.judge.records import Derivation, Step
from jw2v.ledger import optimizers, updates
from jw2v.ledger.example import BOTH, DIM, VOCAB
from jw2v.training.mesh import Grid, along_columns, mesh_of
from jw2v.training.replicas import OUTER, merged

COLUMNS = 8
"""Length of the vectors, which 2, 4 and 8 devices divide."""
REPLICAS, ROWS = 3, 7
MERGE = r"b \leftarrow b + \mathrm{outer}(-\Delta),\quad \Delta = \sum_r (x_r - b)"


def sharded(derivation: Derivation, devices: int) -> Derivation:
    """The derivation with its tables' columns over so many devices, on trial against one."""
    name = f"{derivation.id} on {devices} devices"

    def on_devices(fn: Callable[..., Any], *args: Any) -> Any:
        mesh = mesh_of(Grid(dim=devices))
        assert mesh is not None
        tables = (x.ndim > 1 and x.shape[-1] == COLUMNS for x in args)
        placed = (along_columns(mesh, x) if is_ else x for x, is_ in zip(args, tables, strict=True))
        return fn(*placed)

    steps = tuple(
        replace(step, id=f"{step.id} on {devices} devices", fn=partial(on_devices, step.fn))
        for step in derivation.steps
    )
    return replace(derivation, id=name, args=tuple(map(_wider, derivation.args)), steps=steps)


def merge_claim(outer: str) -> Derivation:
    """Two merges of some rows of replicas, by an outer optimizer, written out plainly."""

    def ruled(base: Any, every: Any) -> Any:
        velocity = jnp.zeros_like(base[:ROWS])
        for replicas in every:
            learnt = replicas[:, :ROWS] - base[None, :ROWS]
            step = learnt.sum(axis=0) if outer == "sum" else learnt.mean(axis=0)
            if outer == "nesterov":
                velocity = 0.9 * velocity + step
                step = 0.7 * (0.9 * velocity + step)
            base = base.at[:ROWS].add(step)
        return base

    def claimed(base: Any, every: Any) -> Any:
        tables = Tables(base, base)
        state = tables, OUTER[outer].optimizer.init(tables)
        for replicas in every:
            _, state = merged(OUTER[outer], Tables(replicas, replicas), state, ROWS)
        return state[0].V

    args = np.ones((VOCAB, DIM)), np.ones((2, REPLICAS, VOCAB, DIM))
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
    several = [n for n in (2, 4, 8) if n <= jax.device_count()]
    chain = *updates.DERIVATIONS[1:], *optimizers.DERIVATIONS[1:]  # the first are of one table
    made = (sharded(derivation, n) for derivation in chain for n in several)
    return (*map(merge_claim, OUTER), *made)


def __getattr__(name: str) -> Sequence[Derivation]:
    """`DERIVATIONS`, made when asked for: importing a module starts no backend."""
    if name == "DERIVATIONS":
        return derivations()
    raise AttributeError(name)
