"""(f) The loss of negative sampling and what its terms say; what it costs."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.cs224n_a2.common import (
    DIM,
    NEG,
    O_ID,
    V_C,
    VOCAB,
    K,
    U,
    distinct,
    j_neg,
    log_sigma,
)
from jw2v.losses.naive_softmax import loss_and_grads as naive_softmax_and_grads
from jw2v.losses.negative_sampling import loss_and_grads as neg_sample_and_grads

Sized = tuple[Callable[..., Any], tuple[Any, ...]]
J = r"J_{\text{neg-sample}}(v_c, o, U)"
LOG_O = r"\log(\sigma(u_o^T v_c))"
SUM = r"\sum_{k=1}^K"
LOG_K = r"\log(\sigma(-u_k^T v_c))"
TERMS = f"-{LOG_O} - {SUM} {LOG_K}"
SIGMA_PRIME = r"\frac{\delta \sigma}{\delta x} = \sigma(x)(1 - \sigma(x))"


def written(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    """The loss as it is written: −log(σ(u_o·v_c)) − Σ_k log(σ(−u_k·v_c))."""
    return -log_sigma(U[o] @ v_c) - jnp.sum(log_sigma(-(U[neg] @ v_c)))


def _from_corpus(v_c: Any, u: Any) -> Any:
    """P(D = 1): the probability that the pair of words came from the corpus."""
    return 1 / (1 + jnp.exp(-(u @ v_c)))


def _first_term(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return -log_sigma(U[o] @ v_c)


def _second_term(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return -jnp.sum(log_sigma(-(U[neg] @ v_c)))


def _two_terms(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return _first_term(v_c, U, o, neg) + _second_term(v_c, U, o, neg)


def _log_from_corpus(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return jnp.log(_from_corpus(v_c, U[o]))


def _minus_log_from_corpus(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return -jnp.log(_from_corpus(v_c, U[o]))


def _sum_log_not_from_corpus(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return jnp.sum(jnp.log(1 - jax.vmap(_from_corpus, (None, 0))(v_c, U[neg])))


def _minus_sum_log_not_from_corpus(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return -jnp.sum(jnp.log(1 - jax.vmap(_from_corpus, (None, 0))(v_c, U[neg])))


def _floats(*shape: int) -> Any:
    return jax.ShapeDtypeStruct(shape, "float32")


def _ids(*shape: int) -> Any:
    return jax.ShapeDtypeStruct(shape, "int32")


def _neg_sample_of_rows(v_c: Any, U: Any, o: Any, neg: Any) -> Any:
    return neg_sample_and_grads(v_c, U[o], U[neg])


def _neg_sample_by_negatives(n: int) -> Sized:
    return _neg_sample_of_rows, (_floats(DIM), _floats(VOCAB, DIM), _ids(), _ids(n))


def _neg_sample_by_words(n: int) -> Sized:
    return _neg_sample_of_rows, (_floats(DIM), _floats(n, DIM), _ids(), _ids(K))


def _naive_softmax_by_words(n: int) -> Sized:
    return naive_softmax_and_grads, (_floats(DIM), _ids(), _floats(n, DIM))


LOSS = Derivation(
    "f",
    j_neg,
    (V_C, U, O_ID, NEG),
    domain=distinct,
    cite="CS224n A2 (f)",
    steps=(
        Step(
            "f.1",
            f"{J} = {TERMS}",
            written,
            kind="defines",
            after="",
            note="u_k is the vector of the k-th sampled word here, of word k in (c) and (d)",
        ),
        Step("f.2", rf"{J} = \text{{(first term)}} + \text{{(second term)}}", _two_terms),
        Step(
            "f.3",
            r"\text{(i) the first term is } \log P(D = 1 | c, o)",
            _log_from_corpus,
            target=_first_term,
            after="",
            expect="refuted",
            correct=r"-\log P(D = 1 | c, o)",
            correct_fn=_minus_log_from_corpus,
            note="said in words: the log of the probability that the centre word and the true "
            "outside word came from the corpus; the term is minus that",
        ),
        Step(
            "f.3",
            rf"{LOG_O} = \log P(D = 1 | c, o)",
            _log_from_corpus,
            target=lambda v_c, U, o, neg: log_sigma(U[o] @ v_c),
            after="",
            reading="meant",
            note="the term without the sign before it",
        ),
        Step(
            "f.4",
            rf"\text{{(ii) the second term is }} {SUM} \log P(D = 0 | c, w_k)",
            _sum_log_not_from_corpus,
            target=_second_term,
            after="",
            expect="refuted",
            correct=rf"-{SUM} \log P(D = 0 | c, w_k)",
            correct_fn=_minus_sum_log_not_from_corpus,
            note="said in words: the sum of the logs of the probabilities that the pairs did not "
            "come from the corpus; the term is minus that. Its words are the K sampled ones, not "
            "'outside context words'",
        ),
        Step(
            "f.4",
            rf"{SUM} {LOG_K} = {SUM} \log P(D = 0 | c, w_k)",
            _sum_log_not_from_corpus,
            target=lambda v_c, U, o, neg: jnp.sum(log_sigma(-(U[neg] @ v_c))),
            after="",
            reading="meant",
            note="the term without the sign before it, the words being the sampled ones",
        ),
    ),
)

COST = Derivation(
    "f cost",
    j_neg,
    (V_C, U, O_ID, NEG),
    domain=distinct,
    cite="CS224n A2 (f)",
    steps=(
        Step(
            "f.5",
            r"\text{negative sampling: } O(K)",
            _neg_sample_by_negatives,
            kind="complexity",
            after="",
            order=1.0,
            note="loss and gradients of one pair, over growing K",
        ),
        Step(
            "f.6",
            r"\text{negative sampling, over the vocabulary: } O(1)",
            _neg_sample_by_words,
            kind="complexity",
            after="",
            order=0.0,
            note="loss and gradients of the rows, over a growing vocabulary",
        ),
        Step(
            "f.7",
            r"\text{naive softmax: through the whole vocabulary, } O(|\text{Vocab}|)",
            _naive_softmax_by_words,
            kind="complexity",
            after="",
            order=1.0,
            note="loss and gradients, over a growing vocabulary; that it is typically much greater "
            "than K is a remark about data",
        ),
    ),
)
