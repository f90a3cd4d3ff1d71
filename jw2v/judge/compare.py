"""A claim's numbers beside the true ones, each entry with its own bound, and what follows."""

from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from jw2v.errors import UsageError
from jw2v.judge.arithmetic.bounds import (
    ARITHMETIC,
    UNIT_ROUNDOFF,
    Arithmetic,
    UnsupportedError,
    evaluate,
    kinds,
    trace,
)
from jw2v.judge.arithmetic.rules import Bounded
from jw2v.judge.records import Verdict
from jw2v.precision import precision

TESTED = 0.1  # an entry is tested where its bound is at most this share of it
UNTESTED_SHARE = 0.01  # of the entries may be untested before a claim that agrees is undecided
TRACES = 16  # that are kept: a line is its own claim, and the truth of the line after it
COARSE_ROUNDINGS = 4  # of a term, besides its sum, where an operation has no rule

Points = tuple[np.ndarray, ...]
"""Arguments, stacked over a leading axis of points."""


class Leaf(NamedTuple):
    """One output over all points: `[points, *shape]` each."""

    claimed: np.ndarray
    true: np.ndarray
    bound: np.ndarray  # of |claimed − true|, if the claim holds; inf where nothing can be said


class Measured(NamedTuple):
    """A claim at one precision."""

    dtype: str
    points: Points
    leaves: tuple[Leaf, ...]
    coarse: str | None  # the operation without a rule, for which the bound is a coarse one


class Finding(NamedTuple):
    """What the numbers say."""

    verdict: Verdict
    margin: float  # the worst error in bounds
    power: dict[str, float]  # by dtype
    worst: dict[str, Any] | None  # the entry that is farthest off, where the claim is refuted
    why: str | None = None  # where it is undecided


class Truth(NamedTuple):
    """True outputs at points, with what their own float64 leaves open."""

    outputs: tuple[Bounded, ...]
    no_rule: str | None


def true_values(
    true: Callable[..., Any],
    points: Points,
    *,
    dtype: str = "float64",
    arithmetic: Arithmetic = ARITHMETIC,
) -> Truth:
    """A plain function in float64, in NumPy, at points rounded to a precision.

    >>> true_values(lambda x: 2 * x, (np.array([[1.0, 2.0]]),)).outputs[0].value.tolist()
    [[2.0, 4.0]]
    """
    rounded = _rounded(points, dtype)
    try:
        batch = traced_batch(true, points)
        return Truth(tuple(evaluate(batch, rounded, arithmetic=arithmetic)), None)
    except UnsupportedError as missing:
        values = _run(true, rounded, "float64")
        coarse = tuple(Bounded(v, _coarse(rounded, v, "float64")) for v in values)
        return Truth(coarse, str(missing))


class Claimed(NamedTuple):
    """A claim's outputs on the backend, and how far roundings can have moved them."""

    dtype: str
    points: Points  # rounded to it
    values: tuple[np.ndarray, ...]
    bounded: tuple[Bounded, ...] | None  # exact, with the bounds; None: an operation has no rule
    no_rule: str | None


def claimed_values(
    claimed: Callable[..., Any],
    points: Points,
    *,
    dtype: str,
    arithmetic: Arithmetic = ARITHMETIC,
) -> Claimed:
    """Run a claim on the backend at a precision.

    Args:
      claimed: function of a point.
      points: arguments, stacked.
      dtype: "float64", "float32", "bfloat16" or "float16"; the points are rounded to it first.
      arithmetic: what is assumed of roundings.

    >>> claimed_values(lambda x: x + x, (np.array([1.0]),), dtype="float32").values[0].tolist()
    [2.0]
    """
    rounded = _rounded(points, dtype)
    values = tuple(_run(claimed, rounded, dtype))
    try:
        batch = traced_batch(claimed, points, dtype=dtype)
        bounded = tuple(evaluate(batch, rounded, arithmetic=arithmetic))
        return Claimed(dtype, rounded, values, bounded, None)
    except UnsupportedError as missing:
        return Claimed(dtype, rounded, values, None, str(missing))


def beside(claimed: Claimed, truth: Truth) -> Measured:
    """A claim beside the truth at the same points and precision, each entry with its bound.

    Raises:
      UsageError: the outputs have other shapes than the true ones.

    >>> points = (np.array([[1.0, 2.0]]),)
    >>> claim = claimed_values(lambda x: x + x, points, dtype="float32")
    >>> truth = true_values(lambda x: 2 * x, points, dtype="float32")
    >>> bool((beside(claim, truth).leaves[0].bound < 1e-6).all())
    True
    """
    _check_shapes(claimed.values, truth.outputs)
    if claimed.bounded is None:
        errors = [_coarse(claimed.points, t.value, claimed.dtype) for t in truth.outputs]
    else:
        errors = [b.error for b in claimed.bounded]
    leaves = tuple(
        Leaf(v, t.value, np.broadcast_to(t.error + e, t.value.shape))
        for v, t, e in zip(claimed.values, truth.outputs, errors, strict=True)
    )
    return Measured(claimed.dtype, claimed.points, leaves, claimed.no_rule or truth.no_rule)


def measure(
    claimed: Callable[..., Any], true: Callable[..., Any], points: Points, *, dtype: str
) -> Measured:
    """`beside` of a claim and a plain function, at a precision."""
    truth = true_values(true, points, dtype=dtype)
    return beside(claimed_values(claimed, points, dtype=dtype), truth)


def fresh(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function under an identity of its own.

    What is remembered of a function, here and by JAX, goes by its identity; what it reads from
    outside, as a notebook's variables, may have changed since.

    >>> square = lambda x: x * x
    >>> fresh(square)(3), traced(fresh(square), (1.0,)) is traced(fresh(square), (1.0,))
    (9, False)
    """

    @wraps(fn)
    def anew(*args: Any) -> Any:
        return fn(*args)

    return anew


def traced(fn: Callable[..., Any], args: Sequence[Any], *, dtype: str = "float64") -> ClosedJaxpr:
    """`trace`, which remembers the last functions: truth, claim and witnesses ask for the same.

    >>> square = lambda x: x * x
    >>> traced(square, (np.ones(3),)) is traced(square, (np.zeros(3),))
    True
    """
    return _traced(fn, kinds(args, dtype), dtype)


def traced_batch(fn: Callable[..., Any], points: Points, *, dtype: str = "float64") -> ClosedJaxpr:
    """The same, of a function at all points at once.

    >>> [aval.shape for aval in traced_batch(jnp.sum, (np.ones((8, 3)),)).out_avals]
    [(8,)]
    """
    return _traced_batch(fn, kinds(points, dtype), dtype)


@lru_cache(maxsize=TRACES)
def _traced(
    fn: Callable[..., Any], args: tuple[jax.ShapeDtypeStruct, ...], dtype: str
) -> ClosedJaxpr:
    return trace(fn, args, dtype=dtype)


@lru_cache(maxsize=TRACES)
def _traced_batch(
    fn: Callable[..., Any], stacked: tuple[jax.ShapeDtypeStruct, ...], dtype: str
) -> ClosedJaxpr:
    one = tuple(jax.ShapeDtypeStruct(x.shape[1:], x.dtype) for x in stacked)
    return trace(jax.vmap(jaxpr_as_fun(_traced(fn, one, dtype))), stacked, dtype=dtype)


def _rounded(points: Points, dtype: str) -> Points:
    return tuple(rounded_to(x, dtype) for x in points)


def rounded_to(x: np.ndarray, dtype: str) -> np.ndarray:
    """Floats rounded to a precision, kept in float64; integers as they are.

    >>> float(rounded_to(np.array(0.1), "bfloat16"))
    0.10009765625
    """
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return x
    return x.astype(jnp.dtype(dtype)).astype(np.float64)


def _run(fn: Callable[..., Any], points: Points, dtype: str) -> list[np.ndarray]:
    """Each output of the jitted function, point by point as it is used, stacked, in float64."""
    alone = traced(fn, [x[0] for x in points], dtype=dtype)
    with precision(dtype):
        compiled = jax.jit(jaxpr_as_fun(alone))
        results = [jax.tree.leaves(compiled(*_at(points, i, dtype))) for i in range(_count(points))]
    if any(jnp.iscomplexobj(leaf) for leaf in results[0]):
        raise UsageError("a result is complex; give its real part (.real)")
    return [
        np.stack([np.asarray(r, np.float64) for r in leaf]) for leaf in zip(*results, strict=True)
    ]


def _at(points: Points, i: int, dtype: str) -> list[Any]:
    kind = jnp.dtype(dtype)
    return [x[i].astype(kind) if jnp.issubdtype(x.dtype, jnp.floating) else x[i] for x in points]


def _count(points: Points) -> int:
    return len(points[0])


def _coarse(points: Points, true: np.ndarray, dtype: str) -> np.ndarray:
    """(n + 4) u (max |true| + max |argument|) at each point, n the longest axis of an argument."""
    floats = [np.abs(x) for x in points if x.dtype.kind == "f"]
    longest = max((size for x in points for size in (1, *x.shape[1:])), default=1)
    unit = (longest + COARSE_ROUNDINGS) * UNIT_ROUNDOFF[dtype]
    sizes = [x.reshape(len(x), -1).max(axis=1, initial=0.0) for x in (np.abs(true), *floats)]
    bound = unit * (sizes[0] + np.max([np.zeros_like(sizes[0]), *sizes[1:]], axis=0))
    return np.broadcast_to(bound.reshape(-1, *(1,) * (true.ndim - 1)), true.shape)


def _check_shapes(values: Sequence[np.ndarray], truth: Sequence[Bounded]) -> None:
    true = [t.value for t in truth]
    try:
        chex.assert_trees_all_equal_shapes(list(values), true)
    except AssertionError as error:
        shapes = [v.shape[1:] for v in values], [t.shape[1:] for t in true]
        raise UsageError(
            f"the claim gives arrays of shapes {shapes[0]}, the truth {shapes[1]}; "
            "return one array of the right shape for each"
        ) from error


def find(measured: Sequence[Measured], *, zeros: bool = False) -> Finding:
    """The verdict on a claim that was measured at one precision or several.

    "refuted": some entry is farther off than its bound, or not finite where the truth is; where the
    bound is a coarse one, farther than 1/√u of it.
    "undecided": not refuted, and at some precision more than 1 % of the entries are at no point ten
    times their bound; or the truth is not finite somewhere, or all of it zero; or an entry is
    farther off than a coarse bound.
    "holds": neither.

    Args:
      measured: of `measure`.
      zeros: the claim is that all entries are exactly zero; else zeros alone tell nothing.
    """
    margins = [max(float(_margins(x).max(initial=0.0)) for x in m.leaves) for m in measured]
    margin = max(margins)
    power = {m.dtype: _power(m) for m in measured}
    if any(off > _most(m) for off, m in zip(margins, measured, strict=True)):
        return Finding("refuted", margin, power, _worst(measured))
    why = _untold(measured, margin, zeros=zeros)
    return Finding("holds" if why is None else "undecided", margin, power, None, why)


def _most(measured: Measured) -> float:
    """The largest margin that does not refute a claim."""
    return 1.0 if measured.coarse is None else UNIT_ROUNDOFF[measured.dtype] ** -0.5


def _untold(measured: Sequence[Measured], margin: float, *, zeros: bool) -> str | None:
    """Why numbers that refute nothing tell nothing; None where they do tell."""
    if margin > 1:
        missing = ", ".join(sorted({m.coarse for m in measured if m.coarse}))
        return f"an entry is off by more than the coarse bound, and {missing} has no other"
    if not all(np.isfinite(leaf.true).all() for m in measured for leaf in m.leaves):
        return "the truth is not finite somewhere; narrow the domain"
    if not zeros and not all(any(leaf.true.any() for leaf in m.leaves) for m in measured):
        return "all that is claimed is zero at every point"
    blurred = [m.dtype for m in measured if not _is_tested(m)]
    if blurred:
        where = ", ".join(blurred)
        return f"roundings in {where} may be a tenth of an entry or more; give more samples"
    return None


def _margins(leaf: Leaf) -> np.ndarray:
    """Error over bound; 0 where truth or bound is not known, inf where the claim is not finite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.abs(leaf.claimed - leaf.true)
        margin = np.where((error == 0) | np.isnan(leaf.bound), 0.0, error / leaf.bound)
    margin = np.where(np.isfinite(leaf.claimed), margin, np.inf)
    return np.where(np.isfinite(leaf.true), margin, 0.0)


def _blur(measured: Measured, leaf: Leaf) -> np.ndarray:
    """Each entry's bound relative to it, at its best point; for zeros, to what they are made of."""
    floats = [np.abs(x).reshape(len(x), -1).max(axis=1, initial=0.0) for x in measured.points
              if x.dtype.kind == "f"]  # fmt: skip
    size = np.max([*floats, np.zeros(len(leaf.true))], axis=0)
    whole = np.abs(leaf.true).reshape(len(leaf.true), -1).max(axis=1, initial=0.0)
    reference = np.where(whole > 0, whole, np.where(size > 0, size, 1.0))
    reference = reference.reshape(-1, *(1,) * (leaf.true.ndim - 1))
    ever = (leaf.true != 0).any(axis=0)
    relative = np.where(leaf.true != 0, np.abs(leaf.true), np.where(ever, 0.0, reference))
    with np.errstate(divide="ignore", invalid="ignore"):
        blur = np.where(leaf.bound == 0, 0.0, leaf.bound / relative)
    blur = np.where(np.isnan(blur) | ((leaf.true == 0) & ever), np.inf, blur)
    return np.asarray(np.min(blur, axis=0))


def _power(measured: Measured) -> float:
    return max(float(_blur(measured, leaf).max(initial=0.0)) for leaf in measured.leaves)


def _is_tested(measured: Measured) -> bool:
    untested = [_blur(measured, leaf) > TESTED for leaf in measured.leaves]
    return all(u.mean() <= UNTESTED_SHARE for u in untested if u.size)


def _worst(measured: Sequence[Measured]) -> dict[str, Any]:
    worst: tuple[float, dict[str, Any]] = (-1.0, {})
    for m in measured:
        for number, leaf in enumerate(m.leaves):
            margins = _margins(leaf)
            place = np.unravel_index(int(np.argmax(margins)), margins.shape)
            if margins[place] > worst[0]:
                worst = (
                    float(margins[place]),
                    {
                        "output": number,
                        "entry": tuple(int(i) for i in place[1:]),
                        "dtype": m.dtype,
                        "claimed": float(leaf.claimed[place]),
                        "true": float(leaf.true[place]),
                    },
                )
    return worst[1]
