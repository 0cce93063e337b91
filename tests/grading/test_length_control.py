"""The length-controlled win rate: against alpaca-eval 0.6.6 (oracles/alpaca_eval_numbers.json), and what must hold of it.

The reference's solver stops early: its numbers as it is lie up to 0.02 points from those at a tolerance of 1e-10, which are ours.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.grading.judged_pairs import CASES, Law, difficulties, judged, write_gamed

from genlab import chance
from genlab.grading.annotations import Annotation
from genlab.grading.gamed_baselines import GamedBaselines, read_difficulty, read_gamed_baselines
from genlab.grading.length_control import Coefficients, LengthControlled, aligned, between, length_controlled

REFERENCE = json.loads((Path(__file__).parent / "oracles/alpaca_eval_numbers.json").read_text())["cases"]


def found(
    annotations: Sequence[Annotation],
    *,
    difficulty: Sequence[float] | None = None,
    gamed: GamedBaselines | None = None,
    resamples: int = 20,
) -> LengthControlled:
    return length_controlled(annotations, random=chance.numpy("length"), difficulty=difficulty, gamed=gamed, resamples=resamples)


def of_case(case: str, folder: Path) -> LengthControlled:
    n, law, glm = CASES[case]
    write_gamed(folder / "df_gamed.csv", n, case)
    gamed = read_gamed_baselines(folder / "df_gamed.csv")
    annotations = judged(n, law, case)
    if glm == "length_controlled_v1":
        return found(annotations, gamed=gamed)
    return found(annotations, difficulty=gamed.difficulty if glm == "length_controlled_noreg" else None)


@pytest.mark.parametrize("case", CASES)
def test_the_reference_at_a_tight_tolerance_says_the_same(case: str, tmp_path: Path) -> None:
    ours, theirs = of_case(case, tmp_path), REFERENCE[case]["tight"]
    assert 100 * ours.win_rate.centre == pytest.approx(theirs["length_controlled_winrate"], abs=1e-7)  # of 100 points
    assert 100 * ours.standard_error == pytest.approx(theirs["lc_standard_error"], abs=1e-7)
    assert pytest.approx(theirs["C"]) == ours.C
    its = ours.coefficients
    coefficients = [its.length, its.difficulty, its.model] if len(theirs["coefficients"]) == 3 else [its.length, its.model]
    assert coefficients == pytest.approx(theirs["coefficients"], abs=1e-8)
    assert ours.predicted[:5] == pytest.approx(theirs["glm_preference"], abs=1e-9)
    assert 100 * ours.raw == pytest.approx(REFERENCE[case]["metrics"]["win_rate"])
    assert ours.extreme == REFERENCE[case]["extreme"]
    assert ours.converged
    as_it_is = REFERENCE[case]["as it is"]["length_controlled_winrate"]  # within its solver's error
    assert 100 * ours.win_rate.centre == pytest.approx(as_it_is, abs=0.02)


def test_longer_answers_of_equal_quality_are_held_to_a_half() -> None:
    law = Law(model=0.0, length=-2.0, difficulty=0.0)
    padded = [replace(each, output_2=each.output_2 + "b" * 1000) for each in judged(400, law, "padded")]
    liked = [replace(each, preference=1 + 1 / (1 + math.exp(-each.longer / 500))) for each in padded]
    ours = found(liked)
    assert ours.raw > 0.7
    assert ours.coefficients.length < -1
    assert ours.extreme
    assert ours.win_rate.centre < ours.raw - 0.15


def test_without_an_effect_of_length_nothing_is_taken() -> None:
    ours = found(judged(800, Law(model=0.5, length=0.0, difficulty=0.0), "no effect"))
    assert ours.win_rate.centre == pytest.approx(ours.raw, abs=0.02)
    assert not ours.extreme


def test_a_model_against_itself_is_a_half() -> None:
    same = [replace(each, generator_2="base") for each in judged(30, Law(ungraded=9), "itself")]
    ours = found(same)
    assert (ours.win_rate.low, ours.win_rate.centre, ours.win_rate.high) == (0.5, 0.5, 0.5)
    assert set(ours.predicted) == {0.5}
    assert ours.ungraded == 4


def test_ungraded_items_are_predicted_and_not_fitted(tmp_path: Path) -> None:
    graded = judged(100, Law(), "graded")
    holes = [replace(each, preference=None) if place < 10 else each for place, each in enumerate(graded)]
    hard = difficulties(100, "graded")
    ours = found(holes, difficulty=hard)
    assert ours.ungraded == 10
    assert len(ours.predicted) == 100
    its = ours.coefficients
    expected = 1 / (1 + np.exp(-(its.model + its.difficulty * np.array(hard))))
    assert ours.predicted == pytest.approx(expected)


def test_the_gamed_baselines_hold_the_length_coefficient(tmp_path: Path) -> None:
    write_gamed(tmp_path / "g.csv", 100, "held")
    few = judged(100, Law(length=1.5), "held")  # a judge that seems to like shorter answers, of this model
    gamed = read_gamed_baselines(tmp_path / "g.csv")
    assert found(few, gamed=gamed).coefficients.length < found(few, difficulty=gamed.difficulty).coefficients.length


def covered(n: int, trials: int, resamples: int) -> float:
    law = Law(model=-0.5, length=-1.0, difficulty=0.0)
    truth = found(judged(10_000, law, "endless"), resamples=2).win_rate.centre
    ours = (
        length_controlled(judged(n, law, f"covers {trial}"), random=chance.numpy("covers", trial), resamples=resamples).win_rate
        for trial in range(trials)
    )
    return sum(each.low <= truth <= each.high for each in ours) / trials


@pytest.mark.long
def test_the_interval_covers_as_often_as_it_says() -> None:
    """Nominally 95%. Measured with other draws: 152 of 160; with the chosen penalty in each resample 120 of 150."""
    assert covered(80, trials=100, resamples=100) > 0.9


def test_where_the_penalty_takes_everything_the_interval_is_still_wide() -> None:
    ours = found(judged(60, Law(model=0.2, length=0.0, difficulty=0.0), "taken 1"), difficulty=[0.0] * 60, resamples=200)
    assert ours.win_rate.high - ours.win_rate.low > 0.05
    assert ours.win_rate.low <= ours.win_rate.centre <= ours.win_rate.high


def test_the_same_key_gives_the_same_interval() -> None:
    ours = judged(50, Law(), "again")
    assert found(ours) == found(ours)


def test_between_two_models_their_difference_counts() -> None:
    one, two, hard = Coefficients(-1.5, 0.8, 0.3), Coefficients(-1.2, 1.0, -0.4), [0.0, 1.0, -2.0]
    by_hand = np.mean([1 / (1 + math.exp(-(0.7 - 0.2 * each))) for each in hard])
    assert between(one, two, hard) == pytest.approx(by_hand)
    assert between(one, two, hard) + between(two, one, hard) == pytest.approx(1)


def test_difficulty_goes_by_place_or_by_index() -> None:
    ours = judged(12, Law(index=True), "index")
    assert aligned(ours, [float(each) for each in range(12)]).tolist() == [0, 3, 6, 9]
    plain = [replace(each, others={}) for each in ours]
    assert aligned(plain, [4.0, 3.0, 2.0, 1.0]).tolist() == [4, 3, 2, 1]


def test_what_does_not_fit_is_said() -> None:
    ours = judged(12, Law(), "fits")
    with pytest.raises(ValueError, match="11 difficulties for 12 items that have no index"):
        found(ours, difficulty=[0.0] * 11)
    with pytest.raises(ValueError, match="finite number"):
        found(ours, difficulty=[math.nan] * 12)
    with pytest.raises(ValueError, match=r"item 3: index is a whole number from 0 to 8, got 9"):
        found(judged(12, Law(index=True), "fits"), difficulty=[0.0] * 9)
    with pytest.raises(ValueError, match="all 12 pairs of answers differ by 1 characters"):
        found([replace(each, output_1="a", output_2="ab") for each in ours])
    with pytest.raises(ValueError, match="at least 2 instructions, got 1"):
        found([replace(each, instruction="one") for each in ours])
    with pytest.raises(ValueError, match="at least 5 graded rows, got 3"):
        found(ours[:3])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("preference", "liking", "has no column preference; it has model, index"),
        ("concise,1,", "concise,0,", r"line 3: index 0 has difficulty"),
        ("concise,0,", "concise,zero,", "line 2: index is a number, got 'zero'"),
        ("concise,0,", "concise,-1,", "line 2: index is a whole number from 0"),
        (",False", ",No", "line 2: not_gamed_baseline is True or False, got 'No'"),
        (",False", "", "line 2: has another number of cells"),
    ],
)
def test_a_torn_file_of_gamed_baselines_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "df_gamed.csv"
    write_gamed(file, 6, "torn")
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match=said):
        read_gamed_baselines(file)


def test_gamed_rows_without_a_preference_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "df_gamed.csv"
    file.write_text(
        "model,index,std_delta_len,instruction_difficulty,preference,not_gamed_baseline\n"
        "concise,0,0.5,1.25,0.75,False\nconcise,1,-0.5,2.5,,False\n"
    )
    ours = read_gamed_baselines(file)
    assert (ours.ungraded, ours.difficulty, ours.shares.tolist()) == (1, (1.25, 2.5), [0.75])
    file.write_text(file.read_text().replace("0.75", "1.75"))
    with pytest.raises(ValueError, match=r"preference is a share from 0 to 1 in this file, got 1\.75"):
        read_gamed_baselines(file)


def test_a_file_of_difficulties(tmp_path: Path) -> None:
    file = tmp_path / "instruction_difficulty.csv"
    file.write_text(",instruction_difficulty\n0,1.5\n1,-0.25\n")
    assert read_difficulty(file) == (1.5, -0.25)
    file.write_text(",instruction_difficulty\n0,1.5\n2,-0.25\n")
    with pytest.raises(ValueError, match="line 3: expected index 1, got '2'"):
        read_difficulty(file)
    file.write_text("instruction_difficulty\n1.5\n")
    with pytest.raises(ValueError, match="expected an index and a difficulty, got 1 columns"):
        read_difficulty(file)
