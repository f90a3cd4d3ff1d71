"""Every kernel: by hand = by autodiff = a loop over pairs, in loss and whole-table gradients."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from comparisons import assert_bitwise_zero, assert_same
from strategies import DIM, VOCAB, block, normal, with_ways

from jw2v.blocks import inward, naive_softmax, negative_sampling, windowed
from jw2v.blocks.kernel import Kernel, KernelGrads
from jw2v.blocks.tables import RowGrads, Tables, whole_table
from jw2v.blocks.windows import Block, WindowWeights, with_totals
from jw2v.losses.hierarchical_softmax import PAIR as HIERARCHICAL_SOFTMAX
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss

pytestmark = pytest.mark.usefixtures("x64")

# "fixed" is "dynamic" at full widths; `test_windows.py` has all three.
LAWS: list[WindowWeights] = ["linear", "dynamic"]
WINDOW, GROUPS, NEG = 2, 2, 3
NEGATIVES = 5  # K; the block draws NEG rows, each weighted K / NEG
WEIGHTED = Loss(
    partial(NEGATIVE_SAMPLING.loss, neg_weight=NEGATIVES / NEG),
    partial(NEGATIVE_SAMPLING.loss_and_grads, neg_weight=NEGATIVES / NEG),  # type: ignore[arg-type]
)


def own_loss(v_c: jax.Array, u_ctx: jax.Array, u_neg: jax.Array, weight: jax.Array) -> jax.Array:
    """A window loss that is no sum over pairs: the contexts act through their weighted sum."""
    score, score_neg = (weight @ u_ctx) @ v_c, u_neg @ v_c
    return jnp.sum(weight) * (jax.nn.softplus(-score) + jnp.sum(jax.nn.softplus(score_neg)))


def own_loss_and_grads(
    v_c: jax.Array, u_ctx: jax.Array, u_neg: jax.Array, weight: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array, jax.Array]]:
    context, total = weight @ u_ctx, jnp.sum(weight)
    err = -total * jax.nn.sigmoid(-(context @ v_c))
    err_neg = total * jax.nn.sigmoid(u_neg @ v_c)
    d_v_c = err * context + err_neg @ u_neg
    gradients = d_v_c, err * jnp.outer(weight, v_c), jnp.outer(err_neg, v_c)
    return own_loss(v_c, u_ctx, u_neg, weight), gradients


NEGATIVE_COLUMNS = inward.negatives(NEGATIVES)
OWN = Loss(own_loss, own_loss_and_grads, over="window")
KERNELS: dict[str, Callable[..., Kernel]] = {
    "negative_sampling": partial(negative_sampling.kernel, negatives=NEGATIVES),
    "naive_softmax": partial(naive_softmax.kernel, chunk=4),
    "reverse": partial(inward.kernel, rows=inward.EACH, columns=NEGATIVE_COLUMNS),
    "reverse tree": partial(inward.kernel, rows=inward.EACH, columns=inward.tree()),
    "cbow": partial(inward.kernel, rows=inward.bag(), columns=NEGATIVE_COLUMNS),
    "cbow, sum": partial(inward.kernel, rows=inward.bag(mean=False), columns=NEGATIVE_COLUMNS),
    "cbow tree": partial(inward.kernel, rows=inward.bag(), columns=inward.tree()),
    "cbow naive_softmax": partial(naive_softmax.bag_kernel, chunk=4),
    "reverse naive_softmax": partial(naive_softmax.reverse_kernel, chunk=4),
    "windowed negative_sampling": partial(windowed.kernel, WEIGHTED),
    "windowed reverse": partial(windowed.reverse_kernel, WEIGHTED),
    "windowed reverse tree": partial(windowed.reverse_kernel, HIERARCHICAL_SOFTMAX),
    "windowed reverse naive_softmax": partial(windowed.reverse_kernel, NAIVE_SOFTMAX),
    "windowed cbow": partial(windowed.bag_kernel, WEIGHTED),
    "windowed cbow tree": partial(windowed.bag_kernel, HIERARCHICAL_SOFTMAX),
    "windowed cbow, sum": partial(windowed.bag_kernel, WEIGHTED, mean=False),
    "windowed cbow naive_softmax": partial(windowed.bag_kernel, NAIVE_SOFTMAX),
    "windowed naive_softmax": partial(windowed.kernel, NAIVE_SOFTMAX),
    "windowed window loss": partial(windowed.kernel, OWN),
}
ORACLES: dict[str, Callable[..., Any]] = {
    "negative_sampling": partial(oracles.block_negative_sampling, negatives=NEGATIVES),
    "naive_softmax": oracles.block_naive_softmax,
    "reverse": partial(oracles.block_reverse, told=oracles.by_negatives(NEGATIVES)),
    "reverse tree": partial(oracles.block_reverse, told=oracles.by_tree),
    "cbow": partial(oracles.block_cbow, told=oracles.by_negatives(NEGATIVES), mean=True),
    "cbow, sum": partial(oracles.block_cbow, told=oracles.by_negatives(NEGATIVES), mean=False),
    "cbow tree": partial(oracles.block_cbow, told=oracles.by_tree, mean=True),
    "cbow naive_softmax": partial(oracles.block_cbow, told=oracles.by_softmax, mean=True),
    "reverse naive_softmax": partial(oracles.block_reverse, told=oracles.by_softmax),
}


def tables() -> Tables:
    return Tables(normal(1, VOCAB, DIM), normal(2, VOCAB, DIM))


def text(size: int = 20, *, groups: int = GROUPS, drawn_widths: bool = True) -> Block:
    drawn = {"groups": groups, "neg": NEG, "drawn_widths": drawn_widths}
    return with_ways(block(3, size=size, window=WINDOW, **drawn))


def gathered(kernel: Kernel, tables: Tables, block: Block) -> tuple[jax.Array, jax.Array]:
    ids = kernel.ids(block)
    return tables.V[ids.centre], tables.U if ids.outside is None else tables.U[ids.outside]


def table_gradients(
    kernel: Kernel, side: KernelGrads | None, tables: Tables, block: Block
) -> tuple[jax.Array, Tables]:
    """Loss and whole-table gradients by one side of a kernel."""
    assert side is not None
    ids = kernel.ids(block)
    loss, (d_v, d_u) = side(*gathered(kernel, tables, block), block)
    d_U = d_u if ids.outside is None else RowGrads(ids.outside, d_u)
    whole = whole_table(RowGrads(ids.centre, d_v), tables.V), whole_table(d_U, tables.U)
    return loss, Tables(*whole)


@cache
def compiled(name: str, weights: WindowWeights) -> Callable[..., tuple[jax.Array, Tables]]:
    kernel = KERNELS[name](weights=weights)
    return jax.jit(partial(table_gradients, kernel, kernel.loss_and_grads))


def by_hand(name: str, block: Block, weights: WindowWeights = "linear") -> tuple[jax.Array, Tables]:
    return compiled(name, weights)(tables(), block)


@pytest.mark.parametrize("weights", LAWS)
def test_weights_that_were_summed_before_give_the_same(weights: WindowWeights):
    summed = with_totals(text(), weights=weights)
    assert_same(
        by_hand("negative_sampling", summed, weights),
        by_hand("negative_sampling", text(), weights),
        rtol=1e-12,
    )
    assert summed.total is not None
    wrong = by_hand("negative_sampling", summed._replace(total=2 * summed.total), weights)
    with pytest.raises(AssertionError):
        assert_same(wrong, by_hand("negative_sampling", text(), weights))


@pytest.mark.parametrize("name", KERNELS)
def test_rows_by_hand_are_rows_by_autodiff(name: str):
    kernel = KERNELS[name]()

    @jax.jit
    def both(tables: Tables, block: Block) -> Any:
        rows = gathered(kernel, tables, block)
        assert kernel.loss_and_grads is not None
        return tuple(
            side(*rows, block) for side in (kernel.loss_and_grads, kernel.loss_and_grads_autodiff)
        )

    hand, autodiff = both(tables(), text())
    # Rows of masked pairs are exact zeros, of either sign, on both sides.
    assert_same(hand, autodiff, rtol=1e-11)


@pytest.mark.parametrize("name", KERNELS)
def test_table_gradients_are_autodiff_of_the_loss_of_the_tables(name: str):
    kernel = KERNELS[name]()

    def of_tables(tables: Tables) -> jax.Array:
        return kernel.loss(*gathered(kernel, tables, text()), text())

    autodiff = jax.jit(jax.value_and_grad(of_tables))(tables())
    assert_same(by_hand(name, text()), autodiff, rtol=1e-11)


@pytest.mark.parametrize("weights", LAWS)
@pytest.mark.parametrize("name", ORACLES)
def test_block_kernel_is_the_windowed_kernel(name: str, weights: WindowWeights):
    windowed_kernel = by_hand(f"windowed {name}", text(), weights)
    assert_same(by_hand(name, text(), weights), windowed_kernel, rtol=1e-11)


@pytest.mark.parametrize("weights", LAWS)
@pytest.mark.parametrize("name", ORACLES)
def test_block_kernel_is_the_loop_over_all_pairs(name: str, weights: WindowWeights):
    """The gradients by a complex step of the loop: no algebra is shared with either side."""
    loop = partial(ORACLES[name], block=text(), weights=weights)
    V, U = map(np.asarray, tables())
    d_V, d_U = map(jnp.asarray, oracles.complex_step(loop, (V, U), (0, 1)))
    expected = np.float64(loop(V, U)), Tables(d_V, d_U)
    assert_same(by_hand(name, text(), weights), expected, rtol=1e-11)


@pytest.mark.parametrize(
    ("size", "groups"),
    [(64, 2), (6, 2), (7, 7), (1, 1)],
    ids=["two tiles of 32", "tiles of 2", "tiles of 1", "one centre"],
)
def test_negative_sampling_is_the_same_whatever_the_tiles(size: int, groups: int):
    got = text(size, groups=groups)
    # The text of one centre is its padding; let it be a word.
    got = got._replace(sentence=jnp.abs(got.sentence)) if size == 1 else got
    loss, gradients = by_hand("negative_sampling", got)
    assert loss > 0
    windowed_kernel = by_hand("windowed negative_sampling", got)
    assert_same((loss, gradients), windowed_kernel, rtol=1e-11)


@pytest.mark.parametrize("tile", [1, 2, 5, 10])
@pytest.mark.parametrize("name", ["negative_sampling", "reverse", "reverse tree", "cbow"])
def test_a_group_of_tiles_is_a_tile_as_large(name: str, tile: int):
    """Two groups of ten centres: their negatives are shared by all tiles of a group."""
    kernel = KERNELS[name](tile=tile)
    got = jax.jit(partial(table_gradients, kernel, kernel.loss_and_grads))(tables(), text())
    assert_same(got, by_hand(name, text()), rtol=1e-11)


@pytest.mark.parametrize("name", KERNELS)
def test_words_that_are_not_used_have_gradient_zero(name: str):
    kernel, got = KERNELS[name](), text()
    assert got.paths is not None
    ways = got.paths._replace(nodes=got.paths.nodes % 3)
    few_words = got._replace(ids=got.ids % 3, neg_ids=5 + got.neg_ids % 2, paths=ways)
    _, (d_V, d_U) = by_hand(name, few_words)
    assert_bitwise_zero(jnp.abs(d_V[3:]))
    if kernel.ids(few_words).outside is not None:
        assert_bitwise_zero(jnp.abs(d_U[jnp.array([3, 4, 7, 8, 9, 10])]))


@pytest.mark.parametrize("name", KERNELS)
def test_padding_alone_has_loss_and_gradients_zero(name: str):
    blank = text()._replace(sentence=jnp.full_like(text().sentence, -1))
    for leaf in jax.tree.leaves(by_hand(name, blank)):
        assert_bitwise_zero(jnp.abs(leaf))


@pytest.mark.parametrize("name", ["negative_sampling", "windowed negative_sampling"])
def test_a_negative_that_hits_its_target_is_kept(name: str):
    """As `jw2v.blocks.noise` documents: its term stands in the loss and adds to its row."""
    target = jnp.full_like(text().neg_ids, 4)
    got = text()._replace(ids=jnp.full_like(text().ids, 4), neg_ids=target)
    loss, (_, d_U) = by_hand(name, got)
    weight = sum(w for *_, w in oracles.window_pairs(got, weights="linear"))
    v, u = np.asarray(tables().V[4]), np.asarray(tables().U[4])
    one_pair = oracles.negative_sampling(v, u, [u], neg_weight=NEGATIVES)
    assert_same(loss, np.float64(weight * one_pair), rtol=1e-11)
    s = oracles.sigmoid(u @ v)
    assert_same(d_U[4], weight * (s - 1 + NEGATIVES * s) * v, rtol=1e-11)


def test_a_window_loss_is_taken_as_it_is_and_a_pair_loss_is_summed():
    assert windowed.over_window(OWN) is OWN
    summed = windowed.over_window(NAIVE_SOFTMAX)
    assert (summed.over, summed.wrt) == ("window", NAIVE_SOFTMAX.wrt)


@pytest.mark.parametrize("loss", [Loss(NEGATIVE_SAMPLING.loss), Loss(own_loss, over="window")])
def test_a_loss_without_a_gradient_by_hand_has_the_autodiff_side_alone(loss: Loss):
    kernel = windowed.kernel(loss)
    assert kernel.loss_and_grads is None
    rows = gathered(kernel, tables(), text())
    with_hand = Loss(NEGATIVE_SAMPLING.loss, NEGATIVE_SAMPLING.loss_and_grads)
    full = windowed.kernel(with_hand if loss.over == "pair" else OWN)
    assert full.loss_and_grads is not None
    assert_same(
        jax.jit(kernel.loss_and_grads_autodiff)(*rows, text()),
        jax.jit(full.loss_and_grads)(*rows, text()),
        rtol=1e-11,
    )
