"""Images by the name that a module of transformers gives them: the same steps as with the same images as a tensor."""

from typing import Any

import pytest
import torch
from tests.interventions.small_problems import close, imaged
from torch import Tensor, nn
from transformers import ViTConfig, ViTForImageClassification

from genlab.interventions.adversarial import AdversarialTraining, SmoothAdv
from genlab.interventions.noise import GaussianNoise, images_of
from genlab.interventions.stability import StabilityTraining
from genlab.training.hugging_face import transformers_problem
from genlab.training.loop import Intervention
from genlab.training.problem import Problem

METHODS = [
    GaussianNoise(0.2),
    AdversarialTraining(0.5, steps=2),
    SmoothAdv(0.2, 0.5, steps=2, vectors=2),
    SmoothAdv(0.2, 0.5, steps=2, vectors=2, attack="ddn"),
    StabilityTraining(0.2, 1.0),
]


class Named(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, pixel_values: Tensor) -> Tensor:
        found: Tensor = self.inner(pixel_values)
        return found


@pytest.mark.parametrize("method", METHODS, ids=lambda each: type(each).__name__)
def test_a_name_changes_nothing(method: Intervention) -> None:
    plain = imaged()
    named = Problem(Named(plain.module), plain.loss, {"pixel_values": images_of(plain)}, plain.targets, physical_batch=4)
    weights = plain.weights()
    ours, theirs = method(named, weights, 3), method(plain, weights, 3)
    assert close(ours.gradient, theirs.gradient, within=1e-9)
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-10)


@pytest.fixture(scope="module")
def transformer() -> Problem:
    """A classifier of images of transformers, on 6 images."""
    torch.manual_seed(0)
    config = ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, image_size=8, patch_size=4)
    model: Any = ViTForImageClassification(config)  # two classes unless told
    model.eval()
    batch = {"pixel_values": torch.rand(6, 3, 8, 8), "labels": torch.arange(6) % 2}
    return transformers_problem(model, batch)


@pytest.mark.parametrize("method", METHODS, ids=lambda each: type(each).__name__)
def test_a_model_of_transformers_is_trained_so(transformer: Problem, method: Intervention) -> None:
    weights = transformer.weights()
    plain, found = transformer.slope(weights), method(transformer, weights, 0)
    assert found.gradient.isfinite().all()
    assert not torch.equal(found.gradient, plain.gradient)
    if isinstance(method, AdversarialTraining):
        assert found.loss > plain.loss


def test_several_inputs_are_refused() -> None:
    plain = imaged()
    problem = Problem(plain.module, plain.loss, {"a": images_of(plain), "b": images_of(plain)}, plain.targets)
    with pytest.raises(ValueError, match="one tensor of images, got a mapping of a, b"):
        GaussianNoise(0.1)(problem, problem.weights())
