"""A place in the plane for every word: by UMAP of the nearest neighbours, or on principal axes."""

import warnings
from importlib.util import find_spec
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from jw2v.errors import UsageError, unknown
from jw2v.vectors.neighbors import Neighbors

Layout = Literal["auto", "umap", "pca"]
By = Literal["UMAP", "PCA"]
NEIGHBOURS = 14  # of each word: UMAP's usual 15, which count the word itself
SEED = 1


def chosen(layout: Layout, *, words: int) -> By:
    """By what so many words are laid out: "auto" is UMAP where it is installed and can be used.

    Raises:
      UsageError: there is no such layout, UMAP is not installed, or there are too few words for it.

    >>> chosen("auto", words=10)
    'PCA'
    """
    if layout not in get_args(Layout):
        raise unknown("layout", layout, get_args(Layout))
    enough = words > 2 * NEIGHBOURS
    if layout == "umap" and not enough:
        raise UsageError(f"{words} words are too few for UMAP; lay them out by pca (--layout)")
    if layout == "umap" and not installed():
        raise UsageError(
            "umap-learn is not installed; pip install 'jw2v[map]', or take pca (--layout)"
        )
    return "UMAP" if layout != "pca" and enough and installed() else "PCA"


def installed() -> bool:
    """Whether UMAP is there, which the extra `map` brings."""
    return find_spec("umap") is not None


def places(
    unit: Float[np.ndarray, "word dim"], near: Neighbors, *, by: By
) -> Float[np.ndarray, "word 2"]:
    """Where words stand, in the square from -1 to 1.

    Args:
      unit: their vectors, of length 1.
      near: the `NEIGHBOURS` nearest of each, best first.
      by: what lays them out.

    >>> square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    >>> nothing = Neighbors(np.empty((4, 0), np.float32), np.empty((4, 0), np.int32))
    >>> np.abs(places(square, nothing, by="PCA")).max(axis=0).round(6).tolist()
    [1.0, 1.0]
    """
    # UMAP's are turned, so that their long axis lies flat, as screens do.
    return spread(pca(umap(unit, near) if by == "UMAP" else unit))


def umap(unit: Float[np.ndarray, "word dim"], near: Neighbors) -> Float[np.ndarray, "word 2"]:
    """UMAP of the graph of nearest neighbours, which are given and so are exact; seeded."""
    with warnings.catch_warnings():
        # Neither its network nor placing new points later is wanted here.
        warnings.filterwarnings("ignore", "Tensorflow not installed|precomputed_knn")
        # An extra: it brings a compiler.
        from umap import UMAP  # pyright: ignore[reportMissingImports]

        itself = np.arange(len(unit), dtype=np.int32)[:, None]
        ids = np.hstack([itself, near.ids])
        distances = np.hstack([np.zeros_like(itself), np.maximum(0, 1 - near.scores)])
        model = UMAP(
            n_neighbors=ids.shape[1],
            metric="cosine",
            precomputed_knn=(ids, distances.astype(np.float32)),
            force_approximation_algorithm=True,  # else few words are compared anew
            random_state=SEED,
            n_jobs=1,
        )
        return np.asarray(model.fit_transform(unit))


def pca(unit: Float[np.ndarray, "word dim"]) -> Float[np.ndarray, "word 2"]:
    """The first two principal components; the largest entry of either axis is positive.

    >>> pca(np.array([[2.0, 0.0], [0.0, 1.0], [-2.0, 0.0], [0.0, -1.0]])).round(6).tolist()
    [[2.0, 0.0], [0.0, 1.0], [-2.0, 0.0], [0.0, -1.0]]
    """
    centred = unit - unit.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    first = axes[:, :-3:-1]
    first *= np.sign(first[np.abs(first).argmax(axis=0), np.arange(first.shape[1])])
    components = centred @ first
    return np.pad(components, ((0, 0), (0, 2 - components.shape[1])))


def spread(points: Float[np.ndarray, "word 2"]) -> Float[np.ndarray, "word 2"]:
    """Move and scale points into the square from -1 to 1, shapes kept.

    >>> spread(np.array([[5.0, 1.0], [9.0, 3.0]])).tolist()
    [[-1.0, -0.5], [1.0, 0.5]]
    """
    low, high = points.min(axis=0), points.max(axis=0)
    half = (high - low).max() / 2
    return (points - (low + high) / 2) / (half if half > 0 else 1)
