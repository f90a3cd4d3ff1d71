"""σ looked up in a table instead of computed: near the gradient, and not the gradient.

| program | reach | entries | beyond the reach |
|---|---|---|---|
| word2vec.c | 6 | 1000 | σ is taken for 0 or 1 |
| gensim, skip-gram and CBOW | 6 | 1000 | the word is passed over |
| fastText | 8 | 513 | σ is taken for 0 or 1 |

The first two find a score s at entry ⌊(s + 6) · 83⌋, since 1000 / 6 / 2 is 83 in whole numbers, and
entry i is σ(12 i / 1000 − 6): what is looked up is σ(0.996 s − 0.024), or a little less.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jw2v.judge.records import Derivation, Step
from jw2v.ledger.peers.common import BOTH, DIM, sigma

LATEX = r"(\tilde\sigma(u^T v) - 1)\,u"
CITE = "word2vec.c (2013); gensim 4.4, word2vec_inner.pyx; fastText, loss.cc"


class Table(NamedTuple):
    """A table of σ."""

    reach: int  # of scores, on either side
    entries: np.ndarray
    per_unit: int  # entries a unit of the score, as the index is computed

    def lookup(self, score: Any) -> Any:
        """The entry of a score within reach.

        >>> print(f"{EXP_TABLE.lookup(jnp.array(0.0)):.4f}")  # σ(−0.024)
        0.4940
        """
        place = ((score + self.reach) * self.per_unit).astype(np.int32)
        return jnp.asarray(self.entries, score.dtype)[place]

    def worst(self) -> float:
        """The largest error within reach, measured.

        >>> print(f"{EXP_TABLE.worst():.4f}")
        0.0091
        """
        score = np.linspace(-self.reach, self.reach, 200_001)[1:-1]
        place = ((score + self.reach) * self.per_unit).astype(int)
        return float(np.abs(self.entries[place] - _sigma(score)).max())


def _sigma(score: Any) -> Any:
    return 1 / (1 + np.exp(-score))


EXP_TABLE = Table(6, _sigma(np.arange(1000) / 1000 * 12 - 6), 1000 // 6 // 2)
FASTTEXT = Table(8, _sigma(np.arange(513) / 512 * 16 - 8), 512 // 16)


def derivations() -> tuple[Derivation, ...]:
    """The gradient of −log σ(u·v) by v, with what stands for σ.

    >>> [step.expect for step in derivations()[0].steps]
    ['refuted', 'refuted', 'refuted', 'refuted']
    """

    def positive(v: Any, u: Any) -> Any:
        return -jax.nn.log_sigmoid(u @ v)

    def by_hand(v: Any, u: Any) -> Any:
        return -sigma(-(u @ v)) * u

    def by_exp_table(v: Any, u: Any) -> Any:
        return (EXP_TABLE.lookup(u @ v) - 1) * u

    def by_fasttext(v: Any, u: Any) -> Any:
        return (FASTTEXT.lookup(u @ v) - 1) * u

    def saturated(v: Any, u: Any) -> Any:
        return (jnp.where(u @ v > 0, 1, 0) - 1) * u

    def passed_over(v: Any, u: Any) -> Any:
        return jnp.zeros_like(u)

    def line(id: str, fn: Any, domain: Callable[..., bool], note: str) -> Step:
        return Step(
            id,
            LATEX,
            fn,
            kind="gradient",
            after="",
            expect="refuted",
            correct=r"-\sigma(-u^T v)\,u",
            correct_fn=by_hand,
            domain=domain,
            note=note,
        )

    steps = (
        line("EXP_TABLE", by_exp_table, _within(6), _off(EXP_TABLE)),
        line("table of fastText", by_fasttext, _within(8), _off(FASTTEXT)),
        line(
            "word2vec.c beyond 6",
            saturated,
            _beyond(6),
            f"off by up to σ(−6) = {_sigma(-6.0):.4f}",
        ),
        line(
            "gensim beyond 6", passed_over, _beyond(6), "a target scored below −6 is never learnt"
        ),
    )
    args = (np.ones(DIM), np.ones(DIM))
    return (Derivation("σ from a table", positive, args, steps, wrt=0, dtypes=BOTH, cite=CITE),)


def _off(table: Table) -> str:
    return f"σ is off by up to {table.worst():.4f}"


def _within(reach: int) -> Callable[..., bool]:
    return lambda v, u: bool(abs(u @ v) < reach)


def _beyond(reach: int) -> Callable[..., bool]:
    return lambda v, u: bool(abs(u @ v) > reach)
