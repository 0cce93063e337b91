"""Reading the official code's result folders: clean ones, and each kind of brokenness its users meet."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.grading.official_layout import HIVE, KNOT, Item, gradings, prompt, table, texts

from genlab.grading.graded import GradedText
from genlab.grading.official_results import Imported, UnreadableTable, named_points, read
from genlab.grading.rubric import rubric
from genlab.skills.pack import Pack
from genlab.skills.skill import Skill, Topic

ITEMS = (HIVE, KNOT)
FULL = (1, 1, 1, 1, 1)


def only(rows: tuple[GradedText, ...]) -> GradedText:
    assert len(rows) == 1
    return rows[0]


def of_one(folder: Path, reply: str, item: Item = HIVE, **said: object) -> Imported:
    """One text with one grading."""
    gradings(texts(folder, [item]), [item], [reply], **said)  # type: ignore[arg-type]
    return read(folder)


def said_of(found: Imported) -> list[str]:
    return [each.what for each in found.problems]


# ------------------------------------------------------------------------------------------------ what is whole
def test_a_clean_folder_has_every_text_in_both_modes_and_no_problem(tmp_path: Path) -> None:
    for generation in (1, 2):
        home = texts(tmp_path, ITEMS, round=generation)
        gradings(home, ITEMS, [table(HIVE, FULL), table(KNOT, FULL)], round=1)
        gradings(home, ITEMS, [table(HIVE, (0, 1, 1, 1, 1)), table(KNOT, FULL, end="\n\nExplanation: again.")], round=2)
        gradings(home, ITEMS, [table(HIVE, (0, 1, 1, 1, 0)), table(KNOT, (1, 1, 1, 0, 1))], round=3)
    found = read(tmp_path)
    assert found.problems == ()
    assert [(row.generation, row.index, row.topic) for row in found.rows_paper] == [
        *((1, 0, "Beekeeping"), (1, 1, "Knots")),
        *((2, 0, "Beekeeping"), (2, 1, "Knots")),
    ]
    hive, knot = found.rows_paper[:2]
    assert (hive.student, hive.grader, hive.k, hive.status) == ("gpt-4", "gpt-4", 2, "graded")
    assert hive.skills == HIVE.skills
    assert (hive.text, hive.draft) == (HIVE.text, "draft of Beekeeping")
    assert hive.gradings == ("1,1,1,1,1", "0,1,1,1,1", "0,1,1,1,0")
    assert hive.points == (0, 1, 1, 1, 1)  # two of three; the length by our count
    assert (hive.full_marks, hive.all_skills, hive.skill_fraction) == (0, 0, 0.5)
    assert knot.points == (1, 1, 1, 1, 0)  # two sentences, one allowed
    assert (knot.full_marks, knot.all_skills, knot.skill_fraction) == (0, 1, 0)
    for paper, strict in zip(found.rows_paper, found.rows_strict, strict=True):
        assert (paper.sample, paper.points, paper.gradings) == (strict.sample, strict.points, strict.gradings)
    assert found.rows_paper[0].sample == found.rows_paper[2].sample != found.rows_paper[1].sample


def test_a_pack_gives_categories_and_other_names(tmp_path: Path) -> None:
    skills = (Skill("Red Herring", "rhetorical", "d", "e", aliases=("wax",)), Skill("metaphor", "literary", "d", "e"))
    pack = Pack("toy", "1", skills, (Topic("Knots"),))
    gradings(texts(tmp_path, [HIVE]), [HIVE], [table(HIVE, FULL)])
    without, with_pack = read(tmp_path), read(tmp_path, pack=pack)
    assert only(without.rows_strict).categories == ("", "")
    assert only(with_pack.rows_strict).categories == ("rhetorical", "")
    assert only(without.rows_strict).named == (0, 0)
    assert only(with_pack.rows_strict).named == (1, 0)  # by its alias, which paper mode does not know
    assert only(with_pack.rows_paper).named == (0, 0)
    assert only(with_pack.rows_strict).full_marks == 1
    assert only(with_pack.rows_strict).full_marks_unnamed == 0


def test_the_modes_differ_in_what_names_a_skill(tmp_path: Path) -> None:
    item = Item(("metaphor", "irony"), "Knots", "A metaphorical knot.")
    found = of_one(tmp_path, table(item, FULL), item)
    assert only(found.rows_paper).named == (1, 0)  # a part of a word names it there
    assert only(found.rows_strict).named == (0, 0)
    assert only(found.rows_paper).skill_fraction_unnamed == 0.5
    assert only(found.rows_strict).skill_fraction_unnamed == 1


def test_strict_mode_counts_sentences_as_a_reader_does(tmp_path: Path) -> None:
    item = Item(("metaphor", "irony"), "Knots", "it slips. it holds. it slips.")
    found = of_one(tmp_path, table(item, FULL), item)
    assert (only(found.rows_paper).sentences, only(found.rows_paper).full_marks) == (1, 1)
    assert (only(found.rows_strict).sentences, only(found.rows_strict).full_marks) == (3, 0)
    assert only(read(tmp_path, count=lambda text: 1).rows_strict).full_marks == 1


def test_rows_in_another_order_are_wrong_by_place_and_right_by_name(tmp_path: Path) -> None:
    lines = table(HIVE, (0, 1, 1, 1, 1)).split("\n")
    lines[4], lines[5] = lines[5], lines[4]
    found = of_one(tmp_path, "\n".join(lines))
    assert only(found.rows_paper).points == (1, 0, 1, 1, 1)
    assert only(found.rows_strict).points == (0, 1, 1, 1, 1)


# ------------------------------------------------------------------------------------------------ gradings that are copies
def test_the_same_reply_in_every_file_is_one_grading_but_two_alike_of_three_are_two(tmp_path: Path) -> None:
    home = texts(tmp_path, ITEMS)
    for r, points in ((1, FULL), (2, FULL), (3, (0, 1, 1, 1, 1))):
        gradings(home, ITEMS, [table(HIVE, FULL), table(KNOT, points)], round=r, stored=[f"{r}", "1"])
    found = read(tmp_path)
    assert [len(row.gradings) for row in found.rows_paper] == [1, 3]
    assert found.rows_paper[1].points is not None
    assert found.rows_paper[1].points[0] == 1
    assert sum("the same reply in every round" in what for what in said_of(found)) == 1


# ------------------------------------------------------------------------------------------------ gradings that are broken
def test_an_empty_rubric_is_reported_and_not_scored(tmp_path: Path) -> None:
    found = of_one(tmp_path, table(HIVE, FULL), prompts=[prompt(HIVE, rubric="")])
    assert [(row.status, row.why, row.points, row.gradings) for row in found.rows_paper + found.rows_strict] == [
        ("ungraded", "the grader was given an empty rubric", None, ("",))
    ] * 2
    assert [(Path(each.file).name, each.row) for each in found.problems] == [("records.csv", 1)]


def test_a_student_who_writes_of_an_empty_rubric_is_still_graded(tmp_path: Path) -> None:
    item = Item(HIVE.skills, "Knots", "The criteria are: . So there")
    assert only(of_one(tmp_path, table(item, FULL), item).rows_paper).status == "graded"


@pytest.mark.parametrize(
    "reply", [table(HIVE, FULL[:3], end=""), table(HIVE, FULL[:3], end="\n| Text makes se"), table(HIVE, (), end="")]
)
def test_a_table_cut_at_the_token_limit_is_not_scored(tmp_path: Path, reply: str) -> None:
    found = of_one(tmp_path, reply)
    assert {row.status for row in found.rows_paper + found.rows_strict} == {"ungraded"}
    assert len(found.problems) == 1
    assert "cut off" in found.problems[0].what
    assert "cut off" in only(found.rows_paper).reasons[0]


def test_a_reply_cut_after_its_table_is_scored(tmp_path: Path) -> None:
    found = of_one(tmp_path, table(HIVE, FULL, end="\n\nExplanation: The stude"))
    assert (found.problems, only(found.rows_strict).full_marks) == ((), 1)


@pytest.mark.parametrize(
    ("reply", "named", "what"),
    [
        ("1. Irony. Point earned: 1\n2. Knots. Point earned: 1", "by_gpt-4_on_text_1_{}_gpt", "there is a list"),
        ("I would rather not.", "by_gpt-4_on_text_1_{}_gpt", "there is no table"),
        ("  \n", "by_gpt-4_on_text_1_{}_gpt", "the reply is empty"),
        (table(HIVE, FULL), "by_llama2-70b-chat_on_text_1_{}_llama", "there is none"),
        ("Point earned: 1\nPoint earned: 0\nPoint", "by_llama2-70b-chat_on_text_1_{}_llama", "cut off after 2 of 5"),
    ],
)
def test_a_reply_in_the_wrong_format_is_not_scored(tmp_path: Path, reply: str, named: str, what: str) -> None:
    found = of_one(tmp_path, reply, named=named)
    assert {row.status for row in found.rows_paper + found.rows_strict} == {"ungraded"}
    assert [what in each.what for each in found.problems] == [True]


def test_a_list_is_read_by_place_in_paper_mode_only(tmp_path: Path) -> None:
    reply = "\n".join(f"{name}: Point earned: 1" for name in HIVE.criteria) + "\nGrade: 5"
    found = of_one(tmp_path, reply, named="by_llama2-70b-chat_on_text_1_{}_llama")
    assert only(found.rows_paper).full_marks == 1
    assert (only(found.rows_strict).status, found.problems) == ("ungraded", ())
    assert "list of points" in only(found.rows_strict).why


def test_where_the_official_code_would_stop_neither_mode_scores(tmp_path: Path) -> None:
    found = of_one(tmp_path, table(HIVE, ("N/A", 1, 1, 1, 1)))
    assert only(found.rows_paper).why.startswith("the official code stops: points that are no number: 'N/A'")
    assert "earned 'N/A': expected 0 or 1" in only(found.rows_strict).why
    assert [each.row for each in found.problems] == [1, 1]


def test_a_missing_row_shifts_in_paper_mode_and_is_unreadable_in_strict(tmp_path: Path) -> None:
    lines = table(HIVE, (0, 1, 1, 1, 1)).split("\n")
    del lines[4]
    found = of_one(tmp_path, "\n".join(lines))
    paper, strict = only(found.rows_paper), only(found.rows_strict)
    assert (paper.gradings, paper.points) == (("1,1,1,1,0",), (1, 1, 1, 1, 1))
    assert (strict.status, strict.why) == ("ungraded", "no row for red herring")
    assert [what.split(":")[0] for what in said_of(found)] == ["paper mode", "strict mode"]


@pytest.mark.parametrize("total", [True, False])
def test_a_short_table_that_goes_on_is_not_cut_but_lacks_a_row(tmp_path: Path, total: bool) -> None:
    reply = table(HIVE, FULL[:4], end="\n| Total Points Earned | 4 |" if total else "\n\nExplanation: four of five.")
    found = of_one(tmp_path, reply)
    assert only(found.rows_paper).gradings == ("1,1,1,1,0",)
    assert only(found.rows_strict).why == "no row for length"


def test_one_broken_grading_leaves_the_others(tmp_path: Path) -> None:
    home = texts(tmp_path, [HIVE])
    gradings(home, [HIVE], [table(HIVE, FULL)], round=1)
    gradings(home, [HIVE], [table(HIVE, FULL[:2], end="")], round=2)
    row = only(read(tmp_path).rows_strict)
    assert (row.status, row.gradings, row.full_marks) == ("graded", ("1,1,1,1,1", ""), 1)
    assert [bool(reason) for reason in row.reasons] == [False, True]


def test_points_that_the_file_and_the_reply_disagree_on_are_said(tmp_path: Path) -> None:
    found = of_one(tmp_path, table(HIVE, FULL), stored=["0.0,1.0,1.0,1.0,1.0"])
    assert only(found.rows_paper).full_marks == 1
    assert said_of(found) == ["paper mode: the file says 0.0,1.0,1.0,1.0,1.0, its reply reads 1.0,1.0,1.0,1.0,1.0"]


def test_sentences_that_the_file_counts_otherwise_are_said(tmp_path: Path) -> None:
    path = gradings(texts(tmp_path, [HIVE]), [HIVE], [table(HIVE, FULL)])
    path.write_text(path.read_text("utf-8").replace(",1,1.0\n", ",4,0.0\n"), "utf-8")
    found = read(tmp_path)
    assert said_of(found) == ["paper mode: the file says 4 sentence(s), the text has 1"]
    assert only(found.rows_paper).sentences == 1


def test_a_grading_of_the_same_skills_in_another_order_is_not_scored(tmp_path: Path) -> None:
    turned = Item(HIVE.skills[::-1], HIVE.topic, HIVE.text)
    gradings(texts(tmp_path, [HIVE]), [turned], [table(turned, FULL)])
    assert only(read(tmp_path).rows_paper).status == "ungraded"


def test_a_grading_of_another_text_is_not_scored(tmp_path: Path) -> None:
    gradings(texts(tmp_path, ITEMS), [KNOT, HIVE], [table(KNOT, FULL), table(HIVE, FULL)])
    assert {row.why for row in read(tmp_path).rows_paper} == {"a grading of another combination than the text in the same row"}
    changed = Item(HIVE.skills, HIVE.topic, "Another text.")
    gradings(texts(tmp_path, [HIVE]), [changed], [table(HIVE, FULL)])
    assert only(read(tmp_path).rows_paper).why == "the grader's prompt does not hold the student's text"


def test_an_empty_text_is_unanswered_in_strict_mode_and_as_graded_in_paper_mode(tmp_path: Path) -> None:
    item = Item(HIVE.skills, "Knots", "")
    found = of_one(tmp_path, table(item, (0, 0, 0, 0, 1)), item)
    assert (only(found.rows_strict).status, only(found.rows_strict).full_marks) == ("unanswered", None)
    assert (only(found.rows_paper).status, only(found.rows_paper).full_marks) == ("graded", 0)


# ------------------------------------------------------------------------------------------------ tables by names
NAMES = ("irony", "dramatic irony", "complex question (loaded question with implicit assumption )")
MIXED = Item(NAMES, "Knots", "It holds.")
RUBRIC = rubric([Skill(name, "", "", "") for name in NAMES], "Knots")


def rows(*cells: tuple[str, object]) -> str:
    return "\n".join(["| Criteria | Points Earned |", "|---|---|", *(f"| {name} | {point} |" for name, point in cells)])


@given(st.permutations(range(6)), st.lists(st.sampled_from([0, 1]), min_size=6, max_size=6))
def test_the_order_of_rows_does_not_matter(order: list[int], points: list[int]) -> None:
    cells = list(zip(MIXED.criteria, points, strict=True))
    assert named_points(rows(*(cells[place] for place in order), ("**Total Points Earned**", 7)), RUBRIC) == tuple(points)


@given(st.integers(0, 5), st.integers(0, 5))
def test_a_table_without_a_row_or_with_two_that_disagree_is_unreadable(dropped: int, doubled: int) -> None:
    cells = [(name, 1) for name in MIXED.criteria]
    with pytest.raises(UnreadableTable, match="no row for"):
        named_points(rows(*cells[:dropped], *cells[dropped + 1 :]), RUBRIC)
    with pytest.raises(UnreadableTable, match="twice, differently"):
        named_points(rows(*cells, (MIXED.criteria[doubled], 0)), RUBRIC)


@pytest.mark.parametrize(
    "name",
    [
        "Correctly illustrates complex question",  # as shipped gradings write it
        "Correctly illustrates complex/loaded question",  # so too
        "3. **Complex Question (loaded question with implicit assumption)**",
        "Contains complex question (loaded question with implicit assumption )",
        "complex question",
    ],
)
def test_how_graders_write_a_name(name: str) -> None:
    names = [name if "complex" in each else each for each in MIXED.criteria]
    assert named_points(rows(*((each, int(each != name)) for each in names)), RUBRIC) == (1, 1, 0, 1, 1, 1)


def test_other_ways_to_write_the_other_criteria() -> None:
    others = ("Relevant to the topic of knots", "The text makes sense", "At most 2 sentences")
    cells = [*((name, 1) for name in MIXED.criteria[:3]), *((name, 0) for name in others)]
    assert named_points(rows(*cells), RUBRIC) == (1, 1, 1, 0, 0, 0)


@pytest.mark.parametrize(("cell", "point"), [("**1**", 1), ("1/1", 1), ("1 (out of 1)", 1), ("`0`", 0), ("1.0", 1), ("0 / 1", 0)])
def test_what_is_a_point(cell: str, point: int) -> None:
    cells: list[tuple[str, object]] = [(name, 1) for name in MIXED.criteria]
    assert named_points(rows((MIXED.criteria[0], cell), *cells[1:]), RUBRIC)[0] == point


@pytest.mark.parametrize("cell", ["-1", "N/A", ".", "", "2", "0.5", "1.5", "11", "1/2", "yes", "10"])
def test_what_is_none(cell: str) -> None:
    cells: list[tuple[str, object]] = [(name, 1) for name in MIXED.criteria]
    with pytest.raises(UnreadableTable, match="expected 0 or 1"):
        named_points(rows((MIXED.criteria[0], cell), *cells[1:]), RUBRIC)


def test_a_third_column_is_read_by_its_heading() -> None:
    lines = [
        "| Criteria | Points Earned | Comment |",
        "|---|---|---|",
        *(f"| {name} | 1 | 0 mistakes |" for name in MIXED.criteria),
    ]
    assert named_points("\n".join(lines), RUBRIC) == (1,) * 6
    lines = ["| Criterion | Points Possible | Points Earned |", *(f"| {name} | 1 | 0 |" for name in MIXED.criteria)]
    assert named_points("\n".join(lines), RUBRIC) == (0,) * 6


@pytest.mark.parametrize("name", ["catch--22", "success criteria", "total recall", "keeping score"])
def test_skill_names_that_the_official_parser_loses(name: str) -> None:
    item = Item((name,), "Knots", "It holds.")
    asked = rubric([Skill(name, "", "", "")], "Knots")
    assert named_points(rows(*zip(item.criteria, (1, 0, 1, 1), strict=True), ("Total", 3)), asked) == (1, 0, 1, 1)


def test_a_skill_that_is_also_the_topic_takes_the_verb_to_tell() -> None:
    asked = rubric([Skill("metaphor", "", "", "")], "Metaphor")
    item = Item(("metaphor",), "Metaphor", "It holds.")
    assert named_points(rows(*zip(item.criteria, (1, 0, 1, 1), strict=True)), asked) == (1, 0, 1, 1)
    with pytest.raises(UnreadableTable, match="could be metaphor or on topic"):
        named_points(rows(("Metaphor", 1)), asked)


def test_the_longest_name_that_fits_is_meant() -> None:
    item = Item(("irony", "the irony"), "Knots", "It holds.")
    asked = rubric([Skill(name, "", "", "") for name in item.skills], "Knots")
    assert named_points(rows(*zip(item.criteria, (1, 0, 1, 1, 1), strict=True)), asked) == (1, 0, 1, 1, 1)
    with pytest.raises(UnreadableTable, match=r"could be complex question \(a\) or leading question \(a\)"):
        named_points(
            rows(("Question", 1)), rubric([Skill(f"{name} question (a)", "", "", "") for name in ("complex", "leading")], "Knots")
        )


def test_a_changed_limit_or_a_strange_row_fits_nothing() -> None:
    names = [*MIXED.criteria[:-1], "At most nine sentences"]
    with pytest.raises(UnreadableTable, match="no row for length; rows that fit nothing: 'At most nine sentences'"):
        named_points(rows(*((name, 1) for name in names)), RUBRIC)
    with pytest.raises(UnreadableTable, match="no row for irony"):
        named_points("no table", RUBRIC)
