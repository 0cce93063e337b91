"""Paper mode against what the official code was seen to compute (facts sheet, section 1), and against exact fractions."""

import math
from fractions import Fraction
from statistics import mean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.grading import official
from genlab.grading.scores import scores
from genlab.skills import combinations

FULL, ALL, FRACTION = list(official.METHODS)[:3]


def bits(*codes: str) -> list[list[float]]:
    return [[float(bit) for bit in code] for code in codes]


def table(*rows: tuple[str, str]) -> str:
    lines = ["| Criteria | Points Earned |", "|---|---|", *(f"| {name} | {points} |" for name, points in rows)]
    return "\n".join(["Here's the grading table:", "", *lines, "", "Explanation:", "Because | it | is so."])


def one(cell: str) -> tuple[float, ...]:
    return official.table_points(table(("Correctly illustrates irony", cell))).points


# ------------------------------------------------------------------------------------------------ golden vectors, section 1.6
GOLDEN = [
    ([[bits("11111", "00000"), bits("10111", "10000"), bits("01111", "01000")]], "max", (0.5, 0.5, 0.5)),
    ([[bits("11110", "11011")]], "max", (0, 1, 0)),
    ([[bits("11110", "10111")], [bits("01111", "11101")]], "max", (0, 1, 0.5)),
    ([[bits("11110", "10111")], [bits("01111", "11101")]], "mean", (0, 0.5, 0.25)),
    ([[[[0.5, 1, 1, 1, 1], [1.5, 1, 1, 1, 1]]]], "max", (0, 0, 1)),
    ([[bits("11111", "11111"), bits("01111", "11110")]], "max", (0, 0.5, 0.25)),
]


@pytest.mark.parametrize(("tensor", "over", "means"), GOLDEN)
def test_the_golden_vectors(tensor: list, over: str, means: tuple[float, float, float]) -> None:  # type: ignore[type-arg]
    found = [official.aggregated(tensor, 2, method, over)[0] for method in (FULL, ALL, FRACTION)]  # type: ignore[arg-type]
    assert found == pytest.approx(means, abs=1e-6)


def test_the_fifth_vector_holds_a_half_and_one_and_a_half() -> None:
    voted = [official.voted([points]) for points in ([0.5, 1, 1, 1, 1], [1.5, 1, 1, 1, 1])]
    assert voted == [(0, 1, 1, 1, 1), (2, 1, 1, 1, 1)]
    assert [official.worth(points, 2, FRACTION) for points in voted] == [0.5, 1.5]
    assert [official.worth(points, 2, FULL) for points in voted] == [0, 0]


def slowly(tensor: list[list[list[list[float]]]], k: int, method: str, over: str) -> tuple[float, float]:
    """The pipeline of section 1.6 in exact fractions, one number at a time."""
    best = []
    for combination in range(len(tensor[0][0])):
        values = []
        for generation in tensor:
            columns = list(zip(*(grading[combination] for grading in generation), strict=True))
            points = [Fraction(round(mean(Fraction(point) for point in column))) for column in columns]
            s, o = sum(points[:k]), sum(points[k:])
            values.append(
                {
                    FULL: Fraction(s + o == k + 3),
                    ALL: Fraction(s == k and o >= 2),
                    FRACTION: Fraction(s, k) if o == 3 else Fraction(0),
                    "sum_over_skills_filtered": Fraction(s) if o == 3 else Fraction(0),
                    "average_over_skills": Fraction(s, k),
                    "sum_over_skills": Fraction(s),
                    "split_skills_vs_rest_binary": Fraction(s == k) + Fraction(o >= 2),
                    "sum": Fraction(s + o),
                    "average": Fraction(s + o, k + 3),
                    "rescaled_sum": Fraction(s + o, k + 3) ** (k + 3),
                }[method]
            )
        best.append(float(max(values) if over == "max" else mean(values)))
    return mean(best), stdev(best) if len(best) > 1 else math.nan


@given(data=st.data())
def test_the_pipeline_agrees_with_exact_fractions(data: st.DataObject) -> None:
    k = data.draw(st.integers(1, 4))
    shape = [data.draw(st.integers(1, 3)) for _ in range(3)]
    points = st.sampled_from([0.0, 0.5, 1.0, 1.5])
    flat = data.draw(st.lists(points, min_size=math.prod(shape) * (k + 3), max_size=math.prod(shape) * (k + 3)))
    tensor = np.reshape(flat, (*shape, k + 3)).tolist()
    method = data.draw(st.sampled_from(list(official.METHODS)))
    over = data.draw(st.sampled_from(["max", "mean"]))
    found = official.aggregated(tensor, k, method, over)  # type: ignore[arg-type]
    assert found == pytest.approx(slowly(tensor, k, method, over), rel=1e-5, abs=1e-5, nan_ok=True)


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=4, max_size=9))
def test_one_clean_grading_scores_as_in_strict_mode(points: list[float]) -> None:
    found = [official.worth(official.voted([points]), len(points) - 3, method) for method in (FULL, ALL, FRACTION)]
    strict = scores(points)
    assert found == pytest.approx([strict.full_marks, strict.all_skills, strict.skill_fraction])


def test_ties_between_two_gradings_earn_nothing_and_between_four_neither() -> None:
    assert official.voted([[1, 1], [0, 1]]) == (0, 1)
    assert official.voted([[1], [1], [0], [0]]) == (0,)


def test_only_kept_combinations_count() -> None:
    tensor = [[bits("11111", "00000", "11111")]]
    assert official.aggregated(tensor, 2, FULL, kept=[0, 2]) == (1, 0)
    one_left, none_left = official.aggregated(tensor, 2, FULL, kept=[1]), official.aggregated(tensor, 2, FULL, kept=[])
    assert one_left[0] == 0
    assert math.isnan(one_left[1])
    assert all(map(math.isnan, none_left))


def test_what_cannot_be_aggregated_is_refused() -> None:
    with pytest.raises(ValueError, match="rounds differ in length"):
        official.aggregated([[bits("1111")], [bits("1111", "1111")]], 1, FULL)
    with pytest.raises(ValueError, match="4 points, got 5"):
        official.aggregated([[bits("11111")]], 1, FULL)
    with pytest.raises(ValueError, match=r"no method 'best'.*all_points_earned_binary"):
        official.worth([1, 1, 1, 1], 1, "best")
    with pytest.raises(ValueError, match="2 dimensions"):
        official.aggregated(np.ones((2, 4), np.float32), 1, FULL)
    with pytest.raises(ValueError, match="max or mean"):
        official.aggregated([[bits("1111")]], 1, FULL, "best")  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ reading a reply, section 1.5
def test_a_well_formed_table() -> None:
    rows = [
        ("Correctly illustrates irony", "1"),
        ("Pertains to Knots", "0"),
        ("Text makes sense", "1"),
        ("At most one sentence", "1"),
    ]
    read = official.table_points(table(*rows, ("Total Points Earned", "3")))
    assert read == official.OfficialPoints((1, 0, 1, 1), 3)


@pytest.mark.parametrize(
    ("cell", "points"),
    [
        ("1", (1.0,)),
        ("**1**", (1.0,)),
        ("1/1", (1.0,)),
        ("0.5", (0.5,)),
        ("1 (out of 1)", (11.0,)),
        ("-1", (1.0,)),
        ("yes", ()),
        ("2/3", (2.0,)),
        ("10 / 10", (10.0,)),
    ],
)
def test_what_a_cell_earns(cell: str, points: tuple[float, ...]) -> None:
    assert one(cell) == points


@pytest.mark.parametrize("cell", ["N/A", ".", "1.2.3", "0.5/1", "n/a (1)"])
def test_cells_on_which_the_official_code_stops(cell: str) -> None:
    with pytest.raises(official.Crash, match="no number"):
        one(cell)


def test_a_row_of_one_cell_stops_it_too() -> None:
    with pytest.raises(official.Crash, match="one cell"):
        official.table_points("Here's the grading table:\n| Correctly illustrates irony |")
    assert issubclass(official.Crash, ValueError)


def test_a_missing_row_shifts_the_others_to_the_left() -> None:
    rows = [("Correctly illustrates irony", "0"), ("Text makes sense", "1"), ("At most one sentence", "1"), ("Total", "2")]
    points = official.table_points(table(*rows)).points
    assert points == (0, 1, 1)
    assert official.padded(points, 1) == (0, 1, 1, 0)


def test_three_columns_read_as_nothing() -> None:
    assert official.table_points("| Criterion | Comment | Points |\n| Irony | fine | 1 |").points == ()


@pytest.mark.parametrize("name", ["catch--22", "success criteria", "total recall", "keeping score"])
def test_skill_names_that_lose_their_row(name: str) -> None:
    read = official.table_points(table((f"Correctly illustrates {name}", "1"), ("Text makes sense", "1")))
    assert read.points == (1,)


def test_a_skill_named_total_is_overwritten_by_the_total() -> None:
    read = official.table_points(table(("Correctly illustrates total recall", "1"), ("Total Points Earned", "3")))
    assert read == official.OfficialPoints((), 3)


def test_a_row_given_twice_keeps_its_first_place_and_its_last_points() -> None:
    assert official.table_points(table(("Irony", "0"), ("Knots", "0"), ("irony", "1"))).points == (1, 0)


def test_what_stands_around_the_table() -> None:
    quoted = "| Irony | 0 |\nHere's the grading table:\n| Irony | 1 |\nExplanation: | Irony | 0 |"
    assert official.table_points(quoted).points == (1,)
    curly = "| Irony | 0 |\nHere’s the grading table:\n| Knots | 1 |"
    assert official.table_points(curly).points == (0, 1)
    assert official.table_points("no table").points == official.table_points("| | |").points == ()
    assert official.table_points("no table").total is None


def test_a_list_of_points() -> None:
    reply = "1. Irony: yes. Point earned: 1\n2. Knots: Point earned: 0.5/1 or so\n3. Point earned: 'none'\nGrade: 1.5."
    assert official.listed_points(reply) == official.OfficialPoints((1, 0.5, 0), 1.5)
    assert official.listed_points("Point earned: 1.\nPoint earned:").points == (1,)


def test_a_sentence_about_the_total_is_one_more_point() -> None:
    read = official.listed_points("Point earned: 1\nTotal points earned: 3\nGrade: 3")
    assert read.points == (1, 3)
    assert official.padded((1, 0, 1, 1, 3), 1) == (1, 0, 1, 1)


def test_without_a_grade_the_first_number_anywhere_is_the_total() -> None:
    assert official.listed_points("I use a 3-point rubric. Point earned: 0").total == 3
    assert official.listed_points("Well done.").total is None
    with pytest.raises(official.Crash, match="grade"):
        official.listed_points("Grade: 1.2.3")


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=9), st.integers(1, 5))
def test_padding_makes_k_plus_3_and_keeps_the_front(points: list[float], k: int) -> None:
    filled = official.padded(points, k)
    assert len(filled) == k + 3
    assert list(filled[: len(points)]) == points[: k + 3]
    assert not any(filled[len(points) :])


def test_the_length_point_is_ours_even_where_nothing_was_read() -> None:
    assert official.with_length(official.padded((), 1), sentences=1, limit=1) == (0, 0, 0, 1)
    assert official.with_length((1, 1, 1, 1), sentences=2, limit=1) == (1, 1, 1, 0)


# ------------------------------------------------------------------------------------------------ texts
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("One. two. three.", 1),
        ("Line one.\nLine two.", 1),
        ("One.  Two.", 1),
        ("“Hello.” “Bye.”", 1),
        ('"Hello." "Bye."', 2),
        ("'Is it?' He left!", 2),
        ("e.g. This", 2),
        ("U.S. Dollars", 2),
        ("It hums; It stings; It flies.", 1),
        ("Ask Mr. Bee and Mrs. Bee, or Dr. Bee. They know.", 2),
        ("Ms. Bee met Prof. Drone.", 1),
        ("Is it Dr! Yes.", 1),  # the dot in the official pattern stands for any character
        ("It ends! It began? It was. So.", 4),
        ("É. Émile", 1),
    ],
)
def test_the_sentence_counter(text: str, count: int) -> None:
    assert official.sentence_count(text) == count


def test_the_text_in_an_output() -> None:
    assert official.text_of("Sure.\nAnswer: first\nAnswer: It hums. \n\nExplanation: Answer") == "It hums."
    assert official.text_of("Answer: In short, Explanation is all.") == "In short,"
    assert official.text_of("Explanation: none") == ""
    assert official.text_of(" no marker ") == "no marker"
    # the second "Answer:" wins even inside an explanation
    assert official.text_of("Answer: It hums. Explanation: see Answer: above") == "above"


def test_naming_a_skill() -> None:
    skills = ("emotional self regulation", "metaphor", "Accident (fallacy)")
    assert official.named(skills, "Self-regulate your emotions; a METAPHORICAL accident.") == (0, 1, 1)
    assert official.named(skills, "") == (0, 0, 0)
    assert official.needle("(loaded) question") == ""
    assert official.named(("(loaded) question",), "anything") == (1,)  # an empty needle is in every text


def test_the_answer_in_a_graders_prompt() -> None:
    prompt = f'Grade. {official.ANSWER}"It hums."\n\n{official.DEFINITIONS}:\n...'
    assert official.answer_in(prompt) == '"It hums."'
    with pytest.raises(official.Crash, match="lacks"):
        official.answer_in("Grade.")


# ------------------------------------------------------------------------------------------------ sampling, section 1.2
SKILLS = [
    *("self serving bias", "accident (fallacy)", "complex question (loaded question with implicit assumption )", "red herring"),
    *("metaphor", "spatial reasoning", "modus ponens", "statistical syllogism", "emotional self regulation"),
    "folk physics (common knowledge physics)",
]  # the names in skills.csv, in its order
TOPICS = [
    *("Sewing", "Dueling", "The Ottoman Empire", "Urbanism", "Beekeeping"),
    *("Survivalism", "Guerilla warfare", "Triathlons", "Gardening", "Knots"),
]  # topics.txt


def test_the_sampling_vector() -> None:
    spatial, question, syllogism, herring = SKILLS[5], SKILLS[2], SKILLS[7], SKILLS[3]
    bias, accident, metaphor, regulation, physics = SKILLS[0], SKILLS[1], SKILLS[4], SKILLS[8], SKILLS[9]
    assert combinations.official(SKILLS, TOPICS, 3, 5, seed=10, folder="test") == [
        ((spatial, question, syllogism), "Sewing"),
        ((question, herring, metaphor), "Beekeeping"),
        ((accident, question, regulation), "Gardening"),
        ((bias, herring, regulation), "Triathlons"),
        ((syllogism, physics, regulation), "Urbanism"),
    ]
    elsewhere = combinations.official(SKILLS, TOPICS, 3, 5, seed=10, folder="elsewhere")
    assert [(set(skills), topic) for skills, topic in elsewhere] == [
        (set(skills), topic) for skills, topic in combinations.official(SKILLS, TOPICS, 3, 5, seed=10, folder="test")
    ]
    assert elsewhere != combinations.official(SKILLS, TOPICS, 3, 5, seed=10, folder="test")
