"""ResNet-18 and VGG-16 beside constructions of their own: counts, initial weights, function, and second derivatives."""

import itertools
import math
from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from genlab.training.losses import cross_entropy
from genlab.training.networks import build, parameter_count
from genlab.training.problem import Problem


@pytest.mark.parametrize(("outputs", "count"), [(10, 11_173_962), (100, 11_220_132)])  # facts 3.1
def test_resnet18_has_the_papers_parameters(outputs: int, count: int) -> None:
    assert parameter_count(build("resnet18", inputs=(3, 32, 32), outputs=outputs, seed=0)) == count


def residual_by_hand(parameters: Iterable[Tensor], images: Tensor) -> Tensor:
    """ResNet-18 written as one function, one tensor after another in the order of construction."""
    left = iter(parameters)

    def normalise(x: Tensor) -> Tensor:
        mean, variance = x.mean(dim=(0, 2, 3), keepdim=True), x.var(dim=(0, 2, 3), keepdim=True, correction=0)
        scale, shift = next(left).view(1, -1, 1, 1), next(left).view(1, -1, 1, 1)
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    x = normalise(functional.conv2d(images, next(left), padding=1)).clamp(min=0)
    for stage in range(4):
        for place in range(2):
            stride = 2 if stage > 0 and place == 0 else 1
            y = normalise(functional.conv2d(x, next(left), padding=1, stride=stride)).clamp(min=0)
            y = normalise(functional.conv2d(y, next(left), padding=1))
            if stride == 2:
                x = normalise(functional.conv2d(x[:, :, ::2, ::2], next(left)))
            x = (x + y).clamp(min=0)
    weights, bias = left
    return x.mean(dim=(2, 3)) @ weights.T + bias


@pytest.mark.parametrize(("width", "side"), [(2, 32), (3, 9)])
def test_resnet18_is_its_formula(width: int, side: int) -> None:
    built = build(f"resnet18-width{width}", inputs=(3, side, side), outputs=10, seed=1, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(4, 3, side, side, generator=generator, dtype=torch.float64)
    assert torch.allclose(built(images), residual_by_hand(built.parameters(), images), rtol=1e-9, atol=1e-11)


def test_resnet18s_weights_are_pytorchs_defaults_from_a_plain_seed() -> None:
    built = build("resnet18-width4", inputs=(3, 32, 32), outputs=10, seed=6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        plain: list[nn.Module] = [nn.Conv2d(3, 4, 3, bias=False)]
        before = 4
        for channels in (4, 8, 16, 32):
            plain += [nn.Conv2d(before, channels, 3, bias=False), nn.Conv2d(channels, channels, 3, bias=False)]
            plain += [nn.Conv2d(before, channels, 1, bias=False)] if channels != before else []
            plain += [nn.Conv2d(channels, channels, 3, bias=False) for _ in range(2)]
            before = channels
        plain.append(nn.Linear(32, 10))
    drawn = [each for each in built.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    assert len(drawn) == 18 + 3
    for mine, yours in zip(drawn, plain, strict=True):
        assert all(torch.equal(one, two) for one, two in zip(mine.parameters(), yours.parameters(), strict=True))
    norms = [each for each in built.modules() if isinstance(each, nn.BatchNorm2d)]
    assert {value for norm in norms for value in norm.weight.tolist()} == {1.0}  # none from 0, unlike resnetD
    assert {value for norm in norms for value in norm.bias.tolist()} == {0.0}


def vgg16_by_hand(normalised: bool, width: int, side: int, seed: int) -> nn.Sequential:
    """Configuration D, written from its table, in the manner of torchvision."""
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        before = 3
        for each in (1, 1, 0, 2, 2, 0, 4, 4, 4, 0, 8, 8, 8, 0, 8, 8, 8, 0):
            if not each:
                layers.append(nn.MaxPool2d(2, 2))
                continue
            layers.append(nn.Conv2d(before, each * width, 3, padding=1))
            layers += [nn.BatchNorm2d(each * width), nn.ReLU()] if normalised else [nn.ReLU()]
            before = each * width
        layers += [nn.AdaptiveAvgPool2d((7, 7)), nn.Flatten()]
        layers += [nn.Linear(before * 49, 64 * width), nn.ReLU(), nn.Dropout(0.5)]
        layers += [nn.Linear(64 * width, 64 * width), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64 * width, 10)]
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                layer.weight.data.normal_(0, math.sqrt(2 / (9 * layer.out_channels)))
                assert layer.bias is not None
                layer.bias.data.zero_()
            elif isinstance(layer, nn.Linear):
                layer.weight.data.normal_(0, 0.01)
                layer.bias.data.zero_()
    return nn.Sequential(*layers)


@pytest.mark.parametrize(("network", "normalised", "side"), [("vgg16-width1", False, 32), ("vgg16-bn-width2", True, 40)])
def test_vgg16_is_its_table(network: str, normalised: bool, side: int) -> None:
    built = build(network, inputs=(3, side, side), outputs=10, seed=5)
    plain = vgg16_by_hand(normalised, int(network[-1]), side, seed=5)
    for mine, yours in zip(built.parameters(), plain.parameters(), strict=True):
        assert torch.equal(mine, yours)
    assert [type(layer) for layer in built] == [type(layer) for layer in plain]
    images = torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = built(images)
        torch.manual_seed(1)
        assert torch.equal(first, plain(images))  # dropout masks too
    assert torch.equal(built.eval()(images), plain.eval()(images))


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("width", [1, 3])
def test_vgg16_has_the_parameters_of_configuration_d(width: int, normalised: bool) -> None:
    channels = [3, *(each * width for each in (1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8))]
    convolutions = sum(9 * a * b + b + 2 * b * normalised for a, b in itertools.pairwise(channels))
    hidden = 64 * width
    classifier = (49 * 8 * width + 1) * hidden + (hidden + 1) * hidden + (hidden + 1) * 10
    network = f"vgg16{'-bn' * normalised}-width{width}"
    assert parameter_count(build(network, inputs=(3, 32, 32), outputs=10, seed=0)) == convolutions + classifier


@pytest.mark.long
@pytest.mark.parametrize(("network", "count"), [("vgg16", 134_301_514), ("vgg16-bn", 134_309_962)])  # torchvision 0.29.1
def test_the_whole_vgg16_has_torchvisions_parameters(network: str, count: int) -> None:
    assert parameter_count(build(network, inputs=(3, 32, 32), outputs=10, seed=0)) == count


@pytest.mark.parametrize(
    ("network", "places"), [("vgg11-width2-dropout0.2", 2), ("vgg16-width1-dropout0.2", 2), ("vgg16-width1", 2)]
)
def test_dropout_stands_in_the_classifier_only(network: str, places: int) -> None:
    built = build(network, inputs=(3, 32, 32), outputs=10, seed=0)
    kinds = [type(layer) for layer in built]
    assert kinds[kinds.index(nn.Flatten) + 1 :] == [nn.Linear, nn.ReLU, nn.Dropout] * places + [nn.Linear]
    assert kinds[: kinds.index(nn.Flatten)].count(nn.Dropout) == 0
    assert {layer.p for layer in built if isinstance(layer, nn.Dropout)} == {0.2 if "dropout" in network else 0.5}
    without = build(f"{network.partition('-dropout')[0]}-dropout0", inputs=(3, 32, 32), outputs=10, seed=0)
    assert not any(isinstance(layer, nn.Dropout) for layer in without)
    assert all(torch.equal(one, two) for one, two in zip(built.parameters(), without.parameters(), strict=True))


@pytest.mark.parametrize(
    "network", ["resnet18-width2", "vgg16-width1-dropout0", "vgg16-bn-width1-dropout0", "vgg11-bn-width2", "fc-relu-width9"]
)
def test_second_derivatives_agree_with_differences_of_gradients(network: str) -> None:
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(6, 3, 32, 32, generator=generator, dtype=torch.float64)
    labels = torch.arange(6)
    module = build(network, inputs=(3, 32, 32), outputs=10, seed=0, dtype=torch.float64)
    problem = Problem(module, cross_entropy, images, labels)
    weights = problem.weights()
    if network.startswith("vgg16"):  # away from weights of size 0.01, where the loss hardly depends on them
        weights = weights + 0.05 * torch.randn(weights.shape, generator=generator, dtype=torch.float64)
    direction = torch.randn(weights.shape, generator=generator, dtype=torch.float64)
    pieces = [each.requires_grad_() for each in problem.split(weights)]
    loss, _ = problem.batch_loss(pieces, images, labels)
    gradient = torch.autograd.grad(loss, pieces, create_graph=True)
    along = sum((one * two).sum() for one, two in zip(gradient, problem.split(direction), strict=True))
    assert isinstance(along, Tensor)
    product = torch.cat([each.reshape(-1) for each in torch.autograd.grad(along, pieces)])
    assert product.isfinite().all()
    assert product.norm() > 0
    step = 1e-8  # so short that no ReLU and no maximum of a pooling changes sides
    ahead, behind = (problem.slope(weights + sign * step * direction).gradient for sign in (1, -1))
    assert torch.allclose((ahead - behind) / (2 * step), product, rtol=1e-4, atol=1e-5 * product.abs().max().item())
