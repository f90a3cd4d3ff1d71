"""The page: one HTML file with every word, its place, its nearest neighbours and its cluster."""

import base64
import gzip
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from jw2v.errors import DataError, UsageError
from jw2v.files import check_finite, replacing
from jw2v.vectors.map.clusters import clusters, names
from jw2v.vectors.map.layout import NEIGHBOURS, By, Layout, chosen, installed, places
from jw2v.vectors.neighbors import nearest
from jw2v.vectors.pages import filled, text_of
from jw2v.vectors.table import Vectors

LOG = logging.getLogger("jw2v")
SHOWN = 8  # neighbours of a word that the page knows
COLOURS = 12  # clusters: more colours than that are not told apart
BATCH = 512  # queries at once: fewer products, and larger
PARTS = {
    "library": "regl-scatterplot.min.js",
    "licence": "regl-scatterplot.LICENSE.txt",
    "script": "map.js",
    "own_style": "map.css",
}


def write_map(
    vectors: Vectors,
    path: str | os.PathLike[str],
    *,
    layout: Layout = "auto",
    words: int | None = None,
) -> By:
    """Write the words as a map that a browser opens from disk: one file, no network.

    Neighbours in the page are by cosine in the full space, among the words of the map.

    Args:
      vectors: the words and their table; `vectors.table("outside")` for the outside table.
      path: of the file.
      layout: "umap", "pca", or "auto": UMAP where it is installed (the extra `map`), else PCA.
      words: how many, the most frequent ones; all by default.

    Returns:
      By what the words were laid out, "UMAP" or "PCA".

    Raises:
      UsageError: there is no such layout, it is not installed, or `words` is below 1.
      DataError: there is no word, a row holds NaN or Inf, or the file cannot be written.

    >>> import tempfile
    >>> vectors = Vectors(("king", "queen"), np.eye(2, dtype=np.float32))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_map(vectors, Path(folder) / "map.html", layout="pca")
    'PCA'
    """
    if words is not None and words < 1:
        raise UsageError(f"words is {words}; give 1 or more (--words)")
    if not vectors.vectors.size:
        raise DataError(f"there is nothing to show of {vectors!r}; train on a text with words")
    check_finite("the table", vectors.words, vectors.vectors)
    rows = _most_frequent(vectors, words)
    by = chosen(layout, words=len(rows))
    LOG.info("laying out %s words by %s", f"{len(rows):,}", _said(by))
    with replacing(Path(path)) as temporary:
        temporary.write_text(_page(vectors, rows, by), encoding="utf-8")
    return by


def _most_frequent(vectors: Vectors, words: int | None) -> Int[np.ndarray, " word"]:
    if vectors.counts is None:
        return np.arange(len(vectors))[:words]
    return np.argsort(-vectors.counts, kind="stable")[:words]


def _page(vectors: Vectors, rows: Int[np.ndarray, " word"], by: By) -> str:
    unit = vectors.unit[rows]
    near = nearest(
        unit,
        np.arange(len(rows))[:, None],
        np.ones(1, np.float32),
        topn=min(NEIGHBOURS, len(rows) - 1),
        batch=BATCH,
    )
    place = places(np.asarray(unit), near, by=by)
    cluster = clusters(unit, count=COLOURS)
    counts = None if vectors.counts is None else vectors.counts[rows].tolist()
    data = {
        "words": packed(json.dumps([vectors.words[row] for row in rows]).encode()),
        "counts": packed(json.dumps(counts).encode()),
        "places": packed(np.round((place + 1) / 2 * 0xFFFF).astype("<u2").tobytes()),
        "near": packed(near.ids[:, :SHOWN].astype("<u4").tobytes()),
        "cosines": packed(np.round(100 * near.scores[:, :SHOWN]).astype("i1").tobytes()),
        "clusters": packed(cluster.astype("u1").tobytes()),
        "names": names(unit, cluster, count=COLOURS),
    }
    return _html(data, f"{len(rows):,}", _facts(vectors, len(rows), by))


def _facts(vectors: Vectors, count: int, by: By) -> str:
    vocab, dim = vectors.vectors.shape
    those = "" if count == vocab else f" (the most frequent of {vocab:,})"
    return (
        f"{count:,} words{those}, {dim} numbers each. Laid out by {_said(by)}. "
        f"Colours are {min(COLOURS, count)} clusters of directions (k-means). A plane cannot keep "
        "all distances: the neighbours listed are by cosine of the whole vectors."
    )


def _said(by: By) -> str:
    return by if installed() else f"{by}; pip install 'jw2v[map]' for UMAP"


def _html(data: dict[str, Any], count: str, facts: str) -> str:
    """The policy lets nothing be loaded, and no script run but the page's own two."""
    parts = {name: text_of(f"map/{file}") for name, file in PARTS.items()}
    # The library compiles what it draws with.
    scripts = f"'unsafe-eval' {_hash(parts['library'])} {_hash(parts['script'])}"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src {scripts}"
    return filled(
        "map/map.html", **parts, data=json.dumps(data), policy=policy, count=count, facts=facts
    )


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def packed(data: bytes) -> str:
    """Bytes, compressed, in base64: what the page unpacks, and never markup.

    >>> gzip.decompress(base64.b64decode(packed(b"</script>")))
    b'</script>'
    """
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()
