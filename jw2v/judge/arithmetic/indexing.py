"""Where gather, scatter and slices read and write, as XLA defines it; and iota, which counts."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, SupportsInt

import jax.numpy as jnp
import numpy as np
from jax.lax import GatherScatterMode

from jw2v.judge.arithmetic.rules import Numbers


class Places(NamedTuple):
    """For each entry of a gather's result, or of a scatter's updates, its place in the operand."""

    flat: np.ndarray  # int64, in range everywhere
    inside: np.ndarray  # bool, False where the place is outside and the entry is dropped or filled


def broadcast(params: Mapping[str, Any], x: Numbers) -> Numbers:
    """The result of `broadcast_in_dim`."""
    shape = [1] * len(params["shape"])
    for axis, size in zip(params["broadcast_dimensions"], x.shape, strict=True):
        shape[axis] = size
    return np.broadcast_to(x.reshape(shape), params["shape"])


def sliced(params: Mapping[str, Any], x: Numbers) -> Numbers:
    """The result of `slice`."""
    strides = params["strides"] or (1,) * x.ndim
    return x[tuple(map(slice, params["start_indices"], params["limit_indices"], strides))]


def window(
    shape: Sequence[int], starts: Sequence[SupportsInt], sizes: Sequence[int]
) -> tuple[slice, ...]:
    """The place of a dynamic slice, moved inside where it would stand out.

    >>> window((5, 4), (4, -1), (2, 3))
    (slice(3, 5, None), slice(0, 3, None))
    """
    of_axes = zip(starts, shape, sizes, strict=True)
    firsts = [(min(max(int(start), 0), whole - size), size) for start, whole, size in of_axes]
    return tuple(slice(first, first + size) for first, size in firsts)


def iota(params: Mapping[str, Any]) -> Numbers:
    """The result of `iota`."""
    shape, axis = params["shape"], params["dimension"]
    kind = np.float64 if jnp.issubdtype(params["dtype"], jnp.floating) else np.int64
    others = [i for i in range(len(shape)) if i != axis]
    return np.broadcast_to(np.expand_dims(np.arange(shape[axis], dtype=kind), others), shape)


def gathered(operand: np.ndarray, indices: np.ndarray, params: Mapping[str, Any]) -> Places:
    """Places that `lax.gather` reads.

    >>> import jax
    >>> x, ids = np.ones((4, 2), np.float32), np.array([3], np.int32)
    >>> jaxpr = jax.make_jaxpr(lambda x, ids: x[ids])(x, ids)
    >>> equation = next(e for e in jaxpr.eqns if e.primitive.name == "gather")
    >>> gathered(x, ids[:, None], equation.params).flat.tolist()
    [[6, 7]]
    """
    numbers = params["dimension_numbers"]
    return _places(
        operand.shape,
        indices,
        window=params["slice_sizes"],
        window_axes=_axes(numbers.offset_dims),
        dropped=_axes(numbers.collapsed_slice_dims),
        start_axes=_axes(numbers.start_index_map),
        batching=_pairs(numbers.operand_batching_dims, numbers.start_indices_batching_dims),
        # Where the promise is broken, XLA clips what is read, as JAX's documentation says.
        clip=params["mode"] in (GatherScatterMode.CLIP, GatherScatterMode.PROMISE_IN_BOUNDS),
    )


def scattered(
    operand: np.ndarray, indices: np.ndarray, updates: np.ndarray, params: Mapping[str, Any]
) -> Places:
    """Places that the scatter family writes: one for each entry of `updates`."""
    numbers = params["dimension_numbers"]
    dropped = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    sizes = iter(updates.shape[axis] for axis in numbers.update_window_dims)
    window = tuple(1 if axis in dropped else next(sizes) for axis in range(operand.ndim))
    return _places(
        operand.shape,
        indices,
        window=window,
        window_axes=_axes(numbers.update_window_dims),
        dropped=_axes(numbers.inserted_window_dims),
        start_axes=_axes(numbers.scatter_dims_to_operand_dims),
        batching=_pairs(numbers.operand_batching_dims, numbers.scatter_indices_batching_dims),
        clip=params["mode"] == GatherScatterMode.CLIP,
    )


def _places(
    shape: tuple[int, ...],
    indices: np.ndarray,
    *,
    window: Sequence[int],
    window_axes: tuple[int, ...],
    dropped: tuple[int, ...],
    start_axes: tuple[int, ...],
    batching: tuple[tuple[int, int], ...],
    clip: bool,
) -> Places:
    """Flat places of windows of `window` entries, each at a start that `indices[..., :]` holds."""
    batch = indices.shape[:-1]
    inner = [
        axis
        for axis in range(len(shape))
        if axis not in dropped and axis not in [operand for operand, _ in batching]
    ]
    rank = len(batch) + len(inner)
    batch_axes = [axis for axis in range(rank) if axis not in window_axes]
    strides = np.cumprod([1, *shape[::-1]])[-2::-1] if shape else []
    flat: Any = np.zeros((1,) * rank, np.int64)
    inside: Any = np.ones((1,) * rank, bool)
    for axis, size in enumerate(shape):
        start: Any = np.zeros(batch, np.int64)
        if axis in start_axes:
            start = indices[..., start_axes.index(axis)].astype(np.int64)
        for operand_axis, index_axis in batching:
            if operand_axis == axis:
                start = start + _along(np.arange(size), index_axis, len(batch))
        last = size - window[axis]
        fits = (start >= 0) & (start <= last)
        start = np.clip(start, 0, last)
        flat = flat + _spread(start, batch_axes, rank) * strides[axis]
        if not clip:
            inside = inside & _spread(fits, batch_axes, rank)
        if axis in inner:
            place = window_axes[inner.index(axis)]
            flat = flat + _along(np.arange(window[axis]), place, rank) * strides[axis]
    return Places(flat, np.broadcast_to(inside, flat.shape))


def _axes(axes: Sequence[SupportsInt]) -> tuple[int, ...]:
    return tuple(map(int, axes))  # vmap leaves NumPy's integers


def _pairs(one: Sequence[SupportsInt], two: Sequence[SupportsInt]) -> tuple[tuple[int, int], ...]:
    return tuple(zip(_axes(one), _axes(two), strict=True))


def _along(values: np.ndarray, axis: int, rank: int) -> np.ndarray:
    return values.reshape([-1 if i == axis else 1 for i in range(rank)])


def _spread(values: Any, axes: list[int], rank: int) -> np.ndarray:
    shape = [1] * rank
    for axis, size in zip(axes, np.shape(values), strict=True):
        shape[axis] = size
    return np.asarray(values).reshape(shape)
