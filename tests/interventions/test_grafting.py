"""Grafting: one gradient's direction, another's norm."""

import pytest
import torch
from tests.interventions.small_problems import close, small

from genlab.interventions.grafting import ExternalGrafting, IterativeGrafting, NormalisedGradient
from genlab.training.microbatches import microbatches


@pytest.mark.parametrize("average", [False, True])
def test_iterative_grafting_has_the_batchs_direction_and_a_micro_batchs_norm(average: bool) -> None:
    problem = small()
    weights = problem.weights()
    g = problem.slope(weights).gradient
    parts = list(microbatches(problem, 4, "grafting", 0, 2))
    norms = [part.slope(weights).gradient.norm().item() for part, _ in parts]
    norm = sum(share * each for (_, share), each in zip(parts, norms, strict=True)) if average else norms[0]
    assert close(IterativeGrafting(4, average=average)(problem, weights, 2).gradient, norm * g / g.norm())
    steps = {IterativeGrafting(4)(problem, weights, step).gradient.norm().item() for step in range(4)}
    assert len(steps) > 1  # another micro-batch at each step


def test_external_grafting_takes_the_last_record_and_says_where_they_end() -> None:
    problem = small()
    weights = problem.weights()
    g = problem.slope(weights).gradient
    grafting = ExternalGrafting(steps=(10, 30, 50), norms=(3.0, 2.0, 1.0))
    assert close(grafting(problem, weights, 35).gradient, 2 * g / g.norm())
    assert [grafting.norm(step) for step in (10, 29, 30, 49, 50, 69)] == [3, 3, 2, 2, 1, 1]
    for step in (9, 70):
        with pytest.raises(ValueError, match=rf"norms are of steps 10 to 50, got step {step}: record a longer run"):
            grafting(problem, weights, step)
    assert ExternalGrafting((4,), (0.5,)).norm(4) == 0.5
    with pytest.raises(ValueError, match="got step 5"):
        ExternalGrafting((4,), (0.5,)).norm(5)


def test_a_normalised_gradient_has_norm_one_and_none_where_the_gradient_is_zero() -> None:
    problem = small()
    weights = problem.weights()
    assert NormalisedGradient()(problem, weights).gradient.norm().item() == pytest.approx(1, rel=1e-14)
    still = problem.losing(lambda outputs, targets: (0 * outputs).sum(dim=1))
    assert NormalisedGradient()(still, weights).gradient.norm().item() == 0
    diverged = NormalisedGradient()(problem, torch.full_like(weights, float("nan")))
    assert bool(diverged.gradient.isnan().all())
