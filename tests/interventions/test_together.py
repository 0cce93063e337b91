"""Runs that train together against the same runs one by one."""

from collections.abc import Callable

import pytest
import torch
from tests.interventions.small_problems import DOUBLE, close, labelled, normalised, small
from torch import Tensor

from genlab.interventions.grafting import ExternalGrafting, IterativeGrafting, NormalisedGradient
from genlab.interventions.penalties import L2Penalty, MicrobatchPenalty
from genlab.interventions.quantities import average_jacobian, fisher, gradient_norm, unit_jacobian
from genlab.interventions.sam import Sam
from genlab.interventions.together import slopes_together
from genlab.training.batches import Batches
from genlab.training.loop import Intervention
from genlab.training.losses import LOSSES
from genlab.training.networks import build
from genlab.training.problem import Problem, Slope
from genlab.training.together import CALLS, Together

COPIES = 3
INTERVENTIONS: dict[str, Callable[[int], Intervention | None]] = {
    "plain": lambda copy: None,
    "SAM": lambda copy: Sam(0.1 * copy, seed=copy),
    "m-SAM": lambda copy: Sam(0.1 * copy, microbatch=3, seed=copy),
    "adaptive SAM": lambda copy: Sam(0.1 * copy, microbatch=2, adaptive=True, seed=copy),
    "GN": lambda copy: MicrobatchPenalty(gradient_norm, 0.2 * copy, 3, seed=copy),
    "GN of the whole batch": lambda copy: MicrobatchPenalty(gradient_norm, 0.2 * copy, seed=copy),
    "FT": lambda copy: MicrobatchPenalty(fisher, 0.2 * copy, 3, seed=copy),
    "AJ": lambda copy: MicrobatchPenalty(average_jacobian, 0.02 * copy, 3, seed=copy),
    "UJ": lambda copy: MicrobatchPenalty(unit_jacobian, 0.2 * copy, 3, seed=copy),
    "L2": lambda copy: L2Penalty(0.2 * copy),
    "iterative grafting": lambda copy: IterativeGrafting(3, seed=copy),
    "iterative grafting, mean": lambda copy: IterativeGrafting(3, average=True, seed=copy),
    "external grafting": lambda copy: ExternalGrafting((0, 5), (1.0 + copy, 2.0)),
    "NGD": lambda copy: NormalisedGradient(),
}


def copies(loss: str, *, alike: bool) -> list[Problem]:
    found = []
    shared = labelled(10)
    for copy in range(COPIES):
        inputs, labels = shared if alike else labelled(10, seed=copy)
        module = build("fc-tanh-width5", inputs=(4,), outputs=3, seed=copy, dtype=DOUBLE)
        found.append(Problem(module, LOSSES[loss], inputs, labels))
    return found


@pytest.mark.parametrize(("loss", "batch", "alike"), [("ce", 7, False), ("ce", None, True), ("mse", None, False)])
@pytest.mark.parametrize("name", INTERVENTIONS)
def test_together_is_each_one_alone(name: str, loss: str, batch: int | None, alike: bool) -> None:
    problems = copies(loss, alike=alike)
    interventions = [INTERVENTIONS[name](copy) for copy in range(COPIES)]
    draw = [None if batch is None else Batches(batch, seed=copy) for copy in range(COPIES)]
    rows = None if batch is None else torch.stack([each.rows(4, 10) for each in draw if each])
    one = Together(problems)
    given = [each for each in interventions if each]
    found = slopes_together(one, one.weights(), given or None, batches=rows, step=4)
    for copy, (problem, intervention, batches) in enumerate(zip(problems, interventions, draw, strict=True)):
        seen = batches(problem, 4) if batches else problem
        weights = problem.weights()
        alone = intervention(seen, weights, 4) if intervention else seen.slope(weights)
        assert close(found.gradient[copy], alone.gradient), copy
        assert found.loss[copy].item() == pytest.approx(alone.loss, rel=1e-12)
        assert found.penalty[copy].item() == pytest.approx(alone.penalty, rel=1e-10)
        assert found.accuracy is not None
        assert alone.accuracy is not None
        assert found.accuracy[copy].item() == pytest.approx(alone.accuracy)


@pytest.mark.parametrize("name", ["plain", "m-SAM", "FT"])
def test_once_it_is_traced_it_is_the_same_bit_for_bit(name: str) -> None:
    one = Together(copies("ce", alike=False))
    given = [each for copy in range(COPIES) if (each := INTERVENTIONS[name](copy))] or None
    found = [slopes_together(one, one.weights(), given) for _ in range(CALLS + 1)]
    assert one._traced
    assert torch.equal(found[0].gradient, found[-1].gradient)
    assert torch.equal(found[0].loss, found[-1].loss)


def test_scores_and_some_of_the_copies_are_those_of_each_alone() -> None:
    problems = copies("ce", alike=False)
    one = Together(problems).pick([2, 0])
    loss, accuracy = one.scores(one.weights())
    assert accuracy is not None
    for place, copy in enumerate((2, 0)):
        alone = problems[copy].score(problems[copy].weights())
        assert loss[place].item() == pytest.approx(alone.loss, rel=1e-12)
        assert accuracy[place].item() == pytest.approx(alone.accuracy)


def test_a_copy_whose_gradient_is_zero_climbs_nowhere() -> None:
    x = torch.ones(1, 1)
    module = torch.nn.Linear(1, 1, bias=False)
    both = Together([Problem(module, LOSSES["mse"], x, x)] * 2)
    found = slopes_together(both, torch.tensor([[1.0], [0.0]]), [Sam(0.5), Sam(0.5)])
    assert found.gradient.tolist() == [[0.0], [-1.5]]


def test_what_does_not_train_together_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 problem"):
        Together([])
    with pytest.raises(ValueError, match="batch norm"):
        Together([normalised()])
    with pytest.raises(ValueError, match="number of examples"):
        Together([small(), small(examples=9)])
    dropping = Problem(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(0.1)), LOSSES["ce"], *labelled(5))
    with pytest.raises(ValueError, match="dropout"):
        Together([dropping])
    both = Together([small(), small()])
    with pytest.raises(ValueError, match="one intervention a copy"):
        slopes_together(both, both.weights(), [Sam(0.1)])
    with pytest.raises(ValueError, match="one kind"):
        slopes_together(both, both.weights(), [Sam(0.1), Sam(0.1, microbatch=2)])
    with pytest.raises(ValueError, match="train one by one"):
        slopes_together(both, both.weights(), [own] * 2)


def own(problem: Problem, weights: Tensor, step: int = 0) -> Slope:
    return problem.slope(weights)
