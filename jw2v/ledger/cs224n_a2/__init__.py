"""The written solutions of CS224n assignment 2, parts (a) to (h), line by line.

Every displayed equality, inline claim and answer is one step, in the document's order. Each is said
in jax as the document says it: a derivative it writes is taken by autodiff of what stands behind
it, a sum is a sum. The document keeps the words in the columns of U, here they are rows, so its
U(ŷ − y) is Uᵀ(ŷ − y); and it writes δ for ∂. A line that captures, drops or leaves an index
unbound is there twice, to the letter and as meant. What is wrong is said in `expect`, of the value
(is it the gradient?), and in `expect_step` (does it follow from the line before?); the machine
computes both all the same.

>>> sum(len(derivation.steps) for derivation in DERIVATIONS)
130
"""

from jw2v.judge.records import Derivation
from jw2v.ledger.cs224n_a2 import a, b, c, c_o, d, e, f, f1, f2, f3, g, h

__all__ = ["DERIVATIONS"]

DERIVATIONS: tuple[Derivation, ...] = (
    *a.DERIVATIONS,
    *b.DERIVATIONS,
    *c.DERIVATIONS,
    *c_o.DERIVATIONS,
    *d.DERIVATIONS,
    *e.DERIVATIONS,
    f.LOSS,
    *f1.DERIVATIONS,
    *f2.DERIVATIONS,
    *f3.DERIVATIONS,
    f.COST,
    *g.DERIVATIONS,
    *h.DERIVATIONS,
)
