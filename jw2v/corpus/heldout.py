"""Which sentences are held out: a pure function of the seed and the sentence's number."""

import numpy as np
from jaxtyping import Bool, Int

from jw2v.errors import UsageError

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def is_heldout(
    lines: Int[np.ndarray, " sentences"], *, seed: int, every: int
) -> Bool[np.ndarray, " sentences"]:
    """Whether each sentence is held out: about one in `every`, by a hash of (seed, line).

    Line n is held out when output n of the generator SplitMix64, started at the mixed seed, is 0
    modulo `every`; so the split needs no state, and no text decides it.

    Args:
      lines: numbers of the sentences over the whole source, from 0, `[sentences]`.
      seed: 0 to 2⁶⁴ - 1.
      every: 0 holds nothing out; otherwise at least 2.

    Returns:
      True where the sentence is held out, `[sentences]`.

    Raises:
      UsageError: `seed` or `every` is out of range.

    Example:
      >>> is_heldout(np.arange(10_000), seed=1, every=100).mean().round(3)
      np.float64(0.01)

    References:
      Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
    """
    if not 0 <= seed < 1 << 64:
        raise UsageError(f"seed is {seed}; give 0 or more, below 2**64 (--seed)")
    if every < 0 or every == 1:
        raise UsageError(f"heldout_every is {every}; give 0 or at least 2 (--heldout-every)")
    if every == 0:
        return np.zeros(len(lines), bool)
    start = _mix(np.array([seed], np.uint64))
    return _mix(start + (lines.astype(np.uint64) + np.uint64(1)) * _GAMMA) % np.uint64(every) == 0


def _mix(z: np.ndarray) -> np.ndarray:
    for shift, factor in _MIX:
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    return z ^ (z >> np.uint64(31))
