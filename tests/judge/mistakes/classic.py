"""Sigmoid, logistic regression, squared error, a bilinear layer, a small tanh network, margins."""

import jax
import jax.numpy as jnp
import numpy as np
from judge.mistakes.records import Case, Scale

sigma = jax.nn.sigmoid
ONE = np.ones(())


def sigmoid_right(x):
    return sigma(x) * (1 - sigma(x))


def logistic(w, b, X, y):
    z = X @ w + b
    return jnp.sum(jnp.logaddexp(0.0, z) - y * z)


def logistic_right(w, b, X, y):
    r = sigma(X @ w + b) - y
    return X.T @ r, jnp.sum(r)


def signed(w, X, y):
    return jnp.sum(jnp.log(1 + jnp.exp(-y * (X @ w))))


def signed_right(w, X, y):
    return -(y * sigma(-y * (X @ w))) @ X


def squares(W, X, Y):
    return 0.5 * jnp.sum((X @ W - Y) ** 2)


def squares_right(W, X, Y):
    return X.T @ (X @ W - Y)


def mean_squares(W, X, Y):
    return jnp.mean((X @ W - Y) ** 2)


def mean_squares_right(W, X, Y):
    return 2 / Y.size * X.T @ (X @ W - Y)


def layer(A, x, y):
    return y @ jnp.tanh(A @ x)


def layer_right(A, x, y):
    delta = y * (1 - jnp.tanh(A @ x) ** 2)
    return jnp.outer(delta, x), A.T @ delta


def quadratic(x, A):
    return x @ A @ x


def quadratic_right(x, A):
    return (A + A.T) @ x


def network(W1, b1, w2, x, y):
    return 0.5 * (w2 @ jnp.tanh(W1 @ x + b1) - y) ** 2


def network_right(W1, b1, w2, x, y):
    h = jnp.tanh(W1 @ x + b1)
    e = w2 @ h - y
    delta = e * w2 * (1 - h**2)
    return jnp.outer(delta, x), delta, e * h


def triplet(a, p, n):
    return jnp.maximum(0.0, 1 + a @ n - a @ p)


def triplet_right(a, p, n):
    on = 1.0 * (1 + a @ n - a @ p > 0)
    return on * (n - p), -on * a, on * a


def hinge(W, x, y):
    scores = W @ x
    return jnp.sum(jnp.maximum(0.0, 1 + scores - scores[y])) - 1


def hinge_right(W, x, y):
    scores = W @ x
    over = (1.0 * (1 + scores - scores[y] > 0)).at[y].set(0.0)
    return jnp.outer(over.at[y].set(-jnp.sum(over)), x)


SIGMOID = Case("sigmoid", sigma, sigmoid_right, (ONE,), 0)
DATA = (np.ones(5), ONE, np.ones((7, 5)), np.ones(7))
LOGISTIC = Case("logistic", logistic, logistic_right, DATA, (0, 1))
SIGNED = Case("logistic of ±1", signed, signed_right, (np.ones(5), np.ones((7, 5)), np.ones(7)), 0)
MATRICES = (np.ones((5, 3)), np.ones((7, 5)), np.ones((7, 3)))
SQUARES = Case("squares", squares, squares_right, MATRICES, 0)
MEAN_SQUARES = Case("mean squares", mean_squares, mean_squares_right, MATRICES, 0)
LAYER = Case("layer", layer, layer_right, (np.ones((5, 5)), np.ones(5), np.ones(5)), (0, 1))
QUADRATIC = Case("quadratic", quadratic, quadratic_right, (np.ones(5), np.ones((5, 5))), 0)
NETWORK = Case(
    "network",
    network,
    network_right,
    (np.ones((3, 5)), np.ones(3), np.ones(3), np.ones(5), ONE),
    (0, 1, 2),
)
TRIPLET = Case("triplet", triplet, triplet_right, (np.ones(5), np.ones(5), np.ones(5)), (0, 1, 2))
HINGE = Case("hinge", hinge, hinge_right, (np.ones((7, 5)), np.ones(5), np.array(3)), 0)
CASES = (
    SIGMOID, LOGISTIC, SIGNED, SQUARES, MEAN_SQUARES, LAYER, QUADRATIC, NETWORK, TRIPLET, HINGE
)  # fmt: skip


def negated_logit(w, b, X, y):
    r = 1 / (1 + jnp.exp(X @ w + b)) - y
    return X.T @ r, jnp.sum(r)


def tanh_prime_without_square(W1, b1, w2, x, y):
    h = jnp.tanh(W1 @ x + b1)
    delta = (w2 @ h - y) * w2 * (1 - h)
    return jnp.outer(delta, x), delta


def delta_for_w2(W1, b1, w2, x, y):
    return network_right(W1, b1, w2, x, y)[1]


def layer_outer_swapped(A, x, y):
    return jnp.outer(x, y * (1 - jnp.tanh(A @ x) ** 2))


def layer_not_transposed(A, x, y):
    return A @ (y * (1 - jnp.tanh(A @ x) ** 2))


def positive_and_negative_swapped(a, p, n):
    on = 1.0 * (1 + a @ n - a @ p > 0)
    return on * (p - n)


def hinge_without_the_true_row(W, x, y):
    scores = W @ x
    over = (1.0 * (1 + scores - scores[y] > 0)).at[y].set(0.0)
    return jnp.outer(over, x)


MISTAKES = (
    SIGMOID.slip(
        "of its own value",
        "edit",
        lambda x: x * (1 - x),
        "takes x to be the activation already, as in a stored forward pass",
    ),
    LOGISTIC.slip(
        "y - p",
        "sign",
        lambda w, b, X, y: X.T @ (y - sigma(X @ w + b)),
        "writes the step of ascent for the gradient of the loss",
        wrt=0,
    ),
    LOGISTIC.slip("negated logit", "sigma(-x)", negated_logit, "writes 1/(1 + eᶻ) for 1/(1 + e⁻ᶻ)"),
    SIGNED.slip(
        "sigma of yz",
        "sigma(-x)",
        lambda w, X, y: -(y * sigma(y * (X @ w))) @ X,
        "drops the minus within when the logarithm is differentiated",
    ),
    SQUARES.slip(
        "factor 2",
        "factor",
        lambda W, X, Y: 2 * X.T @ (X @ W - Y),
        "brings the exponent down and forgets the half in front",
    ),
    SQUARES.slip(
        "residual times X",
        "transpose",
        lambda W, X, Y: (X @ W - Y).T @ X,
        "writes the outer product the other way round",
    ),
    LAYER.slip(
        "outer swapped",
        "transpose",
        layer_outer_swapped,
        "writes x δᵀ for δ xᵀ",
        wrt=0,
    ),
    LAYER.slip(
        "not transposed",
        "transpose",
        layer_not_transposed,
        "goes back through A and not through Aᵀ",
        wrt=1,
    ),
    QUADRATIC.slip(
        "2Ax",
        "transpose",
        lambda x, A: 2 * A @ x,
        "takes A to be symmetric",
        also=("edit", "missing term", "doubled term"),
    ),
    NETWORK.slip(
        "tanh' without the square",
        "edit",
        tanh_prime_without_square,
        "1 − h for 1 − h²",
        wrt=(0, 1),
    ),
    TRIPLET.slip(
        "always on",
        "edit",
        lambda a, p, n: n - p,
        "forgets that the loss is flat where the margin is kept",
        wrt=0,
    ),
    TRIPLET.slip(
        "swapped", "sign", positive_and_negative_swapped, "swaps positive and negative", wrt=0
    ),
    SIGMOID.mutant("1 + s", "sign", lambda x: sigma(x) * (1 + sigma(x)), "+ for −", also=("edit",)),
    SIGMOID.mutant(
        "s squared", "sigma(-x)", lambda x: sigma(x) * sigma(x), "σ(x) for σ(−x)", also=("edit",)
    ),
    LOGISTIC.mutant(
        "mean for sum in d_b",
        "factor",
        lambda w, b, X, y: jnp.mean(sigma(X @ w + b) - y),
        "mean for sum",
        wrt=1,
        scale=Scale(2, 0, -1),
    ),
    QUADRATIC.mutant("Ax", "missing term", lambda x, A: A @ x, "Aᵀx left out"),
    NETWORK.mutant("delta for d_w2", "other variable", delta_for_w2, "that of b1", wrt=2),
    TRIPLET.mutant(
        "d_n for d_p",
        "other variable",
        lambda a, p, n: triplet_right(a, p, n)[2],
        "that of n",
        wrt=1,
        also=("sign",),
    ),
    HINGE.mutant(
        "without the true row", "missing term", hinge_without_the_true_row, "row y left out"
    ),
)
