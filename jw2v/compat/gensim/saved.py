"""Files of `save` and `load`: one safetensors file, the rest of the object as JSON in its header.

gensim's are pickles, which run what is in them; those are refused.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from jw2v.compat.gensim.store import Store
from jw2v.compat.gensim.tree import WAYS, set_ways
from jw2v.errors import DataError
from jw2v.files import replacing, write_tensors

ATTRIBUTE = "attribute "  # what the names of their tensors begin with


def write(path: Any, kind: str, tensors: Mapping[str, np.ndarray], rest: Mapping[str, Any]) -> None:
    """Write arrays, and what JSON can hold.

    Raises:
      DataError: JSON cannot hold the rest, or the file cannot be written.
    """
    try:
        told = json.dumps({"kind": kind, **rest}, default=_plain)
    except TypeError as error:
        raise DataError(f"cannot save in {path}: {error}; give what JSON can hold") from error
    whole = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    with replacing(Path(path)) as temporary:
        write_tensors(whole, temporary, metadata={"jw2v": told})


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} is a {type(value).__name__}")


def read(path: Any, kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the rest.

    Raises:
      DataError: the file is none of these, such as a pickle of gensim's.
      AttributeError: it holds an object of another kind, as gensim raises.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            rest = json.loads((file.metadata() or {})["jw2v"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise DataError(f"cannot read {path}: {error}; give a file that save wrote") from error
    except (SafetensorError, KeyError, ValueError) as error:
        raise DataError(
            f"{path} was not written by jw2v.compat.gensim, and pickles are not read; load it in "
            "gensim, and bring its vectors here with save_word2vec_format"
        ) from error
    if rest["kind"] != kind:
        raise AttributeError(f"{path} holds a {rest['kind']}, not a {kind}")
    return tensors, rest


def parts_of(store: Store) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Vectors as arrays and the rest, `write`'s."""
    kept = {name: x for name, x in store.expandos.items() if name not in WAYS}
    numbers = {ATTRIBUTE + name: x for name, x in kept.items() if x.dtype != object}
    others = {name: x.tolist() for name, x in kept.items() if x.dtype == object}
    rest = {"keys": store.index_to_key, "attributes": others, "vector_size": store.vector_size}
    return {"vectors": store.vectors, **numbers}, {**rest, "tree": len(kept) < len(store.expandos)}


def fill(store: Store, tensors: Mapping[str, np.ndarray], rest: Mapping[str, Any]) -> None:
    """The other way round: give a store what `parts_of` took from one."""
    store.index_to_key = list(rest["keys"])
    store.key_to_index = {key: row for row, key in enumerate(store.index_to_key)}
    store.vectors, store.norms = tensors["vectors"], None
    store.expandos = {
        name.removeprefix(ATTRIBUTE): x for name, x in tensors.items() if name.startswith(ATTRIBUTE)
    }
    for name, values in rest["attributes"].items():
        store.expandos[name] = np.fromiter(values, object, len(values))
    if rest["tree"]:
        set_ways(store)
