"""VGG-11 and the residual networks beside constructions of their own, from nothing but torch and the papers' words."""

import math
from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from genlab.training.networks import build
from genlab.training.resnet import Block


def vgg_by_hand(normalised: bool, widths: list[int], seed: int) -> nn.Sequential:
    """Configuration A of VGG, written from its table; ``widths`` are those of the eight convolutions."""
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for place, (before, after) in enumerate(zip([3, *widths], widths, strict=False)):
            layers += [nn.Conv2d(before, after, 3, padding=1)]
            layers += [nn.BatchNorm2d(after), nn.ReLU()] if normalised else [nn.ReLU()]
            if place in (0, 1, 3, 5, 7):
                layers += [nn.MaxPool2d(2, 2)]
        end = widths[-1]
        layers += [nn.Flatten(), nn.Linear(end, end), nn.ReLU(), nn.Linear(end, end), nn.ReLU(), nn.Linear(end, 10)]
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                assert layer.bias is not None
                layer.weight.data.normal_(0, math.sqrt(2 / (3 * 3 * layer.out_channels)))
                layer.bias.data.zero_()
    return nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("network", "normalised", "widths"),
    [
        ("vgg11", False, [64, 128, 256, 256, 512, 512, 512, 512]),
        ("vgg11-bn-width4", True, [4, 8, 16, 16, 32, 32, 32, 32]),
    ],
)
def test_vgg_is_its_table(network: str, normalised: bool, widths: list[int]) -> None:
    built, plain = build(network, inputs=(3, 32, 32), outputs=10, seed=5), vgg_by_hand(normalised, widths, seed=5)
    for mine, yours in zip(built.parameters(), plain.parameters(), strict=True):
        assert torch.equal(mine, yours)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(built(images), plain(images))


def test_vggs_initial_weights_have_the_papers_spread() -> None:
    for layer in build("vgg11-bn", inputs=(3, 32, 32), outputs=10, seed=0):
        if isinstance(layer, nn.Conv2d):
            weights, spread = layer.weight.double(), math.sqrt(2 / (9 * layer.out_channels))
            assert weights.std().item() == pytest.approx(spread, rel=5 / math.sqrt(2 * weights.numel()))  # five standard errors
            assert abs(weights.mean().item()) < 5 * spread / math.sqrt(weights.numel())
            assert layer.bias is not None
            assert not layer.bias.any()
        if isinstance(layer, nn.Linear):
            assert layer.weight.abs().max().item() <= 1 / math.sqrt(layer.in_features)
            assert layer.weight.double().std().item() == pytest.approx(1 / math.sqrt(3 * layer.in_features), rel=0.05)


def residual_by_hand(parameters: Iterable[Tensor], blocks: int, images: Tensor) -> Tensor:
    """The residual network written as one function, one tensor after another."""
    left = iter(parameters)

    def normalise(x: Tensor) -> Tensor:
        mean, variance = x.mean(dim=(0, 2, 3), keepdim=True), x.var(dim=(0, 2, 3), keepdim=True, correction=0)
        scale, shift = next(left).view(1, -1, 1, 1), next(left).view(1, -1, 1, 1)
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    x = normalise(functional.conv2d(images, next(left), padding=1)).clamp(min=0)
    for stage in range(3):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            y = normalise(functional.conv2d(x, next(left), padding=1, stride=stride)).clamp(min=0)
            y = normalise(functional.conv2d(y, next(left), padding=1))
            if stride == 2:
                x = normalise(x[:, :, ::2, ::2])
                x = torch.cat([x, torch.zeros_like(x)], dim=1)
            x = (x + y).clamp(min=0)
    weights, bias = left
    return x.mean(dim=(2, 3)) @ weights.T + bias


@pytest.mark.parametrize(
    ("network", "blocks", "side"), [("resnet32", 5, 32), ("resnet8-width3", 1, 8), ("resnet14-width2", 2, 5)]
)
def test_a_resnet_is_its_formula(network: str, blocks: int, side: int) -> None:
    built = build(network, inputs=(3, side, side), outputs=10, seed=1, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():  # away from the start, where the last scale of each block is 0 and hides its convolutions
        for weights in built.parameters():
            weights.add_(torch.randn(weights.shape, generator=generator, dtype=torch.float64), alpha=0.1)
    images = torch.randn(4, 3, side, side, generator=generator, dtype=torch.float64)
    assert torch.allclose(built(images), residual_by_hand(built.parameters(), blocks, images), rtol=1e-9, atol=1e-11)


def test_resnets_initial_weights_are_kaiming_normal_and_every_block_is_its_shortcut() -> None:
    built = build("resnet32", inputs=(3, 32, 32), outputs=10, seed=0)
    convolutions = [each for each in built.modules() if isinstance(each, nn.Conv2d)]
    norms = [each for each in built.modules() if isinstance(each, nn.BatchNorm2d)]
    assert len(convolutions) == 31
    assert len(norms) == 31 + 2
    for layer in convolutions:
        assert layer.bias is None
        spread = math.sqrt(2 / (9 * layer.out_channels))
        assert layer.weight.double().std().item() == pytest.approx(spread, rel=5 / math.sqrt(2 * layer.weight.numel()))
    assert [bool(norm.weight.any()) for norm in norms].count(False) == 15
    assert {value for norm in norms for value in norm.weight.tolist()} == {0.0, 1.0}
    assert not any(bool(norm.bias.any()) for norm in norms)
    blocks = [each for each in built if isinstance(each, Block)]
    assert len(blocks) == 15
    for block, channels in zip(blocks, [16] * 6 + [32] * 5 + [64] * 4, strict=True):
        images = torch.rand(2, channels, 8, 8, generator=torch.Generator().manual_seed(0))
        plain, whole = block.shortcut(images).relu(), block(images)
        assert torch.equal(whole[:, : plain.shape[1]], plain)
        assert not whole[:, plain.shape[1] :].any()


def test_resnets_weights_are_those_of_a_plainly_seeded_construction() -> None:
    """Default draws for every layer in order, then kaiming draws for the convolutions: the way of torchvision's resnets."""
    widths = [4, 4, 4, 8, 8, 16, 16]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        convolutions = [nn.Conv2d(a, b, 3, bias=False) for a, b in zip([3, *widths], widths, strict=False)]
        last = nn.Linear(16, 10)
        for each in convolutions:
            nn.init.kaiming_normal_(each.weight, mode="fan_out", nonlinearity="relu")
    built = build("resnet8-width4", inputs=(3, 8, 8), outputs=10, seed=6)
    drawn = [each for each in built.modules() if isinstance(each, nn.Conv2d)]
    assert all(torch.equal(one.weight, two.weight) for one, two in zip(drawn, convolutions, strict=True))
    assert all(torch.equal(one, two) for one, two in zip(built[-1].parameters(), last.parameters(), strict=True))


@pytest.mark.parametrize(("depth", "blocks"), [(8, 1), (20, 3)])
def test_depth_counts_the_layers_with_weights(depth: int, blocks: int) -> None:
    built = build(f"resnet{depth}-width2", inputs=(1, 8, 8), outputs=10, seed=0)
    layers = [each for each in built.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth == 6 * blocks + 2
