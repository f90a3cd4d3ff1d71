"""The one `vmap` over windows: from one window to many, by hand and by autodiff alike."""

from collections.abc import Callable
from typing import Any

import jax


def over_windows(fn: Callable[..., Any], *, shared: tuple[int, ...] = (), args: int = 4) -> Any:
    """Batch a function of one window over the leading axis of its arguments.

    Args:
      fn: a function of one window, such as `skipgram.loss_and_grads`.
      shared: positions of arguments that all windows share (the table U of naive softmax).
      args: number of positional arguments.

    Returns:
      The same function with a leading `window` axis on every argument that is not shared.

    >>> import jax.numpy as jnp
    >>> from jw2v.losses import skipgram
    >>> losses = over_windows(skipgram.loss)(
    ...     jnp.ones((7, 2)), jnp.zeros((7, 4, 2)), jnp.zeros((7, 5, 2)), jnp.ones((7, 4)))
    >>> losses.shape
    (7,)
    """
    return jax.vmap(fn, in_axes=tuple(None if i in shared else 0 for i in range(args)))
