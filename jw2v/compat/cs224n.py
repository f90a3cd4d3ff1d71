"""The functions of CS224n's assignment 2, word2vec.py and sgd.py, by the course's names.

Arguments in the course's order, NumPy in and out, in float64; the sums are done by `jw2v.losses`,
and rows become whole tables by `jw2v.blocks.tables`, so that the course's own checks run as they
are. `dataset` is whatever the course's is: all that is asked of it is `sampleTokenIdx()`.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from jw2v import losses
from jw2v.blocks.tables import RowGrads, whole_table
from jw2v.errors import UsageError

SAVE_PARAMS_EVERY = 5000  # steps between two saves of `sgd`
ANNEAL_EVERY = 20_000  # steps after which `sgd` halves its step


@runtime_checkable
class Dataset(Protocol):
    """What is asked of the course's `dataset`."""

    def sampleTokenIdx(self) -> int:
        """The id of a word, drawn by the noise law."""
        ...


LossAndGradient = Callable[..., tuple[Any, Any, Any]]
"""`(centerWordVec, outsideWordIdx, outsideVectors, dataset) -> (loss, d_v_c, d_U)`."""


def sigmoid(x: Any) -> Any:
    """σ, entry by entry.

    >>> sigmoid(np.array([0.0, -1000.0]))
    array([0.5, 0. ])
    """
    with jax.enable_x64(True):
        values = jnp.ravel(jnp.asarray(x, jnp.float64))
        return np.asarray(jax.vmap(losses.sigmoid.loss)(values)).reshape(np.shape(x))[()]


def naiveSoftmaxLossAndGradient(
    centerWordVec: np.ndarray, outsideWordIdx: int, outsideVectors: np.ndarray, dataset: Any
) -> tuple[float, np.ndarray, np.ndarray]:
    """The loss of a pair, ∂J/∂v_c and ∂J/∂U, parts (a) to (d).

    >>> loss, d_v_c, d_U = naiveSoftmaxLossAndGradient(np.ones(2), 0, np.zeros((4, 2)), None)
    >>> round(loss, 4), d_U[:, 0].tolist()
    (1.3863, [-0.75, 0.25, 0.25, 0.25])
    """
    with jax.enable_x64(True):
        v_c, U = (jnp.asarray(x, jnp.float64) for x in (centerWordVec, outsideVectors))
        loss, (d_v_c, d_U) = losses.naive_softmax.loss_and_grads(v_c, outsideWordIdx, U)
        return float(loss), np.array(d_v_c), np.array(d_U)


def getNegativeSamples(outsideWordIdx: int, dataset: Dataset, K: int) -> list[int]:
    """K ids drawn from the dataset, none of them that of the outside word.

    >>> import random
    >>> class Two:
    ...     def sampleTokenIdx(self):
    ...         return random.randint(0, 1)
    >>> getNegativeSamples(0, Two(), 3)
    [1, 1, 1]
    """
    drawn: list[int] = []
    while len(drawn) < K:
        word = dataset.sampleTokenIdx()
        if word != outsideWordIdx:
            drawn.append(word)
    return drawn


def negSamplingLossAndGradient(
    centerWordVec: np.ndarray,
    outsideWordIdx: int,
    outsideVectors: np.ndarray,
    dataset: Dataset,
    K: int = 10,
) -> tuple[float, np.ndarray, np.ndarray]:
    """The loss of a pair with K negatives, ∂J/∂v_c and ∂J/∂U, parts (f) and (g).

    >>> class One:
    ...     def sampleTokenIdx(self):
    ...         return 1
    >>> _, _, d_U = negSamplingLossAndGradient(np.ones(2), 0, np.zeros((3, 2)), One(), K=4)
    >>> d_U[:, 0].tolist()  # a word drawn four times has the sum of its rows
    [-0.5, 2.0, 0.0]
    """
    ids = np.array([outsideWordIdx, *getNegativeSamples(outsideWordIdx, dataset, K)], np.int32)
    with jax.enable_x64(True):
        v_c, U = (jnp.asarray(x, jnp.float64) for x in (centerWordVec, outsideVectors))
        rows = U[ids]
        loss, (d_v_c, d_u_o, d_u_neg) = losses.negative_sampling.loss_and_grads(
            v_c, rows[0], rows[1:]
        )
        d_U = whole_table(RowGrads(jnp.asarray(ids), jnp.vstack([d_u_o, d_u_neg])), U)
        return float(loss), np.array(d_v_c), np.array(d_U)


def skipgram(
    currentCenterWord: str,
    windowSize: int,
    outsideWords: Sequence[str],
    word2Ind: Mapping[str, int],
    centerWordVectors: np.ndarray,
    outsideVectors: np.ndarray,
    dataset: Any,
    word2vecLossAndGradient: LossAndGradient = naiveSoftmaxLossAndGradient,
) -> tuple[float, np.ndarray, np.ndarray]:
    """The loss of a window, ∂J/∂V and ∂J/∂U, part (h).

    >>> V, U, words = np.ones((3, 2)), np.zeros((3, 2)), {"a": 0, "b": 1, "c": 2}
    >>> loss, d_V, d_U = skipgram("c", 1, ["a", "b"], words, V, U, None)
    >>> round(loss, 4), d_V.shape, d_U[:, 0].round(3).tolist()
    (2.1972, (3, 2), [-0.333, -0.333, 0.667])
    """
    centre = word2Ind[currentCenterWord]
    loss, d_V, d_U = 0.0, np.zeros_like(centerWordVectors), np.zeros_like(outsideVectors)
    for word in outsideWords:
        of_pair, d_v_c, d_u = word2vecLossAndGradient(
            centerWordVectors[centre], word2Ind[word], outsideVectors, dataset
        )
        loss += of_pair
        d_V[centre] += d_v_c
        d_U += d_u
    return loss, d_V, d_U


def load_saved_params(folder: str | Path = ".") -> tuple[int, np.ndarray | None]:
    """The last step that `sgd` saved in a folder, and its parameters; 0 and None where none is.

    >>> load_saved_params("nowhere")
    (0, None)
    """
    saved = {int(path.stem.split("_")[2]): path for path in Path(folder).glob("saved_params_*.npy")}
    if not saved:
        return 0, None
    last = max(saved)
    return last, np.load(saved[last], allow_pickle=False)


def sgd(
    f: Callable[[Any], tuple[Any, Any]],
    x0: Any,
    step: float,
    iterations: int,
    postprocessing: Callable[[Any], Any] | None = None,
    useSaved: bool = False,
    PRINT_EVERY: int = 10,
) -> Any:
    """Gradient descent on a function that gives its value and its gradient.

    As in the course, the step is halved every 20,000 iterations, `postprocessing` is applied to
    what each step gives, and `useSaved` saves the parameters in `saved_params_N.npy` of the working
    folder each 5,000 steps, and goes on from the last of them. The state of `random` is not kept
    with them: that would be a pickle.

    Raises:
      UsageError: the step or the iterations are out of range.

    >>> sgd(lambda x: (np.sum(x**2), x * 2), 0.5, 0.01, 1000, PRINT_EVERY=1000)
    iter 1000: 0.000000
    8.4...e-10
    """
    if not step > 0 or iterations < 0:
        raise UsageError(f"step {step}, iterations {iterations}; give a step above 0, 0 or more")
    start, saved = load_saved_params() if useSaved else (0, None)
    x = x0 if saved is None else saved
    step *= 0.5 ** (start // ANNEAL_EVERY)
    shown: float | None = None
    for iteration in range(start + 1, iterations + 1):
        loss, gradient = f(x)
        x = x - step * gradient
        x = x if postprocessing is None else postprocessing(x)
        shown = loss if shown is None else 0.95 * shown + 0.05 * loss
        if iteration % PRINT_EVERY == 0:
            print(f"iter {iteration}: {shown:f}")
        if useSaved and iteration % SAVE_PARAMS_EVERY == 0:
            np.save(f"saved_params_{iteration}.npy", x)
        if iteration % ANNEAL_EVERY == 0:
            step *= 0.5
    return x
