"""Damping of the rows that a block hits many times.

A block sums the gradients of all its pairs at one stale table: a row that M pairs touch takes M
steps at once. By the curvature of the loss, |x|² σ(s) σ(−s) a pair with x the other row, that is
stable while

    lr · M · D · |x|² σ(s) σ(−s) < 2,        D the damping of the row

Sequential steps would see each other and settle. Two factors, the smaller of which is taken:

    D = 1/√m                m: places where the word is expected in a block in which it stands. A
                            row met once is left alone, a frequent one takes √m steps' worth.
    D = STABLE / (lr M)     the bound above, for |x|² σ(s) σ(−s) up to 2 / STABLE. It matters where
                            blocks are large or the rate is high: without it they diverge.

A word that is drawn as a negative is met at once by all the pairs that share the draw, and these
are of one passage: M of a row of U is at least their number, `TOGETHER` times.

Where a word is the mean of pieces, a piece is given a share of what the word is: by D / share, the
share expected of it, its steps are as long as a word's, and the same rates serve. Words akin share
pieces and stand together, so that a block has a piece more often than M says, `AKIN` times.

Damping multiplies the step, never the gradient: the gradient that a check sees is the whole sum.
Both counts are expectations over the text, fixed for a run: counting them in each block would cost
an array of the vocabulary's size a step, and learn no better.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from jw2v.blocks.tables import RowGrads, Tables

STABLE = 8.0
"""lr M D at most; see experiments/block_size."""
TOGETHER = 2.0
"""Without it negatives shared by 64 centres diverge at a rate of 0.1, with it not at 0.15."""
AKIN = 2.0
"""With negatives=15, blocks of n-grams diverge where M is taken once; nothing is lost by twice."""


class PieceLaw(NamedTuple):
    """Of words that are made of pieces, what is expected of each row of V."""

    met: Float[np.ndarray, " rows"]  # places in a word of the text
    share: Float[np.ndarray, " rows"]  # what it is given of a word's gradient, where it stands


class Expected(NamedTuple):
    """What a block is expected to hold.

    Attributes:
      text: the share of each word in the text as it is trained on, `[vocab]`.
      noise: the law of the negatives, `[vocab]`.
      centres: centre words of a block.
      words: words of the text in a block, its halo too.
      draws: negatives drawn for a block; 0 where every word is one, as for the softmax.
      pairs: of a centre word, weighted.
      negatives: K, those that a pair counts with.
      inward: whether the words around predict the centre, so that they are rows of V, and centres
        of U.
      bag: whether they do it together: a centre is then one pair, and `pairs` what each word around
        is given of its gradient.
      met: of a tree in the place of outside words and negatives: how often each inner node is on
        the way to a centre, `[vocab]`.
      pieces: of words that are made of them.
      in_batch: whether negatives are words of the text, weighted to their law; none is drawn.
    """

    text: Float[np.ndarray, " vocab"]
    noise: Float[np.ndarray, " vocab"]
    centres: int
    words: int
    draws: int
    pairs: float
    negatives: int
    inward: bool = False
    bag: bool = False
    met: Float[np.ndarray, " vocab"] | None = None
    pieces: PieceLaw | None = None
    in_batch: bool = False

    @property
    def of_centre(self) -> float:
        """Times that a centre counts with each row of U that it meets; of a bag once."""
        return 1.0 if self.bag else float(self.pairs)

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """M of each row of V and of U: where it stands, and by chance in the others."""
        in_V, in_U = self.centres, self.words
        if self.inward:
            in_V, in_U = in_U, in_V
        first = 1 + (in_V - 1) * (self.text if self.pieces is None else self.pieces.met)
        if self.met is not None:
            return first, 1 + (in_U - 1) * self.met
        return first, 1 + (in_U - 1) * self.text + self.draws * self.noise

    def touches(self) -> tuple[np.ndarray, np.ndarray]:
        """M of each row of V and of U.

        The negatives of all pairs are spread over the words by the noise law, however many pairs
        share a draw; those of the softmax, one a pair, by the text's own.
        """
        if self.met is not None:
            scores, chance = float(self.met.sum()), self.met
        else:
            sampled = self.draws or self.in_batch
            weight, law = (self.negatives, self.noise) if sampled else (1, self.text)
            scores, chance = 1 + weight, self.text + weight * law
        first = self.places()[0]
        given = self.pairs * (1 if self.pieces is None else AKIN)
        return given * scores * first, self.of_centre * (1 + self.centres * chance)

    def at_once(self) -> tuple[np.ndarray, np.ndarray]:
        """M of each row of V and of U, of the latter at least the pairs that a draw meets together.

        An in-batch negative meets, wherever it stands, K ρ times the pairs of a centre.
        """
        first, second = self.touches()
        if self.in_batch:
            drawn = self.of_centre * self.negatives * self.noise / self.text
        elif self.draws:
            drawn = self.of_centre * self.centres * self.negatives / self.draws
        else:
            return first, second
        return first, np.maximum(second, TOGETHER * drawn)

    def factors(self, lr: float, lr_outside: float | None = None) -> Tables:
        """D of each word as centre and as outside word, at a learning rate or one each.

        >>> law = np.array([0.5, 0.5])
        >>> rare = Expected(law, law, centres=1, words=3, draws=0, pairs=2, negatives=5)
        >>> print(rare.factors(0.1).U.round(3))  # 1/√2
        [0.707 0.707]
        >>> print(rare._replace(centres=99).factors(1.0).V)  # 8 / (2 · 2 · 50)
        [0.04 0.04]
        """
        rates = lr, lr if lr_outside is None else lr_outside
        shares = 1 if self.pieces is None else self.pieces.share, 1
        return Tables(
            *(
                jnp.asarray(np.minimum(1 / np.sqrt(m), STABLE / (rate * touched)) / share)
                for m, touched, rate, share in zip(
                    self.places(), self.at_once(), rates, shares, strict=True
                )
            )
        )


def damp(factors: Tables) -> optax.GradientTransformation:
    """Multiply each word's gradient by its factor.

    Args:
      factors: D of each word as centre and as outside word, `[vocab]` each; kept in the state.

    >>> from jw2v.optim.rows import apply_updates, linear
    >>> tx = optax.chain(damp(Tables(jnp.array([1.0, 0.5]), jnp.ones(2))), linear(optax.sgd(1.0)))
    >>> tables = Tables(jnp.zeros((2, 1)), jnp.zeros((2, 1)))
    >>> grads = Tables(RowGrads(jnp.array([1, 0, 1]), jnp.ones((3, 1))), jnp.zeros((2, 1)))
    >>> updates, _ = tx.update(grads, tx.init(tables), tables)
    >>> print(apply_updates(tables, updates).V[:, 0])
    [-1. -1.]
    """

    def init(params: Any) -> Tables:
        return Tables(*(f.astype(table.dtype) for f, table in zip(factors, params, strict=True)))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Tables, Tables]:
        return Tables(*map(scaled, updates, state)), state

    return optax.GradientTransformation(init, update)


def scaled(
    grads: RowGrads | Float[Array, "vocab dim"], factor: Float[Array, " vocab"]
) -> RowGrads | Float[Array, "vocab dim"]:
    """Each word's gradient times its factor, in rows or whole.

    >>> grads = RowGrads(jnp.array([1]), jnp.ones((1, 2)))
    >>> print(scaled(grads, jnp.array([1.0, 0.5])).rows)
    [[0.5 0.5]]
    """
    if isinstance(grads, RowGrads):
        return RowGrads(grads.ids, grads.rows * factor[grads.ids][:, None])
    return grads * factor[:, None]
