"""In-batch negatives against a loop over all pairs, and what is added to V's gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from comparisons import assert_same
from strategies import DIM, VOCAB, block, normal

from jw2v.blocks import in_batch
from jw2v.blocks.tables import RowGrads, Tables, whole_table
from jw2v.blocks.windows import Block, WindowWeights, with_totals

pytestmark = pytest.mark.usefixtures("x64")

SIZE, PASSAGE, WINDOW, NEGATIVES = 12, 2, 2, 5
WORDS = PASSAGE + 2 * WINDOW
LAWS: list[WindowWeights] = ["linear", "dynamic", "fixed"]


def tables() -> Tables:
    return Tables(normal(1, VOCAB, DIM), normal(2, VOCAB, DIM))


def text(weights: WindowWeights = "linear", *, seed: int = 3) -> Block:
    made = block(
        seed,
        size=SIZE,
        window=WINDOW,
        groups=1,
        neg=0,
        drawn_widths=weights == "dynamic",
    )
    ratio = jnp.asarray(np.random.default_rng(seed).uniform(0.5, 3, VOCAB))
    return in_batch.with_ratio(with_totals(made, weights=weights), ratio)


def gradients(block: Block, weights: WindowWeights, *, by_hand: bool) -> tuple[jax.Array, Tables]:
    """The loss, and its gradients by whole tables."""
    kernel = in_batch.kernel(negatives=NEGATIVES, passage=PASSAGE, weights=weights)
    assert kernel.loss_and_grads is not None
    of_rows = kernel.loss_and_grads if by_hand else kernel.loss_and_grads_autodiff
    ids, (V, U) = kernel.ids(block), tables()
    assert ids.outside is not None
    loss, (d_v, d_u) = jax.jit(of_rows)(V[ids.centre], U[ids.outside], block)
    rows = RowGrads(ids.centre, d_v), RowGrads(ids.outside, d_u)
    return loss, Tables(*(whole_table(g, table) for g, table in zip(rows, (V, U), strict=True)))


def loop(block: Block, weights: WindowWeights) -> tuple[float, Tables]:
    """Pair by pair, in NumPy."""
    V, U = map(np.asarray, tables())
    ids, sentence, width = map(np.asarray, (block.ids, block.sentence, block.width))
    ratio = np.asarray(block.ratio)
    d_V, d_U, loss = np.zeros_like(V), np.zeros_like(U), 0.0

    def add(c: int, o: int, weight: float, y: int) -> float:
        score = y * V[c] @ U[o]
        err = weight * y / (1 + np.exp(-score))
        d_V[c] += err * U[o]
        d_U[o] += err * V[c]
        return weight * np.logaddexp(0, score)

    for row in range(SIZE):
        place, total = row + WINDOW, 0.0
        if sentence[place] < 0:
            continue
        for other in range(place - width[row], place + width[row] + 1):
            if other != place and sentence[other] == sentence[place]:
                away = abs(other - place)
                weight = (WINDOW - away + 1) / WINDOW if weights == "linear" else 1.0
                total += weight
                loss += add(ids[place], ids[other], weight, -1)
        first = (row // PASSAGE * PASSAGE + SIZE // 2) % SIZE
        for other in range(first, first + WORDS):
            if sentence[other] != sentence[place]:
                counts = total * NEGATIVES / WORDS * ratio[other]
                loss += add(ids[place], ids[other], counts, 1)
    return loss, Tables(jnp.asarray(d_V), jnp.asarray(d_U))


@pytest.mark.parametrize("weights", LAWS)
@pytest.mark.parametrize("by_hand", [True, False])
def test_it_is_the_loop_over_all_pairs(weights: WindowWeights, by_hand: bool):
    block = text(weights)
    assert_same(gradients(block, weights, by_hand=by_hand), loop(block, weights))


def test_words_of_one_sentence_are_no_negatives_of_each_other():
    block = text()
    one = block._replace(sentence=jnp.zeros_like(block.sentence))
    one = with_totals(one, weights="linear")
    assert one.ratio is not None
    without = one._replace(ratio=jnp.zeros_like(one.ratio))
    assert_same(*(gradients(b, "linear", by_hand=True) for b in (one, without)))


@pytest.mark.parametrize("by_hand", [True, False])
def test_the_mean_changes_the_gradient_of_centres_alone(by_hand: bool):
    block, mean = text(), normal(5, DIM)
    loss, plain = gradients(block, "linear", by_hand=by_hand)
    same, given = gradients(block._replace(mean=mean), "linear", by_hand=by_hand)
    assert_same(same, loss)
    assert_same(given.U, plain.U)
    expected, U = np.array(plain.V), np.asarray(tables().U)
    for row in range(SIZE):
        place = row + WINDOW
        first = (row // PASSAGE * PASSAGE + SIZE // 2) % SIZE
        assert block.ratio is not None
        assert block.total is not None
        common = NEGATIVES * np.asarray(mean)
        for other in range(first, first + WORDS):
            if block.sentence[other] != block.sentence[place]:
                common -= NEGATIVES / WORDS * block.ratio[other] * U[block.ids[other]]
        total = float(block.total[row]) / WINDOW
        expected[block.ids[place]] += in_batch.CONTROL * total * common
    assert_same(given.V, jnp.asarray(expected))


def test_a_word_that_stands_together_with_itself_counts_at_most_so_much():
    ids = np.random.default_rng(0).integers(0, 4, 40)
    sentence = np.repeat([0, 1, -1], [20, 15, 5])
    ratio = np.array([0.3, 1.0, 2.0, 3.5])
    width, none = np.ones(36, int), np.zeros((1, 0), int)
    block = Block(*(jnp.asarray(x) for x in (ids, sentence, width, none)))  # pyright: ignore[reportArgumentType]
    near = in_batch.NEAR
    expected = [
        0
        if s < 0
        else min(ratio[w], in_batch.MOST / np.sum(ids[max(0, i - near) : i + near + 1] == w))
        for i, (w, s) in enumerate(zip(ids, sentence, strict=True))
    ]
    assert_same(in_batch.with_ratio(block, jnp.asarray(ratio)).ratio, jnp.asarray(expected))
