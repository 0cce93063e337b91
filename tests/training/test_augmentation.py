"""Augmentation beside a slow and obvious crop, its chances, and that batches, order and placement change nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from genlab.training.augmentation import CHUNK, Augmented, CropAndFlip
from genlab.training.batches import Batches
from genlab.training.data import load
from genlab.training.losses import cross_entropy
from genlab.training.networks import build
from genlab.training.problem import Problem


def images(count: int, *, channels: int = 3, height: int = 6, width: int = 8) -> Tensor:
    """No two pixels alike, and none of them 0."""
    return torch.arange(1.0, count * channels * height * width + 1).reshape(count, channels, height, width)


def by_hand(crops: CropAndFlip, image: Tensor, row: int, epoch: int) -> Tensor:
    """Pad, cut, mirror: one image at a time, in NumPy."""
    down, right, mirrored = crops.draws(torch.tensor([row]), epoch)[0].tolist()
    channels, height, width = image.shape
    fill = np.broadcast_to(np.array(crops.fill, np.float32), channels)
    padded = np.stack([np.pad(image[c].numpy(), crops.padding, constant_values=fill[c]) for c in range(channels)])
    window = padded[:, down : down + height, right : right + width]
    return torch.from_numpy((window[:, :, ::-1] if mirrored else window).copy())


@settings(deadline=None, max_examples=60)
@given(
    padding=st.integers(0, 5),
    flip=st.booleans(),
    fill=st.sampled_from([(0.0,), (-1.5,), (-1.0, -2.0, -3.0)]),
    seed=st.integers(0, 3),
    epoch=st.integers(0, 3),
    rows=st.lists(st.integers(0, 50), min_size=1, max_size=12),
)
def test_it_is_the_obvious_crop(
    padding: int, flip: bool, fill: tuple[float, ...], seed: int, epoch: int, rows: list[int]
) -> None:
    crops, whole = CropAndFlip(padding, flip, fill, seed), images(51)
    found = crops(whole[rows], torch.tensor(rows), epoch)
    assert torch.equal(found, torch.stack([by_hand(crops, whole[row], row, epoch) for row in rows]))
    assert found.is_contiguous()


def test_places_are_uniform_and_every_second_image_is_mirrored() -> None:
    crops, n = CropAndFlip(padding=4), 50_000
    down, right, mirrored = crops.draws(torch.arange(n), 7).unbind(1)
    counts = torch.bincount(down * 9 + right, minlength=81)
    assert len(counts) == 81
    chi = ((counts - n / 81) ** 2 / (n / 81)).sum().item()
    assert chi < 80 + 5 * (2 * 80) ** 0.5  # five standard deviations of chi squared
    assert abs(mirrored.double().mean().item() - 0.5) < 5 * 0.5 / n**0.5
    assert abs(torch.corrcoef(torch.stack([down, right, mirrored]).double()) - torch.eye(3)).max().item() < 5 / n**0.5


def test_no_padding_and_no_flip_change_nothing() -> None:
    whole = images(9)
    assert torch.equal(CropAndFlip(0, flip=False)(whole, torch.arange(9), 3), whole)


@settings(deadline=None, max_examples=20)
@given(few=st.integers(1, 2 * CHUNK), more=st.integers(1, CHUNK), epoch=st.integers(0, 2))
def test_an_example_is_drawn_as_it_is_among_more(few: int, more: int, epoch: int) -> None:
    crops = CropAndFlip(seed=1)
    assert torch.equal(crops.draws(torch.arange(few), epoch), crops.draws(torch.arange(few + more), epoch)[:few])


def test_epochs_and_seeds_differ_and_repeat() -> None:
    drawn = [CropAndFlip(seed=seed).draws(torch.arange(40), epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert torch.equal(drawn[0], CropAndFlip().draws(torch.arange(40), 0))
    assert not any(torch.equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])


def problem(count: int = 24) -> Problem:
    network = build("fc-tanh-depth1-width5", inputs=(3, 6, 8), outputs=10, seed=0)
    return Problem(network, cross_entropy, images(count) / 1000, torch.arange(count) % 10)


@pytest.mark.parametrize("size", [4, 10, 24, None])
def test_a_step_sees_its_batch_augmented_whatever_the_batch(size: int | None) -> None:
    whole, crops = problem(), CropAndFlip(padding=2, seed=3)
    batches = None if size is None else Batches(size, seed=5)
    augmented = Augmented(batches, crops)
    each = 1 if size is None else 24 // size
    for step in range(3 * each):
        seen, rows = augmented(whole, step), torch.arange(24) if batches is None else batches.rows(step, 24)
        assert isinstance(seen.inputs, Tensor)
        assert isinstance(whole.inputs, Tensor)
        everything = crops(whole.inputs, torch.arange(24), step // each)
        assert torch.equal(seen.inputs, everything[rows])
        assert torch.equal(seen.targets, whole.targets[rows])


def test_a_step_is_the_same_twice_and_the_problem_is_left_as_it_was() -> None:
    whole, augmented = problem(), Augmented(Batches(8), CropAndFlip(2))
    assert isinstance(whole.inputs, Tensor)
    before, weights = whole.inputs.clone(), whole.weights()
    first, again = (augmented(whole, 5).slope(weights) for _ in range(2))
    assert torch.equal(first.gradient, again.gradient)
    assert torch.equal(whole.inputs, before)
    plain = Batches(8)(whole, 5).slope(weights)
    assert not torch.equal(first.gradient, plain.gradient)
    augmented(whole, 5).refuse_if_random(weights)  # keyed: no measurement of a step's problem is random


def test_nothing_augmented_is_the_plain_batch_bit_for_bit() -> None:
    whole, off = problem(), CropAndFlip(0, flip=False)
    weights = whole.weights()
    for step in range(4):
        one, other = Augmented(Batches(8), off)(whole, step).slope(weights), Batches(8)(whole, step).slope(weights)
        assert torch.equal(one.gradient, other.gradient)


def test_a_chosen_part_of_the_parameters_stays_chosen() -> None:
    whole = replace(problem(), parameters="*.bias", ghost_batch=4, physical_batch=7)
    seen = Augmented(Batches(8), CropAndFlip(2))(whole, 0)
    assert (seen.names, seen.ghost_batch, seen.physical_batch, seen.module) == (whole.names, 4, 7, whole.module)


def test_float64_is_cropped_alike() -> None:
    crops, whole = CropAndFlip(2, fill=(-0.5,)), images(5)
    assert torch.equal(crops(whole.double(), torch.arange(5), 1), crops(whole, torch.arange(5), 1).double())


def test_of_data_takes_what_is_black_there() -> None:
    digits = load("digits-20")
    assert CropAndFlip.of(digits, padding=1, flip=False, seed=2) == CropAndFlip(1, False, (0.0,), 2)
    assert CropAndFlip.of(replace(digits, black=(-1.25,))).fill == (-1.25,)
    with pytest.raises(ValueError, match=r"data 'parity-5-20' are no images"):
        CropAndFlip.of(load("parity-5-20"))


def test_what_cannot_be_augmented_says_so() -> None:
    with pytest.raises(ValueError, match=r"images \(batch, channel, height, width\), got shape \(4, 7\)"):
        CropAndFlip()(torch.zeros(4, 7), torch.arange(4), 0)
    with pytest.raises(ValueError, match="fill has 2 numbers for 3 channels"):
        CropAndFlip(fill=(0.0, 1.0))(images(2), torch.arange(2), 0)
    with pytest.raises(ValueError, match="padding is at least 0"):
        CropAndFlip(padding=-1)
    with pytest.raises(ValueError, match="a batch of 30 from 24 examples"):
        Augmented(Batches(30), CropAndFlip())(problem(), 0)
    mapped = Problem(nn.Linear(2, 2), cross_entropy, {"input": torch.zeros(3, 2)}, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match="wants a tensor of images, got a mapping of input"):
        Augmented(Batches(2), CropAndFlip())(mapped, 0)
