"""The tree of hierarchical softmax by gensim's names: `code` and `point` of words, rows of `syn1`.

gensim numbers the inner nodes as they are made, so that of n words the root is n − 2; here they
count from the root on (`jw2v.blocks.huffman`). The last of n rows is no node's in either. Where
counts are equal, gensim's tree may be another one, as short on average.
"""

import numpy as np
from jaxtyping import Int

from jw2v.blocks.huffman import OVER, Tree, huffman
from jw2v.compat.gensim.store import Store

WAYS = ("code", "point")  # attributes of words that their counts decide


def counts_of(words: Store) -> Int[np.ndarray, " vocab"]:
    """How often each word was met; at least once."""
    return np.maximum(words.expandos["count"], 1)


def tree_of(words: Store) -> Tree:
    """The way to each word; to a single one there is none to take."""
    if len(words) < 2:
        return Tree(np.zeros((len(words), 0), np.int32), np.zeros((len(words), 0), np.int8))
    return huffman(counts_of(words))


def places(words: int) -> Int[np.ndarray, " vocab"]:
    """The row of `syn1` of each node, and the other way round.

    >>> places(4)
    array([2, 1, 0, 3])
    """
    return np.append(np.arange(words - 1)[::-1], words - 1)


def set_ways(words: Store) -> None:
    """Set `point`, the nodes on the way to each word, and `code`: 0 is a left child, 1 a right one.

    >>> words = Store(1)
    >>> words.add_vectors(["a", "b", "c"], np.ones((3, 1)), {"count": np.array([5, 2, 1])})
    >>> set_ways(words)
    >>> words.get_vecattr("b", "code"), words.get_vecattr("b", "point")
    (array([0, 1], dtype=uint8), array([1, 0], dtype=uint32))
    """
    tree = tree_of(words)
    on_way, ends = tree.sides != OVER, np.cumsum(tree.depths)
    code = ((1 - tree.sides[on_way]) // 2).astype(np.uint8)
    point = (len(words) - 2 - tree.nodes[on_way]).astype(np.uint32)
    for name, values in zip(WAYS, (code, point), strict=True):
        ways = np.split(values, ends)[:-1]
        words.expandos[name] = np.fromiter(ways, object, len(ways))
