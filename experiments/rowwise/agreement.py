"""Does a rowwise step of optax give the table that torch's step on a sparse gradient gives?"""

from typing import Any

import jax
import numpy as np
from row_steps import OPTIMIZERS, draw, optax_side

from jw2v.optim import rowwise


def agreement(
    *, optimizer: str, vocab: int, rows: int, dim: int, steps: int, torch: str
) -> dict[str, Any]:
    """How far tables are apart, each in units of its own eps times the largest entry."""
    from torch_steps import torch_side

    narrow = draw(vocab, vocab, steps=steps, rows=rows, dim=dim)
    wide = narrow._replace(
        rows=narrow.rows.astype(np.float64), table=narrow.table.astype(np.float64)
    )
    tx = rowwise(OPTIMIZERS[optimizer])
    ours = np.asarray(optax_side(tx, narrow).call())
    with jax.enable_x64(True):
        ours_corrected = np.asarray(optax_side(tx, narrow).call())  # Adam's bias in float64
        ours_wide = np.asarray(optax_side(tx, wide).call())
    theirs, theirs_wide = (torch_side(optimizer, draws).call() for draws in (narrow, wide))
    return {
        "float32": apart(ours, theirs),
        "x64": apart(ours_corrected, theirs),
        "float64": apart(ours_wide, theirs_wide),
        "rowwise": apart(ours, ours_wide),
        "torch's": apart(theirs, theirs_wide),
    }


def apart(found: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, in units of eps of the first times the largest entry."""
    unit = np.finfo(found.dtype).eps * np.abs(other).max()
    return float(np.abs(found - other).max() / unit)
