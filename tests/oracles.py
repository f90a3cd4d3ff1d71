"""Independent oracles: loops over Python numbers with `math.log` and `math.exp`, no JAX.

Each loop takes `m`, `math` or `cmath`. With `cmath` it is the analytic twin of the loss, and a
complex step gives its gradient to the last digit: Im J(x + ih) / h, which subtracts nothing.
"""

import cmath
import math
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from jw2v.blocks.windows import Block

STEP = 1e-30


def dot(a: Any, b: Any) -> Any:
    return sum(x * y for x, y in zip(a, b, strict=True))


def sigmoid(x: Any, m: ModuleType = math) -> Any:
    return 1 / (1 + m.exp(-x))


def naive_softmax(v_c: Any, o: Any, U: Any, m: ModuleType = math) -> Any:
    return -m.log(m.exp(dot(U[int(o)], v_c)) / sum(m.exp(dot(u, v_c)) for u in U))


def negative_sampling(
    v_c: Any, u_o: Any, u_neg: Any, m: ModuleType = math, *, neg_weight: float = 1.0
) -> Any:
    negative = sum(m.log(sigmoid(-dot(u, v_c), m)) for u in u_neg)
    return -m.log(sigmoid(dot(u_o, v_c), m)) - neg_weight * negative


def hierarchical_softmax(v_c: Any, sides: Any, u_way: Any, m: ModuleType = math) -> Any:
    """−log of the product of the probabilities of each turn; a side of 0 is none."""
    probability = 1.0
    for side, u in zip(sides, u_way, strict=True):
        if side:
            left = sigmoid(dot(u, v_c), m)
            probability = probability * (left if side == 1 else 1 - left)
    return -m.log(probability)


def skipgram(
    v_c: Any,
    outside: Any,
    rest: Any,
    weight: Any,
    m: ModuleType = math,
    *,
    pair: Callable[..., Any] = negative_sampling,
) -> Any:
    return sum(w * pair(v_c, o, rest, m) for w, o in zip(weight, outside, strict=True))


def reverse(v_ctx: Any, u_o: Any, u_neg: Any, weight: Any, m: ModuleType = math) -> Any:
    """Each word around against the centre."""
    pairs = zip(weight, v_ctx, strict=True)
    return sum(w * negative_sampling(v, u_o, u_neg, m) for w, v in pairs)


def complex_step(
    loop: Callable[..., Any], args: Sequence[Any], wrt: Sequence[int]
) -> tuple[np.ndarray, ...]:
    """The gradients of `loop(*args, m)` with respect to the arguments at `wrt`."""
    return tuple(_complex_step(loop, list(args), i) for i in wrt)


def _complex_step(loop: Callable[..., Any], args: list[Any], i: int) -> np.ndarray:
    x = np.asarray(args[i], np.float64)
    gradient = np.empty_like(x)
    for at in np.ndindex(x.shape):
        moved = x.astype(np.complex128)
        moved[at] += 1j * STEP
        args[i] = moved if x.ndim else moved[()]
        gradient[at] = loop(*args, cmath).imag / STEP
    return gradient


def pair_weight(distance: int, *, window: int, weights: str) -> float:
    return (window - distance + 1) / window if weights == "linear" else 1.0


def window_pairs(block: Block, *, weights: str) -> Iterator[tuple[int, int, float]]:
    """(centre r, position in the halo, ω) of every pair of a block, by a loop over positions."""
    sentence, width = np.asarray(block.sentence), np.asarray(block.width)
    for r in range(len(width)):
        centre = r + block.window
        for position in range(len(sentence)):
            distance = abs(position - centre)
            is_word = sentence[centre] != -1
            same = sentence[position] == sentence[centre]
            if is_word and same and 0 < distance <= width[r]:
                yield r, position, pair_weight(distance, window=block.window, weights=weights)


def block_negative_sampling(
    V: Any, U: Any, m: ModuleType = math, *, block: Block, weights: str, negatives: int
) -> Any:
    """The summed loss of a block's pairs, each with the negatives of its centre's group."""
    words, neg_ids = np.asarray(block.ids), np.asarray(block.neg_ids)
    groups, shared = neg_ids.shape
    per_group = len(block.width) // groups
    return sum(
        weight
        * negative_sampling(
            V[words[r + block.window]],
            U[words[position]],
            U[neg_ids[r // per_group]],
            m,
            neg_weight=negatives / shared,
        )
        for r, position, weight in window_pairs(block, weights=weights)
    )


def block_naive_softmax(V: Any, U: Any, m: ModuleType = math, *, block: Block, weights: str) -> Any:
    words = np.asarray(block.ids)
    return sum(
        weight * naive_softmax(V[words[r + block.window]], words[position], U, m)
        for r, position, weight in window_pairs(block, weights=weights)
    )


Told = Callable[[Any, Any, int, Block, ModuleType], Any]
"""(vector, U, r, block, m) to the loss of telling the block's centre r by the vector."""


def by_negatives(negatives: int) -> Told:
    def told(h: Any, U: Any, r: int, block: Block, m: ModuleType) -> Any:
        words, neg_ids = np.asarray(block.ids), np.asarray(block.neg_ids)
        groups, shared = neg_ids.shape
        target, drawn = U[words[r + block.window]], U[neg_ids[r * groups // len(block.width)]]
        return negative_sampling(h, target, drawn, m, neg_weight=negatives / shared)

    return told


def by_softmax(h: Any, U: Any, r: int, block: Block, m: ModuleType) -> Any:
    return naive_softmax(h, np.asarray(block.ids)[r + block.window], U, m)


def by_tree(h: Any, U: Any, r: int, block: Block, m: ModuleType) -> Any:
    assert block.paths is not None
    nodes, sides = (np.asarray(x)[r] for x in block.paths)
    return hierarchical_softmax(h, sides, U[nodes], m)


def block_reverse(
    V: Any, U: Any, m: ModuleType = math, *, block: Block, weights: str, told: Told
) -> Any:
    """The summed loss of a block's pairs, each centre told by one word around it."""
    words = np.asarray(block.ids)
    return sum(
        weight * told(V[words[position]], U, r, block, m)
        for r, position, weight in window_pairs(block, weights=weights)
    )


def block_cbow(
    V: Any,
    U: Any,
    m: ModuleType = math,
    *,
    block: Block,
    weights: str,
    told: Told,
    mean: bool,
) -> Any:
    """The summed loss of a block's windows: the words around, averaged or summed, and a centre."""
    words = np.asarray(block.ids)
    around: dict[int, list[tuple[int, float]]] = {}
    for r, position, weight in window_pairs(block, weights=weights):
        around.setdefault(r, []).append((words[position], weight))
    total = 0.0
    for r, found in around.items():
        h = sum(weight * V[word] for word, weight in found)
        h = h / sum(weight for _, weight in found) if mean else h
        total = total + told(h, U, r, block, m)
    return total
