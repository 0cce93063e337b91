"""Every part of the report of Skill-Mix on made-up runs: claims, figures, tables, examples, remarks."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
from tests.studies.made_mix import held_against, made

from genlab.grading.sequential import StopRule
from genlab.intervals import wilson
from genlab.results.claims import Judged, Verdict, judge
from genlab.results.exhibits import Table
from genlab.results.runs import Run
from genlab.results.texts import texts
from genlab.studies.skill_mix import SkillMix
from genlab.studies.skill_mix.published import PUBLISHED
from genlab.studies.skill_mix.stopping import decide
from genlab.studies.skill_mix.stopping import values as values_of
from genlab.studies.skill_mix.texts import by_student, cells, main


# ------------------------------------------------------------------------------------------------ claims
def judged(runs: Sequence[Run]) -> dict[str, Judged]:
    return {each.claim.id: each for each in judge(SkillMix.claims(), runs)}


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        ({2: 0.9, 3: 0.5, 4: 0.1}, Verdict.HOLDS),
        ({2: 0.1, 3: 0.5, 4: 0.9}, Verdict.FAILS),
        ({2: 0.5, 3: 0.1, 4: 0.5}, Verdict.UNDECIDED),
        ({2: 0.5}, Verdict.NOT_MEASURED),
        ({1: 0.9, 6: 0.2}, Verdict.HOLDS),
    ],
)
def test_the_first_claim_is_about_the_largest_and_the_smallest_k(rates: dict[int, float], verdict: Verdict) -> None:
    runs = [made(rate, k=k, n=40) for k, rate in rates.items()]
    found = judged(runs)["C1"]
    assert found.verdict == verdict
    (finding,) = found.findings
    if verdict != Verdict.NOT_MEASURED:
        assert finding.effect == pytest.approx(rates[max(rates)] - rates[min(rates)])
        assert finding.n == 40
        assert set(finding.conditions) == {run.id for run in runs}


def test_one_student_that_does_not_fall_decides() -> None:
    runs = [
        made(rate, student, k, n=40)
        for student, by_k in {"a/b": (0.9, 0.1), "c/d": (0.1, 0.9)}.items()
        for k, rate in zip((2, 4), by_k, strict=True)
    ]
    found = judged(runs)["C1"]
    assert found.verdict == Verdict.FAILS
    assert {finding.verdict for finding in found.findings} == {Verdict.HOLDS, Verdict.FAILS}


def test_what_nobody_knows_is_not_measured() -> None:
    found = judged([made(0.5, k=k) for k in (2, 3)])
    assert found["C2"].verdict == found["C3"].verdict == Verdict.NOT_MEASURED


def test_scripts_speak_to_no_claim() -> None:
    scripted = [made(rate, "scripted/student", k, n=40) for k, rate in ((2, 0.9), (4, 0.1))]
    for each in judged(scripted).values():
        assert each.verdict == Verdict.NOT_MEASURED
        assert all("script" in finding.note for finding in each.findings)
    by_script = [made(rate, "openai/x", k, n=40, graders=("scripted/grader",)) for k, rate in ((2, 0.9), (4, 0.1))]
    assert judged(by_script)["C1"].verdict == Verdict.NOT_MEASURED
    beside = judged([*scripted, *(made(rate, "openai/x", k, n=40) for k, rate in ((2, 0.1), (4, 0.9)))])
    assert beside["C1"].verdict == Verdict.FAILS  # by the model alone


def test_texts_without_a_grade_decide_nothing() -> None:
    runs = [made(0.5, k=k, n=4, generations=1, statuses={"ungraded": 3}) for k in (2, 4)]
    (finding,) = judged(runs)["C1"].findings
    assert finding.verdict == Verdict.NOT_MEASURED
    assert "fewer than two combinations have a grade" in finding.note


# ------------------------------------------------------------------------------------------------ exhibits
def tables(runs: Sequence[Run]) -> dict[str, Table]:
    return {table.name: table for table in SkillMix.tables(runs)}


def whole(runs: Sequence[Run]) -> dict[str, Table]:
    """Every part of a report is made and is well formed."""
    for figure in SkillMix.figures(runs):
        for panel in figure.panels:
            for line in panel.lines:
                assert np.isfinite(line.y).all()
                if line.low is not None and line.high is not None:
                    assert ((line.low <= line.y) & (line.y <= line.high)).all()
                    assert (line.low >= 0).all()
                    assert (line.high <= 1).all()
                assert len(set(line.x.tolist())) == len(line.x)
    for passages in SkillMix.passages(runs):
        for passage in passages.items:
            assert len(passage.marks) == int(passage.facts["k"]) + 3
    assert all(SkillMix.remarks(runs))
    assert len(SkillMix.numbers(runs)) == len(cells(runs))
    found = tables(runs)
    for table in found.values():
        assert table.rows
        assert not any("nan" in cell for line in table.rows for cell in line)
    return found


def column(table: Table, name: str) -> list[str]:
    return [line[list(table.columns).index(name)] for line in table.rows]


GRID = [
    made(rate, student, k)
    for student, rates in {"openai/x": (0.9, 0.6, 0.2), "a/b": (0.5, 0.3, 0.0)}.items()
    for k, rate in zip((2, 3, 4), rates, strict=True)
]


def test_a_grid_fills_every_part() -> None:
    found = whole(GRID)
    assert {"scores", "comparisons", "saturation", "agreement", "graders", "corrected", "novelty", "cost", "published"} <= set(
        found
    )
    scores = found["scores"]
    assert len(scores.rows) == 6 * 4
    first = dict(zip(scores.columns, scores.rows[0], strict=True))
    assert first["Ratio of Full Marks"].startswith("0.900 [")
    assert (first["combinations"], first["graded texts"], first["ungraded"]) == ("20", "40", "0")
    assert [line[1:3] for line in found["comparisons"].rows] == [["openai/x", "a/b"]] * 3
    assert column(found["comparisons"], "difference")[0].startswith("0.400 [")
    assert [line[0] for line in found["saturation"].rows] == ["openai/x", "a/b"]
    assert found["saturation"].rows[0][1].startswith("3.25 [")  # from .6 at 3 to .2 at 4
    assert {figure.name for figure in SkillMix.figures(GRID)} == {"scores", "best", "categories"}
    costs = [float(each) for each in column(found["cost"], "dollars")]
    assert costs == pytest.approx([40 * 0.01 + 8 * 0.005] * 6)


def test_curves_and_bars_say_what_the_texts_say() -> None:
    scores, best, categories = SkillMix.figures(GRID)
    lines = {line.name: line for line in scores.panels[0].lines}
    assert lines["openai/x"].x.tolist() == [2, 3, 4]
    assert lines["openai/x"].y.tolist() == pytest.approx([0.9, 0.6, 0.2])
    assert lines["a/b"].n is not None
    assert lines["a/b"].n.tolist() == [20, 20, 20]
    shown = {line.name for line in best.panels[0].lines}
    assert {f"{row.student} (published)" for row in PUBLISHED} <= shown
    assert all(line.faint and line.dashed for line in best.panels[0].lines if "published" in line.name)
    (panel,) = categories.panels
    assert [bars.name for bars in panel.bars] == ["openai/x", "a/b"]
    every = [(row.categories, row.points) for cell in main(GRID) if cell.student == "openai/x" for row in cell.graded]
    for name, share in zip(panel.bars[0].categories, panel.bars[0].y, strict=True):
        points = [point for kinds, given in every if given for kind, point in zip(kinds, given, strict=False) if kind == name]
        assert share == pytest.approx(sum(points) / len(points))


@pytest.mark.parametrize(
    "runs",
    [
        [made(1.0, n=1, generations=1)],
        [made(1.0, n=1, generations=3, controls=False)],
        [made(0.0, n=2, generations=1)],
        [made(0.5, k=1)],
        [made(0.5, n=4, generations=1, statuses={"ungraded": 4})],
        [made(0.5, n=4, generations=1, statuses={"stopped": 2, "unanswered": 2}, controls=False)],
        [made(0.5, graders=("anthropic/y", "openai/z", "a/b"))],
        [made(0.5, k=k, seed=seed, n=3) for k in (2, 3) for seed in (0, 1, 2)],
        [made(0.5, "openai/x", 3, n=200)],
    ],
    ids=["one", "one-three-times", "two", "k=1", "ungraded", "stopped", "three-graders", "seeds", "many"],
)
def test_whatever_there_is_makes_a_report(runs: list[Run]) -> None:
    found = whole(runs)
    assert len(found["scores"].rows) == 4 * len(main(runs))


def test_nothing_makes_no_report() -> None:
    assert not SkillMix.tables([])
    assert not SkillMix.figures([])
    assert not SkillMix.passages([])
    assert not SkillMix.remarks([])


def test_texts_without_a_grade_are_counted_and_told() -> None:
    runs = [made(0.5, n=10, generations=2, statuses={"ungraded": 3, "unanswered": 1, "stopped": 2})]
    found = whole(runs)
    line = dict(zip(found["scores"].columns, found["scores"].rows[0], strict=True))
    assert [line[name] for name in ("graded texts", "ungraded", "unanswered", "stopped")] == ["14", "3", "1", "2"]
    assert line["Ratio of Full Marks"].startswith(f"{10 / 14:.3f}")
    (remark,) = SkillMix.remarks(runs)
    assert "3 ungraded, 1 unanswered, 2 stopped of 20 texts, in no ratio" in remark
    assert "full marks would be 0.500" in remark


def test_seeds_are_pooled_and_told_apart_by_their_combinations() -> None:
    (cell,) = main([made(0.5, seed=seed, n=10) for seed in (0, 1, 2)])
    assert (cell.combinations, len(cell.texts), len(cell.conditions)) == (30, 60, 3)
    interval = cell.mean("full_marks")
    assert interval is not None
    assert interval.n == 30
    assert interval.centre == 0.5


def test_the_score_is_the_first_graders_and_the_others_stand_beside_it() -> None:
    runs = [made(0.5, graders=("anthropic/y", "openai/z"))]
    assert [cell.grader for cell in main(runs)] == ["anthropic/y"]
    assert [cell.grader for cell in cells(runs)] == ["anthropic/y", "openai/z"]
    found = whole(runs)
    assert "graders, by their votes" in column(found["agreement"], "between")
    assert column(found["families"], "grader is of") == ["another family", "its own family"]


def test_a_grader_of_the_students_family_is_remarked() -> None:
    assert "openai/x is graded by openai/z, of its own family: expect some favour" in SkillMix.remarks(
        [made(0.5, graders=("openai/z",))]
    )
    assert not SkillMix.remarks([made(0.5)])


def test_several_ways_of_one_student_in_a_store_are_kept_apart() -> None:
    """As an import in both modes leaves them, or a second run with another pack, grader or n."""
    runs = [made(0.9), made(0.1, mode="paper"), made(0.5, n=10), made(0.3, graders=("openai/z",)), made(0.2, k=3)]
    found = whole(runs)
    series = by_student(main(runs))
    assert len(series) == 4
    assert all(name.startswith("openai/x (") for name in series)
    assert sorted(len(each) for each in series.values()) == [1, 1, 1, 2]  # n=20 in strict mode has k=2 and k=3
    labels = [line.name for line in SkillMix.figures(runs)[0].panels[0].lines]
    assert len(labels) == len(set(labels)) == 4
    assert any("mode=paper" in label for label in labels)
    assert [line[1:3] for line in found["comparisons"].rows if "paper" in line[1] + line[2]] == []
    effects = [finding.effect for finding in judged(runs)["C1"].findings]
    assert [each for each in effects if each is not None] == [pytest.approx(0.2 - 0.9)]
    assert len(effects) == 4


def test_the_same_texts_in_two_runs_are_no_new_evidence() -> None:
    graders = ("anthropic/y", "openai/z")
    once, twice = [made(0.5, graders=graders)], [made(0.5, graders=graders), made(0.5, graders=graders, mode="paper")]
    assert tables(twice)["agreement"].rows == tables(once)["agreement"].rows
    assert tables(twice)["graders"].rows == tables(once)["graders"].rows
    both = [made(0.5, student, graders=("anthropic/y",)) for student in ("openai/x", "a/b")]
    alone = [made(0.5, "openai/x", graders=("anthropic/y",))]
    assert tables(both)["graders"].rows == tables(alone)["graders"].rows  # planted texts are graded once for all students


def test_errors_on_planted_texts_and_the_corrected_ratio() -> None:
    found = tables([made(0.5)])
    pooled = next(line for line in found["graders"].rows if line[1] == "all planted texts" and line[2] == "skill")
    limit = wilson(0, 4).high
    assert pooled[3:] == [f"0.000 [0.000, {limit:.3f}]", "4", f"0.000 [0.000, {limit:.3f}]", "4"]
    assert found["corrected"].rows[0][3].startswith("not corrected: the grader's errors are too large to correct for")
    enough = tables([made(0.5, k=k) for k in (2, 3, 4)])["corrected"].rows  # 12 planted texts that deserve the score, 12 not
    assert all(line[3].startswith("0.500 [") for line in enough)
    few = tables([made(0.5, controls=False)])["corrected"].rows[0][3]
    assert few.startswith("not corrected: a correction needs at least 2 planted texts that deserve the score")


def test_the_novelty_bound_is_the_formula() -> None:
    found = whole([made(1.0, k=5, n=100)])["novelty"]
    line = next(each for each in found.rows if each[2] == "0.0234")
    assert float(line[3]) == pytest.approx(0.0234**5 * 1e-6 * 1e13, rel=0.05)
    assert line[-1] == "beyond"


def test_examples_take_turns_and_show_what_was_given() -> None:
    (passages,) = SkillMix.passages(GRID)
    assert [passage.verdict for passage in passages.items] == ["success"] * 5 + ["failure"] * 5
    assert len({(passage.facts["student"], passage.facts["k"]) for passage in passages.items[:5]}) == 5
    for passage in passages.items:
        assert sum(earned is True for _, earned, _ in passage.marks) == int(re.search(r": (\d+) of", passage.title)[1])  # type: ignore[index]
    assert SkillMix.passages(GRID)[0].items == passages.items


def test_planted_texts_are_in_no_score() -> None:
    with_them, without = whole([made(0.5)]), whole([made(0.5, controls=False)])
    assert with_them["scores"].rows == without["scores"].rows
    assert "graders" in with_them
    assert "graders" not in without


# ------------------------------------------------------------------------------------------------ under a stop rule
def test_a_run_that_stopped_when_it_knew_enough_keeps_the_rules_own_interval() -> None:
    run = made(0.5, n=40, stop="width", width=0.2, look=10)
    (cell,) = main([run])
    values = [1.0] * 20 + [0.0] * 20
    wanted = StopRule(0.2, False, 10, 40).decide(values).interval
    assert cell.mean("full_marks") == wanted
    assert cell.mean("all_skills") != wanted  # for which nobody stopped
    plain = main([made(0.5, n=40)])[0].mean("full_marks")
    assert plain is not None
    assert wanted.high - wanted.low > plain.high - plain.low
    assert any("too narrow where a run stopped" in each for each in SkillMix.remarks([run]))
    assert not any("too narrow" in each for each in SkillMix.remarks([made(0.5, n=40)]))


def test_two_students_told_apart_keep_the_rules_own_interval() -> None:
    run = held_against(0.75, 0.25)
    wanted = StopRule(None, True, 10, 40, smallest=0.1).decide([0.0] * 10 + [1.0] * 20 + [0.0] * 10).interval
    (line,) = whole([run])["comparisons"].rows
    assert line[1:] == ["openai/x", "a/b", f"0.500 [{wanted.low:.3f}, {wanted.high:.3f}]", "40", "yes"]
    assert [cell.student for cell in main([run])] == ["openai/x", "a/b"]
    assert decide(run.settings, texts(run)) == StopRule(None, True, 10, 40, smallest=0.1).decide(
        [0.0] * 10 + [1.0] * 20 + [0.0] * 10
    )


def test_a_combination_counts_once_and_only_where_both_have_a_grade() -> None:
    run = held_against(0.75, 0.25)
    rows = texts(run)
    assert len(values_of(run.settings, rows)) == 40
    lost = [row for row in rows if not (row.student == "a/b" and row.index == 3)]
    assert len(values_of(run.settings, lost)) == 39
    assert values_of(run.settings, list(reversed(rows))) == values_of(run.settings, rows)
    assert decide(run.settings, [row for row in rows if row.student == "a/b"]) is None
    one = made(0.5, generations=3)
    assert values_of({**one.settings, "stop": "width"}, texts(one)) == [1.0] * 10 + [0.0] * 10
