"""gensim's KeyedVectors."""

from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np

from jw2v.compat.gensim import evaluate, saved
from jw2v.compat.gensim.comparisons import Comparisons
from jw2v.compat.gensim.word2vec_format import read_word2vec_format, write_word2vec_format
from jw2v.vectors import Vectors

K = TypeVar("K", bound="KeyedVectors")


class KeyedVectors(Comparisons):
    """Keys with their vectors: gensim 4's, by its names, arguments and defaults.

    `save` and `load` are safetensors; gensim's pickles are not read.

    >>> import tempfile
    >>> words = KeyedVectors(2)
    >>> words.add_vectors(["a", "b"], np.array([[1, 0], [4, 3]]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     words.save_word2vec_format(f"{folder}/vectors.bin", binary=True)
    ...     read = KeyedVectors.load_word2vec_format(f"{folder}/vectors.bin", binary=True)
    >>> read.similarity("a", "b")
    0.8
    """

    vectors_lockf: np.ndarray = np.ones(1, np.float32)

    def save(self, fname: Any, **options: Any) -> None:
        """Write one safetensors file; gensim's options on how to pickle are passed over."""
        saved.write(fname, "KeyedVectors", *saved.parts_of(self))

    @classmethod
    def load(cls: type[K], fname: Any, mmap: str | None = None) -> K:
        """Read what `save` wrote; `mmap` is passed over.

        Raises:
          DataError: it is none of our files.
          AttributeError: it holds a model, not vectors alone.
        """
        tensors, rest = saved.read(fname, "KeyedVectors")
        words = cls(rest["vector_size"])
        saved.fill(words, tensors, rest)
        return words

    load_word2vec_format = classmethod(read_word2vec_format)
    save_word2vec_format = write_word2vec_format
    evaluate_word_pairs = evaluate.word_pairs
    evaluate_word_analogies = evaluate.word_analogies

    def intersect_word2vec_format(
        self,
        fname: Any,
        lockf: float = 0.0,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
    ) -> None:
        """Take over the vectors of a file for the words that are known here.

        Raises:
          ValueError: the file's vectors are of another length, or `lockf` asks to keep them from
            being trained, which jw2v does not do.
        """
        other = self.load_word2vec_format(fname, None, binary, encoding, unicode_errors)
        if other.vector_size != self.vector_size:
            raise ValueError(f"incompatible vector size {other.vector_size} in file {fname}")
        if lockf != 1.0:
            raise ValueError(f"lockf is {lockf}; jw2v trains all vectors, give 1.0")
        shared = [key for key in other.index_to_key if key in self.key_to_index]
        self.vectors[[self.key_to_index[key] for key in shared]] = other[shared]
        self.norms = None

    def vectors_for_all(
        self, keys: Iterable[Any], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> "KeyedVectors":
        """Vectors of those of the keys that are known, each once, in their order."""
        kept = [key for key in dict.fromkeys(keys) if key in self.key_to_index]
        rows = [self.key_to_index[key] for key in kept]
        words = KeyedVectors(self.vector_size, dtype=self.vectors.dtype)
        falling = {"count": np.arange(len(kept), 0, -1)}
        copied = {name: values[rows] for name, values in self.expandos.items()}
        words.add_vectors(kept, self.vectors[rows], copied if copy_vecattrs else falling)
        return words

    def to_jw2v(self) -> Vectors:
        """The same vectors as jw2v's own, for its evaluation and files.

        Raises:
          DataError: the attribute "count" holds anything but whole numbers from 0 to below 10¹⁸.
        """
        return Vectors(
            tuple(map(str, self.index_to_key)), self.vectors, counts=self.expandos.get("count")
        )
