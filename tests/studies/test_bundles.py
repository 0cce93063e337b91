"""Bundles: together is one by one, interrupted is uninterrupted, zero strength is plain, and what became of each copy."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from tests.studies.bundled import DIGITS, METHODS, REGRESSION, made, rows_of

from genlab.results.snapshots import Snapshot, from_bytes, to_bytes
from genlab.studies.bundles.copies import chosen, fates, tasks, trained, unequal
from genlab.studies.bundles.plan import Reading
from genlab.studies.implicit_regularization import ImplicitRegularization

Key = tuple[float, float, int, int]


def by_copy(rows: list[Reading]) -> dict[Key, Reading]:
    return {(row.step_size, row.strength, row.seed, row.step): row for row in rows}


@pytest.mark.parametrize("name", METHODS)
def test_interrupted_at_any_step_it_ends_with_the_records_of_an_uninterrupted_run(name: str) -> None:
    study = METHODS[name]
    (condition,) = study.conditions()
    whole, ending = rows_of(study, condition.settings)
    assert {row.ending for row in whole} >= {"steps"}
    for stop in (4,) if study.curvature and study.ghost_batch else (1, 4, study.steps):  # a Hessian with ghost batches is slow
        rows: list[Reading] = []
        snapshot: Snapshot | None = None
        for number, advance in enumerate(study.run(condition.settings, None, "cpu")):
            rows += advance.records
            if number == stop:
                snapshot = from_bytes(to_bytes(advance.snapshot()))
                break
        more, end = rows_of(study, condition.settings, snapshot)
        assert rows + more == whole
        assert end == ending


@pytest.mark.parametrize("name", ["plain", "m-SAM", "gn", "ft", "uj", "l2", "iterative", "external", "ngd", "digits"])
def test_copies_that_train_together_are_those_that_train_alone(name: str) -> None:
    study = METHODS[name]
    together = by_copy(rows_of(study, study.conditions()[0].settings)[0])
    alone: dict[Key, Reading] = {}
    for condition in dataclasses.replace(study, together=False).conditions():
        alone |= by_copy(rows_of(study, condition.settings)[0])
    assert together.keys() == alone.keys()
    exact = 1e-9 if study.precision == "float64" else 1e-4
    sampled = ("microbatch_square", "noise_trace", "residual")  # exact together, of one partition alone
    for key, row in together.items():
        for field, value in dataclasses.asdict(row).items():
            other = getattr(alone[key], field)
            if isinstance(value, float) and field not in sampled:
                assert other == pytest.approx(value, rel=exact, abs=exact * 1e-3), (key, field)
            elif field not in sampled:
                assert other == value, (key, field)


@pytest.mark.parametrize("method", ["sam", "gn", "ft", "aj", "uj", "l2"])
def test_at_zero_strength_every_method_is_plain_descent(method: str) -> None:
    micro = (3,) if method not in ("l2",) else (0,)
    base = dataclasses.replace(REGRESSION, together=False, seeds=1, step_size=(0.1,))
    plain, _ = rows_of(base, base.conditions()[0].settings)
    study = dataclasses.replace(base, method=(method,), microbatch=micro)
    changed, _ = rows_of(study, study.conditions()[0].settings)
    assert changed == plain  # bit for bit


def test_a_copy_rests_at_its_goal_and_one_that_diverges_is_kept() -> None:
    study = dataclasses.replace(
        REGRESSION, step_size=(0.02, 0.2, 40.0), steps=400, goal_loss=0.05, check_every=5, read_every=400, seeds=3
    )
    rows, ending = rows_of(study, study.conditions()[0].settings)
    ended = [row for row in rows if row.ending]
    assert len(ended) == 9
    assert ending == "3 steps, 3 goal, 3 diverged" or {"3 diverged"} <= set(ending.split(", "))
    for row in ended:
        if row.ending == "goal":
            assert row.training_loss <= 0.05
            assert row.step < 400
            assert row.sharpness is not None
        if row.step_size == 40:
            assert row.ending == "diverged"
            assert not math.isfinite(row.training_loss)
            assert row.sharpness is None


@pytest.mark.parametrize("curvature_every", [0, 2])
def test_readings_of_a_small_network_have_its_exact_hessian(curvature_every: int) -> None:
    import torch

    from genlab.probes.hessian import Hessian
    from genlab.studies.bundles.plan import plan
    from genlab.studies.bundles.runner import copies

    study = dataclasses.replace(
        REGRESSION, seeds=1, step_size=(0.1,), steps=2, check_every=1, read_every=1, curvature_every=curvature_every
    )
    settings = study.conditions()[0].settings
    rows = rows_of(study, settings)[0]
    assert [row.step for row in rows if row.sharpness is not None] == ([0, 2] if curvature_every else [2])
    held, _ = copies(plan(settings), "cpu", None)
    problem = held.problems[0]
    weights = problem.weights()
    for row in rows:
        if row.sharpness is not None:
            values = torch.linalg.eigvalsh(Hessian(problem, weights).dense())
            assert row.sharpness == pytest.approx(values[-1].item(), rel=1e-9)
            assert row.hessian_trace == pytest.approx(values.sum().item(), rel=1e-9)
            assert row.hessian_trace_error == 0
        weights = weights - 0.1 * problem.slope(weights).gradient


def test_noise_is_exact_where_copies_train_together() -> None:
    from genlab.probes.gradient_noise import gradient_noise
    from genlab.studies.bundles.plan import plan
    from genlab.studies.bundles.runner import copies

    settings = REGRESSION.conditions()[0].settings
    first = next(row for row in rows_of(REGRESSION, settings)[0] if row.seed == 1)
    held, _ = copies(plan(settings), "cpu", None)
    problem = held.problems[1]
    noise = gradient_noise(problem, problem.weights())
    assert first.noise_trace == pytest.approx(noise.trace, rel=1e-9)
    assert first.gradient_square == pytest.approx(noise.square, rel=1e-9)
    assert first.microbatch_square == pytest.approx(noise.microbatch_square(2), rel=1e-9)


def test_of_batch_norm_scores_take_the_averages_of_the_training_set() -> None:
    import torch

    from genlab.training import data, networks
    from genlab.training.losses import LOSSES
    from genlab.training.problem import Problem
    from genlab.training.statistics import calibrated

    held = data.load("digits-40")
    module = networks.build("cnn-bn-relu-width2", inputs=held.inputs, outputs=10, seed=0)
    problem = Problem(module, LOSSES["ce"], held.train_inputs, held.train_targets, ghost_batch=20)
    before = {name: each.clone() for name, each in module.state_dict().items()}
    still = calibrated(problem, 2 * problem.weights())
    assert all(torch.equal(each, before[name]) for name, each in module.state_dict().items())
    assert not still.training
    doubled = networks.build("cnn-bn-relu-width2", inputs=held.inputs, outputs=10, seed=0)
    with torch.no_grad():
        for each in doubled.parameters():
            each.mul_(2)
    seen = torch.relu(doubled.get_submodule("0")(held.train_inputs))
    means = torch.stack([part.mean(dim=(0, 2, 3)) for part in seen.split(20)]).mean(dim=0)
    norm = still.get_buffer("2.running_mean")
    assert torch.allclose(norm, means, atol=1e-6)


def test_a_point_is_chosen_on_validation_data_and_never_where_a_seed_diverged() -> None:
    good = made({0: 0.5, 1: 0.5, 2: 0.5}, step_size=0.1, validation_accuracy=0.7)
    better_by_test = made({0: 0.9, 1: 0.9, 2: 0.9}, step_size=0.2, validation_accuracy=0.6)
    lucky = made({0: 0.9, 1: 0.9, 2: 0.9}, step_size=0.3, validation_accuracy=0.9, ending={0: "goal", 1: "goal", 2: "diverged"})
    (ways,) = tasks(trained([good, better_by_test, lucky])).values()
    (grid,) = ways.values()
    point = chosen(grid)
    assert point is not None
    assert point.step_size == 0.1


def test_unequal_training_losses_are_flagged_and_lost_copies_counted() -> None:
    low, high = (trained([made({0: 0.5, 1: 0.6}, training_loss=loss)]) for loss in (0.1, 0.5))
    assert unequal({"GN": high, "LB": low}) == "unequal training loss: 0.5 (GN) against 0.1 (LB)"
    assert not unequal({"GN": low, "LB": low})
    stuck = trained([made({0: 0.5, 1: 0.6, 2: 0.7}, ending={0: "steps", 1: "diverged", 2: "goal"})])
    assert fates(stuck) == "1 of 3 did not reach the goal, 1 of 3 diverged"


def test_the_best_record_is_that_of_the_validation_set() -> None:
    from tests.studies.bundled import run_of

    rows = [
        Reading(step, 0.1, 0.0, 0, 1.0, None, validation_accuracy=value, test_accuracy=step / 100)
        for step, value in ((0, 0.1), (10, 0.9), (20, 0.5))
    ]
    rows[-1] = dataclasses.replace(rows[-1], ending="steps")
    (one,) = trained([run_of(rows)])
    assert one.quality("test", row=one.best_row) == 0.1
    assert np.isnan(one.last("sharpness"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": ("gnn",)}, "method is one of"),
        ({"method": ("gn",)}, "set microbatch="),
        ({"strength": (0.1,)}, "strength is for sam"),
        ({"microbatch": (5,)}, "set microbatch=0"),
        ({"method": ("external",)}, "donor_batch"),
        ({"donor_batch": 4}, "method=external wants"),
        ({"read_every": 15}, "read_every is a multiple of check_every=10, got 15: try 20"),
        ({"curvature_every": 150}, "curvature_every is a multiple of read_every=100, got 150: try 200"),
        ({"curvature_every": 100, "curvature": False}, "set curvature=true"),
        ({"step_size": (0.0,)}, "step_size is above 0"),
        ({"step_size": (0.1, 0.1)}, "names a value twice"),
        ({"step_size": ()}, "at least one value"),
        ({"goal_loss": -1.0}, "goal_loss is a number of at least 0"),
        ({"segment_points": 1}, "segment_points has the two ends"),
        ({"seeds": 0}, "seeds is at least 1"),
    ],
)
def test_fields_that_make_no_run_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(ImplicitRegularization(), **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "sparse-regression-12-10-2", "network": ("diagonal",)}, "set loss=mse"),
        ({"network": ("cnn-bn-relu-width2",)}, "has batch norm: set ghost_batch"),
        ({"ghost_batch": 5}, "has no batch norm: set ghost_batch=0"),
    ],
)
def test_what_the_price_finds_wrong(changes: dict[str, Any], words: str) -> None:
    study = dataclasses.replace(DIGITS, **changes)
    with pytest.raises(ValueError, match=words):
        study.price(study.conditions()[0].settings, "cpu")


def test_a_price_counts_every_copy() -> None:
    price = REGRESSION.price(REGRESSION.conditions()[0].settings, "cpu")
    assert price.records >= len(rows_of(REGRESSION, REGRESSION.conditions()[0].settings)[0])
    assert price.seconds > 0
