"""Logistic regression with an L1 penalty, labels between 0 and 1, and a strength chosen by cross-validation.

It minimises what alpaca-eval hands to scikit-learn's ``LogisticRegressionCV`` with liblinear, but to rounding error: liblinear
stops at a tolerance of 1e-4, where the coefficients, and with them the choice of the strength, still move.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from genlab.intervals import Floats

FOLDS = 5  # alpaca-eval 0.6.6, GLM_INFO: "n_splits": 5
STRENGTHS = tuple(float(each) for each in np.logspace(-4, 4, 10))  # scikit-learn 1.9, LogisticRegressionCV: Cs=10
CLIP = 1e-15  # alpaca-eval 0.6.6, logloss: epsilon
TOLERANCE = 1e-13  # of the optimality conditions, by the size of a gradient's terms (our assumption: some times rounding error)
MOST_STEPS = 100  # Newton steps; 5 to 15 suffice (our assumption)
MOST_SWEEPS = 50  # over the coordinates of one quadratic; after so many, signs are tried one after the other (our assumption)
LOST = 1e-11  # a decrease by this share of the objective or less is not tested (our assumption: well above rounding error)
ENOUGH = 1e-4  # the share of the predicted decrease that a step has to bring, in Armijo's rule (our assumption)


@dataclass(frozen=True)
class Fit:
    """Coefficients that minimise the penalised loss.

    Attributes:
        coefficients: one a feature.
        C: inverse strength of the penalty.
        residual: how far the optimality conditions are violated, as a share of the terms that the gradient sums.
        converged: whether that is rounding error.
    """

    coefficients: Floats
    C: float
    residual: float
    converged: bool


@dataclass(frozen=True)
class Choice:
    """The fit to all rows at the strength that cross-validation chose.

    Attributes:
        fit: to all rows.
        strengths: those tried, as C.
        scores: minus the held-out loss of each, summed over folds.
    """

    fit: Fit
    strengths: tuple[float, ...]
    scores: tuple[float, ...]


def penalised_logistic(features: Floats, shares: Floats, weights: Floats, C: float, start: Floats | None = None) -> Fit:
    """Minimise ``|w|_1 + C * sum_i weights_i * loss(shares_i, features_i . w)`` with the logistic loss and no intercept.

    By Newton's method: a step minimises the penalty plus the loss's quadratic approximation, coordinate by coordinate, and is
    halved until the objective falls (Yuan, Ho and Lin 2012).

    >>> labels = np.array([1.0, 1.0, 1.0, 0.0])
    >>> penalised_logistic(np.ones((4, 1)), labels, np.ones(4), C=1e9).coefficients.round(6).tolist()  # log(3 / 1)
    [1.098612]

    Args:
        features: one row an observation, one column a coefficient.
        shares: labels, from 0 to 1; a share of p counts as an observation of 1 with weight p and one of 0 with weight 1 - p.
        weights: of the observations, 0 or more.
        C: inverse strength of the penalty, above 0.
        start: coefficients to begin at, all 0 by default.
    """
    w = np.zeros(features.shape[1]) if start is None else start
    size = 1 + C * float((np.abs(features).T @ weights).max())

    def objective(w: Floats) -> float:
        z = features @ w
        return float(np.abs(w).sum() + C * (weights @ (np.logaddexp(0, z) - shares * z)))

    residual, now = np.inf, objective(w)
    for _ in range(MOST_STEPS):
        chances = logistic(features @ w)
        gradient = C * (features.T @ (weights * (chances - shares)))
        residual = _violation(w, gradient) / size
        if residual <= TOLERANCE:
            break
        curvature = C * (features.T * (weights * chances * (1 - chances))) @ features
        step = _step(w, gradient, curvature)
        predicted = float(gradient @ step + np.abs(w + step).sum() - np.abs(w).sum())
        length, ahead = 1.0, objective(w + step)
        # A decrease that is lost in the objective's rounding cannot be tested, and Newton's step is then right as it is.
        while -predicted > LOST * abs(now) and ahead > now + ENOUGH * length * predicted and length > 1e-9:
            length /= 2
            ahead = objective(w + length * step)
        w, now = w + length * step, ahead
    return Fit(w, C, residual, residual <= 10 * TOLERANCE)


def cross_validated(
    features: Floats,
    shares: Floats,
    weights: Floats,
    *,
    strengths: tuple[float, ...] = STRENGTHS,
    folds: int = FOLDS,
) -> Choice:
    """Choose C by the loss on held-out rows, summed over folds, then fit all rows with it; of equal ones the smallest.

    Row i of n is held out in fold (n - 1 - i) mod ``folds``: scikit-learn 1.9's ``GroupKFold`` on groups of equal size.

    Raises:
        ValueError: fewer rows than folds.
    """
    n = len(shares)
    if n < folds:
        raise ValueError(f"cross-validation in {folds} folds needs at least {folds} graded rows, got {n}")
    fold = np.arange(n - 1, -1, -1) % folds
    scores = np.zeros(len(strengths))
    for held in range(folds):
        kept, out = fold != held, fold == held
        start = None
        for place, C in enumerate(strengths):
            start = penalised_logistic(features[kept], shares[kept], weights[kept], C, start).coefficients
            chances = np.clip(logistic(features[out] @ start), CLIP, 1 - CLIP)
            gains = shares[out] * np.log(chances) + (1 - shares[out]) * np.log(1 - chances)
            scores[place] += float(np.mean(weights[out] * gains))
    best = int(np.argmax(scores))
    fit = penalised_logistic(features, shares, weights, strengths[best])
    return Choice(fit, strengths, tuple(scores.tolist()))


def logistic(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), without overflow.

    >>> logistic(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    chances: Floats = (1 + np.tanh(z / 2)) / 2
    return chances


def _violation(w: Floats, gradient: Floats) -> float:
    """The largest entry of the subgradient of least norm: 0 at the minimum."""
    flat = np.maximum(np.abs(gradient) - 1, 0)
    return float(np.where(w == 0, flat, np.abs(gradient + np.sign(w))).max())


def _step(w: Floats, gradient: Floats, curvature: Floats) -> Floats:
    """The step d that minimises ``gradient . d + d . curvature . d / 2 + |w + d|_1``, coordinate by coordinate.

    Columns that are nearly multiples of each other make that slow; then the minimum is looked for by its signs.
    """
    at, slope, rows = w.tolist(), gradient.tolist(), curvature.tolist()  # a handful of numbers: faster than arrays
    moved = [0.0] * len(at)
    for _ in range(MOST_SWEEPS):
        largest = 0.0
        for j, row in enumerate(rows):
            if row[j] <= 0:
                continue
            here = slope[j] + sum(map(float.__mul__, row, moved))
            old = at[j] + moved[j]
            target = old - here / row[j]
            new = max(abs(target) - 1 / row[j], 0.0) * (1.0 if target > 0 else -1.0)
            moved[j] = new - at[j]
            largest = max(largest, abs(new - old) / (1 + abs(new)))
        if largest < 1e-15:
            return np.array(moved)
    return _by_signs(w, gradient, curvature, np.array(moved))


def _by_signs(w: Floats, gradient: Floats, curvature: Floats, start: Floats) -> Floats:
    """The same step, exactly: of all choices of signs of ``w + d``, the minimum within each, and the lowest of those."""
    linear = gradient - curvature @ w

    def height(v: Floats) -> float:
        return float(v @ curvature @ v / 2 + linear @ v + np.abs(v).sum())

    best = w + start
    lowest = height(best)
    for signs in product((-1.0, 0.0, 1.0), repeat=len(w)):
        sign = np.array(signs)
        used = sign != 0
        v = np.zeros_like(w)
        try:
            v[used] = np.linalg.solve(curvature[np.ix_(used, used)], -(linear + sign)[used])
        except np.linalg.LinAlgError:  # flat in some direction: a choice with a zero more is as low
            continue
        if (np.sign(v) == sign).all() and height(v) < lowest:
            best, lowest = v, height(v)
    return best - w
