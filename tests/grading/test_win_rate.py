"""Win rates: against alpaca-eval's numbers (oracles/alpaca_eval_numbers.json) and counting by hand."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.grading.judged_pairs import CASES, Law, judged

from genlab import chance
from genlab.grading.annotations import Annotation, annotations_of
from genlab.grading.win_rate import WinRate, win_rate

REFERENCE = json.loads((Path(__file__).parent / "oracles/alpaca_eval_numbers.json").read_text())["cases"]


def found(annotations: Sequence[Annotation], resamples: int = 200) -> WinRate:
    return win_rate(annotations, random=chance.numpy("win rate"), resamples=resamples)


def preferences(*values: float | None) -> list[Annotation]:
    return [Annotation(f"{place}", "a", "b", "base", "model", "judge", each) for place, each in enumerate(values)]


@pytest.mark.parametrize("case", CASES)
def test_the_reference_says_the_same(case: str) -> None:
    n, law, _ = CASES[case]
    ours, theirs = found(judged(n, law, case)), REFERENCE[case]["metrics"]
    assert 100 * ours.win_rate.centre == pytest.approx(theirs["win_rate"], abs=1e-10)
    assert 100 * ours.standard_error == pytest.approx(theirs["standard_error"], abs=1e-10)
    assert 100 * ours.discrete_win_rate.centre == pytest.approx(theirs["discrete_win_rate"], abs=1e-10)
    counts = (theirs["n_wins"], theirs["n_wins_base"], theirs["n_draws"], theirs["n_total"])
    assert (ours.wins, ours.losses, ours.ties, ours.graded) == counts


def test_ungraded_judgements_count_beside_and_never_as_losses() -> None:
    ours = found(preferences(2, None, 1.5, None, 1, 1.8))
    assert ours.win_rate.centre == pytest.approx((1 + 0.5 + 0 + 0.8) / 4)
    assert ours.discrete_win_rate.centre == (1 + 0.5 + 0 + 1) / 4
    assert (ours.wins, ours.losses, ours.ties, ours.ungraded, ours.graded) == (2, 1, 1, 2, 4)


def test_the_interval_is_over_instructions() -> None:
    once = judged(60, Law(), "once")
    thrice = [each for each in once for _ in range(3)]
    assert found(thrice).win_rate.n == 60
    assert found(thrice).win_rate.low == pytest.approx(found(once).win_rate.low, abs=0.005)
    assert found(thrice).standard_error < found(once).standard_error  # the reference's knows nothing of that


def test_exchanging_the_answers_gives_the_other_share() -> None:
    ours = judged(60, Law(ties=7, ungraded=20), "exchanged")
    there, back = found(ours), found([each.swapped() for each in ours])
    assert there.win_rate.centre == pytest.approx(1 - back.win_rate.centre)
    assert (there.wins, there.ties, there.ungraded) == (back.losses, back.ties, back.ungraded)


@pytest.mark.parametrize("name", ["generator_1", "generator_2", "annotator"])
def test_numbers_of_several_are_not_mixed(name: str) -> None:
    one, two = preferences(1, 2)
    with pytest.raises(ValueError, match=f"of one {name}, got 2: .*another"):
        found([one, *annotations_of([vars(two) | {name: "another"}])])


def test_too_few_are_said() -> None:
    with pytest.raises(ValueError, match="got none"):
        found([])
    with pytest.raises(ValueError, match=r"at least 2 instructions, got 1 \(2 of 3 judgements are ungraded\)"):
        found(preferences(1, None, None))
