"""Interventions in a plain PyTorch loop: gradients, running averages, and the example as it stands."""

import copy
import runpy
from pathlib import Path

import pytest
import torch
from tests.interventions.small_problems import labelled, normalised, small
from torch import nn

from genlab.interventions.penalties import MicrobatchPenalty
from genlab.interventions.plain_loop import backward
from genlab.interventions.quantities import gradient_norm
from genlab.interventions.sam import Sam
from genlab.training.losses import cross_entropy

EXAMPLE = Path(__file__).parents[2] / "examples" / "intervene_in_a_loop.py"


def test_at_zero_it_is_the_plain_loop_with_batch_norms_running_averages_bit_for_bit() -> None:
    ours = normalised().module
    plain = copy.deepcopy(ours)
    one, other = (torch.optim.SGD(each.parameters(), lr=0.5, momentum=0.9) for each in (ours, plain))
    for step in range(3):
        inputs, labels = labelled(12, seed=step)
        found = backward(ours, cross_entropy, inputs, labels, Sam(0.0), step=step)
        one.step()
        other.zero_grad()
        loss = cross_entropy(plain(inputs), labels).mean()
        loss.backward()
        other.step()
        assert found.loss == pytest.approx(loss.item(), rel=1e-14)
    for name, each in ours.state_dict().items():
        assert torch.allclose(each, plain.state_dict()[name], rtol=1e-13, atol=1e-15), name


def test_the_gradient_left_is_the_interventions_and_frozen_parameters_have_none() -> None:
    problem = small()
    problem.module[1].weight.requires_grad_(False)  # type: ignore[index]
    penalty = MicrobatchPenalty(gradient_norm, 0.1, microbatch=4)
    found = backward(problem.module, cross_entropy, *labelled(10), penalty, step=2, physical_batch=3)
    trained = [each for each in problem.module.parameters() if each.requires_grad]
    assert torch.equal(found.gradient, torch.cat([each.grad.reshape(-1) for each in trained if each.grad is not None]))
    assert all(each.grad is None for each in problem.module.parameters() if not each.requires_grad)


def test_batch_norm_over_a_physical_batch_is_refused_unless_it_is_named() -> None:
    module = normalised().module
    with pytest.raises(
        ValueError, match="batch norm in train mode would normalise over the physical batch of 4: say ghost_batch=4"
    ):
        backward(module, cross_entropy, *labelled(12), Sam(0.1), step=0, physical_batch=4)
    backward(module, cross_entropy, *labelled(12), Sam(0.1, microbatch=4), step=0, ghost_batch=4)
    batch_norm = module[1]  # type: ignore[index]
    assert isinstance(batch_norm, nn.BatchNorm1d)
    assert batch_norm.num_batches_tracked is not None
    assert batch_norm.num_batches_tracked.item() == 1 + 3


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["plain", "SAM", "GN", "FT", "L2"]
    assert all("loss" in line for line in said)
