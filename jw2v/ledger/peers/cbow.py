"""One hidden vector of several input rows: what each of them is given of its error.

With h = c Σ_i v_i of n rows, ∂J/∂v_i = c ∂J/∂h: of rows that are averaged (c = 1/n) each is due a
share of the error, of rows that are summed (c = 1) all of it.

| program | h | a row is given |
|---|---|---|
| word2vec.c, first releases | sum of the context words | the error |
| word2vec.c since | mean of the context words | the error |
| gensim, cbow_mean=1 | mean of the context words | the error |
| gensim, cbow_mean=0 | sum of the context words | the error / n |
| gensim FastText, skip-gram | sum of a word and its n − 1 n-grams, / (n − 1) | the error |
| fastText, cbow and skipgram | mean of words and their n-grams | the error |
| fastText, supervised | mean of words and their n-grams | the error / n |
| kōan | mean of the context words | the error / n |

Sources: İrsoy, Benton and Stratos, kōan: A Corrected CBOW Implementation, arXiv 2012.15332;
word2vec.c; gensim 4.4, word2vec_inner.pyx and fasttext_inner.pyx; fastText, model.cc.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.peers.common import BOTH, TABLES, VOCAB, among, loss, repeated, visit

INPUTS = 4
GIVEN = r"-\Delta v_i / \alpha"
KOAN = "arXiv 2012.15332"
Rule = Callable[..., Any]


def derivations(n: int = INPUTS) -> tuple[Derivation, ...]:
    """The claims, for hidden vectors of n rows.

    >>> [len(derivation.steps) for derivation in derivations()]
    [5, 1, 2, 1]
    """
    undivided, divided = _given(1 / n, 1.0), _given(1 / n, 1 / n)
    whole, ngrams = _given(1.0, 1.0), 1 / (n - 1)
    issues = "gensim issues 697, 1873 and 3266"
    share = r"\frac{1}{n}\,\partial J/\partial h"
    return (
        _derivation(
            "mean of input rows",
            n,
            1 / n,
            _wrong("word2vec.c, CBOW", undivided, divided, share, issues),
            _wrong("gensim, CBOW, cbow_mean=1", undivided, divided, share, issues),
            _wrong("fastText, cbow and skipgram", undivided, divided, share, "fastText issue 910"),
            _right("fastText, supervised", divided),
            _right("kōan, CBOW", divided),
        ),
        _derivation("mean of input rows, output rows", n, 1 / n, _output(1 / n), wrt=1),
        _derivation(
            "sum of input rows",
            n,
            1.0,
            _right("word2vec.c, first releases, CBOW", whole),
            _wrong(
                "gensim, CBOW, cbow_mean=0",
                _given(1.0, 1 / n),
                whole,
                r"\partial J/\partial h",
                issues,
            ),
        ),
        _derivation(
            "word and n-grams",
            n,
            ngrams,
            _wrong(
                "gensim FastText, skip-gram",
                _given(ngrams, 1.0),
                _given(ngrams, ngrams),
                r"\frac{1}{n - 1}\,\partial J/\partial h",
                "the hidden vector is divided by the n-grams alone, not by the word too",
            ),
        ),
    )


def _derivation(id: str, n: int, scale: float, *steps: Step, wrt: int = 0) -> Derivation:
    """Claims about the loss of h = scale · Σ_i v_i."""

    def of(V: Any, U: Any, inputs: Any, o: Any, neg: Any) -> Any:
        return loss(scale * jnp.sum(V[inputs], axis=0), U, o, neg)

    inputs = np.arange(n) * 3 % VOCAB
    inputs[-1] = VOCAB - 1
    args = (*TABLES, inputs, np.array(VOCAB - 1), np.array([3, 0, 7]))
    return Derivation(id, of, args, steps, wrt=wrt, domain=_distinct, dtypes=BOTH, cite=KOAN)


def _right(id: str, rule: Rule) -> Step:
    return Step(id, GIVEN, rule, kind="update", after="")


def _wrong(id: str, rule: Rule, correct_fn: Rule, correct: str, note: str) -> Step:
    right = {"correct": correct, "correct_fn": correct_fn}
    return Step(id, GIVEN, rule, kind="update", after="", expect="refuted", note=note, **right)


def _given(scale: float, share: float) -> Rule:
    """What the rows are moved by, over −α, where each is given a share of the hidden error."""

    def rule(V: Any, U: Any, inputs: Any, o: Any, neg: Any) -> Any:
        error, _ = visit(scale * jnp.sum(V[inputs], axis=0), U, o, neg, alpha=1.0)
        return jnp.zeros_like(V).at[inputs].add(-share * error)

    return rule


def _output(scale: float) -> Step:
    def rule(V: Any, U: Any, inputs: Any, o: Any, neg: Any) -> Any:
        _, moved = visit(scale * jnp.sum(V[inputs], axis=0), U, o, neg, alpha=1.0)
        return U - moved

    return Step("CBOW, output rows", r"-\Delta U / \alpha", rule, kind="update")


def _distinct(V: Any, U: Any, inputs: Any, o: Any, neg: Any) -> bool:
    """No output word is visited twice, so that α divides out."""
    return not among(o, neg) and not repeated(o, neg)
