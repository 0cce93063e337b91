"""WildBench's two numbers (Lin et al. 2024, 2406.04770): WB-Score from ratings, WB-Reward from pairs with a margin for length."""

from dataclasses import replace
from typing import TYPE_CHECKING

from genlab.evaluation.judges.judging import Verdict
from genlab.evaluation.judges.pairs import Compared

if TYPE_CHECKING:
    from genlab.evaluation.judges.results import Item

MARGIN = 500  # characters; allenai/WildBench, the leaderboard's introduction, 3.4: "We set K=500 by default"
SLIGHT = 0.5  # the reward of a slight win


def rescaled(rating: float) -> float:
    """WB-Score of a rating: from -8 to 10, 0 where a rating is 5.

    allenai/WildBench, view_wb_eval.py: "(sum(scores) / len(scores) - 5) * 2"; its leaderboard shows ten times that.

    >>> rescaled(5), rescaled(7.5), rescaled(10)
    (0, 5.0, 10)
    """
    return (rating - 5) * 2


def with_margin(value: float, longer: int, margin: int | None) -> float:
    """The reward of an answer, a slight win of the longer by more than ``margin`` characters (K) made a tie.

    >>> with_margin(0.5, 501, 500), with_margin(0.5, 500, 500), with_margin(-0.5, -501, 500), with_margin(1.0, 900, 500)
    (0.0, 0.5, 0.0, 1.0)

    Args:
        value: from -1 to 1; below 0 the other answer is better.
        longer: by how many characters the answer is longer than the other.
        margin: K; None is no margin.
    """
    if margin is None or abs(value) != SLIGHT:
        return value
    return 0.0 if (longer > margin if value > 0 else -longer > margin) else value


def reward_of(compared: Compared, longer: int, margin: int | None) -> float | None:
    """WB-Reward of a pair: the mean of both orders, from -1 to 1; None where one of them is ungraded.

    Args:
        compared: each verdict of what stood first, from -1 to 1.
        longer: by how many characters the model's answer is longer than the reference's.
        margin: K; None is no margin.
    """
    if compared.forward.value is None or compared.backward.value is None:
        return None
    both = (-compared.forward.value, compared.backward.value)  # of the model: it stands second, then first
    return sum(with_margin(each, longer, margin) for each in both) / 2


def reward(item: "Item", margin: int | None) -> float | None:
    """WB-Reward of an item; None where it has none."""
    if item.compared is None or not item.answers:
        return None
    return reward_of(item.compared, len(item.answers[-1]) - len(item.reference), margin)


def as_preference(compared: Compared) -> Compared:
    """The same comparison with each verdict, of what stood first and from -1 to 1, as a preference from 1 (first) to 2."""

    def turned(verdict: Verdict) -> Verdict:
        return verdict if verdict.value is None else replace(verdict, value=1.5 - verdict.value / 2)

    return replace(compared, forward=turned(compared.forward), backward=turned(compared.backward))
