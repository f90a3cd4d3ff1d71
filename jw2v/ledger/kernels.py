"""The chain from the written loss to the step that trains, as claims.

Of each link the claim is what is written by hand and the other side is plain, so that it is an
independent witness:

    one window by hand           =  jax.grad of its loss
    vmap over windows + scatter  =  jax.grad of the summed loss by whole tables
    the block that trains        =  jax.grad of the summed *window* loss by whole tables
    what is approximated         =  the written loss, within a bound or in the mean
                                    (`jw2v.ledger.approximations`)
    a training step              =  tables − lr · that gradient, damped   (`jw2v.ledger.updates`)
    an optimizer                 =  its textbook formula               (`jw2v.ledger.optimizers`)

so a kernel is held against the windows it stands for, not only against itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from jw2v.blocks.tables import Tables
from jw2v.blocks.windowed import over_window
from jw2v.judge.records import Derivation, Step, claim
from jw2v.ledger import approximations, optimizers, updates
from jw2v.ledger.example import (
    CTX,
    DIM,
    NEG,
    SIDES,
    SUMMED,
    VOCAB,
    dtypes_of,
    example_block,
    expected_of,
    on_device,
    plain_loss,
    small,
    table_gradients,
    tables_of,
)
from jw2v.ledger.optimizers import optimizer_claim
from jw2v.ledger.updates import step_claim
from jw2v.losses.cbow import loss as cbow_loss
from jw2v.losses.cbow import loss_and_grads as cbow_by_hand
from jw2v.losses.hierarchical_softmax import PAIR as HIERARCHICAL_SOFTMAX
from jw2v.losses.naive_softmax import PAIR as NAIVE_SOFTMAX
from jw2v.losses.negative_sampling import PAIR as NEGATIVE_SAMPLING
from jw2v.losses.record import Loss
from jw2v.losses.reverse_skipgram import loss as reverse_loss
from jw2v.losses.reverse_skipgram import loss_and_grads as reverse_by_hand
from jw2v.losses.sigmoid import loss as sigmoid
from jw2v.losses.sigmoid import loss_and_grads as sigmoid_by_hand
from jw2v.losses.subwords import loss as subword_loss
from jw2v.losses.subwords import loss_and_grads as subwords_by_hand
from jw2v.training.config import Config

TREE = "hierarchical_softmax"
SUBWORDS = r"\partial J / \partial z_g = \frac{1}{|G|}\,\partial J / \partial v"
PAIRS = {
    "negative_sampling": NEGATIVE_SAMPLING,
    "naive_softmax": NAIVE_SOFTMAX,
    TREE: HIERARCHICAL_SOFTMAX,
}
HELD = np.tri(CTX)
"""Of words made of pieces, which there are: one of the first word, each of the last."""


def sigmoid_claim() -> Derivation:
    """Part (e)."""
    latex = r"\sigma'(x) = \sigma(x)(1 - \sigma(x))"
    return claim(
        "sigmoid", sigmoid, lambda x: sigmoid_by_hand(x)[1][0], (np.float64(1),), latex=latex
    )


def pair_claim(name: str, pair: Loss, latex: str = "", *, dim: int = DIM) -> Derivation:
    """A pair loss by hand against its autodiff, over one pair."""
    return _by_hand(name, pair, (np.ones(dim), *_told(pair, dim)), latex)


def window_claim(
    name: str, loss: Loss, latex: str = "", *, pieces: bool = False, dim: int = DIM
) -> Derivation:
    """A window loss by hand against its autodiff, over one window; of a word or of its pieces."""
    window = over_window(loss)
    table = 1 not in window.wrt
    outside = np.array([3, VOCAB - 1, 3, 0]) if table else np.ones((CTX, dim))
    rest = np.ones((VOCAB if table else NEG, dim))
    return _of_window(name, window, (np.ones(dim), outside, rest, np.ones(CTX)), latex, pieces)


def bag_claim(
    name: str, pair: Loss, latex: str = "", *, mean: bool = True, pieces: bool = False
) -> Derivation:
    """CBOW with a pair loss by hand against its autodiff, over one window."""
    how = {"pair": pair, "mean": mean}
    both = partial(cbow_loss, **how), partial(cbow_by_hand, **how)
    return _inward_claim(name, pair, *both, latex, pieces)


def reverse_claim(name: str, pair: Loss, latex: str = "", *, pieces: bool = False) -> Derivation:
    """Skip-gram in reverse with a pair loss by hand against its autodiff, over one window."""
    both = partial(reverse_loss, pair=pair), partial(reverse_by_hand, pair=pair)
    return _inward_claim(name, pair, *both, latex, pieces)


def _inward_claim(
    name: str, pair: Loss, plain: Any, by_hand: Any, latex: str, pieces: bool
) -> Derivation:
    window = replace(pair, loss=plain, loss_and_grads=by_hand, over="window")
    args = np.ones((CTX, DIM)), *_told(pair), np.ones(CTX)
    return _of_window(name, window, args, latex, pieces)


def _of_window(
    name: str, window: Loss, args: tuple[Any, ...], latex: str, pieces: bool
) -> Derivation:
    """The claim of a window loss, of input vectors that have rows or are made of pieces."""
    if not pieces:
        return _by_hand(name, window, args, latex)
    assert window.loss_and_grads is not None
    v, *others = args
    held = HELD[: len(v)] if v.ndim > 1 else HELD[-2]
    sides = (partial(_of_pieces, f, held, window) for f in (subword_loss, subwords_by_hand))
    made = replace(window, **dict(zip(("loss", "loss_and_grads"), sides, strict=True)))
    return _by_hand(name, made, (np.ones((*held.shape, DIM)), *others), latex)


def _of_pieces(f: Any, held: np.ndarray, window: Loss, z: Any, *others: Any) -> Any:
    return f(z, *others, jnp.asarray(held, z.dtype), window=window)


def _told(pair: Loss, dim: int = DIM) -> tuple[np.ndarray, np.ndarray]:
    """A pair loss's arguments behind its vector: the word's row, id or way, and the rest."""
    if pair.way:
        return SIDES, np.ones((len(SIDES), dim))
    if 1 not in pair.wrt:
        return np.array(VOCAB - 1), np.ones((VOCAB, dim))
    return np.ones(dim), np.ones((NEG, dim))


def kernel_claim(
    name: str,
    config: Config,
    loss: Loss | None = None,
    *,
    gradients: Sequence[str] | None = None,
) -> Derivation:
    """The kernel of a config, by whole tables, against the plain loss of its windows.

    Args:
      name: id of the derivation.
      config: kernel, weights, gradient and precision are tried; its sizes are made small.
      loss: of the user's own.
      gradients: one line each, which follows from the one before; by default the config's.
    """
    config = small(config)
    block, plain = example_block(config, loss), plain_loss(config, loss)

    def line(gradient: str) -> Step:
        by = replace(config, gradient=gradient)

        def trained(V: Any, U: Any) -> Any:
            return table_gradients(by, Tables(V, U), block, loss=loss)

        id = f"{name} {gradient}" if gradients else name
        return Step(id, SUMMED, trained, kind="kernel", expect=expected_of(config, gradient))

    return Derivation(
        name,
        lambda V, U: plain(V, U, on_device(block)),
        tables_of(config, loss),
        tuple(line(gradient) for gradient in gradients or (config.gradient,)),
        wrt=(0, 1),
        dtypes=dtypes_of(config),
    )


def claims_of(config: Config, loss: Loss | None = None) -> tuple[Derivation, ...]:
    """What a run of this config trains on, at its own precision.

    Its loss by hand, its kernel, its step and its optimizer. Operands in bfloat16 are rounded
    inside the kernel, which takes and gives float32: its claim is one in float32, and its bound is
    that of the casts.
    """
    named = f"{config.kernel} {config.precision or 'float32'}"
    claims = (
        *_hand_claims(config, loss),
        kernel_claim(f"kernel {named}", config, loss),
        step_claim(f"step {named}", config, loss),
        *map(optimizer_claim, dict.fromkeys(config.optimizers)),
    )
    trained = ("float64",) if config.precision == "float64" else ("float32",)
    return tuple(replace(derivation, dtypes=trained) for derivation in claims)


def _hand_claims(config: Config, loss: Loss | None) -> tuple[Derivation, ...]:
    if config.gradient == "autodiff":
        return ()
    if loss is None:
        pair = PAIRS[config.loss]
        of_pair, pieces = pair_claim(config.loss, pair), config.ngrams is not None
        of = "subwords " if pieces else ""
        if config.model == "cbow":
            name, mean = f"{of}cbow {config.loss}", config.cbow_mean
            return of_pair, bag_claim(name, pair, mean=mean, pieces=pieces)
        if config.inward:
            name = f"{of}reverse skipgram {config.loss}"
            return of_pair, reverse_claim(name, pair, pieces=pieces)
        if pieces:
            return of_pair, window_claim(f"{of}skipgram {config.loss}", pair, pieces=True)
        return (of_pair,)
    by_hand = pair_claim if loss.over == "pair" else window_claim
    return (by_hand("loss of your own", loss, dim=config.dim),)


def _by_hand(name: str, loss: Loss, args: tuple[Any, ...], latex: str) -> Derivation:
    """The claim of a loss; the sides of a way are fixed, since they are no ids to be varied."""
    assert loss.loss_and_grads is not None
    plain, by_hand, wrt = loss.loss, loss.loss_and_grads, loss.wrt
    if loss.way:
        first, sides, *others = args
        args, wrt = (first, *others), (0, 1)
        plain, by_hand = (partial(_along, f, sides) for f in (plain, by_hand))
    return claim(name, plain, lambda *a: by_hand(*a)[1], args, wrt=wrt, latex=latex)


def _along(f: Any, sides: np.ndarray, v: Any, *others: Any) -> Any:
    return f(v, jnp.asarray(sides), *others)


def _derivations() -> tuple[Derivation, ...]:
    both, manual = ("autodiff", "manual"), ("manual",)
    ways: list[tuple[str, Config, Sequence[str]]] = [
        ("negative_sampling block", Config(), both),
        ("negative_sampling block exact", Config(sigmoid="exact"), both),
        ("negative_sampling block dynamic", Config(window_weights="dynamic"), manual),
        ("negative_sampling block bfloat16", Config(precision="bfloat16"), manual),
        ("in-batch negatives block", Config(negatives_from="batch"), both),
        (
            "in-batch negatives block bfloat16",
            Config(negatives_from="batch", precision="bfloat16"),
            manual,
        ),
        ("negative_sampling windows", Config(kernel="windows"), manual),
        ("naive_softmax block", Config(loss="naive_softmax"), both),
        ("naive_softmax windows", Config(loss="naive_softmax", kernel="windows"), manual),
        ("hierarchical_softmax block", Config(loss=TREE), both),
        ("hierarchical_softmax block exact", Config(loss=TREE, sigmoid="exact"), both),
        ("hierarchical_softmax block bfloat16", Config(loss=TREE, precision="bfloat16"), manual),
        ("hierarchical_softmax windows", Config(loss=TREE, kernel="windows"), manual),
        ("reverse skipgram block", Config(reverse=True), both),
        ("reverse skipgram windows", Config(reverse=True, kernel="windows"), manual),
        ("reverse skipgram naive_softmax", Config(reverse=True, loss="naive_softmax"), both),
        (
            "reverse skipgram naive_softmax windows",
            Config(reverse=True, loss="naive_softmax", kernel="windows"),
            manual,
        ),
        ("cbow hierarchical_softmax block", Config(model="cbow", loss=TREE), both),
        (
            "cbow hierarchical_softmax windows",
            Config(model="cbow", loss=TREE, kernel="windows"),
            manual,
        ),
        ("cbow block", Config(model="cbow"), both),
        ("cbow block exact", Config(model="cbow", sigmoid="exact"), both),
        ("cbow block, sum", Config(model="cbow", cbow_mean=False), both),
        ("cbow block bfloat16", Config(model="cbow", precision="bfloat16"), manual),
        ("cbow windows", Config(model="cbow", kernel="windows"), manual),
        ("cbow naive_softmax", Config(model="cbow", loss="naive_softmax"), both),
        (
            "cbow naive_softmax windows",
            Config(model="cbow", loss="naive_softmax", kernel="windows"),
            manual,
        ),
        ("subwords block", Config(minn=3, maxn=6), both),
        ("subwords block bfloat16", Config(minn=3, maxn=6, precision="bfloat16"), manual),
        (
            # Means of pieces score too little to meet the polynomial's ends.
            "subwords windows",
            Config(minn=3, maxn=6, kernel="windows", sigmoid="exact"),
            manual,
        ),
        ("subwords cbow block", Config(minn=3, maxn=6, model="cbow"), both),
        ("subwords naive_softmax", Config(minn=3, maxn=6, loss="naive_softmax"), manual),
        ("subwords hierarchical_softmax", Config(minn=3, maxn=6, loss=TREE), manual),
        ("cbow block, as word2vec.c", Config(model="cbow", cbow_update="word2vec"), manual),
        (
            "cbow block, as word2vec.c, sum",
            Config(model="cbow", cbow_update="word2vec", cbow_mean=False, window_weights="fixed"),
            manual,
        ),
    ]
    kernels = [
        kernel_claim(f"kernel {name}", config, gradients=lines) for name, config, lines in ways
    ]
    return (
        sigmoid_claim(),
        pair_claim("naive_softmax", NAIVE_SOFTMAX, r"\partial J_{naive-softmax}"),
        pair_claim("negative_sampling", NEGATIVE_SAMPLING, r"\partial J_{neg-sample}"),
        pair_claim(TREE, HIERARCHICAL_SOFTMAX, r"\partial J_{hierarchical}"),
        window_claim("skipgram naive_softmax", NAIVE_SOFTMAX, r"\partial J_{skip-gram}"),
        window_claim("skipgram negative_sampling", NEGATIVE_SAMPLING, r"\partial J_{skip-gram}"),
        bag_claim("cbow negative_sampling", NEGATIVE_SAMPLING, r"\partial J_{cbow}"),
        bag_claim("cbow, sum", NEGATIVE_SAMPLING, r"\partial J_{cbow}", mean=False),
        bag_claim("cbow naive_softmax", NAIVE_SOFTMAX, r"\partial J_{cbow}"),
        bag_claim("cbow hierarchical_softmax", HIERARCHICAL_SOFTMAX, r"\partial J_{cbow}"),
        reverse_claim("reverse skipgram", NEGATIVE_SAMPLING, r"\partial J_{rs}"),
        reverse_claim("reverse skipgram naive_softmax", NAIVE_SOFTMAX, r"\partial J_{rs}"),
        reverse_claim(
            "reverse skipgram hierarchical_softmax", HIERARCHICAL_SOFTMAX, r"\partial J_{rs}"
        ),
        window_claim("subwords skipgram", NEGATIVE_SAMPLING, SUBWORDS, pieces=True),
        window_claim("subwords skipgram naive_softmax", NAIVE_SOFTMAX, SUBWORDS, pieces=True),
        bag_claim("subwords cbow", NEGATIVE_SAMPLING, SUBWORDS, pieces=True),
        reverse_claim("subwords reverse skipgram", HIERARCHICAL_SOFTMAX, SUBWORDS, pieces=True),
        *kernels,
        *approximations.DERIVATIONS,
        *updates.DERIVATIONS,
        *optimizers.DERIVATIONS,
    )


DERIVATIONS = _derivations()
