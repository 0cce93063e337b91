"""The layout of the official code's results: names, copies, and what is missing or torn."""

from pathlib import Path

import pytest
from tests.grading.official_layout import GRADED, HIVE, KNOT, SENT, Item, gradings, table, texts, write

from genlab.grading.graded import GradedText
from genlab.grading.official_folder import skill_names
from genlab.grading.official_results import Imported, read

ITEMS = (HIVE, KNOT)
FULL = (1, 1, 1, 1, 1)


def only(rows: tuple[GradedText, ...]) -> GradedText:
    assert len(rows) == 1
    return rows[0]


def said_of(found: Imported) -> list[str]:
    return [each.what for each in found.problems]


def test_names_may_hold_commas_brackets_strokes_and_underscores(tmp_path: Path) -> None:
    item = Item(("cause, effect (both )", "red herring"), "Knots", "It holds.")
    home = texts(tmp_path, [item], student="meta-llama/Llama_on_text")
    gradings(home, [item], [table(item, FULL)], named="by_open_ai/gpt-4_on_text_1_{}_gpt")
    row = only(read(tmp_path).rows_strict)
    assert (row.student, row.grader, row.status) == ("meta-llama/Llama_on_text", "open_ai/gpt-4", "graded")
    assert row.skills == ("cause, effect (both )", "red herring")


def test_any_part_of_the_folder_can_be_read(tmp_path: Path) -> None:
    home = texts(tmp_path / "test", [HIVE], round=2)
    gradings(home, [HIVE], [table(HIVE, FULL)])
    rows = [only(read(folder).rows_paper) for folder in (tmp_path, tmp_path / "test", home.parent, home)]
    assert {(row.student, row.generation, row.sample, row.full_marks) for row in rows} == {("gpt-4", 2, rows[0].sample, 1.0)}


def test_a_folder_name_of_ones_own_is_read_as_one_round_and_said(tmp_path: Path) -> None:
    gradings(texts(tmp_path, [HIVE], named="mine"), [HIVE], [table(HIVE, FULL)], named="by_me")
    found = read(tmp_path)
    assert (only(found.rows_paper).grader, only(found.rows_paper).generation) == ("me", 1)
    assert any("k3_s10_vdefault_r1" in what for what in said_of(found))


def test_what_would_bear_one_name_is_told_apart(tmp_path: Path) -> None:
    for experiment in ("first", "second"):
        gradings(texts(tmp_path / experiment, [HIVE]), [HIVE], [table(HIVE, FULL)])
    home = texts(tmp_path / "first", [HIVE], student="other")
    for version in ("5", "gpt"):
        gradings(home, [HIVE], [table(HIVE, FULL)], named=f"by_gpt-4_on_text_1_{{}}_{version}")
    gradings(home, [HIVE], [table(HIVE, FULL)], named="by_gpt-4_on_text_0_{}_gpt", prompts=["..."])
    rows = read(tmp_path).rows_paper
    assert len({(row.student, row.grader, row.sample, row.generation) for row in rows}) == len(rows) == 5
    assert sum("first/default" in row.student for row in rows) == 4


def test_three_files_of_the_same_bytes_are_one_grading(tmp_path: Path) -> None:
    home = texts(tmp_path, ITEMS)
    for r in (1, 2, 3):
        gradings(home, ITEMS, [table(HIVE, FULL), table(KNOT, FULL)], round=r)
    found = read(tmp_path)
    assert [row.gradings for row in found.rows_paper + found.rows_strict] == [("1,1,1,1,1",)] * 4
    assert [(Path(each.file).parent.name, each.row) for each in found.problems] == [
        ("by_gpt-4_on_text_1_2_gpt", None),
        ("by_gpt-4_on_text_1_3_gpt", None),
    ]
    assert all("the same bytes as by_gpt-4_on_text_1_1_gpt" in what for what in said_of(found))


def test_missing_rounds_files_and_rows_are_reported(tmp_path: Path) -> None:
    for r in (1, 2, 3):
        home = texts(tmp_path, ITEMS, student="whole", round=r)
        gradings(home, ITEMS, [table(HIVE, FULL), table(KNOT, FULL)])
    late = texts(tmp_path, ITEMS, student="late", round=2)
    gradings(late, ITEMS, [table(HIVE, FULL)], round=3)
    (late / "graded" / "by_gpt-4_on_text_1_2_gpt").mkdir()
    texts(tmp_path, [HIVE], student="late", round=3)
    texts(tmp_path, [HIVE], student="alone", round=1)
    found = read(tmp_path)
    counts = {(row.student, row.generation, row.index): row.status for row in found.rows_strict}
    assert len(counts) == len(found.rows_strict) == 6 + 2 + 1 + 1
    assert [key for key, status in counts.items() if status == "graded"] == [
        ("late", 2, 0),
        *(("whole", generation, index) for generation in (1, 2, 3) for index in (0, 1)),
    ]
    told = " / ".join(f"{Path(each.file).relative_to(tmp_path.absolute())}: {each.what}" for each in found.problems)
    for part in (
        "late/graded/by_gpt-4_on_text_1_2_gpt: no records.csv",
        "late/graded: gradings by gpt-4: round 3, but not 1, 2",
        "1 row(s) of gradings for 2 texts",
        "k2_s10_vdefault_r3/late: not graded by gpt-4, which graded other rounds",
        "late: texts of round 2, 3, but not 1",
        "late: rounds of 1, 2 texts",
        "alone: no gradings",
        "alone: texts of round 1, but not 2, 3",
    ):
        assert part in told
    assert "whole" not in told


def test_rounds_of_other_combinations_are_said_and_never_share_a_sample(tmp_path: Path) -> None:
    for r, items in ((1, [HIVE, KNOT]), (2, [HIVE, HIVE])):
        gradings(texts(tmp_path, items, round=r), items, [table(each, FULL) for each in items])
    found = read(tmp_path)
    assert [(each.row, each.what) for each in found.problems] == [(2, "not the same combination in every round")]
    first, second, again, other = (row.sample for row in found.rows_paper)
    assert first == again
    assert second != other


def test_other_skills_are_another_combination_and_another_order_is_not(tmp_path: Path) -> None:
    turned, changed = (Item(skills, HIVE.topic, HIVE.text) for skills in (HIVE.skills[::-1], (HIVE.skills[0], "irony")))
    for r, item in enumerate((HIVE, turned, changed), start=1):
        gradings(texts(tmp_path / "a", [item], round=r), [item], [table(item, FULL)])
    gradings(texts(tmp_path / "b", [turned], student="b"), [turned], [table(turned, FULL)])
    gradings(texts(tmp_path / "b", [HIVE], student="b", round=2), [HIVE], [table(HIVE, FULL)])
    found = read(tmp_path)
    samples = {(row.student, row.generation): row.sample for row in found.rows_paper}
    assert len(set(samples.values())) == 2
    assert samples["gpt-4", 1] == samples["gpt-4", 2] == samples["b", 1] != samples["gpt-4", 3]
    assert [(Path(each.file).name, each.what) for each in found.problems] == [
        ("gpt-4", "not the same combination in every round")
    ]
    assert all(row.status == "graded" for row in found.rows_strict)


def test_a_prompt_that_hides_the_text_leaves_it_unscored(tmp_path: Path) -> None:
    home = texts(tmp_path, [HIVE])
    gradings(home, [HIVE], [table(HIVE, FULL)], prompts=["Marks, please."])
    (home / "records.csv").unlink()
    row = only(read(tmp_path).rows_strict)
    assert (row.text, row.status) == ("", "ungraded")
    assert "prompt lacks" in row.why


def test_a_graded_turn_that_is_not_there_is_said(tmp_path: Path) -> None:
    gradings(texts(tmp_path, [HIVE]), [HIVE], [table(HIVE, FULL)], named="by_gpt-4_on_text_2_{}_gpt")
    found = read(tmp_path)
    assert said_of(found) == ["lacks the graded column text_2: text_1 is read"]
    assert only(found.rows_strict).text == HIVE.text


def test_the_first_turn_can_be_what_was_graded(tmp_path: Path) -> None:
    draft = Item(HIVE.skills, HIVE.topic, "draft of Beekeeping")
    gradings(texts(tmp_path, [HIVE]), [draft], [table(HIVE, FULL)], named="by_gpt-4_on_text_0_{}_gpt")
    row = only(read(tmp_path).rows_strict)
    assert (row.text, row.draft, row.status) == ("draft of Beekeeping", "", "graded")


def test_without_the_students_file_the_prompts_say_the_texts(tmp_path: Path) -> None:
    home = texts(tmp_path, [HIVE])
    gradings(home, [HIVE], [table(HIVE, FULL)])
    (home / "records.csv").unlink()
    found = read(tmp_path)
    assert (only(found.rows_paper).text, only(found.rows_paper).draft, only(found.rows_paper).full_marks) == (HIVE.text, "", 1)
    assert ["taken from the graders' prompts" in what for what in said_of(found)] == [True]


def test_torn_rows_are_not_scored(tmp_path: Path) -> None:
    home = texts(tmp_path, ITEMS)
    path = gradings(home, ITEMS, [table(HIVE, FULL), table(KNOT, FULL)])
    whole = path.read_text("utf-8")
    path.write_text(whole[: whole.rindex("Explanation") + 5], "utf-8")
    found = read(tmp_path)
    assert [(row.status, row.why) for row in found.rows_paper] == [
        ("graded", ""),
        ("ungraded", "the row is torn: the file ends within it"),
    ]
    records = (home / "records.csv").read_text("utf-8")
    (home / "records.csv").write_text(records[: records.rindex("Answer")], "utf-8")
    found = read(tmp_path)
    assert [(row.status, row.why) for row in found.rows_strict] == [
        ("graded", ""),
        ("ungraded", "the row is torn, or has no text"),
    ]


def test_a_row_whose_k_is_not_its_number_of_skills_is_not_scored(tmp_path: Path) -> None:
    home = tmp_path / "k3_s10_vdefault_r1" / "gpt-4"
    write(home / "records.csv", SENT, [[3, "red herring, \nirony", "Knots", "", "", "", "", "", "", "", "", "It holds."]])
    assert "k = 3 and names 2" in only(read(tmp_path).rows_strict).why


def test_files_of_other_encodings_and_forms_are_said(tmp_path: Path) -> None:
    item = Item(HIVE.skills, "Café", "Tea, “of course”.")
    home = texts(tmp_path, [item])
    path = gradings(home, [item], [table(item, FULL)])
    for each in (home / "records.csv", path):
        each.write_bytes(each.read_text("utf-8").encode("cp1252"))
    write(home / "graded" / "by_claude_on_text_1_1_gpt" / "records.csv", ["k", "points_0"], [[2, "1"]])
    write(
        home / "graded" / "by_gemini_on_text_1_1_gpt" / "records.csv",
        ["model_input_0", "skills", "topic", "points_0"],
        [["", "a", "b", ""]],
    )
    write(home / "graded" / "by_qwen_on_text_1_1_gpt" / "records.csv", GRADED, [])
    huge = write(home / "graded" / "by_yi_on_text_1_1_gpt" / "records.csv", GRADED, [["x" * 200_000]])
    found = read(tmp_path)
    assert any(each.file == str(huge) and "not a CSV file that can be read" in each.what for each in found.problems)
    row = next(row for row in found.rows_paper if row.grader == "gpt-4")
    assert (row.topic, row.text, row.status) == ("Café", "Tea, “of course”.", "graded")
    told = " / ".join(said_of(found))
    for part in (
        "read as Windows-1252",
        "lacks the column(s) model_input_0, skills, topic",
        "prompt and reply before",
        "0 row(s)",
    ):
        assert part in told


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no folder"):
        read(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"no results below .* expected k3_s10_vdefault_r1/STUDENT/records.csv"):
        read(tmp_path)
    write(tmp_path / "k2_s1_v_r1" / "me" / "records.csv", ["a"], [["b"]])
    with pytest.raises(ValueError, match=r"lacks the column\(s\) skills, topic"):
        read(tmp_path)


def test_joined_skills() -> None:
    assert skill_names("a, b (c, d ),  \ne") == ("a, b (c, d )", "e")
    assert skill_names("a,\r\nb") == ("a", "b")
    assert skill_names("a, b", 2) == ("a", "b")
    assert skill_names("a, b", 1) == ("a, b",)
