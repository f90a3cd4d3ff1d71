"""word2vec in functional JAX, with every hand-derived gradient machine-checked."""

__version__ = "0.1.0"
