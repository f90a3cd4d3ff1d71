"""A folder that model2vec and sentence-transformers (StaticEmbedding) load: the mean of its words.

`model.safetensors` holds `embeddings`, row i that of token i of `tokenizer.json`, a WordLevel
tokenizer that splits as jw2v does, at ASCII blanks. The last token stands for unknown words, with a
row of zeros: model2vec leaves them out, sentence-transformers averages the zeros, which keeps the
direction. https://github.com/MinishLab/model2vec says what the files are.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open

from jw2v.errors import DataError
from jw2v.files import check_finite, place_of, replacing_together, write_tensors
from jw2v.vectors.disk import make_folder, read_json
from jw2v.vectors.model_card import model_card
from jw2v.vectors.rows import check_word, writable_rows
from jw2v.vectors.table import Vectors

TENSORS, TOKENIZER = "model.safetensors", "tokenizer.json"
_UNKNOWN = "[UNK]"
_NAMES = ("embeddings", "embedding.weight")  # as model2vec and as sentence-transformers save it


def write_model2vec(vectors: Vectors, directory: str | os.PathLike[str]) -> None:
    """Write the centre table as a folder that model2vec and sentence-transformers load.

    Args:
      vectors: the words and their table; `vectors.table("outside")` for the outside table.
      directory: the folder to write to, which is made where it is missing.

    Raises:
      DataError: a word is "[UNK]" or holds a blank, a row holds NaN or Inf, or the folder cannot
        be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_model2vec(Vectors(("king",), np.ones((1, 2), np.float32)), folder)
    ...     sorted(os.listdir(folder))
    ['README.md', 'config.json', 'model.safetensors', 'modules.json', 'tokenizer.json']
    """
    rows = writable_rows(vectors)
    if _UNKNOWN in vectors:
        raise DataError(f"{_UNKNOWN!r} is model2vec's name for unknown words; name yours otherwise")
    texts = {
        "README.md": model_card(vectors),
        "config.json": _json(_config(rows.shape[1])),
        "modules.json": _json(_MODULES),
        TOKENIZER: json.dumps(_tokenizer(vectors.words), ensure_ascii=False),
    }
    folder = make_folder(directory)
    names = (*texts, TENSORS)
    with replacing_together(folder, names) as temporaries:
        paths = dict(zip(names, temporaries, strict=True))
        for name, text in texts.items():
            paths[name].write_text(text, encoding="utf-8")
        unknown = np.zeros((1, rows.shape[1]), np.float32)
        write_tensors({"embeddings": np.concatenate([rows, unknown])}, paths[TENSORS])
        shutil.copymode(paths[TOKENIZER], paths[TENSORS])  # safetensors keeps it to its owner


_MODULES = [
    {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}
]


def _config(dim: int) -> dict[str, Any]:
    return {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": dim,
        "embedding_dtype": "float32",
        "normalize": False,
        "max_length": None,
    }


def _tokenizer(words: tuple[str, ...]) -> dict[str, Any]:
    tokens = (*words, _UNKNOWN)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": r"[ \t\n\r\x0B\x0C]+"},
            "behavior": "Removed",
            "invert": False,
        },
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {token: row for row, token in enumerate(tokens)},
            "unk_token": _UNKNOWN,
        },
    }


def _json(value: Any) -> str:
    return f"{json.dumps(value, indent=2)}\n"


def read_model2vec(directory: str | os.PathLike[str]) -> Vectors:
    """Read such a folder as centre vectors, without the row of unknown words.

    Raises:
      DataError: a file cannot be read, the tokenizer does not split words whole, the table is
        quantized, or the two do not fit.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_model2vec(Vectors(("king",), np.ones((1, 2), np.float32)), folder)
    ...     read_model2vec(folder)["king"].tolist()
    [1.0, 1.0]
    """
    folder = Path(directory)
    tokens, unknown = _read_tokens(place_of(folder, TOKENIZER))
    path = place_of(folder, TENSORS)
    table = _read_table(path, tokens=len(tokens))
    words = tuple(token for token in tokens if token != unknown)
    if not words:
        raise DataError(f"no words ({folder / TOKENIZER}); give a folder with words")
    table = table[[token != unknown for token in tokens]]
    check_finite(os.fspath(path), words, table)
    return Vectors(words, table)


def _read_tokens(path: Path) -> tuple[list[str], str | None]:
    """The tokens by row, and which of them stands for unknown words."""
    model = read_json(path).get("model")
    if not isinstance(model, dict) or model.get("type") != "WordLevel":
        raise DataError(f"the tokenizer's model is not WordLevel ({path}); give whole words")
    vocab = model.get("vocab")
    if not isinstance(vocab, dict) or sorted(vocab.values(), key=str) != sorted(
        range(len(vocab)), key=str
    ):
        raise DataError(f"the tokens are not numbered from 0 on ({path}); write the file again")
    tokens = sorted(vocab, key=vocab.__getitem__)
    for token in tokens:
        check_word(token, (), f"({path})")
    return tokens, model.get("unk_token")


def _read_table(path: Path, *, tokens: int) -> Float[np.ndarray, "token dim"]:
    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            if len(names) != 1 or names[0] not in _NAMES:
                raise DataError(f"{path} holds tensors {names}, not one 'embeddings'; write it so")
            entry = file.get_slice(names[0])
            dtype, shape = entry.get_dtype(), entry.get_shape()
            if dtype not in ("F16", "F32", "F64") or len(shape) != 2 or shape[0] != tokens:
                raise DataError(
                    f"{names[0]} in {path} is {dtype} {shape} for {tokens} tokens; "
                    "save it as F32 [token, dim]"
                )
            table = file.get_tensor(names[0])
    except (SafetensorError, OSError) as error:
        raise DataError(f"cannot read {path}: {error}; write it again") from error
    return table.astype(np.float32) if dtype == "F16" else table
