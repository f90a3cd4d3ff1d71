"""The mistakes are mistakes, and the right gradients beside them are right."""

from collections import Counter
from functools import cache
from typing import get_args

import jax
import numpy as np
import pytest
from judge.mistakes import CASES, CORRECT, MISTAKES, Cause
from judge.mistakes_shootout import SHOOTOUT

pytestmark = pytest.mark.usefixtures("x64")
EVERY = (*MISTAKES, *SHOOTOUT)
POINTS = 12
ROWS = 5  # every table that ids index has as many, or more


@cache
def points(shapes, domain, count):
    """Generic points of the domain: normal floats, and ids that coincide or do not as they fall."""
    rng, found = np.random.default_rng(0), []
    while len(found) < count:
        args = tuple(
            rng.integers(ROWS, size=shape) if kind == "i" else rng.normal(size=shape)
            for shape, kind in shapes
        )
        if domain is None or domain(*args):
            found.append(args)
    return found


def points_of(claim, domain=None, count=POINTS):
    return points(shapes_of(claim), domain, count)


def leaves(gradient):
    return gradient if isinstance(gradient, tuple) else (gradient,)


def shapes_of(claim):
    return tuple((arg.shape, arg.dtype.kind) for arg in claim.args)


@cache
def gradients_of(loss, shapes):
    """All that is claimed to be a gradient of this loss, and all that are, compiled at once."""
    claims = {m.id: m.claimed for m in EVERY if m.loss is loss and shapes_of(m) == shapes}
    floats = tuple(i for i, (_, kind) in enumerate(shapes) if kind == "f")

    @jax.jit
    def both(*args):
        true = dict(zip(floats, jax.grad(loss, floats)(*args), strict=True))
        return {name: leaves(claimed(*args)) for name, claimed in claims.items()}, true

    return both


def claimed_and_true(claim, args):
    claimed, true = gradients_of(claim.loss, shapes_of(claim))(*args)
    return claimed.get(getattr(claim, "id", None)), tuple(true[i] for i in leaves(claim.wrt))


def distance(claimed, true):
    """The largest relative error of the entries, infinite where the shapes differ."""
    if [leaf.shape for leaf in claimed] != [leaf.shape for leaf in true]:
        return np.inf
    return max(
        float(np.max(np.abs(a - b)) / np.max(np.abs(b), initial=1e-300))
        for a, b in zip(claimed, true, strict=True)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_right_gradient_is_right(case):
    right = jax.jit(case.right)
    for args in points_of(case, count=30):
        _, true = claimed_and_true(case, args)
        assert distance(leaves(right(*args)), true) < 1e-11


@pytest.mark.parametrize("mistake", EVERY, ids=lambda mistake: mistake.id)
def test_a_mistake_is_wrong(mistake):
    samples = [claimed_and_true(mistake, args) for args in points_of(mistake, mistake.domain)]
    assert max(distance(claimed, true) for claimed, true in samples) > 1e-6
    if mistake.scale is not None:
        argument, axis, power = mistake.scale
        factor = float(mistake.args[argument].shape[axis]) ** power
        for claimed, true in samples:
            assert distance(claimed, [factor * leaf for leaf in true]) < 1e-11


ONLY_AT_IDS_THAT_COINCIDE = [m for m in EVERY if m.cause == "o among the negatives"]


@pytest.mark.parametrize("mistake", ONLY_AT_IDS_THAT_COINCIDE, ids=lambda mistake: mistake.id)
def test_o_among_the_negatives_is_all_that_is_wrong(mistake):
    """Where it is not, what is claimed is right."""

    def apart(*args):
        *_, o, neg = args
        return not np.any(np.asarray(neg) == np.asarray(o)[..., None])

    for args in points_of(mistake, apart, count=4):
        assert distance(*claimed_and_true(mistake, args)) < 1e-11


def test_there_are_a_hundred_half_of_them_human_and_fifty_more():
    assert Counter(mistake.human for mistake in MISTAKES) == {True: 50, False: 50}
    assert [mistake.human for mistake in SHOOTOUT] == [True] * 50
    assert len({mistake.id for mistake in EVERY}) == 150
    assert len(CORRECT) == len(CASES)


def test_every_cause_is_there_six_times():
    count = Counter(mistake.cause for mistake in MISTAKES)
    assert set(count) == set(get_args(Cause))
    assert min(count.values()) >= 6
    assert all(mistake.cause not in mistake.also for mistake in EVERY)
