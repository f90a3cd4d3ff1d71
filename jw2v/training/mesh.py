"""Devices in a grid: `data` replicas of the tables, each over `vocab` times `dim` devices.

    dim     each device holds all words and a part of every vector. Rows are gathered and added to
            where they are; scores alone, a sum over columns, are reduced over devices. XLA makes
            that of the program for one device and of where its arrays lie.
    vocab   each device has a part of the words, for vocabularies that no device holds: gathered
            rows are then reduced, which are longer than scores.
    data    each replica has tables of its own and trains on its part of the text. After some calls
            the rows met most are merged, after more calls more of them (`jw2v.training.merge`).

A replica stays within one process, `data` may run over the devices of many: the program and the
arrays are the same.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jw2v.errors import UsageError

DATA, VOCAB, DIM = "data", "vocab", "dim"


class Grid(NamedTuple):
    """How many devices along each axis."""

    data: int = 1
    dim: int = 1
    vocab: int = 1

    @property
    def devices(self) -> int:
        """How many in all.

        >>> Grid(data=2, dim=4).devices
        8
        """
        return self.data * self.dim * self.vocab


def grid_of(mesh: str, *, dim: int, adds: bool, devices: int | None = None) -> Grid:
    """The grid that an option names.

    Args:
      mesh: "auto", or as "data=2,dim=4"; what is left out is 1.
      dim: length of a vector.
      adds: whether what replicas learn may be added up, as of plain sgd; "auto" asks.
      devices: how many there are; by default JAX's.

    Returns:
      For "auto" all devices: as replicas where what they learn adds up, else over the columns, as
      many as divide them.

    Raises:
      UsageError: it is no mesh, or one that cannot be had.

    >>> grid_of("dim=4", dim=100, adds=True, devices=8)
    Grid(data=1, dim=4, vocab=1)
    >>> [tuple(grid_of("auto", dim=100, adds=adds, devices=8)) for adds in (True, False)]
    [(8, 1, 1), (1, 5, 1)]
    """
    there = jax.device_count() if devices is None else devices
    if mesh == "auto":
        columns = max(n for n in range(1, there + 1) if dim % n == 0)
        return Grid(data=there) if adds else Grid(dim=columns)
    grid = _parsed(mesh)
    faults = {
        f"mesh {mesh} has {grid.devices} devices and JAX found {there}": grid.devices > there,
        f"mesh {mesh}: dim {dim} is not a multiple of {grid.dim}": dim % grid.dim > 0,
    }
    for fault, here in faults.items():
        if here:
            raise UsageError(f"{fault} (--mesh)")
    return grid


def _parsed(mesh: str) -> Grid:
    try:
        pairs = [part.split("=") for part in mesh.split(",")]
        given = {name.strip(): int(number) for name, number in pairs}
        if len(given) == len(pairs) and min(given.values()) > 0:
            return Grid(**given)
    except (TypeError, ValueError):
        pass
    raise UsageError(f"mesh is {mesh!r}; give auto, or as data=2,dim=4 (--mesh)")


def mesh_of(grid: Grid) -> Mesh | None:
    """The devices of a grid; None of one device, for which programs need no mesh.

    Raises:
      UsageError: a replica would lie on the devices of two processes, or a process has none.
    """
    if grid.devices == 1 and jax.process_count() == 1:
        return None
    devices = np.array(jax.devices()[: grid.devices]).reshape(grid.data, grid.vocab, grid.dim)
    for replica in devices:
        if len({device.process_index for device in replica.flat}) > 1:
            raise UsageError(
                f"a replica of {replica.size} devices is on two processes; give fewer (--mesh)"
            )
    if len({device.process_index for device in devices.flat}) < jax.process_count():
        raise UsageError(
            f"a mesh of {grid.devices} devices leaves a process without one; JAX found "
            f"{jax.device_count()} (--mesh)"
        )
    return Mesh(devices, (DATA, VOCAB, DIM))


def parts(mesh: Mesh, x: Any, *, dim: int, stacked: bool = False) -> NamedSharding:
    """Where an array of a state lies: parts of a table on the devices, anything else on each.

    Args:
      mesh: the devices.
      x: the array, or what has its shape.
      dim: length of a vector; a table has rows of that length.
      stacked: whether replicas lie along a leading axis.
    """
    shape = x.shape[1:] if stacked else x.shape
    first = (DATA,) if stacked else ()
    along = (VOCAB, DIM) if len(shape) == 2 and shape[-1] == dim else ()
    return NamedSharding(mesh, PartitionSpec(*first, *along))


def laid_out(mesh: Mesh, x: Any, *, dim: int) -> Any:
    """An array inside a program, where it lies if it is a table, else its vectors' parts."""
    where = parts(mesh, x, dim=dim)
    if x.ndim > 2 and x.shape[-1] == dim:
        where = NamedSharding(mesh, PartitionSpec(*(None,) * (x.ndim - 1), DIM))
    return jax.lax.with_sharding_constraint(x, where)


def everywhere(mesh: Mesh) -> NamedSharding:
    """Where what all devices have in common lies."""
    return NamedSharding(mesh, PartitionSpec())


def place(tree: Any, where: Any) -> Any:
    """Copy a tree's arrays, which every process has, to where they lie."""
    return jax.tree.map(lambda x, sharding: jax.device_put(np.array(x), sharding), tree, where)


def own_replicas(mesh: Mesh) -> Sequence[int]:
    """The replicas of this process."""
    here = jax.process_index()
    return [i for i, one in enumerate(mesh.devices) if one.flat[0].process_index == here]


def own_mesh(mesh: Mesh) -> Mesh:
    """The devices of this process's first replica."""
    return Mesh(mesh.devices[own_replicas(mesh)[:1]], mesh.axis_names)
