"""What one judge's verdicts come to: win rates, ratings and the judge's biases, with intervals over questions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from genlab import chance
from genlab.evaluation.judges.results import Item, Judged
from genlab.evaluation.judges.rewards import rescaled, reward
from genlab.grading.annotations import Annotation
from genlab.grading.gamed_baselines import GamedBaselines
from genlab.grading.judge_bias import PositionBias, SelfPreference, Verbosity, position_bias, self_preference, verbosity
from genlab.grading.length_control import LengthControlled, length_controlled
from genlab.grading.win_rate import WinRate, win_rate
from genlab.intervals import CONFIDENCE, RESAMPLES, Interval, cluster_bootstrap

CONTROLLED_RESAMPLES = 200  # our assumption: each fits anew, in 2 to 30 milliseconds (docs/log.md)

T = TypeVar("T")


@dataclass(frozen=True)
class Summary:
    """Numbers of one ``Judged``; what could not be computed is None, and ``notes`` says why.

    Attributes:
        judged: whose numbers they are.
        n: items that count; ``ungraded`` and ``unanswered`` do not.
        average_characters: mean length of the model's answers, over all turns.
        win_rate: of the model over the reference, by preferences from both orders (AlpacaEval).
        length_controlled: the same at equal lengths.
        position, verbosity: what else moves the judge.
        ratings: from 1 to 10: "turn 1", "turn 2", "mean" and each category (MT-Bench); "mean" and each primary_tag (WildBench).
        score: WB-Score, (mean rating - 5) * 2: from -8 to 10.
        reward: WB-Reward, from -1 to 1, with the margin of ``judged``.
        notes: what is missing, and why.
    """

    judged: Judged
    n: int
    ungraded: int
    unanswered: int
    average_characters: float | None
    win_rate: WinRate | None = None
    length_controlled: LengthControlled | None = None
    position: PositionBias | None = None
    verbosity: Verbosity | None = None
    ratings: Mapping[str, Interval] = field(default_factory=dict)
    score: Interval | None = None
    reward: Interval | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _How:
    """Options of the intervals."""

    gamed: GamedBaselines | None
    resamples: int
    controlled_resamples: int
    confidence: float


class _Tries:
    """Computes what can be, and keeps what the others said."""

    def __init__(self, judged: Judged, seed: int) -> None:
        self.key = (seed, judged.benchmark, judged.questions, judged.model, judged.judge, judged.settings)
        self.notes: list[str] = []

    def __call__(self, what: str, compute: Callable[[np.random.Generator], T]) -> T | None:
        try:
            return compute(chance.numpy("judged", *self.key, what))
        except ValueError as error:
            self.notes.append(f"{what}: {error}")
            return None


def summary(
    judged: Judged,
    *,
    gamed: GamedBaselines | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    controlled_resamples: int = CONTROLLED_RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Summary:
    """The numbers of one judge, model and benchmark.

    Args:
        judged: from ``results.read``.
        gamed: AlpacaEval's gamed baselines; with them the length-controlled win rate is that of its leaderboard's kind.
        seed: of the resampling.
        resamples: of the bootstraps.
        controlled_resamples: of the length-controlled win rate's, each of which fits anew.
        confidence: of the intervals.
    """
    compute = {"alpaca_eval": _alpaca_eval, "mt_bench": _mt_bench, "wild_bench": _wild_bench}[judged.benchmark]
    tries = _Tries(judged, seed)
    lengths = [sum(map(len, each.answers)) / len(each.answers) for each in judged.items if each.answers]
    n = len(judged.graded)
    mean = float(np.mean(lengths)) if lengths else None
    how = _How(gamed, resamples, controlled_resamples, confidence)
    found = compute(judged, tries, how)
    return Summary(judged, n, judged.ungraded, judged.unanswered, mean, **found, notes=tuple(tries.notes))


def favouritism(
    judged: Sequence[Judged], *, families: Mapping[str, str], seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, SelfPreference | str]:
    """Each judge's preference for its own family's answers, where other families' judges saw the same pairs; else why not.

    Args:
        judged: AlpacaEval's results, of several judges.
        families: of every model, reference and judge.
        seed: of the resampling.
        resamples: of the intervals.
    """
    annotations: list[Annotation] = [note for each in judged if each.benchmark == "alpaca_eval" for note in each.annotations()]
    found: dict[str, SelfPreference | str] = {}
    for judge in sorted({each.annotator for each in annotations}):
        random = chance.numpy("judged", seed, "self-preference", judge)
        try:
            found[judge] = self_preference(annotations, judge=judge, families=families, random=random, resamples=resamples)
        except ValueError as error:
            found[judge] = str(error)
    return found


def _alpaca_eval(judged: Judged, tries: _Tries, how: _How) -> dict[str, Any]:
    annotations = judged.annotations()
    usual: dict[str, Any] = {"resamples": how.resamples, "confidence": how.confidence}
    controlled: dict[str, Any] = usual | {"resamples": how.controlled_resamples, "gamed": how.gamed}
    return {
        "win_rate": tries("win rate", lambda random: win_rate(annotations, random=random, **usual)),
        "length_controlled": tries(
            "length-controlled win rate", lambda random: length_controlled(annotations, random=random, **controlled)
        ),
        "position": tries("position bias", lambda random: position_bias(judged.as_seen(), random=random, **usual)),
        "verbosity": tries("verbosity", lambda random: verbosity(annotations, random=random, **usual)),
    }


def _mt_bench(judged: Judged, tries: _Tries, how: _How) -> dict[str, Any]:
    turns = range(max((len(each.ratings) for each in judged.items), default=0))
    groups = {f"turn {turn + 1}": _rated(judged.items, [turn]) for turn in turns}
    return {"ratings": _means(groups | _grouped(judged.items, turns), tries, how)}


def _wild_bench(judged: Judged, tries: _Tries, how: _How) -> dict[str, Any]:
    ratings = _means(_grouped(judged.items, [0]), tries, how)
    mean = ratings.get("mean")
    found: dict[str, Any] = {"ratings": ratings, "score": None if mean is None else _rescaled(mean)}
    compared = [each for each in judged.items if each.compared is not None]
    if not compared:
        return found
    known = [(reward(each, judged.margin), each.sample) for each in compared]
    rewards = [(value, sample) for value, sample in known if value is not None]
    usual: dict[str, Any] = {"resamples": how.resamples, "confidence": how.confidence}
    found["reward"] = tries("WB-Reward", lambda random: _mean(rewards, random, how, (-1.0, 1.0)))
    found["position"] = tries("position bias", lambda random: position_bias(judged.as_seen(), random=random, **usual))
    return found


Values = list[tuple[float, str]]  # each with its question


def _grouped(items: Sequence[Item], turns: Sequence[int]) -> dict[str, Values]:
    """The ratings of all items, and of each category's."""
    groups = {"mean": _rated(items, turns)}
    for category in sorted({each.category for each in items if each.category}):
        groups[category] = _rated([each for each in items if each.category == category], turns)
    return groups


def _rated(items: Sequence[Item], turns: Sequence[int]) -> Values:
    """The readable ratings of some turns."""
    rated = [(each.ratings[turn], each.sample) for turn in turns for each in items if turn < len(each.ratings)]
    return [(value, sample) for value, sample in rated if value is not None]


def _means(groups: Mapping[str, Values], tries: _Tries, how: _How) -> dict[str, Interval]:
    found = {}
    for name, values in groups.items():

        def mean(random: np.random.Generator, values: Values = values) -> Interval:
            return _mean(values, random, how, (1.0, 10.0))

        interval = tries(name, mean)
        if interval is not None:
            found[name] = interval
    return found


def _mean(values: Values, random: np.random.Generator, how: _How, span: tuple[float, float]) -> Interval:
    """A mean over questions; the turns of one hang together."""
    questions = [question for _, question in values]
    if len(set(questions)) < 2:
        raise ValueError(f"an interval needs verdicts on at least 2 questions, got {len(set(questions))}")
    numbers = [value for value, _ in values]
    return cluster_bootstrap(numbers, questions, random=random, resamples=how.resamples, confidence=how.confidence, span=span)


def _rescaled(mean: Interval) -> Interval:
    return Interval(rescaled(mean.centre), rescaled(mean.low), rescaled(mean.high), mean.n, mean.confidence)
