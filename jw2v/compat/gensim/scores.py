"""gensim's `score`: the log probability of sentences by hierarchical softmax."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from jw2v.blocks.huffman import Tree
from jw2v.compat.gensim.state import State
from jw2v.compat.gensim.tree import places, tree_of


def scores(model: State, sentences: Iterable[Any]) -> Iterator[float]:
    """The log probability of each sentence.

    Each word is told by every word in the whole window around it, Σ log P(word | that word), or by
    those of a bag together, Σ log P(word | bag). Unknown words are left out.
    """
    words, tree = model.wv, tree_of(model.wv)
    U = model.syn1[places(len(words))]
    offsets = np.delete(np.arange(-model.window, model.window + 1), model.window)
    for sentence in sentences:
        known = [words.key_to_index[word] for word in sentence if word in words.key_to_index]
        ids = np.array(known, np.int64)
        at = np.arange(len(ids))[:, None] + offsets
        inside = (at >= 0) & (at < len(ids))
        v = words.vectors[ids[np.where(inside, at, 0)]]
        h, counts = (v, inside) if model.sg else bags(v, inside, mean=bool(model.cbow_mean))
        yield log_probability(h, counts, U, Tree(tree.nodes[ids], tree.sides[ids]))


def bags(
    v: Float[np.ndarray, "word ctx dim"], inside: Bool[np.ndarray, "word ctx"], *, mean: bool
) -> tuple[Float[np.ndarray, "word 1 dim"], Bool[np.ndarray, "word 1"]]:
    """The sum or mean of the words around each, as one that counts."""
    h = np.einsum("wcd,wc->wd", v, inside.astype(v.dtype))[:, None]
    size = inside.sum(axis=1)[:, None, None] if mean else 1
    return h / np.maximum(size, 1).astype(v.dtype), np.ones(h.shape[:2], bool)


def log_probability(
    h: Float[np.ndarray, "word row dim"],
    counts: Bool[np.ndarray, "word row"],
    U: Float[np.ndarray, "vocab dim"],
    ways: Tree,
) -> float:
    """Σ log σ(s u·h) over words, the rows that count with each, and the nodes on the way to it.

    >>> way = Tree(np.array([[0, 1]]), np.array([[1, 0]]))
    >>> round(log_probability(np.ones((1, 1, 3)), np.array([[True]]), np.zeros((2, 3)), way), 4)
    -0.6931
    """
    sides = ways.sides.astype(h.dtype)
    score = sides[:, None] * np.einsum("wrd,wnd->wrn", h, U[ways.nodes])
    log_sigmoid = -np.logaddexp(0, -score)
    return float(np.einsum("wrn,wr,wn->", log_sigmoid, counts, np.abs(sides)))
