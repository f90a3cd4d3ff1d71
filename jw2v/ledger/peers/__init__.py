"""The update rules of word2vec.c, gensim and fastText, as claims about their losses.

Each rule is said in plain jax, as its program goes about it: the target and then each negative in
turn, a row moved as soon as it was used, and the vectors behind the hidden one moved last. Where
that is not a step along the gradient of the loss, the claim is there as a refuted one, beside what
would be right; by what factor it is off, the judge measures.

Of the rule of skip-gram: word2vec.c and gensim let the outside word predict the centre word (v is
the outside word's, u the centre word's), fastText as in the document. The rule is the same.
"""

from jw2v.judge.records import Derivation
from jw2v.ledger.peers import cbow, sigmoid_table, skipgram

__all__ = ["DERIVATIONS"]

DERIVATIONS: tuple[Derivation, ...] = (
    *skipgram.derivations(),
    *sigmoid_table.derivations(),
    *cbow.derivations(),
)
