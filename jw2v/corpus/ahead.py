"""Results in their order, made by threads ahead of the one who asks for them."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def in_order(
    make: Callable[[A], B], items: Iterable[A], *, threads: int
) -> Generator[B, None, None]:
    """`map`, with as many results in the making as there are threads; without any, none is.

    >>> list(in_order(abs, [-1, 2, -3], threads=2))
    [1, 2, 3]
    """
    if threads == 0:
        yield from map(make, items)
        return
    pool = ThreadPoolExecutor(threads)
    ahead: deque[Future[B]] = deque()
    try:
        for item in items:
            ahead.append(pool.submit(make, item))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        # Not waited for: one who gives up leaves this to the garbage collector, which may come
        # while another thread's start or end holds a lock that waiting takes.
        pool.shutdown(wait=False, cancel_futures=True)
