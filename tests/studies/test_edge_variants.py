"""Other updates, step sizes in time, mini-batches and batch norm in the study: resuming, records, claims, errors."""

import dataclasses
import hashlib
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
from genlab.studies.edge_of_stability.effects import change, resettling, steps_to
from genlab.studies.edge_of_stability.study import setting
from genlab.studies.study import all_conditions

DIGITS = EdgeOfStability(
    data="digits-100", network=("fc-tanh-width8",), step_size=(2 / 3,), seeds=1, steps=40, sharpness_every=4, test_every=20
)
ADAM = dataclasses.replace(DIGITS, update=("adam",), momentum=0.9, step_size=(1e-3,))
CHANGE = dataclasses.replace(DIGITS, schedule="change", schedule_steps=21, step_size_then=2 / 5)
OVER = dataclasses.replace(DIGITS, schedule="over-sharpness", step_size=(1.0,))
BATCHES = dataclasses.replace(DIGITS, batch_size=30, batch_draws=4, update=("polyak",), momentum=0.5)
SGD = dataclasses.replace(BATCHES, update=("gd",), momentum=0.0)
NORM = dataclasses.replace(
    DIGITS,
    data="digits-40",
    network=("cnn-bn-tanh-width2",),
    ghost_batch=20,
    segment_points=3,
    step_size=(0.02,),
    steps=16,
    sharpness_every=4,
)


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


@pytest.mark.parametrize(
    "study",
    [
        dataclasses.replace(DIGITS, update=("ema",), momentum=0.5),
        ADAM,
        dataclasses.replace(DIGITS, update=("rmsprop",), step_size=(1e-4,)),
        dataclasses.replace(DIGITS, schedule="warm-up", schedule_steps=15),
        CHANGE,
        OVER,
        BATCHES,
        NORM,
    ],
    ids=lambda study: setting(settings_of(study)),
)
def test_every_snapshot_continues_to_the_same_records(study: EdgeOfStability) -> None:
    settings = settings_of(study)
    whole, ending = rows_of(study, settings)
    kept = {}
    for count, advance in enumerate(study.run(settings, None, "cpu"), start=1):
        if count in (1, 13, 21, 22, 40):
            kept[count] = to_bytes(advance.snapshot())
    for count, data in kept.items():
        rest, again = rows_of(study, settings, from_bytes(data))
        assert [*whole[:count], *rest] == whole, count
        assert again == ending


def test_a_change_of_step_size_moves_the_threshold_and_the_time() -> None:
    rows, _ = rows_of(CHANGE, settings_of(CHANGE))
    assert [row.threshold for row in rows] == pytest.approx([3] * 21 + [5] * 20)
    assert rows[21].time == pytest.approx(21 * 2 / 3)
    assert rows[-1].time == pytest.approx(21 * 2 / 3 + 19 * 2 / 5)


def test_before_the_change_a_run_is_one_without_it() -> None:
    plain, changed = (rows_of(study, settings_of(study))[0] for study in (DIGITS, CHANGE))
    assert [row.loss for row in plain[:22]] == [row.loss for row in changed[:22]]
    assert plain[22].loss != changed[22].loss


def test_a_step_size_over_the_sharpness_is_that_of_the_last_reading() -> None:
    rows, _ = rows_of(OVER, settings_of(OVER))
    read = [row for row in rows if row.sharpness is not None]
    assert [row.step for row in read] == list(range(0, 41, 4))
    assert all(row.threshold == pytest.approx(2 * (row.sharpness or 0)) for row in read)
    assert [row.threshold for row in rows[4:8]] == [rows[4].threshold] * 4
    half = dataclasses.replace(OVER, step_size=(0.5,))
    assert rows_of(half, settings_of(half))[0][0].threshold == pytest.approx(2 * rows[0].threshold)


def test_with_mini_batches_the_whole_loss_is_read_beside_the_batches() -> None:
    rows, _ = rows_of(BATCHES, settings_of(BATCHES))
    assert [row.step for row in rows if row.training_loss is not None] == list(range(0, 41, 4))
    assert rows[0].training_loss != rows[0].loss
    read = rows[4]
    assert read.batch_draws == 4
    assert 0 < (read.batch_sharpness_error or 0) < (read.batch_sharpness or 0)
    assert rows[5].batch_sharpness is None
    full = dataclasses.replace(BATCHES, batch_size=100, batch_draws=0)
    without = dataclasses.replace(BATCHES, batch_size=None, batch_draws=0)
    one, other = (rows_of(study, settings_of(study))[0] for study in (full, without))
    assert [dataclasses.replace(row, training_loss=None) for row in one] == other  # bit for bit, readings too


def test_goals_with_mini_batches_are_judged_by_the_whole_training_set() -> None:
    study = dataclasses.replace(BATCHES, goal_loss=0.42, steps=200)
    rows, ending = rows_of(study, settings_of(study))
    assert ending == "loss goal"
    assert rows[-1].step % 4 == 0
    read = [row.training_loss for row in rows if row.training_loss is not None]
    assert read[-1] < 0.42 <= min(read[:-1])


def test_the_segment_holds_the_iterate() -> None:
    rows, _ = rows_of(NORM, settings_of(NORM))
    read = [row for row in rows if row.segment_sharpness is not None]
    assert [row.step for row in read] == [0, 4, 8, 12, 16]
    assert all((row.segment_sharpness or 0) > 0.99 * (row.sharpness or math.inf) for row in read)
    assert all(row.segment_converged and (row.segment_residual or 1) < 3e-3 for row in read)


@pytest.mark.parametrize("study", [ADAM, CHANGE, OVER, BATCHES], ids=lambda study: setting(settings_of(study)))
def test_a_run_that_diverges_is_recorded_and_ends(study: EdgeOfStability) -> None:
    wild = dataclasses.replace(study, step_size=(1e30,), steps=200)
    assert rows_of(wild, settings_of(wild))[1] == "diverged"


def test_conditions_of_before_keep_their_ids() -> None:
    ids = "".join(condition.id for _, condition in all_conditions(PRESETS["mini"]()))
    assert (
        hashlib.sha256(ids.encode()).hexdigest()[:16] == "e981bf6452ee5a05"
    )  # as of 0.1.0: a store of then is completed, not repeated
    assert "second_moment" not in settings_of(DIGITS)
    assert {"second_moment", "epsilon"} <= settings_of(ADAM).keys()


def test_settings_in_words() -> None:
    assert [setting(settings_of(study)) for study in (ADAM, CHANGE, OVER, BATCHES)] == [
        "digits-100 fc-tanh-width8 mse adam(0.9, 0.99) eta=0.001",
        "digits-100 fc-tanh-width8 mse gd eta=2/3, 2/5 from 21",
        "digits-100 fc-tanh-width8 mse gd eta=1/S",
        "digits-100 fc-tanh-width8 mse polyak(0.5) batch=30 eta=2/3",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"update": ("adamw",)}, "update is one of gd, polyak, nesterov, ema, adam, rmsprop, got 'adamw'"),
        ({"update": ("rmsprop",), "momentum": 0.9}, r"rmsprop has no momentum \(got 0.9\): set momentum=0"),
        ({"update": ("adam",), "momentum": 1.0}, "momentum is at least 0 and below 1, got 1.0"),
        ({"update": ("adam",), "second_moment": 1.0}, "second_moment is at least 0 and below 1, got 1.0"),
        ({"update": ("adam",), "epsilon": 0.0}, "epsilon is above 0, got 0.0"),
        ({"second_moment": 0.9}, "second_moment is for adam and rmsprop, got update=gd: set update=adam or rmsprop"),
        ({"update": ("adam",), "segment_points": 8}, "segment_points reads the Hessian itself"),
        ({"update": ("rmsprop",), "dense_every": 1}, "dense_every reads the Hessian itself"),
        ({"update": ("adam",), "schedule": "over-sharpness"}, "over-sharpness divides by the Hessian's own sharpness"),
        (
            {"schedule": "change", "step_size_then": 0.1},
            "schedule=change wants the step it takes or happens at",
        ),
        ({"schedule": "change", "schedule_steps": 5}, "schedule=change wants step_size_then=..., got None"),
        ({"schedule": "change", "schedule_steps": 5, "step_size_then": -1.0}, "step_size_then is above 0, got -1.0"),
        ({"schedule_steps": 5}, "schedule=constant wants no schedule_steps: set it to 0, got 5"),
        ({"schedule": "warm-up", "schedule_steps": 5, "step_size_then": 0.1}, "schedule=warm-up wants no step_size_then"),
        ({"batch_size": 0}, "batch_size is at least 1, or none, got 0"),
        ({"batch_draws": 9}, r"batch_draws estimates the sharpness of mini-batches: set batch_size"),
        ({"ghost_batch": 0}, "ghost_batch is at least 1, or none, got 0"),
        ({"segment_points": 1}, "segment_points has the two ends at least: 0 or 2 and more, got 1"),
        ({"beside": "flow", "batch_size": 8}, "beside=flow wants schedule=constant and batch_size=none"),
        ({"beside": "quadratic", "update": ("polyak",)}, "beside=quadratic wants update=gd"),
    ],
)
def test_bad_fields_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(EdgeOfStability(), **changes)


def test_pricing_refuses_what_cannot_run_and_counts_what_is_read() -> None:
    with pytest.raises(ValueError, match="batch_size is at most 100, the examples of digits-100, got 101"):
        DIGITS.price(settings_of(dataclasses.replace(DIGITS, batch_size=101)), "cpu")
    with pytest.raises(ValueError, match="has batch norm, which normalises over a ghost batch: set ghost_batch="):
        NORM.price({**settings_of(dataclasses.replace(NORM, ghost_batch=None))}, "cpu")
    with pytest.raises(ValueError, match="ghost_batch is for batch norm, and fc-tanh-width8 has none: set ghost_batch=none"):
        DIGITS.price(settings_of(dataclasses.replace(DIGITS, ghost_batch=10)), "cpu")
    plain, between = (NORM.price({**settings_of(NORM), "segment_points": points}, "cpu").seconds for points in (0, 8))
    assert between > 2 * plain


# --- claims -----------------------------------------------------------------------------------------------------------


def made(study: EdgeOfStability, readings: Sequence[float], *, seed: int = 0, ending: str = "steps", **columns: Any) -> Run:
    """A run with a reading at every step; columns replace those of its rows."""
    rows = []
    for step, value in enumerate(readings):
        row = Reading(step, step / 2, 1 / (1 + step), None, 4.0, sharpness=value, residual=1e-4, products=1, converged=True)
        rows.append(dataclasses.replace(row, **{name: each[step] for name, each in columns.items()}))
    return Run(
        f"{setting(settings_of(study))}{seed}", settings_of(study, seed), ending, columns_of(table_of(rows, schema_of(Reading)))
    )


def verdict(id: str, runs: Sequence[Run]) -> Verdict:
    return next(each.verdict for each in judge(CLAIMS, runs) if each.claim.id == id)


def test_adaptive_runs_speak_to_their_own_claim_only() -> None:
    def runs(level: float, spread: float = 0.01) -> list[Run]:
        return [made(ADAM, [*np.linspace(1, 4, 50), *[4 * (level + spread * seed)] * 60], seed=seed) for seed in range(3)]

    assert verdict("C8", runs(1.0)) is Verdict.HOLDS
    assert verdict("C8", runs(1.5)) is Verdict.FAILS
    assert verdict("C8", runs(1.0, spread=0.1)) is Verdict.UNDECIDED
    assert {verdict(other, runs(1.0)) for other in ("C1", "C2", "C6", "C11", "C13a")} == {Verdict.NOT_MEASURED}


def test_a_changed_step_size_is_judged_against_the_new_threshold() -> None:
    threshold = [4.0] * 100 + [7.0] * 100

    def runs(level: float) -> list[Run]:
        rise = [*np.linspace(1, 4.1, 60), *[4.1] * 40, *np.linspace(4, level, 40), *[level] * 60]
        return [made(CHANGE, [value + seed / 100 for value in rise], seed=seed, threshold=threshold) for seed in range(3)]

    assert change(runs(7.0)[0]) == 100
    assert resettling(runs(7.0)[0]) == pytest.approx(1.0)
    assert verdict("C11", runs(7.1)) is Verdict.HOLDS
    assert verdict("C11", runs(4.1)) is Verdict.FAILS
    early = [made(CHANGE, [1.0] * 100 + [7.1] * 100, seed=seed, threshold=threshold) for seed in range(3)]
    assert verdict("C11", early) is Verdict.NOT_MEASURED  # it was not at the edge before the change
    assert verdict("C2", runs(7.1)) is Verdict.NOT_MEASURED


def test_slower_is_counted_in_steps_to_the_same_loss() -> None:
    over = dataclasses.replace(OVER, goal_loss=1 / 151, steps=1000)
    fixed = [made(DIGITS, [*np.linspace(1, 4.1, 60), *[4.1] * 200], seed=seed) for seed in range(3)]
    assert steps_to(fixed[0], 1 / 151) == 151

    def runs(steps: int, ending: str = "loss goal") -> list[Run]:
        return [made(over, [1.0] * (steps + seed), seed=seed, ending=ending) for seed in range(3)]

    assert verdict("C10", [*runs(600), *fixed]) is Verdict.HOLDS
    assert verdict("C10", [*runs(200), *fixed]) is Verdict.FAILS
    assert verdict("C10", runs(600)) is Verdict.NOT_MEASURED
    never = [made(DIGITS, [1.0] * 260, seed=seed) for seed in range(3)]
    assert verdict("C10", [*runs(600), *never]) is Verdict.NOT_MEASURED  # the fixed step size was not at the edge
    judged = next(each for each in judge(CLAIMS, [*runs(600, "steps"), *fixed]) if each.claim.id == "C10")
    assert judged.findings[0].note == "at least: seed 0, 1, 2 did not get there"
    assert judged.findings[0].setting == "digits-100 fc-tanh-width8 mse gd eta=1/S against 2/3"


def test_batch_norm_is_judged_between_its_iterates() -> None:
    def runs(at: float, between: float) -> list[Run]:
        return [made(NORM, [at + seed / 100] * 40, seed=seed, segment_sharpness=[between + seed / 100] * 40) for seed in range(3)]

    assert (verdict("C12a", runs(2.0, 4.2)), verdict("C12b", runs(2.0, 4.2))) == (Verdict.HOLDS, Verdict.HOLDS)
    assert (verdict("C12a", runs(2.0, 2.2)), verdict("C12b", runs(4.1, 4.2))) == (Verdict.FAILS, Verdict.FAILS)
    assert verdict("C2", runs(4.1, 4.2)) is Verdict.NOT_MEASURED


def test_mini_batches_are_judged_by_their_own_sharpness() -> None:
    def runs(whole: float, batch: float) -> list[Run]:
        return [made(SGD, [whole + seed / 100] * 40, seed=seed, batch_sharpness=[batch + seed / 100] * 40) for seed in range(3)]

    assert (verdict("C14a", runs(2.0, 4.0)), verdict("C14b", runs(2.0, 4.0))) == (Verdict.HOLDS, Verdict.HOLDS)
    assert (verdict("C14a", runs(2.0, 2.0)), verdict("C14b", runs(4.0, 4.0))) == (Verdict.FAILS, Verdict.FAILS)
    assert verdict("C2", runs(4.1, 4.0)) is Verdict.NOT_MEASURED


def test_figures_are_drawn_for_what_was_run() -> None:
    over = dataclasses.replace(OVER, goal_loss=0.01)
    runs = [
        made(DIGITS, [4.0] * 30),
        made(ADAM, [4.0] * 30),
        made(CHANGE, [4.0] * 30),
        made(over, [4.0] * 30),
        made(SGD, [2.0] * 30, batch_sharpness=[4.0] * 30),
        made(NORM, [2.0] * 30, segment_sharpness=[4.0] * 30),
    ]
    figures = {figure.name: figure for figure in EdgeOfStability.figures(runs)}
    assert list(figures) == ["sharpness", "loss", "adaptive", "changed", "over-sharpness", "mini-batches", "segment"]
    assert [len(figures[name].panels[0].lines) for name in figures] == [1, 1, 1, 2, 2, 2, 2]
