"""A place in the plane for every word: by UMAP of the nearest neighbours, or on principal axes."""

import warnings
from importlib.util import find_spec
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from jw2v.errors import UsageError, unknown
from jw2v.vectors.neighbors import Neighbors

Layout = Literal["auto", "umap", "pca"]
NEIGHBOURS = 14  # of each word: UMAP's usual 15, which count the word itself
SEED = 1


def places(
    unit: Float[np.ndarray, "word dim"], near: Neighbors, *, layout: Layout
) -> tuple[str, Float[np.ndarray, "word 2"]]:
    """Where the words stand, and by what they were laid out, "UMAP" or "PCA".

    Args:
      unit: the words' vectors, of length 1.
      near: the `NEIGHBOURS` nearest of each, best first.
      layout: "umap", "pca", or "auto": UMAP where it is installed and there are enough words.

    Raises:
      UsageError: there is no such layout, UMAP is not installed, or there are too few words for it.

    >>> from jw2v.vectors.neighbors import Neighbors
    >>> square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    >>> nothing = Neighbors(np.empty((4, 0), np.float32), np.empty((4, 0), np.int32))
    >>> places(square, nothing, layout="pca")[0]
    'PCA'
    """
    if layout not in get_args(Layout):
        raise unknown("layout", layout, get_args(Layout))
    enough = len(unit) > 2 * NEIGHBOURS
    if layout == "umap" and not enough:
        raise UsageError(f"{len(unit)} words are too few for UMAP; lay them out by pca (--layout)")
    if layout == "umap" or (layout == "auto" and enough and find_spec("umap")):
        # Turned: its long axis lies flat, as screens do.
        return "UMAP", spread(pca(umap(unit, near)))
    return "PCA", spread(pca(unit))


def umap(unit: Float[np.ndarray, "word dim"], near: Neighbors) -> Float[np.ndarray, "word 2"]:
    """UMAP of the graph of nearest neighbours, which are given and so are exact; seeded.

    Raises:
      UsageError: it is not installed.
    """
    with warnings.catch_warnings():
        # Neither its network nor placing new points later is wanted here.
        warnings.filterwarnings("ignore", "Tensorflow not installed|precomputed_knn")
        try:
            # An extra: it brings a compiler.
            from umap import UMAP  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise UsageError(
                "umap-learn is not installed; pip install 'jw2v[map]', or take pca (--layout)"
            ) from error
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
