"""The penalised regression: its optimality conditions, a closed form, and scikit-learn at a tight tolerance."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from genlab import chance
from genlab.grading.penalised_logistic import STRENGTHS, cross_validated, logistic, penalised_logistic
from genlab.intervals import Floats


def made_up(n: int, key: int) -> tuple[Floats, Floats, Floats]:
    random = chance.numpy("penalised", key)
    features = np.column_stack([np.tanh(random.normal(size=n)), 1 + random.normal(size=n), np.ones(n)])
    shares = logistic(features @ np.array([-1.4, 0.9, -0.8]) + 2 * random.normal(size=n))
    return features, shares, random.choice([1.0, 0.1], n)


@given(st.integers(0, 50), st.sampled_from(STRENGTHS), st.booleans())
@settings(max_examples=40)
def test_no_subgradient_is_left(key: int, C: float, hard: bool) -> None:
    features, shares, weights = made_up(60, key)
    shares = np.round(shares) if hard else shares
    fit = penalised_logistic(features, shares, weights, C)
    gradient = C * features.T @ (weights * (1 / (1 + np.exp(-features @ fit.coefficients)) - shares))
    room = 1e-11 * (1 + C * np.abs(features).T @ weights)
    at_zero = fit.coefficients == 0
    assert (np.abs(gradient[at_zero]) <= 1 + room[at_zero]).all()
    assert (np.abs(gradient + np.sign(fit.coefficients))[~at_zero] <= room[~at_zero]).all()
    assert fit.converged


@pytest.mark.parametrize("C", [0.02, 1.0, 100.0])
def test_scikit_learn_finds_the_same(C: float) -> None:
    features, shares, weights = made_up(120, 1)
    model = LogisticRegression(l1_ratio=1, solver="liblinear", C=C, fit_intercept=False, tol=1e-9, max_iter=100, random_state=0)
    labels, both = np.repeat([1, 0], 120), np.concatenate([features, features])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it did not reach so small a tolerance
        model.fit(both, labels, sample_weight=np.concatenate([shares * weights, (1 - shares) * weights]))
    ours = penalised_logistic(features, shares, weights, C)
    assert ours.coefficients == pytest.approx(model.coef_[0], abs=1e-7)


@pytest.mark.parametrize(("share", "C"), [(0.7, 2.0), (0.2, 10.0), (0.55, 0.5)])
def test_one_coefficient_by_hand(share: float, C: float) -> None:
    """Its optimum: 20 C (p - share) = -sign, so p = share -+ 1 / (20 C), or 0 where that crosses a half."""
    ours = penalised_logistic(np.ones((20, 1)), np.full(20, share), np.ones(20), C).coefficients[0]
    shrunk = max(0.0, abs(share - 0.5) - 1 / (20 * C)) * np.sign(share - 0.5) + 0.5
    assert ours == pytest.approx(np.log(shrunk / (1 - shrunk)), abs=1e-11)


def test_where_it_begins_does_not_matter() -> None:
    features, shares, weights = made_up(80, 2)
    there = penalised_logistic(features, shares, weights, 20.0, np.array([5.0, -5.0, 5.0])).coefficients
    assert there == pytest.approx(penalised_logistic(features, shares, weights, 20.0).coefficients, abs=1e-10)


def test_separable_labels_stay_finite() -> None:
    features, _, _ = made_up(50, 3)
    fit = penalised_logistic(features, np.ones(50), np.ones(50), 1e4)
    assert fit.converged
    assert np.isfinite(fit.coefficients).all()


def test_a_feature_that_is_nothing_gets_nothing() -> None:
    features, shares, weights = made_up(50, 4)
    fit = penalised_logistic(features * [1.0, 0.0, 1.0], shares, weights, 10.0)
    assert fit.converged
    assert fit.coefficients[1] == 0


def test_too_few_rows_are_said() -> None:
    with pytest.raises(ValueError, match="at least 5 graded rows, got 4"):
        cross_validated(*made_up(4, 5))


@pytest.mark.parametrize("C", [1.0, 1e4])
def test_columns_that_are_nearly_multiples_of_each_other_are_fitted_to_the_end(C: float) -> None:
    """Answers that are all a little shorter than the reference's: coordinate by coordinate this takes thousands of steps."""
    lengths = np.tanh(np.linspace(2, 5, 60))
    features, shares = np.column_stack([lengths, np.ones(60)]), (np.arange(60) % 3 < 2).astype(float)
    found = penalised_logistic(features, shares, np.ones(60), C)
    assert found.converged
    z = features @ found.coefficients
    gradient = C * features.T @ (1 / (1 + np.exp(-z)) - shares)
    for slope, each in zip(gradient, found.coefficients, strict=True):  # optimal, coordinate by coordinate
        assert abs(slope) <= 1 + 1e-6 if each == 0 else abs(slope + np.sign(each)) <= 1e-6
