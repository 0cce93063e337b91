"""Claims, figures and tables of the study on made-up records whose answer is known, and the study's own presets."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.studies.bundled import made, run_of

from genlab.results.claims import Verdict, judge
from genlab.results.runs import Run
from genlab.studies.bundles.plan import Reading
from genlab.studies.catalogue import Choice, load
from genlab.studies.hessian_generalization import PRESETS, HessianGeneralization
from genlab.studies.hessian_generalization.effects import correlations, tau
from genlab.studies.hessian_generalization.networks import dropout, family, normalised
from genlab.studies.study import all_conditions

JITTER = {0: 0.0, 1: 0.001, 2: -0.001}


def run(accuracy: float, *, sharpness: float = 1.0, converged: bool = True, **settings: Any) -> Run:
    """Three seeds close to an accuracy and a sharpness."""
    return made(
        {seed: accuracy + jitter for seed, jitter in JITTER.items()},
        sharpness={seed: sharpness * (1 + jitter) for seed, jitter in JITTER.items()},
        converged=converged,
        **settings,
    )


def verdicts(runs: Sequence[Run]) -> Mapping[str, Verdict]:
    return {each.claim.id: each.verdict for each in judge(HessianGeneralization.claims(), runs)}


def sweep(batch: int, accuracies: Sequence[float], sharpnesses: Sequence[float], scale: float = 1.0) -> list[Run]:
    sizes = [scale * size for size in (0.01, 0.1, 1.0)]
    return [
        run(accuracy, sharpness=sharpness, batch_size=batch, step_size=size)
        for size, accuracy, sharpness in zip(sizes, accuracies, sharpnesses, strict=True)
    ]


PAPER = [*sweep(50, (0.7, 0.75, 0.8), (30, 20, 10)), *sweep(5000, (0.7, 0.701, 0.7), (40, 25, 12), 100)]


def test_what_the_paper_found_holds_on_records_made_like_it() -> None:
    found = verdicts(PAPER)
    assert [found[claim] for claim in ("D1a", "D1b", "D1c", "D6a")] == [Verdict.HOLDS] * 4
    assert found["D6b"] is not Verdict.FAILS
    assert found["D4a"] is found["D5a"] is found["D3a"] is Verdict.NOT_MEASURED


def test_the_other_way_round_it_fails() -> None:
    runs = [*sweep(50, (0.8, 0.75, 0.7), (10, 20, 30)), *sweep(5000, (0.6, 0.7, 0.8), (12, 25, 40))]
    found = verdicts(runs)
    assert found["D1a"] is Verdict.FAILS
    assert found["D1b"] is Verdict.FAILS
    assert found["D1c"] is Verdict.FAILS


def test_step_and_batch_scaled_together() -> None:
    runs = [run(0.7, sharpness=20, batch_size=50, step_size=0.1), run(0.701, sharpness=4, batch_size=500, step_size=1.0)]
    found = verdicts(runs)
    assert found["D2a"] is Verdict.HOLDS
    assert found["D2b"] is Verdict.HOLDS
    worse = [runs[0], run(0.6, sharpness=21, batch_size=500, step_size=1.0)]
    assert verdicts(worse)["D2a"] is verdicts(worse)["D2b"] is Verdict.FAILS


def test_sam_flattens_and_helps_small_batches_only() -> None:
    runs = []
    for batch, plain, climbed in ((50, 0.7, 0.8), (5000, 0.7, 0.705)):
        runs += [
            run(plain, sharpness=20, batch_size=batch),
            run(climbed, sharpness=5, batch_size=batch, method="sam", strength=0.1),
        ]
    found = verdicts(runs)
    assert found["D3a"] is Verdict.HOLDS
    assert found["D3b"] is Verdict.HOLDS


def test_a_copy_that_did_not_reach_the_goal_has_no_lambda_max_to_compare_and_the_finding_says_so() -> None:
    short = run(0.8, sharpness=5, batch_size=50, method="sam", strength=0.1, ending={0: "goal", 1: "steps", 2: "goal"})
    (judged,) = [
        each for each in judge(HessianGeneralization.claims(), [run(0.7, batch_size=50), short]) if each.claim.id == "D3a"
    ]
    (finding,) = judged.findings
    assert "1 of 6 did not reach the goal" in finding.note
    assert len(finding.values) == 2
    assert judged.verdict is not Verdict.HOLDS


def test_a_comparison_at_unequal_training_loss_is_flagged() -> None:
    far = run(0.7, sharpness=5, batch_size=500, step_size=1.0, training_loss=0.9, ending="steps", goal_loss=None)
    near = run(0.7, sharpness=9, batch_size=50, step_size=0.1, training_loss=0.1, ending="steps", goal_loss=None)
    (judged,) = [each for each in judge(HessianGeneralization.claims(), [far, near]) if each.claim.id == "D2a"]
    assert "unequal training loss: 0.9 (batch=500) against 0.1 (batch=50)" in judged.findings[0].note


def test_dropout_and_batch_norm_are_read_from_the_network() -> None:
    names = {p: "vgg11" + (f"-dropout{p}" if p else "") for p in (0, 0.2, 0.5, 0.7)}
    runs = [
        run(accuracy, sharpness=sharpness, network=names[p])
        for p, accuracy, sharpness in ((0, 0.7, 30), (0.2, 0.8, 20), (0.5, 0.82, 10), (0.7, 0.6, 5))
    ]
    runs.append(run(0.85, sharpness=40, network="vgg11-bn", ghost_batch=50))
    found = verdicts(runs)
    assert [found[claim] for claim in ("D4a", "D4b", "D5a", "D5b")] == [Verdict.HOLDS] * 4
    assert (family("vgg11-bn-width4-dropout0.5"), dropout("vgg11-dropout0.5"), normalised("cnn-bn-relu")) == (
        "vgg11-width4",
        0.5,
        True,
    )


def test_an_eigenvalue_that_did_not_converge_is_no_lambda_max() -> None:
    runs = [
        run(0.7, sharpness=20, batch_size=50, step_size=0.1),
        run(0.7, sharpness=4, converged=False, batch_size=500, step_size=1.0),
    ]
    assert verdicts(runs)["D2b"] is Verdict.NOT_MEASURED


def test_tau_against_its_definition() -> None:
    assert tau([(1, 3), (2, 2), (3, 1)]) == -1
    assert tau([(1, 1), (2, 3), (3, 2)]) == pytest.approx(1 / 3)
    for few in ([(1, 1), (2, 2)], [(1, 1), (1, 2), (1, 3)], [(float("nan"), 1), (1, 2), (2, 3)]):
        assert tau(few) != tau(few)


def test_correlations_within_each_sweep_and_pooled() -> None:
    (sweeps,) = correlations(PAPER).values()
    assert set(sweeps) == {"plain batch=50", "plain batch=5000", "pooled"}
    assert sweeps["plain batch=50"] == {0: -1, 1: -1, 2: -1}


def test_figures_and_tables_are_filled() -> None:
    figures = {figure.name: figure for figure in HessianGeneralization.figures(PAPER)}
    assert set(figures) == {"accuracy-sharpness", "step-size"}
    (panel,) = figures["accuracy-sharpness"].panels
    assert [line.name for line in panel.lines] == ["plain batch=50", "plain batch=5000"]
    assert panel.lines[0].y.tolist() == pytest.approx([0.7, 0.75, 0.8])
    tables = {table.name: table for table in HessianGeneralization.tables(PAPER)}
    assert len(tables["settings"].rows) == 6
    assert len(tables["correlations"].rows) == 3


def test_nothing_is_made_of_nothing() -> None:
    assert HessianGeneralization.figures([]) == []


@pytest.mark.parametrize("seeds", [1, 3])
def test_lambda_max_is_drawn_along_training_where_it_was_measured(seeds: int) -> None:
    rows = [
        Reading(step, 0.1, 0.0, seed, 1.0, 0.5, test_accuracy=0.5, sharpness=step + seed, ending="steps" if step == 20 else None)
        for seed in range(seeds)
        for step in (0, 10, 20)
    ]
    (figure,) = [each for each in HessianGeneralization.figures([run_of(rows)]) if each.name == "along"]
    (line,) = figure.panels[0].lines
    middle = (seeds - 1) / 2
    assert (line.x.tolist(), line.y.tolist()) == ([0, 10, 20], [middle, 10 + middle, 20 + middle])
    assert line.n is not None
    assert set(line.n.tolist()) == {seeds}
    assert HessianGeneralization.tables([]) == []
    assert HessianGeneralization.remarks([]) == []


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_conditions_once_each(preset: str) -> None:
    studies = load(Choice("hessian_generalization", preset))
    conditions = all_conditions(studies)
    assert len(conditions) == sum(len(study.conditions()) for study in studies)
    assert all(dataclasses.replace(study) == study for study in studies)
