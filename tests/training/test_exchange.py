"""What processes add up: threads take their place here, the file between them is the real one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from jw2v.errors import DataError
from jw2v.training.exchange import ALONE, SLOT, SLOTS, Exchange, SharedMemory


def exchanges(path: Path, size: int) -> list[SharedMemory]:
    SharedMemory.create(path, size)
    return [SharedMemory(path, rank, size) for rank in range(size)]


def together(members: list[SharedMemory], work) -> list:
    """`work(member)` of all of them side by side."""
    with ThreadPoolExecutor(len(members)) as pool:
        return list(pool.map(work, members))


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("rows", [1, 1000, SLOT // 4 + 3, SLOT])
def test_a_merge_adds_every_delta_in_order(tmp_path, size, rows):
    """Two arrays of different dtypes, of which one may be larger than a slot; three times."""
    rng = np.random.default_rng(rows)
    start = rng.normal(size=rows).astype(np.float32), rng.normal(size=3)
    mine = [
        [(rng.normal(size=rows).astype(np.float32), rng.normal(size=3)) for _ in range(size)]
        for _ in range(3)
    ]

    weights = rng.random(rows, np.float32), 1.0

    def work(member: SharedMemory) -> list[np.ndarray]:
        base = [x.copy() for x in start]
        for turn in mine:
            member.merge(base, turn[member.rank], weights)
        return base

    expected = [x.copy() for x in start]
    for turn in mine:
        deltas = [
            [w * (x - b) for x, b, w in zip(arrays, expected, weights, strict=True)]
            for arrays in turn
        ]
        for delta in deltas:
            for b, d in zip(expected, delta, strict=True):
                b += d
    for merged in together(exchanges(tmp_path / "x", size), work):
        for got, true in zip(merged, expected, strict=True):
            np.testing.assert_array_equal(got, true)
    if rows == SLOT:
        assert len(mine) * start[0].nbytes > SLOTS * SLOT  # each slot was written again


def test_rows_have_a_weight_each(tmp_path):
    rows = SLOT // 400 + 7  # more than a slot holds
    weights = np.linspace(0, 1, rows, dtype=np.float32)

    def work(member: SharedMemory) -> np.ndarray:
        base = np.ones((rows, 100), np.float32)
        member.merge([base], [base + 2], [weights])
        return base

    for merged in together(exchanges(tmp_path / "x", 2), work):
        expected = np.broadcast_to(1 + 4 * weights[:, None], merged.shape)
        np.testing.assert_allclose(merged, expected, rtol=3e-7)


@pytest.mark.parametrize("weights", [[1, 2, 1], [1, 0.5, 1], [1, 1, 1]])
def test_only_weights_of_1_leave_rows_as_they_are(tmp_path, weights):
    def work(member: SharedMemory) -> np.ndarray:
        base = np.zeros((3, 2), np.float32)
        member.merge([base], [base + 1], [np.array(weights, np.float32)])
        return base[:, 0]

    for merged in together(exchanges(tmp_path / "x", 2), work):
        np.testing.assert_array_equal(merged, 2 * np.array(weights))


def test_one_process_keeps_what_it_has():
    base = [np.zeros(3)]
    ALONE.merge(base, [np.arange(3.0)], [1.0])
    np.testing.assert_array_equal(base[0], np.arange(3.0))
    assert isinstance(ALONE, Exchange)


def test_whoever_waits_for_a_process_that_is_gone_is_told(tmp_path):
    SharedMemory.create(tmp_path / "x", 2)
    member = SharedMemory(tmp_path / "x", 0, 2, alive=lambda: False)
    with pytest.raises(DataError, match="another process of the run is gone"):
        member.merge([np.zeros(1)], [np.ones(1)], [1.0])


def test_a_file_that_cannot_be_made_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*nowhere.*; free space there"):
        SharedMemory.create(tmp_path / "nowhere" / "x", 2)


def test_flags_are_seen_by_all(tmp_path):
    first, second = exchanges(tmp_path / "x", 2)
    first.flags[1] = 1
    assert second.flags[1] == 1
    assert second.flags[0] == 0
