"""Counterexamples are small, right, and within what was claimed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from judge.mistakes import MISTAKES

from jw2v.judge.diagnosis.counterexample import _shorter, smallest
from jw2v.judge.diagnosis.diagnose import trial_of
from jw2v.judge.diagnosis.resizing import resized

FEW = MISTAKES[4::18]
pytestmark = pytest.mark.usefixtures("x64")


def example(claimed, true, args, **options):
    found = smallest(trial_of(claimed, true, args, **options))
    assert found is not None
    return found


def leaves(x):
    return x if isinstance(x, tuple) else (x,)


@pytest.mark.parametrize("mistake", FEW, ids=lambda mistake: mistake.id)
def test_the_numbers_are_what_the_functions_give(mistake):
    true = jax.grad(mistake.loss, mistake.wrt)
    args = tuple(map(np.asarray, mistake.args))
    found = example(
        mistake.claimed, true, args, loss=mistake.loss, wrt=mistake.wrt, domain=mistake.domain
    )
    given = [
        np.asarray(x, np.asarray(like).dtype)
        for x, like in zip(found["args"].values(), args, strict=True)
    ]
    assert mistake.domain is None or mistake.domain(*given)
    place = leaves(mistake.wrt).index(found["argument"])
    entry = found.get("entry", ())
    for side, fn in (("claimed", mistake.claimed), ("true", true)):
        at = np.asarray(leaves(fn(*given))[place])
        np.testing.assert_allclose(at[entry], found[side], rtol=1e-9, atol=1e-12)
    off = np.max(np.abs(np.subtract(found["claimed"], found["true"])))
    assert off > 1e-2 * np.max(np.abs([found["claimed"], found["true"]]))


def test_one_number_is_enough_where_one_shows_it():
    found = example(lambda x, y: x * y, lambda x, y: 2 * x * y, (np.ones(7), np.ones(7)))
    assert found == {
        "args": {"x": [1.0], "y": [1.0]}, "entry": (0,), "claimed": 1.0, "true": 2.0
    }  # fmt: skip


def test_a_mean_needs_two():
    found = example(lambda x: jnp.mean(x), lambda x: jnp.sum(x), (np.ones(7),))
    assert found["args"] == {"x": [1.0, 1.0]}


def test_values_that_differ_where_equal_ones_hide_it():
    found = example(lambda x, y: x, lambda x, y: y, (np.ones(7), np.ones(7)))
    values = found["args"]["x"] + found["args"]["y"]
    assert sorted(values) == [1.0, 2.0]


def test_ids_coincide_only_where_that_shows_it():
    def loss(E, ids):
        return jnp.sum(jnp.tanh(E[ids]))

    def rows(E, ids):
        return 1 - jnp.tanh(E[ids]) ** 2

    args = (np.ones((7, 5)), np.array([0, 3, 6]))
    overwritten = example(
        lambda E, i: jnp.zeros_like(E).at[i].set(rows(E, i)),
        jax.grad(loss), args, loss=loss, wrt=0,
    )  # fmt: skip
    assert overwritten["args"]["ids"] == [0, 0]
    negated = example(
        lambda E, i: jnp.zeros_like(E).at[i].add(-rows(E, i)),
        jax.grad(loss), args, loss=loss, wrt=0,
    )  # fmt: skip
    assert negated["args"] == {"E": [[1.0]], "ids": [0]}


def test_ids_stay_within_the_table():
    """An id that is out of range would read NaN, or another row."""

    def loss(E, a, b):
        return jnp.sum(E[a][None, :] * E[b])

    def claimed(E, a, b):
        return jnp.zeros_like(E).at[a].add(E[a]).at[b].add(E[b])

    args = (np.ones((7, 3)), np.array(6), np.array([5]))
    found = example(claimed, jax.grad(loss), args, loss=loss, wrt=0)
    rows = len(found["args"]["E"])
    assert rows == 2
    assert {found["args"]["a"], *found["args"]["b"]} == {0, 1}


def test_ids_move_only_where_the_axis_that_they_index_is_shorter():
    """Another axis may be long enough for them, too, and become short."""
    _, _, ids = resized((np.ones(7), np.ones(4), np.array([0, 2])), {4: 1}, {2: 7})
    assert ids.tolist() == [0, 2]


def test_a_table_has_as_many_rows_as_the_domain_asks_for():
    def claimed(E, ids):
        return -jnp.sum(jnp.tanh(E[ids]))

    found = example(
        claimed, lambda E, ids: -claimed(E, ids), (np.ones((7, 5)), np.array([0, 3, 6])),
        domain=lambda E, ids: len({0, *map(int, ids)}) == 1 + len(ids),
    )  # fmt: skip
    assert found["args"] == {"E": [[1.0], [1.0]], "ids": [1]}


def test_ids_that_are_compared_and_not_looked_up_need_room_too():
    """Only the last word has a wrong entry, and only where it is neither of two others."""

    def true(z, a, b):
        return jnp.exp(z)

    def claimed(z, a, b):
        last = z.shape[0] - 1
        return jnp.where(
            (jnp.arange(z.shape[0]) == last) & (a != last) & (b != last), 0, true(z, a, b)
        )

    found = example(
        claimed, true, (np.ones(7), np.array(6), np.array(5)), domain=lambda z, a, b: a != b
    )
    assert len(found["args"]["z"]) == 3
    assert {found["args"]["a"], found["args"]["b"]} == {0, 1}


def test_a_mask_stays_one():
    def claimed(x, on):
        assert on.dtype == bool
        return jnp.where(on, 2 * x, 0.0)

    args = (np.ones(4), np.array([True, False, True, True]))
    found = example(claimed, lambda x, on: claimed(x, on) / 2, args)
    assert found["args"] == {"x": [1.0], "on": [True]}
    assert isinstance(found["args"]["on"][0], bool)


def test_no_axis_is_made_longer():
    """A table of two words is not tried with three."""

    def claimed(E, ids):
        return -jnp.sum(E[ids])

    args = (np.ones((2, 3)), np.array([0, 1, 1, 0]))
    trial = trial_of(claimed, lambda E, ids: -claimed(E, ids), args)
    shapes = [[x.shape for x in shorter.args] for shorter in _shorter(trial)]
    assert shapes[0] == [(1, 1), (1,)]
    assert shapes[-1] == [(2, 3), (4,)]
    assert max(rows for (rows, _), _ in shapes) == 2


def test_a_true_value_of_zero_shows_little_and_comes_last():
    """At one word the softmax is 1 and the true gradient 0."""

    def loss(z):
        return jax.nn.logsumexp(z) - z[0]

    found = example(lambda z: -jax.grad(loss)(z), jax.grad(loss), (np.ones(5),), loss=loss, wrt=0)
    assert len(found["args"]["z"]) == 2
    assert found["true"] != 0
    flat = example(lambda z: z, lambda z: 0 * z, (np.ones(5),))
    assert flat["true"] == 0


def test_other_shapes_are_shown_whole():
    found = example(lambda x, y: jnp.outer(y, x), jnp.outer, (np.ones(3), np.ones(5)))
    assert "entry" not in found
    assert {np.shape(found["claimed"]), np.shape(found["true"])} == {(1, 2), (2, 1)}


def test_the_domain_is_kept():
    found = example(
        lambda x: -jnp.exp(x), lambda x: jnp.exp(x), (np.ones(2),),
        domain=lambda x: bool(np.all(x < 0)),
    )  # fmt: skip
    assert found["args"] == {"x": [-1.0]}


def test_a_mistake_of_one_size_alone_is_shown_at_that_size():
    found = example(lambda x: x.at[123].add(1.0), lambda x: x, (np.ones(200),))
    assert found["entry"] == (123,)
    assert "args" not in found  # nobody checks two hundred numbers


def test_a_mistake_that_small_numbers_do_not_show_is_sampled():
    found = example(lambda x: jnp.where(jnp.abs(x) > 3.5, 0.0, x), lambda x: x, (np.ones(999),))
    assert found["claimed"] == 0
    assert abs(found["true"]) > 3.5


def test_a_mistake_that_nothing_shows_has_none():
    assert smallest(trial_of(lambda x: x, lambda x: x, (np.ones(3),))) is None
