"""Vectors in a folder: `vectors.safetensors`, `vocab.txt`, `run.json`; readable by anything."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
from jaxtyping import Int
from safetensors import SafetensorError, safe_open

from jw2v.corpus.subwords import Ngrams
from jw2v.errors import DataError
from jw2v.files import (
    check_finite,
    check_words,
    numbered_lines,
    place_of,
    replacing_together,
    write_tensors,
)
from jw2v.vectors.disk import make_folder, read_json
from jw2v.vectors.ngrams import TENSORS as NGRAMS
from jw2v.vectors.ngrams import NgramRows, check_finite_rows
from jw2v.vectors.table import Vectors

FILES = TABLES, _VOCAB, _RUN = "vectors.safetensors", "vocab.txt", "run.json"


def save(vectors: Vectors, directory: str | os.PathLike[str]) -> None:
    """Write vectors to a folder, which is made where it is missing.

    `vectors.safetensors` holds V and, where present, U and the n-grams; `vocab.txt` one `word
    count` a line, or only `word` where counts are not known; `run.json` the run. Whatever fails,
    `read_folder` finds all three of the old save or of the new; a checksum over all of them tells
    it when they were mixed.

    Raises:
      DataError: a word that `vocab.txt` cannot hold, a row with NaN or Inf, a run that JSON cannot
        hold, or a folder that cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Vectors(("king",), np.ones((1, 2), np.float32), run={"epochs": 5}), folder)
    ...     read_folder(folder).run
    {'epochs': 5}
    """
    tables = {"V": vectors.vectors} | ({} if vectors.outside is None else {"U": vectors.outside})
    tables = {name: np.ascontiguousarray(table) for name, table in tables.items()}
    check_words(vectors.words)
    for name, table in tables.items():
        check_finite(name, vectors.words, table)
    if vectors.ngrams is not None:
        check_finite_rows(vectors.ngrams, "these vectors")
        tables |= vectors.ngrams.tensors()
    vocab, run = _vocab_text(vectors), _run_text(vectors)
    folder = make_folder(directory)
    with replacing_together(folder, FILES) as (tables_path, vocab_path, run_path):
        run_path.write_bytes(run)
        vocab_path.write_bytes(vocab)
        write_tensors(tables, tables_path, metadata={"sha256": _checksum(run + vocab, tables)})
        shutil.copymode(vocab_path, tables_path)  # safetensors would keep the file to its owner


def _vocab_text(vectors: Vectors) -> bytes:
    if vectors.counts is None:
        lines = [f"{word}\n" for word in vectors.words]
    else:
        counts = vectors.counts.tolist()
        lines = [f"{word} {count}\n" for word, count in zip(vectors.words, counts, strict=True)]
    return "".join(lines).encode()


def _run_text(vectors: Vectors) -> bytes:
    try:
        text = json.dumps(dict(vectors.run), indent=2, ensure_ascii=False, allow_nan=False)
        return f"{text}\n".encode()
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the run holds what JSON cannot: {error}; give numbers that are finite, text, lists"
        ) from error


def _checksum(texts: bytes, tables: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(texts)
    for name in sorted(tables):
        digest.update(tables[name].data)
    return digest.hexdigest()


def read_folder(directory: str | os.PathLike[str]) -> Vectors:
    """Read the vectors that `save` wrote to a folder, bit for bit.

    Raises:
      DataError: a file is missing, damaged, or does not fit the others.

    >>> read_folder("no/such/folder")
    Traceback (most recent call last):
    ...
    jw2v.errors.DataError: no/such/folder has no vectors.safetensors; give a folder that jw2v ...
    """
    folder = Path(directory)
    places = [place_of(folder, name) for name in FILES]
    for name, place in zip(FILES, places, strict=True):
        if not place.is_file():
            raise DataError(f"{folder} has no {name}; give a folder that jw2v wrote (--out)")
    tables_path, vocab_path, run_path = places
    run = read_json(run_path)
    words, counts = _read_vocab(vocab_path)
    tables, checksum = _read_tables(tables_path, words=len(words))
    for name in ("V", "U"):
        if name in tables:
            check_finite(f"{tables_path} ({name})", words, tables[name])
    texts = run_path.read_bytes() + vocab_path.read_bytes()
    if checksum not in (None, _checksum(texts, tables)):
        raise DataError(
            f"{folder / TABLES}, {_VOCAB} and {_RUN} are damaged or not of one save (their "
            "checksum differs); save them again"
        )
    ngrams = _ngrams(tables, tables_path) if set(NGRAMS) <= set(tables) else None
    return Vectors(words, tables["V"], tables.get("U"), counts, run, ngrams)


def _ngrams(tables: dict[str, np.ndarray], path: Path) -> NgramRows:
    buckets, kind, rows = (tables[name] for name in NGRAMS)
    try:
        ngrams = NgramRows(Ngrams(*kind.tolist()), buckets, rows)
    except DataError as error:
        raise DataError(f"in {path} {error}") from error
    check_finite_rows(ngrams, str(path))
    return ngrams


def _read_vocab(path: Path) -> tuple[tuple[str, ...], Int[np.ndarray, " vocab"] | None]:
    """Words and counts; no counts where no line has one, 0 where only this line has none."""
    seen: dict[str, int | None] = {}
    for number, line in numbered_lines(path):
        word, blank, count = line.rstrip("\r\n").partition(" ")
        if not word or (blank and not (count.isascii() and count.isdigit() and len(count) < 19)):
            raise DataError(f"not 'word count' ({path}:{number}); save the vectors again")
        if word in seen:
            raise DataError(f"{word!r} is there twice ({path}:{number}); keep one row per word")
        seen[word] = int(count) if blank else None
    counts = list(seen.values())
    if all(count is None for count in counts):
        return tuple(seen), None
    return tuple(seen), np.array([count or 0 for count in counts], np.int64)


def _read_tables(path: Path, *, words: int) -> tuple[dict[str, np.ndarray], str | None]:
    """The arrays by name, checked by their header before a number is read, and the checksum."""
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in sorted(file.keys())}
            header = {name: (s.get_dtype(), s.get_shape()) for name, s in slices.items()}
            _check_header(header, path, words=words)
            tables = {name: file.get_tensor(name) for name in header}
            return tables, (file.metadata() or {}).get("sha256")
    except (SafetensorError, OSError) as error:
        raise DataError(f"cannot read {path}: {error}; save the vectors again") from error


Header = dict[str, tuple[str, list[int]]]
"""Dtype and shape of the arrays of a file."""


def _check_header(header: Header, path: Path, *, words: int) -> None:
    tables = {name: header[name] for name in header if name not in NGRAMS}
    others = [name for name in NGRAMS if name in header]
    if list(tables) not in (["V"], ["U", "V"]) or others not in ([], list(NGRAMS)):
        names = list(header)
        raise DataError(f"{path} holds tensors {names} in place of V and U; save it again")
    _, of_V = tables["V"]
    for name, (dtype, shape) in tables.items():
        if dtype not in ("F32", "F64") or len(shape) != 2 or shape != of_V:
            raise DataError(
                f"{name} in {path} is {dtype} {shape}; save it as F32 or F64 [vocab, dim]"
            )
    if of_V[0] != words:
        raise DataError(
            f"{path} has {of_V[0]} rows and {_VOCAB} {words} words; take both from one save"
        )
    if others:
        _check_ngram_header(header, path)


def _check_ngram_header(header: Header, path: Path) -> None:
    dtype, (_, dim) = header["V"]
    used = header["ngrams"][1][:1]
    due = dict(zip(NGRAMS, (("I64", used), ("I64", [3]), (dtype, [*used, dim])), strict=True))
    for name, (dtype, shape) in due.items():
        if header[name] != (dtype, shape):
            found, its = header[name]
            raise DataError(f"{name} in {path} is {found} {its}; save it as {dtype} {shape}")
