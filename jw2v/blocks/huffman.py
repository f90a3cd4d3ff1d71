"""The Huffman tree of a vocabulary: the shortest ways to its words, on average over the text.

The two rarest nodes become the children of a new one, which counts what both do, until one is left,
the root. Inner nodes are numbered by falling count, the root first, so that the numbers on a way
rise; a vocabulary of n words has n − 1 of them.

Source: Huffman 1952; Mikolov et al. 2013, arXiv 1310.4546, section 2.1.
"""

import heapq
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

LEFT, RIGHT, OVER = 1, -1, 0


class Tree(NamedTuple):
    """The way to each word, from the root on.

    Attributes:
      nodes: the inner nodes on it; 0 where it is over.
      sides: `LEFT` or `RIGHT`, the child that is taken at each; `OVER` where it is over.
    """

    nodes: Int[np.ndarray, "vocab depth"]
    sides: Int[np.ndarray, "vocab depth"]

    @property
    def depths(self) -> Int[np.ndarray, " vocab"]:
        """How many inner nodes are on the way to each word."""
        return np.count_nonzero(self.sides, axis=1)

    def met(self, text: Float[np.ndarray, " vocab"]) -> Float[np.ndarray, " vocab"]:
        """How often each inner node is met, for how often each word is; a last 0 for no node."""
        on_way = self.sides != OVER
        weight = np.broadcast_to(text[:, None], self.sides.shape)[on_way]
        return np.bincount(self.nodes[on_way], weights=weight, minlength=len(text))


def huffman(counts: Int[np.ndarray, " vocab"]) -> Tree:
    """The tree of words that occur so often, at least two.

    >>> tree = huffman(np.array([5, 2, 1]))
    >>> tree.nodes.tolist(), tree.sides.tolist()
    ([[0, 0], [0, 1], [0, 1]], [[-1, 0], [1, -1], [1, 1]])
    """
    parent, side = _joined(counts)
    words = len(counts)
    node, ways = np.arange(words), []
    while (parent[node] >= 0).any():
        over = parent[node] < 0
        up = np.where(over, node, parent[node])
        ways.append((up, np.where(over, OVER, side[node])))
        node = up
    nodes, sides = (np.stack(x[::-1], axis=1) for x in zip(*ways, strict=True))
    # A short way stands at the end of its row, behind places where the root has no parent.
    order = np.argsort(sides == OVER, axis=1, kind="stable")
    nodes, sides = (np.take_along_axis(x, order, axis=1) for x in (nodes, sides))
    numbers = np.where(sides == OVER, 0, 2 * words - 2 - nodes)
    return Tree(numbers.astype(np.int32), sides.astype(np.int8))


def _joined(counts: Int[np.ndarray, " vocab"]) -> tuple[np.ndarray, np.ndarray]:
    """Parent of each node, -1 of the root, and the side it is on; words first, then as joined."""
    words = len(counts)
    parent, side = np.full(2 * words - 1, -1), np.zeros(2 * words - 1, np.int64)
    heap = list(zip(counts.tolist(), range(words), strict=True))
    heapq.heapify(heap)
    for made in range(words, 2 * words - 1):
        (count, rare), (other, less_rare) = heapq.heappop(heap), heap[0]
        heapq.heapreplace(heap, (count + other, made))
        parent[rare] = parent[less_rare] = made
        side[rare], side[less_rare] = LEFT, RIGHT
    return parent, side
