"""Tables that start from earlier vectors, word by word."""

import jax.numpy as jnp
import numpy as np

from jw2v.blocks.tables import Tables
from jw2v.corpus import Corpus, Vocabulary
from jw2v.corpus.subwords import Subwords
from jw2v.errors import UsageError
from jw2v.training.config import Config
from jw2v.training.pieces import subwords_of
from jw2v.training.setting import start_tables
from jw2v.vectors import Vectors


def tables_from(init: Vectors, text: Corpus, config: Config) -> Tables:
    r"""The tables of a run that starts from earlier vectors; words they do not have start as usual.

    Raises:
      UsageError: they are of another length, or made of other n-grams.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from jw2v.corpus import encode
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "text"
    ...     _ = path.write_text("the king and the queen\n" * 50)
    ...     text = encode(path, directory=Path(folder), heldout_every=0)
    ...     init = Vectors(("queen", "cat"), np.array([[1, 2], [3, 4]], np.float32))
    ...     tables = tables_from(init, text, Config(dim=2))
    ...     print(tables.V[text.vocab.words.index("queen")])
    [1. 2.]
    """
    dim = init.vectors.shape[1]
    if dim != config.dim:
        raise UsageError(f"init has dim {dim} and the run {config.dim}; give the same (--dim)")
    V, U = (np.array(table) for table in start_tables(config, text.vocab))
    known = np.array([init.index.get(word, -1) for word in text.vocab.words])
    here, there = np.flatnonzero(known >= 0), known[known >= 0]
    if config.ngrams is None:
        V[here] = init.vectors[there]
    else:
        made = subwords_of(text.vocab, config.ngrams)
        V = made.with_means(_with_ngrams(V, made, init, config), here, init.vectors[there])
    if init.outside is not None and _same_rows(init, text.vocab, config):
        U[here] = init.outside[there]
    return Tables(jnp.asarray(V), jnp.asarray(U))


def _same_rows(init: Vectors, vocab: Vocabulary, config: Config) -> bool:
    """Whether outside rows are of what they were of: words by name, nodes where the tree is one."""
    if not config.has_tree:
        return not init.has_tree
    same_counts = init.counts is not None and np.array_equal(init.counts, vocab.counts)
    return init.has_tree and init.words == vocab.words and same_counts


def _with_ngrams(V: np.ndarray, made: Subwords, init: Vectors, config: Config) -> np.ndarray:
    """The table with the n-grams of earlier vectors."""
    if init.ngrams is None:
        return V
    if init.ngrams.kind != config.ngrams:
        raise UsageError(
            f"init has n-grams of {init.ngrams.kind} and the run {config.ngrams}; give the same "
            "(--minn, --maxn, --buckets)"
        )
    buckets = made.buckets, init.ngrams.buckets
    _, here, there = np.intersect1d(*buckets, assume_unique=True, return_indices=True)
    V[len(made.sizes) + here] = init.ngrams.rows[there]
    return V
