"""What a dtype is taken to mean: the same arithmetic on every backend."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def precision(dtype: str | None) -> Iterator[None]:
    """Trace and run in a precision: float64 where asked for, and products as they are written.

    Accelerators round the operands of a float32 product to some 11 or 8 bits unless they are told
    not to. Here they are told; whoever wants shorter operands casts them.

    Args:
      dtype: the widest floating dtype, as "float64" or "float32"; None is float32.

    >>> with precision("float64"):
    ...     print(jax.numpy.ones(2).dtype)
    float64
    """
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        yield
