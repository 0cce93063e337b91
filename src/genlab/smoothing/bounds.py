"""What counts of noisy predictions prove: Clopper-Pearson's bound, the certified radius, and predict's test.

Cohen, Rosenfeld & Kolter 2019 (1902.02918): CERTIFY and PREDICT, section 3.2; the radius is theorem 1 with pB = 1 - pA.
"""

import math


def lower_bound(successes: int, n: int, alpha: float) -> float:
    """Clopper-Pearson's one-sided lower bound: below it lies the true probability in a share alpha of experiments at most.

    The paper's p_A with a bar below.

    >>> round(lower_bound(99_000, 100_000, 0.001), 6)
    0.988989
    >>> lower_bound(0, 100, 0.001)
    0.0

    Args:
        successes: how many of ``n`` independent trials.
        n: trials, at least 1.
        alpha: the probability that the bound is wrong, in (0, 1).

    Raises:
        ValueError: no trial, successes that are not between 0 and n, or an alpha outside (0, 1).
    """
    _check(successes, n, alpha)
    from scipy.special import betaincinv

    return 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, alpha))


def upper_bound(successes: int, n: int, alpha: float) -> float:
    """Clopper-Pearson's one-sided upper bound: one less the lower bound of the failures.

    Raises:
        ValueError: as ``lower_bound``.
    """
    return 1.0 - lower_bound(n - successes, n, alpha)


def abstains(lower: float) -> bool:
    """Whether a bound proves nothing: it lies below one half."""
    return lower < 0.5


def certified_radius(lower: float, sigma: float) -> float:
    """L2 radius within which the smoothed class is constant, sigma * Phi^-1(lower); 0 where the bound proves nothing.

    >>> round(certified_radius(lower_bound(99_000, 100_000, 0.001), sigma=1.0), 4)
    2.29

    Args:
        lower: lower bound of the probability of the class under noise.
        sigma: standard deviation of the noise; the radius has its unit.
    """
    from scipy.special import ndtri

    return 0.0 if abstains(lower) else sigma * float(ndtri(lower))


def largest_radius(n: int, alpha: float, sigma: float) -> float:
    """The radius where all ``n`` copies agree: nothing larger can be certified with so many.

    >>> [round(largest_radius(n, 0.001, sigma=1.0), 4) for n in (1_000, 10_000, 100_000)]
    [2.4633, 3.1986, 3.8115]

    Raises:
        ValueError: as ``lower_bound``.
    """
    return certified_radius(lower_bound(n, n, alpha), sigma)


def smallest_probability(radius: float, sigma: float) -> float:
    """Phi(radius / sigma): what the lower bound must reach for a radius.

    >>> smallest_probability(0.0, sigma=0.25)
    0.5
    """
    from scipy.special import ndtr

    return float(ndtr(radius / sigma))


def tie_p_value(first: int, second: int) -> float:
    """p-value of the two-sided binomial test that two classes are equally probable, from the counts of the two leading ones.

    >>> round(tie_p_value(8, 2), 6), 2 * (1 + 10 + 45) / 2**10
    (0.109375, 0.109375)

    Args:
        first: one count.
        second: the other.

    Raises:
        ValueError: a negative count.
    """
    if min(first, second) < 0:
        raise ValueError(f"counts are 0 or more, got {first} and {second}")
    from scipy.special import bdtrc

    n, most = first + second, max(first, second)
    return 1.0 if first == second else min(1.0, 2.0 * float(bdtrc(most - 1, n, 0.5)))


def _check(successes: int, n: int, alpha: float) -> None:
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"a bound needs 0 to n successes of at least 1 trial, got {successes} of {n}")
    check_alpha(alpha)


def check_alpha(alpha: float) -> None:
    """A probability of error strictly between 0 and 1.

    Raises:
        ValueError: it is not.
    """
    if not (math.isfinite(alpha) and 0 < alpha < 1):
        raise ValueError(f"alpha, the probability of a wrong answer, lies strictly between 0 and 1, got {alpha:g}: pass 0.001")
