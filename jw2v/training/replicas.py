"""Replicas on the devices of a mesh: one program trains them side by side, another merges them.

Arrays of a state have a leading axis for the replicas, which lies along the mesh's axis `data`. In
a run of several processes (`jax.distributed`) each feeds its own replicas, and all call the same
programs in the same order.

What was learnt of a row since it was last merged is a step of an outer optimizer
(https://arxiv.org/abs/2311.08105), whose gradient is what the replicas took together:

    base ← base + outer(−Δ),        Δ = w Σ_r (row of r − base)

with the weights w of `jw2v.training.merge`, or 1/R for the mean over replicas. Where all rows are
merged, the numbers that optimizers keep are averaged, too, so that one state tells everything.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from jw2v.blocks.tables import Tables
from jw2v.training import call, mesh
from jw2v.training.merge import NONE, REST, Rows, all_of
from jw2v.training.state import TrainState
from jw2v.training.step import StepInfo

OUTER: Mapping[str, optax.GradientTransformation] = MappingProxyType(
    {
        "sum": optax.sgd(1.0),
        "mean": optax.sgd(1.0),
        "nesterov": optax.sgd(0.7, momentum=0.9, nesterov=True),
    }
)
"""`sum` is what a process alone would have learnt of all their text; `nesterov` is DiLoCo's, which
takes a mean. They differ by their weights, too."""

Train = Callable[..., tuple[TrainState, StepInfo]]


def trained_by_all(train: Train, over: Mesh) -> Train:
    """A call of training for one replica, made one for all: states and texts are stacked.

    Each replica draws by a key of its own. The loss is that of all.
    """
    own = PartitionSpec(mesh.DATA)

    def one(state: TrainState, text: call.Text, key: Array, *others: Any):
        state, text = jax.tree.map(lambda x: x[0], (state, text))
        key = jax.random.fold_in(key, jax.lax.axis_index(mesh.DATA))
        state, info = train(state, text, key, *others)
        total = jax.tree.map(lambda x: jax.lax.psum(x, mesh.DATA), info)
        return jax.tree.map(lambda x: x[None], state), total

    shared = PartitionSpec()
    return jax.shard_map(
        one,
        mesh=over,
        in_specs=(own, own, shared, shared, shared),
        out_specs=(own, shared),
        axis_names={mesh.DATA},
        check_vma=False,
    )


def merged(
    outer: optax.GradientTransformation,
    tables: Tables,
    base: tuple[Tables, Any],
    weights: Tables,
    rows: Rows,
) -> tuple[Tables, tuple[Tables, Any]]:
    """Rows of replicas merged.

    Args:
      outer: how.
      tables: of the replicas, `[replica, rows, dim]`.
      base: the tables as they were last merged, and the outer optimizer's state.
      weights: of what was learnt of each row, `[rows]`.
      rows: which.

    Returns:
      Both, those rows of all replicas and of the base the same.

    >>> base = Tables(jnp.zeros((2, 1)), jnp.zeros((2, 1)))
    >>> replicas = Tables(*(jnp.array([[[1.0], [1]], [[2], [2]]]),) * 2)
    >>> sum_, weights = OUTER["sum"], Tables(jnp.ones(2), jnp.ones(2))
    >>> both = base, sum_.init(base)
    >>> tables, (now, _) = merged(sum_, replicas, both, weights, Rows(1))
    >>> print(now.V[:, 0], tables.V[1, :, 0])
    [3. 0.] [3. 2.]
    """
    words, ngrams = rows.slices(len(base[0].U))

    def some(whole: Array) -> Array:
        """Those of its rows; U has none below the words."""
        return jnp.concatenate([whole[words], whole[ngrams]]) if rows.ngrams else whole[words]

    def put(whole: Array, x: Array) -> Array:
        whole = whole.at[words].set(x[: rows.words])
        return whole.at[ngrams].set(x[rows.words :]) if len(x) > rows.words else whole

    before, state = jax.tree.map(lambda x: some(x) if x.ndim == 2 else x, base)
    learnt = jax.tree.map(
        lambda every, x, w: -some(w)[:, None] * jnp.sum(jax.vmap(some)(every) - x[None], axis=0),
        tables,
        before,
        weights,
    )
    update, state = outer.update(learnt, state, before)
    after: Any = optax.apply_updates(before, update)
    tables = jax.tree.map(lambda every, x: jax.vmap(put, (0, None))(every, x), tables, after)
    new = jax.tree.map(lambda old, x: put(old, x) if x.ndim == 2 else x, base, (after, state))
    return tables, new


def averaged(states: Any) -> Any:
    """States of replicas, each number of them replaced by its mean; counts stay.

    >>> every = {"mu": jnp.array([1.0, 2.0]), "count": jnp.array([7, 7])}
    >>> averaged(every)["mu"].tolist()
    [1.5, 1.5]
    """

    def mean(x: Array) -> Array:
        if not jnp.issubdtype(x.dtype, jnp.floating):
            return x
        # From the first on: numbers that are the same in all stay so to the bit.
        return jnp.broadcast_to(x[:1] + jnp.mean(x - x[:1], axis=0, keepdims=True), x.shape)

    return jax.tree.map(mean, states)


class Both(NamedTuple):
    """The states of the optimizer that trains and of the outer one."""

    inner: Any
    outer: Any


class MeshReplicas:
    """The replicas of a mesh, as the loop sees them (`jw2v.training.merge.Replicas`)."""

    def __init__(self, over: Mesh, weights: Tables, *, dim: int, outer: str = "sum") -> None:
        """Of a mesh, with vectors of `dim` numbers; outer: one of `OUTER`."""
        self._mesh, self._dim, self._outer, self._weights = over, dim, OUTER[outer], weights
        self._base: tuple[Tables, Any] | None = None
        self._merged = jax.jit(
            partial(merged, self._outer), static_argnums=3, donate_argnums=(0, 1)
        )
        self.size = over.devices.shape[0]
        self.parts = mesh.own_replicas(over)
        self.share = jax.process_index(), jax.process_count()

    def start(self, state: TrainState) -> TrainState:
        """A state as it is saved: with that of the outer optimizer, if there is one."""
        if self.size == 1:
            return state
        outer = self._outer.init(state.tables)
        return state._replace(opt_state=Both(state.opt_state, outer))

    def spread(self, state: TrainState) -> TrainState:
        """A state as it was saved, as each replica begins with it."""
        if self.size == 1:
            return mesh.place(state, self._where(state))
        base = state.tables, state.opt_state.outer
        self._base = mesh.place(base, self._where(base))
        inner = state._replace(opt_state=state.opt_state.inner)
        every = jax.tree.map(lambda x: np.broadcast_to(x, (self.size, *np.shape(x))), inner)
        where = self._where(every, stacked=True)
        self._averaged = jax.jit(averaged, donate_argnums=0, out_shardings=where.opt_state)
        return mesh.place(every, where)

    def one(self, state: TrainState) -> TrainState:
        """The state of this process's first replica."""
        if self.size == 1:
            return state
        assert self._base is not None
        first = jax.tree.map(self._first, state)
        return first._replace(opt_state=Both(first.opt_state, self._base[1]))

    def shared(self, tree: Any) -> Any:
        """What all replicas read, where they read it."""
        return mesh.place(tree, jax.tree.map(lambda _: mesh.everywhere(self._mesh), tree))

    def text(self, texts: Sequence[call.Text]) -> call.Text:
        """The texts of this process's replicas, as a call takes them."""
        if self.size == 1:
            return texts[0]
        own = NamedSharding(self._mesh, PartitionSpec(mesh.DATA))
        stacked = jax.tree.map(lambda *parts: np.stack(parts), *texts)
        return jax.tree.map(partial(jax.make_array_from_process_local_data, own), stacked)

    def lower(self, train: Train) -> Callable[..., Any]:
        """A call of training, to be compiled for states that are spread."""
        whole = train if self.size == 1 else trained_by_all(train, self._mesh)

        def lower(state: TrainState, *others: Any) -> Any:
            where = self._where(state, stacked=self.size > 1)
            jitted = jax.jit(whole, donate_argnums=0, out_shardings=(where, None))
            return jitted.lower(state, *others)

        return lower

    def rests(self, calls: int) -> bool:
        """Whether all rows are merged after so many calls, so that one state tells everything."""
        return self.size == 1 or calls % REST == 0

    def total(self, *numbers: Any) -> Sequence[Any]:
        """Each number summed over the processes; in a run of one, the numbers as they are."""
        if self.share[1] == 1:
            return numbers
        with jax.enable_x64(True):
            gathered = multihost_utils.process_allgather(np.array(numbers, np.float64))
        return np.asarray(gathered).sum(axis=0).tolist()

    def largest(self, number: int) -> int:
        """The largest that any process has: all call one program."""
        if self.share[1] == 1:
            return number
        return int(np.max(multihost_utils.process_allgather(np.int32(number))))

    def merge(
        self, state: TrainState, rows: Rows, info: StepInfo, *numbers: Any
    ) -> tuple[TrainState, StepInfo, Sequence[Any]]:
        """Merge these rows, and sum numbers on the way; the loss is that of all."""
        if self._base is not None and rows != NONE:
            every = rows == all_of(self._base[0])
            tables, self._base = self._merged(state.tables, self._base, self._weights, rows)
            state = state._replace(tables=tables)
            if every:
                state = state._replace(opt_state=self._averaged(state.opt_state))
        return state, info, self.total(*numbers)

    def _where(self, tree: Any, *, stacked: bool = False) -> Any:
        parts = partial(mesh.parts, self._mesh, dim=self._dim, stacked=stacked)
        return jax.tree.map(parts, tree)

    def _first(self, x: Array) -> Array:
        """Of this process's first replica, where it lies."""
        own = mesh.own_mesh(self._mesh)
        rows = {shard.device: shard.data[0] for shard in x.addressable_shards}
        alone = jax.ShapeDtypeStruct(x.shape[1:], x.dtype)
        where = mesh.parts(own, alone, dim=self._dim)
        parts = [rows[device] for device in own.devices.flat]
        return jax.make_array_from_single_device_arrays(alone.shape, where, parts)
