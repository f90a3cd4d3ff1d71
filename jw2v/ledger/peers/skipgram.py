"""Skip-gram of word2vec.c, gensim and fastText: a step of descent where no word is met twice."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.peers.common import (
    BOTH,
    DIM,
    NEG,
    TABLES,
    VOCAB,
    among,
    loss,
    repeated,
    sigma,
    visit,
)

ALPHA = 0.25
C_ID, O_ID = np.array(VOCAB - 1), np.array(VOCAB - 1)
DISTINCT, TWICE, HIT = ([3, 7, 0], [3, 7, 3], [3, VOCAB - 1, 7])
STEP = r"\Delta\theta = -\alpha\,\frac{\partial J}{\partial\theta}"
CODES = r"g = (1 - d_j - \sigma(n_j^T v))\,\alpha"
CITE = "word2vec.c; gensim 4.4, word2vec_inner.pyx; fastText, loss.cc"


def derivations(alpha: float = ALPHA) -> tuple[Derivation, ...]:
    """The claims, at a learning rate.

    >>> [derivation.steps[0].expect for derivation in derivations()]
    ['holds', 'refuted', 'refuted', 'holds', 'holds']
    """

    def rule(V: Any, U: Any, c: Any, o: Any, neg: Any) -> Any:
        error, moved = visit(V[c], U, o, neg, alpha=alpha)
        return jnp.zeros_like(V).at[c].add(error), moved - U

    def by_hand(V: Any, U: Any, c: Any, o: Any, neg: Any) -> Any:
        g_o, g_neg = -sigma(-(U[o] @ V[c])), sigma(U[neg] @ V[c])
        d_v = g_o * U[o] + g_neg @ U[neg]
        d_U = jnp.zeros_like(U).at[o].add(g_o * V[c]).at[neg].add(jnp.outer(g_neg, V[c]))
        return jnp.zeros_like(V).at[c].add(-alpha * d_v), -alpha * d_U

    def claimed(id: str, J: Any, neg: list[int], domain: Any, note: str = "") -> Derivation:
        def descent(V: Any, U: Any, c: Any, o: Any, neg: Any) -> Any:
            d_V, d_U = jax.grad(lambda V, U: J(V[c], U, o, neg), argnums=(0, 1))(V, U)
            return -alpha * d_V, -alpha * d_U

        step = Step(id, STEP, rule, kind="update", note=note)
        if note:
            step = replace(step, expect="refuted", correct=STEP, correct_fn=by_hand)
        args = (*TABLES, C_ID, O_ID, np.array(neg))
        return Derivation(id, descent, args, (step,), domain=domain, dtypes=BOTH, cite=CITE)

    return (
        claimed("skip-gram, distinct words", loss, DISTINCT, _distinct),
        claimed(
            "skip-gram, a negative twice",
            loss,
            TWICE,
            lambda V, U, c, o, neg: repeated(o, neg) and not among(o, neg),
            "the second visit finds the row that the first has moved: off by O(α²)",
        ),
        claimed(
            "skip-gram, the target among the negatives",
            loss,
            HIT,
            lambda V, U, c, o, neg: among(o, neg) and not repeated(o, neg),
            "the negative is passed over, though the loss has it (fastText draws again)",
        ),
        claimed("skip-gram, hits left out of the loss", _without_hits, HIT, _not_repeated),
        _hierarchical(alpha),
    )


def _hierarchical(alpha: float) -> Derivation:
    """The tree's inner nodes are no word's, and no path has one twice."""

    def path_loss(v: Any, nodes: Any, code: Any) -> Any:
        sign = (1 - 2 * code).astype(v.dtype)
        return -jnp.sum(jax.nn.log_sigmoid(sign * (nodes @ v)))

    def rule(v: Any, nodes: Any, code: Any) -> Any:
        error, moved = jnp.zeros_like(v), nodes
        for j in range(NEG):
            g = alpha * (1 - code[j].astype(v.dtype) - sigma(nodes[j] @ v))
            error = error + g * nodes[j]
            moved = moved.at[j].add(g * v)
        return error, moved - nodes

    def descent(v: Any, nodes: Any, code: Any) -> Any:
        d_v, d_nodes = jax.grad(path_loss, argnums=(0, 1))(v, nodes, code)
        return -alpha * d_v, -alpha * d_nodes

    step = Step("hierarchical softmax", CODES, rule, kind="update")
    args = (np.ones(DIM), np.ones((NEG, DIM)), np.array([0, 1, 1]))
    return Derivation("hierarchical softmax", descent, args, (step,), dtypes=BOTH, cite=CITE)


def _without_hits(hidden: Any, U: Any, o: Any, neg: Any) -> Any:
    kept = (neg != o).astype(U.dtype)
    return -jax.nn.log_sigmoid(U[o] @ hidden) - kept @ jax.nn.log_sigmoid(-(U[neg] @ hidden))


def _distinct(V: Any, U: Any, c: Any, o: Any, neg: Any) -> bool:
    return not among(o, neg) and not repeated(o, neg)


def _not_repeated(V: Any, U: Any, c: Any, o: Any, neg: Any) -> bool:
    return not repeated(o, neg)
