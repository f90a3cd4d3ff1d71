"""What comes out of training: vectors with their words, neighbours, evaluation, file formats."""

from jw2v.vectors.evaluate import AnalogyScore, PairScore, analogies, word_pairs
from jw2v.vectors.store import load, save
from jw2v.vectors.table import Vectors
from jw2v.vectors.word2vec_format import read_word2vec, write_word2vec

__all__ = [
    "AnalogyScore",
    "PairScore",
    "Vectors",
    "analogies",
    "load",
    "read_word2vec",
    "save",
    "word_pairs",
    "write_word2vec",
]
