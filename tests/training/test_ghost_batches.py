"""Batch norm in train mode normalises over the ghost batch: blocks of consecutive examples, fixed, written out by hand."""

import pytest
import torch
from torch import Tensor, nn

from genlab.training.losses import cross_entropy
from genlab.training.networks import build
from genlab.training.problem import Problem

NETWORKS = [("cnn-bn-tanh-width4", (2, 8, 8)), ("resnet8-width4", (2, 8, 8)), ("vgg11-bn-width2", (3, 32, 32))]


def labelled(inputs: tuple[int, ...], examples: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(examples, *inputs, generator=generator, dtype=torch.float64), torch.arange(examples) % 3


@pytest.mark.parametrize(("network", "inputs"), NETWORKS)
def test_in_train_mode_an_output_depends_on_its_batch_and_in_eval_mode_it_does_not(network: str, inputs: tuple[int, ...]) -> None:
    built = build(network, inputs=inputs, outputs=3, seed=0, dtype=torch.float64)
    assert built.training
    images, _ = labelled(inputs)
    whole = built(images)
    assert not torch.allclose(whole[:6], built(images[:6]))
    assert torch.allclose(whole[torch.arange(11, -1, -1)], built(images.flip(0)), rtol=1e-9)  # order within it does not count
    built.eval()
    assert torch.allclose(built(images)[:6], built(images[:6]), rtol=1e-9, atol=1e-12)


def test_the_loss_is_that_of_consecutive_blocks_normalised_by_hand() -> None:
    built = build("cnn-bn-elu-width4", inputs=(2, 8, 8), outputs=3, seed=0, dtype=torch.float64)
    images, labels = labelled((2, 8, 8))

    def by_hand(block: Tensor) -> Tensor:
        x = block
        for layer in built:
            if isinstance(layer, nn.BatchNorm2d):
                mean, variance = x.mean(dim=(0, 2, 3), keepdim=True), x.var(dim=(0, 2, 3), keepdim=True, correction=0)
                x = (x - mean) / (variance + layer.eps).sqrt()  # scale 1 and shift 0 at the start
            else:
                x = layer(x)
        return x

    losses = {}
    for size in (3, 4, 12):
        problem = Problem(built, cross_entropy, images, labels, ghost_batch=size)
        losses[size] = problem.score(problem.weights()).loss
        answers = torch.cat([by_hand(images[start : start + size]) for start in range(0, 12, size)])
        assert losses[size] == pytest.approx(nn.functional.cross_entropy(answers, labels).item(), rel=1e-12)
    assert len({round(loss, 6) for loss in losses.values()}) == 3


@pytest.mark.parametrize(("network", "inputs"), NETWORKS)
def test_reading_a_problem_leaves_running_means_and_passes_alone(network: str, inputs: tuple[int, ...]) -> None:
    built = build(network, inputs=inputs, outputs=3, seed=0, dtype=torch.float64)
    before = {name: each.clone() for name, each in built.named_buffers()}
    problem = Problem(built, cross_entropy, *labelled(inputs), ghost_batch=4)
    first, second = problem.slope(problem.weights()), problem.slope(problem.weights())
    assert first.loss == second.loss
    assert torch.equal(first.gradient, second.gradient)
    assert all(torch.equal(each, before[name]) for name, each in built.named_buffers())


def test_without_batch_norm_the_split_is_nothing_but_memory() -> None:
    built = build("vgg11-width2", inputs=(3, 32, 32), outputs=3, seed=0, dtype=torch.float64)
    images, labels = labelled((3, 32, 32))
    weights = Problem(built, cross_entropy, images, labels).weights()
    losses = [Problem(built, cross_entropy, images, labels, size).score(weights).loss for size in (5, 12)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
