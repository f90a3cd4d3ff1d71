"""The operations that only move entries, errors with them; and scatter-add, which also sums."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from jw2v.judge.arithmetic.indexing import (
    Places,
    broadcast,
    gathered,
    iota,
    scattered,
    sliced,
    window,
)
from jw2v.judge.arithmetic.rules import Bounded, Operation, Rule, exact

Move = Callable[..., Bounded | list[Bounded]]


def _moving(function: Any) -> Rule:
    """The rule that moves values and errors alike."""

    def rule(op: Operation, *operands: Bounded) -> Bounded:
        return Bounded(*(function(op, *entries) for entries in zip(*operands, strict=True)))

    return rule


def _parting(function: Any) -> Move:
    """The rule that takes values and errors apart alike."""

    def rule(op: Operation, x: Bounded) -> list[Bounded]:
        parts = zip(*(function(op, entries) for entries in x), strict=True)
        return [Bounded(*part) for part in parts]

    return rule


def _dynamic_slice(op: Operation, x: Bounded, *starts: Bounded) -> Bounded:
    place = window(x.value.shape, [s.value for s in starts], op.params["slice_sizes"])
    return Bounded(x.value[place], _unless(x.error[place], *starts))


def _dynamic_update_slice(op: Operation, x: Bounded, part: Bounded, *starts: Bounded) -> Bounded:
    place = window(x.value.shape, [s.value for s in starts], part.value.shape)
    value, error = x.value.copy(), x.error.copy()
    value[place], error[place] = part
    return Bounded(value, _unless(error, *starts))


def _pad(op: Operation, x: Bounded, filler: Bounded) -> Bounded:
    def padded(inner: np.ndarray, fill: np.ndarray) -> np.ndarray:
        result = np.full(op.shape, fill, np.result_type(inner))
        kept, places = [], []
        sizes = zip(inner.shape, op.shape, op.params["padding_config"], strict=True)
        for size, whole, (low, _, interior) in sizes:
            at = low + np.arange(size) * (interior + 1)
            inside = (at >= 0) & (at < whole)
            kept.append(np.flatnonzero(inside))
            places.append(at[inside])
        result[np.ix_(*places)] = inner[np.ix_(*kept)]
        return result

    return Bounded(padded(x.value, filler.value), padded(x.error, filler.error))


def _split(op: Operation, x: np.ndarray) -> list[np.ndarray]:
    return np.split(x, np.cumsum(op.params["sizes"])[:-1], op.params["axis"])


def _gather(op: Operation, x: Bounded, indices: Bounded) -> Bounded:
    places = gathered(x.value, indices.value, op.params)
    fill = op.params["fill_value"]
    value = x.value.ravel()[places.flat]
    error = x.error.ravel()[places.flat]
    if not places.inside.all():
        outside = np.nan if fill is None else fill
        value = np.where(places.inside, value, outside)
        error = np.where(places.inside, error, 0.0)
    return Bounded(value, _unless(error, indices))


def _unless(error: np.ndarray, *indices: Bounded) -> np.ndarray:
    """The error, or inf where rounding could turn an index."""
    turned = any(index.error.any() for index in indices)
    return np.full(error.shape, np.inf) if turned else error


def _scatter_add(op: Operation, x: Bounded, indices: Bounded, updates: Bounded) -> Bounded:
    """Each place is a sum of its operand and n updates: n additions, one less where it is 0."""
    places = scattered(x.value, indices.value, updates.value, op.params)
    additions = _summed(np.zeros(x.value.shape), places, np.ones(updates.value.shape))
    additions = additions - ((x.value == 0) & (x.error == 0) & (additions > 0))
    sizes = np.abs(x.value) + x.error, np.abs(updates.value) + updates.error
    size = _summed(sizes[0], places, sizes[1])
    error = _summed(x.error, places, updates.error) + additions * op.u * size
    return Bounded(_summed(x.value, places, updates.value), _unless(error, indices))


def _summed(start: Any, places: Places, parts: Any) -> np.ndarray:
    """`start`, and at each place inside it the parts that go there."""
    total = np.asarray(start).ravel().copy()
    np.add.at(total, places.flat[places.inside], np.asarray(parts)[places.inside])
    return total.reshape(np.shape(start))


def _scatter(op: Operation, x: Bounded, indices: Bounded, updates: Bounded) -> Bounded:
    """Overwrite; of several updates of one place the last stays."""
    places = scattered(x.value, indices.value, updates.value, op.params)
    value, error = x.value.ravel().copy(), x.error.ravel().copy()
    value[places.flat[places.inside]] = updates.value[places.inside]
    error[places.flat[places.inside]] = updates.error[places.inside]
    return Bounded(value.reshape(x.value.shape), _unless(error.reshape(x.value.shape), indices))


def _sort(op: Operation, *operands: Bounded) -> list[Bounded]:
    """The operands in the order of the first.

    Each of the sorted keys moves at most as far as that key which moves most; what goes with the
    keys is known where no error can turn their order. Keys that agree to the last bit are copies of
    one number (see `rules`), and stay as they stand.
    """
    axis, keys = op.params["dimension"], operands[: op.params["num_keys"]]
    order = np.lexsort([key.value for key in reversed(keys)], axis)

    def ordered(x: np.ndarray) -> np.ndarray:
        return np.take_along_axis(x, order, axis)

    def reach(x: Bounded) -> np.ndarray:
        error = ordered(x.error)
        return np.delete(error, 0, axis) + np.delete(error, -1, axis)

    gaps = np.diff(ordered(keys[0].value), axis=axis)
    near = (gaps <= reach(keys[0])) & (gaps > 0 if len(keys) == 1 else True)
    blurred = sum(map(reach, keys), np.zeros(near.shape)) > 0
    turned = (near & blurred).any(axis=axis, keepdims=True)
    moved = [
        Bounded(ordered(x.value), np.where(turned, np.inf, ordered(x.error))) for x in operands
    ]
    if len(keys) == 1:
        most = np.max(keys[0].error, axis=axis, keepdims=True, initial=0.0)
        moved[0] = Bounded(moved[0].value, np.where(turned, most, ordered(keys[0].error)))
    return moved


MOVES: Mapping[str, Move] = MappingProxyType(
    {
        "broadcast_in_dim": _moving(lambda op, x: broadcast(op.params, x)),
        "concatenate": _moving(lambda op, *x: np.concatenate(x, op.params["dimension"])),
        "dynamic_slice": _dynamic_slice,
        "dynamic_update_slice": _dynamic_update_slice,
        "empty2": lambda op: exact(np.zeros(op.shape)),  # what is read of it has no weight
        "gather": _gather,
        "iota": lambda op: exact(iota(op.params)),
        "pad": _pad,
        "reshape": _moving(lambda op, x: x.reshape(op.shape)),
        "rev": _moving(lambda op, x: np.flip(x, op.params["dimensions"])),
        "scatter": _scatter,
        "scatter-add": _scatter_add,
        "slice": _moving(lambda op, x: sliced(op.params, x)),
        "sort": _sort,
        "split": _parting(_split),
        "squeeze": _moving(lambda op, x: x.reshape(op.shape)),
        "stack": _moving(lambda op, *x: np.stack(x, op.params["axis"])),
        "tile": _moving(lambda op, x: np.tile(x, op.params["reps"])),
        "transpose": _moving(lambda op, x: np.transpose(x, op.params["permutation"])),
        "unstack": _parting(lambda op, x: np.moveaxis(x, op.params["axis"], 0)),
    }
)
"""The rule of each operation that moves entries."""
