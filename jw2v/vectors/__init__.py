"""What comes out of training: vectors with their words, neighbours, evaluation, file formats."""

from jw2v.vectors.evaluate import AnalogyScore, PairScore, analogies, word_pairs
from jw2v.vectors.formats import Format, export, load
from jw2v.vectors.map.layout import Layout
from jw2v.vectors.map.page import write_map
from jw2v.vectors.model2vec import read_model2vec, write_model2vec
from jw2v.vectors.neighbors import Method
from jw2v.vectors.projector import read_projector, write_projector
from jw2v.vectors.store import save
from jw2v.vectors.table import Table, Vectors
from jw2v.vectors.word2vec_binary import read_word2vec_binary, write_word2vec_binary
from jw2v.vectors.word2vec_format import read_glove, read_word2vec, write_glove, write_word2vec

__all__ = [
    "AnalogyScore",
    "Format",
    "Layout",
    "Method",
    "PairScore",
    "Table",
    "Vectors",
    "analogies",
    "export",
    "load",
    "read_glove",
    "read_model2vec",
    "read_projector",
    "read_word2vec",
    "read_word2vec_binary",
    "save",
    "word_pairs",
    "write_glove",
    "write_map",
    "write_model2vec",
    "write_projector",
    "write_word2vec",
    "write_word2vec_binary",
]
