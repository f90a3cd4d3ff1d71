"""How sure a score is: intervals that hold the true value 95 times in 100."""

import math

_Z = 1.959964  # of the normal law, two-sided 95 %


def spearman_interval(rho: float | None, n: int) -> tuple[float, float] | None:
    """95 % interval of Spearman's rho over n pairs: Fisher's z, Bonett and Wright's variance.

    `tanh(artanh ρ ± z √((1 + ρ²/2) / (n − 3)))`: D. G. Bonett, T. A. Wright, Sample size
    requirements for estimating Pearson, Kendall and Spearman correlations, Psychometrika 65 (2000).
    The pairs count as independent draws.

    Returns:
      Lower and upper end; None where there is no rho, under four pairs, or rho is 1 or -1.

    >>> [round(end, 4) for end in spearman_interval(0.8699639, 15)]
    [0.5841, 0.9638]
    """
    if rho is None or n < 4 or abs(rho) > 1 - 1e-12:
        return None
    centre, half = math.atanh(rho), _Z * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return math.tanh(centre - half), math.tanh(centre + half)


def wilson_interval(successes: int, n: int) -> tuple[float, float] | None:
    """95 % interval of the rate of successes among n, by Wilson's score.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22
    (1927). It stays within 0 and 1, and has a length where all or none succeed.

    Returns:
      Lower and upper end; None where n is 0.

    >>> [round(end, 4) for end in wilson_interval(8, 10)]
    [0.4902, 0.9433]
    """
    if n == 0:
        return None
    rate, weight = successes / n, _Z**2 / n
    centre = rate + weight / 2
    half = _Z * math.sqrt(rate * (1 - rate) / n + weight / (4 * n))
    low, high = ((centre + sign * half) / (1 + weight) for sign in (-1, 1))
    return max(0.0, low), min(1.0, high)
