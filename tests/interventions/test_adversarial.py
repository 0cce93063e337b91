"""Adversarial training and SmoothAdv: exact on linear classifiers, and what one image at a time gives by hand."""

import itertools
import math

import pytest
import torch
from tests.interventions.small_problems import DOUBLE, close, imaged, small
from torch import Tensor, nn

from genlab.interventions.adversarial import AdversarialTraining, SmoothAdv, warmed
from genlab.interventions.noise import GaussianNoise, images_of, noise, with_images
from genlab.interventions.plain_loop import backward, is_off
from genlab.training.loop import descend
from genlab.training.losses import cross_entropy
from genlab.training.problem import Problem
from genlab.training.updates import GradientDescent


def straight(*, examples: int = 6) -> tuple[Problem, Tensor]:
    """A linear classifier of two classes over images far from the border of the box, and its unit direction to class 1."""
    inputs = 0.4 + 0.2 * torch.rand(examples, 1, 2, 3, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    torch.manual_seed(0)
    layer = nn.Linear(6, 2, dtype=DOUBLE)
    way = layer.weight[1] - layer.weight[0]
    return Problem(nn.Sequential(nn.Flatten(), layer), cross_entropy, inputs, torch.arange(examples) % 2), (
        way / way.norm()
    ).detach().view(1, 1, 2, 3)


METHODS = [
    AdversarialTraining(0.3, steps=4),
    AdversarialTraining(0.3, steps=3, step_size=0.25),
    AdversarialTraining(0.3, steps=8, random_start=True, step_size=0.3),
    SmoothAdv(0.2, 0.3, steps=4, vectors=3),
    SmoothAdv(0.0, 0.3, steps=4, vectors=3),
]


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_linear_classifier_of_two_classes_is_attacked_straight_against_its_label(
    method: AdversarialTraining | SmoothAdv,
) -> None:
    problem, way = straight()
    signs = (1 - 2 * problem.targets).to(DOUBLE).view(-1, 1, 1, 1)
    expected = images_of(problem) + 0.3 * signs * way
    found = method.images(problem, problem.weights(), 5)
    within = 0.02 if getattr(method, "random_start", False) else 1e-12
    assert (found - expected).abs().max() <= within
    if isinstance(method, AdversarialTraining) and not method.random_start:
        slope = with_images(problem, expected).slope(problem.weights())
        assert close(method(problem, problem.weights(), 5).gradient, slope.gradient)
        assert method(problem, problem.weights(), 5).loss == pytest.approx(slope.loss, rel=1e-12)


@pytest.mark.parametrize(
    "method", [AdversarialTraining(0.3, 2), SmoothAdv(0.2, 0.3, 2, 2), SmoothAdv(0.2, 0.3, 2, 2, "ddn")], ids=str
)
def test_training_that_blows_up_is_a_loss_that_is_no_number_and_no_error(method: AdversarialTraining | SmoothAdv) -> None:
    problem = imaged(examples=4)
    slope = method(problem, torch.full_like(problem.weights(), math.inf))
    assert math.isnan(slope.loss)


def test_smoothadv_is_what_one_image_at_a_time_gives_by_hand() -> None:
    problem, sigma, radius, steps, copies = imaged(examples=4), 0.3, 1.2, 5, 3
    module, images = problem.module, images_of(problem)
    drawn = torch.stack([sigma * noise(images, copy, 9, 2) for copy in range(copies)])
    changed = []
    for i in range(4):
        x = images[i].clone()
        for _ in range(steps):
            leaf = x.clone().requires_grad_()
            probability = module(leaf + drawn[:, i]).softmax(1)[:, problem.targets[i]].mean()
            (gradient,) = torch.autograd.grad(-probability.log(), leaf)
            change = (x + 2 * radius / steps * gradient / gradient.norm()).clamp(0, 1) - images[i]
            x = images[i] + change * min(1, radius / float(change.norm()))
        changed.append(x)
    expected = torch.stack(changed)
    method = SmoothAdv(sigma, radius, steps, copies, seed=9)
    found = method.images(problem, problem.weights(), 2)
    assert torch.allclose(found, expected, rtol=1e-9)
    losses = [nn.functional.cross_entropy(module(expected + each), problem.targets) for each in drawn]
    parameters = list(module.parameters())
    gradients = torch.autograd.grad(torch.stack(losses).mean(), parameters)
    slope, loss = method(problem, problem.weights(), 2), torch.stack(losses).mean().detach()
    assert close(slope.gradient, torch.cat([each.reshape(-1) for each in gradients]), within=1e-9)
    assert slope.loss == pytest.approx(float(loss), rel=1e-10)


def test_without_a_radius_smoothadv_is_gaussian_noise_bit_for_bit() -> None:
    problem = imaged(norm=True)
    ours = SmoothAdv(0.2, 0.0, steps=2, vectors=3, seed=4)(problem, problem.weights(), 7)
    theirs = GaussianNoise(0.2, seed=4, copies=3)(problem, problem.weights(), 7)
    assert torch.equal(ours.gradient, theirs.gradient)


@pytest.mark.parametrize(
    "method",
    [
        AdversarialTraining(1.0, steps=5),
        AdversarialTraining(1.0, steps=5, random_start=True),
        SmoothAdv(0.2, 1.0, steps=5, vectors=2),
        SmoothAdv(0.2, 1.0, steps=5, vectors=2, attack="ddn"),
    ],
    ids=str,
)
def test_an_attack_stays_in_ball_and_box_raises_the_loss_and_sees_batch_norm_in_eval_mode(
    method: AdversarialTraining | SmoothAdv,
) -> None:
    problem = imaged(norm=True, examples=12)
    weights, images = problem.weights(), images_of(problem)
    found = method.images(problem, weights, 3)
    assert ((found >= 0) & (found <= 1)).all()
    assert (torch.linalg.vector_norm((found - images).flatten(1), dim=1) <= 1 + 1e-12).all()
    some = method.images(problem.subset(slice(0, 5)), weights, 3)
    assert torch.allclose(some, found[:5], rtol=1e-9)  # an image's attack does not depend on the others
    problem.module.eval()
    assert with_images(problem, found).score(weights).loss > problem.score(weights).loss


def test_ddn_finds_the_distance_to_the_boundary_of_a_linear_classifier() -> None:
    problem, _ = straight()
    right = problem.module(problem.inputs).argmax(1).detach()
    problem = Problem(problem.module, cross_entropy, problem.inputs, right)  # all seen as their labels
    layer = problem.module[1]  # type: ignore[index]
    margin = problem.module(problem.inputs).detach()
    distance = (margin[:, 1] - margin[:, 0]).abs() / (layer.weight[1] - layer.weight[0]).norm().detach()
    found = SmoothAdv(0.0, 5.0, steps=150, attack="ddn").images(problem, problem.weights(), 0)
    moved = torch.linalg.vector_norm((found - images_of(problem)).flatten(1), dim=1)
    assert (problem.module(found).argmax(1) != right).all()
    assert ((moved >= distance) & (moved <= 1.06 * distance + 1e-3)).all()  # a norm that moves by 5%
    half = float(distance.min()) / 2
    cut = SmoothAdv(0.0, half, steps=150, attack="ddn").images(problem, problem.weights(), 0)
    assert torch.allclose(
        torch.linalg.vector_norm((cut - images_of(problem)).flatten(1), dim=1), torch.tensor(half, dtype=DOUBLE)
    )


def test_ddn_leaves_an_image_that_nothing_fools() -> None:
    problem, _ = straight()
    with torch.no_grad():
        problem.module[1].weight.zero_()  # type: ignore[index]
        problem.module[1].bias.copy_(torch.tensor([5.0, -5.0]))  # type: ignore[index]
    problem = Problem(problem.module, cross_entropy, problem.inputs, torch.zeros_like(problem.targets))
    found = SmoothAdv(0.0, 1.0, steps=5, attack="ddn").images(problem, problem.weights(), 0)
    assert torch.equal(found, images_of(problem))


def test_the_radius_warms_up_over_steps() -> None:
    assert [warmed(2.0, 4, step) for step in range(5)] == [0.5, 1.0, 1.5, 2.0, 2.0]
    problem, _ = straight()
    for method in (AdversarialTraining(0.4, steps=2, warmup=4), SmoothAdv(0.1, 0.4, steps=2, warmup=4)):
        found = method.images(problem, problem.weights(), 1) - images_of(problem)
        assert torch.allclose(torch.linalg.vector_norm(found.flatten(1), dim=1), torch.tensor(0.2, dtype=DOUBLE))


def test_both_work_in_a_plain_loop_as_in_the_open_one() -> None:
    for method in (AdversarialTraining(0.5, steps=2), SmoothAdv(0.2, 0.5, steps=2, vectors=2)):
        ours, theirs = imaged(), imaged()
        moments = descend(ours, GradientDescent(0.5), ours.weights(), intervention=method)
        expected = [moment.next_weights for moment in itertools.islice(moments, 2)]
        for step in range(2):
            backward(theirs.module, cross_entropy, images_of(theirs), theirs.targets, method, step=step)
            theirs.install(theirs.weights() - 0.5 * torch.cat([p.grad.reshape(-1) for p in theirs.module.parameters()]))  # type: ignore[union-attr]
            assert close(theirs.weights(), expected[step])


def test_which_is_off_is_the_plain_gradient_alone() -> None:
    assert is_off(AdversarialTraining(0.0, steps=1))
    assert is_off(SmoothAdv(0.0, 0.0, steps=1))
    assert not is_off(SmoothAdv(0.1, 0.0, steps=1))
    assert not is_off(SmoothAdv(0.0, 0.1, steps=1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AdversarialTraining(-1, steps=1), "an attack's radius is finite and not below 0, got -1"),
        (lambda: AdversarialTraining(math.inf, steps=1), "got inf"),
        (lambda: AdversarialTraining(1, steps=0), "at least 1 step, and a warm-up 0 or more, got steps=0"),
        (lambda: AdversarialTraining(1, steps=1, step_size=0), "step size is finite and above 0, got 0"),
        (lambda: SmoothAdv(-0.1, 1, steps=1), "sigma is the noise's standard deviation"),
        (lambda: SmoothAdv(0.1, 1, steps=1, vectors=0), "at least 1 noisy copy, got vectors=0"),
        (lambda: SmoothAdv(0.1, 1, steps=1, attack="fgsm"), "attack is 'pgd' or 'ddn', got 'fgsm'"),
        (lambda: SmoothAdv(0.1, 1, steps=1, attack="ddn", step_size=1.0), "ddn has step lengths of its own"),
        (lambda: SmoothAdv(0.1, 1, steps=1, warmup=-1), "warmup=-1"),
    ],
)
def test_nonsense_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


def test_what_cannot_be_attacked_is_refused() -> None:
    problem = small()
    for method in (AdversarialTraining(0.1, steps=1), SmoothAdv(0.1, 0.1, steps=1)):
        with pytest.raises(ValueError, match="images have values in"):
            method(problem, problem.weights())
    images = imaged()
    alone = Problem(
        nn.Sequential(nn.BatchNorm2d(2, track_running_stats=False, dtype=DOUBLE), nn.Flatten(), nn.Linear(32, 3, dtype=DOUBLE)),
        cross_entropy,
        images.inputs,
        images.targets,
    )
    with pytest.raises(ValueError, match="keeps no running averages, which attacks take"):
        AdversarialTraining(0.1, steps=1)(alone, alone.weights())
    regression = Problem(images.module, cross_entropy, images.inputs, torch.zeros(10, 3, dtype=DOUBLE))
    with pytest.raises(ValueError, match="SmoothAdv wants one class label an image"):
        SmoothAdv(0.1, 0.1, steps=1)(regression, regression.weights())
