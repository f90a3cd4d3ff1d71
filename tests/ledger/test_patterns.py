"""All ways in which the ids of a loss can coincide, on every hand gradient and every kernel.

203 patterns of six ids, 4,140 of eight, each at a generic point of its own, in one run. The other
side is `jax.grad` on whole tables of a loss that is written out here pair by pair, or, where the
target is not among the negatives, the line of the document.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jw2v.blocks.tables import RowGrads, Tables, whole_table
from jw2v.blocks.windows import Block
from jw2v.errors import UsageError
from jw2v.judge.patterns import agreeing, check_patterns, measure_patterns, patterns
from jw2v.ledger import example as example_room
from jw2v.ledger.example import table_gradients
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import loss as pair_loss
from jw2v.losses.negative_sampling import loss_and_grads as pair_by_hand
from jw2v.losses.skipgram import loss as window_loss
from jw2v.losses.skipgram import loss_and_grads as window_by_hand
from jw2v.training.config import Config

VOCAB, DIM, CENTRE = 11, 5, 2
SECONDS = 5.0
BELL = {6: 203, 8: 4140}
V, U, V_C = np.ones((VOCAB, DIM)), np.ones((VOCAB, DIM)), np.ones(DIM)
sigma = jax.nn.sigmoid


class Case(NamedTuple):
    """A hand gradient, or a kernel, as a function of ids."""

    loss: Callable[..., Any]
    claimed: Callable[..., Any]
    example: tuple[Any, ...]
    wrt: tuple[int, ...] = (0, 1)


def ids(n: int) -> np.ndarray:
    """n example ids; the largest is the last word's, so that every word is drawn from."""
    return np.arange(VOCAB - n, VOCAB, dtype=np.int32)


def pair(total: int) -> Case:
    """One pair, its rows scattered: (v_c, U, o, w₁ … w_K)."""

    def loss(v_c, U, o, neg):
        return pair_loss(v_c, U[o], U[neg])

    def by_hand(v_c, U, o, neg):
        _, (d_v_c, d_u_o, d_u_neg) = pair_by_hand(v_c, U[o], U[neg])
        rows = RowGrads(jnp.append(o, neg), jnp.concatenate([d_u_o[None], d_u_neg]))
        return d_v_c, whole_table(rows, U)

    return Case(loss, by_hand, (V_C, U, ids(1)[0], ids(total - 1)))


def window(total: int) -> Case:
    """One window of K − 1 outside words that share two negatives."""

    def loss(v_c, U, ctx, neg, weight):
        return window_loss(v_c, U[ctx], U[neg], weight)

    def by_hand(v_c, U, ctx, neg, weight):
        _, (d_v_c, d_ctx, d_neg) = window_by_hand(v_c, U[ctx], U[neg], weight)
        rows = RowGrads(jnp.append(ctx, neg), jnp.concatenate([d_ctx, d_neg]))
        return d_v_c, whole_table(rows, U)

    return Case(loss, by_hand, (V_C, U, ids(total - 2), ids(2), np.ones(total - 2)))


def softmax_window(total: int) -> Case:
    """One window of naive softmax: K + 1 outside words."""
    loss = partial(window_loss, pair=NAIVE_SOFTMAX)

    def by_hand(v_c, ctx, U, weight):
        return window_by_hand(v_c, ctx, U, weight, pair=NAIVE_SOFTMAX)[1]

    return Case(loss, by_hand, (V_C, ids(total), U, np.ones(total)), (0, 2))


def kernel_of_a_pair(total: int, kernel: str, gradient: str = "manual") -> Case:
    """A kernel on a block of one centre word, which has one outside word on its left."""
    k = total - 1
    config = Config(
        kernel=kernel, gradient=gradient, block=1, group=1, window=1, negatives=k,
        shared_negatives=k, sigmoid="exact",
    )  # fmt: skip

    def loss(V, U, o, neg):
        return pair_loss(V[CENTRE], U[o], U[neg])

    def by_kernel(V, U, o, neg):
        sentence, width = jnp.array([0, 0, -1], jnp.int32), jnp.ones(1, jnp.int32)
        block = Block(jnp.stack([o, jnp.int32(CENTRE), o]), sentence, width, neg[None, :])
        return table_gradients(config, Tables(V, U), block)

    return Case(loss, by_kernel, (V, U, ids(1)[0], ids(k)))


def block_of_text(text: Any, neg: Any) -> Block:
    """All but the first and the last word are centres; each has a word on either side."""
    size = text.shape[0] - 2
    sentence, width = jnp.zeros(size + 2, jnp.int32), jnp.ones(size, jnp.int32)
    return Block(text, sentence, width, neg[None, :])


def kernel_of_text(total: int, kernel: str, gradient: str = "manual") -> Case:
    """A kernel on text that shares its negatives: words of the text and negatives coincide."""
    neg, size = total - 4, 2
    config = Config(
        kernel=kernel,
        gradient=gradient,
        block=size,
        group=size,
        window=1,
        negatives=3,
        shared_negatives=neg,
        sigmoid="exact",
    )

    def loss(V, U, text, negatives):
        pairs = [(i, j) for i in range(1, size + 1) for j in (i - 1, i + 1)]
        return sum(
            pair_loss(V[text[i]], U[text[j]], U[negatives], neg_weight=3 / neg) for i, j in pairs
        )

    def by_kernel(V, U, text, negatives):
        return table_gradients(config, Tables(V, U), block_of_text(text, negatives))

    return Case(loss, by_kernel, (V, U, ids(size + 2), ids(neg)))


def softmax_kernel_of_text(total: int, kernel: str, gradient: str = "manual") -> Case:
    """A kernel of naive softmax on K + 1 words of text."""
    size = total - 2
    config = Config(
        loss="naive_softmax", kernel=kernel, gradient=gradient, block=size, group=size, window=1
    )

    def loss(V, U, text):
        pairs = [(i, j) for i in range(1, size + 1) for j in (i - 1, i + 1)]
        return sum(NAIVE_SOFTMAX.loss(V[text[i]], text[j], U) for i, j in pairs)

    def by_kernel(V, U, text):
        block = block_of_text(text, jnp.zeros(0, jnp.int32))
        return table_gradients(config, Tables(V, U), block)

    return Case(loss, by_kernel, (V, U, ids(total)))


PAIRS: dict[str, Callable[[int], Case]] = {
    "hand": pair,
    "kernel block": partial(kernel_of_a_pair, kernel="block"),
    "kernel windows": partial(kernel_of_a_pair, kernel="windows"),
}
CASES: dict[str, Callable[[int], Case]] = {
    **PAIRS,
    "window": window,
    "window of naive softmax": softmax_window,
    "kernel block autodiff": partial(kernel_of_a_pair, kernel="block", gradient="autodiff"),
    "kernel block of text": partial(kernel_of_text, kernel="block"),
    "kernel windows of text": partial(kernel_of_text, kernel="windows"),
    "kernel block of naive softmax": partial(softmax_kernel_of_text, kernel="block"),
    "kernel windows of naive softmax": partial(softmax_kernel_of_text, kernel="windows"),
}


def in_seconds(name: str, run: Callable[[], Any]) -> Any:
    """The result of a second run, which must take less than `SECONDS`."""
    run()
    began = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - began
    print(f"{name}: {seconds:.2f} s on {jax.default_backend()}")
    assert seconds < SECONDS
    return result


def hold(name: str, total: int, dtype: str) -> None:
    """Every pattern against `jax.grad` on whole tables."""
    loss, claimed, example, wrt = CASES[name](total)

    def run():
        return check_patterns(loss, claimed, example, wrt=wrt, dtype=dtype)

    finding = in_seconds(f"{name}, {BELL[total]} patterns in {dtype}", run)
    print(f"  worst error {finding.margin:.2g} of its bound")
    assert finding.verdict == "holds"


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", CASES)
def test_all_203_patterns(name, dtype):
    hold(name, 6, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_all_4140_patterns(name, dtype):
    hold(name, 8, dtype)


def test_the_patterns_are_all_there():
    assert [len(patterns(n)) for n in BELL] == list(BELL.values())
    for make in CASES.values():
        case = make(6)
        points = measure_patterns(case.loss, case.loss, case.example).points
        drawn = np.concatenate([x.reshape(203, -1) for x in points if x.dtype.kind == "i"], axis=1)
        same = drawn[:, :, None] == drawn[:, None, :]
        assert len(np.unique(same.reshape(203, -1), axis=0)) == 203


def table_rule(v: Any, U: Any, o: Any, neg: Any) -> tuple[Any, Any]:
    """(f) and (g) as written: u_o has (σ − 1) v, a word drawn n times n σ v, any other nothing."""
    score = U @ v
    here = jnp.arange(VOCAB)
    places = jnp.sum(neg[None, :] == here[:, None], axis=1)
    err = jnp.where(here == o, -sigma(-score), places * sigma(score))
    return -sigma(-score[o]) * U[o] + sigma(score[neg]) @ U[neg], jnp.outer(err, v)


def written(name: str) -> Callable[..., Any]:
    """The document's line for a pair, by the arguments of the case."""

    def by_tables(V, U, o, neg):
        d_v, d_U = table_rule(V[CENTRE], U, o, neg)
        return jnp.zeros_like(V).at[CENTRE].set(d_v), d_U

    return table_rule if name == "hand" else by_tables


def not_among(v: Any, U: Any, o: Any, neg: Any) -> bool:
    """The domain of (f) and (g)."""
    return int(o) not in map(int, neg)


def hold_as_written(name: str, total: int) -> None:
    _, claimed, example, _ = PAIRS[name](total)
    line = written(name)

    def run():
        return measure_patterns(claimed, line, example, domain=not_among)

    measured = in_seconds(f"{name}, as written", run)
    assert len(agreeing(measured)) == {6: 52, 8: 877}[total]  # Bell(K): o is alone
    assert agreeing(measured).all()


@pytest.mark.parametrize("name", PAIRS)
def test_patterns_of_the_document_hold_as_written(name):
    hold_as_written(name, 6)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_877_patterns_of_the_document_hold_as_written(name):
    hold_as_written(name, 8)


def test_the_written_line_holds_in_its_domain_and_nowhere_else():
    loss, _, example, wrt = pair(6)
    assert check_patterns(loss, table_rule, example, wrt=wrt, domain=not_among).verdict == "holds"
    right = agreeing(measure_patterns(table_rule, jax.grad(loss, wrt), example))
    in_domain = [not_among(None, None, row[0], row[1:]) for row in patterns(6)]
    assert right.tolist() == in_domain
    assert sum(in_domain) == 52


def overwriting(grads: Any, table: Any) -> Any:
    """`whole_table` with `.set` for `.add`."""
    return jnp.zeros_like(table).at[grads.ids].set(grads.rows)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("total", [6, pytest.param(8, marks=pytest.mark.slow)])
def test_overwriting_passes_on_one_pattern_at_most(monkeypatch, name, total):
    """By hand on the usual case alone, all distinct; by kernel, whose halo repeats, on none."""
    for module in (sys.modules[__name__], example_room):
        monkeypatch.setattr(module, "whole_table", overwriting)
    loss, claimed, example, wrt = PAIRS[name](total)
    measured = measure_patterns(claimed, jax.grad(loss, wrt), example)
    right = agreeing(measured)
    print(f"{name}: overwriting passes on {right.sum()} of {len(right)} patterns")
    assert np.flatnonzero(right).tolist() == ([BELL[total] - 1] if name == "hand" else [])
    assert patterns(total)[-1].tolist() == list(range(total))
    finding = check_patterns(loss, claimed, example, wrt=wrt)
    assert finding.verdict == "refuted"
    assert finding.worst is not None


def test_skipping_a_hit_passes_where_there_is_none():
    """word2vec.c's rule for a negative that is the target."""

    def skipping(v_c, U, o, neg):
        _, (_, d_u_o, d_u_neg) = pair_by_hand(v_c, U[o], U[neg])
        kept = jnp.where((neg == o)[:, None], 0, d_u_neg)
        rows = RowGrads(jnp.append(o, neg), jnp.concatenate([d_u_o[None], kept]))
        return whole_table(rows, U)

    loss, _, example, _ = pair(6)
    assert check_patterns(loss, skipping, example, wrt=1).verdict == "refuted"
    assert agreeing(measure_patterns(skipping, jax.grad(loss, 1), example)).sum() == 52


def test_a_domain_without_a_pattern_is_said():
    loss, claimed, example, wrt = pair(6)
    with pytest.raises(UsageError, match=r"no pattern of the ids is in the domain"):
        check_patterns(loss, claimed, example, wrt=wrt, domain=lambda *_: False)
