"""The small blocks that the claims of the chain are made on, and their plain loss."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.blocks.huffman import huffman
from jw2v.blocks.in_batch import MOST
from jw2v.blocks.tables import Tables, whole_table
from jw2v.blocks.windows import Block, Paths, Pieces, contexts, with_totals
from jw2v.judge.records import Verdict
from jw2v.losses.record import Loss
from jw2v.training.config import Config
from jw2v.training.step import kernel_of, row_gradients, sigmoid_of

VOCAB, DIM, NEG, CTX = 16, 5, 3, 4  # pairwise distinct, so that a transpose cannot pass
BLOCK, GROUP, TILE, WINDOW = 12, 6, 3, 3
BATCH_TILE = 4  # two passages
CHUNK = 6  # of the vocabulary: two whole ones and a last of 4
NGRAMS = 8  # rows of V below those of the words, where words are made of n-grams
TABLES = (np.ones((VOCAB, DIM)), np.ones((VOCAB, DIM)))
"""Example arguments: V and U."""
BOTH = ("float64", "float32")
SIDES = np.array([1, -1, -1, 1, -1, 0])
"""Of a way that is over before its last place."""
COUNTS = np.arange(VOCAB, 0, -1) ** 2
"""Of the words, for a tree with short ways and long ones."""
SUMMED = r"\sum_{\text{block}} \partial J / \partial (V, U)"


def small(config: Config) -> Config:
    """The config with a block of a few narrow windows.

    >>> small(Config(negatives=15)).block_size
    12
    """
    sizes = {"block": BLOCK, "group": GROUP, "tile": TILE, "softmax_chunk": CHUNK}
    if config.in_batch:
        sizes |= {"group": BLOCK, "tile": BATCH_TILE}
    window = min(config.window, WINDOW)
    return replace(config, **sizes, shared_negatives=NEG, negatives=2, window=window)


def example_block(config: Config, loss: Loss | None = None, *, seed: int = 0) -> Block:
    """A block with repeated words, two sentences and padding; negatives that repeat and hit.

    It has two groups of two tiles each. It is of NumPy arrays: making it needs no backend.

    >>> example_block(small(Config(window=3))).ids.shape
    (18,)
    """
    halo = BLOCK + 2 * config.window
    rng = np.random.default_rng(seed)
    sentence = np.where(np.arange(halo) < halo // 2, 0, 1)
    sentence[-config.window - 2 :] = -1  # so the last two centres are none
    groups, neg = (BLOCK // GROUP, NEG) if loss is None else (BLOCK, config.negatives)
    arrays = (
        rng.integers(0, VOCAB, halo),
        sentence,
        rng.integers(1, config.window + 1, BLOCK),
        rng.integers(0, VOCAB, (groups, neg)),
    )
    block = Block(*(np.asarray(x, np.int32) for x in arrays))  # pyright: ignore[reportArgumentType]
    if config.ngrams is not None:
        block = block._replace(pieces=pieces_of(block))
    if config.in_batch:
        ratio = np.where(sentence >= 0, rng.uniform(0.5, MOST, halo), 0)
        block = block._replace(ratio=ratio)
    if not config.has_tree:
        return block
    ways = (by_word[block.ids[block.centres]] for by_word in huffman(COUNTS))
    return block._replace(paths=Paths(*ways))


def made_of(word: int) -> list[int]:
    """The rows of V that a word is made of: its own, and up to three n-grams, one of them twice.

    >>> made_of(7), made_of(4)
    ([7, 23, 23, 16], [4])
    """
    return [word, *(VOCAB + (word + k * (k - 1) // 2) % NGRAMS for k in range(word % 4))]


def pieces_of(block: Block) -> Pieces:
    """The pieces of an example's words, the last first, behind places for none."""
    words = [int(word) for word in block.ids]
    first = [words.index(word) for word in words]
    made = [(place, made_of(words[place])) for place in sorted(set(first))]
    there = [(row, place, 1 / len(rows)) for place, rows in made for row in rows]
    room = sum(len(made_of(word)) for word in range(VOCAB))
    pieces = [(0, 0, 0.0)] * (room - len(there)) + there[::-1]
    rows, place, share = map(np.array, zip(*pieces, strict=True))
    arrays: Any = rows.astype(np.int32), place.astype(np.int32), share, np.array(first, np.int32)
    return Pieces(*arrays)


def shares_of_example() -> tuple[np.ndarray, np.ndarray]:
    """How often each row of V is a piece of each word, and what it counts there."""
    often = np.stack([np.bincount(made_of(w), minlength=VOCAB + NGRAMS) for w in range(VOCAB)])
    return often, often / often.sum(axis=1, keepdims=True)


def tables_of(config: Config, loss: Loss | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Example arguments of a config: V and U; of a loss of the user's own at the run's dim.

    >>> [U.shape for _, U in (tables_of(Config()), tables_of(Config(dim=7), Loss(abs)))]
    [(16, 5), (16, 7)]
    """
    dim = DIM if loss is None else config.dim
    return np.ones((VOCAB + (NGRAMS if config.ngrams else 0), dim)), np.ones((VOCAB, dim))


def on_device(block: Block) -> Block:
    """The block as JAX's arrays."""
    return jax.tree.map(jnp.asarray, block)


def plain_loss(
    config: Config, loss: Loss | None = None, *, shares: np.ndarray | None = None
) -> Callable[[Any, Any, Block], Any]:
    """The loss of a block by whole tables: summed over its windows, each on its own.

    Args:
      config: model, loss and weights.
      loss: of the user's own.
      shares: what each row of V counts in each word, where words are made of pieces; by default
        the example's.
    """
    if config.in_batch:
        return partial(_in_batch, config=config)
    if config.ngrams is not None and shares is None:
        shares = shares_of_example()[1]
    exact = replace(
        config,
        kernel="windows",
        gradient="autodiff",
        precision="float64",
        cbow_update="gradient",
        minn=0,
        maxn=0,
    )
    plain = kernel_of(exact, loss)

    def summed(V: Any, U: Any, block: Block) -> Any:
        if shares is not None:
            V = jnp.asarray(shares, V.dtype) @ V
        ids = plain.ids(block)
        return plain.loss(V[ids.centre], U if ids.outside is None else U[ids.outside], block)

    return summed


def _in_batch(V: Any, U: Any, block: Block, *, config: Config) -> Any:
    """Each window with the words around the centres of the passage half a block on."""
    softplus = sigmoid_of(config).softplus
    o, omega = contexts(block, weights=config.weights, dtype=V.dtype)
    v = V[block.ids[block.centres]]
    near = softplus(-jnp.einsum("rd,rod->ro", v, U[o]))
    number = np.arange(config.block_size) // config.passage
    first = (number * config.passage + config.block_size // 2) % config.block_size
    at = first[:, None] + np.arange(config.passage_words)
    far = softplus(jnp.einsum("rd,rnd->rn", v, U[block.ids[at]]))
    apart = block.sentence[at] != block.sentence[block.centres][:, None]
    assert block.ratio is not None
    weight = jnp.where(apart, block.ratio[at].astype(V.dtype), 0)
    counting = config.negatives / config.passage_words * jnp.sum(omega, axis=1)
    return jnp.sum(omega * near) + jnp.sum(counting[:, None] * weight * far)


def by_step(rates: Sequence[float]) -> Callable[[Any], Any]:
    """The learning rate of each update, as a schedule."""

    def rate(count: Any) -> Any:
        return jnp.asarray(rates)[count]

    return rate


def expected_of(config: Config, gradient: str) -> Verdict:
    """What the judge finds of a config's gradient: word2vec.c's update of CBOW is none.

    Of words that are summed, each counting 1, it is.
    """
    own = (config.model, config.cbow_update, gradient) == ("cbow", "word2vec", "manual")
    return "refuted" if own and (config.cbow_mean or config.weights == "linear") else "holds"


def dtypes_of(config: Config) -> tuple[str, ...]:
    """The precisions a config's kernel is claimed at; bfloat16 operands are cast inside it."""
    return ("float32",) if config.precision == "bfloat16" else BOTH


def as_drawn(block: Block, config: Config) -> Block:
    """The block as a step of a config is given it."""
    return with_totals(on_device(block), weights=config.weights)


def table_gradients(
    config: Config, tables: Tables, block: Block, *, loss: Loss | None = None
) -> tuple[Any, Any]:
    """What the kernel of a config trains on, as gradients of whole tables."""
    kernel = kernel_of(config, loss)
    _, grads = row_gradients(kernel, config.gradient, tables, as_drawn(block, config))
    d_V, d_U = (whole_table(g, table) for g, table in zip(grads, tables, strict=True))
    return d_V, d_U
