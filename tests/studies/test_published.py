"""The published rows: typed in once more from the leaderboard's own notation, and sound as scores."""

from dataclasses import FrozenInstanceError

import pytest

from genlab.studies.skill_mix.published import NOTE, PUBLISHED, SOURCE, Published

# as in student_scores/*.json: full marks / all skills / skill fraction, k = 2, 3, ... ("-": not there)
LEADERBOARD = """
LLaMA-2-7B-Chat | .03/.09/.32 | .00/.00/.22 | .00/.00/.20 | - | -
LLaMA-2-13B-Chat | .06/.14/.33 | .00/.00/.30 | .00/.00/.35 | - | -
LLaMA-2-70B-Chat | .22/.22/.58 | .00/.02/.43 | .00/.00/.40 | - | -
GPT-3.5-turbo | .40/.49/.68 | .04/.04/.48 | .00/.00/.39 | .00/.00/.36 | -
GPT-4 | .95/.95/.98 | .66/.66/.88 | .48/.50/.85 | .12/.12/.79 | .08/.08/.76
Mistral-7B-Instruct-v0.1 | .02/.03/.35 | .00/.00/.31 | .00/.00/.20 | - | -
Qwen-14B-Chat | .09/.14/.45 | .00/.02/.34 | .00/.00/.30 | - | -
Xwin-LM-70B-V0.1 | .38/.51/.62 | .06/.08/.52 | .00/.00/.44 | .00/.00/.39 | -
Falcon-180B-Chat | .20/.25/.45 | .00/.00/.46 | .00/.00/.30 | - | -
Tigerbot-70B-Chat | .03/.12/.19 | .00/.00/.11 | .00/.00/.08 | - | -
"""


def test_every_cell_of_the_leaderboard_is_there_and_no_other() -> None:
    cells: dict[tuple[str, int], str] = {}
    for line in LEADERBOARD.strip().splitlines():
        student, *by_k = (each.strip() for each in line.split("|"))
        cells |= {(student, k): cell for k, cell in enumerate(by_k, start=2) if cell != "-"}
    assert len(PUBLISHED) == len(cells) == 34
    for row in PUBLISHED:
        figures = (row.full_marks, row.all_skills, row.skill_fraction)
        assert "/".join(f"{figure:.2f}".lstrip("0") for figure in figures) == cells[row.student, row.k]


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row.student}-{row.k}")
def test_a_row_is_possible(row: Published) -> None:
    assert 0 <= row.full_marks <= row.all_skills <= 1  # full marks are all skills too
    assert row.full_marks <= row.skill_fraction <= 1


def test_how_many_combinations_are_left() -> None:
    # the chance that none of k skills, drawn one after the other, is among the 17 common ones of 101
    for k in range(2, 7):
        left = 100.0
        for drawn in range(k):
            left *= (84 - drawn) / (101 - drawn)
        assert Published("x", k, 0, 0, 0).n == pytest.approx(left)
        assert f"{left:.0f}" in NOTE


def test_rows_say_where_they_come_from_and_cannot_be_changed() -> None:
    assert "e1dc0e2" in SOURCE
    for part in ("GPT-4", "uncommon", "named", "best of 3", "C(84,k)/C(101,k)"):
        assert part in NOTE
    with pytest.raises(FrozenInstanceError):
        PUBLISHED[0].k = 3  # type: ignore[misc]
