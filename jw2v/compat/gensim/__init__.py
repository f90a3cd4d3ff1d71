"""gensim 4's word2vec by its own names, trained by jw2v: a changed import line is enough.

>>> from jw2v.compat.gensim import Word2Vec
>>> sentences = [["cat", "say", "meow"], ["dog", "say", "woof"]]
>>> model = Word2Vec(sentences, min_count=1, sg=1, vector_size=10)
>>> len(model.wv.most_similar("cat", topn=2))
2
"""

from jw2v.compat.gensim.callbacks import CallbackAny2Vec
from jw2v.compat.gensim.keyedvectors import KeyedVectors
from jw2v.compat.gensim.sentences import LineSentence, PathLineSentences
from jw2v.compat.gensim.vocabulary import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP
from jw2v.compat.gensim.word2vec import Word2Vec

__all__ = [
    "RULE_DEFAULT",
    "RULE_DISCARD",
    "RULE_KEEP",
    "CallbackAny2Vec",
    "KeyedVectors",
    "LineSentence",
    "PathLineSentences",
    "Word2Vec",
]
