"""The maths: every loss of the document with its gradient by hand and by autodiff.

Each file holds the pure functions of one window (`jw2v.losses.negative_sampling` and so on); the
names this package exports are the same functions, jitted:

>>> import jax.numpy as jnp
>>> from jw2v.losses import negative_sampling
>>> v_c, u_o, u_neg = jnp.ones(2), jnp.ones(2), jnp.ones((5, 2))
>>> J, (d_v_c, d_u_o, d_u_neg) = negative_sampling.loss_and_grads(v_c, u_o, u_neg)
>>> d_u_neg.shape
(5, 2)
"""

from inspect import signature
from types import ModuleType
from typing import NamedTuple

import jax

from jw2v.losses import cbow as _cbow
from jw2v.losses import hierarchical_softmax as _hierarchical_softmax
from jw2v.losses import naive_softmax as _naive_softmax
from jw2v.losses import negative_sampling as _negative_sampling
from jw2v.losses import reverse_skipgram as _reverse_skipgram
from jw2v.losses import sigmoid as _sigmoid
from jw2v.losses import skipgram as _skipgram
from jw2v.losses import subwords as _subwords
from jw2v.losses.batched import over_windows
from jw2v.losses.record import Loss, LossAndGradsFn, LossFn

__all__ = [
    "Jitted",
    "Loss",
    "LossAndGradsFn",
    "LossFn",
    "cbow",
    "hierarchical_softmax",
    "naive_softmax",
    "negative_sampling",
    "over_windows",
    "reverse_skipgram",
    "sigmoid",
    "skipgram",
    "subwords",
]


class Jitted(NamedTuple):
    """The three functions of one file, jitted."""

    loss: LossFn
    loss_and_grads: LossAndGradsFn
    loss_and_grads_autodiff: LossAndGradsFn


def _jitted(module: ModuleType, *static: str) -> Jitted:
    def jitted(name: str) -> LossFn:
        function = getattr(module, name)
        known = [x for x in static if x in signature(function).parameters]
        return jax.jit(function, static_argnames=known)

    return Jitted(*map(jitted, Jitted._fields))


sigmoid = _jitted(_sigmoid)
naive_softmax = _jitted(_naive_softmax)
negative_sampling = _jitted(_negative_sampling, "by")
hierarchical_softmax = _jitted(_hierarchical_softmax, "by")
skipgram = _jitted(_skipgram, "pair")
reverse_skipgram = _jitted(_reverse_skipgram, "pair")
cbow = _jitted(_cbow, "pair", "mean", "word2vec")
subwords = _jitted(_subwords, "window")
