"""The study: its claims on made records and on real ones, its laws, its errors."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from genlab.results.claims import Verdict, judge
from genlab.results.records import columns_of, schema_of, table_of
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot, from_bytes, to_bytes
from genlab.studies.edge_of_stability import PRESETS, EdgeOfStability, Reading
from genlab.studies.edge_of_stability.claims import CLAIMS
from genlab.studies.edge_of_stability.effects import crossing, plateau
from genlab.studies.edge_of_stability.study import eta
from genlab.studies.study import all_conditions

SMALL = EdgeOfStability(
    data="chebyshev-4-20",
    network=("regression",),
    step_size=(2 / 4,),
    precision="float64",
    seeds=1,
    steps=120,
    sharpness_every=10,
    dense_every=4,
    test_every=0,
)
DIGITS = EdgeOfStability(data="digits-200", network=("fc-tanh-width12",), step_size=(2 / 3,), seeds=1, steps=120, test_every=40)


def settings_of(study: EdgeOfStability, seed: int = 0) -> dict[str, Any]:
    return {**study.conditions()[0].settings, "seed": seed}


def rows_of(study: EdgeOfStability, settings: Mapping[str, Any], snapshot: Snapshot | None = None) -> tuple[list[Reading], str]:
    advances = study.run(settings, snapshot, "cpu")
    rows: list[Reading] = []
    while True:
        try:
            rows += next(advances).records
        except StopIteration as end:
            return rows, end.value


def run_of(settings: Mapping[str, Any], rows: Sequence[Reading], ending: str = "steps", id: str = "x") -> Run:
    return Run(id, settings, ending, columns_of(table_of(rows, schema_of(Reading))))


def made(sharpness: Sequence[float], *, loss: Sequence[float] | None = None, seed: int = 0, **changes: Any) -> Run:
    """A run with a reading at every step, of threshold 4."""
    losses = loss if loss is not None else [1 / (1 + step) for step in range(len(sharpness))]
    rows = [
        Reading(step, step / 2, losses[step], None, 4.0, sharpness=value, residual=1e-4, products=1, converged=True)
        for step, value in enumerate(sharpness)
    ]
    return run_of(settings_of(DIGITS, seed) | changes, rows, id=f"run{seed}")


@pytest.mark.parametrize(
    "study",
    [
        SMALL,
        dataclasses.replace(SMALL, beside="flow", beside_steps=60),
        pytest.param(dataclasses.replace(SMALL, update=("polyak",), momentum=0.9), marks=pytest.mark.long),
        dataclasses.replace(SMALL, update=("nesterov",), momentum=0.5),
        dataclasses.replace(SMALL, step_size=(2 / 2.7,), beside="quadratic", beside_steps=30, settle=5),
        DIGITS,
        pytest.param(dataclasses.replace(DIGITS, loss=("ce",)), marks=pytest.mark.long),
        dataclasses.replace(
            DIGITS, data="grammar-12-tokens6", network=("transformer-depth1-width4-heads2",), loss=("ce",), test_every=0
        ),
    ],
)
def test_every_snapshot_continues_to_the_same_records(study: EdgeOfStability) -> None:
    settings = settings_of(dataclasses.replace(study, steps=60, beside_steps=min(study.beside_steps, 30)))
    whole, ending = rows_of(study, settings)
    kept = {}
    for count, advance in enumerate(study.run(settings, None, "cpu"), start=1):
        if count in (1, 30, 31, 58):
            kept[count] = to_bytes(advance.snapshot())
    for count, data in kept.items():
        rest, again = rows_of(study, settings, from_bytes(data))
        assert [*whole[:count], *rest] == whole, count
        assert again == ending


def test_records_say_what_was_measured_and_when() -> None:
    rows, ending = rows_of(DIGITS, settings_of(DIGITS))
    assert ending == "steps"
    assert [row.step for row in rows] == list(range(121))
    assert [row.step for row in rows if row.sharpness is not None] == list(range(0, 121, 10))
    assert [row.step for row in rows if row.test_loss is not None] == [0, 40, 80, 120]
    assert all(row.time == row.step * DIGITS.step_size[0] and row.threshold == 3 for row in rows)
    assert rows[-1].loss < rows[0].loss


def test_dense_and_tracked_sharpness_agree() -> None:
    rows, _ = rows_of(SMALL, settings_of(SMALL))
    both = [(row.sharpness, row.dense_sharpness) for row in rows if row.dense_sharpness is not None]
    assert len(both) == 4
    for tracked, dense in both:
        assert tracked == pytest.approx(dense, rel=1e-4)


def test_a_run_that_diverges_is_recorded_and_ends() -> None:
    study = dataclasses.replace(DIGITS, step_size=(50.0,), steps=500)
    rows, ending = rows_of(study, settings_of(study))
    assert ending == "diverged"
    assert not math.isfinite(rows[-1].loss)
    assert len(rows) < 400
    assert rows[-1].converged is False
    found = judge(CLAIMS, [run_of(settings_of(study), rows, ending)])
    hover = next(each for each in found if each.claim.id == "C2")
    assert hover.verdict is Verdict.NOT_MEASURED
    assert "seed 0 diverged" in hover.findings[0].note


def test_divergence_with_the_dense_hessian_on_is_an_ending_not_a_crash() -> None:
    study = dataclasses.replace(SMALL, step_size=(1e30,), dense_every=1, sharpness_every=1)
    assert rows_of(study, settings_of(study))[1] == "diverged"


def test_goals_end_a_run_before_the_step() -> None:
    study = dataclasses.replace(DIGITS, goal_accuracy=0.5)
    rows, ending = rows_of(study, settings_of(study))
    assert ending == "accuracy goal"
    assert rows[-1].accuracy is not None
    assert rows[-1].accuracy > 0.5
    assert all(row.accuracy is not None and row.accuracy <= 0.5 for row in rows[:-1])
    assert rows[-1].sharpness is not None
    study = dataclasses.replace(DIGITS, goal_loss=0.2)
    rows, ending = rows_of(study, settings_of(study))
    assert ending == "loss goal"
    assert rows[-1].loss < 0.2 <= rows[-2].loss


def test_descent_is_a_first_order_method_for_the_flow_beside_it() -> None:
    """At equal times the distance to the flow is proportional to the step size: halve one and the other halves."""
    distances = []
    for step_size, steps in ((0.05, 60), (0.025, 120)):
        study = dataclasses.replace(SMALL, step_size=(step_size,), steps=steps, beside="flow", beside_steps=steps)
        rows, _ = rows_of(study, settings_of(study))
        seen = [row for row in rows if row.distance is not None]
        assert (seen[0].distance, seen[0].travelled) == (0, 0)
        assert seen[0].flow_sharpness == pytest.approx(seen[0].sharpness, rel=1e-5)
        assert seen[-1].time == pytest.approx(3.0)
        distances.append(seen[-1].distance or 0.0)
    assert distances[1] > 0
    assert distances[0] / distances[1] == pytest.approx(2, rel=0.05)


def hovering(ratio: float, seed: int = 0, **changes: Any) -> Run:
    """Rises from 1 to the threshold in 100 steps, then stays at ``ratio`` of it."""
    rise = np.linspace(1, 4, 100)
    return made([*rise, *[4 * ratio] * 200], seed=seed, **changes)


def verdict(id: str, runs: Sequence[Run]) -> Verdict:
    return next(each.verdict for each in judge(CLAIMS, runs) if each.claim.id == id)


def test_crossing_and_plateau() -> None:
    run = hovering(1.05)
    assert crossing(run) == 99
    assert plateau(run) == pytest.approx(1.05)
    assert crossing(made([1.0] * 50)) is None
    assert math.isnan(plateau(made([1.0] * 50)))
    assert math.isnan(plateau(made([1.0] * 50 + [4.2] * 5)))  # too few readings for a plateau


@pytest.mark.parametrize(("ratios", "expected"), [
    ((1.04, 1.05, 1.06), Verdict.HOLDS),
    ((1.5, 1.51, 1.52), Verdict.FAILS),
    ((1.1, 1.2, 1.3), Verdict.UNDECIDED),
    ((1.05,), Verdict.UNDECIDED),
])  # fmt: skip
def test_the_hover_is_judged_by_its_interval(ratios: Sequence[float], expected: Verdict) -> None:
    assert verdict("C2", [hovering(ratio, seed) for seed, ratio in enumerate(ratios)]) is expected


def test_a_setting_without_room_to_double_does_not_speak_to_progressive_sharpening() -> None:
    assert verdict("C1", [hovering(1.0, seed) for seed in range(3)]) is Verdict.HOLDS
    assert verdict("C1", [made([3.0] * 10 + [4.0] * 90, seed=seed) for seed in range(3)]) is Verdict.NOT_MEASURED
    assert verdict("C1", [made([1.0] * 100, seed=seed) for seed in range(3)]) is Verdict.FAILS


def test_scaling_compares_the_largest_with_the_smallest_step_size() -> None:
    one = [hovering(1.05, seed) for seed in range(3)]
    assert verdict("C3", one) is Verdict.NOT_MEASURED
    same = [hovering(1.04 + seed / 1e3, seed, step_size=0.1) for seed in range(3)]
    assert verdict("C3", [*one, *same]) is Verdict.HOLDS
    other = [hovering(2 + seed / 1e3, seed, step_size=0.1) for seed in range(3)]
    assert verdict("C3", [*one, *other]) is Verdict.FAILS


def test_a_monotone_loss_fails_the_claim_of_unsteadiness() -> None:
    assert verdict("C4a", [hovering(1.05, seed) for seed in range(3)]) is Verdict.FAILS
    loss = [1.0 / (1 + step) + (0.5 if step > 100 and step % 2 else 0) for step in range(300)]
    runs = [made(hovering(1.05)["sharpness"].tolist(), loss=loss, seed=seed) for seed in range(3)]
    assert verdict("C4a", runs) is Verdict.HOLDS


def test_settings_that_share_a_name_are_told_apart_and_none_is_lost() -> None:
    short = [hovering(1.05 + seed / 1e3, seed, steps=1000) for seed in range(3)]
    long = [hovering(1.5 + seed / 1e3, seed, steps=2000) for seed in range(3)]
    found = next(each for each in judge(CLAIMS, [*short, *long]) if each.claim.id == "C2").findings
    assert [(finding.verdict, len(finding.values)) for finding in found] == [(Verdict.HOLDS, 3), (Verdict.FAILS, 3)]
    assert [finding.setting.split()[-1] for finding in found] == ["steps=1000", "steps=2000"]


def test_a_lost_seed_leaves_a_claim_undecided() -> None:
    runs = [hovering(1.05, 0), hovering(1.051, 1), dataclasses.replace(hovering(1.05, 2), ending="diverged")]
    assert verdict("C2", runs) is Verdict.UNDECIDED
    assert verdict("C1", [dataclasses.replace(run, ending="diverged") for run in runs]) is Verdict.NOT_MEASURED


def test_cross_entropy_must_reach_the_threshold_from_below_before_it_can_drop() -> None:
    def runs(sharpness: Sequence[float]) -> list[Run]:
        made_ = [made(sharpness, seed=seed) for seed in range(3)]
        return [Run(run.id, {**run.settings, "loss": "ce"}, "loss goal", run.columns) for run in made_]

    assert verdict("C7b", runs([0.04] * 100)) is Verdict.NOT_MEASURED
    assert verdict("C7a", runs([5.0] * 100)) is Verdict.NOT_MEASURED
    assert verdict("C7a", runs([1.0, 4.4, 1.0])) is Verdict.HOLDS
    assert verdict("C7b", runs([1.0, 4.4, 1.0])) is Verdict.HOLDS
    assert verdict("C7b", runs([1.0, 4.4, 4.0])) is Verdict.FAILS


def test_no_runs_no_verdicts() -> None:
    assert {each.verdict for each in judge(CLAIMS, [])} == {Verdict.NOT_MEASURED}


def test_step_sizes_in_words() -> None:
    assert [eta(2 / 7), eta(0.01), eta(0.3), eta(2.0), eta(3.0)] == ["2/7", "2/200", "0.3", "2/1", "3"]


def test_presets_are_what_the_paper_varies() -> None:
    mini, paper = (all_conditions(PRESETS[name]()) for name in ("mini", "paper"))
    assert len(mini) == 21
    assert {condition.settings["seed"] for _, condition in mini} == {0, 1, 2}
    data = {condition.settings["data"] for _, condition in paper}
    assert data == {"cifar10-5k", "wikitext-2-1k", "chebyshev-3-20", "chebyshev-4-20", "chebyshev-5-20", "linear-50-50"}
    images = [condition.settings for _, condition in paper if condition.settings["data"] == "cifar10-5k"]
    assert len({settings["network"] for settings in images}) == 17
    assert {settings["network"] for settings in images if "ghost_batch" in settings} == {
        *("cnn-bn-relu", "cnn-bn-elu", "cnn-bn-tanh", "vgg11-bn", "resnet32")
    }
    assert {settings["update"] for settings in images} == {"gd", "polyak", "nesterov", "ema", "adam", "rmsprop"}
    assert {settings.get("schedule", "constant") for settings in images} == {"constant", "warm-up", "change", "over-sharpness"}
    shared = 3  # Chebyshev at 2/12
    assert len({condition.id for _, condition in [*mini, *paper]}) == len(mini) + len(paper) - shared


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": 0}, "seeds is at least 1, got 0"),
        ({"loss": ("mae",)}, "loss is one of mse, ce, got 'mae'"),
        ({"step_size": (0.0,)}, "step_size is above 0, got 0.0"),
        ({"step_size": (math.nan,)}, "step_size is above 0, got nan"),
        ({"momentum": 0.9}, "gd has no momentum"),
        ({"momentum": 1.0, "update": ("polyak",)}, "momentum is at least 0 and below 1, got 1.0"),
        ({"update": ("polyak",), "beside": "flow"}, "beside=flow wants update=gd"),
        ({"tolerance": 0.0}, "tolerance is between 0 and 1, got 0.0"),
    ],
)
def test_bad_fields_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(EdgeOfStability(), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "cifar"}, "unknown data 'cifar'"),
        ({"network": "fc-tan"}, "fc-tanh"),
        ({"data": "chebyshev-4-20", "network": "regression", "loss": "ce"}, "ce wants class labels"),
        ({"data": "chebyshev-4-20", "network": "regression", "eigenpairs": 301}, "eigenpairs is at most 300"),
        ({"data": "chebyshev-4-20", "network": "regression", "goal_accuracy": 0.9}, "goal_accuracy wants class labels"),
        ({"network": "fc-tanh", "dense_every": 1}, "dense_every wants at most 5,000 parameters"),
    ],
)
def test_pricing_refuses_what_cannot_run(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EdgeOfStability().price(settings_of(DIGITS) | changes, "cpu")


def test_price_counts_records_and_grows_with_the_work() -> None:
    study = EdgeOfStability()
    short, long = (study.price(settings_of(DIGITS) | {"steps": steps}, "cpu") for steps in (100, 1000))
    assert (short.records, long.records) == (101, 1001)
    assert long.seconds > 5 * short.seconds > 0
    assert long.memory_bytes > 2**28


def test_figures_are_drawn_for_what_was_run() -> None:
    names = [figure.name for figure in EdgeOfStability.figures([hovering(1.05, seed) for seed in range(3)])]
    assert names == ["sharpness", "loss"]
    assert not EdgeOfStability.figures([])
