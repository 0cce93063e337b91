"""An intervention at zero strength is plain SGD, bit for bit; and whatever the strength, a resumed run is the same run."""

import itertools
import re

import pytest
import torch
from tests.interventions.small_problems import imaged, normalised, small
from torch import Tensor

from genlab.interventions.adversarial import AdversarialTraining, SmoothAdv
from genlab.interventions.grafting import ExternalGrafting, IterativeGrafting, NormalisedGradient
from genlab.interventions.noise import GaussianNoise, images_of
from genlab.interventions.penalties import L2Penalty, MicrobatchPenalty
from genlab.interventions.quantities import average_jacobian, fisher, gradient_norm, unit_jacobian
from genlab.interventions.sam import Sam
from genlab.interventions.stability import StabilityTraining, half_squared_distance
from genlab.training.batches import Batches
from genlab.training.loop import Intervention, descend
from genlab.training.problem import Problem
from genlab.training.updates import GradientDescent, Polyak

QUANTITIES = [gradient_norm, fisher, average_jacobian, unit_jacobian]
OFF = [
    Sam(0.0),
    Sam(0.0, microbatch=3),
    Sam(0.0, adaptive=True),
    L2Penalty(0.0),
    *(MicrobatchPenalty(of, 0.0, microbatch=3) for of in QUANTITIES),
    IterativeGrafting(microbatch=1000),
    GaussianNoise(0.0),
    GaussianNoise(0.0, copies=3),
    AdversarialTraining(0.0, steps=3),
    AdversarialTraining(0.0, steps=3, step_size=1.0, random_start=True),
    SmoothAdv(0.0, 0.0, steps=3, vectors=2),
    StabilityTraining(0.0, 1.0),
    StabilityTraining(1.0, 0.0),
]
ON = [
    Sam(0.1),
    Sam(0.1, microbatch=4, adaptive=True),
    L2Penalty(0.1),
    *(MicrobatchPenalty(of, 0.1, microbatch=4) for of in QUANTITIES),
    IterativeGrafting(microbatch=4),
    IterativeGrafting(microbatch=4, average=True),
    ExternalGrafting((0, 2, 4), (1.0, 0.5, 0.25)),
    NormalisedGradient(),
]
OF_IMAGES = [  # whose batch is of images in [0, 1], and whose loss is that of the images it makes of them
    GaussianNoise(0.2),
    GaussianNoise(0.2, copies=3, seed=1),
    AdversarialTraining(0.5, steps=3),
    AdversarialTraining(0.5, steps=2, random_start=True, warmup=3),
    SmoothAdv(0.2, 0.5, steps=2, vectors=3),
    SmoothAdv(0.2, 0.5, steps=3, vectors=2, attack="ddn"),
    StabilityTraining(0.2, 1.0),
    StabilityTraining(0.2, 1.0, half_squared_distance),
]


def shown(intervention: Intervention) -> str:
    """Its name in a test's: without the addresses of functions, for every worker must collect the same names."""
    return re.sub(r"<function (\w+) at \w+>", r"\1", repr(intervention))


def trajectory(problem: Problem, intervention: Intervention | None, steps: int = 4) -> list[Tensor]:
    moments = descend(problem, GradientDescent(0.5), problem.weights(), batches=Batches(8, seed=1), intervention=intervention)
    return [moment.next_weights for moment in itertools.islice(moments, steps)]


@pytest.mark.parametrize("off", OFF, ids=shown)
@pytest.mark.parametrize(
    "problem", [small(dtype=torch.float32), small("mse", physical_batch=3), normalised()], ids=["ce", "mse", "bn"]
)
def test_an_intervention_at_zero_is_plain_sgd(problem: Problem, off: Intervention) -> None:
    assert all(map(torch.equal, trajectory(problem, off), trajectory(problem, None)))


@pytest.mark.parametrize("on", [*ON, *OF_IMAGES], ids=shown)
def test_an_intervention_that_is_on_is_another_trajectory_and_resumes_as_if_it_had_not_stopped(on: Intervention) -> None:
    problem = imaged(physical_batch=3) if on in OF_IMAGES else small(physical_batch=3)
    update = Polyak(0.5, 0.9)

    def moments(weights: Tensor, **state: object) -> list[Tensor]:
        found = descend(problem, update, weights, batches=Batches(8, seed=1), intervention=on, **state)  # type: ignore[arg-type]
        return [moment.next_weights for moment in itertools.islice(found, 4)]

    whole = descend(problem, update, problem.weights(), batches=Batches(8, seed=1), intervention=on)
    first = next(whole)
    rest = [moment.next_weights for moment in itertools.islice(whole, 3)]
    again = moments(first.next_weights, memory=first.next_memory, step=1)
    assert all(map(torch.equal, rest, again[:3]))
    assert not torch.equal(trajectory(problem, on)[0], trajectory(problem, None)[0])


@pytest.mark.parametrize("on", [*(each for each in ON if not isinstance(each, ExternalGrafting)), *OF_IMAGES], ids=shown)
@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_any_physical_batch_gives_the_same_step(loss: str, on: Intervention) -> None:
    make = imaged if on in OF_IMAGES else small
    whole = make(loss)
    expected = on(whole, whole.weights(), 3)
    for physical_batch in (1, 3, 4):
        problem = make(loss, physical_batch=physical_batch)
        found = on(problem, problem.weights(), 3)
        assert torch.allclose(found.gradient, expected.gradient, rtol=1e-11, atol=1e-13)
        assert found.loss == pytest.approx(expected.loss, rel=1e-13)
        assert found.penalty == pytest.approx(expected.penalty, rel=1e-11)
        assert found.accuracy == pytest.approx(expected.accuracy, rel=1e-13)


@pytest.mark.parametrize("on", ON, ids=shown)
def test_loss_and_accuracy_are_those_at_the_weights_and_the_module_is_as_it_was(on: Intervention) -> None:
    problem = normalised(ghost_batch=12) if not getattr(on, "microbatch", None) else small()
    before = {name: each.clone() for name, each in problem.module.state_dict().items()}
    found = on(problem, problem.weights(), 0)
    score = problem.score(problem.weights())
    assert found.loss == pytest.approx(score.loss, rel=1e-13)
    assert found.accuracy == pytest.approx(score.accuracy, rel=1e-13)
    assert all(torch.equal(each, before[name]) for name, each in problem.module.state_dict().items())


@pytest.mark.parametrize("on", OF_IMAGES, ids=shown)
def test_what_images_become_leaves_problem_and_module_as_they_were(on: Intervention) -> None:
    problem = imaged(norm=True)
    before = {name: each.clone() for name, each in problem.module.state_dict().items()}
    modes, inputs = [each.training for each in problem.module.modules()], images_of(problem).clone()
    on(problem, problem.weights(), 0)
    assert all(torch.equal(each, before[name]) for name, each in problem.module.state_dict().items())
    assert modes == [each.training for each in problem.module.modules()]
    assert torch.equal(images_of(problem), inputs)


def test_micro_batches_that_cut_through_batch_norms_batches_are_refused() -> None:
    for ghost_batch in (None, 8):
        problem = normalised(ghost_batch=ghost_batch)
        with pytest.raises(ValueError, match=r"micro-batches of 4 cut through: set the problem's ghost_batch=4"):
            Sam(0.1, microbatch=4)(problem, problem.weights())
    problem = normalised(ghost_batch=2)
    assert MicrobatchPenalty(gradient_norm, 0.1, microbatch=4)(problem, problem.weights()).penalty > 0


def test_dropout_takes_one_mask_for_both_passes_of_a_penalty() -> None:
    problem = small(physical_batch=4)
    dropping = Problem(
        torch.nn.Sequential(problem.module, torch.nn.Dropout(0.5)), problem.loss, problem.inputs, problem.targets, 4
    )
    penalty = MicrobatchPenalty(gradient_norm, 0.1)
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(penalty(dropping, dropping.weights()).gradient)
        after = torch.rand(1)
        torch.manual_seed(3)
        dropping.slope(dropping.weights())
        assert torch.equal(torch.rand(1), after)  # as many draws as one pass
    assert torch.equal(*found)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sam(-0.1), "SAM's radius is finite and not below 0, got -0.1"),
        (lambda: Sam(0.1, microbatch=0), "a micro-batch has at least 1 example"),
        (lambda: MicrobatchPenalty(fisher, float("nan")), "a penalty's strength is finite and not below 0, got nan"),
        (lambda: L2Penalty(-1.0), "a penalty's strength is finite and not below 0, got -1.0"),
        (lambda: ExternalGrafting((0, 1), (1.0,)), "one norm a step, got 2 steps and 1 norms"),
        (lambda: ExternalGrafting((1, 1), (1.0, 2.0)), "the steps of recorded norms rise"),
        (lambda: ExternalGrafting((0,), (float("inf"),)), "got inf: leave out the steps of a diverged run"),
    ],
)
def test_nonsense_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()
