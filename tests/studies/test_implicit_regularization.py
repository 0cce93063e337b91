"""Claims, figures and tables of the study on made-up records whose answer is known, and the study's own presets."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.studies.bundled import made, run_of

from genlab.results.claims import Finding, Verdict, judge
from genlab.results.runs import Run
from genlab.studies.bundles.plan import Reading
from genlab.studies.catalogue import Choice, load
from genlab.studies.implicit_regularization import PRESETS, ImplicitRegularization
from genlab.studies.implicit_regularization.arms import all_tasks, share
from genlab.studies.study import all_conditions

JITTER = {0: 0.0, 1: 0.002, 2: -0.002}


def run(accuracy: float, method: str = "sgd", *, batch: int = 5000, **settings: Any) -> Run:
    """Three seeds close to an accuracy."""
    quality = {seed: accuracy + jitter for seed, jitter in JITTER.items()}
    return made(quality, method=method, batch_size=batch, **settings)


def found(runs: Sequence[Run], claim: str) -> tuple[Verdict, tuple[Finding, ...]]:
    (judged,) = [each for each in judge(ImplicitRegularization.claims(), runs) if each.claim.id == claim]
    return judged.verdict, judged.findings


SB, LB = run(0.78, batch=50), run(0.74)
PAPER = [
    SB,
    LB,
    run(0.774, "gn", microbatch=50, strength=0.5),
    run(0.756, "gn", microbatch=2500, strength=0.5),
    run(0.781, "ft", microbatch=50, strength=0.5),
    run(0.741, "aj", microbatch=50, strength=1e-5),
    run(0.742, "uj", microbatch=50, strength=0.001),
    run(0.745, "l2", strength=0.001),
    run(0.774, "iterative", microbatch=50),
    run(0.775, "external", donor_batch=50, donor_step_size=0.1),
    run(0.773, "ngd"),
]


@pytest.mark.parametrize("claim", ["E1", "E2a", "E2b", "E2c", "E4a", "E5a"])
def test_what_the_paper_found_holds_on_records_made_like_it(claim: str) -> None:
    assert found(PAPER, claim)[0] is Verdict.HOLDS


def test_the_share_of_the_gap_is_a_ratio_of_means_with_a_bootstrap_over_seeds() -> None:
    (task,) = all_tasks(PAPER)
    closed = share(task, task.first("gn")[0])
    assert closed is not None
    assert closed.centre == pytest.approx(0.034 / 0.04)
    assert closed.low <= closed.centre <= closed.high
    assert closed.n == 3


def test_without_a_gap_there_is_no_share_and_the_finding_says_so() -> None:
    verdict, findings = found([run(0.74, batch=50), run(0.74), run(0.75, "gn", microbatch=50, strength=0.5)], "E2a")
    assert verdict is Verdict.NOT_MEASURED
    assert findings[0].note.startswith("no gap to close")


def test_every_arm_is_tuned_on_validation_data_alone() -> None:
    tempting = run(0.9, "gn", microbatch=50, strength=2.0, validation_accuracy=0.1)
    honest = run(0.75, "gn", microbatch=50, strength=0.5, validation_accuracy=0.8)
    (task,) = all_tasks([SB, LB, tempting, honest])
    (gn,) = task.first("gn")
    assert gn.point is not None
    assert gn.point.strength == 0.5


def test_a_step_size_that_one_seed_does_not_survive_is_not_chosen() -> None:
    wild = run(0.9, step_size=1.0, ending={0: "goal", 1: "goal", 2: "diverged"})
    (task,) = all_tasks([SB, LB, wild])
    assert task.large.point is not None
    assert task.large.point.step_size == 0.1


def test_the_sweep_rescales_the_strength_by_the_size() -> None:
    runs = [
        SB,
        LB,
        run(0.78, "ft", microbatch=50, strength=0.01),
        run(0.75, "ft", microbatch=500, strength=0.01),
        run(0.78, "ft", microbatch=500, strength=0.1, validation_accuracy=0.5),
    ]
    assert found(runs, "E4a")[0] is Verdict.HOLDS
    verdict, findings = found(runs, "E4b")
    assert verdict is Verdict.HOLDS or verdict is Verdict.UNDECIDED  # at an effect of 0
    assert findings[0].effect == pytest.approx(0, abs=1e-9)
    assert "lambda=0.01 against 0.1" in findings[0].setting


def test_cifar100_is_judged_by_its_own_claim() -> None:
    hundred: dict[str, Any] = {"data": "cifar100/held-out", "network": "resnet18"}
    runs = [
        run(0.71, batch=50, **hundred),
        run(0.67, **hundred),
        run(0.68, "iterative", microbatch=50, **hundred),
        run(0.66, "ngd", **hundred),
    ]
    assert found(runs, "E5b")[0] is Verdict.HOLDS
    assert found(runs, "E5a")[0] is Verdict.NOT_MEASURED
    assert found(runs, "E6")[0] is Verdict.NOT_MEASURED
    ten: dict[str, Any] = {"data": "cifar10/held-out", "network": "resnet18"}
    both = [*runs, run(0.92, batch=50, **ten), run(0.89, **ten), run(0.915, "iterative", microbatch=50, **ten)]
    assert found(both, "E6")[0] is Verdict.HOLDS


def course(norms: Mapping[int, float], *, batch: int, method: str = "sgd", accuracy: float = 0.7, **settings: Any) -> Run:
    """Copies with micro-batch norms by step, the same for three seeds but for a little."""
    rows = []
    for seed, jitter in JITTER.items():
        for step, norm in norms.items():
            last = step == max(norms)
            row = Reading(step, 0.1, settings.get("strengths", (0.0,))[0], seed, 0.1, 1.0, microbatch_square=norm * (1 + jitter))
            scores = {"validation_accuracy": accuracy + jitter, "test_accuracy": accuracy + jitter}
            values = {**vars(row), **scores, "noise_trace": norm, "hessian_trace": 10 * norm, "ending": "goal" if last else None}
            rows.append(Reading(**values))
    return run_of(rows, batch_size=batch, method=method, **settings)


def test_gradient_norms_are_compared_early_and_at_equal_steps() -> None:
    steps = range(0, 201, 10)
    small = course({step: 1.0 + step for step in steps}, batch=50, accuracy=0.8)
    large = course({step: 4.0 * (1 + step) for step in steps}, batch=5000, accuracy=0.7)
    alike = course({step: 1.1 * (1 + step) for step in steps}, batch=5000, method="gn", microbatch=50, strengths=(0.5,))
    far = course({step: 4.1 * (1 + step) for step in steps}, batch=5000, method="aj", microbatch=50, strengths=(0.5,))
    runs = [small, large, alike, far]
    verdict, findings = found(runs, "E3a")
    assert verdict is Verdict.HOLDS
    assert findings[0].effect == pytest.approx(math.log(1.1) / math.log(4), rel=0.01)
    assert found(runs, "E3b")[0] is Verdict.HOLDS
    verdict, findings = found(runs, "E7a")
    assert verdict is Verdict.HOLDS
    assert findings[0].effect == pytest.approx(1.1 / 4, rel=0.01)
    assert found(runs, "E7b")[0] is Verdict.HOLDS


def test_figures_and_tables_are_filled() -> None:
    figures = {figure.name: figure for figure in ImplicitRegularization.figures(PAPER)}
    assert set(figures) == {"arms", "micro-batches"}
    (panel,) = figures["arms"].panels
    (bars,) = panel.bars
    assert list(bars.categories)[:4] == ["SB", "LB", "GN 50", "GN 2500"]
    assert bars.y.tolist()[:2] == pytest.approx([0.78, 0.74])
    tables = {table.name: table for table in ImplicitRegularization.tables(PAPER)}
    assert len(tables["arms"].rows) == len(PAPER)
    assert len(tables["settings"].rows) == len(PAPER)


def test_nothing_is_made_of_nothing() -> None:
    assert ImplicitRegularization.figures([]) == []
    assert ImplicitRegularization.tables([]) == []
    assert ImplicitRegularization.remarks([]) == []
    assert found([], "E1")[0] is Verdict.NOT_MEASURED


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_conditions_once_each(preset: str) -> None:
    studies = load(Choice("implicit_regularization", preset))
    assert len(all_conditions(studies)) == sum(len(study.conditions()) for study in studies)


def test_every_row_of_the_papers_list_of_methods_is_in_the_miniature() -> None:
    methods = {condition.settings["method"] for study in PRESETS["mini"]() for condition in study.conditions()}
    assert methods >= {"sgd", "gn", "ft", "aj", "uj", "l2", "iterative", "external", "ngd"}
