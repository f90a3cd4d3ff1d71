"""Every public transformation of optax by rows: as on whole tables, or refused with its reason.

"As on whole tables": from one state, with a gradient of zero in every other row, the rows that are
named come out the same, in parameters and in states, and so does what has no rows.
"""

import inspect
import logging
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib
from strategies import normal

from jw2v.blocks.tables import RowGrads, whole_table
from jw2v.optim import RowwiseError, apply_updates, rowwise

pytestmark = pytest.mark.usefixtures("x64")

LR = 0.1
VOCAB, DIM = 7, 3
IDS = ([4, 1, 4], [1, 6, 6], [6, 0, 4])
ATOL = 2.0**-40  # float64: a few dozen roundings of numbers below 10

SIZE = "depends on the number of rows"
MIXED = "mixes the rows of a table"
JOINED = "joins the rows of a table with what has no rows"
PERIODIC = "acts on all rows at some steps"
FORM = "returns other trees or shapes"
AXIS = "rows along another axis"
AVERAGED = "averages rows over all steps"
UNFIT = "cannot be applied to rows"

Maker = Callable[[], Any]


def by(module: Any, names: str, *args: Any) -> dict[str, Maker]:
    """Makers of transformations that take the same arguments."""
    return {name: partial(getattr(module, name), *args) for name in names.split()}


def true_at(step: Any, updates: Any = None, **extra: Any) -> Any:
    return step % 2 == 0


def plus_a_tenth(g: Any, p: Any) -> Any:
    return g + 0.1 * p


ROWS: dict[str, Maker] = {
    **by(
        optax,
        "adabelief adadelta adagrad adam adamax adamaxw adamw amsgrad lion nadam nadamw radam "
        "rmsprop rprop sgd sign_sgd signum yogi optimistic_gradient_descent optimistic_adam_v2",
        LR,
    ),
    **by(
        optax,
        "centralize identity keep_params_nonnegative normalize_by_update_norm scale_by_adadelta "
        "scale_by_adam scale_by_adamax scale_by_amsgrad scale_by_belief scale_by_factored_rms "
        "scale_by_lion scale_by_optimistic_gradient scale_by_radam scale_by_rms scale_by_rss "
        "scale_by_sign scale_by_stddev scale_by_yogi set_to_zero zero_nans",
    ),
    **by(
        optax,
        "add_decayed_weights clip clip_by_global_norm ema scale scale_by_learning_rate "
        "scale_by_rprop trace",
        LR,
    ),
    "optimistic_adam": lambda: optax.optimistic_adam(LR, optimism=0.1),
    "polyak_sgd": lambda: optax.scale_by_polyak(1.0),
    "scale_by_polyak": lambda: optax.scale_by_polyak(1.0),
    "scale_by_schedule": lambda: optax.scale_by_schedule(optax.linear_schedule(1.0, 0.1, 3)),
    "snapshot": lambda: optax.snapshot("norm", optax.tree.norm),
    "apply_if_finite": lambda: optax.apply_if_finite(optax.adam(LR), 2),
    "chain": lambda: optax.chain(optax.clip_by_global_norm(0.5), optax.adamw(LR, weight_decay=0.1)),
    "named_chain": lambda: optax.named_chain(("clip", optax.clip(0.2)), ("adam", optax.adam(LR))),
    "conditionally_mask": lambda: optax.conditionally_mask(optax.sgd(LR), true_at),
    "freeze": lambda: optax.freeze({"table": False, "bias": True}),
    "inject_hyperparams": lambda: optax.inject_hyperparams(optax.adam)(
        learning_rate=optax.linear_schedule(LR, 0.01, 3)
    ),
    "inject_stateful_hyperparams": lambda: optax.inject_stateful_hyperparams(optax.adam)(
        learning_rate=LR
    ),
    "masked": lambda: optax.masked(optax.adam(LR), {"table": True, "bias": False}),
    "multi_transform": lambda: optax.multi_transform(
        {"a": optax.adam(LR), "b": optax.sgd(LR)}, {"table": "a", "bias": "b"}
    ),
    "partition": lambda: optax.partition(
        {"a": optax.adagrad(LR), "b": optax.sgd(LR)}, {"table": "a", "bias": "b"}
    ),
    "selective_transform": lambda: optax.selective_transform(
        optax.adam(LR), freeze_mask={"table": False, "bias": True}
    ),
    "stateless": lambda: optax.stateless(
        lambda g, p: jax.tree.map(lambda x: x / (1 + jnp.linalg.norm(x, axis=-1, keepdims=True)), g)
    ),
    "stateless_with_tree_map": lambda: optax.stateless_with_tree_map(plus_a_tenth),
    "with_extra_args_support": lambda: optax.with_extra_args_support(optax.adam(LR)),
    **by(contrib, "acprop ademamix madgrad simplified_ademamix scale_by_madgrad", LR),
    **by(
        contrib,
        "cocob normalize scale_by_acprop scale_by_ademamix scale_by_cocob "
        "scale_by_simplified_ademamix",
    ),
    "reduce_on_plateau": contrib.reduce_on_plateau,
    "split_real_and_imaginary": lambda: contrib.split_real_and_imaginary(optax.adam(LR)),
}

REFUSED: dict[str, tuple[Maker, str]] = {
    name: (maker, reason)
    for reason, makers in {
        SIZE: {
            **by(optax, "adafactor clip_by_block_rms", LR),
            **by(optax, "scale_by_param_block_rms"),
            **by(contrib, "muon", LR),
        },
        MIXED: {
            **by(optax, "adaptive_grad_clip fromage lamb lars", LR),
            **by(
                optax,
                "scale_by_distance_over_gradients scale_by_param_block_norm scale_by_trust_ratio",
            ),
            **by(contrib, "dadapt_adamw dog dowg prodigy"),
            **by(contrib, "galore", LR),
            **by(contrib, "scale_by_galore"),
            "mechanize": lambda: contrib.mechanize(optax.sgd(LR)),
            "momo": contrib.momo,
            "momo_adam": contrib.momo_adam,
        },
        JOINED: {
            "add_noise": lambda: optax.add_noise(LR, 0.1, key=jax.random.key(0)),
            "noisy_sgd": lambda: optax.noisy_sgd(LR, key=jax.random.key(0)),
            **by(optax, "scale_by_sm3"),
            **by(optax, "sm3", LR),
        },
        PERIODIC: {
            **by(optax, "adan novograd", LR),
            **by(optax, "scale_by_adan scale_by_novograd"),
            **by(contrib, "adopt", LR),
            **by(contrib, "scale_by_adopt"),
            "apply_every": lambda: optax.apply_every(3),
            "MultiSteps": lambda: optax.MultiSteps(optax.sgd(LR), 3).gradient_transformation(),
            "conditionally_transform": lambda: optax.conditionally_transform(
                optax.adam(LR), true_at
            ),
            "sam": lambda: contrib.sam(optax.sgd(LR), optax.sgd(LR), opaque_mode=False),
        },
        AXIS: {
            **by(optax, "lbfgs scale_by_lbfgs"),
            "flatten": lambda: optax.flatten(optax.adam(LR)),
        },
        FORM: {
            "monitor": lambda: optax.monitor({"norm": optax.tree.norm}),
            "measure_with_ema": lambda: optax.measure_with_ema(optax.tree.norm, 0.9),
        },
        AVERAGED: {
            **by(contrib, "schedule_free_adamw schedule_free_sgd", LR),
            "schedule_free": lambda: contrib.schedule_free(optax.adam(LR, b1=0.0), LR),
        },
        UNFIT: {
            **by(optax, "scale_by_backtracking_linesearch scale_by_zoom_linesearch", 3),
            "lookahead": lambda: optax.lookahead(optax.sgd(LR), 2, 0.5),
            **by(contrib, "sophia", LR),
            **by(contrib, "scale_by_muon hutchinson_estimator_diag_hessian"),
            "differentially_private_aggregate": lambda: contrib.differentially_private_aggregate(
                1.0, 0.1, jax.random.key(0)
            ),
            "dpsgd": lambda: contrib.dpsgd(LR, 1.0, 0.1, 0),
        },
    }.items()
    for name, maker in makers.items()
}

NO_TRANSFORMATIONS = (
    {"MaskOrFn", "OptState", "Params", "ScalarOrSchedule", "Schedule", "Updates"}
    | {"bias_correction", "matrix_inverse_pth_root", "sigmoid_binary_cross_entropy"}
    | {"update_infinity_moment", "update_moment", "update_moment_per_elem_norm"}
    | {"schedule_free_eval_params"}
)


def public() -> Iterator[str]:
    """Names that may make a transformation: all that do not say they return something else."""
    for module in (optax, contrib):
        for name in dir(module):
            thing = getattr(module, name)
            if name.startswith("_") or not callable(thing) or inspect.isclass(thing):
                continue
            try:
                returned = inspect.signature(thing).return_annotation
            except ValueError:
                returned = inspect.Signature.empty
            if returned is inspect.Signature.empty or "GradientTransformation" in str(returned):
                yield name
    yield "MultiSteps"


def test_every_public_transformation_is_classified():
    classified = ROWS.keys() | REFUSED.keys()
    assert not ROWS.keys() & REFUSED.keys()
    assert set(public()) - NO_TRANSFORMATIONS == classified


def extra(name: str) -> dict[str, Any]:
    """The loss, for what asks for it."""
    asks = {"polyak_sgd", "scale_by_polyak", "momo", "momo_adam", "reduce_on_plateau"}
    return {"value": jnp.float64(2.5)} if name in asks else {}


def test_the_readme_counts_them():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    total = len(ROWS) + len(REFUSED)
    assert f"Of optax's {total} public transformations it takes {len(ROWS)}" in readme


def params() -> dict[str, jax.Array]:
    return {"table": normal(1, VOCAB, DIM), "bias": normal(2, DIM)}


def gradients(step: int) -> dict[str, Any]:
    ids = jnp.asarray(IDS[step])
    return {"table": RowGrads(ids, normal(3 + step, 3, DIM)), "bias": normal(9 + step, DIM)}


@pytest.fixture(autouse=True)
def lenient():
    """Optax's own: deprecated names, default seeds, promoted ranks."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings(), jax.numpy_rank_promotion("allow"):
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_rows_come_out_as_on_whole_tables(name: str):
    lifted, plain = rowwise(ROWS[name]()), optax.with_extra_args_support(ROWS[name]())
    at: Any = params()
    state = lifted.init(at)
    for step in range(len(IDS)):
        grads = gradients(step)
        dense = {"table": whole_table(grads["table"], at["table"]), "bias": grads["bias"]}
        updates, after_rows = jax.jit(lifted.update)(grads, state, at, **extra(name))
        whole, after_whole = jax.jit(plain.update)(dense, state, at, **extra(name))
        moved = apply_updates(at, updates)
        compare(moved, optax.apply_updates(at, whole), at, step)
        compare(after_rows, after_whole, state, step)
        at, state = moved, after_rows


def compare(by_rows: Any, by_tables: Any, before: Any, step: int) -> None:
    """Named rows as on whole tables, others as before; what has no rows as on whole tables."""
    assert jax.tree.structure(by_rows) == jax.tree.structure(by_tables)
    named = np.isin(np.arange(VOCAB), IDS[step])
    leaves = (jax.tree.leaves(tree) for tree in (by_rows, by_tables, before))
    for got, expected, old in zip(*leaves, strict=True):
        if jnp.ndim(got) and got.shape[0] == VOCAB:
            assert_close(got[named], expected[named])
            np.testing.assert_array_equal(got[~named], old[~named])
        else:
            assert_close(got, expected)


def assert_close(got: Any, expected: Any) -> None:
    assert np.isfinite(got).all()
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=ATOL)


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_rows_alone_cannot_do_is_refused_in_one_line(name: str):
    maker, reason = REFUSED[name]
    lifted = rowwise(maker())
    with pytest.raises(RowwiseError, match=reason) as caught:
        lifted.update(gradients(0), lifted.init(params()), params(), **extra(name))
    assert "\n" not in caught.value.args[0]
