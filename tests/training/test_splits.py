"""Splits: which examples train, validate and test, that none does two of them, and what cannot be split."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.training.data import load, outline
from genlab.training.dataset import Data, assembled
from genlab.training.splits import held_out, inverted, named

DIGITS = load("digits")


def numbered(name: str = "cifar10", train: int = 50_000, test: int = 10_000) -> Data:
    """Data whose inputs are their places: training images 0, 1, ..., test images -1, -2, ..."""
    rows = torch.arange(train, dtype=torch.float32).view(-1, 1), torch.arange(train) % 10
    others = -torch.arange(1, test + 1, dtype=torch.float32).view(-1, 1), torch.arange(test) % 10
    return assembled(name, rows, others, classes=10, note="numbered")


@settings(deadline=None, max_examples=30)
@given(validation=st.integers(1, 999))
def test_the_last_examples_are_held_out(validation: int) -> None:
    split = held_out(DIGITS, validation)
    assert split.validation_inputs is not None
    assert split.validation_targets is not None
    assert len(split.validation_targets) == validation
    assert torch.equal(torch.cat([split.train_inputs, split.validation_inputs]), DIGITS.train_inputs)
    assert torch.equal(torch.cat([split.train_targets, split.validation_targets]), DIGITS.train_targets)
    assert torch.equal(split.test_inputs, DIGITS.test_inputs)
    assert torch.equal(split.test_targets, DIGITS.test_targets)
    assert split.train_counts == tuple(torch.bincount(split.train_targets, minlength=10).tolist())
    assert split.checksum != DIGITS.checksum


@pytest.mark.parametrize(
    ("name", "train"), [("digits/held-out", 800), ("digits-300/held-out", 300), ("digits-800/held-out", 800)]
)
def test_a_name_says_the_split(name: str, train: int) -> None:
    data, found = load(name), outline(name)
    assert data.name == name
    assert data.validation_inputs is not None
    assert torch.equal(data.train_inputs, DIGITS.train_inputs[:train])
    assert torch.equal(data.validation_inputs, DIGITS.train_inputs[800:])
    assert torch.equal(data.test_targets, DIGITS.test_targets)
    assert sum(data.train_counts) == train
    assert (found.inputs, found.outputs, found.classes) == (data.inputs, 10, 10)
    assert (found.train, found.validation, found.test) == (train, 200, 797)
    assert "the last 200 training examples are held out" in data.note


def test_cifar10_is_split_as_in_the_paper_and_as_in_its_code() -> None:
    right, wrong = (named(numbered(), split, 40_000, f"cifar10/{split}") for split in ("held-out", "inverted"))
    for data in (right, wrong):
        assert torch.equal(data.train_inputs[:, 0], torch.arange(40_000.0))
    official, rest = numbered().test_inputs, torch.arange(40_000.0, 50_000.0).view(-1, 1)
    assert right.validation_inputs is not None
    assert wrong.validation_inputs is not None
    assert torch.equal(right.validation_inputs, rest)
    assert torch.equal(right.test_inputs, official)
    assert torch.equal(wrong.validation_inputs, official)
    assert torch.equal(wrong.test_inputs, rest)
    assert "Models are chosen on the test set" in wrong.note
    assert "Models are chosen on the test set" not in right.note


def test_fewer_training_examples_leave_the_other_sets() -> None:
    few, all_ = (named(numbered(), "held-out", count, "cifar10/held-out") for count in (7, 40_000))
    assert torch.equal(few.train_inputs[:, 0], torch.arange(7.0))
    assert few.validation_inputs is not None
    assert all_.validation_inputs is not None
    assert torch.equal(few.validation_inputs, all_.validation_inputs)
    assert few.train_inputs.untyped_storage().nbytes() == 7 * 4  # and not the whole set's


@pytest.mark.parametrize("name", ["cifar10/held-out", "cifar10-1k/held-out", "cifar10-20k/inverted", "cifar10/inverted"])
def test_outlines_of_cifar10_need_no_data(name: str) -> None:
    found = outline(name)
    first = {"cifar10-1k": 1000, "cifar10-20k": 20_000, "cifar10": 40_000}[name.split("/")[0]]
    assert (found.train, found.validation, found.test) == (first, 10_000, 10_000)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("digits-801/held-out", "digits/held-out has 800 training examples, got 801"),
        ("cifar10-41k/inverted", "cifar10/inverted has 40,000 training examples, got 41,000"),
        ("digits/inverted", "the inverted split is that of cifar10 in one paper's code: use digits/held-out"),
        ("chebyshev-4-20/held-out", "data 'chebyshev-4-20' have no such split"),
        ("grammar-20/held-out", "data 'grammar-20' have no such split"),
        ("parity-40-300/held-out", "data 'parity-40-300' have a validation set already .*use parity-40-300"),
        ("digits/heldout", "unknown data 'digits/heldout': expected .*with /held-out"),
        ("digits/held-out/held-out", "unknown data"),
    ],
)
def test_a_split_that_cannot_be_says_what_can(name: str, said: str) -> None:
    for ask in (load, outline):
        with pytest.raises(ValueError, match=said):
            ask(name)


def test_a_split_is_made_once_and_leaves_examples_on_both_sides() -> None:
    with pytest.raises(ValueError, match=r"'digits/held-out' have a validation set already"):
        held_out(held_out(DIGITS, 200), 100)
    with pytest.raises(ValueError, match="have a validation set already"):
        inverted(named(numbered(), "held-out", 40_000, "cifar10"))
    for count in (0, -1, 1000, 2000):
        with pytest.raises(ValueError, match=rf"{count:,} of 1,000 training examples cannot be held out: hold out 1 \.\. 999"):
            held_out(DIGITS, count)
    with pytest.raises(ValueError, match="have no test set"):
        held_out(load("chebyshev-4-20"), 5)


def test_inverted_is_refused_for_other_data() -> None:
    for data in (DIGITS, numbered(train=5000), replace(numbered(), name="cifar10-5k")):
        with pytest.raises(ValueError, match="the inverted split is that of cifar10"):
            inverted(data)
