from typing import Any

import pytest
import torch
from torch import nn

from genlab.finetuning.optimizers import build
from genlab.finetuning.recipe import Recipe


def descend(optimizer: torch.optim.Optimizer, module: nn.Module, rates: list[float]) -> dict[str, torch.Tensor]:
    inputs = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    for rate in rates:
        for group in optimizer.param_groups:
            group["lr"] = rate
        module(inputs).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return module.state_dict()


def layer() -> nn.Linear:
    module = nn.Linear(3, 2)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in module.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator))
    return module


RATES = [0.1, 0.3, 0.2, 0.05]


@pytest.mark.parametrize(
    ("name", "theirs"), [("sgd", {}), ("polyak", {"momentum": 0.8}), ("nesterov", {"momentum": 0.8, "nesterov": True})]
)
def test_an_update_of_genlab_moves_weights_as_pytorch_does(name: str, theirs: dict[str, Any]) -> None:
    ours, other = layer(), layer()
    recipe = Recipe("base", optimizer=name, momentum=0.8)
    moved = descend(build(ours.named_parameters(), recipe), ours, RATES)
    expected = descend(torch.optim.SGD(other.parameters(), lr=0.1, **theirs), other, RATES)
    for name, weights in expected.items():
        torch.testing.assert_close(moved[name], weights)


@pytest.mark.parametrize("name", ["adamw", "sgd", "polyak", "nesterov"])
def test_matrices_decay_apart_from_the_gradient_and_biases_do_not(name: str) -> None:
    with_decay, without = layer(), layer()
    recipe = Recipe("base", optimizer=name, weight_decay=0.5)
    decayed = descend(build(with_decay.named_parameters(), recipe), with_decay, [0.1])
    plain = descend(build(without.named_parameters(), Recipe("base", optimizer=name)), without, [0.1])
    torch.testing.assert_close(decayed["weight"], plain["weight"] - 0.1 * 0.5 * layer().weight.detach())
    torch.testing.assert_close(decayed["bias"], plain["bias"])


def test_frozen_weights_are_left_out() -> None:
    module = layer()
    module.weight.requires_grad_(False)
    optimizer = build(module.named_parameters(), Recipe("base"))
    assert [weights for group in optimizer.param_groups for weights in group["params"]] == [module.bias]


@pytest.mark.parametrize("name", ["adamw", "polyak"])
def test_the_memory_of_an_optimizer_survives_its_state(name: str) -> None:
    whole, halves = layer(), layer()
    recipe = Recipe("base", optimizer=name)
    expected = descend(build(whole.named_parameters(), recipe), whole, RATES)
    first = build(halves.named_parameters(), recipe)
    descend(first, halves, RATES[:2])
    second = build(halves.named_parameters(), recipe)
    second.load_state_dict(first.state_dict())
    moved = descend(second, halves, RATES[2:])
    assert all(torch.equal(moved[each], expected[each]) for each in expected)
