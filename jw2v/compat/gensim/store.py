"""Keys with their vectors and attributes: the part of gensim's KeyedVectors that holds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

Key: TypeAlias = str | int | np.integer


def is_key(value: object) -> bool:
    """Whether this is one key, and not a vector or several of either."""
    return isinstance(value, str | int | np.integer)


class Store:
    """Keys, their vectors and their attributes, by gensim's names.

    Attributes:
      index_to_key: the keys, by row.
      key_to_index: the row of each.
      vectors: `[keys, vector_size]`.
      norms: lengths of the rows, None until `fill_norms`; None again after a change of `vectors`.
      expandos: attributes of the keys by name, an array each.

    >>> store = Store(2)
    >>> store.add_vectors(["a", "b"], np.eye(2))
    >>> store.set_vecattr("b", "count", 7)
    >>> store["b"].tolist(), store.get_vecattr("b", "count").item(), "c" in store, len(store)
    ([0.0, 1.0], 7, False, 2)
    """

    def __init__(
        self, vector_size: int, count: int = 0, dtype: Any = np.float32, mapfile_path: Any = None
    ) -> None:
        self.vector_size = vector_size
        self.index_to_key: list[Any] = [None] * count
        self.next_index = 0
        self.key_to_index: dict[Any, int] = {}
        self.vectors = np.zeros((count, vector_size), dtype)
        self.norms: np.ndarray | None = None
        self.expandos: dict[str, np.ndarray] = {}
        self.mapfile_path = mapfile_path

    def __str__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    def __len__(self) -> int:
        return len(self.index_to_key)

    def __contains__(self, key: object) -> bool:
        return self.has_index_for(key)

    def __getitem__(self, key_or_keys: Any) -> np.ndarray:
        if is_key(key_or_keys):
            return self.get_vector(key_or_keys)
        return np.vstack([self.get_vector(key) for key in key_or_keys])

    def __setitem__(self, keys: Any, weights: Any) -> None:
        self.add_vectors(keys, weights, replace=True)

    def has_index_for(self, key: Any) -> bool:
        """Whether a key has a row."""
        return self.get_index(key, -1) >= 0

    def get_index(self, key: Any, default: int | None = None) -> int:
        """The row of a key; a number that is no key is a row.

        Raises:
          KeyError: there is none, and no default is given.
        """
        if (row := self.key_to_index.get(key)) is not None:
            return row
        if isinstance(key, int | np.integer) and 0 <= key < len(self):
            return int(key)
        if default is None:
            raise KeyError(f"Key '{key}' not present")
        return default

    def get_vector(self, key: Any, norm: bool = False) -> np.ndarray:
        """The vector of a key, read-only; with `norm` scaled to length 1."""
        row = self.get_index(key)
        vector = self.vectors[row] / self.lengths()[row] if norm else self.vectors[row]
        vector.flags.writeable = False  # a change would leave `norms` behind
        return vector

    def fill_norms(self, force: bool = False) -> None:
        """Compute the lengths of the rows where they are not known, or in any case."""
        if self.norms is None or force:
            self.norms = np.linalg.norm(self.vectors, axis=1)

    def lengths(self) -> np.ndarray:
        """The lengths of the rows."""
        self.fill_norms()
        assert self.norms is not None
        return self.norms

    def get_normed_vectors(self) -> np.ndarray:
        """All vectors, scaled to length 1."""
        return self.vectors / self.lengths()[:, None]

    def unit_normalize_all(self) -> None:
        """Scale all vectors to length 1, for good."""
        self.vectors = self.get_normed_vectors()
        self.norms = np.ones(len(self.vectors), self.vectors.dtype)

    def init_sims(self, replace: bool = False) -> None:
        """Of older gensim: `fill_norms`, or `unit_normalize_all`."""
        self.unit_normalize_all() if replace else self.fill_norms()

    def allocate_vecattrs(
        self, attrs: Iterable[str] | None = None, types: Iterable[Any] | None = None
    ) -> None:
        """Give attributes an entry a key; by default those there are.

        Raises:
          TypeError: an attribute is there with another type.
        """
        names = list(self.expandos if attrs is None else attrs)
        kinds = [self.expandos[name].dtype for name in names] if types is None else list(types)
        for name, kind in zip(names, kinds, strict=True):
            dtype = np.dtype(object if kind in (str, np.ndarray, list) else kind)
            old = self.expandos.get(name, np.zeros(0, dtype))
            if not np.issubdtype(dtype, old.dtype):
                raise TypeError(f"attribute {name} is of type {old.dtype}, not {dtype}")
            if name not in self.expandos or len(old) != len(self):
                kept = old[: len(self)]
                self.expandos[name] = np.concatenate(
                    [kept, np.zeros(len(self) - len(kept), old.dtype)]
                )

    def set_vecattr(self, key: Any, attr: str, val: Any) -> None:
        """Set an attribute of a key."""
        self.allocate_vecattrs([attr], [type(val)])
        self.expandos[attr][self.get_index(key)] = val

    def get_vecattr(self, key: Any, attr: str) -> Any:
        """An attribute of a key."""
        return self.expandos[attr][self.get_index(key)]

    def add_vector(self, key: Key, vector: Any) -> int:
        """Add a key, in a row that `count` made or else a new one; gives the row."""
        if self.next_index >= len(self) or self.index_to_key[self.next_index] is not None:
            self.next_index = len(self)
            self.add_vectors([key], [vector])
        else:
            self.index_to_key[self.next_index] = key
            self.key_to_index[key] = self.next_index
            self.vectors[self.next_index] = vector
            self.norms = None
        self.next_index += 1
        return self.next_index - 1

    def add_vectors(
        self,
        keys: Key | Sequence[Any],
        weights: Any,
        extras: Mapping[str, np.ndarray] | None = None,
        replace: bool = False,
    ) -> None:
        """Add keys, with attributes; those that are known keep what they have, or are replaced."""
        several: Sequence[Any] = [keys] if is_key(keys) else keys  # pyright: ignore[reportAssignmentType]
        rows = np.asarray(weights, self.vectors.dtype).reshape(len(several), self.vector_size)
        fresh = []
        for i, key in enumerate(several):
            if key not in self.key_to_index:
                self.key_to_index[key] = len(self.index_to_key)
                self.index_to_key.append(key)
                fresh.append(i)
        self.vectors = np.vstack([self.vectors, rows[fresh]])
        written = range(len(several)) if replace else fresh
        places = [self.key_to_index[several[i]] for i in written]
        self.vectors[places] = rows[list(written)]
        self.norms = None
        self.allocate_vecattrs()
        for name, values in (extras or {}).items():
            self.allocate_vecattrs([name], [values.dtype])
            self.expandos[name][places] = values[list(written)]

    def resize_vectors(self, seed: int = 0) -> None:
        """Give keys without a row one, uniform in ±1 / vector_size."""
        start = np.random.default_rng(seed).uniform(-1, 1, (len(self), self.vector_size))
        kept = self.vectors[: len(self)]
        fresh = (start / self.vector_size).astype(kept.dtype)[len(kept) :]
        self.vectors = np.concatenate([kept, fresh])
        self.norms = None
        self.allocate_vecattrs()

    def sort_by_descending_frequency(self) -> None:
        """Number the keys by falling count; of equal ones the last comes first."""
        if not len(self):
            return
        self.allocate_vecattrs()
        order = np.lexsort((-np.arange(len(self)), -self.expandos["count"]))
        self.index_to_key = [self.index_to_key[row] for row in order]
        self.key_to_index = {key: row for row, key in enumerate(self.index_to_key)}
        self.expandos = {name: values[order] for name, values in self.expandos.items()}
        if len(self.vectors) == len(order):
            self.vectors, self.norms = self.vectors[order], None
