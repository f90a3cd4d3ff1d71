"""Results made ahead: in order, as many as asked, and given up without waiting."""

import threading

import pytest

from jw2v.corpus.ahead import in_order


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_results_are_in_the_order_of_the_items(threads):
    assert list(in_order(lambda x: x * x, range(20), threads=threads)) == [x * x for x in range(20)]


@pytest.mark.parametrize(("threads", "made"), [(0, 1), (1, 2), (3, 4)])
def test_as_many_are_in_the_making_as_there_are_threads(threads, made):
    asked = []
    results = in_order(abs, (asked.append(x) or x for x in range(20)), threads=threads)
    assert next(results) == 0
    assert asked == list(range(made))


def test_a_fault_is_raised_where_its_result_would_be():
    results = in_order(lambda x: 6 // x, [3, 0, 2], threads=2)
    assert next(results) == 2
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_one_who_gives_up_does_not_wait():
    """Else the garbage collector would, in the middle of a thread's start, for what may hold it."""
    go = threading.Event()

    def make(x: int) -> int:
        assert x == 0 or go.wait(60)
        return x

    results = in_order(make, range(5), threads=2)
    assert next(results) == 0
    results.close()
    assert not go.is_set()
    go.set()
