"""What a model is made of; `Word2Vec` sets it."""

from typing import Any

from jw2v.compat.gensim.keyedvectors import KeyedVectors


class State:
    """Options, vocabulary and tables, by gensim's names."""

    wv: KeyedVectors
    syn1neg: Any  # the outside table of negative sampling, else None
    syn1: Any  # that of hierarchical softmax, else None
    vector_size: int
    layer1_size: int
    seed: int
    alpha: float
    sample: float
    min_count: int
    effective_min_count: int
    max_vocab_size: int | None
    max_final_vocab: int | None
    sorted_vocab: int
    null_word: int
    raw_vocab: dict[Any, int]
    corpus_count: int
    corpus_total_words: int
    sg: int
    hs: int
    negative: int
    ns_exponent: float
    cbow_mean: int
    window: int
    shrink_windows: bool
    workers: int
    min_alpha: float
    min_alpha_yet_reached: float
    epochs: int
    compute_loss: bool
    running_training_loss: float
    train_count: int
    total_train_time: float
