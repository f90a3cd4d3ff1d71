"""The course's functions against NumPy, and the checks that the course ships, as it writes them."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jw2v.compat.cs224n import (
    getNegativeSamples,
    load_saved_params,
    naiveSoftmaxLossAndGradient,
    negSamplingLossAndGradient,
    sgd,
    sigmoid,
    skipgram,
)
from jw2v.errors import UsageError

WORDS = {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}


class Dummy:
    """The course's dummy dataset."""

    def sampleTokenIdx(self) -> int:
        return random.randint(0, 4)

    def getRandomContext(self, C: int) -> tuple[str, list[str]]:
        tokens = ["a", "b", "c", "d", "e"]
        context = [tokens[random.randint(0, 4)] for _ in range(2 * C)]
        return tokens[random.randint(0, 4)], context


def gradcheck_naive(f: Callable[[np.ndarray], tuple[Any, np.ndarray]], x: np.ndarray) -> None:
    """The course's check: central differences, the state of `random` the same in each call."""
    state = random.getstate()
    grad = f(x)[1]
    h = 1e-4
    for place in np.ndindex(*x.shape):
        values = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * h
            random.setstate(state)
            values.append(f(moved)[0])
        numeric = (values[0] - values[1]) / (2 * h)
        worst = max(1, abs(numeric), abs(grad[place]))
        assert abs(numeric - grad[place]) / worst < 1e-5, place


def word2vec_sgd_wrapper(
    model: Callable[..., Any],
    words: dict[str, int],
    vectors: np.ndarray,
    dataset: Dummy,
    size: int,
    loss: Callable[..., Any],
) -> tuple[float, np.ndarray]:
    """The course's, but for its 50 windows."""
    half = len(vectors) // 2
    total, grad = 0.0, np.zeros(vectors.shape)
    for _ in range(5):
        centre, context = dataset.getRandomContext(random.randint(1, size))
        value, d_V, d_U = model(
            centre, size, context, words, vectors[:half], vectors[half:], dataset, loss
        )
        total += value / 5
        grad[:half] += d_V / 5
        grad[half:] += d_U / 5
    return total, grad


@pytest.mark.parametrize("loss", [naiveSoftmaxLossAndGradient, negSamplingLossAndGradient])
def test_the_course_s_gradient_check(loss: Callable[..., Any]):
    random.seed(31415)
    np.random.seed(9265)
    vectors = np.random.randn(10, 3)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    dataset = Dummy()
    gradcheck_naive(lambda x: word2vec_sgd_wrapper(skipgram, WORDS, x, dataset, 5, loss), vectors)


def test_a_wrong_gradient_does_not_pass_the_check():
    with pytest.raises(AssertionError):
        gradcheck_naive(lambda x: (np.sum(x**3), 3 * x), np.ones((2, 2)) * 2)


def test_naive_softmax_is_the_formula():
    rng = np.random.default_rng(1)
    v, U, o = rng.normal(size=3), rng.normal(size=(5, 3)), 2
    p = np.exp(U @ v) / np.exp(U @ v).sum()
    y = np.eye(5)[o]
    loss, d_v, d_U = naiveSoftmaxLossAndGradient(v, o, U, None)
    assert d_v.dtype == d_U.dtype == np.float64
    np.testing.assert_allclose(loss, -np.log(p[o]), rtol=1e-13)
    np.testing.assert_allclose(d_v, U.T @ (p - y), rtol=1e-12)
    np.testing.assert_allclose(d_U, np.outer(p - y, v), rtol=1e-12)


def test_negative_sampling_is_the_formula_with_words_drawn_twice():
    rng = np.random.default_rng(2)
    v, U, o = rng.normal(size=3), rng.normal(size=(5, 3)), 2
    random.seed(3)
    drawn = getNegativeSamples(o, Dummy(), 10)
    assert len(drawn) == 10 > len(set(drawn))
    assert o not in drawn
    random.seed(3)
    loss, d_v, d_U = negSamplingLossAndGradient(v, o, U, Dummy())
    s = 1 / (1 + np.exp(-(U @ v)))
    np.testing.assert_allclose(loss, -np.log(s[o]) - np.log(1 - s[drawn]).sum(), rtol=1e-12)
    np.testing.assert_allclose(d_v, (s[o] - 1) * U[o] + s[drawn] @ U[drawn], rtol=1e-12)
    expected = np.zeros_like(U)
    expected[o] = (s[o] - 1) * v
    for k in drawn:
        expected[k] += s[k] * v
    np.testing.assert_allclose(d_U, expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_sigmoid_keeps_the_shape(shape: tuple[int, ...]):
    x = np.random.default_rng(4).normal(size=shape) * 5
    found = sigmoid(x)
    assert np.shape(found) == shape
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-x)), rtol=1e-13)


@pytest.mark.parametrize("start", [0.0, 0.5, -1.5])
def test_the_course_s_check_of_sgd(start: float, capsys: pytest.CaptureFixture[str]):
    found = sgd(lambda x: (np.sum(x**2), x * 2), start, 0.01, 1000, PRINT_EVERY=100)
    assert abs(found) <= 1e-6
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 10
    assert told[0].startswith("iter 100: ")


def test_sgd_goes_on_from_what_it_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    descend = partial(sgd, lambda x: (np.sum(x**2), x * 2), step=1e-5, PRINT_EVERY=10**6)
    whole = descend(np.ones(3), iterations=7000)
    descend(np.ones(3), iterations=5000, useSaved=True)
    step, saved = load_saved_params()
    assert step == 5000
    assert saved is not None
    np.testing.assert_array_equal(descend(np.zeros(3), iterations=7000, useSaved=True), whole)


def test_sgd_applies_what_is_to_follow_a_step():
    found = sgd(lambda x: (0.0, x * 0), np.ones(2), 0.1, 3, postprocessing=lambda x: x / 2)
    assert found.tolist() == [0.125, 0.125]


def test_sgd_refuses_a_step_of_nothing():
    with pytest.raises(UsageError, match="step 0"):
        sgd(lambda x: (0.0, x), 1.0, 0.0, 1)
