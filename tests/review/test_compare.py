"""Agreement of people and graders: against counts made by hand, scikit-learn and krippendorff's formula, and its own laws."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from tests.review.clicking import about, click, whole, write
from tests.review.sample_review import GRADERS, SKILLS, STUDENTS, row, rows

from genlab.grading.graded import GradedText
from genlab.review.compare import FULL, KINDS, Compared, Comparison, compare
from genlab.review.items import catalogue, identity
from genlab.review.ratings import Ratings, read


def reviewed(folder: Path, these: list[GradedText], clicks: list[dict[str, Any]], **more: Any) -> Comparison:
    items = catalogue(these, SKILLS)
    return compare(these, items, read([write(folder / "r.jsonl", clicks)], items), **more)


def line(lines: tuple[Compared, ...], kind: str, *who: str) -> Compared:
    (found,) = [each for each in lines if each.kind == kind and each.who == who]
    return found


def copying(these: list[GradedText], rater: str, wrong: set[tuple[int, int]] = frozenset()) -> list[dict[str, Any]]:  # type: ignore[assignment]
    """A rater who gives each text the points of its row, but for some (row, place)."""
    items = catalogue(these, SKILLS)
    done = []
    for number, each in enumerate(these):
        points = [int(point) for point in each.points or ()]
        done += whole(
            rater, items[identity(each)], [1 - point if (number, place) in wrong else point for place, point in enumerate(points)]
        )
    return done


def test_a_rater_who_copies_the_grader_agrees_on_everything(tmp_path: Path) -> None:
    these = rows(6)
    found = reviewed(tmp_path, these, copying(these, "Ana"))
    assert found.disagreements == ()
    assert [each.kind for each in found.with_grader] == list(KINDS)
    for each in found.with_grader:
        assert each.who == ("Ana", GRADERS[0])
        assert each.agreement.raw == 1.0
        assert each.agreement.kappa in (1.0, None)
        assert each.shares[0] == each.shares[1]
    assert found.between_people == ()
    assert found.everybody == ()


def test_counts_and_kappa_are_those_of_the_points(tmp_path: Path) -> None:
    these = rows(6)
    wrong = {(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 0), (5, 1)}
    found = reviewed(tmp_path, these, copying(these, "Ana", wrong))
    mine, theirs, full = [], [], []
    for number, each in enumerate(these):
        points = [int(point) for point in each.points or ()]
        said = [1 - point if (number, place) in wrong else point for place, point in enumerate(points)]
        mine += said[: each.k]
        theirs += points[: each.k]
        full.append((int(all(said)), int(all(points))))
    skills = line(found.with_grader, "skill", "Ana", GRADERS[0])
    assert skills.agreement.items == len(mine)
    assert skills.agreement.raw == pytest.approx(sum(a == b for a, b in zip(mine, theirs, strict=True)) / len(mine))
    assert skills.agreement.kappa == pytest.approx(cohen_kappa_score(mine, theirs))
    assert skills.shares == pytest.approx((sum(mine) / len(mine), sum(theirs) / len(theirs)))
    assert skills.agreement.kappa_interval is not None
    whole_texts = line(found.with_grader, FULL, "Ana", GRADERS[0])
    assert whole_texts.agreement.items == len(these)
    assert whole_texts.agreement.kappa == pytest.approx(cohen_kappa_score(*zip(*full, strict=True)))
    assert len(found.disagreements) == len(wrong)


def test_criteria_of_one_combination_are_one_cluster(tmp_path: Path) -> None:
    these = rows(5, students=STUDENTS[:1], ks=(2,))
    found = reviewed(tmp_path, these, copying(these, "Ana", {(0, 0), (3, 1)}))
    interval = line(found.with_grader, "all", "Ana", GRADERS[0]).agreement.raw_interval
    assert interval is not None
    assert interval.n == 5


def test_unsure_and_open_criteria_count_in_no_agreement(tmp_path: Path) -> None:
    these = [row(STUDENTS[0], GRADERS[0], 2, index, 1, points=(1.0, 0.0, 1.0, 1.0, 1.0), full_marks=0.0) for index in range(4)]
    items = catalogue(these, SKILLS)
    one, two, three, _ = (items[identity(each)] for each in these)
    clicks = [*whole("Ana", one, [1, "unsure", 1, None, 1]), *whole("Ana", two, [1, 0, 1, 1, 1]), *whole("Ana", three, [0])]
    found = reviewed(tmp_path, these, clicks)
    skills = line(found.with_grader, "skill", "Ana", GRADERS[0])
    assert skills.agreement.items == 4  # of Ana's five points one is unsure
    assert skills.unsure == 1
    assert skills.agreement.raw == pytest.approx(3 / 4)
    assert line(found.with_grader, "sense", "Ana", GRADERS[0]).agreement.items == 1
    full = line(found.with_grader, FULL, "Ana", GRADERS[0])
    assert full.agreement.items == 2  # text one is not settled, text three is, by its first point
    (progress,) = found.progress
    assert (progress.complete, progress.begun, progress.skipped) == (1, 3, 0)
    assert [each.agrees for each in found.opinions].count(None) == 1


def test_people_are_compared_once_a_text_however_many_graders_there_are(tmp_path: Path) -> None:
    these = rows(4, graders=GRADERS)
    one_grader = [each for each in these if each.grader == GRADERS[0]]
    clicks = copying(one_grader, "Ana") + copying(one_grader, "Bo", {(0, 0)}) + copying(one_grader, "Cy", {(1, 1)})
    found = reviewed(tmp_path, these, clicks)
    assert found.graders == GRADERS
    assert {each.who for each in found.with_grader} == {(name, grader) for name in ("Ana", "Bo", "Cy") for grader in GRADERS}
    pair = line(found.between_people, "all", "Ana", "Bo")
    points = sum(each.k + 3 for each in one_grader)
    assert pair.agreement.items == points
    assert pair.agreement.raw == pytest.approx(1 - 1 / points)
    people = line(found.everybody, "all", "Ana", "Bo", "Cy")
    assert people.agreement.raters == 3
    assert people.agreement.kappa is None
    assert people.agreement.raw == pytest.approx(1 - 2 * (2 / 3) / points)
    assert line(found.everybody, "all", "Ana", "Bo", "Cy", GRADERS[1]).agreement.raters == 4


def test_verdicts_count_texts_by_the_graders_word(tmp_path: Path) -> None:
    ones, zero = (1.0,) * 5, (0.0, 1.0, 1.0, 1.0, 1.0)
    these = [
        row(STUDENTS[0], GRADERS[0], 2, index, 1, points=ones if index < 6 else zero, full_marks=float(index < 6))
        for index in range(10)
    ]
    found = reviewed(tmp_path, these, copying(these, "Ana", {(0, 4), (1, 4), (9, 0)}))
    full, other = found.verdicts
    assert (full.full, full.texts, full.given) == (True, 6, 4)
    assert (other.full, other.texts, other.given) == (False, 4, 1)
    assert full.share is not None
    assert full.share.centre == pytest.approx(4 / 6)
    assert full.share.low < 4 / 6 < full.share.high


def test_a_disagreement_shows_all_that_was_said(tmp_path: Path) -> None:
    one = row(STUDENTS[0], GRADERS[0], 2, 3, 2, points=(1.0,) * 5, gradings=("1,1,1,1,1", "", "0,1,1,1,1"))
    (item,) = catalogue([one], SKILLS).values()
    remarks = {(one.student, one.grader, one.sample, one.generation): ("it is there", "", "", "", "")}
    clicks = [click("Ana", item, 0, 0), click("Ana", item, 1, 1), about("Ana", item, note="nowhere")]
    found = reviewed(tmp_path, [one], clicks, remarks=remarks)
    (only,) = found.disagreements
    assert (only.criterion, only.kind, only.rater) == (item.criteria[0], "skill", "Ana")
    assert (only.point, only.graded, only.gradings) == (0.0, 1.0, "1 0")
    assert (only.remark, only.note) == ("it is there", "nowhere")


def test_without_ratings_there_is_nothing_and_no_error(tmp_path: Path) -> None:
    these = rows(2)
    empty = compare(these, catalogue(these, SKILLS), Ratings())
    assert (empty.texts, empty.raters, empty.with_grader, empty.opinions) == (0, (), (), ())
    planted = replace(these[0], control="named")
    assert reviewed(tmp_path, [*these, planted], copying(these[:1], "Ana")).texts == 1


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=12))
def test_agreement_lies_in_its_range_and_its_interval(
    tmp_path_factory: pytest.TempPathFactory, wrong: list[tuple[int, int]]
) -> None:
    these = rows(3, students=STUDENTS[:1], ks=(2,))
    found = reviewed(tmp_path_factory.mktemp("r"), these, copying(these, "Ana", set(wrong)))
    for each in found.with_grader:
        told = each.agreement
        assert 0.0 <= told.raw <= 1.0
        for value, interval in (
            (told.raw, told.raw_interval),
            (told.kappa, told.kappa_interval),
            (told.alpha, told.alpha_interval),
        ):
            assert value is None or (math.isfinite(value) and -1.0 <= value <= 1.0)
            assert interval is None or (value is not None and interval.low <= value <= interval.high)
    again = reviewed(tmp_path_factory.mktemp("r"), these, copying(these, "Ana", set(wrong)))
    assert again.with_grader == found.with_grader


def test_equal_texts_count_once_a_grader(tmp_path: Path) -> None:
    one = row(STUDENTS[0], GRADERS[0], 2, 0, 1)
    greedy = [replace(one, generation=generation) for generation in (1, 2, 3)]
    found = reviewed(tmp_path, greedy, copying(greedy[:1], "Ana"))
    assert found.texts == 1
    assert len(found.opinions) == 5
    assert line(found.with_grader, FULL, "Ana", GRADERS[0]).agreement.items == 1
    assert sum(verdict.texts for verdict in found.verdicts) == 1
