"""Data sets: closed forms, standardisation, fixed checksums, and names that are none."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from genlab.training.data import load, outline


def test_digits_are_split_at_a_thousand_and_standardised() -> None:
    digits = load("digits")
    assert (digits.inputs, digits.outputs, digits.classes) == ((1, 8, 8), 10, 10)
    assert (len(digits.train_inputs), len(digits.test_inputs)) == (1000, 797)
    assert (digits.train_inputs.dtype, digits.train_targets.dtype) == (torch.float32, torch.int64)
    mean, deviation = digits.train_inputs.double().mean(dim=0), digits.train_inputs.double().std(dim=0, correction=0)
    constant = deviation == 0
    assert constant.any()
    assert torch.allclose(mean, torch.zeros_like(mean), atol=1e-6)
    assert torch.allclose(deviation[~constant], torch.ones_like(deviation[~constant]), atol=1e-6)
    assert torch.equal(torch.cat([digits.train_targets, digits.test_targets]), torch.from_numpy(load_digits().target).long())
    assert sum(digits.train_counts) == 1000


def test_digits_as_pixels_are_shares_of_sixteen() -> None:
    data = load("digits-30-pixels/held-out")
    assert torch.equal(data.train_inputs * 16, torch.from_numpy(load_digits().data[:30]).float().reshape(30, 1, 8, 8))
    assert (len(data.train_inputs), data.validation_inputs is None, data.black) == (30, False, (0.0,))
    assert "not normalised" in data.note


@settings(deadline=None, max_examples=30)
@given(first=st.integers(1, 1000))
def test_fewer_digits_are_the_first_of_the_same(first: int) -> None:
    some, every = load(f"digits-{first}"), load("digits")
    assert torch.equal(some.train_inputs, every.train_inputs[:first])
    assert torch.equal(some.test_inputs, every.test_inputs)
    assert sum(some.train_counts) == first
    assert len(some.train_counts) == 10


@settings(deadline=None, max_examples=30)
@given(degree=st.integers(1, 12), points=st.integers(2, 50))
def test_chebyshev_is_the_cosine_of_a_multiple_angle(degree: int, points: int) -> None:
    data = load(f"chebyshev-{degree}-{points}")
    x, y = data.train_inputs.double(), data.train_targets.double()
    assert x.shape == y.shape == (points, 1)
    assert (x[0].item(), x[-1].item()) == (-1, 1)
    assert torch.allclose(y, torch.cos(degree * torch.arccos(x)), atol=1e-5)  # float32 inputs, slope up to degree ** 2


@pytest.mark.parametrize("name", ["chebyshev-4-20", "linear-50-50"])
def test_regression_has_no_classes_and_no_test_set(name: str) -> None:
    data = load(name)
    assert (data.classes, data.train_counts, data.outputs) == (None, (), data.train_targets.shape[1])
    assert torch.equal(data.train_inputs, data.test_inputs)
    assert torch.equal(data.train_targets, data.test_targets)
    assert "no test set" in data.note


@pytest.mark.parametrize("size", [1, 7, 50])
def test_linear_inputs_are_white_and_targets_linear(size: int) -> None:
    data = load(f"linear-{size}-{size}")
    x, y = data.train_inputs.double(), data.train_targets.double()
    assert torch.allclose(x.T @ x / size, torch.eye(size, dtype=torch.float64), atol=1e-6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # the official recipe, plainly
        q, a = torch.linalg.qr(torch.randn(size, size)).Q, torch.randn(size, size)
    assert torch.allclose(data.train_inputs, q * size**0.5, atol=1e-4)
    assert torch.allclose(y, x @ a.double().T, atol=1e-4)


@pytest.mark.parametrize(("one", "other"), [("digits-1k", "digits"), ("digits-500", "digits-500")])
def test_equal_data_have_equal_checksums(one: str, other: str) -> None:
    assert load(one).checksum == load(other).checksum


def test_checksums_differ_between_data_and_are_those_of_yesterday() -> None:
    sums = {name: load(name).checksum for name in ("digits", "digits-999", "chebyshev-4-20", "chebyshev-5-20", "linear-50-50")}
    assert len(set(sums.values())) == 5
    assert sums["digits"].startswith("fa459c6e19bfc830")
    assert sums["chebyshev-4-20"].startswith("45958fe6e429e2c8")


def test_moving_changes_floats_and_leaves_labels_and_checksum() -> None:
    digits, line = load("digits-20"), load("chebyshev-3-20")
    moved, double = digits.to("cpu", torch.float64), line.to(torch.device("cpu"), torch.float64)
    assert (moved.train_inputs.dtype, moved.train_targets.dtype, moved.test_targets.dtype) == (
        torch.float64,
        torch.int64,
        torch.int64,
    )
    assert (double.train_targets.dtype, double.test_inputs.dtype) == (torch.float64, torch.float64)
    assert torch.equal(moved.train_inputs, digits.train_inputs.double())
    assert (moved.checksum, moved.name, moved.train_counts) == (digits.checksum, digits.name, digits.train_counts)
    with pytest.raises(ValueError, match=r"got torch\.int64"):
        digits.to("cpu", torch.int64)


def test_loading_leaves_the_callers_random_state() -> None:
    before = torch.get_rng_state()
    for name in ("digits", "chebyshev-4-20", "linear-50-50"):
        load(name)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fashion", "unknown data 'fashion': expected cifar10, cifar10-N"),
        ("digits-0", "unknown data"),
        ("chebyshev-4", "unknown data"),
        ("digits-1001", "digits has 1,000 training examples, got 1,001"),
        ("cifar10-51k", "cifar10 has 50,000 training examples, got 51,000"),
        ("linear-50-20", "use linear-50-50"),
        ("svhn-73258", "svhn has 73,257 training examples, got 73,258"),
        ("fashion-mnist-61k", "fashion-mnist has 60,000 training examples, got 61,000"),
        ("cifar100-41k/held-out", "cifar100/held-out has 40,000 training examples, got 41,000"),
        ("svhn-1k-strided", "the strided sets are those of one paper, whole: use cifar10-1k-strided or fashion-mnist-1k-strided"),
        ("cifar10-2k-strided", "use cifar10-1k-strided"),
        ("cifar10-1k-strided/held-out", "use cifar10-1k-strided"),
        ("svhn-channels", "published for cifar10 and cifar100 only: leave out -channels"),
        ("digits-channels/held-out", "published for cifar10 and cifar100 only"),
        ("cifar10-1k-strided-channels", "use cifar10-1k-strided"),
        ("cifar100/inverted", "use cifar100/held-out"),
    ],
)
def test_an_impossible_name_says_what_is_possible(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        load(name)


def test_a_folder_that_would_not_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'digits' is read from no folder .*remove data_dir="):
        load("digits", data_dir=str(tmp_path))


@pytest.mark.parametrize(
    ("name", "inputs", "classes", "sizes"),
    [
        ("cifar10", (3, 32, 32), 10, (50_000, 0, 10_000)),
        ("cifar100-5k", (3, 32, 32), 100, (5000, 0, 10_000)),
        ("cifar100/held-out", (3, 32, 32), 100, (40_000, 10_000, 10_000)),
        ("svhn", (3, 32, 32), 10, (73_257, 0, 26_032)),
        ("svhn/held-out", (3, 32, 32), 10, (63_257, 10_000, 26_032)),
        ("fashion-mnist-600", (1, 28, 28), 10, (600, 0, 10_000)),
        ("cifar10-1k-strided", (3, 32, 32), 10, (1000, 0, 200)),
        ("fashion-mnist-1k-strided", (1, 28, 28), 10, (1000, 0, 167)),
    ],
)
def test_outlines_of_image_sets_need_no_images(
    name: str, inputs: tuple[int, ...], classes: int, sizes: tuple[int, int, int]
) -> None:
    found = outline(name)
    assert (found.inputs, found.outputs, found.classes) == (inputs, classes, classes)
    assert (found.train, found.validation, found.test) == sizes
