"""Drawn data: their laws, that draws and splits differ, and that example i does not depend on how many there are."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.training.data import load, outline


def test_sparse_regression_is_the_sum_of_the_first_features() -> None:
    data = load("sparse-regression-100-40-5")
    assert (data.inputs, data.outputs, data.classes, data.train_counts) == ((100,), 1, None, ())
    for x, y, count in (
        (data.train_inputs, data.train_targets, 40),
        (data.validation_inputs, data.validation_targets, 40),
        (data.test_inputs, data.test_targets, 1000),
    ):
        assert x is not None
        assert y is not None
        assert (x.shape, y.shape) == ((count, 100), (count, 1))
        true = torch.zeros(100, dtype=torch.float64)
        true[:5] = 1
        assert torch.allclose(x.double() @ true, y.double()[:, 0], rtol=1e-6, atol=1e-6)


def test_regression_inputs_are_standard_normal() -> None:
    x = load("sparse-regression-20-20000-1").train_inputs.double()
    assert torch.allclose(x.mean(dim=0), torch.zeros(20, dtype=torch.float64), atol=5 / 20000**0.5)  # five standard errors
    covariance = x.T @ x / len(x)
    assert torch.allclose(covariance, torch.eye(20, dtype=torch.float64), atol=5 * (2 / 20000) ** 0.5)
    assert (x**4).mean().item() == pytest.approx(3, abs=5 * (96 / x.numel()) ** 0.5)  # var of x^4 is 105 - 9


def test_parity_is_the_sign_of_a_product() -> None:
    data = load("parity-40-300")
    assert (data.inputs, data.outputs, data.classes, sum(data.train_counts)) == ((40,), 2, 2, 300)
    assert data.validation_inputs is not None
    assert (len(data.validation_inputs), len(data.test_inputs)) == (1000, 4000)
    x, y = data.test_inputs, data.test_targets
    assert y.dtype == torch.int64
    assert set(x.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(y == 1, (x[:, 0] == 1) == (x[:, 1] == 1))
    assert abs(x.mean(dim=0)).max().item() < 5 / 4000**0.5
    assert abs(y.double().mean().item() - 0.5) < 5 * 0.5 / 4000**0.5


@settings(deadline=None, max_examples=20)
@given(few=st.integers(1, 60), more=st.integers(0, 60), draw=st.integers(0, 5))
@pytest.mark.parametrize("form", ["sparse-regression-7-{}-3", "parity-7-{}"])
def test_example_i_does_not_depend_on_how_many_there_are(form: str, few: int, more: int, draw: int) -> None:
    some, others = load(form.format(few), draw=draw), load(form.format(few + more), draw=draw)
    for split in ("train", "validation", "test"):
        for part in ("inputs", "targets"):
            one, other = getattr(some, f"{split}_{part}"), getattr(others, f"{split}_{part}")
            assert torch.equal(one, other[: len(one)])


@pytest.mark.parametrize("name", ["sparse-regression-30-40-5", "parity-30-40"])
def test_draws_and_splits_differ_and_repeat(name: str) -> None:
    zero, one = load(name), load(name, draw=1)
    assert load(name, draw=0).checksum == zero.checksum
    assert zero.checksum != one.checksum
    assert zero.validation_inputs is not None
    inputs = [zero.train_inputs, one.train_inputs, zero.validation_inputs[:40], zero.test_inputs[:40]]
    assert all(not torch.equal(a, b) for i, a in enumerate(inputs) for b in inputs[:i])
    assert "draw 1" in one.note


def test_the_support_changes_targets_only() -> None:
    five, three = load("sparse-regression-30-40-5"), load("sparse-regression-30-40-3")
    assert torch.equal(five.train_inputs, three.train_inputs)
    assert not torch.equal(five.train_targets, three.train_targets)


@pytest.mark.parametrize("name", ["sparse-regression-100-40-5", "parity-40-300"])
def test_the_outline_is_that_of_the_data(name: str) -> None:
    data, found = load(name), outline(name)
    assert (found.inputs, found.outputs, found.classes) == (data.inputs, data.outputs, data.classes)
    assert data.validation_inputs is not None
    sizes = tuple(map(len, (data.train_inputs, data.validation_inputs, data.test_inputs)))
    assert (found.train, found.validation, found.test) == sizes


def test_moving_takes_the_validation_set_along() -> None:
    moved = load("parity-5-20").to("cpu", torch.float64)
    assert moved.validation_inputs is not None
    assert moved.validation_targets is not None
    assert (moved.validation_inputs.dtype, moved.validation_targets.dtype) == (torch.float64, torch.int64)
    assert load("digits-20").to("cpu", torch.float64).validation_inputs is None


@pytest.mark.parametrize("name", ["digits", "chebyshev-4-20", "linear-50-50", "cifar10-1k", "grammar-20"])
def test_data_that_are_not_drawn_have_no_draws(name: str) -> None:
    with pytest.raises(ValueError, match=r"are the same in every draw \(got draw=2\): remove draw="):
        load(name, draw=2)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sparse-regression-4-40-5", "5 of the features count, and there are 4"),
        ("parity-1-40", "2 of the features count, and there are 1"),
        ("parity-40", "unknown data"),
        ("sparse-regression-100-40", "unknown data"),
        ("parity-40-0", "unknown data"),
    ],
)
def test_an_impossible_name_says_what_is_possible(name: str, said: str) -> None:
    for ask in (load, outline):
        with pytest.raises(ValueError, match=said):
            ask(name)
