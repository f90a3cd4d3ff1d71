"""The chain from the written loss to the kernel that trains, as claims.

Of each link the claim is a gradient by hand and the loss is plain, so that its autodiff is an
independent witness:

    one window by hand           =  jax.grad of its loss
    vmap over windows + scatter  =  jax.grad of the summed loss by whole tables
    the block that trains        =  jax.grad of the summed *window* loss by whole tables

so a kernel is held against the windows it stands for, not only against itself.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from jw2v.blocks.kernel import Kernel
from jw2v.blocks.tables import Tables, whole_table
from jw2v.blocks.windowed import over_window
from jw2v.blocks.windows import Block
from jw2v.judge.records import Derivation, claim
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss
from jw2v.losses.sigmoid import loss as sigmoid
from jw2v.losses.sigmoid import loss_and_grads as sigmoid_by_hand
from jw2v.training.config import Config
from jw2v.training.step import kernel_of, row_gradients

VOCAB, DIM, NEG, CTX = 13, 5, 3, 4  # pairwise distinct, so that a transpose cannot pass
BLOCK, GROUP = 32, 16


def sigmoid_claim() -> Derivation:
    """Part (e)."""
    latex = r"\sigma'(x) = \sigma(x)(1 - \sigma(x))"
    return claim(
        "sigmoid", sigmoid, lambda x: sigmoid_by_hand(x)[1][0], (np.float64(1),), latex=latex
    )


def pair_claim(name: str, pair: Loss, latex: str = "") -> Derivation:
    """A pair loss by hand against its autodiff, over one pair."""
    table = 1 not in pair.wrt
    middle = np.array(VOCAB - 1) if table else np.ones(DIM)
    rest = np.ones((VOCAB if table else NEG, DIM))
    return _by_hand(name, pair, (np.ones(DIM), middle, rest), latex)


def window_claim(name: str, loss: Loss, latex: str = "") -> Derivation:
    """A window loss by hand against its autodiff, over one window."""
    window = over_window(loss)
    table = 1 not in window.wrt
    outside = np.array([3, VOCAB - 1, 3, 0]) if table else np.ones((CTX, DIM))
    rest = np.ones((VOCAB if table else NEG, DIM))
    return _by_hand(name, window, (np.ones(DIM), outside, rest, np.ones(CTX)), latex)


def kernel_claim(name: str, config: Config, loss: Loss | None = None) -> Derivation:
    """The kernel of a config, by whole tables, against the plain loss of its windows."""
    small = replace(config, block=BLOCK, group=GROUP, shared_negatives=NEG, negatives=2)
    block = _block(small, own=loss is not None)
    exact = {"kernel": "windows", "gradient": "autodiff", "precision": "float64"}
    plain = kernel_of(replace(small, **exact), loss)
    trained = kernel_of(small, loss)

    def summed_loss(V: Any, U: Any) -> Any:
        ids = plain.ids(block)
        return plain.loss(V[ids.centre], U if ids.outside is None else U[ids.outside], block)

    return claim(
        name,
        summed_loss,
        partial(_table_gradients, trained, config.gradient, block),
        (np.ones((VOCAB, DIM)), np.ones((VOCAB, DIM))),
        wrt=(0, 1),
        latex=r"\sum_{\text{block}} \partial J / \partial (V, U)",
        kind="kernel",
        dtypes=("float32",) if config.precision == "bfloat16" else ("float64", "float32"),
    )


def claims_of(config: Config, loss: Loss | None = None) -> tuple[Derivation, ...]:
    """What a run of this config trains on: its loss by hand, and its kernel."""
    kernel = kernel_claim(f"kernel {config.kernel} {config.precision}", config, loss)
    if config.gradient == "autodiff":
        return (kernel,)
    if loss is None:
        pair = NAIVE_SOFTMAX if config.loss == "naive_softmax" else NEGATIVE_SAMPLING
        return (pair_claim(config.loss, pair), kernel)
    by_hand = pair_claim if loss.over == "pair" else window_claim
    return (by_hand("loss of your own", loss), kernel)


def _by_hand(name: str, loss: Loss, args: tuple[Any, ...], latex: str) -> Derivation:
    assert loss.loss_and_grads is not None
    by_hand = loss.loss_and_grads
    return claim(name, loss.loss, lambda *a: by_hand(*a)[1], args, wrt=loss.wrt, latex=latex)


def _table_gradients(kernel: Kernel, gradient: str, block: Block, V: Any, U: Any) -> Any:
    tables = Tables(V, U)
    _, grads = row_gradients(kernel, gradient, tables, block)
    return tuple(whole_table(g, table) for g, table in zip(grads, tables, strict=True))


def _block(config: Config, *, own: bool) -> Block:
    """A block with repeated words, two sentences and padding; negatives that repeat and hit."""
    halo = BLOCK + 2 * config.window
    rng = np.random.default_rng(0)
    sentence = np.where(np.arange(halo) < halo // 2, 0, 1)
    sentence[-3:] = -1
    groups, neg = (BLOCK, config.negatives) if own else (BLOCK // GROUP, NEG)
    return Block(
        jnp.asarray(rng.integers(0, VOCAB, halo), jnp.int32),
        jnp.asarray(sentence, jnp.int32),
        jnp.asarray(rng.integers(1, config.window + 1, BLOCK), jnp.int32),
        jnp.asarray(rng.integers(0, VOCAB, (groups, neg)), jnp.int32),
    )


def _derivations() -> tuple[Derivation, ...]:
    kernels = [
        kernel_claim(
            f"kernel {loss} {kernel} {weights} {gradient}",
            Config(loss=loss, kernel=kernel, window_weights=weights, gradient=gradient, window=3),
        )
        for loss in ("negative_sampling", "naive_softmax")
        for kernel in ("block", "windows")
        for weights in ("linear", "dynamic")
        for gradient in ("manual", "autodiff")
    ]
    return (
        sigmoid_claim(),
        pair_claim("naive_softmax", NAIVE_SOFTMAX, r"\partial J_{naive-softmax}"),
        pair_claim("negative_sampling", NEGATIVE_SAMPLING, r"\partial J_{neg-sample}"),
        window_claim("skipgram naive_softmax", NAIVE_SOFTMAX, r"\partial J_{skip-gram}"),
        window_claim("skipgram negative_sampling", NEGATIVE_SAMPLING, r"\partial J_{skip-gram}"),
        *kernels,
        kernel_claim("kernel negative_sampling block bfloat16", Config(precision="bfloat16")),
    )


DERIVATIONS = _derivations()
