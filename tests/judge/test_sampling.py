"""The points: generic floats, ids that repeat and coincide, the domain respected."""

import jax.numpy as jnp
import numpy as np
import pytest

from jw2v.errors import UsageError
from jw2v.judge.sampling import border_points, points

EXAMPLE = (np.ones((3, 2)), np.array(5, np.int32), np.array([0, 1, 2, 5], np.int16))


def drawn(samples=60, **options):
    return list(points(EXAMPLE, samples=samples, **{"seed": 0, **options}))


def test_shapes_and_dtypes_are_the_examples():
    for point in drawn(8):
        assert [x.shape for x in point] == [(3, 2), (), (4,)]
        assert [x.dtype for x in point] == [np.float64, np.int32, np.int16]


def test_floats_are_generic_and_of_both_signs():
    values = np.concatenate([point[0].ravel() for point in drawn()])
    assert len(np.unique(values)) == len(values)
    assert abs(values.mean()) < 0.2
    assert values.std() == pytest.approx(1, abs=0.1)


def test_every_second_point_keeps_the_examples_ids():
    for point in drawn()[::2]:
        for x, example in zip(point[1:], EXAMPLE[1:], strict=True):
            np.testing.assert_array_equal(x, example)


def test_the_other_points_have_ids_that_repeat_and_coincide():
    others = [(int(o), ids.tolist()) for _, o, ids in drawn()[1::2]]
    assert sum(len(set(ids)) < len(ids) for _, ids in others) > 5
    assert sum(o in ids for o, ids in others) > 5
    assert {i for o, ids in others for i in (o, *ids)} == set(range(6))


def test_ids_repeat_and_coincide_however_many_words_there_are():
    example = (np.array(49_999), np.array([3, 49_999, 7]))
    others = [(int(o), ids.tolist()) for o, ids in points(example, samples=40, seed=0)][1::2]
    assert all({o, *ids} == {o} for o, ids in others[::2])
    assert sum(len(set(ids)) == 2 for _, ids in others) > 1
    assert sum(len(set(ids)) == 3 for _, ids in others) > 1
    assert max(i for o, ids in others for i in (o, *ids)) > 10_000


def test_one_id_throughout_only_where_the_domain_has_it():
    for _, _, ids in drawn(domain=lambda x, o, ids: len(set(ids.tolist())) == 4):
        assert len(set(ids.tolist())) == 4


def test_the_seed_decides():
    for one, two in zip(drawn(4), drawn(4), strict=True):
        np.testing.assert_array_equal(one[0], two[0])
    assert not np.array_equal(drawn(1)[0][0], drawn(1, seed=1)[0][0])


def test_points_are_of_the_domain():
    inside = drawn(20, domain=lambda x, o, ids: int(o) in ids and x[0, 0] > 0)
    assert len(inside) == 20
    assert all(int(o) in ids and x[0, 0] > 0 for x, o, ids in inside)


def test_a_domain_that_is_never_met():
    with pytest.raises(UsageError, match="no point of the domain in 1000 draws; give a wider"):
        drawn(1, domain=lambda x, o, ids: False)


def test_plain_numbers_empty_ids_and_bfloat16():
    example = (1.0, np.array([], np.int32), jnp.ones(2, jnp.bfloat16))
    for number, empty, half in points(example, samples=4, seed=0):
        assert number.shape == ()
        assert number != 1.0
        assert empty.shape == (0,)
        assert not np.array_equal(half, np.ones(2))


def test_words_at_the_border_beside_no_ids_and_no_number():
    example = np.array(np.nan), np.array([], np.int32), np.array(1)
    drawn = list(border_points(example, seed=0))
    assert [(empty.shape, int(o)) for _, empty, o in drawn] == [((0,), 0), ((0,), 1)]
    assert np.isfinite([x for x, _, _ in drawn]).all()
